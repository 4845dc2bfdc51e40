"""A QuickFIX acceptor in a process of its own: `python quickfix_acceptor.py FOLDER DICTIONARY`.

Quotes every request, fills every order; an order for 2 is filled while nobody is logged on, so that
its execution can only come in a resend. Prints its port, then one line for each thing it hears.
"""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Any

import quickfix as fix

SETTINGS = """
[DEFAULT]
ConnectionType=acceptor
SocketAcceptPort={port}
StartTime=00:00:00
EndTime=00:00:00
FileStorePath={folder}
UseDataDictionary=Y
DataDictionary={dictionary}
HeartBtInt=30
[SESSION]
BeginString=FIX.4.4
SenderCompID=LP1
TargetCompID=DESK1
"""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def build(kind: str, fields: dict[int, str]) -> Any:
    message = fix.Message()
    message.getHeader().setField(fix.MsgType(kind))
    for tag, value in fields.items():
        message.setField(tag, value)
    return message


class Dealer(fix.Application):  # type: ignore[misc]
    """What leaves a callback as an exception ends the process, so nothing does."""

    def onCreate(self, session: Any) -> None:  # noqa: N802
        pass

    def onLogon(self, session: Any) -> None:  # noqa: N802
        say("logon")

    def onLogout(self, session: Any) -> None:  # noqa: N802
        say("logout")

    def toAdmin(self, message: Any, session: Any) -> None:  # noqa: N802
        pass

    def fromAdmin(self, message: Any, session: Any) -> None:  # noqa: N802
        kind = message.getHeader().getField(35)
        if kind in "3245":
            say(f"admin {kind} {message.toString().replace(chr(1), '|')}")

    def toApp(self, message: Any, session: Any) -> None:  # noqa: N802
        pass

    def fromApp(self, message: Any, session: Any) -> None:  # noqa: N802
        try:
            self.answer(message, message.getHeader().getField(35), session)
        except Exception as trouble:
            say(f"trouble {trouble!r}")

    def late(self, live: Any, filled: Any, session: Any) -> None:
        """Sent with nobody there, which stores it; then the session is open again."""
        fix.Session.sendToTarget(filled, session)
        live.logon()

    def answer(self, message: Any, kind: str, session: Any) -> None:
        say(f"app {kind}")
        if kind == "R":
            group = fix.Group(146, 55)
            message.getGroup(1, group)
            quote = {131: message.getField(131), 117: "Q-1", 55: group.getField(55)}
            quote |= {133: "97125.50", 135: group.getField(38)}
            fix.Session.sendToTarget(build("S", quote), session)
        elif kind in "DH":
            quantity = message.getField(38) if kind == "D" else "1.5"
            filled = build("8", execution(message, kind, quantity))
            if quantity == "2":
                live = fix.Session.lookupSession(session)
                live.logout("in the middle of it")
                threading.Timer(0.3, self.late, (live, filled, session)).start()
            else:
                fix.Session.sendToTarget(filled, session)


def execution(order: Any, kind: str, quantity: str) -> dict[int, str]:
    return {
        37: "LP-1", 11: order.getField(11), 17: f"E-{order.getField(11)}",
        150: "F" if kind == "D" else "I", 39: "2", 55: order.getField(55), 54: order.getField(54),
        38: quantity, 32: quantity, 31: "97125.50", 151: "0", 14: quantity, 6: "97125.50",
    }  # fmt: skip


def main(folder: Path, dictionary: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = folder / "acceptor.cfg"
    path.write_text(SETTINGS.format(port=port, folder=folder, dictionary=dictionary))
    settings = fix.SessionSettings(str(path))
    dealer, store = Dealer(), fix.FileStoreFactory(settings)
    acceptor = fix.SocketAcceptor(dealer, store, settings)
    acceptor.start()
    say(str(port))
    sys.stdin.read()
    acceptor.stop(True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
