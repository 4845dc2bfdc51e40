"""The session layer of FIX as an initiator keeps it: numbers, gaps, heartbeats, resets. No I/O.

Fed with messages and moments, it leaves behind what is to be written (`out`), what concerns the
application (`app`), and why the connection must end (`over`). Whoever drives it saves before it
writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final, Protocol

from msgspec import Struct

from lpdesk.domain.values import SECOND, Instant
from lpdesk.venues.fix import replies
from lpdesk.venues.fix.codec import Message, Pair, encode, utc
from lpdesk.venues.fix.profile import Profile
from lpdesk.venues.fix.replies import Problem
from lpdesk.venues.fix.store import Sent

LOGON_NS: Final = 10 * SECOND
LOGOUT_NS: Final = 2 * SECOND
GAP_PATIENCE_NS: Final = 10 * SECOND
MAX_QUEUED: Final = 10_000
MAX_RESENT: Final = 1_000
MAX_RESENDS: Final = 20
"""Resend requests answered in full within `RESENDS_NS`; the others get nothing but gap fills."""

RESENDS_NS: Final = 10 * SECOND

RESENT: Final = frozenset({"H", "Z", "BE"})
"""What may be sent again when asked for. An order, a request for a price or a subscription is stale
by then: the gap is filled, nothing is dealt twice."""


class Phase(Enum):
    """Where a connection stands."""

    OFF = auto()
    GREETING = auto()
    UP = auto()
    LEAVING = auto()


class Outgoing(Struct, frozen=True, kw_only=True):
    """Bytes to write. `sent` must be durable before, and not after `send_by` may they leave."""

    raw: bytes
    number: int = 0
    sent: Sent | None = None
    send_by: Instant | None = None
    ref: str = ""


class Memory(Protocol):
    """What a session was before this connection, and what it sent."""

    next_out: int
    next_in: int

    def sent(self, first: int, last: int, kinds: frozenset[str], limit: int) -> list[Sent]: ...


class Session:
    """One session over its connections, one after the other. Instants are nanoseconds UTC."""

    def __init__(
        self, profile: Profile, proof: Callable[[int, Instant], Sequence[Pair]], memory: Memory
    ) -> None:
        """`proof` gives the fields that show who we are, for a Logon's number and moment."""
        self.phase = Phase.OFF
        self.out: list[Outgoing] = []
        self.app: list[Message] = []
        self.over = ""
        self.refused = ""
        self.epoch = 0  # how often the counters began anew
        self.dropped: list[str] = []  # refs of what was never written because of it
        self.next_out, self.next_in = memory.next_out, memory.next_in
        self.rejected = 0
        self._profile = profile
        self._proof = proof
        self._memory = memory
        self._beat_ns = int(profile.heartbeat_seconds * SECOND)
        self._queued: dict[int, Message] = {}
        self._gap_to = 0
        self._gap_at: Instant = 0
        self._heard_at: Instant = 0
        self._sent_at: Instant = 0
        self._since: Instant = 0
        self._tested = False
        self._logon_number = 0
        self._resends: list[Instant] = []

    # ---- what the driver does

    def connected(self, now: Instant) -> None:
        """A new connection: our Logon goes first."""
        self.phase, self.over, self.refused = Phase.GREETING, "", ""
        self.out, self.app, self._queued = [], [], {}
        self._heard_at = self._since = now
        self._gap_to, self._tested = 0, False
        if self._profile.reset:
            self._begin_anew()
        self._logon(now, reset=self._profile.reset)

    def disconnected(self) -> None:
        """The connection is gone; the numbers stay."""
        self.phase = Phase.OFF
        self.out, self._queued = [], {}

    def send(
        self,
        kind: str,
        body: Sequence[Pair],
        now: Instant,
        *,
        order_id: str = "",
        send_by: Instant | None = None,
        ref: str = "",
    ) -> int:
        """Number a message and put it on its way; its number."""
        number = self.next_out
        self.next_out += 1
        raw = self._bytes(kind, number, now, [], [*body, *self._profile.extra(kind)])
        sent = Sent(number, kind, raw, order_id)
        self.out.append(Outgoing(raw=raw, number=number, sent=sent, send_by=send_by, ref=ref))
        self._sent_at = now
        return number

    def void(self, number: int, now: Instant) -> bytes:
        """What is written in place of a message that came too late to leave."""
        return self._gap_fill(number, number + 1, now)

    def leave(self, text: str, now: Instant) -> None:
        """Log out; the connection ends with the peer's answer or without it after a while."""
        if self.phase is Phase.UP:
            self.send("5", [(58, text)], now)
            self.phase, self._since = Phase.LEAVING, now
        elif self.phase is Phase.GREETING:
            self.over = text

    def tick(self, now: Instant) -> None:
        """Time has passed: heartbeats, tests, patience."""
        silent = now - self._heard_at
        if self.phase is Phase.GREETING and now - self._since > LOGON_NS:
            self.over = "no answer to our Logon"
        elif self.phase is Phase.LEAVING and now - self._since > LOGOUT_NS:
            self.over = "logged out without an answer"
        elif self.phase is Phase.UP and self._beat_ns:
            if silent * 10 > self._beat_ns * 24:
                self.over = "silent for 2.4 heartbeats"
            elif silent * 10 > self._beat_ns * 12 and not self._tested:
                self._tested = True
                self.send("1", [(112, f"T{self.next_out}")], now)
            elif now - self._sent_at >= self._beat_ns:
                self.send("0", [], now)
        if self.phase is Phase.UP and self._queued and now - self._gap_at > GAP_PATIENCE_NS:
            self._ask_again(now)

    # ---- what the peer says

    def received(self, message: Message, now: Instant) -> None:
        """Take one message in, whatever it is."""
        if self.phase is Phase.OFF or self.over:
            return
        self._heard_at, self._tested = now, False
        kind = message.kind
        if self.phase is Phase.GREETING and kind not in ("A", "5"):
            self.over = "the first message is not a Logon"
            return
        number = message.whole(b"34")
        if stranger := replies.stranger(message, self._profile):
            self._turn_away(message, number, stranger, now)
        elif number is None:
            self._end(now, "MsgSeqNum is missing")
        elif kind == "A":
            self._logged_on(message, number, now)
        elif kind == "4" and not message.flag(b"123"):
            self._reset_to(message, now)  # its own number says nothing
        elif number < self.next_in:
            self._too_low(message, number, now)
        elif number > self.next_in:
            self._too_high(message, number, now)
        else:
            if not message.flag(b"43"):
                self._gap_to = 0  # the peer itself goes on from here: nothing is missing
            self._next(message, now)
            self._drain(now)

    def _drain(self, now: Instant) -> None:
        """What waited for a gap to close."""
        while not self.over and (waiting := self._queued.pop(self.next_in, None)):
            self._next(waiting, now)
        if self._queued:
            self._queued = {n: each for n, each in self._queued.items() if n > self.next_in}

    def _next(self, message: Message, now: Instant) -> None:
        """The message that is due. It counts even if it is rejected."""
        self._gap_at = now
        kind = message.kind
        problem = replies.objection(message, self._profile, now)
        if kind == "4" and problem is None:
            self._reset_to(message, now)
            return
        self.next_in += 1
        if problem:
            self._object(message, problem, now)
            return
        match kind:
            case "0":
                pass
            case "1" if not message.text(b"112"):
                self._reject(message, Problem(replies.MISSING, "112"), now)
            case "1":
                self.send("0", [(112, message.text(b"112"))], now)
            case "2":
                self._resend(message, now)
            case "5":
                self._logged_out(message, now)
            case _ if kind in replies.OURS:
                self.app.append(message)
            case _ if kind not in self._profile.ignores:
                self._not_supported(message, now)

    def _too_high(self, message: Message, number: int, now: Instant) -> None:
        """Something is missing before it. Both sides may be missing something at once."""
        if message.kind == "5":
            self._logged_out(message, now)
            return
        if message.kind == "2":
            if replies.objection(message, self._profile, now) is None:
                self._resend(message, now)
        elif len(self._queued) < MAX_QUEUED:
            self._queued.setdefault(number, message)
        if self.next_in > self._gap_to:
            self._gap_to = number
            self._ask_again(now)

    def _ask_again(self, now: Instant) -> None:
        self._gap_at = now
        self.send("2", [(7, str(self.next_in)), (16, "0")], now)

    def _too_low(self, message: Message, number: int, now: Instant) -> None:
        if not message.flag(b"43"):
            self._end(now, f"MsgSeqNum too low, expecting {self.next_in} but received {number}")
        elif (problem := replies.possible_duplicate(message)) is not None:
            self._object(message, problem, now)

    def _reset_to(self, message: Message, now: Instant) -> None:
        """SequenceReset, to fill a gap or to set the number whatever was."""
        new = message.whole(b"36")
        if problem := message.trouble:
            self._object(message, Problem(*problem), now)
        elif new is None:
            self._object(message, Problem(replies.MISSING, "36"), now)
        elif new < self.next_in:
            self._object(message, Problem(replies.OUT_OF_RANGE, "36"), now)
        else:
            self.next_in = new
            self._drain(now)

    # ---- logon, logout

    def _logon(self, now: Instant, *, reset: bool) -> None:
        body: list[Pair] = [(98, "0"), (108, str(self._beat_ns // SECOND))]
        body += [(141, "Y")] if reset else []
        body += [(789, str(self.next_in))] if self._profile.next_expected else []
        self._logon_number = self.next_out
        self.send("A", [*body, *self._proof(self.next_out, now)], now)

    def _begin_anew(self) -> None:
        """Both counters at 1; what was sent under the old ones will not be asked for."""
        self.next_out = self.next_in = 1
        self._queued, self._gap_to = {}, 0
        self.dropped += [each.ref for each in self.out if each.ref]
        self.out = []
        self.epoch += 1

    def _logged_on(self, message: Message, number: int, now: Instant) -> None:
        if problem := replies.objection(message, self._profile, now):
            self._end(now, problem.text or "Logon not acceptable")
            return
        asked, resets = self._profile.reset, message.flag(b"141")
        if self.phase is Phase.UP and not resets:
            self._end(now, "a second Logon")
            return
        if self.phase is Phase.UP:  # in mid-day: both begin anew, and we answer in kind
            self._begin_anew()
            self.next_in = 2
            self._logon(now, reset=True)
            return
        if resets and not asked:
            again = self._logon_number
            self._begin_anew()
            self.next_out = 2 if again == 1 else 1  # if ours was their first, it has counted
        self.phase = Phase.UP
        if beat := message.whole(b"108"):
            self._beat_ns = beat * SECOND
        if number < self.next_in and not message.flag(b"43"):
            self._end(now, f"MsgSeqNum too low, expecting {self.next_in} but received {number}")
        elif number > self.next_in:
            self._gap_to = number
            if not message.whole(b"789"):  # whoever knows what we expect sends it unasked
                self._ask_again(now)
        elif number == self.next_in:
            self.next_in += 1
        expected = message.whole(b"789")
        if self._profile.next_expected and expected and expected < self.next_out:
            self._fill(expected, self.next_out - 1, now)

    def _logged_out(self, message: Message, now: Instant) -> None:
        text = message.read().text("58") or "logged out by the LP"
        if self.phase is Phase.GREETING:
            self.refused = text
            if message.whole(b"34") == self.next_in:
                self.next_in += 1
        elif self.phase is Phase.UP:
            self.send("5", [], now)
        self.over = text

    def _end(self, now: Instant, text: str) -> None:
        """Say why, and go."""
        self.send("5", [(58, text)], now)
        self.over = text

    def _turn_away(
        self, message: Message, number: int | None, problem: Problem, now: Instant
    ) -> None:
        """Not the one we talk to. Before a Logon that gets no answer at all."""
        if self.phase is not Phase.GREETING:
            if problem.reason >= 0 and number is not None:
                self._reject(message, problem, now)
            self.send("5", [(58, problem.text)], now)
        self.over = problem.text

    # ---- resends, rejects

    def _resend(self, message: Message, now: Instant) -> None:
        first, last = message.whole(b"7"), message.whole(b"16")
        if not first or last is None:
            self._object(message, Problem(replies.MISSING, "7" if not first else "16"), now)
            return
        if last == 0 or last >= self.next_out:
            last = self.next_out - 1
        if first <= last:
            self._fill(first, last, now)

    def _fill(self, first: int, last: int, now: Instant) -> None:
        """What may be sent again as it was, and gap fills over all the rest."""
        self._resends = [at for at in self._resends if now - at < RESENDS_NS] + [now]
        few = len(self._resends) <= MAX_RESENDS
        found = self._memory.sent(first, last, RESENT, MAX_RESENT) if few else []
        at = first
        for sent in found:
            if sent.number > at:
                self.out.append(Outgoing(raw=self._gap_fill(at, sent.number, now)))
            self.out.append(Outgoing(raw=replies.again(sent.raw, now)))
            at = sent.number + 1
        if at <= last:
            self.out.append(Outgoing(raw=self._gap_fill(at, last + 1, now)))
        self._sent_at = now

    def _gap_fill(self, number: int, new: int, now: Instant) -> bytes:
        duplicate: list[Pair] = [(43, "Y"), (122, utc(now))]
        return self._bytes("4", number, now, duplicate, [(123, "Y"), (36, str(new))])

    def _object(self, message: Message, problem: Problem, now: Instant) -> None:
        self._reject(message, problem, now)
        if problem.fatal:
            self._end(now, problem.text)

    def _reject(self, message: Message, problem: Problem, now: Instant) -> None:
        """Reject, unless it is a rejection itself: two who answer those never stop."""
        self.rejected += 1
        if message.kind not in ("3", "j"):
            self.send("3", replies.reject(message, problem), now)

    def _not_supported(self, message: Message, now: Instant) -> None:
        if message.kind in replies.KNOWN:
            self.send("j", replies.not_supported(message), now)
        else:
            self._reject(message, Problem(replies.INVALID_TYPE, "35"), now)

    # ---- bytes

    def _bytes(
        self, kind: str, number: int, now: Instant, more: list[Pair], body: Sequence[Pair]
    ) -> bytes:
        """A whole message: header, then `more` of a header, then its body."""
        p = self._profile
        pairs: list[Pair] = [(35, kind), (49, p.sender), (56, p.target), (34, str(number))]
        optional = (
            (50, p.sender_sub), (57, p.target_sub), (115, p.on_behalf), (116, p.on_behalf_sub),
        )  # fmt: skip
        pairs += [(52, utc(now)), *more, *((tag, text) for tag, text in optional if text)]
        return encode(p.begin, [*pairs, *body])
