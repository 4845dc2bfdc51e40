"""Lines of the exchange and its makers: what they mean, and what is wrong with them."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpdesk.domain.commands import CancelOrders, PlaceOrder, SetMaker, StartMaker, StopMaker
from lpdesk.domain.entry import ORDERS, BadEntry, parse_order
from lpdesk.domain.making import OrderKind
from lpdesk.domain.values import Side
from tests.core.story import BTC, ETH

PAIRS = (BTC, ETH)
D = Decimal


def placed(kind: OrderKind, price: str | None = "99950", client: str = "") -> PlaceOrder:
    return PlaceOrder(
        symbol="BTC/USDT",
        side=Side.BUY,
        kind=kind,
        quantity=D("0.5"),
        price=None if price is None else D(price),
        client=client,
    )


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("lim b 0.5 btc/usdt 99950", placed(OrderKind.LIMIT)),
        ("LIM buy .5 BTCUSDT 99,950 @Acme", placed(OrderKind.LIMIT, client="acme")),
        ("mkt @acme b 0.5 btc-usdt", placed(OrderKind.MARKET, None, "acme")),
        ("ioc b 0.5 btc/usdt 99.95k", placed(OrderKind.IOC, "99950")),
        ("fok b 0.5 btc/usdt 99950", placed(OrderKind.FOK)),
        ("post b 0.5 btc/usdt 99950", placed(OrderKind.POST_ONLY)),
        ("cxl all", CancelOrders()),
        ("cxl o-000007", CancelOrders(order_id="O-000007")),
        ("mm start", StartMaker()),
        ("mm stop eth/usdt", StopMaker(symbol="ETH/USDT")),
        (
            "set btc/usdt bid_spread 4.5",
            SetMaker(symbol="BTC/USDT", parameter="bid_spread", value=D("4.5")),
        ),
    ],
)
def test_what_a_line_means(line: str, command: object) -> None:
    assert parse_order(line, PAIRS) == command


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("", "line"),
        ("buy 1", "line"),
        ("lim", "line"),
        ("lim b 0.5 btc/usdt 1 2", "line"),
        ("lim b 0.5 btc/usdt 1 @a @b", "line"),
        ("lim x 0.5 btc/usdt 1", "side"),
        ("lim b nan btc/usdt 1", "amount"),
        ("lim b 1 btc/usdt 0", "price"),
        ("lim b 1 btc/eur 1", "pair"),
        ("mkt b 1 btc/usdt 99950", "line"),
        ("cxl", "order"),
        ("cxl all now", "order"),
        ("mm", "mm"),
        ("mm start btc/eur", "pair"),
        ("set btc/usdt", "line"),
        ("set btc/usdt spread 4", "parameter"),
        ("set btc/usdt bid_spread wide", "bid_spread"),
        ("set btc/usdt bid_spread -1", "bid_spread"),
        ("set btc/usdt order_levels 2.5", "order_levels"),
    ],
)
def test_what_is_wrong_with_a_line(line: str, field: str) -> None:
    with pytest.raises(BadEntry) as bad:
        parse_order(line, PAIRS)
    assert bad.value.field == field
    parse_order(bad.value.example, PAIRS)


@pytest.mark.parametrize("word", ORDERS)
def test_every_word_has_a_good_example(word: str) -> None:
    assert ORDERS[word].example.split()[0] == word
    parse_order(ORDERS[word].example, PAIRS)


@given(st.sampled_from([*ORDERS, ""]), st.text(max_size=60))
def test_any_line_is_a_command_or_a_bad_entry(word: str, rest: str) -> None:
    with suppress(BadEntry):
        parse_order(f"{word} {rest}", PAIRS)
