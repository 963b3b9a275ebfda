"""How many requests may go to a venue, and which of them first. Pure decisions: time is an argument, nothing waits here.

The rules:

- No more than the plan's number in any window of its length, wherever it begins: that satisfies a venue that counts in
  fixed windows as well as one whose windows roll.
- Part of the window (a quarter or more) is a reserve that only cancels and liquidation may use. Entries can therefore
  never spend what is needed to get out.
- More urgent requests go first, in order of arrival among equals; each urgency has a bounded queue of its own, so a
  flood of reads cannot keep an exit out. After every third entry in a row a read goes that waits: however many entries
  there are, doubts are looked up and books compared.
- After a 429 everybody waits as long as the venue asks, at most 60 s. A cancel is still tried once a second, here and
  where the window is spent: our own limiter must never be what keeps an order alive.
- What the venue says of its window is believed when it is stricter than our own count, since other programs may use
  the same account.
- Retries are paid from a budget of a tenth of what was sent, so that trouble at the venue is never multiplied.

Windows and pauses are measured on monotonic time; the venue's absolute times come with its wall clock beside ours.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, final

import msgspec

from tidegate.values.errors import TidegateError
from tidegate.values.time import MINUTE_NS, SECOND_NS, ns_of
from tidegate.venues.port import Urgency

PAUSE_NS_MAX: Final = MINUTE_NS
PAUSE_NS_MIN: Final = SECOND_NS
PROBE_NS: Final = SECOND_NS  # how often a cancel is tried where nothing else may go
RESERVE_PERCENT_MIN: Final = 25
RETRY_PERCENT: Final = 10
_RETRY_BURST: Final = 10  # retries allowed at once from a full budget
_RETRY_COST: Final = 100
ENTRIES_A_READ: Final = 3
_NOT_TOLD: Final = 1 << 62
_TOO_MANY: Final = 429
_SHED: Final = frozenset({_TOO_MANY})


class BadLimitPlanError(TidegateError):
    """A limit plan leaves no room for requests or too small a reserve."""


class LimitPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a venue allows: `requests` in any `window_ns`, of which `reserve_percent` only cancels and flatten may use."""

    requests: int = 200
    window_ns: int = MINUTE_NS
    reserve_percent: int = RESERVE_PERCENT_MIN
    queue_max: int = 256  # of each urgency
    in_flight_max: int = 32  # at the same time; cancels and flatten do not count

    def __post_init__(self) -> None:
        """Refuse a plan under which nothing could be sent, or nothing kept back."""
        if self.requests < 2 or self.window_ns <= 0 or self.queue_max < 1 or self.in_flight_max < 1:  # noqa: PLR2004 - one to use, one to keep
            raise BadLimitPlanError("A limit plan needs at least 2 requests, a window, a queue and one request in flight.")
        if not RESERVE_PERCENT_MIN <= self.reserve_percent < 100:  # noqa: PLR2004 - percent
            raise BadLimitPlanError(f"The reserve must be at least {RESERVE_PERCENT_MIN} and less than 100 percent.")

    def reserve_of(self, requests: int) -> int:
        """Return how many of a window's requests are kept back, rounded up; at least one is left for other use."""
        return min(-(-requests * self.reserve_percent // 100), requests - 1)


class Answer(NamedTuple):
    """What one answer says about limits. Times are ns; -1: it did not say."""

    throttled: bool
    limit: int = -1
    remaining: int = -1
    reset_wall_ns: int = -1
    retry_after_ns: int = -1


class Usage(NamedTuple):
    """Where the limiter stands, for metrics and the status page."""

    used: int
    capacity: int
    in_flight: int
    waiting: int
    throttled: int  # answers 429 since the start
    paused_ns: int  # how long the pause still lasts


@final
class Limiter:
    """The counts behind the rules. Not shared between threads; every method takes monotonic ns."""

    def __init__(self, plan: LimitPlan) -> None:
        self.plan = plan
        self.capacity = plan.requests
        self.in_flight = 0
        self.throttled = 0
        self._sent: deque[int] = deque()
        self._queues: dict[Urgency, deque[int]] = {urgency: deque() for urgency in Urgency}
        self._tickets = 0
        self._entries_in_a_row = 0
        self._paused_until_ns = 0
        self._throttled_in_a_row = 0
        self._told_left = _NOT_TOLD
        self._told_until_ns = 0
        self._probed_ns = -PROBE_NS
        self._retry_credit = _RETRY_BURST * _RETRY_COST

    def ask(self, urgency: Urgency) -> int | None:
        """Stand in line; return a ticket, or None when this urgency's queue is full."""
        queue = self._queues[urgency]
        if len(queue) >= self.plan.queue_max:
            return None
        self._tickets += 1
        queue.append(self._tickets)
        return self._tickets

    def leave(self, urgency: Urgency, ticket: int) -> None:
        """Leave the line; a ticket that was called already is not in it."""
        if ticket in self._queues[urgency]:
            self._queues[urgency].remove(ticket)

    def call(self, now_ns: int) -> list[int]:
        """Return the tickets that may go now, in order. Each counts as sent and in flight until `done`."""
        called: list[int] = []
        while (urgency := self._first_in_line()) is not None and self._may_go(urgency, now_ns):
            called.append(self._queues[urgency].popleft())
            self._send(urgency, now_ns)
        return called

    def next_ns(self, now_ns: int) -> int | None:
        """Return when the first in line may go if nothing is answered until then; None: not before an answer, or nobody waits."""
        if self._queues[Urgency.FLATTEN]:
            return min(self._probed_ns + PROBE_NS, self._room_ns(self.capacity, now_ns))
        if not self.waiting or self.in_flight >= self.plan.in_flight_max:
            return None
        return self._room_ns(self._open_capacity(), now_ns)

    def done(self, answer: Answer | None, now_ns: int, wall_ns: int) -> None:
        """Take in that a request ended; None: without an answer (nothing is learned)."""
        assert self.in_flight > 0, "a request ends once"
        self.in_flight -= 1
        if answer is None:
            return
        self._learn(answer, now_ns, wall_ns)
        if answer.throttled:
            self.throttled += 1
            self._throttled_in_a_row += 1
            self._paused_until_ns = max(self._paused_until_ns, now_ns + self._pause_ns(answer, wall_ns))
        else:
            self._throttled_in_a_row = 0

    def unused(self, called_ns: int) -> None:
        """Take in that a request which was called by then did not leave: its place in the window is free again. Tell `done` as well.

        Later ones did leave, and keep their times: it may have taken seconds until it was held back.
        """
        place = bisect_right(self._sent, called_ns)
        if place:
            del self._sent[place - 1]
        if self._told_left != _NOT_TOLD:
            self._told_left += 1

    def may_retry(self, urgency: Urgency) -> bool:
        """Tell whether a failed request may be sent once more, and pay for it. Cancels always may: they are paced by themselves."""
        if urgency is Urgency.FLATTEN:
            return True
        if self._retry_credit < _RETRY_COST:
            return False
        self._retry_credit -= _RETRY_COST
        return True

    @property
    def waiting(self) -> int:
        """Return how many stand in line."""
        return sum(len(queue) for queue in self._queues.values())

    def usage(self, now_ns: int) -> Usage:
        """Return where the limiter stands."""
        self._forget(now_ns)
        paused_ns = max(0, self._paused_until_ns - now_ns)
        return Usage(len(self._sent), self.capacity, self.in_flight, self.waiting, self.throttled, paused_ns)

    def cancels_ns(self, count: int, now_ns: int) -> int:
        """Return the longest that so many cancels take to leave: as many at once as the window has room for, then one a second.

        A window that moves on can only shorten it. Cancels that wait already go first. 0: all of them at once.
        """
        room = self.capacity - len(self._sent) if self._room_ns(self.capacity, now_ns) <= now_ns else 0
        if self._told_left != _NOT_TOLD:
            room = min(room, self._told_left)
        return max(0, count + len(self._queues[Urgency.FLATTEN]) - max(0, room)) * PROBE_NS

    def _may_go(self, urgency: Urgency, now_ns: int) -> bool:
        flatten = urgency is Urgency.FLATTEN
        if flatten and now_ns >= self._probed_ns + PROBE_NS:
            return True
        if not flatten and self.in_flight >= self.plan.in_flight_max:
            return False
        return self._room_ns(self.capacity if flatten else self._open_capacity(), now_ns) <= now_ns

    def _first_in_line(self) -> Urgency | None:
        """Return whose turn comes next; where that one may not go yet, nobody behind it may. None: nobody waits."""
        first = next((urgency for urgency, queue in self._queues.items() if queue), None)
        if first is Urgency.ENTRY and self._entries_in_a_row >= ENTRIES_A_READ and self._queues[Urgency.READ]:
            return Urgency.READ
        return first

    def _open_capacity(self) -> int:
        return self.capacity - self.plan.reserve_of(self.capacity)

    def _room_ns(self, capacity: int, now_ns: int) -> int:
        """Return when fewer than `capacity` requests lie in the window, the venue agrees, and no pause lasts."""
        self._forget(now_ns)
        at_ns = max(now_ns, self._paused_until_ns)
        over = len(self._sent) - capacity
        if over >= 0:
            at_ns = max(at_ns, self._sent[over] + self.plan.window_ns)
        if self._told_left <= self.capacity - capacity:
            at_ns = max(at_ns, self._told_until_ns)
        return at_ns

    def _send(self, urgency: Urgency, now_ns: int) -> None:
        self._sent.append(now_ns)
        self.in_flight += 1
        if self._told_left != _NOT_TOLD:
            self._told_left -= 1
        if urgency is Urgency.FLATTEN:
            self._probed_ns = now_ns
        elif urgency is Urgency.ENTRY:
            self._entries_in_a_row += 1
        elif urgency is Urgency.READ:
            self._entries_in_a_row = 0
        self._retry_credit = min(self._retry_credit + RETRY_PERCENT, _RETRY_BURST * _RETRY_COST)

    def _forget(self, now_ns: int) -> None:
        while self._sent and self._sent[0] + self.plan.window_ns <= now_ns:
            self._sent.popleft()
        if now_ns >= self._told_until_ns:
            self._told_left = _NOT_TOLD

    def _learn(self, answer: Answer, now_ns: int, wall_ns: int) -> None:
        if answer.limit > 1:
            self.capacity = min(self.plan.requests, answer.limit)
        if answer.remaining < 0:
            return
        self._forget(now_ns)
        until_ns = now_ns + self.plan.window_ns
        if answer.reset_wall_ns >= 0:
            until_ns = now_ns + min(max(answer.reset_wall_ns - wall_ns, 0), self.plan.window_ns)
        # Requests in flight may not be counted in it yet.
        left = max(answer.remaining - self.in_flight, 0)
        if until_ns > self._told_until_ns:
            self._told_until_ns = until_ns
            self._told_left = left
        else:
            self._told_left = min(self._told_left, left)

    def _pause_ns(self, answer: Answer, wall_ns: int) -> int:
        if answer.retry_after_ns >= 0:
            asked_ns = answer.retry_after_ns
        elif answer.reset_wall_ns >= 0:
            asked_ns = answer.reset_wall_ns - wall_ns + SECOND_NS
        else:
            asked_ns = PAUSE_NS_MIN << min(self._throttled_in_a_row - 1, 6)
        return min(max(asked_ns, PAUSE_NS_MIN), PAUSE_NS_MAX)


def answer_of(status: int, headers: Mapping[str, str], wall_ns: int) -> Answer:
    """Return what a status and its headers say; a header that makes no sense says nothing.

    Args:
        status: of HTTP.
        headers: looked up by the names `X-RateLimit-Limit`, `-Remaining`, `-Reset` (epoch seconds) and `Retry-After`.
        wall_ns: our wall clock, ns UTC, for a Retry-After that is a date.
    """
    reset_s = _number(headers.get("X-RateLimit-Reset"))
    return Answer(
        throttled=status in _SHED,
        limit=_number(headers.get("X-RateLimit-Limit")),
        remaining=_number(headers.get("X-RateLimit-Remaining")),
        reset_wall_ns=reset_s * SECOND_NS if reset_s >= 0 else -1,
        retry_after_ns=retry_after_ns(headers.get("Retry-After"), wall_ns),
    )


def retry_after_ns(text: str | None, wall_ns: int) -> int:
    """Return the pause that a Retry-After asks for, in ns, capped at 60 s; -1 when it asks for nothing readable."""
    if text is None:
        return -1
    text = text.strip()
    whole, dot, decimals = text.partition(".")
    if whole.isascii() and whole.isdigit() and (not dot or decimals.isdigit()):
        return min(int(whole[:9]) * SECOND_NS, PAUSE_NS_MAX)
    try:
        moment = parsedate_to_datetime(text)
        until_ns = ns_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return -1
    return min(max(until_ns - wall_ns, 0), PAUSE_NS_MAX)


def _number(text: str | None) -> int:
    """Return a count of a header, -1 where there is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else -1  # noqa: PLR2004 - beyond any count or epoch
