"""Verbs of the desk: pure and synchronous. They meet only in `lpdesk.desk`."""
