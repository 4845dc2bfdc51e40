"""Pools over a real socket: read by JSON-RPC, swapped on the stand-in chain, or only looked at."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain import reports as rep
from lpdesk.domain.events import OrderSent
from lpdesk.domain.pools import ProductPool, RangePool, StablePool, Tick, WeightedPool
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import SECOND, Side
from lpdesk.domain.wire import Malformed
from lpdesk.sandbox.chain import POOL, Chain
from lpdesk.venues import pool_states
from lpdesk.venues.base import VENUES, Endpoint
from tests.venues.effects import order, query

D = Decimal
PRODUCT = {"curve": "product", "decimals": ("8", "6"), "pool": POOL}


class Heard:
    """Reports as they come."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue = asyncio.Queue()

    async def next(self, kind: type):
        async with asyncio.timeout(5):
            while not isinstance(report := await self.queue.get(), kind):
                pass
            return report


def venue(heard: Heard, url: str, **options):
    endpoint = Endpoint(
        name="pool", kind="pool", url=url, symbols=("BTC/USDT",), options={**PRODUCT, **options}
    )
    return VENUES["pool"](endpoint, heard.queue.put_nowait, SystemClock())


def swap(order_id: str, limit: Decimal) -> OrderSent:
    return order(order_id, lp="pool", quantity="1", price=limit, side=Side.BUY)


@pytest.fixture
async def chain():
    chain = Chain(3000 * 10**8, 300_000_000 * 10**6)
    chain.url = await chain.start()
    yield chain
    await chain.close()


async def test_its_reserves_are_read_from_the_chain(chain: Chain) -> None:
    heard = Heard()
    pool = venue(heard, chain.url)
    await pool.start()
    read = await heard.next(rep.PoolRead)
    assert read.pool == ProductPool(
        decimals=(8, 6), reserves=(D(3000 * 10**8), D(300_000_000 * 10**6))
    )
    assert read.validity_ns == 15 * SECOND and read.symbol == "BTC/USDT"
    await pool.close()


async def test_a_swap_is_all_at_the_limit_or_nothing_and_told_by_our_id(chain: Chain) -> None:
    heard = Heard()
    pool = venue(heard, chain.url, signer="stand-in")
    sent = swap("q", D(100_400))
    pool.execute(sent)
    filled = await heard.next(rep.OrderFilled)
    assert filled.quantity == 1 and 100_300 < filled.price < 100_400
    pool.execute(sent)
    again = await heard.next(rep.OrderFilled)
    assert again.execution_id == filled.execution_id and len(chain.swaps) == 1
    pool.query(query(sent.order_id, "pool"))
    assert (await heard.next(rep.OrderFilled)).execution_id == filled.execution_id
    low = swap("q2", D(100_000))
    pool.execute(low)
    assert (await heard.next(rep.OrderRejected)).reason is Reason.PRICE_MOVED
    await pool.close()


async def test_without_a_signer_nothing_goes_out(chain: Chain) -> None:
    heard = Heard()
    pool = venue(heard, chain.url)
    pool.execute(swap("q", D(100_400)))
    report = await heard.next(rep.OrderNotSent)
    assert report.reason is Reason.NOT_ENABLED and not chain.swaps
    await pool.close()


async def test_a_node_that_is_not_there_or_in_trouble_says_nothing(chain: Chain) -> None:
    heard = Heard()
    chain.dark = True
    pool = venue(heard, chain.url, signer="stand-in")
    await pool._read()
    assert heard.queue.empty()
    sent = swap("q", D(100_400))
    pool.execute(sent)
    assert isinstance(await heard.next(rep.OrderLost), rep.OrderLost)  # who knows
    chain.dark = False
    pool.query(query(sent.order_id, "pool"))
    assert await heard.next(rep.OrderNotFound)
    await pool.close()


async def test_configured_reserves_need_no_chain() -> None:
    heard = Heard()
    pool = venue(heard, "", reserves=("5000", "700"))
    await pool.start()
    read = await heard.next(rep.PoolRead)
    assert read.pool.reserves == (5000, 700) and read.validity_ns is None
    await pool.close()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"curve": "round"}, "options.curve"),
        ({"decimals": ("8",)}, "decimals of every token"),
        ({"decimals": ("8", "99")}, "from 0 to 18"),
        ({"reserves": ("many", "1")}, "not a plain decimal"),
        ({"signer": "me"}, "options.signer"),
        ({"curve": "range"}, "fee_ppm"),
    ],
)
def test_options_that_can_never_work(options: dict, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        venue(Heard(), "", **options)


# ---- what contracts answer


def words(*values: int) -> str:
    return "0x" + "".join(f"{value & (2**256 - 1):064x}" for value in values)


def test_a_range_pool_is_read_with_its_ticks() -> None:
    options = {
        "curve": "range", "decimals": ("18", "6"), "pool": "0xf00", "fee_ppm": 500, "spacing": 10,
        "ticks": ("60", "-60"),
    }  # fmt: skip
    asked = pool_states.calls(options)
    assert [data[:10] for _, data in asked] == ["0x3850c7bd", "0x1a686502", *["0xf30dba93"] * 2]
    assert asked[2][1].endswith("f" * 60 + "ffc4")  # -60, as a contract counts
    answers = [words(2**96, -5, 0, 0), words(7), words(7, 7, 0), words(7, -7, 0)]
    pool = pool_states.answered(pool_states.configured(options), options, answers)
    assert isinstance(pool, RangePool)
    assert (pool.sqrt_price, pool.tick, pool.liquidity) == (2**96, -5, 7)
    assert pool.ticks == (Tick(-60, D(7)), Tick(60, D(-7)))


def test_a_stable_and_a_weighted_pool_are_read() -> None:
    options = {"curve": "stable", "decimals": ("18", "6", "6"), "pool": "0xf00", "quote": 2}
    answers = [words(1), words(2), words(3), words(2000), words(4000000)]
    pool = pool_states.answered(pool_states.configured(options), options, answers)
    assert isinstance(pool, StablePool)
    assert pool.reserves == (1, 2, 3) and (pool.amplification, pool.fee) == (2000, 4000000)
    options = {
        "curve": "weighted", "decimals": ("18", "6"), "pool": "0xf00", "vault": "0xbad",
        "weights": ("0.8", "0.2"), "fee": "0.003",
    }  # fmt: skip
    answer = words(96, 192, 5, 2, 0xA, 0xB, 2, 70, 80)
    pool = pool_states.answered(pool_states.configured(options), options, [answer])
    assert isinstance(pool, WeightedPool) and pool.reserves == (70, 80)
    assert pool.weights == (8 * 10**17, 2 * 10**17) and pool.fee == 3 * 10**15


@pytest.mark.parametrize("answer", ["", "0x", "0x12", "0x" + "zz" * 32, words(1)])
def test_an_answer_that_is_none_is_malformed(answer: str) -> None:
    with pytest.raises(Malformed):
        pool_states.answered(pool_states.configured(PRODUCT), PRODUCT, [answer])
