"""The sandbox: a cast of stand-in venues on loopback sockets, inside the caller's event loop."""

import asyncio
import json
import signal
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path

from lpdesk.sandbox.dialects import APPS, OPTIONS, Options
from lpdesk.sandbox.exchanges import Exchanges, start_exchanges
from lpdesk.sandbox.fix.server import FixServer
from lpdesk.sandbox.loopback import Server
from lpdesk.sandbox.market import Market
from lpdesk.sandbox.personality import Kind, Personality, load_cast
from lpdesk.sandbox.venue import Venue

Option = bool | int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LpEndpoint:
    """Where and how to reach one stand-in: the fields of an `[[lps]]` block."""

    name: str
    kind: Kind
    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    tier: int
    pairs: tuple[str, ...]
    timeout_seconds: float
    rate_per_second: int
    fee_bps: Decimal
    options: Options = field(default_factory=dict)


class Sandbox:
    """Running stand-ins. Made by `start_sandbox`; ends with `close`."""

    def __init__(
        self,
        running: tuple[tuple[Venue, Server | FixServer], ...],
        market: Market,
        exchanges: Exchanges | None = None,
    ) -> None:
        self.market = market
        """The one market that all of them price around."""
        self.exchanges = exchanges
        """The stand-ins for reference prices, if they were asked for."""
        self._running = running
        self.lps: tuple[LpEndpoint, ...] = tuple(
            _endpoint(venue, server) for venue, server in running
        )

    def venue(self, name: str) -> Venue:
        """The stand-in of that name, to look into and to steer; KeyError if there is none."""
        for venue, _ in self._running:
            if venue.personality.name == name:
                return venue
        raise KeyError(name)

    def cut(self, name: str) -> None:
        """Breaks the FIX connections to that stand-in, as a network does."""
        for venue, server in self._running:
            if venue.personality.name == name and isinstance(server, FixServer):
                server.cut()

    def config_toml(self) -> str:
        """The `[[lps]]` blocks of a configuration that uses these stand-ins."""
        return "\n".join(_block(lp) for lp in self.lps)

    async def close(self) -> None:
        """Ends every connection and request, then the books. Idempotent, well under a second."""
        running, self._running = self._running, ()
        if self.exchanges:
            await self.exchanges.close()
        for venue, _ in running:
            venue.closing.set()
        await asyncio.gather(*(server.close() for _, server in running))
        for venue, _ in running:
            await venue.close()


async def start_sandbox(
    seed: int,
    *,
    cast: str = "default",
    directory: Path | None = None,
    only: Collection[str] | None = None,
    exchanges: bool = False,
    now_ns: Callable[[], int] = time.time_ns,
    tls: ssl.SSLContext | None = None,
) -> Sandbox:
    """Starts the stand-ins of `cast` ("default", "full" or "villains"), or those named in `only`.

    With a `directory` each keeps its executions in a file there, and starts again from it; without
    one, in memory. With `exchanges` the four that give reference prices run as well. `now_ns` is
    the venues' clock (UTC nanoseconds), `tls` what those behind HTTP are served with. Raises
    ValueError for an unknown cast or name, OSError and sqlite3.Error for the directory.
    """
    personalities = _chosen(load_cast(cast), only)
    market = Market(seed, now_ns())
    running: list[tuple[Venue, Server | FixServer]] = []
    try:
        for personality in personalities:
            venue = Venue(personality, market, seed=seed, directory=directory, now_ns=now_ns)
            running.append((venue, await _serve(venue, tls)))
        feeds = await start_exchanges(seed, market, now_ns=now_ns) if exchanges else None
    except BaseException:
        await Sandbox(tuple(running), market).close()
        raise
    return Sandbox(tuple(running), market, feeds)


async def run_sandbox(
    seed: int,
    cast: str,
    directory: Path | None,
    as_json: bool,
    write: Callable[[str], None],
) -> None:
    """Runs until SIGINT or SIGTERM; first writes, line by line, how to reach the stand-ins.

    As JSON: one object for each. Else: their addresses as TOML comments, then a configuration.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    sandbox = await start_sandbox(seed, cast=cast, directory=directory)
    try:
        for line in _lines(sandbox, as_json):
            write(line)
        await stop.wait()
    finally:
        await sandbox.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _lines(sandbox: Sandbox, as_json: bool) -> list[str]:
    if as_json:
        return [json.dumps(asdict(lp) | {"fee_bps": f"{lp.fee_bps:f}"}) for lp in sandbox.lps]
    width = max(len(lp.name) for lp in sandbox.lps)
    addresses = [f"# {lp.name:<{width}}  {lp.kind:<6}  {lp.url}" for lp in sandbox.lps]
    return [*addresses, "", *sandbox.config_toml().splitlines()]


def _chosen(cast: tuple[Personality, ...], only: Collection[str] | None) -> tuple[Personality, ...]:
    if only is None:
        return cast
    strangers = sorted(set(only) - {personality.name for personality in cast})
    if strangers:
        raise ValueError(f"not in this cast: {', '.join(strangers)}")
    return tuple(personality for personality in cast if personality.name in only)


def _endpoint(venue: Venue, server: Server | FixServer) -> LpEndpoint:
    habits = venue.personality
    return LpEndpoint(
        name=habits.name,
        kind=habits.kind,
        url=f"{_scheme(venue, server)}://127.0.0.1:{server.port}",
        key=venue.key,
        secret=venue.secret,
        tier=habits.tier,
        pairs=habits.pairs,
        timeout_seconds=habits.timeout_seconds,
        rate_per_second=habits.rate_per_second,
        fee_bps=habits.fee_bps,
        options=_options(venue, server.port),
    )


def _scheme(venue: Venue, server: Server | FixServer) -> str:
    if _speaks_fix(venue):
        return "fix"
    return "https" if isinstance(server, Server) and server.config.ssl else "http"


def _options(venue: Venue, port: int) -> Options:
    if _speaks_fix(venue):
        return _FIX_OPTIONS | {"target": venue.personality.name.upper()}
    options = OPTIONS.get(venue.personality.kind)
    return options(venue, port) if options else {}


_FIX_OPTIONS: Options = {"reset": True, "quotes": "book"}
"""A stand-in's numbers end with its process, so each Logon begins them anew."""


def _speaks_fix(venue: Venue) -> bool:
    return venue.personality.kind.startswith("fix")


async def _serve(venue: Venue, tls: ssl.SSLContext | None) -> Server | FixServer:
    if _speaks_fix(venue):
        return await FixServer.open(venue)
    voice = APPS.get(venue.personality.kind)
    return await Server.open(voice(venue) if voice else venue.app, tls=tls)


def _block(lp: LpEndpoint) -> str:
    # A TOML basic string is a JSON string; numbers are plain in both.
    texts = {name: json.dumps(getattr(lp, name)) for name in ("name", "kind", "url")}
    secrets = {"key": json.dumps(lp.key), "secret": json.dumps(lp.secret)}
    numbers = {
        "tier": str(lp.tier),
        "pairs": json.dumps(lp.pairs),
        "timeout_seconds": str(lp.timeout_seconds),
        "rate_per_second": str(lp.rate_per_second),
        "fee_bps": f"{lp.fee_bps:f}",
    }
    options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in lp.options.items())
    fields = texts | secrets | numbers | {"options": f"{{ {options} }}"}
    return "\n".join(["[[lps]]", *(f"{name} = {value}" for name, value in fields.items()), ""])
