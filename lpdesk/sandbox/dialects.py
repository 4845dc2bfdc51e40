"""Which stand-ins speak something else than the default protocol over HTTP."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.applications import Starlette

from lpdesk.sandbox import b2c2, b2trader, trade_desk
from lpdesk.sandbox.venue import Venue

APPS: Final[Mapping[str, Callable[[Venue], Starlette]]] = {
    "b2c2": b2c2.app,
    "b2trader": b2trader.app,
    "trade_desk": trade_desk.app,
}
"""Kind of LP -> what makes a venue's voice."""
