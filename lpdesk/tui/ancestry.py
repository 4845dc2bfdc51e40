"""A lineage as a tree: chapters, what is in them, and how long after its beginning each was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event
from lpdesk.domain.settings import Pair, Settings
from lpdesk.domain.values import SECOND, Instant
from lpdesk.tui.tellings import name_of, request, said
from lpdesk.tui.widgets.lines import Ink, Line, Span
from lpdesk.views import Lineage, words
from lpdesk.views.lineage import Step

_BRANCH, _LAST, _DOWN, _NONE = "├─ ", "└─ ", "│  ", "   "
_MANY: Final = 400
"""Events of one chapter that are drawn; a long request has thousands of prices."""


class Branch(NamedTuple):
    """One line of the tree: when, in which record, what hangs before it, what it says.

    The head of a chapter has neither time nor record: those are its events'. `ref` is what the line
    leads to: a trade, a settlement, a webhook.
    """

    at: Instant | None
    seq: int | None
    limb: str
    text: Line
    ref: str = ""


class Twig(NamedTuple):
    """What one line says, before it hangs anywhere."""

    text: Line
    at: Instant | None = None
    seq: int | None = None
    ref: str = ""


class Chapter(NamedTuple):
    """A title, something dim beside it, and what is in it."""

    title: str
    head: str
    twigs: Sequence[Twig]


class Kind(NamedTuple):
    """A chapter of events: its title, the events in it, and its head line from them."""

    title: str
    kinds: tuple[type, ...]
    head: Callable[[Sequence[Step]], str]


PairOf = Callable[[Event], "Pair | None"]
"""The pair whose decimals an event's figures have."""


def branches(of: Lineage, settings: Settings) -> list[Branch]:
    """The tree of a trade, the request at its root; nothing for a trade that is not known."""
    root = next((s for s in of.steps if isinstance(s.event, ev.RfqOpened)), None)
    if root is None or not isinstance(root.event, ev.RfqOpened):
        return []
    pair = settings.pair(root.event.symbol)
    trunk = Twig(request(root.event, pair), root.at, root.seq)
    return tree(trunk, chapters(of, _CHAPTERS, _QUIET, lambda event: pair))


def chapters(
    of: Lineage,
    kinds: Sequence[Kind],
    quiet: tuple[type, ...],
    pair_of: PairOf,
    name: Callable[[Event], str] = name_of,
) -> list[Chapter]:
    """All its events in their chapters; those that no chapter knows in one before the last.

    `name` is what stands in front of an event's words.
    """
    placed = [(kind, [s for s in of.steps if isinstance(s.event, kind.kinds)]) for kind in kinds]
    known = {step for _, steps in placed for step in map(id, steps)}
    rest = [s for s in of.steps if id(s) not in known and not isinstance(s.event, quiet)]
    placed.insert(-1, (Kind("also", (), count), rest))
    return [
        Chapter(kind.title, kind.head(steps), told(steps, of.name, pair_of, name))
        for kind, steps in placed
        if steps
    ]


def told(
    steps: Sequence[Step], of: str, pair_of: PairOf, name: Callable[[Event], str]
) -> list[Twig]:
    """What the last of these events say, a line or more each."""
    names = [name(step.event) for step in steps]
    width = max(map(cell_len, names))
    twigs = [
        Twig(line, step.at, step.seq, _ref(step.event, of))
        for step, lead in [*zip(steps, names, strict=True)][-_MANY:]
        for line in said(step.event, pair_of(step.event), _padded(lead, width))
    ]
    if len(steps) > _MANY:
        left = (Span(f"{len(steps) - _MANY} before are not shown", Ink.DIM),)
        twigs.insert(0, Twig(left, steps[0].at, steps[0].seq))
    return twigs


def _padded(name: str, width: int) -> str:
    return name + " " * (width - cell_len(name) + 2) if width else ""


def tree(trunk: Twig, chapters: Sequence[Chapter]) -> list[Branch]:
    """Everything in its place."""
    grown = [Branch(trunk.at, trunk.seq, "", trunk.text, trunk.ref)]
    for number, chapter in enumerate(chapters, 1):
        grown += _chapter(chapter, last=number == len(chapters))
    return grown


def _chapter(chapter: Chapter, *, last: bool) -> Iterable[Branch]:
    limb, below = (_LAST, _NONE) if last else (_BRANCH, _DOWN)
    head = Span(f"  {chapter.head}" if chapter.head else "", Ink.DIM)
    yield Branch(None, None, limb, (Span(chapter.title, Ink.TITLE), head))
    for number, (text, at, seq, ref) in enumerate(chapter.twigs, 1):
        limb = _LAST if number == len(chapter.twigs) else _BRANCH
        yield Branch(at, seq, below + limb, text, ref)


def _ref(event: Event, name: str) -> str:
    """What an event is about besides the one whose tree it is in."""
    names = (getattr(event, field, "") for field in ("event_id", "settlement_id", "trade_id"))
    return next((each for each in names if each and each != name), "")


def since(at: Instant, began: Instant) -> str:
    """How long after the beginning, as a time on an edge: +98 ms, +1.90 s, +3h29m."""
    passed = max(0, at - began)
    if passed < SECOND:
        return f"+{words.milliseconds(passed)} ms"
    return f"+{words.seconds(passed, 2) if passed < 60 * SECOND else words.age(passed)}"


# ---- the heads


def count(steps: Sequence[object]) -> str:
    """How many there are, where there are several."""
    return str(len(steps)) if len(steps) > 1 else ""


def _answers(steps: Sequence[Step]) -> str:
    priced = [s.event for s in steps if isinstance(s.event, ev.QuoteReceived)]
    lps = len({event.lp for event in priced})
    missed = sum(isinstance(s.event, ev.LpMissed | ev.LpSkipped) for s in steps)
    said = f"{len(priced)} from {lps} LP{'s' * (lps != 1)}"
    return f"{said}, {missed} without a price" if missed else said


HOLDS: Final = Kind("holds", (ev.HoldPlaced, ev.HoldDrawn, ev.HoldResolved), count)
POSTINGS: Final = Kind("postings", (ev.Transferred,), count)
_CHAPTERS: Final = (
    Kind("locks", (ev.QuoteLocked, ev.QuoteFixed, ev.QuoteUnlocked, ev.RfqRefreshed), count),
    Kind("accepted", (ev.TradeOpened,), lambda steps: ""),
    Kind("orders", (ev.OrderSent, ev.LegFilled, ev.LegRejected, ev.TradeUnknown,
                    ev.OrderQueried), count),
    HOLDS,
    POSTINGS,
    Kind("settlement", (ev.TradeExecuted, ev.Settling, ev.SettlementAttempted,
                        ev.TradeRejected), lambda steps: ""),
    Kind("webhooks", (ev.WebhookQueued, ev.WebhookTried, ev.WebhookResent), count),
    Kind("breaks", (ev.BreakFound, ev.BreakAssigned, ev.BreakClosed), count),
    Kind("ended", (ev.TradeSettled, ev.TradeFailed), lambda steps: ""),
    Kind("quotes", (ev.QuoteReceived, ev.LpMissed, ev.LpSkipped), _answers),
)  # fmt: skip
"""What became of it first; the prices that came, of which there are many, last."""

_QUIET: Final = (
    ev.RfqOpened, ev.LpAsked, ev.RoundEnded, ev.RfqEnded, ev.AcceptRepeated, ev.AutoRefreshSet,
)  # fmt: skip
"""What the others say already."""
