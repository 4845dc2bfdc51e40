"""Commands as processes of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(
    *arguments: str, stdin: int = DEVNULL, stderr: int | None = None, **env: str
) -> AsyncIterator[Process]:
    """A Python process with its output in a pipe; killed at the end of the block if it lives."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=stdin,
        stdout=PIPE,
        stderr=stderr,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | env,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
        await child.communicate()


async def lines(child: Process) -> AsyncIterator[str]:
    """What it writes, line by line, until it ends."""
    assert child.stdout is not None
    while line := await child.stdout.readline():
        yield line.decode()
