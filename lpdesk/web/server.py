"""`lpdesk web`: one viewer process a visitor, each a following replay; nobody can send anything.

There is no log-in. So it listens on loopback unless told otherwise, answers only to the names it
was told to listen on (a page elsewhere cannot have the browser ask for it), and takes so many
visitors. Nothing is fetched from elsewhere: page, script and font come from here.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from html import escape
from importlib.metadata import version
from pathlib import Path
from string import Template

import textual_serve
from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

MAX_VISITORS = 8
GRACE_S = 3.0
"""How long a viewer may take to end when its visitor has left; then it is killed."""

_HEARTBEAT_S = 5.0
_STATIC = Path(textual_serve.__file__).parent / "static"
_PAGE = Path(__file__).with_name("index.html")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Viewer(AppService):
    """A visitor's process, started without a shell, and never left behind."""

    arguments: Sequence[str] = ()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self.arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,  # read, and said on our standard output when it ends badly
            env=self._build_environment(max(20, min(width, 500)), max(6, min(height, 200))),
        )
        assert process.stdin is not None
        self._stdin = process.stdin
        return process

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """Switches of ours and of Textual are not inherited, apart from those that it needs."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TEXTUAL", "LPDESK_"))}
        return kept | {
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "TERM_PROGRAM": "textual",
            "TERM_PROGRAM_VERSION": version("textual-serve"),
            "COLUMNS": str(width),
            "ROWS": str(height),
        }

    async def stop(self) -> None:
        """Ask it to end; after a while, see to it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await super().stop()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


class WebDesk(Server):
    """The page, its files, and a viewer for each websocket."""

    def __init__(self, arguments: Sequence[str], title: str, host: str, port: int) -> None:
        """`arguments` start a viewer. `port` 0 takes a free one."""
        super().__init__("lpdesk", host=host, port=port, title=title)
        self.arguments = arguments
        self.visitors = 0

    def application(self) -> web.Application:
        """What is served where."""
        app = web.Application(middlewares=[web.middleware(partial(self._known_names))])
        app.add_routes(
            [
                web.get("/", self.page),
                web.get("/ws", self.handle_websocket),
                web.static("/static", _STATIC),
            ]
        )
        return app

    async def _known_names(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """A name that leads here but is not ours is a page elsewhere, rebinding it."""
        if self.host in _LOOPBACK and _name(request.host) not in _LOOPBACK:
            raise web.HTTPForbidden(text=f"this is lpdesk on {self.host}")
        return await handler(request)

    async def page(self, request: web.Request) -> web.Response:
        """The one page; `?fontsize=12` makes more fit."""
        text = Template(_PAGE.read_text("utf-8")).substitute(
            title=escape(self.title),
            socket=escape(f"ws://{request.host}/ws"),
            size=max(6, min(to_int(request.query.get("fontsize", "16"), 16), 40)),
        )
        headers = {"Content-Security-Policy": "frame-ancestors 'none'"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A visitor: a viewer from here to the end of the connection."""
        if request.headers.get("Origin") != f"http://{request.host}":
            raise web.HTTPForbidden(text="only for the page that is served here")
        if self.visitors >= MAX_VISITORS:
            raise web.HTTPServiceUnavailable(text=f"{MAX_VISITORS} are looking already")
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=64 * 1024)
        await socket.prepare(request)
        viewer = self._viewer(socket)
        self.visitors += 1
        try:
            size = (to_int(request.query.get(name, ""), 80) for name in ("width", "height"))
            await viewer.start(*size)
            await self._process_messages(socket, viewer)
        except (ConnectionError, ValueError, LookupError, TypeError, AssertionError):
            pass  # what no browser of ours would send ends the visit, and nothing else
        finally:
            self.visitors -= 1
            await viewer.stop()
            await socket.close()
        return socket

    def _viewer(self, socket: web.WebSocketResponse) -> Viewer:
        async def close() -> None:
            await socket.close()

        viewer = Viewer(
            self.command,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        viewer.arguments = self.arguments
        return viewer


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.strip("[]").lower()


async def serve(
    journal: Path, *, host: str, port: int, more: Sequence[str], say: Callable[[str], object]
) -> int:
    """Serve views of `journal` until cancelled. `more` are options of the viewers' replay.

    Raises OSError when the port cannot be had.
    """
    arguments = [sys.executable, "-m", "lpdesk", "replay", str(journal), "--follow", *more]
    arguments += ["--viewer", str(os.getpid())]
    desk = WebDesk(arguments, f"lpdesk {journal.name}, read-only", host, port)
    runner = web.AppRunner(desk.application(), handle_signals=False, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, shutdown_timeout=GRACE_S)
        await site.start()
        if host not in _LOOPBACK:
            say(f"anybody who reaches {host} can look: there is no log-in")
        say(f"lpdesk web: {journal}, read-only, on {_address(runner, host)}; Ctrl-C ends it")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
    return 0


def _address(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
