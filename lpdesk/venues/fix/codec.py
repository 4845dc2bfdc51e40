"""FIX bytes: frames out of a stream with BodyLength and CheckSum held, fields out of frames. Pure.

A frame that is wrong in its first three fields, its length or its checksum is garbled: skipped as
if it had never come. One that is whole but badly filled is a message, with its `trouble`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias
from zlib import adler32

from msgspec import Struct

from lpdesk.domain import instants
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.domain.wire import Fields, Malformed

SOH: Final = b"\x01"
MAX_BODY: Final = 64 * 1024
"""Bytes of one message's body; who says more is garbled."""

Pair: TypeAlias = tuple[int, str]

RAW: Final[Mapping[bytes, bytes]] = {
    str(length).encode(): str(data).encode()
    for length, data in (
        (90, 91), (93, 89), (95, 96), (212, 213), (348, 349), (350, 351), (352, 353), (354, 355),
        (356, 357), (358, 359), (360, 361), (362, 363), (364, 365), (445, 446), (618, 619),
        (621, 622),
    )
}  # fmt: skip
"""Length tag -> data tag: the data may hold any byte, and is cut by its length."""

_LENGTHS: Final = frozenset(RAW)

_GROUPS: Final = frozenset(
    b"33 73 78 82 85 124 136 146 199 215 232 267 268 295 296 382 384 386 397 398 420 428 453 454 "
    b"518 539 552 555 576 580 604 627 683 702 711 735 753 756 768 778 801 802 804 806 864 870 1116 "
    b"9016".split()
)
"""NumInGroup tags: only after one of them may a tag come again."""

_NEVER_TWICE: Final = tuple(b"8 9 35 34 43 49 52 56 57 97 115 122 10 11 17 37 131 262".split())

_HEAD: Final = re.compile(rb"8=[^\x01]{1,16}\x019=([0-9]{1,7})\x0135=[^\x01]")
_HEAD_LIMIT: Final = 48
_TAILS: Final = tuple(b"\x0110=%03d\x01" % number for number in range(256))
_TAIL_LENGTH: Final = 7
_PLAIN: Final = re.compile(rb"(?:[1-9][0-9]*+=[^\x01=]++\x01)++")
_TAG: Final = re.compile(rb"[1-9][0-9]*")
_CHUNK: Final = 256


class Message(Struct, frozen=True, gc=False):
    """One message, checked: its bytes and its fields by tag.

    `trouble` is None, or (SessionRejectReason, tag at fault) of one that must be rejected.
    """

    raw: bytes
    fields: dict[bytes, bytes]
    trouble: tuple[int, str] | None = None

    @property
    def kind(self) -> str:
        """MsgType."""
        return self.text(b"35")

    def text(self, tag: bytes) -> str:
        """A field as it came, empty if absent."""
        return self.fields.get(tag, b"").decode("utf-8", "replace")

    def flag(self, tag: bytes) -> bool:
        """A Boolean that is Y."""
        return self.fields.get(tag) == b"Y"

    def whole(self, tag: bytes) -> int | None:
        """A number without sign or decimals; None if absent or not one."""
        value = self.fields.get(tag, b"")
        return int(value) if value.isdigit() and len(value) <= 18 else None

    def read(self) -> Fields:
        """The fields behind the gates of every adapter: `read().positive("44")`."""
        return Fields(_texts(self.fields.items()))

    def group(self, count: bytes, first: bytes, members: frozenset[bytes]) -> tuple[Fields, ...]:
        """A repeating group: each entry begins with `first` and goes on while tags are `members`.

        Raises Malformed if there are not as many entries as `count` says. Absent is empty.
        """
        entries: list[list[tuple[bytes, bytes]]] = []
        inside = False
        for tag, value in _walk(self.raw):
            if tag == count:
                inside = True
            elif inside and tag == first:
                entries.append([(tag, value)])
            elif inside and entries and tag in members:
                entries[-1].append((tag, value))
            elif inside:
                break
        if len(entries) != (self.whole(count) or 0):
            raise Malformed(f"{count.decode()} not the number of entries")
        for entry in entries:
            if len(dict(entry)) < len(entry):
                raise Malformed(f"{count.decode()} entry with a tag twice")
        return tuple(Fields(_texts(entry)) for entry in entries)


def _texts(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {tag.decode(): value.decode("utf-8", "replace") for tag, value in pairs}


# ---- frames


class Frames:
    """Cuts a byte stream into frames. `garbled` counts what was skipped."""

    def __init__(self) -> None:
        self._buffer = b""
        self.garbled = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now, in order."""
        buffer = self._buffer + data if self._buffer else data
        frames: list[bytes] = []
        at, size = 0, len(buffer)
        while at < size:
            head = _HEAD.match(buffer, at)
            if head is None:
                if _may_grow(buffer, at):
                    break
                at = self._skip(buffer, at)
                continue
            end = head.end(1) + 1 + int(head[1])
            total = end + _TAIL_LENGTH
            if end - at > MAX_BODY:
                at = self._skip(buffer, at)
                continue
            if total > size:
                break
            frame = buffer[at:total]  # of a whole buffer no copy is made
            if frame.endswith(_TAILS[checksum(frame[:-_TAIL_LENGTH])]):
                frames.append(frame)
                at = total
            else:
                at = self._skip(buffer, at)
        self._buffer = buffer[at:] if at < size else b""
        return frames

    @property
    def waiting(self) -> bool:
        """Whether a message has begun that is not complete."""
        return bool(self._buffer)

    def give_up(self) -> list[bytes]:
        """What has begun will not be completed: it is garbled. The frames behind it."""
        buffer = self._buffer
        self._buffer = buffer[self._skip(buffer, 0) :]
        return self.feed(b"")

    def _skip(self, buffer: bytes, at: int) -> int:
        """To where the next message may begin: what follows a garbled one is not lost."""
        self.garbled += 1
        begin = buffer.find(b"8=", at + 1)
        while begin > 0 and buffer[begin - 1] != 1 and not buffer.startswith(b"8=FIX", begin):
            begin = buffer.find(b"8=", begin + 1)
        if begin >= 0:
            return begin
        return len(buffer) - 1 if buffer.endswith(b"8") else len(buffer)


def _may_grow(buffer: bytes, at: int) -> bool:
    """Whether what is there so far can still become the beginning of a message."""
    seen = buffer[at : at + _HEAD_LIMIT]
    if len(seen) == _HEAD_LIMIT:
        return False
    begin, soh, rest = seen.partition(SOH)
    if not soh:
        return b"8=".startswith(begin) or (begin.startswith(b"8=") and len(begin) <= 18)
    length, soh, rest = rest.partition(SOH)
    if not begin.startswith(b"8="):
        return False
    if not soh:
        return b"9=".startswith(length) or (length.startswith(b"9=") and length[2:].isdigit())
    return length[:2] == b"9=" and length[2:].isdigit() and b"35=".startswith(rest[:3])


def checksum(data: bytes) -> int:
    """CheckSum: the sum of all bytes, modulo 256."""
    if len(data) <= _CHUNK:  # Adler's first half is 1 + the sum, as long as that is below 65,521
        return adler32(data) - 1 & 0xFF
    return sum(checksum(data[at : at + _CHUNK]) for at in range(0, len(data), _CHUNK)) & 0xFF


# ---- fields


def decode(frame: bytes) -> Message:
    """The message in a frame that `Frames` gave."""
    if _PLAIN.fullmatch(frame):
        parts = frame.replace(b"=", SOH).split(SOH)
        each = iter(parts)
        fields = dict(zip(each, each))  # noqa: B905 -- what is left over is empty
        if len(fields) * 2 + 1 == len(parts) and fields.keys().isdisjoint(_LENGTHS):
            return Message(frame, fields)
    try:
        pairs = _walk(frame)
    except _Bad as bad:
        return Message(frame, dict(bad.so_far), (bad.reason, bad.tag))
    fields = {}
    for tag, value in pairs:
        fields.setdefault(tag, value)
    return Message(frame, fields, _repeated(pairs) if len(fields) < len(pairs) else None)


def pairs_of(frame: bytes) -> list[Pair]:
    """All fields of a sound message in order, as `encode` takes them."""
    return [(int(tag), value.decode()) for tag, value in _walk(frame)]


class _Bad(Exception):
    def __init__(self, reason: int, tag: str, so_far: list[tuple[bytes, bytes]]) -> None:
        super().__init__(tag)
        self.reason = reason
        self.tag = tag
        self.so_far = so_far


INVALID_TAG, NO_VALUE, BAD_FORMAT, REPEATED = 0, 4, 6, 13


def _walk(frame: bytes) -> list[tuple[bytes, bytes]]:
    """Tag by tag; data is cut by its length. Raises `_Bad`."""
    pairs: list[tuple[bytes, bytes]] = []
    at, data_tag, length = 0, b"", 0
    while at < len(frame):
        equals = frame.find(b"=", at)
        tag = frame[at:equals] if equals >= 0 else frame[at:]
        if not _TAG.fullmatch(tag):
            raise _Bad(INVALID_TAG, "", pairs)
        start = equals + 1
        if tag == data_tag:
            end = start + length
            if frame[end : end + 1] != SOH:
                raise _Bad(BAD_FORMAT, tag.decode(), pairs)
        else:
            end = frame.index(SOH, start)
        value = frame[start:end]
        if not value:
            raise _Bad(NO_VALUE, tag.decode(), pairs)
        pairs.append((tag, value))
        data_tag = RAW.get(tag, b"") if value.isdigit() and len(value) <= 6 else b""
        length = int(value) if data_tag else 0
        at = end + 1
    return pairs


def _repeated(pairs: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """The tag that comes twice where it may not, if there is one."""
    seen: set[bytes] = set()
    grouped = False
    for tag, _ in pairs:
        if tag in seen and (not grouped or tag in _NEVER_TWICE):
            return REPEATED, tag.decode()
        seen.add(tag)
        grouped = grouped or tag in _GROUPS
    return None


# ---- out


def encode(begin: str, pairs: Iterable[Pair]) -> bytes:
    """Header (35 first) and body as one message. Raises ValueError for a value that would break it.

    A data field may hold SOH: it must follow its length tag, which says how many bytes.
    """
    body = b""
    data_tag, length = 0, ""
    for tag, text in pairs:
        value = text.encode()
        is_data = tag == data_tag and length == str(len(value))
        if not value or (SOH in value and not is_data):
            raise ValueError(f"no value for tag {tag}")
        body += b"%d=%b\x01" % (tag, value)
        data_tag, length = int(RAW.get(str(tag).encode(), b"0")), text
    head = b"8=%b\x019=%d\x01" % (begin.encode(), len(body))
    return b"%b%b10=%03d\x01" % (head, body, checksum(head + body))


def utc(at: Instant) -> str:
    """UTCTimestamp with milliseconds."""
    day = instants.date(at).replace("-", "")
    return f"{day}-{instants.time_of_day(at)}.{at % SECOND // MILLISECOND:03d}"


_UTC: Final = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", re.ASCII)


def instant(text: str) -> Instant:
    """A UTCTimestamp with up to nine decimals. Raises Malformed."""
    match = _UTC.fullmatch(text)
    if match is None:
        raise Malformed("not a UTC timestamp")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        raise Malformed("not a UTC timestamp") from None
    leap = max(0, second - 59)
    return (int(moment.timestamp()) + leap) * SECOND + int((match[7] or "").ljust(9, "0"))
