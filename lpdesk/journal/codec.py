"""Records as canonical bytes, chained by hashes; and the outward form for people and pipes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, get_args

import msgspec

from lpdesk.domain.instants import timestamp
from lpdesk.domain.record import Cause, Event, Record
from lpdesk.domain.values import Instant
from lpdesk.journal.errors import JournalDamaged

# Dictionaries keep their order: a replayed desk must walk a configuration as the live one did.
_ENCODER = msgspec.json.Encoder()
_CAUSE: msgspec.json.Decoder[Cause] = msgspec.json.Decoder(Cause)
_EVENTS: msgspec.json.Decoder[tuple[Event, ...]] = msgspec.json.Decoder(tuple[Event, ...])


class Tip(NamedTuple):
    """The end of a chain: the last record's `seq`, `at` and hash."""

    seq: int
    at: Instant
    hash: bytes


GENESIS = hashlib.sha256(b"lpdesk journal 1").digest()
"""The hash before the first record."""

START = Tip(0, 0, GENESIS)
"""The end of an empty journal."""


class Row(NamedTuple):
    """A record as stored: cause and events in JSON, `hash` over the previous hash and all this."""

    seq: int
    at: Instant
    cause: bytes
    events: bytes
    hash: bytes

    @property
    def tip(self) -> Tip:
        return Tip(self.seq, self.at, self.hash)


def canonical(seq: int, at: Instant, cause: bytes, events: bytes) -> bytes:
    """The bytes that are hashed: one JSON object, the same as msgspec makes of the record."""
    return b'{"seq":%d,"at":%d,"cause":%b,"events":%b}' % (seq, at, cause, events)


def seal(record: Record, tip: Tip | Row) -> Row:
    """The record as the next link after `tip`.

    Raises ValueError when it leaves a gap or goes back in time, UnicodeEncodeError (a ValueError
    too) for text with a lone surrogate: see `presentable`.
    """
    if record.seq != tip.seq + 1:
        raise ValueError(f"record {record.seq} cannot follow record {tip.seq}")
    if record.at < tip.at:
        raise ValueError(f"record {record.seq} goes back in time by {tip.at - record.at} ns")
    cause, events = _ENCODER.encode(record.cause), _ENCODER.encode(record.events)
    data = canonical(record.seq, record.at, cause, events)
    return Row(record.seq, record.at, cause, events, hashlib.sha256(tip.hash + data).digest())


def unseal(row: Row, tip: Tip) -> Record:
    """The record of a stored row that follows `tip`. Raises `JournalDamaged`."""
    if row.seq != tip.seq + 1:
        raise JournalDamaged(tip.seq + 1, f"missing; the next one is {row.seq}")
    try:
        data = canonical(row.seq, row.at, row.cause, row.events)
    except TypeError:  # a damaged page may give any type, whatever the schema says
        raise JournalDamaged(row.seq, "a column has the wrong type") from None
    if hashlib.sha256(tip.hash + data).digest() != row.hash:
        raise JournalDamaged(row.seq, "hash differs")
    if row.at < tip.at:
        raise JournalDamaged(row.seq, f"time goes back by {tip.at - row.at} ns")
    return decoded(row)


def decoded(row: Row) -> Record:
    """The record of a stored row, whatever stands before it. Raises `JournalDamaged`."""
    try:
        return Record(row.seq, row.at, _CAUSE.decode(row.cause), _EVENTS.decode(row.events))
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        raise JournalDamaged(row.seq, f"undecodable: {error}") from error


def presentable(record: Record) -> Record:
    """The same record with lone surrogates, which no UTF-8 can carry, spelt out as `\\ud800`.

    Text is cleaned where it enters. This is the net below: a desk must not halt for a letter.
    """
    return msgspec.convert(_spelt_out(msgspec.to_builtins(record)), Record)


def _spelt_out(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_spelt_out(key): _spelt_out(item) for key, item in value.items()}
        case list() | tuple():
            return [_spelt_out(item) for item in value]
    return value


def outward(record: Record) -> dict[str, Any]:
    """The record for people: instants in ISO 8601, decimals as plain text without exponents."""
    plain = _plain(msgspec.to_builtins(presentable(record), builtin_types=(Decimal,)))
    assert isinstance(plain, dict)
    return plain


def to_json(record: Record) -> bytes:
    """`outward` as one line of JSON, without the newline."""
    return msgspec.json.encode(outward(record))


def _plain(value: Any, name: str = "") -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case int() if name in _INSTANTS:
            return timestamp(value)
        case dict():
            return {key: _plain(item, key) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


def _instant_fields() -> Iterator[str]:
    """Names of the fields declared as `Instant`; at run time their values are mere integers."""
    for struct in (Record, *get_args(Cause), *get_args(Event)):
        for name, declared in struct.__annotations__.items():
            if declared in ("Instant", "Instant | None"):
                yield name


_INSTANTS = frozenset(_instant_fields())
