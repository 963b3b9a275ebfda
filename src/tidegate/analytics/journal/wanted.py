"""Which rows of the journal are asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tidegate.analytics.journal.columns import Row
from tidegate.analytics.journal.source import Told
from tidegate.values.errors import TidegateError
from tidegate.values.time import ns_of

IDS: Final = ("event_id", "correlation_id", "client_order_id", "intent_id", "decision_id", "request_id", "replaces", "execution_id")
_MESSAGE_IDS: Final = (*IDS[:-2], "target_id", "replaces", "execution_id", "venue_order_id")


class BadMomentError(TidegateError):
    """A moment is neither ISO 8601 nor nanoseconds since 1970."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Filters; empty means any. since_ns <= when < until_ns; of an order any moment of its life counts.

    identity: any id of a row, whole, or its end behind a dash such as the n-k of an event; with it come all rows of the same story.
    """

    strategy_id: str = ""
    symbol: str = ""
    since_ns: int | None = None
    until_ns: int | None = None
    identity: str = ""
    stories: frozenset[str] = frozenset()  # correlation ids that the identity belongs to; see `stories_of`

    def passes(self, row: Row) -> bool:
        """Say whether a row is asked for."""
        for name in ("strategy_id", "symbol"):
            wanted = getattr(self, name)
            if wanted and row[name] != wanted:
                return False
        return self._in_time(row) and (not self.identity or self._is_about(row))

    def _in_time(self, row: Row) -> bool:
        first_ns, last_ns = row["at_ns"], row.get("done_ns", row["at_ns"])
        if self.until_ns is not None and first_ns >= self.until_ns:
            return False
        return self.since_ns is None or last_ns is None or max(first_ns, last_ns) >= self.since_ns

    def _is_about(self, row: Row) -> bool:
        if row["correlation_id"] in self.stories:
            return True
        fills = [fill["execution_id"] for fill in row.get("fills") or ()]
        return any(is_called(value, self.identity) for value in (*(row.get(name) for name in IDS), *fills))


def is_called(value: Any, identity: str) -> bool:
    """Say whether an id is the one asked for, whole or by its end behind a dash."""
    return isinstance(value, str) and bool(value) and (value == identity or value.endswith(f"-{identity}"))


def stories_of(source: Iterator[Told], identity: str) -> frozenset[str]:
    """Return the stories of all messages that carry an id."""
    found = set()
    for told in source:
        story = getattr(told.message, "correlation_id", "")
        if story and any(is_called(getattr(told.message, name, None), identity) for name in _MESSAGE_IDS):
            found.add(story)
    return frozenset(found)


def moment_ns(given: str | int | datetime | None) -> int | None:
    """Return a moment as ns UTC; text without a zone is UTC, and a date alone is its midnight.

    Raises:
        BadMomentError: it is none.
    """
    if given is None or given == "":
        return None
    if isinstance(given, int):
        return given
    if isinstance(given, str) and given.isdigit():
        return int(given)
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except ValueError:
        raise BadMomentError(f"{given!r} is no moment; write it as 2026-03-02, 2026-03-02T14:30:00Z or ns since 1970.") from None
    return ns_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
