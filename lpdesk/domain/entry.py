"""The dealer's request line: `<side> <amount> [<asset>] <pair> [@client] [via LP] [t+N]`.

Only the words are judged here; limits, funds and clients are the desk's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from lpdesk.domain.commands import RequestQuote
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Pair
from lpdesk.domain.text import clean
from lpdesk.domain.values import MONEY, BadNumber, Dealt, Side, positive

SIDES = {"b": Side.BUY, "buy": Side.BUY, "s": Side.SELL, "sell": Side.SELL}
SUFFIXES = {"k": Decimal(1_000), "m": Decimal(1_000_000)}
EXAMPLE = "b 1.5 btc/usdt"
MAX_LINE = 200

_SETTLE = re.compile(r"t\+(\d{1,3})", re.ASCII)
_MARKS = re.compile(r"(?<=\d)[_,](?=\d)", re.ASCII)


class BadEntry(ValueError):
    """A line that is no request. `field` names the word at fault; `example` is a good line."""

    def __init__(self, reason: Reason, field: str, text: str, example: str = EXAMPLE) -> None:
        super().__init__(f"{field}: {text}; for example: {example}")
        self.reason = reason
        self.field = field
        self.text = text
        self.example = example


def parse_request(line: str, pairs: Sequence[Pair]) -> RequestQuote:
    """The command a line means. Raises `BadEntry`."""
    words = line.split()
    if len(line) > MAX_LINE or not words:
        raise BadEntry(Reason.BAD_COMMAND, "line", "give side, amount and pair")
    side = SIDES.get(words[0].lower())
    if side is None:
        raise BadEntry(Reason.BAD_SIDE, "side", f"{_shown(words[0])} is not b, buy, s or sell")
    words, options = _options(words[1:])
    if len(words) not in (2, 3):
        text = "amount and pair are needed" if len(words) < 2 else "too many words"
        raise BadEntry(Reason.BAD_COMMAND, "line", text)
    amount = parse_amount(words[0])
    pair = find_pair(words[-1], pairs)
    dealt = _dealt(words[1], pair) if len(words) == 3 else Dealt.BASE
    asked = RequestQuote(symbol=pair.symbol, side=side, dealt=dealt, amount=amount)
    return replace(asked, **options)


def _options(words: list[str]) -> tuple[list[str], dict[str, str | int]]:
    """Splits off @client, `via LP` and t+N, wherever they stand after the side."""
    plain: list[str] = []
    options: dict[str, str | int] = {}
    rest = iter(words)
    for word in rest:
        settle = _SETTLE.fullmatch(word.lower())
        if word.startswith("@") and len(word) > 1:
            options["client"] = clean(word[1:].lower(), 40)
        elif word.lower() == "via":
            lp = next(rest, "")
            if not lp:
                raise BadEntry(Reason.BAD_LP, "via", "name an LP", f"{EXAMPLE} via alpha")
            options["via"] = clean(lp.lower(), 40)
        elif settle:
            options["settle_days"] = int(settle[1])
        else:
            plain.append(word)
    return plain, options


def parse_amount(word: str) -> Decimal:
    """A positive decimal with `_` or `,` as thousands marks and a k or m suffix."""
    suffix = SUFFIXES.get(word[-1:].lower())
    digits = _MARKS.sub("", word[:-1] if suffix else word)
    try:
        return positive(MONEY.multiply(positive(digits), suffix) if suffix else digits)
    except BadNumber as bad:
        raise BadEntry(Reason.BAD_AMOUNT, "amount", f"{_shown(word)} is {bad}") from None


def find_pair(word: str, pairs: Sequence[Pair]) -> Pair:
    """BTCUSDT, BTC/USDT and btc-usdt are the same pair."""
    name = re.sub(r"[/\-_]", "", word).upper()
    for pair in pairs:
        if pair.base + pair.quote == name:
            return pair
    known = ", ".join(pair.symbol for pair in pairs[:4])
    raise BadEntry(Reason.BAD_PAIR, "pair", f"{_shown(word)} is not dealt here: {known}")


def _dealt(word: str, pair: Pair) -> Dealt:
    for dealt in Dealt:
        if word.upper() == pair.asset(dealt):
            return dealt
    text = f"{_shown(word)} is neither {pair.base} nor {pair.quote}"
    raise BadEntry(Reason.BAD_ASSET, "asset", text, f"b 50k {pair.quote} {pair.symbol}".lower())


def _shown(word: str) -> str:
    return clean(word, 24)
