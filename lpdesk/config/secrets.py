"""Secrets, wherever they are kept; never part of a message."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pydantic import SecretStr


def resolve_secret(value: SecretStr) -> str:
    """A secret from where it is: env:NAME, file:PATH (ours alone), or the value itself."""
    text = value.get_secret_value()
    if text.startswith("env:"):
        found = os.environ.get(text.removeprefix("env:"))
        if found is None:
            raise ValueError("the environment variable is not set")
        return found
    if not text.startswith("file:"):
        return text
    path = Path(text.removeprefix("file:")).expanduser()
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError("the file can be read by others: chmod 600")
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
