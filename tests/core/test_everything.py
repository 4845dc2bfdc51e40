"""Every command and every report at any time, on a desk that has everything: the books agree."""

from __future__ import annotations

import os
from decimal import Decimal, localcontext
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from lpdesk.desk import Desk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.making import PARAMETERS, OrderKind
from lpdesk.domain.pools import ProductPool
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.values import MILLISECOND, MONEY, SECOND, Dealt, Instant, Side
from lpdesk.journal.reader import check_chain
from tests.cli.days import keep
from tests.core.everything import ENDS, MIDS, PAIRS, Counted, rejected, some_settings

D = Decimal
HOUR, WHOLE = 3_600 * SECOND, D(1)
SIDES = list(Side)
LPS = ("alpha", "beta", "gamma", "delta", "pool", "house", "nobody")
ONE = cmd.Origin(caller="k1", token="t", digest="d")
WHY = [Reason.DECLINED, Reason.UNREACHABLE, Reason.RATE_LIMITED]


class Life(Counted):
    """Anything that happens to a desk, weighted by `ACTS`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.starts = self.executions = 0
        self.restart()

    def wrong(self) -> bool:
        """Whether somebody does now what nobody should."""
        return self.random.random() < self.evil / 5

    # ---- time

    def wait(self, milliseconds: int | None = None) -> None:
        """Punctually, or asleep until then; a deadline always comes before the next input."""
        choice = self.random.choice
        if milliseconds is None:
            long = [8_000, 61_000, 900_000, 3_600_000, 26 * 3_600_000]
            milliseconds = choice(long if self.random.random() < 0.08 else [0, 1, 50, 300, 1_900])
        self.pulse_until(self.at + milliseconds * MILLISECOND, punctual=milliseconds <= 61_000)

    def pulse_until(self, end: Instant, *, punctual: bool) -> None:
        for _ in range(2_000):
            due = self.desk.next_due()
            if due is None or due > end:
                self.at = end
                return
            self.at = max(self.at, due) if punctual else end
            self.does(rep.Pulse())
        raise AssertionError("a busy loop")

    def restart(self) -> None:
        """In order or not, with other settings or the same."""
        if self.starts and self.random.random() < 0.4:
            self.does(rep.DeskStopped(why="the end"))
        if self.random.random() < 0.3:
            self.at += HOUR
        self.starts += 1
        anew = self.starts == 1 or self.random.random() < 0.5
        settings = some_settings(self.random, self.at) if anew else self.desk.state.settings
        self.does(rep.DeskStarted(instance=f"i{self.starts}", settings=settings, version="0"))

    # ---- clients and dealers

    def request(self, **wishes: object) -> str | None:
        """Of any kind; the request's id if the desk took it."""
        choice, chance = self.random.choice, self.random.random
        amounts = "0.001 0.5 0.12345 1 1.5 2.5 50 333.33 12345.67 100000".split()
        asked = cmd.RequestQuote(
            symbol="X/Y" if self.wrong() else choice(PAIRS).symbol,
            side=choice(SIDES),
            dealt=choice([Dealt.BASE, Dealt.BASE, Dealt.QUOTE]),
            amount=D(choice(amounts)),
            client=choice(["", "acme", "zeta", "bolt", "nobody"] if self.wrong() else ["", "zeta"]),
            via=choice(["alpha", "house", "alpha,beta", "otc", "nobody"]) if chance() < 0.1 else "",
            auto_refresh=choice([None, True, False]),
            desk=choice(["otc", "vault", "prime", "nobody"]) if chance() < 0.1 else "",
        )
        if chance() < 0.25:
            firm = choice([0, SECOND, 3 * SECOND])
            asked = replace(asked, firm_after_ns=firm, origin=self.origin())
        if chance() < 0.3:
            days = choice([0, 1, 2])
            asked = replace(asked, delayed=True, settle_days=days, desk="otc", client="acme")
            asked = replace(asked, skip_retry=not self.wrong(), via="")
        events = self.does(replace(asked, **wishes))
        return next((each.rfq_id for each in events if isinstance(each, ev.RfqOpened)), None)

    def accept(self) -> None:
        if self.locks:
            lock = self.locks[-1 - self.random.randrange(2) % len(self.locks)]
            quote_id = "Q-000001" if self.wrong() else lock.quote_id
            crossed_ok = self.random.random() < 0.6
            accept = cmd.AcceptQuote(
                rfq_id=lock.rfq_id, quote_id=quote_id, crossed_ok=crossed_ok, origin=self.origin()
            )
            self.does(accept)

    def deal(self) -> None:
        """From the first price to the last fill, mostly without trouble."""
        choice, chance = self.random.choice, self.random.random
        if not self.wrong():
            self.recover()
        rfq_id = self.request(dealt=Dealt.BASE, amount=D(choice(["0.5", "1", "1.5", "3"])))
        part = choice([WHOLE, WHOLE, WHOLE, D("0.5"), D("0.33333")])
        for ask in [each for each in self.asks if each.rfq_id == rfq_id]:
            if ask.lp not in ("house", "pool"):
                self.quote(ask, part)
        if chance() < 0.5:
            self.wait(choice([0, 100, 700, 2_500]))
        if self.locks and self.locks[-1].rfq_id == rfq_id:
            self.accept()
        while waiting := [each for each in self.orders if self.outcomes[each.order_id] == "sent"]:
            if self.wrong():
                break
            if chance() < 0.7:
                self.fill(waiting[0])
            else:
                self.does(rejected(waiting[0]))

    def recover(self) -> None:
        """Everybody has looked at what there was to look at."""
        if self.halted:
            self.does(cmd.Resume())
        for lp in self.desk.state.health.blocked():
            self.does(cmd.UnblockLp(lp=lp))
        for pair in PAIRS:
            for source in ("binance", "okx"):
                self.tick(source, pair.symbol, D(0))

    # ---- LPs

    def quote(self, ask: ev.LpAsked | None = None, part: Decimal = WHOLE) -> None:
        choice, chance = self.random.choice, self.random.random
        if ask is None:
            if not self.asks:
                return
            ask = self.asks[-1 - self.random.randrange(8) % len(self.asks)]
        away = D(choice([-600, -5, 600]) if self.wrong() else choice([0, 1, 2, 3]))
        sign = 1 if ask.side is Side.BUY else -1
        price = (MIDS[ask.symbol] * (1 + sign * away / 10_000)).quantize(D("0.00001"))
        share = D(choice(["0", "-1", "1.5", "0.33333"])) if self.wrong() else D(1)
        quoted = rep.LpQuoted(
            lp="beta" if self.wrong() else ask.lp,
            ask_id=ask.ask_id + ("9" if self.wrong() else ""),
            quote_ref="same" if self.wrong() else f"q{len(self.records)}",
            symbol="ETH/USDT" if self.wrong() else ask.symbol,
            side=ask.side.opposite if self.wrong() else ask.side,
            price=D(choice([0, -1])) if self.wrong() else price,
            quantity=ask.quantity * share * part,
            validity_ns=SECOND * (choice([0, -5, 10**6]) if self.wrong() else choice([3, 10, 60])),
            undealable="only shown" if self.wrong() else "",
        )
        half = (quoted.quantity / 2).quantize(D("0.00001"))
        if chance() < 0.3 and 0 < half < quoted.quantity:
            worse = price * (1 + sign * D("0.0002") * (-1 if self.wrong() else 1))
            first = rep.QuoteLevel(quoted.price, half, quoted.quote_ref)
            second = rep.QuoteLevel(worse, quoted.quantity - half, quoted.quote_ref + "b")
            quoted = replace(quoted, levels=(first, second))
        for _ in range(2 if self.wrong() else 1):
            self.does(quoted)

    def no_quote(self) -> None:
        if self.asks:
            ask, why = self.random.choice(self.asks), self.random.choice(WHY)
            withdrew = rep.LpWithdrew(lp=ask.lp, ask_id=ask.ask_id, reason=Reason.WITHDRAWN)
            failed = rep.LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=why, retry_after_ns=SECOND)
            self.does(self.random.choice([withdrew, failed, replace(failed, retry_after_ns=0)]))

    def fill(self, order: ev.OrderSent) -> None:
        choice = self.random.choice
        self.executions += 1
        fee = D(choice(["0.01", "-0.01", "3"])) if self.random.random() < 0.2 else D(0)
        share = D(choice(["0.5", "1.5", "0", "-1"])) if self.wrong() else D(1)
        filled = rep.OrderFilled(
            lp="beta" if self.wrong() else order.lp,
            order_id="stranger" if self.wrong() else order.order_id,
            execution_id=f"x{self.executions}",
            price=order.price * (choice([D("0.999"), D("1.001")]) if self.wrong() else 1),
            quantity=order.quantity * share,
            fee=fee,
            fee_asset=choice(["USDT", "BTC", "BNB"]) if fee else "",
            partial=share < 1,
            fee_text="odd" if self.wrong() else "",
        )
        for _ in range(2 if self.wrong() else 1):
            self.does(filled)

    def outcome(self) -> None:
        """Any word on one of the newest orders, whatever was said of it before."""
        if not self.orders or not self.wrong():
            return
        order = self.orders[-1 - self.random.randrange(4) % len(self.orders)]
        name = {"lp": order.lp, "order_id": order.order_id}
        lost = name | {"reason": Reason.UNREACHABLE}
        words: list[Cause | None] = [
            None,
            rejected(order),
            rep.OrderNotSent(**lost),
            rep.OrderLost(**lost),
            rep.OrderPending(**name),
            rep.OrderNotFound(**name),
            rep.QueryFailed(**lost),
            rep.FillRevised(**name, execution_id=f"x{self.executions}", text="busted"),
        ]
        said = self.random.choice(words)
        if said is None:
            self.fill(order)
        else:
            self.does(said)

    def listing(self) -> None:
        choice = self.random.choice
        if not self.runs or self.random.random() < 0.3:
            since = choice([None, 0, self.at])
            self.does(cmd.Reconcile(lp=choice(["", *LPS]), since=since))
            return
        run = choice(self.runs[-6:])
        if self.random.random() < 0.15:
            why = Reason.MALFORMED
            self.does(rep.ExecutionsUnlisted(lp=run.lp, run_id=run.run_id, reason=why))
            return
        legs = [leg for leg in self.legs[-30:] if leg.lp == run.lp and not self.wrong()]
        rows: list[rep.OrderFilled | rep.OrderRejected | rep.OrderPending] = [
            rep.OrderFilled(
                lp=leg.lp, order_id=leg.order_id, execution_id=leg.execution_id, price=leg.price,
                quantity=leg.quantity * (2 if self.wrong() else 1), fee=leg.fee,
                fee_asset=leg.fee_asset,
            )
            for leg in legs
        ]  # fmt: skip
        pending = rep.OrderPending(lp=run.lp, order_id="lost")
        lies = [each for each in self.orders if each.lp == run.lp and self.wrong()]
        rows += [choice([rejected(order), pending]) for order in lies]
        self.does(rep.ExecutionsListed(lp=run.lp, run_id=run.run_id, executions=tuple(rows)))

    # ---- the market, and our own exchange

    def tick(self, source: str, symbol: str, bps: Decimal) -> None:
        mid, half = MIDS[symbol] * (1 + bps / 10_000), MIDS[symbol] * D("0.00001")
        half *= -1 if self.wrong() else 1
        ticked = rep.ReferenceTicked(source=source, symbol=symbol, bid=mid - half, ask=mid + half)
        self.does(ticked)

    def market(self) -> None:
        choice = self.random.choice
        symbol, bps = choice(PAIRS).symbol, D(choice([-150, 150] if self.wrong() else [-1, 0, 1]))
        mid, deep = MIDS[symbol], D(choice([1, 30, 3_000]))
        reserves = (deep * 10**8, deep * 100_000 * 10**6)
        happened: list[Cause | None] = [
            None,
            None,
            rep.ReferenceLost(source="okx", symbol=symbol, reason=Reason.STALE),
            rep.LpStreamed(
                lp=choice(["alpha", "beta"]), symbol=symbol, bid=mid, bid_size=D(1),
                ask=mid * D(choice(["1.00001", "0.9999"])), ask_size=D(1),
            ),
            rep.PoolRead(
                lp="pool", symbol="BTC/USDT", validity_ns=choice([None, SECOND]),
                pool=ProductPool(decimals=(8, 6), reserves=reserves),
            ),
            rep.TakerOrdered(
                taker="t", symbol=symbol, side=choice(SIDES),
                quantity=D(choice(["0.1", "0.33333", "2", "50", "NaN", "0.000001"])),
                price=choice([None, mid * D("1.001"), D(0), D("NaN")]),
            ),
        ]  # fmt: skip
        if (said := choice(happened)) is None:
            self.tick(choice(["binance", "okx"]), symbol, bps)
        else:
            self.does(said)

    def place(self) -> None:
        choice = self.random.choice
        symbol, kind = choice(PAIRS).symbol, choice(list(OrderKind))
        price = (MIDS[symbol] * (1 + D(choice([-20, -4, 0, 4, 20])) / 10_000)).quantize(D("0.01"))
        priced = (kind is not OrderKind.MARKET) != self.wrong()
        order = cmd.PlaceOrder(
            symbol=symbol, side=choice(SIDES), kind=kind, client=choice(["", "zeta"]),
            quantity=D(choice(["0.1", "1", "3", "0.12345", "0", "1000"])),
            price=price if priced else None,
        )  # fmt: skip
        self.does(order)

    # ---- people

    def person(self) -> None:
        """One of all the commands that have nothing to do with a price."""
        choice, known, chance = self.random.choice, self.known, self.random.random
        rfq_id = self.locks[-1].rfq_id if self.locks else "R-000001"
        parameter = choice(list(PARAMETERS))
        limits = PARAMETERS[parameter]
        money = {
            "account": choice(["", "client:zeta", "settlement:acme", "liquidity:otc", "desk"]),
            "asset": choice(["BTC", "USDT", "DOGE"]),
            "amount": D(choice(["0.1", "5", "20000", "0", "-1", "NaN", "0.0000001", "1e20"])),
            "origin": self.origin(),
        }
        event_id, endpoint = choice([*self.hooks[-5:], ("W-1", "acme-hook")])
        tried = {"event_id": event_id, "endpoint": endpoint, "attempt": choice([1, 2, 3])}
        names = [*list(self.trades)[-6:], "Q-000001"]
        gathered = tuple(names[self.random.randrange(len(names)) :])
        commands: list[Cause] = [
            cmd.CancelRfq(rfq_id=rfq_id, origin=self.origin()),
            cmd.SetAutoRefresh(rfq_id=rfq_id, on=chance() < 0.5),
            cmd.Halt(why=choice(["", "F12"])) if self.wrong() else cmd.Resume(),
            cmd.StartMaker(symbol=choice(["", "BTC/USDT", "X/Y"])),
            cmd.StopMaker(symbol=choice(["", "BTC/USDT", "X/Y"])),
            cmd.SetMaker(
                symbol="BTC/USDT", parameter=parameter,
                value=choice([limits.default, limits.lowest, limits.highest, D("NaN"), D(-1)]),
            ),
            cmd.CancelOrders(order_id=known("order", "", "O-999999")),
            cmd.UnblockLp(lp=choice(LPS)),
            cmd.Deposit(**money),
            cmd.Withdraw(**money),
            cmd.CreateSettlement(trades=gathered, pair_id=choice(["", "acme-otc", "x"])),
            cmd.SettleNow(settlement_id=known("settlement", "S-999999")),
            cmd.CloseBreak(break_id=known("break", "B-999999"), why=choice(["seen", ""])),
            cmd.AssignBreak(break_id=known("break", "B-999999"), owner=choice(["anna", ""])),
            cmd.ResendWebhook(event_id=event_id, endpoint=choice(["", endpoint])),
            cmd.EnableEndpoint(endpoint=endpoint),
            cmd.KeepAnswer(origin=ONE, status=200, body=""),
            rep.WebhookDelivered(**tried, status=200),
            rep.WebhookFailed(
                **tried, status=choice([500, 410]), text="", gone=chance() < 0.3,
                next_at=choice([None, self.at + SECOND]),
            ),
        ]  # fmt: skip
        self.does(choice(commands))

    ACTS = (
        (20, wait), (5, request), (25, quote), (3, no_quote), (5, accept), (14, deal),
        (18, outcome), (4, listing), (15, market), (5, place), (14, person), (1, restart),
    )  # fmt: skip

    def lives(self, steps: int) -> None:
        weights, acts = zip(*self.ACTS, strict=True)
        for act in self.random.choices(acts, weights, k=steps):
            act(self)

    def ends(self) -> None:
        """Every LP says that it did nothing; time passes; nothing is left open (I5, I17)."""
        self.does(cmd.Resume())
        for _ in range(10):  # each reject may be hedged with the next one
            for order_id, outcome in list(self.outcomes.items()):
                if outcome in ("sent", "unknown"):
                    self.does(rejected(self.sent[order_id]))
            self.wait(3_000)
        assert not self.desk.dealing.open_trades
        assert not any(self.desk.state.in_flight.values())
        self.does(cmd.Halt(why="the end"))
        assert not self.desk.state.ledger.holds
        for _ in range(20):
            self.pulse_until(self.at + 24 * HOUR, punctual=False)
        assert set(self.trades.values()) <= set(ENDS)


def lived(seed: int, steps: int, journal: Path) -> Life:
    """A whole life, that replays byte for byte and that a journal can hold with all its tables."""
    life = Life(seed)
    with localcontext(MONEY):
        life.lives(steps)
        life.ends()
    again = Desk()
    for record in life.records:
        events = again.step(record.cause, record.at)
        assert msgspec.json.encode(events) == msgspec.json.encode(record.events)
    assert check_chain(keep(journal, life.records)).ok
    return life


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_books_agree(tmp_path: Path, seed: int) -> None:
    life = lived(seed, 120, tmp_path / "life.db")
    assert life.met["TradeOpened"] and life.met["CommandRefused"]


@pytest.mark.long
def test_whatever_happens_in_many_lives(tmp_path: Path) -> None:
    met: set[str] = set()
    for seed in range(int(os.environ.get("LIVES", "150"))):
        met |= set(lived(seed, 500, tmp_path / f"{seed}.db").met)
        (tmp_path / f"{seed}.db").unlink()
    assert {kind.__name__ for kind in get_args(Event)} - met == {"QuoteUncovered"}
