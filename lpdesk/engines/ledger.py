"""Double-entry accounts: every movement sums to zero per asset; holds reserve before money moves.

Compute all, check all, commit. `available = balance - holds`, never below zero except on accounts
with a credit line: the desk's own, the LPs', the takers' and the outside world's.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.events import Posting
from lpdesk.domain.values import ZERO
from lpdesk.engines.lifecycle import Bug

DESK = "desk"
FEES = "desk:fees"
WORLD = "world"
EXCHANGE = "exchange"


def client_account(client: str) -> str:
    return f"client:{client}"


def settlement_account(client: str) -> str:
    """Steps in for its organization's end users when a delayed trade is settled."""
    return f"settlement:{client}"


def liquidity_account(desk: str) -> str:
    """What a trade desk delivers from when a delayed trade is settled."""
    return f"liquidity:{desk}"


def lp_account(lp: str) -> str:
    return f"lp:{lp}"


class Hold(Struct, frozen=True):
    """A reservation on one account."""

    account: str
    asset: str
    amount: Decimal


class Ledger:
    """Balances and open holds, rebuilt from events."""

    def __init__(self) -> None:
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.holds: dict[str, Hold] = {}

    def available(self, account: str, asset: str) -> Decimal:
        key = account, asset  # `get`: to read an account is not to open it
        return self.balances.get(key, ZERO) - self.held.get(key, ZERO)

    def missing(self, account: str, asset: str, amount: Decimal) -> Decimal:
        """How much is not there to hold `amount`; zero when it is."""
        return max(ZERO, amount - self.available(account, asset))

    def place(self, hold_id: str, hold: Hold) -> None:
        """Reserve. The caller has asked `missing` before: a shortage here is a bug."""
        if hold_id in self.holds or hold.amount <= 0:
            raise Bug(f"hold {hold_id}")
        if self.missing(hold.account, hold.asset, hold.amount):
            raise Bug(f"hold {hold_id} without funds")
        self.holds[hold_id] = hold
        self.held[hold.account, hold.asset] += hold.amount

    def resolve(self, hold_id: str) -> Hold:
        """End a hold, once. Raises `Bug` on one that is not open."""
        hold = self.holds.pop(hold_id, None)
        if hold is None:
            raise Bug(f"hold {hold_id} is not open")
        self.held[hold.account, hold.asset] -= hold.amount
        return hold

    def draw(self, hold_id: str, amount: Decimal) -> bool:
        """Use up part of a hold, which ends with its last unit; whether it has ended."""
        hold = self.resolve(hold_id)
        if amount >= hold.amount:
            return True
        self.place(hold_id, Hold(hold.account, hold.asset, hold.amount - amount))
        return False

    def post(self, postings: tuple[Posting, ...]) -> None:
        """Move, all or nothing. Raises `Bug` on a set that does not balance or overdraws."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        moved: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for posting in postings:
            sums[posting.asset] += posting.amount
            moved[posting.account, posting.asset] += posting.amount
        if any(sums.values()):
            raise Bug("postings do not sum to zero")
        for key, amount in moved.items():
            if amount < 0 and not _has_line(key[0]) and self.available(*key) + amount < 0:
                raise Bug(f"{key[0]} overdrawn in {key[1]}")
        for key, amount in moved.items():
            self.balances[key] += amount


def _has_line(account: str) -> bool:
    return account in (DESK, FEES, WORLD, EXCHANGE) or account.startswith(("lp:", "taker:"))


def movement(asset: str, amount: Decimal, giver: str, taker: str) -> tuple[Posting, ...]:
    """`amount` of `asset` from giver to taker; nothing at all for a zero amount."""
    if not amount:
        return ()
    return (Posting(giver, asset, -amount), Posting(taker, asset, amount))
