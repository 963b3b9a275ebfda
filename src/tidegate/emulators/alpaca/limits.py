"""Call budgets: fixed windows of a minute that begin with their first call, one for trading and one for data by account."""

from typing import Final, NamedTuple, final

from tidegate.values.time import MINUTE_NS, SECOND_NS


class Allowance(NamedTuple):
    """What a call finds: whether it may go on, and what the headers say."""

    may_go: bool
    headers: dict[str, str]


@final
class CallWindow:
    """One budget. A limit of 0 is none at all."""

    def __init__(self, limit: int) -> None:
        self._limit: Final = limit
        self._start_ns = 0
        self._calls = 0

    def call(self, now_ns: int) -> Allowance:
        """Count a call at a shown time."""
        if not self._limit:
            return Allowance(may_go=True, headers={})
        if now_ns >= self._start_ns + MINUTE_NS:
            self._start_ns, self._calls = now_ns, 0
        self._calls += 1
        headers = {
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": str(max(self._limit - self._calls, 0)),
            "X-RateLimit-Reset": str(-(-(self._start_ns + MINUTE_NS) // SECOND_NS)),
        }
        return Allowance(self._calls <= self._limit, headers)
