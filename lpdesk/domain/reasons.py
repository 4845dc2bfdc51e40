"""Why something did not happen: one enum for refusals, LP rejects and failures."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The value is the word the dealer reads."""

    # a request or command that the desk refuses
    BAD_SIDE = "unknown side"
    BAD_AMOUNT = "bad amount"
    BAD_PAIR = "unknown pair"
    BAD_ASSET = "unknown asset"
    BAD_CLIENT = "unknown client"
    BAD_LP = "unknown LP"
    BAD_DESK = "unknown trade desk"
    BAD_ACCOUNT = "unknown account"
    BAD_STATE = "wrong status"
    BAD_COMMAND = "unknown command"
    TOO_PRECISE = "too many decimals"
    BELOW_MINIMUM = "below minimum"
    ABOVE_LIMIT = "above limit"
    NOT_ENABLED = "not enabled"
    NOT_FOUND = "not found"
    NOT_ENOUGH_FUNDS = "not enough funds"
    HALTED = "halted"
    CROSSED = "market crossed"
    QUOTE_CHANGED = "quote changed"
    QUOTE_EXPIRED = "quote expired"
    ALREADY_DONE = "already done"
    TOO_MANY = "too many"

    # an LP that gives no price
    NO_LIQUIDITY = "no liquidity"
    TIMED_OUT = "late"
    DECLINED = "declined"
    MALFORMED = "malformed"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate limit"
    UNAUTHORISED = "not authorised"
    LP_ERROR = "LP error"
    STALE = "stale"
    WITHDRAWN = "withdrawn"
    BREAKER_OPEN = "open"
    BLOCKED = "blocked"
    SIZE = "size"
    CREDIT = "credit"

    # an LP that does not fill
    LAST_LOOK = "last look"
    PRICE_MOVED = "price moved"
    TOO_LATE = "too late"
    OUTCOME_UNKNOWN = "outcome unknown"
    NO_COVER = "no cover"
    RESTARTED = "desk restarted"
    OTHER = "other"
