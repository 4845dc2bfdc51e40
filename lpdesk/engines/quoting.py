"""Requests: checked, raced over the LPs, cancelled, expired. One `Race` for each live request."""

from __future__ import annotations

from collections.abc import Callable, Container
from decimal import Decimal
from functools import partial

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.scoring import WINDOW_NS
from lpdesk.domain.settings import Client, Lp, Pair
from lpdesk.domain.values import ZERO, Dealt, Instant, Side, round_down
from lpdesk.engines import pricing, routing
from lpdesk.engines.aggregator import Race
from lpdesk.engines.execution import Trade
from lpdesk.engines.health import Refusal
from lpdesk.engines.lane import Lane
from lpdesk.engines.ledger import client_account, lp_account
from lpdesk.engines.lock import POLICIES
from lpdesk.engines.market import MAJORITY, beyond
from lpdesk.engines.state import State

Events = list[Event]

KEPT_RACES = 64
"""Ended requests kept: a late answer is still recorded, a rejected hedge still finds its covers."""


class Quoting:
    """All requests of a desk."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.races: dict[str, Race] = {}
        self._dues: dict[str, Instant] = {}  # of live races, in the order they were opened
        self.reference: Callable[[str, Instant], Decimal | None] = _no_reference

    def request(self, cause: cmd.RequestQuote, at: Instant) -> Events:
        cause = routing.resolved(cause, self.state.settings)
        refusal = self._check_request(cause, at)
        if refusal:
            return [refusal]
        pair = self.state.settings.pair(cause.symbol)
        assert pair is not None
        rules = self.state.settings.rules
        first, backup = routing.routes(cause, pair, self.state.settings)
        opened = ev.RfqOpened(
            rfq_id=self.state.name("R"),
            client=cause.client or self.state.settings.default_client,
            symbol=cause.symbol,
            side=cause.side,
            dealt=cause.dealt,
            amount=cause.amount,
            base_side=pricing.base_side(cause.side, cause.dealt),
            via=cause.via,
            auto_refresh=rules.auto_refresh if cause.auto_refresh is None else cause.auto_refresh,
            expires_at=at + rules.rfq_duration_ns,
            firm_at=None if cause.firm_after_ns is None else at + cause.firm_after_ns,
            desk=first.desk,
            skip_retry=cause.skip_retry,
            delayed=cause.delayed,
            settle_days=cause.settle_days,
        )
        name = partial(self.state.name, "Q")
        race = Race(opened, pair, first.lps, self.state.settings, name, at)
        race.backup, race.curves = backup, self.state.curves
        race.value.handicaps = self._handicaps(at)
        self._keep(race)
        return self._planned(race, [opened, *self._go_on(race, at)])

    def _handicaps(self, at: Instant) -> dict[str, Decimal]:
        """By how many bps each LP's price counts for worse in a race that begins now."""
        state, rules = self.state, self.state.settings.rules
        handicap = POLICIES[rules.lock_policy].handicap
        each = {lp.name: handicap(rules, lp, state.scorecards, at) for lp in state.settings.lps}
        return {name: bps for name, bps in each.items() if bps}

    @property
    def due(self) -> Instant | None:
        """When the first race wants to be woken."""
        return min(self._dues.values(), default=None)

    def _planned(self, race: Race, events: Events) -> Events:
        """Whatever touches a race ends here: when it is due next is worked out once."""
        due = race.due
        if due is None:
            self._dues.pop(race.rfq.rfq_id, None)
        else:
            self._dues[race.rfq.rfq_id] = due
        return events

    def end(
        self, race: Race, how: ev.RfqEnd, reason: Reason | None = None, text: str = ""
    ) -> Events:
        return self._planned(race, race.end(how, reason, text))

    def clear(self) -> None:
        """A process begins anew."""
        self.races.clear()
        self._dues.clear()

    def _keep(self, race: Race) -> None:
        self.races[race.rfq.rfq_id] = race
        ended = [rfq for rfq, kept in self.races.items() if kept.ended and not kept.hedging]
        for rfq in ended[:-KEPT_RACES]:
            del self.races[rfq]

    def _check_request(self, cause: cmd.RequestQuote, at: Instant) -> ev.CommandRefused | None:
        """The first thing wrong with a request, with a line that would be right."""
        pair = self.state.settings.pair(cause.symbol)
        if self.state.halted:
            return refused(Reason.HALTED, "desk", "trading is halted")
        if pair is None:
            known = ", ".join(p.symbol for p in self.state.settings.pairs[:4])
            return refused(Reason.BAD_PAIR, "pair", f"{cause.symbol} is not dealt here: {known}")
        name = cause.client or self.state.settings.default_client
        client = self.state.settings.client(name)
        if client is None:
            return refused(Reason.BAD_CLIENT, "client", f"@{name} is not a client", pair)
        for lp in routing.panel(cause.via):
            if self.state.settings.lp(lp) is None:
                return refused(Reason.BAD_LP, "via", f"{lp} is not an LP", pair)
        if cause.desk and self.state.settings.trade_desk(cause.desk) is None:
            return refused(Reason.BAD_DESK, "trade_desk", f"{cause.desk} is not one", pair)
        objection = routing.objection(cause, client, self.state.settings, at)
        if objection:
            return refused(*objection, pair)
        rules, firm = self.state.settings.rules, cause.firm_after_ns is not None
        live = sum((self.races[rfq].rfq.firm_at is not None) is firm for rfq in self._dues)
        if live >= (rules.max_firm_quotes if firm else rules.max_live_rfqs):
            return refused(Reason.TOO_MANY, "desk", f"{live} requests are live already", pair)
        return self._check_amount(cause, pair, client, at)

    def _check_amount(
        self, cause: cmd.RequestQuote, pair: Pair, client: Client, at: Instant
    ) -> ev.CommandRefused | None:
        if not cause.amount.is_finite() or cause.amount <= 0:
            return refused(Reason.BAD_AMOUNT, "amount", "must be greater than zero", pair)
        asset, decimals = pair.asset(cause.dealt), pair.decimals(cause.dealt)
        mid = self.state.market.mid(pair.symbol, at)
        amount = cause.amount
        base = amount if cause.dealt is Dealt.BASE else amount / mid if mid else None
        quote = amount if cause.dealt is Dealt.QUOTE else amount * mid if mid else None
        if round_down(amount, decimals) != amount:
            text = f"{asset} has {decimals} decimals"
            return refused(Reason.TOO_PRECISE, "amount", text, pair)
        if base is not None and base < pair.minimum:
            text = f"the minimum is {pair.minimum} {pair.base}"
            return refused(Reason.BELOW_MINIMUM, "amount", text, pair)
        return check_limits(pair, client, base or ZERO, quote or ZERO) or self.check_rolling(
            pair, client, quote or ZERO, at
        )

    def check_rolling(
        self, pair: Pair, client: Client, quote: Decimal, at: Instant
    ) -> ev.CommandRefused | None:
        """What the client has dealt in a day counts, as far as it has not failed."""
        if client.rolling_limit is None:
            return None
        dealt = self.state.rolling.dealt((client.name, pair.quote), at)
        if dealt + quote <= client.rolling_limit:
            return None
        return refused(Reason.ABOVE_LIMIT, "amount", "Rolling Limit Reached", pair)

    def _go_on(self, race: Race, at: Instant) -> Events:
        """Give a firm price out when its time has come, else ask whose turn it is.

        A price that the client could not deal on is not given out.
        """
        if not race.ripe(at):
            return self._ask(race, at)
        why = self.unfit(race, at, crossed_ok=False)
        return race.end(ev.RfqEnd.CANCELLED, why.reason, why.text) if why else [race.fix()]

    def unfit(self, race: Race, at: Instant, *, crossed_ok: bool) -> ev.CommandRefused | None:
        """Why the client may not deal on the lock: the market, limits, credit, funds."""
        assert race.lock is not None
        if self.state.market.crossed(race.pair.symbol, at) and not (crossed_ok or race.fixed):
            return refused(Reason.CROSSED, "market", "bid at or above ask: accept with p!")
        amounts, lock = race.lock.terms.amounts, race.lock
        client = self.state.settings.client(race.rfq.client)
        assert client is not None
        objection = routing.objection(race.rfq, client, self.state.settings, at)
        if objection:
            return refused(*objection)
        limits = check_limits(race.pair, client, amounts.base, amounts.quote)
        limits = limits or self.check_rolling(race.pair, client, amounts.quote, at)
        if limits:
            return limits
        for lp, quantity, price in lock.takes():
            credit = self.credit_refusal(race.lanes[lp].lp, race, quantity, price)
            if credit:
                return refused(Reason.CREDIT, "lp", f"{lp}: {credit.text}")
        account = client_account(client.name)
        missing = self.state.ledger.missing(account, amounts.pays_asset, amounts.pays)
        if missing and not race.rfq.delayed:
            text = f"{client.name} is short of {missing} {amounts.pays_asset}"
            return refused(Reason.NOT_ENOUGH_FUNDS, "client", text)
        return None

    def _ask(self, race: Race, at: Instant) -> Events:
        """Ask every LP whose turn it is and that may be asked."""
        events: Events = []
        for lane in race.wanting(at):
            events += self._ask_one(race, lane, at)
        dry = race.end_if_dry()
        return events + dry + (self._ask(race, at) if dry and not race.ended else [])

    def _ask_one(self, race: Race, lane: Lane, at: Instant) -> Events:
        quantity = race.quantity_for(lane, self.state.market.mid(race.pair.symbol, at), at)
        refusal = self._not_eligible(race, lane, quantity, at)
        if refusal:
            return lane.skip(race.rfq.rfq_id, refusal)
        changed = self.state.health.spend(lane.lp.name, at)
        return [*([changed] if changed else []), race.ask(lane, quantity, at)]

    def elsewhere(self, race: Race, trade: Trade, reason: Reason, at: Instant) -> Events:
        """The desk would not fill: the backup's LPs are asked once for what is missing of a hedge.

        Nothing where there is no backup left, or nobody of it that was not tried.
        """
        backup, tried = race.backup, {order.cover.lp for order in trade.orders}
        lps = tuple(lp for lp in backup.lps if lp.name not in tried) if backup else ()
        if backup is None or all(lp.fallback for lp in lps):
            return []
        race.value.agreed = trade.missing
        events: Events = [race.reroute(routing.Route(backup.desk, lps), reason, trade.trade_id)]
        for lane in race.lanes.values():
            events += self._ask_one(race, lane, at)
        return events

    def _not_eligible(
        self, race: Race, lane: Lane, quantity: Decimal, at: Instant
    ) -> Refusal | None:
        lp = lane.lp
        if not lp.can.base_amounts:
            text = f"takes no amounts in {race.pair.base}"
            return Refusal(Reason.NOT_ENABLED, text)
        if not lp.can.buys and race.rfq.base_side is Side.BUY:
            return Refusal(Reason.NOT_ENABLED, f"sells no exact amount of {race.pair.base}")
        if not quantity:
            return Refusal(Reason.SIZE, "none of it is dealt inside")
        if quantity < lp.minimum:
            return Refusal(Reason.SIZE, f"from {lp.minimum}")
        if lp.maximum is not None and quantity > lp.maximum:
            return Refusal(Reason.SIZE, f"up to {lp.maximum}")
        if lane.last_all_in and race.value.hedge(lane.last_all_in) < race.pair.minimum:
            return Refusal(Reason.BELOW_MINIMUM, f"from {race.pair.minimum} {race.pair.base}")
        price = lane.last_all_in or self.state.market.mid(race.pair.symbol, at)
        return self.credit_refusal(lp, race, quantity, price) or self.state.health.refusal(
            lp.name, at
        )

    def credit_refusal(
        self, lp: Lp, race: Race, quantity: Decimal, price: Decimal | None
    ) -> Refusal | None:
        """Credit is what an LP lets us owe it, per asset that it delivers to us."""
        buys = race.rfq.base_side is Side.BUY
        asset = race.pair.base if buys else race.pair.quote
        line = lp.credit.get(asset)
        if line is None:
            return None
        amount = quantity if buys else quantity * (price or ZERO)
        owed = self.state.in_flight.get((lp.name, asset), ZERO)
        owed -= self.state.ledger.available(lp_account(lp.name), asset)
        return Refusal(Reason.CREDIT, f"line {line} {asset}") if owed + amount > line else None

    def quoted(self, cause: rep.LpQuoted, at: Instant) -> Events:
        race = self._race_of(cause.ask_id)
        if race is None:
            return []
        mid = self._yardstick(race, cause.lp, cause.price, at)
        since = at - WINDOW_NS if self.state.settings.rules.edition > 1 else 0
        p95 = self.state.quality.exec_p95_ns(cause.lp, since)
        events = race.wake(at) if race.overdue(at) else []
        events += [*race.quoted(cause, at, p95, mid), *self._gainsaid(race, at)]
        return self._planned(race, [*events, *self._go_on(race, at), *race.uncovered(at)])

    def _yardstick(self, race: Race, lp: str, price: Decimal, at: Instant) -> Decimal | None:
        """What an LP's price is compared with: who is far from it is not dealt with.

        What most streams say, else the reference, else what most in the race say.
        """
        symbol, market = race.pair.symbol, self.state.market
        mid, lane = market.mid(symbol, at), race.lanes.get(lp)
        if self.state.settings.rules.strict:
            if mid is not None and market.tops[symbol].sources >= MAJORITY:
                return mid
            return self.reference(symbol, at) or mid or race.middle(lp, price)
        if mid is None and lane and lane.lp.fallback:
            return self.reference(symbol, at)
        return mid

    def _gainsaid(self, race: Race, at: Instant) -> Events:
        """A price that came first, and that most of those who came later show to be an outlier."""
        rules, events = self.state.settings.rules, Events()
        for lp in race.locked() if rules.strict and not race.ended else ():
            lane = race.lanes[lp]
            mid = self._yardstick(race, lp, lane.leg.price, at) if lane.leg else None
            if lane.leg and mid and beyond(lane.leg.price, mid, rules.price_band_bps):
                why, text = Reason.MALFORMED, "far from what most others say"
                gone = rep.LpWithdrew(lp=lp, ask_id=lane.ask_id, reason=why, text=text)
                events += race.missed(gone, at)
        return events

    def missed(self, cause: rep.LpFailed | rep.LpWithdrew, at: Instant) -> Events:
        race = self._race_of(cause.ask_id)
        if race is None:
            return []
        events = race.wake(at) if race.overdue(at) else []
        events += [*race.missed(cause, at), *self._go_on(race, at)]
        return self._planned(race, [*events, *race.uncovered(at)])

    def _race_of(self, ask_id: str) -> Race | None:
        return self.races.get(ask_id.partition(".")[0])

    def live(self, symbols: Container[str]) -> list[Race]:
        """The live requests for these pairs."""
        races = self.races.values()
        return [race for race in races if not race.ended and race.rfq.symbol in symbols]

    def cancel(self, cause: cmd.CancelRfq) -> Events:
        race = self.races.get(cause.rfq_id)
        if race is None or race.ended:
            return [refused(Reason.NOT_FOUND, "rfq", f"{cause.rfq_id} is not live")]
        return self.end(race, ev.RfqEnd.CANCELLED)

    def set_auto_refresh(self, cause: cmd.SetAutoRefresh) -> Events:
        race = self.races.get(cause.rfq_id)
        if race is None or race.ended:
            return [refused(Reason.NOT_FOUND, "rfq", f"{cause.rfq_id} is not live")]
        race.auto_refresh = cause.on
        return [ev.AutoRefreshSet(rfq_id=cause.rfq_id, on=cause.on)]

    def wake(self, at: Instant) -> Events:
        events: Events = []
        for race in [self.races[rfq] for rfq, due in self._dues.items() if due <= at]:
            events += race.wake(at)
            events += self._go_on(race, at)
            events += race.uncovered(at)
            self._planned(race, events)
        return events

    def bar(self, lp: str, at: Instant) -> Events:
        """A blocked LP is out of every race."""
        races = self.races.values()
        return [
            event
            for race in races
            for event in self._planned(race, [*race.bar(lp, at), *race.uncovered(at)])
        ]

    def run_out(self, at: Instant) -> Events:
        """Firm prices whose time was over while nobody was there to say so."""
        over = [race for race in self.races.values() if race.fixed and race.overdue(at)]
        return [event for race in over for event in self._planned(race, race.wake(at))]

    def end_live(self, reason: Reason, text: str) -> Events:
        events: Events = []
        for race in self.races.values():
            if not race.ended:
                events += self.end(race, ev.RfqEnd.CANCELLED, reason, text)
        return events


def _no_reference(symbol: str, at: Instant) -> Decimal | None:
    """Before a maker tells what a pair is worth."""
    return None


def check_limits(
    pair: Pair, client: Client, base: Decimal, quote: Decimal
) -> ev.CommandRefused | None:
    if pair.maximum is not None and base > pair.maximum:
        text = f"the desk's limit is {pair.maximum} {pair.base}"
        return refused(Reason.ABOVE_LIMIT, "amount", text, pair)
    if client.maximum is not None and quote > client.maximum:
        text = f"{client.name}'s limit is {client.maximum} {pair.quote}"
        return refused(Reason.ABOVE_LIMIT, "amount", text, pair)
    return None


def refused(reason: Reason, field: str, text: str, pair: Pair | None = None) -> ev.CommandRefused:
    example = f"b {pair.minimum} {pair.symbol.lower()}" if pair else ""
    return ev.CommandRefused(reason=reason, field=field, text=text, example=example)
