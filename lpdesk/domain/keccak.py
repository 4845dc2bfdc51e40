"""Keccak-256 as Ethereum has it: the name of a transaction is the hash of its bytes.

Not in the standard library: its `sha3_256` ends the message with another byte.
"""

from __future__ import annotations

from itertools import pairwise

_RATE = 136
"""Bytes of a block."""

_MASK = (1 << 64) - 1


def _constants() -> tuple[int, ...]:
    """The 24 round constants, by their shift register."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _path() -> tuple[tuple[int, int, int], ...]:
    """(from, to, turn by) of the lanes, in the order in which rho and pi walk over them."""
    x, y, walk = 1, 0, [1]
    for _ in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        walk.append(x + 5 * y)
    turns = ((step + 1) * (step + 2) // 2 % 64 for step in range(24))
    return tuple((a, b, turn) for (a, b), turn in zip(pairwise(walk), turns, strict=True))


_CONSTANTS, _PATH = _constants(), _path()


def keccak256(message: bytes, ending: int = 0x01) -> bytes:
    """The 32 bytes. `ending` 0x06 makes it SHA3-256."""
    padded = bytearray(message) + bytes([ending]) + bytes(-(len(message) + 1) % _RATE)
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            at = start + 8 * i
            lanes[i] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _permuted(a: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        a = [lane ^ mixed[i % 5] for i, lane in enumerate(a)]
        b = list(a)
        for here, there, turn in _PATH:
            b[there] = _turned(a[here], turn)
        a = [
            b[i] ^ (~b[i - i % 5 + (i + 1) % 5] & b[i - i % 5 + (i + 2) % 5] & _MASK)
            for i in range(25)
        ]
        a[0] ^= constant
    return a


def _turned(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK
