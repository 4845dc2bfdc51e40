"""What adapters keep beside the journal: theirs alone, and nobody else's file by a link (S3)."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lpdesk.venues.fix.store import Store
from lpdesk.venues.notes import Notes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
KINDS = pytest.mark.parametrize("opened", [Notes, Store])


@KINDS
def test_it_is_ours_alone_whatever_it_was(tmp_path: Path, opened: Callable[[Path], object]) -> None:
    path = tmp_path / "kept"
    path.touch(0o666)
    opened(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@KINDS
def test_a_link_is_refused_and_what_it_names_untouched(
    tmp_path: Path, opened: Callable[[Path], object]
) -> None:
    (tmp_path / "other").write_bytes(b"")
    (tmp_path / "other").chmod(0o644)
    (tmp_path / "kept").symlink_to(tmp_path / "other")
    with pytest.raises(ValueError, match="kept cannot be used"):
        opened(tmp_path / "kept")
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o644
