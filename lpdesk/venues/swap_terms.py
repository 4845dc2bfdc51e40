"""What a swap LP is configured with, and its numbers: tokens, accounts, smallest units. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import Struct

from lpdesk.domain.events import LpAsked
from lpdesk.domain.values import (
    MAX_EXPONENT,
    MONEY,
    SECOND,
    BadNumber,
    Side,
    number,
    positive,
    round_down,
    round_up,
)
from lpdesk.domain.wire import Fields, Malformed
from lpdesk.venues.base import Endpoint, Option

PRICE_DECIMALS: Final = 12
GAS_DECIMALS: Final = 18
"""Of what a chain counts its fees in."""

MAX_WORD: Final = 1 << 256
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,78}", re.ASCII)


class Token(NamedTuple):
    """A token of the chain: its contract, in lower case, and its decimals."""

    address: str
    decimals: int


class Transaction(NamedTuple):
    """What has to be signed: a call of the configured contract, without native money."""

    to: str
    data: str
    gas: int
    gas_price: int


class Terms(Struct, frozen=True, kw_only=True):
    """The options. Nothing is signed unless `signer` is said, with all that bounds it.

    `signer` and `node` are JSON-RPC addresses; `contract` the only one that is ever called;
    `max_fee` what one transaction may cost, in the smallest unit of `native`. `void_after_ns`: when
    the number of a transaction that nobody knows is used up by an empty one; 0: never.
    """

    chain: int
    tokens: Mapping[str, Token]
    taker: str
    contract: str
    node: str
    signer: str
    native: str
    max_fee: int
    slippage_bps: int
    confirmations: int
    void_after_ns: int

    def pair(self, symbol: str) -> tuple[Token, Token]:
        """Base and quote. Raises Malformed for a token that is no longer configured."""
        base, _, quote = symbol.partition("/")
        if base not in self.tokens or quote not in self.tokens:
            raise Malformed("a token that is not configured")
        return self.tokens[base], self.tokens[quote]


def terms(
    endpoint: Endpoint, needs: tuple[str, ...] = ("taker", "contract", "node", "max_fee")
) -> Terms:
    """The options, read; with a signer all that it `needs`. Raises ValueError."""
    options = endpoint.options
    try:
        read = Terms(
            chain=_whole(options, "chain", 1, 1, 1 << 53),
            tokens=_tokens(options),
            taker=_address(options, "taker"),
            contract=_address(options, "contract"),
            node=str(options.get("node", "")),
            signer=str(options.get("signer", "")),
            native=str(options.get("native", "ETH")),
            max_fee=int(_decimal(options, "max_network_fee").scaleb(GAS_DECIMALS)),
            slippage_bps=_whole(options, "slippage_bps", 30, 0, 1_000),
            confirmations=_whole(options, "confirmations", 2, 1, 1_000),
            void_after_ns=int(_decimal(options, "void_after_seconds") * SECOND),
        )
    except BadNumber as bad:
        raise ValueError(f"{endpoint.name}: options.{bad}") from None
    for symbol in endpoint.symbols:
        missing = [asset for asset in symbol.split("/") if asset not in read.tokens]
        if missing:
            said = f"no token for {missing[0]}: name it, or leave {symbol} out of pairs"
            raise ValueError(f"{endpoint.name}: options.tokens: {said}")
    if read.signer and (lacks := [name for name in needs if not getattr(read, name)]):
        name = lacks[0].replace("max_fee", "max_network_fee")
        raise ValueError(f"{endpoint.name}: options.{name}: is needed with a signer")
    return read


def _tokens(options: Mapping[str, Option]) -> dict[str, Token]:
    listed = options.get("tokens", ())
    if not isinstance(listed, tuple) or not listed:
        raise BadNumber('tokens: a list like "USDC=0xa0b8…:6" is needed')
    tokens = {}
    for each in listed:
        asset, _, rest = each.partition("=")
        address, _, decimals = rest.partition(":")
        known = _ADDRESS.fullmatch(address) and _DIGITS.fullmatch(decimals)
        if not asset or not known or int(decimals) > 18:
            raise BadNumber("tokens: each like ASSET=0x<40 hex digits>:<decimals, at most 18>")
        tokens[asset] = Token(address.lower(), int(decimals))
    if len({token.address for token in tokens.values()}) < len(listed):
        raise BadNumber("tokens: one asset or address twice")
    return tokens


def _address(options: Mapping[str, Option], name: str) -> str:
    value = str(options.get(name, ""))
    if value and not _ADDRESS.fullmatch(value):
        raise BadNumber(f"{name}: 0x and 40 hex digits")
    return value.lower()


def _whole(options: Mapping[str, Option], name: str, default: int, least: int, most: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadNumber(f"{name}: a whole number from {least} to {most}")
    return value


def _decimal(options: Mapping[str, Option], name: str) -> Decimal:
    try:
        value = number(options.get(name, 0))
    except BadNumber as bad:
        raise BadNumber(f"{name}: {bad}") from None
    if value < 0:
        raise BadNumber(f"{name}: not below zero")
    return value


# ---- numbers


def units(fields: Fields, name: str) -> int:
    """An amount in smallest units: plain digits of at most 256 bits. Raises Malformed."""
    value = fields.raw(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _DIGITS.fullmatch(value) or int(value) >= MAX_WORD:
        raise Malformed(f"{name} not an amount")
    return int(value)


def in_units(quantity: Decimal, token: Token) -> int | None:
    """A quantity in the token's smallest units; None when it has more decimals than the token."""
    scaled = MONEY.scaleb(quantity, token.decimals)
    return int(scaled) if scaled == scaled.to_integral_value() else None


def of_units(amount: int, decimals: int) -> Decimal:
    """Smallest units as a quantity."""
    return MONEY.scaleb(Decimal(amount), -decimals)


def each_cost(
    cash: Decimal, quantity: Decimal, rounded: Callable[[Decimal, int], Decimal]
) -> Decimal:
    """The price of one, to `PRICE_DECIMALS`. Raises Malformed when it is none."""
    exact = MONEY.divide(cash, quantity)
    if exact.adjusted() > MAX_EXPONENT:
        raise Malformed("price out of range")
    return usable("price", rounded(exact, PRICE_DECIMALS))


def guaranteed(ask: LpAsked, quote_amount: int, quote: Token) -> Decimal:
    """The price when `quote_amount` is the most that is paid, or the least that is received.

    Rounded against us. Raises Malformed when it is none.
    """
    cash = of_units(quote_amount, quote.decimals)
    return each_cost(cash, ask.quantity, round_up if ask.side is Side.BUY else round_down)


def usable(name: str, value: Decimal) -> Decimal:
    """A figure that was worked out from theirs, through the gate. Raises Malformed."""
    try:
        return positive(value)
    except BadNumber as bad:
        raise Malformed(f"{name} {bad}") from None


def same_token(fields: Fields, name: str, token: Token) -> None:
    """Raises Malformed unless the field names that token."""
    if fields.identifier(name).lower() != token.address:
        raise Malformed(f"{name} is another token")
