"""The gate for JSON from outside: bounded, strict, with typed fields. Pure; every adapter's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from lpdesk.domain import values
from lpdesk.domain.text import clean

TEXT_LIMIT = 120
ID_LIMIT = 128
DEPTH_LIMIT = 16
DIGITS_LIMIT = 90


class Malformed(Exception):
    """What came is not what was agreed. `text` is short and never repeats the input."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def dump(fields: Mapping[str, object]) -> bytes:
    """Compact JSON. Serialise once: what is signed must be what is sent."""
    return _ENCODER.encode(fields).encode()


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def plain(value: Decimal) -> str:
    """A decimal as others read it: never with an exponent."""
    return format(value, "f")


# ---- JSON


def parse(body: bytes | str) -> object:
    """JSON in strict UTF-8, no NaN, no duplicate keys, bounded depth. Raises Malformed."""
    try:
        text = body.decode() if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    _check_depth(text)
    try:
        return _DECODER.decode(text)
    except ValueError:
        raise Malformed("not JSON") from None


_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def _check_depth(text: str) -> None:
    # Depth is never more than the number of openings, so ordinary answers skip the scan.
    if text.count("[") + text.count("{") <= DEPTH_LIMIT:
        return
    depth = 0
    for mark in _MARKS.finditer(text):
        match mark[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
        if depth > DEPTH_LIMIT:
            raise Malformed("nested too deep")


def _decimal(text: str) -> Decimal:
    if len(text) > DIGITS_LIMIT:
        raise Malformed("number too long")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Malformed("number out of range") from None


def _integer(text: str) -> int:
    if len(text) > DIGITS_LIMIT:
        raise Malformed("number too long")
    return int(text)


def _not_finite(_: str) -> NoReturn:
    raise Malformed("number not finite")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise Malformed("duplicate key")
    return unique


_DECODER = json.JSONDecoder(
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_not_finite,
    object_pairs_hook=_unique,
)


# ---- fields


class Fields:
    """A JSON object read field by field; each reader raises Malformed. Null counts as absent."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Malformed("not an object")
        self._fields: dict[str, object] = value

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str, limit: int = TEXT_LIMIT) -> str:
        """Words for people: cleaned and cut. Absent is empty."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Malformed(f"{name} not a text")
        return clean(value, limit)

    def identifier(self, name: str, limit: int = ID_LIMIT) -> str:
        """A name that must come back exactly as it is: refused rather than cleaned or cut."""
        value = self._fields.get(name)
        if value is None:
            raise Malformed(f"{name} missing")
        if not isinstance(value, str):
            raise Malformed(f"{name} not a text")
        if not value.strip() or len(value) > limit or clean(value, limit) != value:
            raise Malformed(f"{name} not usable")
        return value

    def number(self, name: str) -> Decimal:
        """A finite, bounded number, written as JSON text or number."""
        return self._number(name, values.number)

    def positive(self, name: str) -> Decimal:
        """A number greater than zero."""
        return self._number(name, values.positive)

    def whole(self, name: str) -> int:
        """A number of at least zero without decimals."""
        value = self.number(name)
        if value < 0 or value != value.to_integral_value():
            raise Malformed(f"{name} not a whole number")
        return int(value)

    def _number(self, name: str, gate: Callable[[object], Decimal]) -> Decimal:
        value = self._fields.get(name)
        if value is None:
            raise Malformed(f"{name} missing")
        try:
            return gate(value)
        except values.BadNumber as trouble:
            raise Malformed(f"{name} {trouble}") from None

    def rows(self, name: str) -> tuple[Fields, ...]:
        """A list of objects."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise Malformed(f"{name} not a list")
        return tuple(Fields(row) for row in value)

    def inner(self, name: str) -> Fields:
        """An object inside."""
        return Fields(self._fields.get(name))

    def raw(self, name: str) -> object:
        """Whatever it is, None if absent: for a gate that stands further inside."""
        return self._fields.get(name)
