"""Parsing FIX quotes against simplefix (and quickfix, where it is there): one interleaved run.

    python -m tests.benchmarks.bench_fix [--rounds 9] [--peers VENV]

Ours frames the stream, holds BodyLength and CheckSum and gives the fields; simplefix does neither
of the two checks. `pip install simplefix quickfix` for the peers. Trust the ratios.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
from collections.abc import Callable
from time import process_time_ns

from lpdesk.venues.fix.codec import Frames, decode, encode
from tests.benchmarks.peers import arguments

MESSAGES = 2_000
QUOTES = [
    encode(
        "FIX.4.4",
        [
            (35, "S"), (49, "LP1"), (56, "DESK1"), (34, str(number)),
            (52, "20250306-12:00:00.120"), (131, f"QR-{number}"), (117, f"Q-{number}"), (537, "1"),
            (55, "BTC/USD"), (133, f"97{number % 1000:03d}.50"), (135, "1.5"), (15, "BTC"),
            (62, "20250306-12:00:10.000"), (60, "20250306-12:00:00.120"),
        ],
    )
    for number in range(MESSAGES)
]  # fmt: skip
STREAM = b"".join(QUOTES)
CHUNK = 16_384


def ours() -> int:
    frames, count = Frames(), 0
    for data in QUOTES:
        for frame in frames.feed(data):
            count += decode(frame).fields[b"133"] != b""
    return count


def ours_in_bursts() -> int:
    frames, count = Frames(), 0
    for at in range(0, len(STREAM), CHUNK):
        for frame in frames.feed(STREAM[at : at + CHUNK]):
            count += decode(frame).fields[b"133"] != b""
    return count


def peers() -> dict[str, Callable[[], int]]:
    """Those that are installed."""
    found: dict[str, Callable[[], int]] = {}
    try:
        simplefix = importlib.import_module("simplefix")

        def simple() -> int:
            parser, count = simplefix.FixParser(), 0
            for data in QUOTES:
                parser.append_buffer(data)
                count += parser.get_message().get(133) is not None
            return count

        found["simplefix"] = simple
    except ImportError:
        print("simplefix is not installed")
    try:
        quickfix = importlib.import_module("quickfix")
        texts = [data.decode() for data in QUOTES]

        def quick() -> int:
            return sum(bool(quickfix.Message(text, True).getField(133)) for text in texts)

        found["quickfix"] = quick
    except ImportError:
        print("quickfix is not installed")
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    rounds = arguments(parser).rounds
    runs = {"ours": ours, "ours, in bursts": ours_in_bursts} | peers()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = process_time_ns()
            assert run() == MESSAGES, name
            times[name].append((process_time_ns() - began) / MESSAGES / 1_000)
    base = statistics.median(times["ours"])
    for name, each in times.items():
        middle = statistics.median(each)
        ratio = f"{middle / base:.1f}x ours" if name != "ours" else ""
        print(f"{name:<17} {middle:7.2f} µs a quote of {len(QUOTES[0])} bytes   {ratio}")


if __name__ == "__main__":
    main()
