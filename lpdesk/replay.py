"""A journal as a session: the same screens over what happened, and time that goes both ways; and
`verify`, which decides everything in it again.

Views are folded from the journal alone. One view in every so many records is kept (a view is frozen
and shares most of itself with its neighbours), so that any place is a short fold away.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from msgspec import Struct, json, to_builtins

from lpdesk import __version__
from lpdesk.clock import Clock
from lpdesk.desk import Desk
from lpdesk.domain import events as ev
from lpdesk.domain.record import Command, Event, Record
from lpdesk.domain.reports import DeskStarted
from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND, Instant
from lpdesk.journal import mark
from lpdesk.journal.errors import JournalDamaged
from lpdesk.journal.reader import about, check_chain, read
from lpdesk.strategies import found
from lpdesk.views import DeskView, fold

PAGE = 256
"""Records decoded at a time, and the least distance between two kept views."""

MAX_KEPT = 1_024
"""Kept views; when there are more, every other one is let go and the distance doubles."""

POLL_NS = SECOND // 4
MAX_SPEED = 1_000.0

MARKERS = (
    ev.QuoteLocked,
    ev.TradeOpened,
    ev.LegRejected,
    ev.TradeUnknown,
    ev.TradeSettled,
    ev.TradeFailed,
    ev.BreakFound,
    ev.TradingHalted,
)
"""Events that make their record a place to stop at."""

Progress = Callable[[int], None]
"""Told how many records are read, once a page."""


class Film:
    """A journal laid out for moving about in it: when each record was, and views along the way."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.ats = array("q")
        self.marks = array("q")
        self.damage = ""
        self._tip = DeskView()
        self._kept: list[DeskView] = []
        self._every = PAGE
        self._page: list[Record] = []

    @property
    def last(self) -> int:
        """The `seq` of the last good record."""
        return len(self.ats)

    def extend(self, progress: Progress | None = None) -> None:
        """Take in what has been written since; what is damaged, and all after it, is left out.

        Raises `JournalRefused` for a file that is no journal.
        """
        if self.damage:
            return
        try:
            for record in read(self.path, self.last + 1):
                self._append(record)
                if progress and record.seq % PAGE == 0:
                    progress(record.seq)
        except JournalDamaged as damage:
            self.damage = str(damage)

    def _append(self, record: Record) -> None:
        self.ats.append(record.at)
        self._tip = fold(self._tip, record)
        if any(isinstance(event, MARKERS) for event in record.events):
            self.marks.append(record.seq)
        if record.seq % self._every == 0:
            self._kept.append(self._tip)
        if len(self._kept) > MAX_KEPT:
            self._kept = self._kept[1::2]
            self._every *= 2

    def at(self, seq: int) -> Instant:
        """When record `seq` was; before the first record it is as late as at the first."""
        return self.ats[max(seq, 1) - 1] if self.ats else 0

    def seq_at(self, at: Instant) -> int:
        """The last record that was not after `at`; 0 before the first."""
        return bisect_right(self.ats, at)

    def view(self, seq: int, near: DeskView) -> DeskView:
        """The view after record `seq`, folded from the nearest one known; `near` is one of them."""
        if seq == self.last:
            return self._tip
        kept = seq // self._every
        view = self._kept[kept - 1] if kept else DeskView()
        if view.seq < near.seq <= seq:
            view = near
        for record in self._records(view.seq + 1, seq):
            view = fold(view, record)
        return view

    def _records(self, first: int, last: int) -> Iterator[Record]:
        """Records `first` to `last`, from the page in hand or by turning pages."""
        while first <= last:
            if not self._page or not self._page[0].seq <= first <= self._page[-1].seq:
                self._page = list(islice(read(self.path, first), PAGE))
            start = first - self._page[0].seq
            part = self._page[start : start + last - first + 1]
            yield from part
            first += len(part)


class ReplaySession:
    """A `Session` over a journal, with a transport.

    Nothing runs by itself: time moves when somebody asks for `now()` or `view`. Stopped at a record
    the time is that record's; with `follow` the journal's new records are taken in as they come.
    """

    can_command = False

    def __init__(
        self,
        path: Path | str,
        clock: Clock,
        *,
        follow: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Reads the whole journal. Raises `JournalRefused` when there is none at `path`."""
        self.playing = follow
        self.speed = 1.0
        self._follow = follow
        self._clock = clock
        self._film = Film(path)
        self._read(progress)
        self._polled = self._since = clock.now()
        self._now = max(self._since, self._end) if follow else self._end
        self._view = self._film.view(self._film.last, DeskView())

    @property
    def view(self) -> DeskView:
        self._move_on()
        return self._view

    @property
    def following(self) -> bool:
        """It plays, as fast as it happens, and is where the live journal is."""
        caught_up = self.speed == 1 and self.now() >= self._end
        return self._follow and self.playing and caught_up

    @property
    def position(self) -> tuple[int, int]:
        """The record on show and the last one there is."""
        self._move_on()
        return self._view.seq, self._film.last

    def now(self) -> Instant:
        if not self.playing:
            return self._now
        played = self._now + int((self._clock.now() - self._since) * self.speed)
        return min(played, max(self._clock.now(), self._end) if self._follow else self._end)

    async def submit(self, command: Command) -> tuple[Event, ...]:
        """Always raises `PermissionError`: what has happened takes no orders."""
        raise PermissionError("this is a replay: nothing can be sent")

    async def about(self, name: str) -> Sequence[Record]:
        """The records about a trade or a settlement, up to the one on show."""
        return await asyncio.to_thread(about, self._film.path, name, self._view.seq)

    # ---- the transport

    def step(self, n: int) -> None:
        """`n` records on, back when negative, and stop there."""
        self.playing = False
        self.seek_seq(self._view.seq + n)

    def seek_seq(self, n: int) -> None:
        """To just after record `n`; 0 is before the first."""
        seq = min(max(n, 0), self._film.last)
        self._go(seq, self._film.at(seq))

    def seek_time(self, ns: Instant) -> None:
        """To an instant, also one between two records; within the journal's own time."""
        ns = min(max(ns, self._film.at(1)), self._end)
        self._go(self._film.seq_at(ns), ns)

    def seek_marker(self, direction: int) -> bool:
        """To the next lock, deal, reject, unknown outcome or break, or the one before, and stop.

        Returns whether there was one.
        """
        marks, seq = self._film.marks, self._view.seq
        place = bisect_right(marks, seq) if direction > 0 else bisect_left(marks, seq) - 1
        if not 0 <= place < len(marks):
            return False
        self.playing = False
        self.seek_seq(marks[place])
        return True

    def toggle_play(self) -> None:
        """Play or pause; at the end, play from the beginning."""
        now = self.now()
        self.playing = not self.playing
        if self.playing and now >= self._end and not self._follow:
            self.seek_seq(0)
        else:
            self._anchor(now)

    def set_speed(self, x: float) -> None:
        """Play `x` times as fast as it happened. Raises ValueError outside 0 to 1,000."""
        if not 0 < x <= MAX_SPEED:
            raise ValueError(f"speed: more than 0, at most {MAX_SPEED:.0f}")
        self._anchor(self.now())
        self.speed = x

    # ---- how time moves

    @property
    def _end(self) -> Instant:
        return self._film.at(self._film.last)

    def _read(self, progress: Progress | None = None) -> None:
        """Take in what is new; a journal that is damaged further on says so in the label."""
        self._film.extend(progress)
        damage = self._film.damage
        self.label = f"REPLAY, DAMAGED: {damage}" if damage else "REPLAY"

    def _anchor(self, now: Instant) -> None:
        self._now, self._since = now, self._clock.now()

    def _go(self, seq: int, now: Instant) -> None:
        self._anchor(now)
        self._show(seq)

    def _show(self, seq: int) -> None:
        if seq != self._view.seq:
            self._view = self._film.view(seq, self._view)

    def _move_on(self) -> None:
        """Catch up with the journal, and with the time that has been played since."""
        if self._follow and self._clock.now() - self._polled >= POLL_NS:
            self._polled = self._clock.now()
            self._read()
        if not self.playing:
            return
        now = self.now()
        self._show(max(self._film.seq_at(now), self._view.seq))
        if now >= self._end and not self._follow:
            self.playing = False
            self._anchor(now)


# ---- verify


class Verdict(Struct, frozen=True):
    """What `verify` found: the records that hold, the last one's hash, and what is wrong if any."""

    records: int
    hash: str
    seq: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        return self.seq is None

    def sentence(self) -> str:
        """For people."""
        if self.ok:
            count = f"{self.records:,} record{'' if self.records == 1 else 's'}"
            return f"ok: {count}, chain whole, every decision made again alike; hash {self.hash}"
        return f"damaged at record {self.seq}: {self.why}; {self.records:,} records before it hold"

    def as_json(self) -> str:
        """For programs: one object."""
        return json.encode({"ok": self.ok, **to_builtins(self)}).decode()


def verify(path: Path | str, progress: Progress | None = None) -> Verdict:
    """Check the chain of hashes and the tables, then decide everything again on a fresh desk.

    Raises `JournalRefused` for a file that is no journal.
    """
    chain = check_chain(path)
    digest = chain.tip.hash.hex()
    if not chain.ok:
        return Verdict(chain.tip.seq, digest, chain.seq, chain.why)
    try:
        mark.check(Path(path))
    except JournalDamaged as damage:
        return Verdict(chain.tip.seq, digest, damage.seq, damage.why)
    desk, version = Desk(found().strategies), ""
    for record in read(path):
        if record.seq > chain.tip.seq:  # written since
            break
        if isinstance(record.cause, DeskStarted):
            version = record.cause.version
        if why := _decided_otherwise(desk, record):
            return Verdict(record.seq - 1, digest, record.seq, why + _written_by(version))
        if progress and record.seq % PAGE == 0:
            progress(record.seq)
    return Verdict(chain.tip.seq, digest)


def _decided_otherwise(desk: Desk, record: Record) -> str:
    """How the desk's decision on the record's cause differs from the one on record, if it does."""
    try:
        now = desk.step(record.cause, record.at)
    except Exception as bug:  # whatever a changed desk does with an old journal is a finding
        return f"on {_name(record.cause)} the desk now breaks: {clean(repr(bug))}"
    for number, (was, is_) in enumerate(zip_longest(record.events, now), 1):
        if difference := _difference(was, is_):
            return f"on {_name(record.cause)} event {number} differs: {difference}"
    return ""


def _difference(was: Event | None, is_: Event | None) -> str:
    """The first field that differs, byte for byte; nothing when none does."""
    if was is None or is_ is None or type(was) is not type(is_):
        return f"then {_name(was)}, now {_name(is_)}" if was is not is_ else ""
    for field in was.__struct_fields__:
        then, now = (json.encode(getattr(event, field)).decode() for event in (was, is_))
        if then != now:
            return f"{_name(was)}.{field} was then {clean(then)}, is now {clean(now)}"
    return ""


def _name(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _written_by(version: str) -> str:
    """An older desk may have decided otherwise in good faith."""
    if version in ("", __version__):
        return ""
    return f" (written by lpdesk {clean(version, 20)}, this is {__version__})"
