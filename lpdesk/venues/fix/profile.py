"""What differs from venue to venue, as data: a packaged profile, an LP's own options over it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from lpdesk.domain.values import SECOND
from lpdesk.venues.base import Endpoint
from lpdesk.venues.fix.codec import Pair

QUOTES = ("rfq", "book")
ORDERS = ("previously-quoted", "limit", "response")
_TAGGED = re.compile(r"(?:([A-Za-z0-9]{1,2}):)?([1-9][0-9]{0,5})=(.+)", re.ASCII)


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One venue's FIX. Everything may be given as an option of the LP."""

    source: str = ""  # where we know it from
    verified: bool = False  # whether it was ever tried against who speaks it
    needs: tuple[str, ...] = ()  # options without which it cannot work
    begin: str = "FIX.4.4"
    sender: str = "LPDESK"  # CompIDs: 49, 56
    target: str = ""
    sender_sub: str = ""  # 50
    target_sub: str = ""  # 57, on every message
    on_behalf: str = ""  # 115
    on_behalf_sub: str = ""  # 116
    account: str = ""  # 1, on orders
    login: str = "password"  # a recipe of login.py
    passphrase: str = ""
    heartbeat_seconds: Decimal = Decimal(30)
    reset: bool = False  # both counters to 1 at each logon
    next_expected: bool = False  # tells NextExpectedMsgSeqNum (789)
    clock_seconds: Decimal = Decimal(120)  # how far SendingTime may be off
    symbol: str = "{base}/{quote}"
    aliases: tuple[str, ...] = ()  # our asset=theirs
    quotes: str = "rfq"  # what `fix-stream` listens to: quotes on a request, or a "book"
    replaces: bool = True  # a pushed quote ends the one before; else that one holds its time
    depth: int = 0  # of a book; 0 is full
    updates: bool = False  # a book by increments (X) after the first snapshot
    sizes: bool = True  # whether a book says sizes; without, as much as was asked for
    orders: str = "previously-quoted"  # or a "limit" order at its price, or a QuoteResponse
    time_in_force: str = "4"  # 59: 4 fill or kill, 3 immediate or cancel
    validity_seconds: Decimal = Decimal(5)  # of a quote that does not say
    tags: tuple[str, ...] = ()  # more fields, "D:8001=5" on one type, "57=X" on all
    ignores: tuple[str, ...] = ()  # message types to take without a word
    certificate: str = ""  # files for TLS: ours, its key, and whom to trust instead of the world
    certificate_key: str = ""
    authority: str = ""

    @property
    def validity_ns(self) -> int:
        return int(self.validity_seconds * SECOND)

    def venue_symbol(self, symbol: str) -> str:
        """Our BASE/QUOTE in the venue's form."""
        theirs = dict(alias.split("=", 1) for alias in self.aliases)
        base, quote = (theirs.get(asset, asset) for asset in symbol.split("/"))
        return self.symbol.format(base=base, quote=quote)

    def currency(self, asset: str) -> str:
        """An asset in the venue's words."""
        return dict(alias.split("=", 1) for alias in self.aliases).get(asset, asset)

    def extra(self, kind: str) -> list[Pair]:
        """The additional fields of a message of this type."""
        found = (_TAGGED.fullmatch(tag) for tag in self.tags)
        pairs = [(m[1], int(m[2]), m[3].format(account=self.account)) for m in found if m]
        return [(tag, text) for only, tag, text in pairs if text and only in (None, kind)]


@cache
def packaged() -> Mapping[str, dict[str, Any]]:
    """The profiles that come with the desk, by name."""
    text = files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def profile_of(endpoint: Endpoint) -> Profile:
    """The endpoint's profile. Raises ValueError for one that can never work, by its option."""
    options = dict(endpoint.options)
    name = str(options.pop("profile", "fix44"))
    if name not in packaged():
        raise ValueError(f"{endpoint.name}: options.profile: one of {', '.join(packaged())}")
    told = packaged()[name] | options
    try:
        profile = msgspec.convert(told, Profile, strict=False)
        profile.venue_symbol("BASE/QUOTE")
    except (msgspec.ValidationError, KeyError, IndexError, ValueError) as bad:
        raise ValueError(f"{endpoint.name}: options: {bad}") from None
    missing = [each for each in (*profile.needs, "target") if not getattr(profile, each, "")]
    defaults = [each for each in profile.needs if each == "sender" and each not in told]
    if missing or defaults:
        raise ValueError(f"{endpoint.name}: options.{(missing + defaults)[0]}: is needed")
    for key, known in (("quotes", QUOTES), ("orders", ORDERS)):
        if getattr(profile, key) not in known:
            raise ValueError(f"{endpoint.name}: options.{key}: one of {', '.join(known)}")
    if bad_tags := [tag for tag in profile.tags if not _TAGGED.fullmatch(tag)]:
        raise ValueError(f"{endpoint.name}: options.tags: not TAG=VALUE: {len(bad_tags)} of them")
    return profile
