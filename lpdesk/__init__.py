"""lpdesk: a full-screen RFQ trading desk for the terminal."""

__version__ = "0.1.0"
