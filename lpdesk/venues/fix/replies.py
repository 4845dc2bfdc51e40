"""What is wrong with a message of the session layer, and the bodies that say so. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from lpdesk.domain.values import SECOND, Instant
from lpdesk.domain.wire import Malformed
from lpdesk.venues.fix.codec import Message, Pair, encode, instant, pairs_of, utc
from lpdesk.venues.fix.profile import Profile

MISSING, OUT_OF_RANGE, BAD_FORMAT, COMP_ID, TIME, INVALID_TYPE = 1, 5, 6, 9, 10, 11
"""SessionRejectReason (373)."""

_WORDS: Final = {
    0: "Invalid tag number",
    MISSING: "Required tag missing",
    4: "Tag specified without a value",
    OUT_OF_RANGE: "Value is incorrect (out of range) for this tag",
    BAD_FORMAT: "Incorrect data format for value",
    COMP_ID: "CompID problem",
    TIME: "SendingTime accuracy problem",
    INVALID_TYPE: "Invalid MsgType",
    13: "Tag appears more than once",
}

OURS: Final = frozenset("3 8 9 b j S W X Y Z AG AI".split())
"""What the application takes."""

KNOWN: Final = OURS | frozenset(
    "0 1 2 4 5 6 7 A B C D E F G H J K L M N P Q R T V a c d e f g h i k l m n o p q r s t u v w x "
    "y z AA AB AC AD AE AF AH AJ AK AL AM AN AO AP AQ AR AS AT AU AV AW AX AY AZ BA BB BC BD BE BF "
    "BG BH".split()
)
"""The message types of FIX 4.4."""


class Problem(Struct, frozen=True):
    """Why a message is refused: 373, the tag at fault, and whether the session ends with it."""

    reason: int
    tag: str = ""
    fatal: bool = False

    @property
    def text(self) -> str:
        return _WORDS.get(self.reason, "Not acceptable")


def stranger(message: Message, profile: Profile) -> Problem | None:
    """Whether it is not from whom we talk to, or not to us."""
    if message.text(b"8") != profile.begin:
        return Problem(-1, "8", True)
    if (message.text(b"49"), message.text(b"56")) != (profile.target, profile.sender):
        return Problem(COMP_ID, "49", True)
    return None


def objection(message: Message, profile: Profile, now: Instant) -> Problem | None:
    """What is wrong with a message that is due: its fields, its times."""
    if message.trouble:
        return Problem(*message.trouble)
    if message.flag(b"43") and (problem := possible_duplicate(message)):
        return problem
    try:
        off_ns = abs(now - instant(message.text(b"52")))
    except Malformed:
        return Problem(BAD_FORMAT if b"52" in message.fields else MISSING, "52")
    return Problem(TIME, "52", True) if off_ns > profile.clock_seconds * SECOND else None


def possible_duplicate(message: Message) -> Problem | None:
    """PossDup needs an OrigSendingTime that is not later than its SendingTime."""
    if b"122" not in message.fields:
        return Problem(MISSING, "122")
    try:
        later = instant(message.text(b"122")) > instant(message.text(b"52"))
    except Malformed:
        return Problem(BAD_FORMAT, "122")
    return Problem(TIME, "122", True) if later else None


def reject(message: Message, problem: Problem) -> list[Pair]:
    """The body of a Reject."""
    body: list[Pair] = [(45, message.text(b"34"))]
    body += [(371, problem.tag)] if problem.tag else []
    return [*body, (372, message.kind), (373, str(problem.reason)), (58, problem.text)]


def not_supported(message: Message) -> list[Pair]:
    """The body of a BusinessMessageReject."""
    text = "Unsupported message type"
    return [(45, message.text(b"34")), (372, message.kind), (380, "3"), (58, text)]


def again(raw: bytes, now: Instant) -> bytes:
    """A sent message for a second time: its own number and content, and the words that say so."""
    pairs: list[Pair] = []
    begin = ""
    for tag, text in pairs_of(raw):
        match tag:
            case 8:
                begin = text
            case 9 | 10:
                pass
            case 52:
                pairs += [(52, utc(now)), (43, "Y"), (122, text)]
            case _:
                pairs.append((tag, text))
    return encode(begin, pairs)
