"""Frozen screen state, folded from the journal's events: the only thing a screen looks at."""

from lpdesk.views.blotter import TradeRow
from lpdesk.views.breaks import BreakRow, Breaks, RunRow
from lpdesk.views.desk import fold
from lpdesk.views.ladder import BookTrade, MakerView, Point
from lpdesk.views.leaderboard import Row
from lpdesk.views.lineage import Lineage, lineage
from lpdesk.views.quotes import Card
from lpdesk.views.scores import Scorecard
from lpdesk.views.state import DeskView
from lpdesk.views.status import LpRow, MarketRow, Notice, Status
from lpdesk.views.webhooks import HookRow

__all__ = [
    "BookTrade",
    "BreakRow",
    "Breaks",
    "Card",
    "DeskView",
    "HookRow",
    "Lineage",
    "LpRow",
    "MakerView",
    "MarketRow",
    "Notice",
    "Point",
    "Row",
    "RunRow",
    "Scorecard",
    "Status",
    "TradeRow",
    "fold",
    "lineage",
]
