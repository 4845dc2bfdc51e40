"""From the packaged defaults, the user's file and the environment to one checked `Config`.

All problems are reported at once, each with its place; no secret is ever part of a message.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from lpdesk.config.files import file_problems, located
from lpdesk.config.hooks import webhook_problems
from lpdesk.config.secrets import resolve_secret
from lpdesk.config.settling import settling_problems
from lpdesk.config.tables import Config, LpTable, MakerTable, Option
from lpdesk.domain import settings as s
from lpdesk.domain.making import checked
from lpdesk.domain.text import clean
from lpdesk.domain.values import BadNumber
from lpdesk.engines.lock import POLICIES
from lpdesk.engines.strategy import STRATEGIES

PREFIX = "LPDESK_"
OWN_VARIABLES = frozenset({"LPDESK_CONFIG", "LPDESK_JOURNAL", "LPDESK_SEED", "LPDESK_THEME"})


class BadConfig(ValueError):
    """Everything that is wrong, one line each, safe to print."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Defaults, overlaid by the file at `path`, overlaid by `LPDESK_…`. Raises `BadConfig`."""
    problems: list[str] = []
    merged = _read(_packaged("config.toml"), problems)
    own = _read(path, problems) if path is not None else {}
    if path is not None and isinstance(lps := own.get("lps"), list):
        located(lps, path.expanduser().absolute().parent)
    own = _overlay(own, _environment(environ))
    if "makers" not in own and ("pairs" in own or "lps" in own):
        merged.pop("makers", None)  # the packaged makers go with the packaged pairs and sandbox
    if "clients" in own or "trade_desks" in own:
        merged.pop("trade_settlement_pairs", None)  # and what clients and desks have agreed, too
    config = _validated(_overlay(merged, own), problems)
    problems += _inconsistencies(config)
    if problems:
        raise BadConfig(problems)
    return config


def _validated(merged: dict[str, Any], problems: list[str]) -> Config:
    """The configuration without what is wrong in it, so that the rest can be judged, too."""
    while True:
        try:
            return Config.model_validate(merged)
        except ValidationError as error:
            found = error.errors(include_url=False)
            problems += _told(found, merged)
            for place in sorted({_part(item["loc"]) for item in found}, key=str, reverse=True):
                merged = _without(merged, place)


def _part(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """What to leave out for a problem at `place`: of a list the whole item."""
    return place[:2] if len(place) > 1 and isinstance(place[1], int) else place


def _without(table: Any, place: tuple[int | str, ...]) -> Any:
    """A copy without the entry at `place`."""
    if not isinstance(table, dict) or not place or place[0] not in table:
        return table
    key, rest = place[0], place[1:]
    if isinstance(table[key], list) and rest:
        kept = [item for index, item in enumerate(table[key]) if index != rest[0]]
        return table | {key: kept}
    if rest and isinstance(table[key], dict) and rest[0] in table[key]:
        return table | {key: _without(table[key], rest)}
    return {name: value for name, value in table.items() if name != key}


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


def _told(found: Sequence[Any], merged: Any) -> list[str]:
    """`rules.dwell_seconds: …`; the wrong value itself is not repeated, it may be a secret.

    What may be of several kinds has one line, although it is wrong for each of them.
    """
    words = {"extra_forbidden": "unknown key", "missing": "is needed"}
    told: dict[str, dict[str, None]] = {}
    for item in found:
        message = words.get(item["type"], item["msg"].removeprefix("Value error, "))
        place = item["loc"] if item["type"] in words else _written(item["loc"], merged)
        name = clean(".".join(str(part) for part in place), 80)
        told.setdefault(name, {})[message.removeprefix("Input should be ")] = None
    return [f"{name}: {', or '.join(messages)}" for name, messages in told.items()]


def _written(place: tuple[int | str, ...], table: Any) -> tuple[int | str, ...]:
    """The part of `place` that stands in the file; what follows names one of several kinds."""
    for depth, part in enumerate(place):
        try:
            table = table[part]
        except (KeyError, TypeError):
            return place[:depth]
    return place


_WEB = ("http://", "https://")
_FIX = ("fix://", "fixs://")
_SCHEMES: Mapping[str, tuple[str, ...]] = {"fix": _FIX, "fix-stream": _FIX}
"""How an address begins, by kind of LP, where it is not the web's."""


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
        problems += file_problems(f"lps.{index}", lp)
        schemes = _SCHEMES.get(lp.kind, _WEB)
        if lp.kind == "pool" and not lp.url:  # as configured, never read from a chain
            continue
        if not lp.url.startswith(schemes):
            problems.append(f"lps.{index}.url: must begin with {' or '.join(schemes)}")
        if "@" in lp.url:
            problems.append(f"lps.{index}.url: give key and secret, not a password in the address")
        if lp.kind not in s.LP_KINDS and lp.kind not in (more := _installed_kinds()):
            problems.append(f"lps.{index}.kind: one of {', '.join((*s.LP_KINDS, *more))}")
    problems += settling_problems(config)
    problems += webhook_problems(config)
    if config.makers and config.lps and not config.feeds:
        problems.append("makers: need [[feeds]] to quote around")
    problems += _api_problems(config, clients)
    for index, maker in enumerate(config.makers):
        problems += _maker_problems(f"makers.{index}", maker, symbols)
    for table in ("markups", "internalise"):
        for index, rule in enumerate(getattr(config, table)):
            if rule.pair and rule.pair not in symbols:
                problems.append(f"{table}.{index}.pair: {rule.pair} is no pair")
            if rule.client and rule.client not in clients:
                problems.append(f"{table}.{index}.client: {rule.client} is not a client")
    return problems


def _installed_kinds() -> list[str]:
    """Kinds of LP that other packages bring."""
    from importlib.metadata import entry_points  # 10 ms that only a strange kind costs

    return sorted(point.name for point in entry_points(group="lpdesk.venues"))


def _maker_problems(place: str, maker: MakerTable, symbols: list[str]) -> list[str]:
    problems = []
    if maker.symbol not in symbols:
        problems.append(f"{place}.symbol: {maker.symbol} is no pair")
    problems += _strategy_problems(place, maker.strategy)
    for name, value in maker.parameters.items():
        try:
            checked(name, value)
        except BadNumber as bad:
            problems.append(f"{place}.parameters.{clean(name, 40)}: {bad}")
    return problems


MIN_SECRET = 16
"""Characters: a shorter one can be guessed."""


def _api_problems(config: Config, clients: list[str]) -> list[str]:
    problems, names = [], [key.key for key in config.api_keys]
    if config.api.enabled and config.lps and not names:
        problems.append("api: needs [[api_keys]]")
    for index, key in enumerate(config.api_keys):
        place = f"api_keys.{index}"
        if names.count(key.key) > 1:
            problems.append(f"{place}.key: {key.key} appears twice")
        if key.organization and key.organization not in clients:
            problems.append(f"{place}.organization: {key.organization} is not a client")
        if key.role == "integrator" and not key.organization:
            problems.append(f"{place}.organization: is needed for an integrator")
        try:
            if len(resolve_secret(key.secret)) < MIN_SECRET:
                problems.append(f"{place}.secret: at least {MIN_SECRET} characters")
        except ValueError as error:
            problems.append(f"{place}.secret: {error}")
    return problems


def _strategy_problems(place: str, name: str) -> list[str]:
    """Installed packages are looked through only for a name that the house does not know."""
    if name in STRATEGIES:
        return []
    from lpdesk.strategies import found

    known, broken = found()
    if name in known:
        return []
    why = f"{name} does not load: {broken[name]}" if name in broken else ""
    return [f"{place}.strategy: {why or 'one of ' + ', '.join(known)}"]


def _secret_problems(place: str, lp: LpTable) -> list[str]:
    secrets = {"key": lp.key, "secret": lp.secret}
    for name, value in lp.options.items():
        if isinstance(value, str):
            secrets[f"options.{clean(name, 40)}"] = SecretStr(value)
    problems = []
    for field, secret in secrets.items():
        try:
            resolve_secret(secret)
        except ValueError as error:
            problems.append(f"{place}.{field}: {error}")
    return problems


def resolve_options(options: Mapping[str, Option]) -> dict[str, Option]:
    """The options with env:NAME and file:PATH replaced, for they may be secrets."""
    return {
        name: resolve_secret(SecretStr(value)) if isinstance(value, str) else value
        for name, value in options.items()
    }
