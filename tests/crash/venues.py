"""Stand-ins with one habit each in a process of their own: `-m tests.crash.venues DIR [CAST]`.

They are the sandbox's, with its sockets and its durable books; only the cast is written here.
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from lpdesk.sandbox import Mood, Personality, run_sandbox, server

HABITS: dict[str, Mood | None] = {
    "firm": None,
    "looker": None,  # takes its time before it fills
    "hanger": Mood.HANG_AFTER_FILL,
    "resetter": Mood.RESET_AFTER_FILL,
    "faulter": Mood.ERROR_AFTER_FILL,
    "hider": Mood.HIDE_FILL,
    "silent": Mood.HANG_EXECUTE,
    "breaker": Mood.RESET_BEFORE_FILL,
    "rejecter": Mood.REJECT,
}


WIRED: dict[str, Mood | None] = {
    "firm": None,
    "hanger": Mood.HANG_AFTER_FILL,
    "resetter": Mood.RESET_AFTER_FILL,
    "hider": Mood.HIDE_FILL,
    "breaker": Mood.RESET_BEFORE_FILL,
}
"""The same over FIX."""

HABITS_OF = {"crash": HABITS, "wired": WIRED}


def cast(name: str) -> tuple[Personality, ...]:
    """Quick, with short promises, so that a test need not wait long for the end of one."""
    return tuple(
        Personality(
            name=lp,
            latency_ms=(1, 2, 5),
            jitter_bps=Decimal(0),
            validity_ms=1_500,
            hold_ms=120 if lp == "looker" else 0,
            hide_ms=600,
            rate_per_second=1_000,
            moods={mood: 1.0} if mood else {},
            kind="fix" if name == "wired" else "rest",
        )
        for lp, mood in HABITS_OF[name].items()
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    server.load_cast = cast
    asyncio.run(run_sandbox(7, (sys.argv[2:] or ["crash"])[0], Path(sys.argv[1]), True, say))
