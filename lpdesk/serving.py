"""`lpdesk serve`: the desk over HTTP, without a screen."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING

from lpdesk.fronts import Ended
from lpdesk.output import Output

if TYPE_CHECKING:
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.config import Config


def served(conf: Config, host: str | None, port: int | None) -> Config:
    """The configuration with the API on, at that address. Raises ValueError without any key."""
    if conf.lps and not conf.api_keys:
        raise ValueError("a desk with LPs is served with [[api_keys]] only")
    wishes = {"host": host, "port": port}
    update = {name: value for name, value in wishes.items() if value is not None}
    return conf.model_copy(update={"api": conf.api.model_copy(update=update | {"enabled": True})})


async def serve(live: LiveDesk, as_json: bool) -> int:
    """Until a signal, or until the desk stops by itself."""
    output, why = Output(), "a signal"
    try:
        await live.start()
        _spare_the_collector()
        for line in _lines(live, as_json):
            output(line)
        assert live.failed is not None
        broken = await live.failed
        why = "the desk has stopped"
        raise Ended(f"the desk has stopped: {broken!r}")
    finally:
        await live.close(why)
        await output.close()


def _spare_the_collector() -> None:
    """What is alive now stays: collections need not walk it, and need not come after every 700."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


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
