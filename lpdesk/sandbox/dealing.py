"""How a stand-in makes a price and decides an order. Synchronous; the venue does the waiting."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from random import Random
from typing import Final

from lpdesk.sandbox.book import Execution, Status
from lpdesk.sandbox.market import PAIRS, Market
from lpdesk.sandbox.personality import Mood, Personality, Verbatim
from lpdesk.sandbox.wire import Refusal

MAX_REMEMBERED_QUOTES: Final = 4_096
_NS_PER_MS: Final = 1_000_000
_FADE_WINDOW_NS: Final = 10_000 * _NS_PER_MS
_BPS: Final = Decimal(10_000)
_MILLION: Final = Decimal(1_000_000)
_FEE_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Quote:
    """A price for one side and one size. `mid` is the market it was made in."""

    quote_id: str
    symbol: str
    side: str  # the client's, "BUY" or "SELL"
    price: Decimal
    quantity: Decimal
    mid: Decimal
    expires_ns: int
    expires_in_ms: int  # what the client is told


class Dealer:
    """Makes quotes and remembers them, the latest 4,096, until they are executed."""

    def __init__(self, id_prefix: str, market: Market, rng: Random) -> None:
        """`id_prefix` makes quote ids unique between venues and runs; `rng` is its opinion."""
        self._id_prefix = id_prefix
        self._market = market
        self._rng = rng
        self._made = 0
        self._quotes: OrderedDict[str, Quote] = OrderedDict()
        self._looks: dict[tuple[str, str], tuple[int, int]] = {}  # how often asked, when last

    def one_way(
        self,
        habits: Personality,
        symbol: str,
        side: str,
        quantity: Decimal,
        now_ns: int,
        mood: Mood | Verbatim | None,
    ) -> Quote:
        """A quote for one side. Raises Refusal 422 if the size is outside the venue's limits."""
        notional = quantity * self._market.mid(symbol, now_ns)
        if not habits.min_notional <= notional <= habits.max_notional:
            limits = f"{habits.min_notional:f} to {habits.max_notional:f}"
            raise Refusal(422, "SIZE_OUT_OF_LIMITS", f"notional must be {limits}")
        half_spread = habits.half_spread_bps + habits.impact_bps_per_million * notional / _MILLION
        if mood is Mood.FADE:
            half_spread += habits.fade_bps * self._earlier_looks(symbol, side, now_ns)
        if mood is Mood.SMALLER:
            quantity = _rounded(quantity / 2, PAIRS[symbol].size_decimals)
        priced = _other_pair(habits, symbol) if mood is Mood.WRONG_SYMBOL else symbol
        opinion_bps = self._opinion_bps(habits)
        quote = self._quote(habits, priced, side, quantity, half_spread, opinion_bps, now_ns, mood)
        return self._remember(replace(quote, symbol=symbol))

    def two_way(
        self, habits: Personality, symbol: str, now_ns: int, mood: Mood | Verbatim | None
    ) -> tuple[Quote, Quote]:
        """A stream's (bid, ask): the client sells at the first and buys at the second."""
        return self.book(habits, symbol, now_ns, mood, 1)[0]

    def book(
        self,
        habits: Personality,
        symbol: str,
        now_ns: int,
        mood: Mood | Verbatim | None,
        levels: int,
    ) -> list[tuple[Quote, Quote]]:
        """Its levels, best first, each a (bid, ask) with ids of their own."""
        opinion_bps = self._opinion_bps(habits)
        size = self.size(symbol, habits.stream_notional, now_ns)
        half_spread = habits.half_spread_bps * (-1 if mood is Mood.CROSS else 1)
        if mood is Mood.CROSS:
            half_spread -= Decimal(2)  # so that rounding cannot uncross it
        found = []
        for level in range(levels):
            away = half_spread + level * habits.level_step_bps
            bid, ask = (
                self._quote(habits, symbol, side, size, away, opinion_bps, now_ns, mood)
                for side in ("SELL", "BUY")
            )
            found.append((self._remember(bid), self._remember(ask)))
        return found

    def levels(
        self,
        habits: Personality,
        symbol: str,
        sizes: tuple[Decimal, ...],
        now_ns: int,
        mood: Mood | Verbatim | None,
    ) -> dict[str, list[Quote | None]]:
        """By the client's side a quote for each whole size; None outside the venue's limits."""
        mid, opinion_bps = self._market.mid(symbol, now_ns), self._opinion_bps(habits)
        book: dict[str, list[Quote | None]] = {"BUY": [], "SELL": []}
        for side, quotes in book.items():
            for size in sizes:
                notional = size * mid
                if not habits.min_notional <= notional <= habits.max_notional:
                    quotes.append(None)
                    continue
                half = habits.half_spread_bps + habits.impact_bps_per_million * notional / _MILLION
                half = -half - 2 if mood is Mood.CROSS else half
                quote = self._quote(habits, symbol, side, size, half, opinion_bps, now_ns, mood)
                quotes.append(self._remember(quote))
        return book

    def mid(self, symbol: str, now_ns: int) -> Decimal:
        """The middle of the market."""
        return self._market.mid(symbol, now_ns)

    def size(self, symbol: str, notional: Decimal, now_ns: int) -> Decimal:
        """How much base that many quote units are worth."""
        return _rounded(notional / self.mid(symbol, now_ns), PAIRS[symbol].size_decimals)

    def recall(self, quote_id: str) -> Quote | None:
        """The quote with this id, expired or not, unless long forgotten."""
        return self._quotes.get(quote_id)

    def moved_for_client(self, quote: Quote, now_ns: int) -> bool:
        """Whether the market has moved since `quote` so that the client gains by dealing."""
        mid = self._market.mid(quote.symbol, now_ns)
        return mid > quote.mid if quote.side == "BUY" else mid < quote.mid

    def _opinion_bps(self, habits: Personality) -> Decimal:
        noise = Decimal(f"{self._rng.gauss(0.0, 1.0):.4f}")
        return habits.skew_bps + habits.jitter_bps * noise

    def _earlier_looks(self, symbol: str, side: str, now_ns: int) -> int:
        times, last_ns = self._looks.get((symbol, side), (0, now_ns))
        if now_ns - last_ns > _FADE_WINDOW_NS:
            times = 0
        self._looks[symbol, side] = (times + 1, now_ns)
        return times

    def _quote(
        self,
        habits: Personality,
        symbol: str,
        side: str,
        quantity: Decimal,
        half_spread_bps: Decimal,
        opinion_bps: Decimal,
        now_ns: int,
        mood: Mood | Verbatim | None,
    ) -> Quote:
        mid = self._market.mid(symbol, now_ns)
        away_bps = half_spread_bps if side == "BUY" else -half_spread_bps
        exact = mid * (1 + (opinion_bps + away_bps) / _BPS)
        # A dealer rounds in the house's favour.
        rounding = ROUND_CEILING if side == "BUY" else ROUND_FLOOR
        told_ms = habits.validity_ms * (10 if mood is Mood.OVERSTATE_VALIDITY else 1)
        return Quote(
            quote_id=self._next_id(mood),
            symbol=symbol,
            side=side,
            price=_rounded(exact, PAIRS[symbol].price_decimals, rounding),
            quantity=quantity,
            mid=mid,
            expires_ns=now_ns + habits.validity_ms * _NS_PER_MS,
            expires_in_ms=told_ms,
        )

    def _next_id(self, mood: Mood | Verbatim | None) -> str:
        if mood is not Mood.REPEAT_ID or not self._made:
            self._made += 1
        return f"{self._id_prefix}-{self._made:x}"

    def _remember(self, quote: Quote) -> Quote:
        self._quotes[quote.quote_id] = quote
        if len(self._quotes) > MAX_REMEMBERED_QUOTES:
            self._quotes.popitem(last=False)
        return quote


def objection(
    quote: Quote | None, quantity: Decimal | None, dealt: bool, now_ns: int
) -> str | None:
    """Why no honest venue could deal on `quote` now; None if it can. `quantity` None means all."""
    if dealt:
        return "QUOTE_USED"
    if quote is None:
        return "UNKNOWN_QUOTE"
    if now_ns >= quote.expires_ns:
        return "QUOTE_EXPIRED"
    if quantity is not None and quantity > quote.quantity:
        return "QUANTITY_TOO_LARGE"
    return None


def rejected(
    execution_id: str, client_order_id: str, quote_id: str, reason: str, now_ns: int
) -> Execution:
    """A rejection, which is booked like a fill so that asking again gives the same answer."""
    return Execution(
        execution_id=execution_id,
        client_order_id=client_order_id,
        quote_id=quote_id,
        symbol="",
        side="",
        ordered_quantity="0",
        fill_price="0",
        fill_quantity="0",
        fee="",
        fee_asset="",
        status="REJECTED",
        reason=reason,
        at_ns=now_ns,
        shown_from_ns=now_ns,
    )


def filled(
    habits: Personality,
    quote: Quote,
    execution_id: str,
    client_order_id: str,
    quantity: Decimal,
    now_ns: int,
    mood: Mood | Verbatim | None,
) -> Execution:
    """A fill of `quantity` (base units) on `quote`, bent by the mood."""
    pair = PAIRS[quote.symbol]
    price, ordered, status = quote.price, quantity, _STATUS_OF.get(mood, "FILLED")
    if mood is Mood.WORSE_FILL:
        slip = habits.slip_bps if quote.side == "BUY" else -habits.slip_bps
        price = _rounded(price * (1 + slip / _BPS), pair.price_decimals)
    if mood is Mood.LARGER_FILL:
        quantity = quantity * 2
    if status != "FILLED":
        quantity = _rounded(quantity / 2, pair.size_decimals)
    fee = _rounded(price * quantity * habits.fee_bps / _BPS, _FEE_PLACES, ROUND_CEILING)
    return Execution(
        execution_id=execution_id,
        client_order_id=client_order_id,
        quote_id=quote.quote_id,
        symbol=quote.symbol,
        side=quote.side,
        ordered_quantity=f"{ordered:f}",
        fill_price=f"{price:f}",
        fill_quantity=f"{quantity:f}",
        fee=f"{fee:f}" if fee else "",
        fee_asset=pair.quote if fee else "",
        status=status,
        reason="",
        at_ns=now_ns,
        shown_from_ns=now_ns + (habits.hide_ms * _NS_PER_MS if mood is Mood.HIDE_FILL else 0),
    )


_STATUS_OF: Final[dict[Mood | Verbatim | None, Status]] = {
    Mood.PARTIAL: "PARTIAL",
    Mood.PENDING: "PENDING",
}


def _other_pair(habits: Personality, symbol: str) -> str:
    """The venue's pair after `symbol`, in its own order."""
    return habits.pairs[(habits.pairs.index(symbol) + 1) % len(habits.pairs)]


def _rounded(value: Decimal, decimals: int, rounding: str = ROUND_DOWN) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=rounding)
