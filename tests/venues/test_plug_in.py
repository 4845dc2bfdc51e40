"""The README's own example of an LP of another kind, installed as a package and dealt with."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lpdesk.sandbox.loopback import Server
from tests.cli.processes import ROOT, lines, process

CONFIG = """
[[pairs]]
symbol = "BTC/USDT"
base_decimals = 5
quote_decimals = 2
minimum = 0.001
markup_bps = 5
[[clients]]
name = "acme"
balances = {{ USDT = 1000000 }}
[[lps]]
name = "own"
kind = "acme"
url = "http://127.0.0.1:{port}"
"""


def acme() -> Starlette:
    """What that LP's own server is like."""
    deals: dict[str, dict[str, str]] = {}

    async def price(request: Request) -> Response:
        assert dict(request.query_params) == {"pair": "BTCUSDT", "side": "BUY", "size": "1.5"}
        return JSONResponse({"id": "p1", "px": "100000", "ttl": "10"})

    async def deal(request: Request) -> Response:
        wish = await request.json()
        deals[wish["our_id"]] = {"deal": "d1", "px": "100000", "size": "1.5", "state": "done"}
        return JSONResponse(deals[wish["our_id"]])

    async def look(request: Request) -> Response:
        known = deals.get(request.path_params["id"])
        return JSONResponse(known) if known else Response(status_code=404)

    routes = [
        Route("/price", price),
        Route("/deals", deal, methods=["POST"]),
        Route("/deals/{id}", look),
    ]
    return Starlette(routes=routes)


def install(folder: Path) -> None:
    """As pip would: the module, and what its distribution says of it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(# acme_lp\.py.*?)```", readme, re.DOTALL)
    assert len(code.strip().splitlines()) - code.count("\n\n") <= 40
    (folder / "acme_lp.py").write_text(code, encoding="utf-8")
    about = folder / "acme_lp-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lp\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[lpdesk.venues]\nacme = acme_lp:venue\n")


async def test_a_package_brings_an_lp(tmp_path: Path) -> None:
    install(tmp_path)
    server = await Server.open(acme())
    config = tmp_path / "desk.toml"
    config.write_text(CONFIG.format(port=server.port))
    said: list[dict[str, Any]] = []
    arguments = ("-m", "lpdesk", "rfq", "b 1.5 btc/usdt", "--accept", "best", "--json")
    where = ("--config", str(config), "--journal", str(tmp_path / "desk.db"))
    paths = f"{ROOT}:{tmp_path}"
    async with asyncio.timeout(20), process(*arguments, *where, PYTHONPATH=paths) as child:
        async for line in lines(child):
            said.append(json.loads(line))  # noqa: PERF401
        assert await child.wait() == 0
    await server.close()
    settled = next(event for event in said if event["type"] == "TradeSettled")
    assert (settled["lp"], settled["pnl"]) == ("own", "75.00")
