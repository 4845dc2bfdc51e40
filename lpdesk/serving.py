"""`lpdesk serve`: the desk over HTTP, without a screen."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lpdesk.clock import SetClock, SystemClock
from lpdesk.domain.instants import timestamp
from lpdesk.domain.reports import Pulse
from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND, Instant
from lpdesk.fronts import Ended
from lpdesk.output import Output

if TYPE_CHECKING:
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.config import Config
    from lpdesk.domain.record import Record

UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_AHEAD = re.compile(rf"\+(\d{{1,9}})({'|'.join(UNITS)})", re.ASCII)


def served(conf: Config, host: str | None, port: int | None) -> Config:
    """The configuration with the API on, at that address. Raises ValueError without any key."""
    if conf.lps and not conf.api_keys:
        raise ValueError("a desk with LPs is served with [[api_keys]] only")
    wishes = {"host": host, "port": port}
    update = {name: value for name, value in wishes.items() if value is not None}
    return conf.model_copy(update={"api": conf.api.model_copy(update=update | {"enabled": True})})


def clock(conf: Config, journal: Path | None, start: str) -> SetClock:
    """A clock that starts then. Raises ValueError where other people's clocks, or days, count."""
    if conf.lps or conf.feeds:
        raise ValueError("--clock is for a sandbox: a desk with LPs goes by the machine's clock")
    if journal is None:
        raise ValueError("--clock needs a --journal of its own: its records are of another time")
    return SetClock(_instant(start, SystemClock().now()))


async def serve(live: LiveDesk, as_json: bool) -> int:
    """Until a signal, or until the desk stops by itself."""
    output, why = Output(), "a signal"
    setting: asyncio.Task[None] | None = None
    try:
        await live.start()
        _spare_the_collector()
        for line in _lines(live, as_json):
            output(line)
        if isinstance(live.session.clock, SetClock):
            setting = asyncio.create_task(_set(live, live.session.clock, output, as_json))
        assert live.failed is not None
        broken = await live.failed
        why = "the desk has stopped"
        raise Ended(f"the desk has stopped: {broken!r}")
    finally:
        if setting:
            setting.cancel()
        await live.close(why)
        await output.close()


async def _set(live: LiveDesk, clock: SetClock, output: Output, as_json: bool) -> None:
    """Sets the clock forward as lines on standard input say; says when all that was due is done."""
    from lpdesk.plain import stdin_reader

    reader = await stdin_reader()
    while line := await reader.readline():
        text = line.decode(errors="replace").strip()
        try:
            clock.advance_to(_instant(text, clock.now()))
        except ValueError as bad:
            word, told = "error", clean(str(bad))
        else:
            word, told = "now", timestamp(await _noticed(live, clock.now()))
        output(json.dumps({word: told}) if as_json else f"{word}: {told}")


async def _noticed(live: LiveDesk, at: Instant) -> Instant:
    """When the desk has decided and recorded all that was due by then."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(record: Record) -> None:
        if record.at >= at and not done.done():
            done.set_result(None)

    assert live.runtime is not None
    live.listeners.append(heard)
    live.runtime.report(Pulse())
    await done
    live.listeners.remove(heard)
    live.look_again()
    return at


def _instant(text: str, now: Instant) -> Instant:
    """An instant, or so much later: `2026-03-10T20:00`, `+5min`. Raises ValueError."""
    from lpdesk.reports.when import instant

    ahead = _AHEAD.fullmatch(text)
    return now + int(ahead[1]) * UNITS[ahead[2]] * SECOND if ahead else instant(text, now)


def _spare_the_collector() -> None:
    """What is alive now stays: collections need not walk it, and need not come after every 700."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(4_000, 5, 20)  # a pass over 20,000 young objects is not felt, 200,000 are


def _lines(live: LiveDesk, as_json: bool) -> list[str]:
    """Where it is served, and the keys that a sandbox made up for itself."""
    host = live.config.api.host
    url = f"http://{f'[{host}]' if ':' in host else host}:{live.port}"
    keys = [
        {
            "key": key.name,
            "secret": key.secret.decode(),
            "role": key.role,
            "organization": key.organization,
        }
        for key in live.throwaway_keys
    ]
    if as_json:
        return [json.dumps({"url": url, "keys": keys})]
    return [
        f"serving on {url}",
        *(f"key {key['key']} ({key['role']}) secret {key['secret']}" for key in keys),
    ]
