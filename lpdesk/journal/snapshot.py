"""A file beside the journal with a desk's state after one record: a start need not re-run a year.

A cache that only the journal can vouch for: it counts while that holds the very record it was
taken after, and for the code that took it; otherwise it is as if it were not there. The state is
pickled, so the file is trusted as the program's own bytecode is: it must be the user's alone.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lpdesk.domain.values import Instant
from lpdesk.journal import files
from lpdesk.journal.codec import Tip
from lpdesk.journal.errors import JournalRefused
from lpdesk.journal.reader import connect


class Snapshot(NamedTuple):
    """`state` as it was after the record `tip`."""

    tip: Tip
    state: Any


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of the file; `state` is the digest of what follows it."""

    code: str
    seq: int
    at: Instant
    hash: bytes
    state: bytes


def save(journal: Path, snapshot: Snapshot, code: str, known: Mapping[str, object]) -> None:
    """Take the place of the one before, whole or not at all. Raises OSError.

    `code` names the code that made the state. `known`: what the state only refers to, by name.
    """
    state = dumps(snapshot.state, known)
    header = _Header(code=code, state=hashlib.sha256(state).digest(), **snapshot.tip._asdict())
    files.replace(_beside(journal), msgspec.json.encode(header) + b"\n" + state)


def load(journal: Path, code: str, known: Mapping[str, object]) -> Snapshot | None:
    """The snapshot of that journal by that code, if there is one and the journal vouches for it."""
    path = _beside(journal)
    try:
        files.check(path)
        line, _, state = path.read_bytes().partition(b"\n")
        header = msgspec.json.decode(line, type=_Header)
    except (OSError, JournalRefused, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    tip = Tip(header.seq, header.at, header.hash)
    good = header.code == code and header.state == hashlib.sha256(state).digest()
    if not (good and _holds(journal, tip)):
        return None
    try:
        return Snapshot(tip, loads(state, known))
    except KeyError:  # it names what is not known any more
        return None


def dumps(state: object, known: Mapping[str, object]) -> bytes:
    """The state in bytes, where what is `known` stands by name."""
    buffer = io.BytesIO()
    _Pickler(buffer, known).dump(state)
    return buffer.getvalue()


def loads(state: bytes, known: Mapping[str, object]) -> Any:
    """What `dumps` was given, with today's objects for the names. Raises KeyError without one."""
    return _Unpickler(io.BytesIO(state), known).load()


def _beside(journal: Path) -> Path:
    return journal.with_name(journal.name + ".snapshot")


def _holds(journal: Path, tip: Tip) -> bool:
    with closing(connect(journal)) as connection:
        query = "SELECT seq, at, hash FROM records WHERE seq = ?"
        return bool(connection.execute(query, (tip.seq,)).fetchone() == tip)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, known: Mapping[str, object]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._names = {id(value): name for name, value in known.items()}

    def persistent_id(self, obj: object) -> str | None:
        return self._names.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: Mapping[str, object]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, pid: str) -> object:
        return self._known[pid]
