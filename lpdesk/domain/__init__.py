"""Nouns of the desk: frozen values, commands, reports, events. Pure: no clock, I/O or float."""
