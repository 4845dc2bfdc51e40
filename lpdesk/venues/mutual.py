"""TLS with a certificate of our own, where an LP knows us by that."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from lpdesk.domain.text import clean
from lpdesk.venues.base import Endpoint, Option

FILES = ("certificate", "certificate_key", "authority")


def context(endpoint: Endpoint) -> ssl.SSLContext | None:
    """Verifying, by the options of an endpoint; None where they name no files.

    `certificate`: ours, in PEM, with its key or with that in `certificate_key`; the LP's `secret`
    opens an encrypted key. `authority`: whom to trust instead of the world. Raises ValueError.
    """
    files = paths(endpoint.options)
    if not files:
        return None
    secret = endpoint.secret  # asked for by the library otherwise, on the terminal
    try:
        made = ssl.create_default_context(cafile=files.get("authority"))
        if "certificate" in files:
            key = files.get("certificate_key")
            made.load_cert_chain(files["certificate"], key, password=lambda: secret)
    except (OSError, ValueError) as bad:  # ssl.SSLError is an OSError
        raise ValueError(f"{endpoint.name}: certificate: {clean(str(bad), 80)}") from None
    return made


def paths(options: Mapping[str, Option]) -> dict[str, str]:
    """The files that are named."""
    return {name: str(value) for name in FILES if (value := options.get(name))}


def trouble(error: BaseException | None) -> str:
    """What the other side's TLS, or ours, has against the certificates; empty if it is not that."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"TLS: {clean(error.verify_message, 80)}"
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return (
                f"TLS: {clean(error.reason.partition('ALERT_')[2], 80).replace('_', ' ').lower()}"
            )
        error = error.__cause__ or error.__context__
    return ""
