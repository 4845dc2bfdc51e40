"""The desk in a browser: a read-only view of a live journal, over textual-serve, on loopback."""
