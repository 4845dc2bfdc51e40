"""From the configuration to what the API runs by."""

from __future__ import annotations

import secrets

from lpdesk.api.access import Key
from lpdesk.api.server import Limits
from lpdesk.api.service import Terms
from lpdesk.config import Config, resolve_secret
from lpdesk.domain.values import SECOND


def terms(config: Config) -> Terms:
    """How requests are treated."""
    api = config.api
    return Terms(
        quote_wait_ns=int(api.quote_wait_seconds * SECOND),
        patience_s=float(api.patience_seconds),
        cash_asset=api.cash_asset,
        max_body_bytes=api.max_body_bytes,
        max_in_flight=api.max_in_flight,
    )


def limits(config: Config) -> Limits:
    """How connections are bounded."""
    api = config.api
    return Limits(connections=api.max_connections, receive_s=float(api.receive_seconds))


def keys(config: Config) -> list[Key]:
    """The configured keys. Raises ValueError for a secret that cannot be read."""
    return [
        Key(key.key, resolve_secret(key.secret).encode(), key.role, key.organization)
        for key in config.api_keys
    ]


def throwaway_keys(config: Config) -> list[Key]:
    """Keys for a sandbox that has none: new at every start, one of each role."""
    organization = config.desk.default_client
    roles = {"integrator": organization, "dealer": "", "supervisor": ""}
    return [
        Key(f"demo-{role}", secrets.token_urlsafe(24).encode(), role, owner)
        for role, owner in roles.items()
    ]
