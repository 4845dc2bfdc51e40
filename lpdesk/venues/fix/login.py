"""How venues want to be shown who logs on. A recipe gives the fields that it adds to a Logon.

The signatures cover SendingTime and MsgSeqNum, so they are made anew for every Logon.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256, sha512

from msgspec import Struct

from lpdesk.domain.values import MILLISECOND, Instant
from lpdesk.venues.fix.codec import Pair

_SOH = "\x01"


class Hello(Struct, frozen=True, kw_only=True):
    """What a Logon's signature is made of."""

    key: str
    secret: str
    passphrase: str
    sender: str
    target: str
    number: int
    sending_time: str
    at: Instant


def _none(hello: Hello) -> list[Pair]:
    return []


def _password(hello: Hello) -> list[Pair]:
    """User name and password, or API token: B2C2, FXCM and the plain protocol."""
    return [(tag, text) for tag, text in ((553, hello.key), (554, hello.secret)) if text]


def _kraken_prime(hello: Hello) -> list[Pair]:
    text = _SOH.join((hello.sending_time, str(hello.number), hello.sender, hello.target))
    signature = urlsafe_b64encode(_mac(hello.secret.encode(), text)).decode()
    return [*_data(signature), (554, hello.key)]


def _kraken_spot(hello: Hello) -> list[Pair]:
    nonce = str(hello.at // MILLISECOND)
    fields = ("35=A", f"34={hello.number}", f"49={hello.sender}", f"56={hello.target}")
    digest = sha256((_SOH.join((*fields, f"553={hello.key}")) + _SOH + nonce).encode()).digest()
    signature = hmac.new(b64decode(hello.secret), digest, sha512).digest()
    return [(553, hello.key), (554, b64encode(signature).decode()), (5025, nonce)]


def _coinbase_prime(hello: Hello) -> list[Pair]:
    text = "".join(
        (hello.sending_time, "A", str(hello.number), hello.key, hello.target, hello.passphrase)
    )
    signature = b64encode(_mac(hello.secret.encode(), text)).decode()
    return [*_data(signature), (554, hello.passphrase), (9407, hello.key)]


def _coinbase_exchange(hello: Hello) -> list[Pair]:
    fields = (hello.sending_time, "A", str(hello.number), hello.sender, hello.target)
    text = _SOH.join((*fields, hello.passphrase))
    signature = b64encode(_mac(b64decode(hello.secret), text)).decode()
    return [*_data(signature), (554, hello.passphrase)]


def _binance(hello: Hello) -> list[Pair]:
    """Ed25519; `secret` is the private key in PEM. Needs the package `cryptography`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(hello.secret.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    fields = ("A", hello.sender, hello.target, str(hello.number), hello.sending_time)
    signature = b64encode(key.sign(_SOH.join(fields).encode())).decode()
    return [*_data(signature), (553, hello.key), (25035, "2")]


def _bitvavo(hello: Hello) -> list[Pair]:
    signature = _mac(hello.secret.encode(), str(hello.at // MILLISECOND)).hex()
    return [(553, hello.key), (554, signature)]


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), sha256).digest()


def _data(signature: str) -> list[Pair]:
    return [(95, str(len(signature))), (96, signature)]


RECIPES: Mapping[str, Callable[[Hello], list[Pair]]] = {
    "none": _none,
    "password": _password,
    "kraken-prime": _kraken_prime,
    "kraken-spot": _kraken_spot,
    "coinbase-prime": _coinbase_prime,
    "coinbase-exchange": _coinbase_exchange,
    "binance": _binance,
    "bitvavo": _bitvavo,
}
