"""What a stand-in is like: its habits, and the moods that make it misbehave.

A mood is one way to treat one request. A personality gives each mood a probability; a script queues
moods to be used once. Both are the same vocabulary, so whatever can be a character can be a test.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum, auto
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

from starlette.responses import Response

from lpdesk.sandbox.market import PAIRS

Kind = Literal[
    "rest", "stream", "fix", "fix-stream", "b2c2", "b2c2-stream", "b2trader", "trade_desk", "zerox",
    "cumberland", "oneinch", "oneinch-fusion",
]  # fmt: skip


class Stage(Enum):
    """The kinds of request (or tick) that a mood can colour."""

    ANY = auto()
    QUOTE = auto()
    EXECUTE = auto()
    STATUS = auto()
    TICK = auto()


class Mood(StrEnum):
    """One way to misbehave; the comment says at which stage, the value is its name in TOML."""

    DARK = "dark"  # any: refuse with 503, drop streams

    HANG_QUOTE = "hang-quote"  # quote: never answer
    SMALLER = "smaller"  # quote: half of what was asked
    FADE = "fade"  # quote: a worse price each time the same side is asked again
    REPEAT_ID = "repeat-id"  # quote, tick: the previous quote's id on a new price
    WRONG_SYMBOL = "wrong-symbol"  # quote: another pair's price; tick: names another pair
    OVERSTATE_VALIDITY = "overstate-validity"  # quote, tick: says ten times the truth

    REJECT = "reject"  # execute: last look, rejected after the hold
    PICK = "pick"  # execute: rejected if the market moved for the client since the quote
    HANG_EXECUTE = "hang-execute"  # execute: nothing booked, never answered
    HANG_AFTER_FILL = "hang-after-fill"  # execute: booked, never answered
    RESET_BEFORE_FILL = "reset-before-fill"  # execute: nothing booked, connection reset
    RESET_AFTER_FILL = "reset-after-fill"  # execute: booked, connection reset
    ERROR_AFTER_FILL = "error-after-fill"  # execute: booked, answered with 500
    HIDE_FILL = "hide-fill"  # execute: booked, answered with 504, status 404 for `hide_ms`
    DOUBLE_FILL = "double-fill"  # execute: booked twice under one client order id
    WORSE_FILL = "worse-fill"  # execute: filled `slip_bps` worse than quoted
    LARGER_FILL = "larger-fill"  # execute: filled for twice the quantity
    PARTIAL = "partial"  # execute: half filled, final
    BUST = "bust"  # execute, FIX: filled, and taken back at once
    PENDING = "pending"  # execute: half filled, the rest never heard of again

    HANG_STATUS = "hang-status"  # status: never answer
    LOSE_STATUS = "lose-status"  # status: 404 for an execution that exists

    GAP = "gap"  # tick: a sequence number is skipped
    REORDER = "reorder"  # tick: sent with the sequence before the last one
    REPEAT_TICK = "repeat-tick"  # tick: the same message twice
    CROSS = "cross"  # tick: bid above ask
    FREEZE = "freeze"  # tick: no quote, heartbeats go on
    DROP = "drop"  # tick: the connection is reset


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A scripted answer, byte for byte, in place of the true one.

    At the execute stage the fill is booked first: this is the LP whose answer got lost or mangled.
    """

    stage: Stage
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """The answer to send."""
        return Response(self.body, self.status, dict(self.headers), "application/json")


_MOODS_AT: Final[Mapping[Stage, frozenset[Mood]]] = {
    Stage.ANY: frozenset({Mood.DARK}),
    Stage.QUOTE: frozenset(
        {Mood.HANG_QUOTE, Mood.SMALLER, Mood.FADE}
        | {Mood.REPEAT_ID, Mood.WRONG_SYMBOL, Mood.OVERSTATE_VALIDITY}
    ),
    Stage.EXECUTE: frozenset(
        {Mood.REJECT, Mood.PICK, Mood.HANG_EXECUTE, Mood.HANG_AFTER_FILL, Mood.RESET_BEFORE_FILL}
        | {Mood.RESET_AFTER_FILL, Mood.ERROR_AFTER_FILL, Mood.HIDE_FILL, Mood.DOUBLE_FILL}
        | {Mood.WORSE_FILL, Mood.LARGER_FILL, Mood.PARTIAL, Mood.BUST, Mood.PENDING}
    ),
    Stage.STATUS: frozenset({Mood.HANG_STATUS, Mood.LOSE_STATUS}),
    Stage.TICK: frozenset(
        {Mood.GAP, Mood.REORDER, Mood.REPEAT_TICK, Mood.CROSS, Mood.FREEZE, Mood.DROP}
        | {Mood.REPEAT_ID, Mood.WRONG_SYMBOL, Mood.OVERSTATE_VALIDITY}
    ),
}


def applies(mood: Mood | Verbatim, stage: Stage) -> bool:
    """Whether `mood` colours requests of `stage`."""
    if isinstance(mood, Verbatim):
        return mood.stage is stage
    return mood in _MOODS_AT[stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """The habits of one stand-in. Names end in their unit; rates are per second."""

    name: str
    kind: Kind = "rest"
    tier: int = 1
    pairs: tuple[str, ...] = tuple(PAIRS)
    latency_ms: tuple[int, int, int] = (5, 15, 50)  # least, median, most
    half_spread_bps: Decimal = Decimal(1)
    skew_bps: Decimal = Decimal(0)  # moves bid and ask together
    jitter_bps: Decimal = Decimal("0.15")  # its own view of the mid, new for each quote
    impact_bps_per_million: Decimal = Decimal("0.1")  # added to the half spread, by notional
    min_notional: Decimal = Decimal(10)  # in quote units
    max_notional: Decimal = Decimal(20_000_000)
    stream_notional: Decimal = Decimal(500_000)  # size shown on each side of a stream
    book_levels: int = 1  # on each side of a book, all of that size
    level_step_bps: Decimal = Decimal(1)  # from one level to the next
    validity_ms: int = 8_000
    hold_ms: int = 0  # last look
    fee_bps: Decimal = Decimal(0)
    ticks_per_second: int = 4  # for each subscribed symbol
    rate_per_second: int = 20
    timeout_seconds: float = 2.0  # what its documentation tells clients to use
    clock_skew_ms: int = 0
    flap_ms: int = 0  # well for so long, dark for so long, for ever; 0 = never
    fade_bps: Decimal = Decimal("0.5")
    slip_bps: Decimal = Decimal(5)
    hide_ms: int = 3_000
    issue: str = ""  # swaps: "allowance" or "balance", why a quote would fail as things are
    moods: Mapping[Mood, float] = field(default_factory=dict)  # probability for each request

    def __post_init__(self) -> None:
        strangers = [symbol for symbol in self.pairs if symbol not in PAIRS]
        if strangers:
            raise ValueError(f"{self.name}: the sandbox market has no {', '.join(strangers)}")
        object.__setattr__(self, "moods", MappingProxyType(dict(self.moods)))


def load_cast(cast: str) -> tuple[Personality, ...]:
    """The personalities of `cast`, in file order; ValueError if there is no such cast."""
    text = files(__package__).joinpath("personalities.toml").read_text(encoding="utf-8")
    casts = tomllib.loads(text, parse_float=Decimal)
    if cast not in casts:
        raise ValueError(f"no cast {cast!r}; there are {', '.join(sorted(casts))}")
    members = dict(casts[cast])
    if base := members.pop("extends", None):
        members = casts[base] | members
    return tuple(_personality(name, habits) for name, habits in members.items())


def _personality(name: str, habits: dict[str, Any]) -> Personality:
    read: dict[str, Any] = dict(habits)
    for key in habits.keys() & {"pairs", "latency_ms"}:
        read[key] = tuple(habits[key])
    for key in habits.keys() & _DECIMAL_FIELDS:
        read[key] = Decimal(habits[key])
    if "timeout_seconds" in habits:
        read["timeout_seconds"] = float(habits["timeout_seconds"])
    read["moods"] = {Mood(mood): float(chance) for mood, chance in habits.get("moods", {}).items()}
    return Personality(name=name, **read)


_DECIMAL_FIELDS: Final = frozenset(
    name for name, kind in Personality.__annotations__.items() if kind is Decimal
)
