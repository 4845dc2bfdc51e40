"""Configuration: packaged defaults, the user's file, the environment -> one frozen `Config`.

All problems are reported at once, each with its place. Unknown keys are refused, in the environment
too, and no secret is ever part of a message.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from lpdesk.domain import settings as s
from lpdesk.domain.making import MakerTerms, checked
from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND, BadNumber, Dealt, number
from lpdesk.engines.lock import POLICIES
from lpdesk.engines.strategy import STRATEGIES

PREFIX = "LPDESK_"
OWN_VARIABLES = frozenset({"LPDESK_CONFIG", "LPDESK_JOURNAL", "LPDESK_SEED", "LPDESK_THEME"})


def _money(value: object) -> Decimal:
    try:
        return number(value)
    except BadNumber as bad:
        raise ValueError(str(bad)) from None


def _name(value: object) -> str:
    if not isinstance(value, str) or not value or clean(value, 40) != value or " " in value:
        raise ValueError("a short printable name without spaces is needed")
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
Places = Annotated[int, Field(ge=0, le=18, strict=True)]


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


class MarkupTable(_Table):
    bps: MarkupBps
    client: Name | Literal[""] = ""
    pair: Symbol | Literal[""] = ""
    from_base: NotNegative = Decimal(0)


class LpTable(_Table):
    name: Name
    kind: str = "rest"
    url: str
    key: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    tier: Annotated[int, Field(ge=1, le=9, strict=True)] = 1
    pairs: tuple[Symbol, ...] = ()
    timeout_seconds: Positive = Decimal(2)
    poll_seconds: Positive = Decimal("0.5")
    rate_per_second: Positive = Decimal(20)
    fee_bps: Annotated[Money, Field(ge=-100, le=1000)] = Decimal(0)
    minimum: NotNegative = Decimal(0)
    maximum: Positive | None = None
    credit: dict[str, NotNegative] = {}


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
    threshold_bps: NotNegative = Decimal(1)
    dwell_seconds: NotNegative = Decimal(1)
    validity_buffer_seconds: NotNegative = Decimal(2)
    max_validity_seconds: Positive = Decimal(60)
    rfq_duration_seconds: Positive = Decimal(30)
    auto_refresh: Annotated[bool, Field(strict=True)] = False
    max_refreshes: Annotated[int, Field(ge=0, le=1000, strict=True)] = 20
    max_live_rfqs: Annotated[int, Field(ge=1, le=1000, strict=True)] = 50
    price_band_bps: Positive = Decimal(500)
    stale_after_seconds: Positive = Decimal(5)
    loss_limit_bps: NotNegative = Decimal(0)
    unfound_grace_seconds: NotNegative = Decimal(10)
    breaker_failures: Annotated[int, Field(ge=1, strict=True)] = 5
    breaker_retry_seconds: Positive = Decimal(2)


class DeskTable(_Table):
    journal: Path | None = None
    default_client: Name = "acme"
    balances: dict[str, Money] = {}


class ScreenTable(_Table):
    theme: str = "harbour"
    bell: Annotated[bool, Field(strict=True)] = True
    keymap: dict[str, str] = {}


class SandboxTable(_Table):
    cast: str = "default"


class Config(_Table):
    """The whole configuration. `lps` empty means the embedded sandbox."""

    desk: DeskTable = DeskTable()
    screen: ScreenTable = ScreenTable()
    rules: RulesTable = RulesTable()
    sandbox: SandboxTable = SandboxTable()
    pairs: tuple[PairTable, ...] = ()
    clients: tuple[ClientTable, ...] = ()
    markups: tuple[MarkupTable, ...] = ()
    lps: tuple[LpTable, ...] = ()
    makers: tuple[MakerTable, ...] = ()
    feeds: tuple[FeedTable, ...] = ()


class BadConfig(ValueError):
    """Everything that is wrong, one line each, safe to print."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Defaults, overlaid by the file at `path`, overlaid by `LPDESK_…`. Raises `BadConfig`."""
    problems: list[str] = []
    merged = _read(_packaged("config.toml"), problems)
    if path is not None:
        merged = _overlay(merged, _read(path, problems))
    merged = _overlay(merged, _environment(environ))
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        problems += [_problem(item) for item in error.errors(include_url=False)]
        raise BadConfig(problems) from None
    problems += _inconsistencies(config)
    if problems:
        raise BadConfig(problems)
    return config


def _packaged(name: str) -> Path:
    """A file that ships with lpdesk: in the wheel under `_data`, in a checkout at the top."""
    inside = Path(str(files("lpdesk"))) / "_data" / name
    return inside if inside.exists() else Path(str(files("lpdesk"))).parent / name


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        with path.expanduser().open("rb") as file:
            return tomllib.load(file, parse_float=Decimal)
    except OSError as error:
        problems.append(f"{path}: {error.strerror or 'cannot be read'}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: {clean(str(error), 120)}")
    return {}


def _overlay(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            _overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """LPDESK_RULES__DWELL_SECONDS=2 -> {"rules": {"dwell_seconds": 2}}. TOML values, else text."""
    overlay: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in OWN_VARIABLES:
            continue
        *tables, key = name.removeprefix(PREFIX).lower().split("__")
        place = overlay
        for table in tables:
            place = place.setdefault(table, {})
        try:
            place[key] = tomllib.loads(f"v = {environ[name]}", parse_float=Decimal)["v"]
        except tomllib.TOMLDecodeError:
            place[key] = environ[name]
    return overlay


def _problem(item: Any) -> str:
    """`rules.dwell_seconds: …`; the wrong value itself is not repeated, it may be a secret."""
    words = {"extra_forbidden": "unknown key", "missing": "is needed"}
    message = words.get(item["type"], item["msg"].removeprefix("Value error, "))
    return f"{clean('.'.join(str(part) for part in item['loc']), 80)}: {message}"


def _inconsistencies(config: Config) -> list[str]:
    """What no single field can know."""
    problems = []
    symbols = [pair.symbol for pair in config.pairs]
    clients = [client.name for client in config.clients]
    lps = [lp.name for lp in config.lps]
    for what, names in (("pairs", symbols), ("clients", clients), ("lps", lps)):
        problems += [f"{what}: {n} appears twice" for n in sorted({*names}) if names.count(n) > 1]
    if config.desk.default_client not in clients:
        problems.append(f"desk.default_client: {config.desk.default_client} is not a client")
    if config.rules.lock_policy not in POLICIES:
        problems.append(f"rules.lock_policy: one of {', '.join(POLICIES)}")
    desk_wide = any(not rule.client and not rule.pair for rule in config.markups)
    for index, pair in enumerate(config.pairs):
        if pair.markup_bps is None and not desk_wide:
            problems.append(f"pairs.{index}.markup_bps: is needed, or a [[markups]] for everybody")
    for index, lp in enumerate(config.lps):
        problems += [f"lps.{index}.pairs: {p} is no pair" for p in lp.pairs if p not in symbols]
        problems += _secret_problems(f"lps.{index}", lp)
        if not lp.url.startswith(("http://", "https://")):
            problems.append(f"lps.{index}.url: must begin with http:// or https://")
    for index, maker in enumerate(config.makers):
        problems += _maker_problems(f"makers.{index}", maker, symbols)
    for index, rule in enumerate(config.markups):
        if rule.pair and rule.pair not in symbols:
            problems.append(f"markups.{index}.pair: {rule.pair} is no pair")
        if rule.client and rule.client not in clients:
            problems.append(f"markups.{index}.client: {rule.client} is not a client")
    return problems


def _maker_problems(place: str, maker: MakerTable, symbols: list[str]) -> list[str]:
    problems = []
    if maker.symbol not in symbols:
        problems.append(f"{place}.symbol: {maker.symbol} is no pair")
    if maker.strategy not in STRATEGIES:
        problems.append(f"{place}.strategy: one of {', '.join(STRATEGIES)}")
    for name, value in maker.parameters.items():
        try:
            checked(name, value)
        except BadNumber as bad:
            problems.append(f"{place}.parameters.{clean(name, 40)}: {bad}")
    return problems


def _secret_problems(place: str, lp: LpTable) -> list[str]:
    problems = []
    for field in ("key", "secret"):
        try:
            resolve_secret(getattr(lp, field))
        except ValueError as error:
            problems.append(f"{place}.{field}: {error}")
    return problems


def resolve_secret(value: SecretStr) -> str:
    """A secret from where it is: env:NAME, file:PATH (ours alone), or the value itself."""
    text = value.get_secret_value()
    if text.startswith("env:"):
        found = os.environ.get(text.removeprefix("env:"))
        if found is None:
            raise ValueError("the environment variable is not set")
        return found
    if not text.startswith("file:"):
        return text
    path = Path(text.removeprefix("file:")).expanduser()
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError("the file can be read by others: chmod 600")
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None


def _ns(seconds: Decimal) -> int:
    return int(seconds * SECOND)


def settings(config: Config, lps: tuple[s.Lp, ...], environment: str) -> s.Settings:
    """The pure part, for the core."""
    rules = config.rules
    return s.Settings(
        environment=environment,
        default_client=config.desk.default_client,
        desk_balances=config.desk.balances,
        lps=lps,
        pairs=tuple(_pair(pair) for pair in config.pairs),
        clients=tuple(
            s.Client(name=c.name, balances=c.balances, maximum=c.maximum) for c in config.clients
        ),
        markups=tuple(
            s.Markup(bps=m.bps, client=m.client, pair=m.pair, from_base=m.from_base)
            for m in config.markups
        ),
        makers=tuple(
            MakerTerms(symbol=m.symbol, strategy=m.strategy, parameters=m.parameters)
            for m in config.makers
        ),
        rules=s.Rules(
            lock_policy=rules.lock_policy,
            threshold_bps=rules.threshold_bps,
            dwell_ns=_ns(rules.dwell_seconds),
            validity_buffer_ns=_ns(rules.validity_buffer_seconds),
            max_validity_ns=_ns(rules.max_validity_seconds),
            rfq_duration_ns=_ns(rules.rfq_duration_seconds),
            auto_refresh=rules.auto_refresh,
            max_refreshes=rules.max_refreshes,
            max_live_rfqs=rules.max_live_rfqs,
            price_band_bps=rules.price_band_bps,
            stale_after_ns=_ns(rules.stale_after_seconds),
            loss_limit_bps=rules.loss_limit_bps,
            unfound_grace_ns=_ns(rules.unfound_grace_seconds),
            breaker_failures=rules.breaker_failures,
            breaker_retry_ns=_ns(rules.breaker_retry_seconds),
        ),
    )


def _pair(pair: PairTable) -> s.Pair:
    base, quote = pair.symbol.split("/")
    return s.Pair(
        base=base,
        quote=quote,
        base_decimals=pair.base_decimals,
        quote_decimals=pair.quote_decimals,
        minimum=pair.minimum,
        maximum=pair.maximum,
        markup_bps=pair.markup_bps,
        profit=pair.profit,
    )


def lp_terms(lp: LpTable) -> s.Lp:
    """An LP's terms for the core."""
    return s.Lp(
        name=lp.name,
        kind=lp.kind,
        tier=lp.tier,
        pairs=lp.pairs,
        timeout_ns=_ns(lp.timeout_seconds),
        poll_interval_ns=_ns(lp.poll_seconds),
        rate_per_second=lp.rate_per_second,
        fee_bps=lp.fee_bps,
        minimum=lp.minimum,
        maximum=lp.maximum,
        credit=lp.credit,
    )
