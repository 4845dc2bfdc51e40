"""The dealer's lines: requests, `<side> <amount> [<asset>] <pair> [@client] [via LP] [t+N]`,
and what begins with a word of `ORDERS`: orders by hand, the makers' controls, and the breaks.

Only the words are judged here; limits, funds and clients are the desk's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from lpdesk.domain.commands import (
    AssignBreak,
    CancelOrders,
    CloseBreak,
    EnableEndpoint,
    PlaceOrder,
    Reconcile,
    RequestQuote,
    ResendWebhook,
    SetMaker,
    StartMaker,
    StopMaker,
)
from lpdesk.domain.making import PARAMETERS, OrderKind, checked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Pair
from lpdesk.domain.text import clean
from lpdesk.domain.values import MONEY, BadNumber, Dealt, Side, decimals_of, positive, trimmed

SIDES = {"b": Side.BUY, "buy": Side.BUY, "s": Side.SELL, "sell": Side.SELL}
SUFFIXES = {"k": Decimal(1_000), "m": Decimal(1_000_000)}
OrderCommand: TypeAlias = (
    PlaceOrder
    | CancelOrders
    | StartMaker
    | StopMaker
    | SetMaker
    | Reconcile
    | CloseBreak
    | AssignBreak
    | ResendWebhook
    | EnableEndpoint
)

EXAMPLE = "b 1.5 btc/usdt"
MAX_LINE = 200


class Form(NamedTuple):
    """How a line that begins with a certain word goes on, a good one, and what it does.

    `market`: whether it needs an exchange of our own.
    """

    takes: str
    example: str
    help: str
    market: bool = True


_PRICED = "b|s AMOUNT PAIR PRICE [@client]"
ORDERS = {
    "lim": Form(_PRICED, "lim b 0.5 btc/usdt 99950", "Limit order on our exchange."),
    "mkt": Form("b|s AMOUNT PAIR [@client]", "mkt s 1 btc/usdt", "Market order there."),
    "ioc": Form(_PRICED, "ioc b 0.5 btc/usdt 99950", "What can be filled at once, no more."),
    "fok": Form(_PRICED, "fok b 0.5 btc/usdt 99950", "All of it at once, or nothing."),
    "post": Form(_PRICED, "post b 0.5 btc/usdt 99950", "Only if it rests: it never takes."),
    "cxl": Form("all|ORDER", "cxl all", "Cancel orders by hand."),
    "mm": Form("start|stop [PAIR]", "mm stop btc/usdt", "The maker quotes again, or is pulled."),
    "set": Form("PAIR PARAMETER VALUE", "set btc/usdt bid_spread 4", "Steer the maker."),
    "reconcile": Form("[LP]", "reconcile alpha", "Compare with the LPs' own lists now.", False),
    "break": Form(
        "ID close WHY|owner NAME [NOTE]", "break B-3 close booked by phone",
        "Close or hand over a break.", False,
    ),
    "webhook": Form(
        "resend ID [ENDPOINT]|enable ENDPOINT", "webhook resend msg_1a2b3c4d_000001",
        "Send a webhook again, or let an endpoint be sent to again.", False,
    ),
}  # fmt: skip
"""The words of our exchange, its makers and the breaks, in the order they are listed."""

KINDS = {
    "lim": OrderKind.LIMIT,
    "mkt": OrderKind.MARKET,
    "ioc": OrderKind.IOC,
    "fok": OrderKind.FOK,
    "post": OrderKind.POST_ONLY,
}

_SETTLE = re.compile(r"t\+(\d{1,3})", re.ASCII)
_MARKED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:_\d{3})+(?:\.\d*)?", re.ASCII)
"""Thousands marks stand every three digits: 1,5 is somebody's decimal comma and is refused."""


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
    """Splits off @client, `via LP` and t+N, wherever they stand after the side.

    t+N is for one trade desk, so there is no other to try.
    """
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
            options |= {"settle_days": int(settle[1]), "delayed": True, "skip_retry": True}
        else:
            plain.append(word)
    return plain, options


def parse_amount(word: str, field: str = "amount") -> Decimal:
    """A positive decimal with `_` or `,` as thousands marks and a k or m suffix."""
    suffix = SUFFIXES.get(word[-1:].lower())
    digits = _unmarked(word[:-1] if suffix else word)
    try:
        return trimmed(positive(MONEY.multiply(positive(digits), suffix) if suffix else digits))
    except BadNumber as bad:
        raise BadEntry(Reason.BAD_AMOUNT, field, f"{_shown(word)} is {bad}") from None


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


def parse_order(line: str, pairs: Sequence[Pair]) -> OrderCommand:
    """The command of a line that begins with a word of `ORDERS`. Raises `BadEntry`."""
    first, *words = line.split() or [""]
    word = first.lower()
    if word not in ORDERS or len(line) > MAX_LINE:
        known = ", ".join(ORDERS)
        raise BadEntry(Reason.BAD_COMMAND, "line", f"begins with one of {known}", "cxl all")
    try:
        match word:
            case "cxl":
                return _cancel(words)
            case "mm":
                return _control(words, pairs)
            case "set":
                return _setting(words, pairs)
            case "reconcile":
                return _reconcile(words)
            case "break":
                return _break(words)
            case "webhook":
                return _webhook(words)
            case _:
                return _order(KINDS[word], words, pairs)
    except BadEntry as bad:
        raise BadEntry(bad.reason, bad.field, bad.text, ORDERS[word].example) from None


def _order(kind: OrderKind, words: list[str], pairs: Sequence[Pair]) -> PlaceOrder:
    clients = [word[1:] for word in words if word.startswith("@")]
    plain = [word for word in words if not word.startswith("@")]
    market = kind is OrderKind.MARKET
    if len(clients) > 1 or len(plain) != (3 if market else 4):
        needed = "side, amount and pair" if market else "side, amount, pair and price"
        raise BadEntry(Reason.BAD_COMMAND, "line", f"{needed} are needed, and no more")
    side = SIDES.get(plain[0].lower())
    if side is None:
        raise BadEntry(Reason.BAD_SIDE, "side", f"{_shown(plain[0])} is not b, buy, s or sell")
    pair = find_pair(plain[2], pairs)
    return PlaceOrder(
        symbol=pair.symbol,
        side=side,
        kind=kind,
        quantity=_step(plain[1], pair.base_decimals, "amount"),
        price=None if market else _step(plain[3], pair.quote_decimals, "price"),
        client=clean(clients[0].lower(), 40) if clients else "",
    )


def _step(word: str, decimals: int, field: str) -> Decimal:
    """An amount or a price that is a whole number of the book's steps."""
    value = parse_amount(word, field)
    if decimals_of(value) > decimals:
        text = f"{_shown(word)} has more than {decimals} decimals"
        raise BadEntry(Reason.TOO_PRECISE, field, text)
    return value


def _cancel(words: list[str]) -> CancelOrders:
    if len(words) != 1:
        raise BadEntry(Reason.BAD_COMMAND, "order", "say which, or all")
    name = words[0].upper()
    return CancelOrders(order_id="" if name == "ALL" else clean(name, 40))


def _control(words: list[str], pairs: Sequence[Pair]) -> StartMaker | StopMaker:
    if not 1 <= len(words) <= 2 or words[0].lower() not in ("start", "stop"):
        raise BadEntry(Reason.BAD_COMMAND, "mm", "start or stop, and a pair or none for all")
    symbol = find_pair(words[1], pairs).symbol if len(words) == 2 else ""
    return StartMaker(symbol=symbol) if words[0].lower() == "start" else StopMaker(symbol=symbol)


def _reconcile(words: list[str]) -> Reconcile:
    if len(words) > 1:
        raise BadEntry(Reason.BAD_COMMAND, "line", "name one LP, or none for all")
    return Reconcile(lp=clean(words[0].lower(), 40) if words else "")


def _break(words: list[str]) -> CloseBreak | AssignBreak:
    if len(words) < 3 or words[1].lower() not in ("close", "owner"):
        raise BadEntry(Reason.BAD_COMMAND, "line", "say which, close or owner, and why or who")
    number = re.fullmatch(r"(?:B-)?([0-9]{1,9})", words[0].upper(), re.ASCII)
    if number is None:
        raise BadEntry(Reason.NOT_FOUND, "break", f"{_shown(words[0])} is no break's name")
    break_id = f"B-{int(number[1]):06d}"
    if words[1].lower() == "owner":
        note = clean(" ".join(words[3:]).strip("\"'"), 120)
        return AssignBreak(break_id=break_id, owner=clean(words[2].lower(), 40), note=note)
    return CloseBreak(break_id=break_id, why=clean(" ".join(words[2:]).strip("\"'"), 120))


def _webhook(words: list[str]) -> ResendWebhook | EnableEndpoint:
    verb = words[0].lower() if words else ""
    if verb == "enable" and len(words) == 2:
        return EnableEndpoint(endpoint=clean(words[1].lower(), 40))
    if verb != "resend" or len(words) not in (2, 3):
        raise BadEntry(Reason.BAD_COMMAND, "line", "resend ID [ENDPOINT], or enable ENDPOINT")
    endpoint = clean(words[2].lower(), 40) if len(words) == 3 else ""
    return ResendWebhook(event_id=clean(words[1], 64), endpoint=endpoint)


def _setting(words: list[str], pairs: Sequence[Pair]) -> SetMaker:
    if len(words) != 3:
        raise BadEntry(Reason.BAD_COMMAND, "line", "pair, parameter and value are needed")
    symbol, name = find_pair(words[0], pairs).symbol, words[1].lower()
    if name not in PARAMETERS:
        near = [known for known in PARAMETERS if name and name in known] or list(PARAMETERS)
        text = f"{_shown(name)} is none; there is {', '.join(near[:3])}"
        raise BadEntry(Reason.BAD_COMMAND, "parameter", text)
    return SetMaker(symbol=symbol, parameter=name, value=parse_parameter(name, words[2]))


def parse_parameter(name: str, word: str) -> Decimal:
    """A maker's parameter as typed, within its limits. Raises `BadEntry`."""
    try:
        return checked(name, _unmarked(word))
    except BadNumber as bad:
        raise BadEntry(Reason.BAD_AMOUNT, name, f"{_shown(word)} is {bad}") from None


def _unmarked(digits: str) -> str:
    """Without thousands marks, where they stand right; any other mark stays, and is refused."""
    return re.sub("[,_]", "", digits) if _MARKED.fullmatch(digits) else digits


def _shown(word: str) -> str:
    return clean(word, 24)
