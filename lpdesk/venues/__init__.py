"""LP adapters: effects of the desk go out to the LPs, what they say comes back as reports."""
