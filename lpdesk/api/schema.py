"""What may come in, and how it is published: each kind of field checks a value and has a schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from lpdesk.api.problems import Problem
from lpdesk.domain.text import clean
from lpdesk.domain.values import BadNumber, positive, trimmed

Schema = dict[str, Any]


class Bad(ValueError):
    """A value that its field does not take; the message is safe to show."""


class Kind(Struct, frozen=True):
    """How a JSON value becomes ours. `take` raises `Bad`."""

    schema: Schema
    take: Callable[[object], object]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Bad("must be a text")
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not _NAME.fullmatch(text):
        raise Bad("must be 1 to 128 letters, digits or . _ : / -")
    return text


def _money(value: object) -> object:
    if isinstance(value, str) and not _MONEY.fullmatch(value):
        raise Bad("must be a plain decimal greater than zero")
    try:
        return trimmed(positive(value))
    except BadNumber as bad:
        raise Bad(str(bad)) from None


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Bad("must be true or false")
    return value


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IDS:
        raise Bad(f"must be a list of 1 to {MAX_IDS} ids")
    return tuple(_name(item) for item in value)


MAX_IDS = 500  # as many as a settlement takes
_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,128}", re.ASCII)
_MONEY = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)

_NAME_SCHEMA: Schema = {"type": "string", "pattern": "^[A-Za-z0-9._:/-]{1,128}$"}
_MONEY_SCHEMA: Schema = {
    "description": "A decimal greater than zero; as a string, so that no digit is lost.",
    "anyOf": [
        {"type": "string", "pattern": r"^(?=.*[1-9])[0-9]{1,18}(\.[0-9]{1,18})?$"},
        {"type": "number", "exclusiveMinimum": 0},
    ],
}

NAME = Kind(_NAME_SCHEMA, _name)
MONEY = Kind(_MONEY_SCHEMA, _money)
FLAG = Kind({"type": "boolean"}, _flag)
NAMES = Kind(
    {"type": "array", "items": _NAME_SCHEMA, "minItems": 1, "maxItems": MAX_IDS},
    _names,
)


def choice(*words: str) -> Kind:
    """One of `words`."""

    def take(value: object) -> str:
        if _text(value) not in words:
            raise Bad(f"must be {' or '.join(words)}")
        return str(value)

    return Kind({"type": "string", "enum": list(words)}, take)


class Field(Struct, frozen=True):
    """An attribute of a request; `also` is another spelling of its name."""

    name: str
    kind: Kind
    required: bool = False
    also: str = ""
    about: str = ""


class Body(Struct, frozen=True):
    """A JSON:API document that creates something: its type and attributes."""

    type: str
    fields: tuple[Field, ...]

    def read(self, document: object) -> tuple[dict[str, Any], dict[str, str]]:
        """The attributes by name, and how their names were spelt. Raises `Problem`, `Problems`."""
        attributes = self._attributes(document)
        known = {name: field for field in self.fields for name in (field.name, field.also) if name}
        taken: dict[str, Any] = {}
        spelt: dict[str, str] = {}
        found: list[Problem] = []
        for name, value in attributes.items():
            place = f"/data/attributes/{_escaped(name)}"
            field = known.get(name)
            if field is None:
                found.append(Problem("invalid", "unknown attribute", pointer=place))
            elif field.name in spelt:
                found.append(Problem("invalid", "said twice", pointer=place))
            elif value is not None or field.required:
                spelt[field.name] = name
                try:
                    taken[field.name] = field.kind.take(value)
                except Bad as bad:
                    found.append(Problem("invalid", f"{field.name} {bad}", pointer=place))
        missing = [
            f for f in self.fields if f.required and not attributes.keys() & {f.name, f.also}
        ]
        place = "/data/attributes"
        found += [Problem("invalid", f"{f.name} is needed", pointer=place) for f in missing]
        if found:
            raise Problems(found)
        return taken, spelt

    def _attributes(self, document: object) -> Mapping[str, object]:
        """Where the attributes are in a document that is otherwise in order."""
        top = _members(document, "", ("data", "meta", "jsonapi"))
        if "data" not in top:
            raise Problem("invalid", "data is needed")
        data = _members(top["data"], "/data", ("type", "id", "lid", "attributes", "meta"))
        if data.get("type") != self.type:
            if isinstance(data.get("type"), str):
                raise Problem(
                    "type_conflict", f"the type here is {self.type}", pointer="/data/type"
                )
            raise Problem("invalid", f"type must be {self.type}", pointer="/data")
        if "id" in data:
            raise Problem("client_id", "ids are given here, not by the client", pointer="/data/id")
        return _members(data.get("attributes", {}), "/data/attributes", None)

    def schema(self) -> Schema:
        """The document's JSON schema."""
        properties: dict[str, Any] = {}
        for field in self.fields:
            about = {"description": field.about} if field.about else {}
            for name in (field.name, field.also):
                if name:
                    properties[name] = about | _nullable(field)
        return {
            "type": "object",
            "required": ["data"],
            "additionalProperties": False,
            "properties": {
                "meta": {},
                "jsonapi": {},
                "data": {
                    "type": "object",
                    "required": ["type", "attributes"],
                    "additionalProperties": False,
                    "properties": {
                        "type": {"type": "string", "enum": [self.type]},
                        "lid": {"type": "string"},
                        "meta": {},
                        "attributes": {
                            "type": "object",
                            "required": [field.name for field in self.fields if field.required],
                            "additionalProperties": False,
                            "properties": properties,
                        },
                    },
                },
            },
        }


class Problems(Exception):
    """Several at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def _nullable(field: Field) -> Schema:
    if field.required:
        return field.kind.schema
    kind = field.kind.schema
    if "anyOf" in kind:
        return kind | {"anyOf": [*kind["anyOf"], {"type": "null"}]}
    return {"anyOf": [kind, {"type": "null"}]}


def _members(value: object, place: str, allowed: tuple[str, ...] | None) -> Mapping[str, object]:
    """An object with no members but `allowed`. Raises `Problem`."""
    if not isinstance(value, dict):
        raise Problem("invalid", "must be an object", pointer=place)
    for name in value:
        if allowed is not None and name not in allowed:
            raise Problem("invalid", "unknown member", pointer=f"{place}/{_escaped(name)}")
    return value


def _escaped(name: str) -> str:
    """A member's name in a JSON pointer, safe to show."""
    return clean(name.replace("~", "~0").replace("/", "~1") or "?", 80)
