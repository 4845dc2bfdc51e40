"""The same story gives the same bytes, whatever order Python's hashes put things in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPLAYED = """
import hashlib, msgspec
from lpdesk import scenario
from tests.core.story import Story
story = Story("alpha 100000 100ms\\nbeta 100010,99980 150ms\\ngamma never\\ndelta - 10ms")
story.lps["beta"].orders = ["lost"]
for line in ("b 1 btcusdt", "s 50k usdt ethusdt", "b 0.3 ethusdt @acme", "b 9 dogeusdt"):
    story.types(line)
    story.later("900ms")
    story.types("p")
story.restarts()
story.later("60s")
records = [*story.simulation.records, *scenario.run("competing").records]
print(hashlib.sha256(msgspec.json.encode(records)).hexdigest())
"""


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    digests = {
        subprocess.run(
            [sys.executable, "-c", REPLAYED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(digests) == 1 and len(digests.pop()) == 65
