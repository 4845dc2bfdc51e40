"""Stand-ins that speak FIX 4.4, the acceptor's side, with a codec of their own.

Nothing here is shared with the adapter: two readings of one specification that must agree.
"""
