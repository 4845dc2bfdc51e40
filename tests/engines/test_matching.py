"""The exchange: stories a dealer can read, properties I22-I24, and the naive book (I26)."""

from __future__ import annotations

import pytest

from lpdesk.engines.book import BookSide, DepthFeed, Event, Events, Kind, Reason, Resting
from lpdesk.engines.matching import MatchingEngine, OrderType, Quotes, SelfMatch

NOBODY, ALICE, BOB, CAROL, MAKER = 0, 1, 2, 3, 9
OWNERS = {"nobody": NOBODY, "alice": ALICE, "bob": BOB, "carol": CAROL, "maker": MAKER}
NAMES = {number: name for name, number in OWNERS.items()}
TYPES = {t.name.lower().replace("_", "-"): t for t in OrderType}


# -- stories: commands in, table of book out


def enter(book: MatchingEngine, *lines: str) -> list[Event]:
    """`alice buys 5 at 100 [ioc]`, `bob sells 5 at market`, `cancel 1`, `amend 1 to 5 at 101`."""
    events: Events = ()
    for line in lines:
        match line.split():
            case ["cancel", oid]:
                events = book.cancel(int(oid))
            case ["amend", oid, "to", lots, "at", price]:
                events = book.amend(int(oid), int(price), int(lots))
            case [who, verb, lots, "at", price, *kind]:
                side = {"buys": BookSide.BUY, "sells": BookSide.SELL}[verb]
                market = price == "market"
                order_type = OrderType.MARKET if market else TYPES[kind[0] if kind else "limit"]
                at = 0 if market else int(price)
                events = book.place(OWNERS[who], side, order_type, int(lots), at)
            case _:
                raise ValueError(line)
    return list(events)


def table(book: MatchingEngine) -> str:
    """Asks above bids, one price a line, the queue from first to last: `ask 101: 2 bob x5`."""
    lines = []
    for side, keys in (("ask", reversed(book._asks)), ("bid", book._bids)):
        for key in keys:
            queue = " ".join(
                f"{oid} {NAMES[book._owners.get(oid, NOBODY)]} x{lots}"
                for oid, lots in book._levels[key].items()
            )
            lines.append(f"{side} {abs(key)}: {queue}")
    return "\n".join(lines)


def trades(events: Events) -> list[str]:
    return [f"{e[2]} takes {e[5]} at {e[4]} from {e[1]}" for e in events if e[0] == Kind.FILLED]


def of_kind(events: Events, kind: Kind) -> list[Event]:
    return [event[1:] for event in events if event[0] == kind]


@pytest.fixture
def book() -> MatchingEngine:
    """Two asks at 101, one at 102, one bid at 99."""
    engine = MatchingEngine()
    enter(engine, "alice sells 5 at 101", "bob sells 3 at 101", "alice sells 4 at 102")
    enter(engine, "bob buys 6 at 99")
    return engine


START = "ask 102: 3 alice x4\nask 101: 1 alice x5 2 bob x3\nbid 99: 4 bob x6"


def test_orders_rest_in_price_then_time_order(book: MatchingEngine) -> None:
    assert table(book) == START
    assert (book.best_bid, book.best_ask) == (99, 101)
    assert book.depth(1) == ([(99, 6)], [(101, 8)])
    assert book.depth(9) == ([(99, 6)], [(101, 8), (102, 4)])


def test_limit_trades_at_resting_prices_and_rests_the_remainder(book: MatchingEngine) -> None:
    events = enter(book, "carol buys 14 at 102")
    assert trades(events) == ["5 takes 5 at 101 from 1", "5 takes 3 at 101 from 2",
                              "5 takes 4 at 102 from 3"]  # fmt: skip
    assert table(book) == "bid 102: 5 carol x2\nbid 99: 4 bob x6"


def test_partial_fill_keeps_the_makers_place(book: MatchingEngine) -> None:
    enter(book, "carol buys 2 at 101")
    assert table(book) == "ask 102: 3 alice x4\nask 101: 1 alice x3 2 bob x3\nbid 99: 4 bob x6"


def test_market_takes_any_price_and_never_rests(book: MatchingEngine) -> None:
    events = enter(book, "carol buys 20 at market")
    assert len(trades(events)) == 3
    assert of_kind(events, Kind.CANCELLED) == [(5, CAROL, 8, Reason.UNFILLED, BookSide.BUY, 0)]
    assert table(book) == "bid 99: 4 bob x6"


def test_ioc_takes_what_its_limit_allows(book: MatchingEngine) -> None:
    events = enter(book, "carol buys 10 at 101 ioc")
    assert trades(events) == ["5 takes 5 at 101 from 1", "5 takes 3 at 101 from 2"]
    assert of_kind(events, Kind.CANCELLED) == [(5, CAROL, 2, Reason.UNFILLED, BookSide.BUY, 101)]
    assert table(book) == "ask 102: 3 alice x4\nbid 99: 4 bob x6"


def test_fok_fills_in_full_or_leaves_the_book_alone(book: MatchingEngine) -> None:
    killed = enter(book, "carol buys 9 at 101 fok")
    assert of_kind(killed, Kind.CANCELLED) == [(5, CAROL, 9, Reason.UNFILLED, BookSide.BUY, 101)]
    assert table(book) == START
    filled = enter(book, "carol buys 8 at 101 fok")
    assert len(trades(filled)) == 2
    assert table(book) == "ask 102: 3 alice x4\nbid 99: 4 bob x6"


def test_post_only_rests_or_is_rejected(book: MatchingEngine) -> None:
    assert enter(book, "carol buys 1 at 101 post-only") == [(Kind.REJECTED, 5, Reason.WOULD_CROSS)]
    enter(book, "carol buys 1 at 100 post-only")
    assert table(book) == START.replace("bid 99", "bid 100: 6 carol x1\nbid 99")


def test_cancel_and_cancel_all(book: MatchingEngine) -> None:
    assert enter(book, "cancel 2") == [
        (Kind.CANCELLED, 2, BOB, 3, Reason.REQUESTED, BookSide.SELL, 101)
    ]
    assert enter(book, "cancel 2") == [(Kind.REJECTED, 2, Reason.UNKNOWN_ORDER)]
    assert book.cancel_all(ALICE) == [
        (Kind.CANCELLED, 1, ALICE, 5, Reason.REQUESTED, BookSide.SELL, 101),
        (Kind.CANCELLED, 3, ALICE, 4, Reason.REQUESTED, BookSide.SELL, 102),
    ]
    assert table(book) == "bid 99: 4 bob x6"
    assert book.cancel_all(ALICE) == book.cancel_all(77) == []


def test_amend_keeps_the_place_only_for_a_size_that_does_not_grow(book: MatchingEngine) -> None:
    assert enter(book, "amend 1 to 4 at 101") == [
        (Kind.AMENDED, 1, ALICE, BookSide.SELL, 101, 4, 101, 5, 1)
    ]
    assert "ask 101: 1 alice x4 2 bob x3" in table(book)
    assert enter(book, "amend 1 to 5 at 101") == [
        (Kind.AMENDED, 1, ALICE, BookSide.SELL, 101, 5, 101, 4, 0)
    ]
    assert "ask 101: 2 bob x3 1 alice x5" in table(book)
    enter(book, "amend 2 to 3 at 102", "amend 2 to 3 at 101")
    assert "ask 101: 1 alice x5 2 bob x3" in table(book)


def test_amend_into_the_other_side_trades(book: MatchingEngine) -> None:
    events = enter(book, "amend 4 to 6 at 101")
    assert trades(events) == ["4 takes 5 at 101 from 1"]  # then bob meets bob: newest cancelled
    assert of_kind(events, Kind.CANCELLED) == [(4, BOB, 1, Reason.SELF_MATCH, BookSide.BUY, 101)]
    assert table(book) == "ask 102: 3 alice x4\nask 101: 2 bob x3"


def test_amend_refused_leaves_the_order(book: MatchingEngine) -> None:
    assert book.amend(4, 101, 6, True) == ((Kind.REJECTED, 4, Reason.WOULD_CROSS),)
    assert book.amend(4, 0, 6) == ((Kind.REJECTED, 4, Reason.BAD_PRICE),)
    assert book.amend(4, 99, 0) == ((Kind.REJECTED, 4, Reason.BAD_LOTS),)
    assert book.amend(40, 99, 1) == ((Kind.REJECTED, 40, Reason.UNKNOWN_ORDER),)
    assert table(book) == START


@pytest.mark.parametrize(
    ("mode", "after", "cancelled"),
    [
        (SelfMatch.CANCEL_NEWEST, "ask 102: 3 alice x4\nask 101: 2 bob x3\nbid 99: 4 bob x6", [5]),
        (SelfMatch.CANCEL_OLDEST, "ask 102: 3 alice x4\nbid 101: 5 bob x2\nbid 99: 4 bob x6", [2]),
        (SelfMatch.CANCEL_BOTH, "ask 102: 3 alice x4\nbid 99: 4 bob x6", [2, 5]),
    ],
)
def test_self_match_prevention(mode: SelfMatch, after: str, cancelled: list[int]) -> None:
    book = MatchingEngine(mode)
    enter(book, "alice sells 5 at 101", "bob sells 3 at 101", "alice sells 4 at 102")
    events = enter(book, "bob buys 6 at 99", "bob buys 7 at 101")
    assert trades(events) == ["5 takes 5 at 101 from 1"]
    assert [event[0] for event in of_kind(events, Kind.CANCELLED)] == cancelled
    assert table(book) == after


def test_nobodys_orders_trade_with_each_other_and_are_cancelled_singly() -> None:
    book = MatchingEngine()
    enter(book, "nobody sells 5 at 101", "nobody sells 2 at 102")
    assert trades(enter(book, "nobody buys 3 at 101")) == ["3 takes 3 at 101 from 1"]
    assert book.cancel_all(NOBODY) == [] and book.orders_of(NOBODY) == []
    assert enter(book, "cancel 2") == [
        (Kind.CANCELLED, 2, NOBODY, 2, Reason.REQUESTED, BookSide.SELL, 102)
    ]
    assert table(book) == "ask 101: 1 nobody x2"


def test_the_depth_feed_says_what_each_command_changed(book: MatchingEngine) -> None:
    feed = DepthFeed()
    empty = MatchingEngine()
    assert feed.fold(enter(empty, "alice sells 5 at 101")) == [(BookSide.SELL, 101, 5)]
    assert feed.fold(enter(empty, "alice sells 4 at 101")) == [(BookSide.SELL, 101, 9)]
    assert feed.fold(enter(empty, "bob buys 6 at market")) == [(BookSide.SELL, 101, 3)]
    assert feed.fold(enter(empty, "bob buys 4 at 102")) == [
        (BookSide.BUY, 102, 1), (BookSide.SELL, 101, 0),
    ]  # fmt: skip
    assert feed.fold(enter(empty, "amend 4 to 2 at 100")) == [
        (BookSide.BUY, 102, 0), (BookSide.BUY, 100, 2),
    ]  # fmt: skip
    assert feed.fold(enter(empty, "carol sells 1 at 105 ioc")) == []


def test_bad_orders_are_rejected_by_name() -> None:
    book = MatchingEngine()
    for lots, price in ((0, 5), (-1, 5)):
        assert book.place(ALICE, 1, 0, lots, price)[0][::2] == (Kind.REJECTED, Reason.BAD_LOTS)
    for price in (0, -5):
        assert book.place(ALICE, 1, 0, 1, price)[0][::2] == (Kind.REJECTED, Reason.BAD_PRICE)
    assert book.depth(5) == ([], [])


def test_queries_name_order_queue_and_owner(book: MatchingEngine) -> None:
    assert book.order(2) == Resting(BOB, BookSide.SELL, 101, 3)
    assert book.order(77) is None and book.lots_ahead(77) is None
    assert [book.lots_ahead(oid) for oid in (1, 2, 3)] == [0, 5, 0]
    assert book.orders_of(ALICE) == [1, 3]


# -- the maker's ladder


def test_refresh_keeps_the_place_of_quotes_within_tolerance(book: MatchingEngine) -> None:
    book.refresh(MAKER, [(99, 10), (98, 20)], [(101, 10), (103, 20)])
    enter(book, "carol buys 1 at 99", "carol sells 1 at 103")
    events = book.refresh(MAKER, [(99, 12), (97, 20)], [(100, 7), (104, 20)], 1, 2)
    assert of_kind(events, Kind.CANCELLED) == [(7, MAKER, 10, Reason.REPLACED, BookSide.SELL, 101)]
    assert of_kind(events, Kind.ACCEPTED) == [(11, MAKER, BookSide.SELL, 100, 7)]
    assert table(book) == (
        "ask 103: 8 maker x20 10 carol x1\n"  # a tick and no lot off: stays
        "ask 102: 3 alice x4\n"
        "ask 101: 1 alice x5 2 bob x3\n"
        "ask 100: 11 maker x7\n"  # three lots off: replaced
        "bid 99: 4 bob x6 5 maker x10 9 carol x1\n"  # two lots off: stays ahead of carol
        "bid 98: 6 maker x20"
    )


def test_refresh_may_jump_over_its_own_old_quotes() -> None:
    book = MatchingEngine()
    book.refresh(MAKER, [(99, 1), (98, 1)], [(101, 1), (102, 1)])
    events = book.refresh(MAKER, [(104, 1), (103, 1)], [(106, 1), (107, 1)])
    assert trades(events) == []
    assert book.depth(9) == ([(104, 1), (103, 1)], [(106, 1), (107, 1)])
    book.refresh(MAKER, [(99, 1), (98, 1)], [(101, 1), (102, 1)], price_tolerance=5)
    assert book.depth(9) == ([(99, 1), (98, 1)], [(106, 1), (107, 1)])  # asks are near enough
    book.refresh(MAKER, [(1, 1)], [])
    book.refresh(MAKER, [], [(2, 1)], price_tolerance=5)
    assert book.depth(9) == ([], [(2, 1)])  # near, but the other side


def test_refresh_never_takes_and_never_half_applies_a_bad_ladder(book: MatchingEngine) -> None:
    events = book.refresh(MAKER, [(101, 1), (100, 1)], [(104, 1)])
    assert of_kind(events, Kind.REJECTED) == [(5, Reason.WOULD_CROSS)]
    assert book.orders_of(MAKER) == [6, 7]
    bad_bids: list[Quotes] = [[(99, 1), (100, 1)], [(100, 0)], [(0, 1)], [(104, 1)]]
    bad_asks: list[Quotes] = [[(105, 1), (104, 1)], [(104, -1)], [(-3, 1)], [(100, 1)]]
    ladders = [(bids, [(104, 1)]) for bids in bad_bids] + [([(100, 1)], asks) for asks in bad_asks]
    for ladder in ladders:
        assert book.refresh(MAKER, *ladder) == ((Kind.REJECTED, 0, Reason.BAD_LADDER),)
    assert book.orders_of(MAKER) == [6, 7]
    book.refresh(MAKER, [], [])
    assert table(book) == START
