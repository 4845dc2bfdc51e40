"""Files that LPs' options name: where they are, and whether they are ours alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from lpdesk.config.secrets import private_problem
from lpdesk.config.tables import LpTable

_FILES: Final = ("certificate", "certificate_key", "authority")


def located(lps: list[Any], folder: Path) -> None:
    """Make the paths of TLS files relative to `folder`, in tables as they were read."""
    for lp in lps:
        options = lp.get("options") if isinstance(lp, dict) else None
        if not isinstance(options, dict):
            continue
        for name in _FILES:
            if isinstance(text := options.get(name), str) and text:
                options[name] = str(folder / Path(text).expanduser())


def file_problems(place: str, lp: LpTable) -> list[str]:
    """What is wrong with the files themselves; whether they fit each other, TLS says."""
    problems, named = [], [name for name in _FILES if lp.options.get(name)]
    secret = "certificate_key" if "certificate_key" in named else "certificate"
    for name in named:
        path, alone = Path(str(lp.options[name])), name == secret
        if problem := private_problem(path, alone=alone):
            problems.append(f"{place}.options.{name}: {problem}")
    if "certificate_key" in named and "certificate" not in named:
        problems.append(f"{place}.options.certificate: is needed with certificate_key")
    return problems or (_unfit(place, lp) if "certificate" in named else [])


def _unfit(place: str, lp: LpTable) -> list[str]:
    """Whether certificate and key are a pair, opened by the secret."""
    import ssl  # only who has a certificate pays for it

    from lpdesk.config.secrets import resolve_secret

    key = lp.options.get("certificate_key")
    try:
        secret = resolve_secret(lp.secret)
        it = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        it.load_cert_chain(
            str(lp.options["certificate"]), str(key) if key else None, password=lambda: secret
        )
    except ssl.SSLError:
        return [f"{place}.options.certificate: not a PEM certificate with its key and its secret"]
    except ValueError:  # of the secret, which is told where that is looked at
        return []
    return []
