"""Helpers for the screens' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

PICTURES = Path(__file__).parent / "pictures"


@pytest.fixture
def same_picture(request: pytest.FixtureRequest) -> object:
    """Compares text with `pictures/NAME.txt`; `--snapshot-update` writes it anew."""

    def compare(name: str, text: str) -> None:
        path = PICTURES / f"{name}.txt"
        if request.config.getoption("update_snapshots", False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no picture {path.name}: make it with --snapshot-update"
        assert text == path.read_text(encoding="utf-8")

    return compare
