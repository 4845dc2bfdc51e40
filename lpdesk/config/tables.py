"""The configuration's tables: names, types and bounds of every key."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from lpdesk.domain.settings import WEBHOOK_EVENTS, Routing
from lpdesk.domain.values import BadNumber, Dealt, number

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)


def _money(value: object) -> Decimal:
    try:
        return number(value)
    except BadNumber as bad:
        raise ValueError(str(bad)) from None


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("a name of letters, digits, . _ and - is needed")
    return value.lower()


def _symbol(value: object) -> str:
    if not isinstance(value, str) or value.count("/") != 1 or not all(value.split("/")):
        raise ValueError("write BASE/QUOTE")
    if not value.replace("/", "").isalnum() or not value.isascii() or len(value) > 24:
        raise ValueError("letters and digits only")
    return value.upper()


Money = Annotated[Decimal, BeforeValidator(_money)]
Positive = Annotated[Decimal, BeforeValidator(_money), Field(gt=0)]
NotNegative = Annotated[Decimal, BeforeValidator(_money), Field(ge=0)]
MarkupBps = Annotated[Decimal, BeforeValidator(_money), Field(ge=0, le=1000)]
Name = Annotated[str, BeforeValidator(_name)]
Symbol = Annotated[str, BeforeValidator(_symbol)]
Minutes = Annotated[int, Field(ge=0, le=525_600, strict=True)]
Places = Annotated[int, Field(ge=0, le=18, strict=True)]

Option = bool | int | Decimal | str | tuple[str, ...]
"""What only one kind of LP understands: its adapter checks it, the core never sees it."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PairTable(_Table):
    symbol: Symbol
    base_decimals: Places
    quote_decimals: Places
    minimum: Positive
    maximum: Positive | None = None
    markup_bps: MarkupBps | None = None
    profit: Dealt = Dealt.QUOTE


class ClientTable(_Table):
    name: Name
    balances: dict[str, NotNegative] = {}
    maximum: Positive | None = None
    delayed_settlement: Annotated[bool, Field(strict=True)] = False
    settlement_balances: dict[str, NotNegative] = {}
    rolling_limit: Positive | None = None


class TradeDeskTable(_Table):
    name: Name
    lps: tuple[Name, ...] = ()
    balances: dict[str, NotNegative] = {}


class TradeSettlementPairTable(_Table):
    id: Name
    organization: Name
    trade_desk: Name
    settlement_delay_minutes: Minutes = 0
    settlement_retry_delay_minutes: Annotated[Minutes, Field(ge=1)] = 30
    rejection_delay_minutes: Annotated[Minutes, Field(ge=1)] = 1_440
    auto_settlement_days: Annotated[int, Field(ge=0, le=60, strict=True)] = 1
    auto_settlement_time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "16:00"
    time_zone: str = "UTC"
    calendar: str = "every day"
    settlement_account: str = ""


class MarkupTable(_Table):
    bps: MarkupBps
    client: Name | Literal[""] = ""
    pair: Symbol | Literal[""] = ""
    from_base: NotNegative = Decimal(0)


class InternaliseTable(_Table):
    share: Annotated[Money, Field(ge=0, le=1)]
    minimum_edge_bps: NotNegative = Decimal(0)
    client: Name | Literal[""] = ""
    pair: Symbol | Literal[""] = ""


class LpTable(_Table):
    name: Name
    kind: str = "rest"
    url: str
    key: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    tier: Annotated[int, Field(ge=1, le=9, strict=True)] | Literal["fallback"] = 1
    pairs: tuple[Symbol, ...] = ()
    timeout_seconds: Positive = Decimal(2)
    poll_seconds: Positive = Decimal("0.5")
    rate_per_second: Positive = Decimal(20)
    fee_bps: Annotated[Money, Field(ge=-100, le=1000)] = Decimal(0)
    minimum: NotNegative = Decimal(0)
    maximum: Positive | None = None
    lot: NotNegative = Decimal(0)
    fixed_fee: NotNegative = Decimal(0)
    credit: dict[str, NotNegative] = {}
    indicative: Annotated[bool, Field(strict=True)] = False
    options: dict[str, Option] = {}


class MakerTable(_Table):
    symbol: Symbol
    strategy: str = "levels"
    parameters: dict[str, Money] = {}


class FeedTable(_Table):
    kind: str
    name: str = ""
    url: str = ""
    rest_url: str = ""
    pairs: tuple[Symbol, ...] = ()
    markets: dict[str, str] = {}


class RulesTable(_Table):
    lock_policy: str = "price"
    reject_cost_bps: NotNegative = Decimal(5)
    hold_cost_bps_per_second: NotNegative = Decimal(1)
    tier_margin_bps: NotNegative = Decimal(2)
    threshold_bps: NotNegative = Decimal(1)
    routing: Routing = Routing.COMPOSITE
    dwell_seconds: NotNegative = Decimal(1)
    validity_buffer_seconds: NotNegative = Decimal(2)
    max_validity_seconds: Positive = Decimal(60)
    rfq_duration_seconds: Positive = Decimal(30)
    auto_refresh: Annotated[bool, Field(strict=True)] = False
    max_refreshes: Annotated[int, Field(ge=0, le=1000, strict=True)] = 20
    max_live_rfqs: Annotated[int, Field(ge=1, le=1000, strict=True)] = 50
    max_firm_quotes: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 500
    orders_per_second: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 50
    notional_per_second: NotNegative = Decimal(0)
    max_resting_orders: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 500
    size_tolerance_bps: NotNegative = Decimal(1)
    price_band_bps: Positive = Decimal(500)
    fallback_band_bps: Positive = Decimal(100)
    fallback_slippage_bps: Positive = Decimal(50)
    stale_after_seconds: Positive = Decimal(5)
    loss_limit_bps: NotNegative = Decimal(0)
    unfound_grace_seconds: NotNegative = Decimal(10)
    breaker_failures: Annotated[int, Field(ge=1, strict=True)] = 5
    breaker_retry_seconds: Positive = Decimal(2)
    default_desk: Name | Literal[""] = ""
    backup_desk: Name | Literal[""] = ""


class ReconcileTable(_Table):
    every_minutes: Annotated[NotNegative, Field(le=1440)] = Decimal(15)
    young_seconds: NotNegative = Decimal(10)
    owner: Name = "operations"


class DeskTable(_Table):
    journal: Path | None = None
    default_client: Name = "acme"
    balances: dict[str, Money] = {}


class ScreenTable(_Table):
    theme: str = "harbour"
    bell: Annotated[bool, Field(strict=True)] = True
    confirm_above: NotNegative = Decimal(0)
    confirm_deviation_bps: NotNegative = Decimal(0)
    keymap: dict[str, str] = {}


class SandboxTable(_Table):
    cast: str = "default"


class ApiTable(_Table):
    enabled: Annotated[bool, Field(strict=True)] = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, strict=True)] = 8420
    quote_wait_seconds: NotNegative = Decimal("0.3")
    patience_seconds: Positive = Decimal(10)
    cash_asset: str = "USD"
    max_connections: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 512
    max_in_flight: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 256
    max_body_bytes: Annotated[int, Field(ge=1_024, le=1_048_576, strict=True)] = 65_536
    receive_seconds: Positive = Decimal(10)


class KeyTable(_Table):
    key: Name
    secret: SecretStr
    role: Literal["integrator", "dealer", "supervisor"] = "integrator"
    organization: Name | Literal[""] = ""


class WebhookTable(_Table):
    name: Name
    url: str
    secrets: tuple[SecretStr, ...]
    organization: Name | Literal[""] = ""
    trade_desk: Name | Literal[""] = ""
    events: tuple[Literal["create", "settle", "failed", "reject"], ...] = WEBHOOK_EVENTS
    allow_private: Annotated[bool, Field(strict=True)] = False
    allow_http: Annotated[bool, Field(strict=True)] = False
    timeout_seconds: Annotated[Positive, Field(le=30)] = Decimal(20)


class Config(_Table):
    """The whole configuration. `lps` empty means the embedded sandbox."""

    desk: DeskTable = DeskTable()
    screen: ScreenTable = ScreenTable()
    rules: RulesTable = RulesTable()
    sandbox: SandboxTable = SandboxTable()
    reconcile: ReconcileTable = ReconcileTable()
    pairs: tuple[PairTable, ...] = ()
    clients: tuple[ClientTable, ...] = ()
    trade_desks: tuple[TradeDeskTable, ...] = ()
    trade_settlement_pairs: tuple[TradeSettlementPairTable, ...] = ()
    markups: tuple[MarkupTable, ...] = ()
    internalise: tuple[InternaliseTable, ...] = ()
    lps: tuple[LpTable, ...] = ()
    makers: tuple[MakerTable, ...] = ()
    feeds: tuple[FeedTable, ...] = ()
    api: ApiTable = ApiTable()
    api_keys: tuple[KeyTable, ...] = ()
    webhooks: tuple[WebhookTable, ...] = ()
