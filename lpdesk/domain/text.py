"""The one gate for foreign text: what an LP, a client or a file says becomes safe to show.

Terminals obey control characters and disagree about invisible ones, so none of them may reach a
screen, a log line or an export. The gate is used twice: when text enters the system and again
when it is drawn, which is why it is idempotent. The text as received belongs in the journal,
escaped by its encoding; this is the form for people.

Categories come from the running Python's Unicode tables, so call the gate at the edges and never
inside `Desk.step`, where two Pythons must agree to the byte.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SUBSTITUTE: Final = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS: Final = "…"
MAX_MARKS: Final = 2
"""Combining marks kept on one base character; written languages need no more."""

_SCAN: Final = 8
"""Characters read for each one kept, so that a megabyte of marks costs no more than a line."""

_DIGITS: Final = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, formats (bidi, zero width, tags), surrogates, private, unassigned, line breaks."""

_HIDDEN_RANGES: Final = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x11FF),  # Hangul fillers and joining letters: blank, or zero cells wide
    (0x17B4, 0x17B5),  # Khmer inherent vowels: invisible
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x3164, 0x3164),  # Hangul filler
    (0xD7B0, 0xD7FF),  # Hangul joining letters
    (0xFE00, 0xFE0F),  # variation selectors: they change the width of what stands before
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0x1F1E6, 0x1F1FF),  # regional indicators: one flag or two letters, terminals differ
    (0x1F3FB, 0x1F3FF),  # skin tones: joined to an emoji or a cell of their own
    (0xE0000, 0xE0FFF),  # tags and more variation selectors
)


def clean(text: str, limit: int = 200) -> str:
    """Return `text` as one printable line of at most `limit` characters.

    Controls (C0, C1, DEL), bidi and zero-width characters, lone surrogates and others that
    terminals act upon or measure differently each become U+FFFD. More than `MAX_MARKS` combining
    marks in a row, or a mark with nothing to stand on, become one U+FFFD. Longer text is cut and
    ends in `…`. Wide characters are kept: whoever lays out columns counts cells, not characters.

    `clean(clean(t, n), n) == clean(t, n)`. Time is bounded by `limit`, not by the input. Raises
    ValueError when `limit` is below 1. Source of the corpus: reliability 4E.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1")
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    head = text[: limit * _SCAN]
    shown = _substitute(head, limit + 1)
    if len(shown) > limit or len(head) < len(text):
        shown[limit - 1 :] = ELLIPSIS
    return "".join(shown)


def spreadsheet(value: object) -> str:
    """A cell that a spreadsheet takes for what it is: text that begins like a formula is marked."""
    text = "" if value is None else clean(str(value), 1_000)
    return f"'{text}" if text.startswith(_FORMULA) and not _DIGITS.fullmatch(text) else text


def _substitute(text: str, enough: int) -> list[str]:
    """The characters to show, stopping once there are `enough`."""
    shown: list[str] = []
    marks = MAX_MARKS  # at the start of a line a mark has no base
    for character in text:
        if len(shown) >= enough:
            break
        hidden = _is_hidden(character)
        if not hidden and unicodedata.category(character)[0] == "M":
            marks += 1
            if marks > MAX_MARKS + 1:
                continue
            shown.append(character if marks <= MAX_MARKS else SUBSTITUTE)
        else:
            marks = 0
            shown.append(SUBSTITUTE if hidden else character)
    return shown


def _is_hidden(character: str) -> bool:
    """Whether a terminal would act on the character, or not show it as itself."""
    if unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return True
    code = ord(character)
    return code >= 0x034F and any(first <= code <= last for first, last in _HIDDEN_RANGES)
