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
    if problem := private_problem(path, alone=True):
        raise ValueError(problem)
    return path.read_text("utf-8").strip()


def private_problem(path: Path, *, alone: bool) -> str:
    """Why a file cannot be used, or nothing. `alone`: nobody else may read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"
    if alone and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "the file can be read by others: chmod 600"
    return ""
