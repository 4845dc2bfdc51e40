"""What every event is."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something the desk decided."""
