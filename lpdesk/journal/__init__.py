"""The journal: what happened, in order, chained by hashes and durable before anything goes out."""
