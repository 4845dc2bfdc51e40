"""Which stand-ins speak something else than the default protocol over HTTP."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from starlette.applications import Starlette

from lpdesk.sandbox import b2c2, b2trader, cumberland, oneinch, swaps, trade_desk
from lpdesk.sandbox.venue import Venue

Options: TypeAlias = dict[str, bool | int | str | tuple[str, ...]]

APPS: Final[Mapping[str, Callable[[Venue], Starlette]]] = {
    "b2c2": b2c2.app,
    "b2c2-stream": b2c2.app,
    "b2trader": b2trader.app,
    "cumberland": cumberland.app,
    "trade_desk": trade_desk.app,
    "zerox": swaps.app,
    "oneinch": oneinch.app,
    "oneinch-fusion": oneinch.fusion_app,
}
"""Kind of LP -> what makes a venue's voice."""

OPTIONS: Final[Mapping[str, Callable[[Venue, int], Options]]] = {
    "b2c2-stream": lambda venue, port: {"levels": b2c2.levels(venue)},
    "cumberland": lambda venue, port: {"counterparty": cumberland.COUNTERPARTY, "user": venue.key},
    "zerox": lambda venue, port: swaps.options(port),
    "oneinch": lambda venue, port: swaps.options(port),
    "oneinch-fusion": lambda venue, port: swaps.options(port),
}
"""Kind of LP -> the options that its clients need, once its port is known."""
