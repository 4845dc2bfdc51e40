"""The gate for foreign text: nothing that a terminal would obey, and columns can rely on it."""

from __future__ import annotations

import unicodedata
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from lpdesk.domain.text import ELLIPSIS, SUBSTITUTE, clean
from tests.tui.hostile import HOSTILE

ANY_TEXT = st.text(st.characters(categories=None) | st.sampled_from("\x1b\u0301\u202e\ud800東"))


def is_harmless(text: str) -> bool:
    return text.isprintable() or all(
        unicodedata.category(character) == "Zs" or character.isprintable() for character in text
    )


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name.replace(" ", "-"))
def test_hostile_text_becomes_harmless(name: str) -> None:
    shown = clean(HOSTILE[name])
    assert is_harmless(shown) and len(shown) <= 200
    assert clean(shown) == shown
    shown.encode()


@given(ANY_TEXT, st.integers(1, 60))
def test_any_text_becomes_harmless_bounded_and_stays_the_same(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert is_harmless(shown) and len(shown) <= limit
    assert clean(shown, limit) == shown
    assert bool(shown) == bool(text)


@given(st.text("abc 123.,-+:/@#", max_size=200))
def test_plain_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


def test_what_was_there_stays_visible() -> None:
    assert clean("a\x1b[31mb") == f"a{SUBSTITUTE}[31mb"
    assert clean("a\u202eb") == f"a{SUBSTITUTE}b"
    assert clean("é ₿ € 東京") == "é ₿ € 東京"
    assert clean("e\u0301\u0302\u0303\u0304z") == f"e\u0301\u0302{SUBSTITUTE}z"
    assert clean("\u0301x") == f"{SUBSTITUTE}x"


def test_long_text_says_that_it_was_cut() -> None:
    assert clean("x" * 201) == "x" * 199 + ELLIPSIS
    assert clean("x" * 200) == "x" * 200
    assert clean("abc", 1) == ELLIPSIS
    with pytest.raises(ValueError, match="limit"):
        clean("abc", 0)


def test_time_is_bounded_by_the_limit() -> None:
    def seconds(text: str) -> float:
        start = perf_counter()
        clean(text)
        return perf_counter() - start

    clean("\u0301é")
    best = min(seconds("a" + "\u0300" * 2**20) for _ in range(5))
    assert best < 0.05, "a megabyte of marks would take ten times this long if it were all read"


def test_every_kept_character_has_one_width() -> None:
    """Textual and the terminal's tables agree on every character that the gate lets through."""
    odd = [
        hex(code)
        for code in range(0x20, 0x30000)
        if clean(character := chr(code)) == character and cell_len(character) != wcwidth(character)
    ]
    assert odd == []
    assert all(
        cell_len(chr(code)) > 0 for code in range(0x20, 0x30000) if clean(chr(code)) == chr(code)
    ), "a character of its own takes a cell"
