"""What a webhook's endpoint must be: somebody's, reachable by a safe scheme, with real secrets."""

from __future__ import annotations

import binascii
from base64 import b64decode

from lpdesk.config.secrets import resolve_secret
from lpdesk.config.tables import Config, WebhookTable

KEY_BYTES = range(24, 65)
"""Length of a secret's bytes, by the specification."""


def webhook_problems(config: Config) -> list[str]:
    """One line for each, with its place; no secret is in it."""
    names = [hook.name for hook in config.webhooks]
    problems = [
        f"webhooks: {name} appears twice" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    clients = [client.name for client in config.clients]
    desks = [desk.name for desk in config.trade_desks]
    for index, hook in enumerate(config.webhooks):
        problems += [f"webhooks.{index}.{what}" for what in _problems(hook, clients, desks)]
    return problems


def _problems(hook: WebhookTable, clients: list[str], desks: list[str]) -> list[str]:
    problems = []
    if bool(hook.organization) == bool(hook.trade_desk):
        problems.append("organization: or trade_desk, one of the two is needed")
    elif hook.organization and hook.organization not in clients:
        problems.append(f"organization: {hook.organization} is not a client")
    elif hook.trade_desk and hook.trade_desk not in desks:
        problems.append(f"trade_desk: {hook.trade_desk} is not a trade desk")
    scheme, _, rest = hook.url.partition("://")
    if scheme not in (("https", "http") if hook.allow_http else ("https",)) or not rest:
        problems.append("url: must begin with https:// (or http://, with allow_http)")
    if "@" in hook.url or "#" in hook.url or not hook.url.isascii() or " " in hook.url:
        problems.append("url: plain ASCII without user, password or fragment")
    if not hook.secrets:
        problems.append("secrets: at least one is needed")
    for number, secret in enumerate(hook.secrets):
        try:
            _check(resolve_secret(secret))
        except ValueError as error:
            problems.append(f"secrets.{number}: {error}")
    return problems


def _check(secret: str) -> None:
    """Raises ValueError unless it is `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or len(key) not in KEY_BYTES:
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
