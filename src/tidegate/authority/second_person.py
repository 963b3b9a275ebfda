"""What a second person has to confirm: the same action on the same scope in the same words, by another user, soon, once.

Kept in memory: a restart forgets it, and it is asked for anew.
"""

from typing import Final, NamedTuple, final

from tidegate.authority.actions import Action
from tidegate.authority.moments import Moment
from tidegate.values.enums import GateScope
from tidegate.values.time import MINUTE_NS

WAITS_NS_MAX: Final = 15 * MINUTE_NS
WAITING_MAX: Final = 64


class Wanted(NamedTuple):
    """What is asked for. `words` are what both say: the reason, or the hash of what is to be done."""

    action: Action
    scope: GateScope
    key: str
    words: str


class Waiting(NamedTuple):
    """What one person has asked for, and since when it waits for another."""

    wanted: Wanted
    name: str
    since: Moment


@final
class SecondPerson:
    """Pairs the requests of two persons. Time is handed in."""

    def __init__(self) -> None:
        self._waiting: Final[dict[tuple[Wanted, str], Waiting]] = {}

    def ask(self, wanted: Wanted, name: str, now: Moment) -> None:
        """Take a request of a first person down; one that waits already goes on waiting, no longer than before."""
        self._sweep(now)
        if len(self._waiting) >= WAITING_MAX and (wanted, name) not in self._waiting:
            del self._waiting[next(iter(self._waiting))]  # the oldest; it can be asked for anew
        self._waiting.setdefault((wanted, name), Waiting(wanted, name, now))

    def of_others(self, wanted: Wanted, name: str, now: Moment) -> tuple[str, ...]:
        """Return who else has asked for the same, the first first."""
        self._sweep(now)
        return tuple(one.name for one in self._waiting.values() if one.wanted == wanted and one.name != name)

    def use(self, wanted: Wanted) -> None:
        """Take away all that was asked for in these words: it happens now, and once."""
        for key in [key for key in self._waiting if key[0] == wanted]:
            del self._waiting[key]

    def clear(self) -> None:
        """Take everything away: what it was asked for in view of has changed."""
        self._waiting.clear()

    def waiting(self, now: Moment) -> tuple[Waiting, ...]:
        """Return what waits, oldest first."""
        self._sweep(now)
        return tuple(self._waiting.values())

    def _sweep(self, now: Moment) -> None:
        for key in [key for key, one in self._waiting.items() if now.passed_ns(one.since) >= WAITS_NS_MAX]:
            del self._waiting[key]
