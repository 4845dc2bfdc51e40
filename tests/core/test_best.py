"""The best cover, kept, is the best cover, searched for."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lpdesk.engines.best import Best
from lpdesk.engines.cover import Cover

MOVES = st.tuples(
    st.sampled_from("abcdefghijklmnop"),  # more than are kept in view
    st.one_of(st.none(), st.integers(1, 5)),  # gone, or its new price
    st.integers(0, 9),  # for how long
)


def cover(lp: str, price: int, at: int, until: int) -> Cover:
    amount = Decimal(price)
    return Cover(
        lp=lp,
        quote_ref="",
        price=amount,
        all_in=amount,
        quantity=amount,
        received_at=at,
        expires_at=until,
        dealable_until=until,
        exec_ns=0,
        rank=(amount, at, lp),
    )


@given(st.lists(MOVES, max_size=120))
def test_the_best_kept_is_the_best(moves: list[tuple[str, int | None, int]]) -> None:
    best, covers = Best(), dict[str, Cover]()
    for at, (lp, price, length) in enumerate(moves):
        covers.pop(lp, None)
        if price is None:
            best.drop(lp)
        else:
            covers[lp] = cover(lp, price, at, at + length)
            best.put(covers[lp])
        alive = [each for each in covers.values() if each.dealable_until > at]
        assert best.top(at) == min(alive, key=lambda each: each.rank, default=None)
