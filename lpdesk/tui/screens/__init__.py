"""The desk and the pages beside it."""
