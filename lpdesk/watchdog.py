"""A viewer without its server is of no use to anybody, and must not stay."""

from __future__ import annotations

import os
import signal
from threading import Event, Thread

EVERY_S = 0.5
GRACE_S = 2.0


def end_with(parent: int) -> None:
    """When process `parent` is not ours any more: ask this process to end, then end it.

    In a thread of its own, since a viewer with nobody to write to may be too busy to listen.
    """
    Thread(target=_watch, args=(parent,), name="lpdesk-watchdog", daemon=True).start()


def _watch(parent: int) -> None:
    never = Event()
    while os.getppid() == parent:
        never.wait(EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
    never.wait(GRACE_S)
    os._exit(1)
