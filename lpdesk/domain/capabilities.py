"""What an LP can do: how far its word goes, what it may be asked, what it says afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain.values import SECOND


class Word(StrEnum):
    """What an LP's price is worth."""

    FIRM = "firm"  # dealt on while it is valid
    LAST_LOOK = "last look"  # may still be rejected or killed
    INDICATIVE = "indicative"  # shown, never dealt


class Found(StrEnum):
    """How the outcome of an order is found when its answer was lost."""

    OUR_ID = "by our id"
    ITS_ID = "by its id"  # which the adapter has noted down before the order left
    NEVER = "not told"  # only a late answer, its list or a person can say


class Capabilities(Struct, frozen=True, kw_only=True):
    """One LP's abilities. What is a matter of terms (min, max, lot, rate) is in `settings.Lp`.

    `validity_ns`: how long a price holds that does not say so itself; None: each says. `divisible`:
    whether a part of what it quotes may be dealt, the order says how much. `buys`: whether an exact
    amount of base can be bought from it, not only sold to it. `verified`: whether the
    adapter was tried against somebody else's program, not only against our own stand-in.
    """

    word: Word = Word.LAST_LOOK
    rfq: bool = True
    streams: bool = False
    base_amounts: bool = True
    quote_amounts: bool = False
    buys: bool = True
    divisible: bool = False
    validity_ns: int | None = None
    found: Found = Found.OUR_ID
    lists: bool = True
    verified: bool = True


_STREAM: Final = Capabilities(rfq=False, streams=True, divisible=True)

KINDS: Final[Mapping[str, Capabilities]] = {
    "rest": Capabilities(),
    "stream": _STREAM,
    "trade_desk": Capabilities(word=Word.FIRM, quote_amounts=True),
    "fix": Capabilities(lists=False),
    "fix-stream": Capabilities(rfq=False, streams=True, divisible=True, lists=False),
    "b2c2": Capabilities(found=Found.ITS_ID, verified=False),
    "b2c2-stream": replace(_STREAM, validity_ns=5 * SECOND, verified=False),
    "b2trader": Capabilities(validity_ns=5 * SECOND, verified=False),
    "cumberland": Capabilities(streams=True, quote_amounts=True, verified=False),
    "pool": Capabilities(divisible=True, validity_ns=15 * SECOND, lists=False),
    "zerox": Capabilities(found=Found.ITS_ID, validity_ns=30 * SECOND, lists=False, verified=False),
    "oneinch": Capabilities(
        buys=False, found=Found.ITS_ID, validity_ns=30 * SECOND, lists=False, verified=False
    ),
    "oneinch-fusion": Capabilities(
        buys=False, found=Found.ITS_ID, validity_ns=30 * SECOND, lists=False, verified=False
    ),
    "book": Capabilities(divisible=True, validity_ns=10 * SECOND),
}
"""By kind of LP. An adapter whose options say otherwise has its own record as `capabilities`, and
so has one of somebody else's package; "book" is our own exchange."""


SIGNED_KINDS: Final = ("pool", "zerox", "oneinch", "oneinch-fusion")
"""Dealt by a transaction: without a signer they are for information only."""


@cache
def before(kind: str) -> Capabilities:
    """Of an LP in a journal from before this was recorded: how it was treated then."""
    streams = kind.endswith("stream")
    return Capabilities(streams=streams, divisible=streams or kind in ("book", "pool"))
