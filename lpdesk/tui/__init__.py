"""The screen: it looks at a session and submits commands, and knows nothing else of the desk."""
