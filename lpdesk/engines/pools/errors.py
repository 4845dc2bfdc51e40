"""Why a pool gives no amount."""

from __future__ import annotations


class NoSwap(ValueError):
    """The pool cannot do this swap: nothing asked, too much asked, or a pool that is unusable."""
