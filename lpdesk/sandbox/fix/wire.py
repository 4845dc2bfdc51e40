"""FIX bytes as a stand-in reads and writes them: simply, and by the length and the sum."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

SOH: Final = "\x01"
BEGIN: Final = "FIX.4.4"
MAX_BODY_BYTES: Final = 16_384

_HEAD: Final = re.compile(rb"8=FIX\.4\.4\x019=([0-9]{1,5})\x0135=")
_NS: Final = 1_000_000_000

Fields = list[tuple[int, str]]


class Message:
    """One message: its fields in order, and the first of each tag."""

    def __init__(self, raw: bytes) -> None:
        parts = raw.decode("latin-1").split(SOH)[:-1]
        self.fields: Fields = []
        for part in parts:
            tag, _, value = part.partition("=")
            if tag.isdecimal() and tag.isascii():
                self.fields.append((int(tag), value))
        self._first = dict(reversed(self.fields))

    def get(self, tag: int) -> str:
        """The first value of a tag, "" if absent."""
        return self._first.get(tag, "")

    def all(self, tag: int) -> list[str]:
        """Every value of a tag."""
        return [value for each, value in self.fields if each == tag]

    @property
    def kind(self) -> str:
        return self.get(35)

    @property
    def number(self) -> int:
        text = self.get(34)
        return int(text) if text.isdecimal() and len(text) < 10 else 0

    @property
    def possible_duplicate(self) -> bool:
        return self.get(43) == "Y"


def cut(buffer: bytearray) -> list[Message]:
    """Takes the whole and sound messages off the front; garbled ones vanish without a word."""
    found = []
    while buffer:
        start = buffer.find(b"8=FIX")
        if start < 0:
            del buffer[: max(0, len(buffer) - 4)]
            break
        del buffer[:start]
        head = _HEAD.match(buffer)
        if head is None or int(head[1]) > MAX_BODY_BYTES:
            if head is None and len(buffer) < 24:
                break
            del buffer[:5]
            continue
        end = head.end(1) + 1 + int(head[1])
        if len(buffer) < end + 7:
            break
        body = bytes(buffer[:end])
        if body.endswith(b"\x01") and bytes(buffer[end : end + 7]) == _trailer(body):
            del buffer[: end + 7]
            found.append(Message(body))
        else:
            del buffer[:5]
    return found


def message(kind: str, header: Fields, body: Iterable[tuple[int, str]]) -> bytes:
    """The bytes of one message."""
    pairs = [(35, kind), *header, *body]
    text = "".join(f"{tag}={value}{SOH}" for tag, value in pairs).encode("latin-1", "replace")
    whole = f"8={BEGIN}{SOH}9={len(text)}{SOH}".encode() + text
    return whole + _trailer(whole)


def _trailer(data: bytes) -> bytes:
    return b"10=%03d\x01" % (sum(data) % 256)


def stamp(at_ns: int) -> str:
    """UTC with milliseconds."""
    moment = datetime.fromtimestamp(at_ns // _NS, UTC)
    return f"{moment:%Y%m%d-%H:%M:%S}.{at_ns % _NS // 1_000_000:03d}"
