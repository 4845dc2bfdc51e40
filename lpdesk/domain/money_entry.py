"""The dealer's lines that move money or settle: what begins with a word of `MONEY_WORDS`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from lpdesk.domain.commands import CreateSettlement, Deposit, SettleNow, Withdraw
from lpdesk.domain.entry import MAX_LINE, BadEntry, Form, parse_amount
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Pair
from lpdesk.domain.text import clean

MoneyCommand: TypeAlias = CreateSettlement | SettleNow | Deposit | Withdraw

_CASH = "AMOUNT ASSET [@client]"
MONEY_WORDS = {
    "settle": Form("S-1 | new T-1 …", "settle S-1", "Try a settlement now, or gather trades."),
    "deposit": Form(_CASH, "deposit 100 usdt @acme", "Money came in from outside."),
    "withdraw": Form(_CASH, "withdraw 100 usdt @acme", "Money goes out, if it is there."),
}
"""In the order they are listed."""

_SHORT_ID = re.compile(r"([A-Z])-(\d{1,12})", re.ASCII)


def parse_money(line: str, pairs: Sequence[Pair]) -> MoneyCommand:
    """The command of a line that begins with a word of `MONEY_WORDS`. Raises `BadEntry`."""
    first, *words = line.split() or [""]
    word = first.lower()
    if word not in MONEY_WORDS or len(line) > MAX_LINE:
        known = ", ".join(MONEY_WORDS)
        raise BadEntry(Reason.BAD_COMMAND, "line", f"begins with one of {known}", "settle S-1")
    try:
        return _settle(words) if word == "settle" else _cash(word, words, pairs)
    except BadEntry as bad:
        raise BadEntry(bad.reason, bad.field, bad.text, MONEY_WORDS[word].example) from None


def _settle(words: list[str]) -> CreateSettlement | SettleNow:
    if words[:1] and words[0].lower() == "new":
        if len(words) == 1:
            raise BadEntry(Reason.BAD_COMMAND, "trades", "say which trades")
        return CreateSettlement(trades=tuple(full_id(word) for word in words[1:]))
    if len(words) != 1:
        raise BadEntry(Reason.BAD_COMMAND, "settlement", "say which one, or new and its trades")
    return SettleNow(settlement_id=full_id(words[0]))


def _cash(word: str, words: list[str], pairs: Sequence[Pair]) -> Deposit | Withdraw:
    if len(words) not in (2, 3):
        raise BadEntry(Reason.BAD_COMMAND, "line", "amount, asset and an account are needed")
    asset = words[1].upper()
    if asset not in {name for pair in pairs for name in (pair.base, pair.quote)}:
        raise BadEntry(Reason.BAD_ASSET, "asset", f"{clean(words[1], 24)} is in no pair")
    account = clean(words[2].lower(), 80) if len(words) == 3 else ""
    if account.startswith("@"):
        account = f"client:{account[1:]}"
    kind = Deposit if word == "deposit" else Withdraw
    return kind(account=account, asset=asset, amount=parse_amount(words[0]))


def full_id(word: str) -> str:
    """T-1 is T-000001."""
    short = _SHORT_ID.fullmatch(word.upper())
    return f"{short[1]}-{int(short[2]):06d}" if short else clean(word, 40)
