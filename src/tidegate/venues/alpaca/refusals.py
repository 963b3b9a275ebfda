"""Alpaca's refusals by what the caller must do. Codes are too broad to decide by, so status and text do."""

from collections.abc import Mapping
from typing import Final

import msgspec

from tidegate.venues.alpaca.wire.orders import Refusal
from tidegate.venues.errors import Declined, DeclineReason

_WORDS_MAX: Final = 200
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500

# The first text that stands in the venue's words decides.
_BY_TEXT: Final[Mapping[str, DeclineReason]] = {
    "client_order_id must be unique": DeclineReason.DUPLICATE_ID,
    "wash trade": DeclineReason.WASH_TRADE,
    "opposite side": DeclineReason.WASH_TRADE,
    "rejected by user request": DeclineReason.SUSPENDED,
    "not authorized to trade": DeclineReason.SUSPENDED,
    "trading is blocked": DeclineReason.SUSPENDED,
    "account is blocked": DeclineReason.SUSPENDED,
    "cannot replace order": DeclineReason.NOT_REPLACEABLE,
    "order parameters are not changed": DeclineReason.NOT_REPLACEABLE,
    "order already replaced": DeclineReason.NOT_REPLACEABLE,
    "order chain not fully replaced": DeclineReason.NOT_REPLACEABLE,
    "qty must be > filled_qty": DeclineReason.NOT_REPLACEABLE,
    "replace mleg order": DeclineReason.NOT_REPLACEABLE,
    "order is already in": DeclineReason.NOT_CANCELABLE,
    "order is already": DeclineReason.NOT_CANCELABLE,
    "leg order is already in": DeclineReason.NOT_CANCELABLE,
    "not cancelable": DeclineReason.NOT_CANCELABLE,
    "insufficient": DeclineReason.INSUFFICIENT_FUNDS,
    "buying power": DeclineReason.INSUFFICIENT_FUNDS,
    "rate limit": DeclineReason.RATE_LIMITED,
    "too many requests": DeclineReason.RATE_LIMITED,
    "unauthorized": DeclineReason.UNAUTHORIZED,
    "forbidden": DeclineReason.UNAUTHORIZED,
}
_BY_STATUS: Final[Mapping[int, DeclineReason]] = {
    400: DeclineReason.INVALID,
    UNAUTHORIZED: DeclineReason.UNAUTHORIZED,
    NOT_FOUND: DeclineReason.NOT_FOUND,
    422: DeclineReason.INVALID,
    TOO_MANY: DeclineReason.RATE_LIMITED,
}
# These statuses mean one thing, whatever stands beside them.
_STATUS_FIRST: Final = frozenset({UNAUTHORIZED, NOT_FOUND, TOO_MANY})


def refusal(status: int, body: bytes) -> Declined:
    """Return the refusal that a status of 3xx or 4xx and its body amount to; a body of any kind will do."""
    words = _words(body)
    if status in _STATUS_FIRST:
        return Declined(_BY_STATUS[status], words, status=status)
    lower = words.lower()
    for text, reason in _BY_TEXT.items():
        if text in lower:
            return Declined(reason, words, status=status)
    return Declined(_BY_STATUS.get(status, DeclineReason.OTHER), words, status=status)


def _words(body: bytes) -> str:
    """Return what the venue said in one line: its message, or the text of a body that is no error of its own."""
    try:
        said = msgspec.json.decode(body, type=Refusal)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return " ".join(body[:_WORDS_MAX].decode(errors="replace").split())
    parts = [said.message or "", said.reject_reason or ""]
    text = "; ".join(part for part in parts if part) or f"code {said.code}"
    return " ".join(text.split())[:_WORDS_MAX]
