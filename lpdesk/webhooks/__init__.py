"""Webhooks on their way out: signed, tried again, never to where they must not go.

What is owed and what came of it is the journal's; here is only the sending.
"""
