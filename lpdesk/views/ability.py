"""What an LP can do, in the dealer's words."""

from __future__ import annotations

from lpdesk.domain.capabilities import Capabilities, Word
from lpdesk.domain.settings import Lp
from lpdesk.views import words


def promises(lp: Lp) -> tuple[str, ...]:
    """What its prices are, and what may be asked of it."""
    can = lp.can
    return (Word.INDICATIVE.value if lp.only_shown else can.word.value, *asked(can))


def asked(can: Capabilities) -> tuple[str, ...]:
    """How its prices come, in which asset amounts may be, and whether a part may be dealt."""
    ways = {"asked": can.rfq, "streams": can.streams}
    assets = {"base": can.base_amounts, "quote": can.quote_amounts}
    return (
        " and ".join(word for word, is_so in ways.items() if is_so),
        "amounts in " + " and ".join(word for word, is_so in assets.items() if is_so),
        *([] if can.buys else ["for sales only"]),
        *(["in part"] if can.divisible else []),
    )


def tells(can: Capabilities) -> tuple[str, ...]:
    """What it says by itself, and what it says when it is asked later."""
    holds = can.validity_ns
    return (
        "each price says how long" if holds is None else f"a price holds {words.seconds(holds)}",
        f"outcome {can.found.value}",
        "lists its deals" if can.lists else "gives no list",
    )


def limits(lp: Lp) -> tuple[str, ...]:
    """Sizes in base units, and how often it may be asked."""
    most = None if lp.maximum is None else words.amount(lp.maximum, 18)
    sizes = {"from": lp.minimum, "lots of": lp.lot}
    return (
        *(f"{word} {words.amount(size, 18)}" for word, size in sizes.items() if size),
        f"up to {most}" if most else "any size" if not lp.minimum else "no maximum",
        f"{words.amount(lp.rate_per_second, 3)} requests a second",
    )
