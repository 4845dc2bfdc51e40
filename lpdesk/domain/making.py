"""The market maker's words: its parameters with unit and limits, its terms per pair, its states."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from lpdesk.domain.values import BadNumber, number


class MakerState(StrEnum):
    """What the maker of one pair is doing."""

    ACTIVE = "ACTIVE"
    WAITING = "WAITING"  # no reference price, or it has just come back: comes back by itself
    PAUSED = "PAUSED"  # the price jumped, or a cap: comes back by itself at a stated time
    REDUCING = "REDUCING"  # position at its limit: only orders that shrink it
    HALTED = "HALTED"  # by hand, or by a loss: comes back by hand


class Parameter(NamedTuple):
    """One number that steers a maker. Names as Hummingbot's users know them where they agree."""

    unit: str
    default: Decimal
    lowest: Decimal
    highest: Decimal
    help: str


def _of(unit: str, default: str, lowest: str, highest: str, text: str) -> Parameter:
    return Parameter(unit, Decimal(default), Decimal(lowest), Decimal(highest), text)


PARAMETERS: dict[str, Parameter] = {
    "bid_spread": _of("bp", "5", "0.1", "1000", "first bid below the mid"),
    "ask_spread": _of("bp", "5", "0.1", "1000", "first ask above the mid"),
    "minimum_spread": _of("bp", "1", "0", "1000", "never closer to the mid than this"),
    "maximum_spread": _of("bp", "200", "1", "5000", "no level further from the mid than this"),
    "order_levels": _of("levels", "5", "1", "20", "quotes a side"),
    "order_level_spread": _of("bp", "5", "0.1", "1000", "between one level and the next"),
    "order_amount": _of("base", "0.5", "0", "100000000", "size of the first level"),
    "order_level_amount": _of("x", "0.5", "0", "10", "each level is larger by this share"),
    "order_refresh_time": _of("s", "0", "0", "3600", "shortest time between two ladders"),
    "order_refresh_tolerance_pct": _of("%", "0.005", "0", "10", "closer quotes keep their place"),
    "max_order_age": _of("s", "1800", "1", "86400", "older orders are placed afresh"),
    "filled_order_delay": _of("s", "1", "0", "3600", "no new ladder after a fill"),
    "inventory_target_base_pct": _of("%", "50", "0", "100", "share of base in the inventory"),
    "skew_factor": _of("x", "0.001", "0", "0.1", "mid moves by this at full skew"),
    "size_skew": _of("x", "0.5", "0", "1", "sizes lean by this at full skew"),
    "price_floor": _of("quote", "0", "0", "1000000000", "no bid below; 0: none"),
    "price_ceiling": _of("quote", "0", "0", "1000000000", "no ask above; 0: none"),
    "max_price_change": _of("bp", "100", "1", "5000", "a move of the window that pulls the ladder"),
    "price_window": _of("s", "60", "1", "3600", "the window for that"),
    "jump_pause": _of("s", "10", "0", "3600", "pause after a jump"),
    "stale_after": _of("s", "3", "0.1", "600", "a source without news is no source"),
    "max_position": _of("base", "10", "0", "100000000", "beyond: only orders that reduce it"),
    "max_drawdown": _of("quote", "50000", "0", "1000000000", "from the best P&L: halt; 0: none"),
    "max_loss": _of("quote", "50000", "0", "1000000000", "P&L below minus this: halt; 0: none"),
    "reference_settle": _of("s", "1", "0", "600", "a lost reference must last this long again"),
    "orders_per_second": _of("1/s", "500", "2", "100000", "cap on new orders"),
    "notional_per_second": _of("quote", "0", "0", "1000000000000", "cap on their value; 0: none"),
    "maker_fee": _of("bp", "0", "-10", "100", "of the exchange; negative is a rebate"),
    "taker_fee": _of("bp", "1", "0", "100", "of the exchange"),
    "risk_aversion": _of("x", "0.01", "0.000001", "1000", "avellaneda: gamma"),
    "order_depth": _of("x", "1.5", "0.000001", "1000000", "avellaneda: kappa"),
    "horizon": _of("s", "300", "1", "86400", "avellaneda: session length"),
}


class MakerTerms(Struct, frozen=True, kw_only=True):
    """One pair's maker. `parameters` that are not named have their defaults."""

    symbol: str
    strategy: str = "levels"
    parameters: dict[str, Decimal] = {}

    def __getitem__(self, name: str) -> Decimal:
        found = self.parameters.get(name)
        return PARAMETERS[name].default if found is None else found


SET_AT_START = ("maker_fee", "taker_fee")
"""Not while orders rest: what was held for them was held at these."""


def checked(name: str, value: object) -> Decimal:
    """A parameter's value within its limits. Raises `BadNumber` with the limits in words."""
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise BadNumber(f"no parameter {name}")
    amount = number(value)
    if not parameter.lowest <= amount <= parameter.highest:
        raise BadNumber(f"outside {parameter.lowest} to {parameter.highest} {parameter.unit}")
    if parameter.unit == "levels" and amount != int(amount):
        raise BadNumber("not a whole number of levels")
    return amount


class OrderKind(StrEnum):
    """How an order on our exchange treats what it cannot fill at once."""

    LIMIT = "limit"
    MARKET = "market"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post-only"


class Level(Struct, frozen=True):
    """One price of the book. `ours` is the maker's part, `ahead` what fills before it."""

    price: Decimal
    size: Decimal
    ours: Decimal
    ahead: Decimal
