"""A day's journal, and the commands as a dealer types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lpdesk.cli import app
from lpdesk.domain.record import Record
from tests.cli.days import keep, short_day

Command = Callable[..., Result]


@pytest.fixture(scope="session")
def records() -> list[Record]:
    return short_day().records


@pytest.fixture
def journal(tmp_path: Path, records: list[Record]) -> Path:
    return keep(tmp_path / "day.db", records)


@pytest.fixture
def lpdesk() -> Command:
    """Runs one command in this process."""

    def run(*arguments: object, **env: str) -> Result:
        return CliRunner().invoke(app, [str(each) for each in arguments], env=env)

    return run
