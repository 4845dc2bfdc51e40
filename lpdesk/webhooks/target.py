"""Which addresses a webhook may go to: resolved once, judged, and then kept to."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a gateway turns into the IPv4 address in their last 32 bits."""

Address = IPv4Address | IPv6Address


class Forbidden(Exception):
    """The target must not be reached; the message says why and is safe to show."""


async def resolve(host: str, port: int, allow_private: bool, executor: Executor) -> str:
    """The one address to connect to. Raises `Forbidden`, or OSError when there is none.

    A name with any private address is refused whole: which one is taken must not be its choice.
    """
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        executor, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not allow_private and not all(map(is_public, addresses)):
        raise Forbidden("in a private network, which is not allowed")
    return str(addresses[0])


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could be meant, also behind an IPv6 that carries an IPv4."""
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _TRANSLATED:
            inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if any(each is not None and not is_public(each) for each in inner):
            return False
    return address.is_global and not address.is_multicast
