"""Reference prices: the public top of book of large exchanges."""
