"""The desk over HTTP: JSON:API documents, one more screen. It knows session, views and journal.

`routes.ROUTES` is the one table that drives the router, the checks of what comes in and the
published OpenAPI document.
"""
