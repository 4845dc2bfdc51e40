"""What goes wrong over HTTP: codes, statuses, titles, and the JSON:API error document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lpdesk.domain.events import CommandRefused
from lpdesk.domain.reasons import Reason
from lpdesk.domain.text import clean
from lpdesk.domain.wire import dump

CODES: dict[str, tuple[int, str]] = {
    "malformed": (400, "Malformed request"),
    "trade_desk_failure": (400, "Trade desk failure"),
    "not_authenticated": (401, "Not authenticated"),
    "forbidden": (403, "Forbidden"),
    "client_id": (403, "Client-generated id"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "not_acceptable": (406, "Not acceptable"),
    "too_slow": (408, "Request too slow"),
    "already_executed": (409, "Already executed"),
    "in_progress": (409, "Request in progress"),
    "type_conflict": (409, "Type conflict"),
    "too_large": (413, "Request too large"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "invalid": (422, "Invalid attribute"),
    "amount_too_low": (422, "Amount too low"),
    "too_precise": (422, "Unit count too precise"),
    "amount_too_precise": (422, "Amount too precise"),
    "not_enough_funds": (422, "Not enough funds"),
    "amount_or_unit_count": (422, "Both or neither of amount and unit-count"),
    "above_limit": (422, "Amount too high"),
    "limit_reached": (422, "Rolling Limit Reached"),
    "wrong_status": (422, "Wrong status"),
    "not_enabled": (422, "Not enabled"),
    "pair_not_found": (422, "Trade Settlement Pair Not Found"),
    "no_trades": (422, "No facilitated trades found"),
    "must_be_executed": (422, "must be executed_pending_settlement"),
    "same_desk": (422, "must be same trade desk"),
    "already_linked": (422, "Already in a trade settlement"),
    "key_reused": (422, "Idempotency-Key used for another request"),
    "too_many": (429, "Too many requests"),
    "headers_too_large": (431, "Headers too large"),
    "internal": (500, "Internal error"),
    "unavailable": (503, "Desk not open"),
}
"""Code -> status and title. Titles are the field's own words where it has them."""


class Problem(Exception):
    """An answer that is an error. `detail` is safe to show; at most one place of the source."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        pointer: str = "",
        parameter: str = "",
        header: str = "",
        meta: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status, self.title = CODES[code]
        self.detail = clean(detail)
        self.meta = meta
        places = {"pointer": pointer, "parameter": parameter, "header": header}
        self.source = {name: place for name, place in places.items() if place}

    def error(self) -> dict[str, object]:
        """The JSON:API error object."""
        members = {
            "status": str(self.status),
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
        }
        more = {"source": self.source, "meta": self.meta}
        return members | {name: value for name, value in more.items() if value}


def document(problems: Sequence[Problem]) -> tuple[int, bytes]:
    """Status and body. Problems of different statuses: the most general one."""
    statuses = {problem.status for problem in problems}
    status = statuses.pop() if len(statuses) == 1 else max(statuses) // 100 * 100
    return status, dump({"errors": [problem.error() for problem in problems]})


_DATA = "/data/attributes/"

REFUSALS: dict[Reason, tuple[str, str]] = {
    Reason.BAD_AMOUNT: ("invalid", "amount"),
    Reason.BELOW_MINIMUM: ("amount_too_low", "amount"),
    Reason.TOO_PRECISE: ("amount_too_precise", "amount"),
    Reason.NOT_ENOUGH_FUNDS: ("not_enough_funds", "amount"),
    Reason.ABOVE_LIMIT: ("above_limit", "amount"),
    Reason.BAD_PAIR: ("invalid", "asset-id"),
    Reason.BAD_ASSET: ("invalid", "asset-id"),
    Reason.BAD_CLIENT: ("not_found", "account-id"),
    Reason.NOT_ENABLED: ("not_enabled", "delayed-settlement"),
    Reason.BAD_DESK: ("invalid", "trade-desk-id"),
    Reason.BAD_COMMAND: ("invalid", "delayed-settlement"),
    Reason.BAD_STATE: ("wrong_status", ""),
    Reason.QUOTE_EXPIRED: ("wrong_status", ""),
    Reason.QUOTE_CHANGED: ("wrong_status", ""),
    Reason.ALREADY_DONE: ("wrong_status", ""),
    Reason.NOT_FOUND: ("not_found", ""),
    Reason.TOO_MANY: ("too_many", ""),
}
"""What the caller can do something about; every other reason is the trade desk's."""


_OF_UNITS = {"amount_too_precise": "too_precise"}
"""What is called otherwise where the request said unit-count."""

_NOTHING: Mapping[str, str] = {}
_BY_TITLE = {title: code for code, (_, title) in CODES.items()}


def of_refusal(reason: Reason, text: str, spelt: Mapping[str, str] = _NOTHING) -> Problem:
    """What the desk refused, or could not do, as the caller reads it.

    `spelt` are the attributes that the request had, as it spelt their names: a pointer points at
    one of them or nowhere. Who our LPs are, what they said and what credit they give is not told.
    """
    code, field = REFUSALS.get(reason, ("trade_desk_failure", ""))
    code = _BY_TITLE.get(text, code)  # some of the desk's words are the title themselves
    if field == "amount" and "unit-count" in spelt:
        field, code = "unit-count", _OF_UNITS.get(code, code)
    if code == "trade_desk_failure" and reason is not Reason.NO_LIQUIDITY:
        text = reason.value
    title = CODES[code][1]
    detail = text if text == title else f"{title}: {text or reason.value}"
    return Problem(code, detail, pointer=_DATA + spelt[field] if field in spelt else "")


def refused(events: Sequence[object]) -> CommandRefused | None:
    """The refusal among a command's events."""
    return next((event for event in events if isinstance(event, CommandRefused)), None)
