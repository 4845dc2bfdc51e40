"""The published document drives a fuzz run: whatever comes, no 5xx, no hang, nothing undocumented.

Needs the extra `fuzz`. Left out is the check that every body that the schema allows is accepted:
whether BTC is dealt here, or a quote may still be executed, is no schema's to say.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.api.desks import SECRETS, Desk
from tests.cli.processes import ROOT

pytestmark = pytest.mark.long

CHECKS_LEFT_OUT = "positive_data_acceptance"


@pytest.mark.parametrize("key", ["bot", "dealer", "auditor"])
async def test_whatever_comes_is_answered(desk: Desk, tmp_path: Path, key: str) -> None:
    pytest.importorskip("schemathesis", reason="needs the extra `fuzz`")
    from asyncio import create_subprocess_exec, subprocess, timeout

    seconds = os.environ.get("FUZZ_SECONDS", "40")
    fuzz = await create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"http://127.0.0.1:{desk.live.port}/openapi.json",
        *("--header", f"Authorization: Bearer {SECRETS[key]}"),
        *("--checks", "all", "--exclude-checks", CHECKS_LEFT_OUT, "--continue-on-failure"),
        *("--max-response-time", "6", "--max-time", seconds, "--warnings", "off"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    async with timeout(int(seconds) + 60):
        said, _ = await fuzz.communicate()
    sys.stderr.write(said.decode()[-800:])
    assert fuzz.returncode == 0, said.decode()[-6_000:]
    answers = (await desk.caller("").http.get("/metrics")).text
    assert 'status="500"' not in answers and 'status="503"' not in answers
