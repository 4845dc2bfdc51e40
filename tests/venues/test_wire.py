"""The gate for bytes: what is let through, and our signatures."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues.base import Endpoint
from lpdesk.venues.wire import sign

BODY = b'{"symbol":"BTC-USD","side":"BUY","quantity":"1.5"}'


@pytest.mark.parametrize(
    ("secret", "parts", "signature"),
    [
        (
            "lp-secret",
            ("1741262400000", "POST", b"/v1/quote", BODY),
            "cd70074566d4f8ba82b7b37f50a540c093ef198d9bc96e2cc55df963bb10b566",
        ),
        (  # Bitvavo's published example
            "bitvavo",
            ("1548175200641", "GET", b"/v2/websocket"),
            "653fc0505431c63a043273da4bd2f0927eae83948d796084f313e5d1131b0d6f",
        ),
    ],
)
def test_signature_vectors(secret: str, parts: tuple[str, str, bytes], signature: str) -> None:
    assert sign(secret, *parts) == signature


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "not JSON"),
        (b"<html>busy</html>", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": 1} {}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": NaN}', "number not finite"),
        (b'{"a": -Infinity}', "number not finite"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "duplicate key"),
        (b"[" * 60_000, "nested too deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deep"),
        (b"[" * 17 + b"]" * 17, "nested too deep"),
        (b"9" * 5_000, "number too long"),
        (b"0." + b"9" * 400, "number too long"),
        (b"1e9999999999999999999999", "number out of range"),
        (b'"' + b"\\" * 60_000, "not JSON"),
    ],
)
def test_bad_json_is_refused_quickly(body: bytes, text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(Malformed) as trouble:
        parse(body)
    assert trouble.value.text == text
    assert time.perf_counter() - began < 0.5


def test_depth_counts_nesting_and_not_brackets() -> None:
    flat = b'{"executions": [' + b",".join([b'{"a": "[[[[{{{{\\""}'] * 100) + b"]}"
    assert len(Fields(parse(flat)).rows("executions")) == 100


NUMBERS = [
    ('"1.5"', Decimal("1.5")),
    ("1.5", Decimal("1.5")),
    ("2", Decimal(2)),
    ("0.1", Decimal("0.1")),  # not through a float
    ('"-1"', None),
    ("0", None),
    ("1e999999", None),
    ('"1e999999"', None),
    ('"' + "9" * 400 + '"', None),
    ('"NaN"', None),
    ('"١٢"', None),
    ('"1_000"', None),
    ('""', None),
    ("true", None),
    ("null", None),
    ("[]", None),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_positive_numbers(text: str, expected: Decimal | None) -> None:
    fields = Fields(parse(f'{{"price": {text}}}'))
    if expected is not None:
        assert fields.positive("price") == expected
        return
    with pytest.raises(Malformed) as trouble:
        fields.positive("price")
    assert trouble.value.text.startswith("price ")


@pytest.mark.parametrize("text", ['""', '" "', '"a\\u001b[2J"', '"\\ud800"', "7", '"\\u202e"'])
def test_an_identifier_is_never_altered(text: str) -> None:
    with pytest.raises(Malformed):
        Fields(parse(f'{{"quoteId": {text}}}')).identifier("quoteId")


def test_an_endpoint_shows_no_secret() -> None:
    endpoint = Endpoint(name="lp", kind="rest", url="http://lp", key="KEY", secret="SECRET")
    assert "KEY" not in repr(endpoint) and "SECRET" not in f"{endpoint}"
