"""The LPs' scorecards as the desk last said them."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.scoring import BANDS, Score
from lpdesk.domain.values import Instant


class Cell(Struct, frozen=True):
    """An LP's record in one pair, side and size band."""

    symbol: str
    side: str
    band: str
    score: Score


class Scorecard(Struct, frozen=True):
    """One LP: its whole record, and by pair, side and band."""

    lp: str
    score: Score = Score()
    cells: tuple[Cell, ...] = ()


def scored(cards: tuple[Scorecard, ...], event: ev.LpScored, at: Instant) -> tuple[Scorecard, ...]:
    """The cards with what was said, by LP and then by cell."""
    known = {card.lp: card for card in cards}
    card = known.get(event.lp, Scorecard(event.lp))
    if event.symbol:
        cell = Cell(event.symbol, event.side, event.band, event.score)
        cells = {_place(old): old for old in card.cells} | {_place(cell): cell}
        card = replace(card, cells=tuple(cells[place] for place in sorted(cells)))
    else:
        card = replace(card, score=event.score)
    known[event.lp] = card
    return tuple(known[lp] for lp in sorted(known))


def _place(cell: Cell) -> tuple[str, str, int]:
    return cell.symbol, cell.side, BANDS.index(cell.band) if cell.band in BANDS else len(BANDS)
