"""How the venue is: from its public status page and from how fast it answers. No socket here; `status_polling` has them.

A page that says all is well proves nothing (it is cached, and people write it), and one slow answer neither: the two are kept
apart, a change for the worse by our own measure needs to be seen twice, and every change is told once.
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, final
from urllib.parse import urlsplit

import msgspec

from tidegate.values.enums import StatusLevel, StatusSource
from tidegate.values.errors import TidegateError
from tidegate.values.time import SECOND_NS

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_KEPT: Final = 120  # answers that figures are made of
_NAMES_SHOWN: Final = 4


class BadStatusSettingsError(TidegateError):
    """The status page's address or the pace of polling cannot be."""


class StatusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked how often.

    page_url: empty: no page is asked. A clock's answer slower than slow_ns is DEGRADED; confirm: how often the clock must say the same.
    """

    page_url: str
    page_every_ns: int = 60 * SECOND_NS
    clock_every_ns: int = 30 * SECOND_NS
    slow_ns: int = 2 * SECOND_NS
    confirm: int = 2

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            BadStatusSettingsError: the address is neither https nor on this machine, or something is asked without a pause.
        """
        parts = urlsplit(self.page_url)
        if self.page_url and not is_local(self.page_url) and not (parts.hostname and parts.scheme == "https"):
            raise BadStatusSettingsError(f"{self.page_url!r} is no address of a status page; give one that begins with https://.")
        if min(self.page_every_ns, self.clock_every_ns) < SECOND_NS or self.confirm < 1:
            raise BadStatusSettingsError("The venue's status is asked at most once a second and confirmed at least once; choose more.")


def is_local(page_url: str) -> bool:
    """Tell whether a page is served on this machine."""
    parts = urlsplit(page_url)
    return parts.scheme in {"http", "https"} and parts.hostname in _LOOPBACK


class Reading(NamedTuple):
    """One answer, or that there was none (response_ns None). Times are monotonic ns."""

    source: StatusSource
    at_ns: int
    level: StatusLevel
    words: str = ""
    response_ns: int | None = None


class StatusChanged(NamedTuple):
    """News for people and callbacks."""

    source: StatusSource
    before: StatusLevel
    after: StatusLevel
    words: str
    at_ns: int


class ResponseTimes(NamedTuple):
    """Figures of the newest answers, ns; 0 before the first."""

    answers: int
    last_ns: int
    median_ns: int
    worst_ns: int


@final
class StatusMonitor:
    """What is known of one venue."""

    def __init__(self, settings: StatusSettings, now_ns: int) -> None:
        settings.check()
        self.settings: Final = settings
        self.levels: Final = dict.fromkeys(StatusSource, StatusLevel.UNKNOWN)
        self.words: Final = dict.fromkeys(StatusSource, "")
        self._due_ns = {source: now_ns for source in StatusSource if settings.page_url or source is not StatusSource.PAGE}
        self._times: Final = {source: deque[int](maxlen=_KEPT) for source in StatusSource}
        self._seen: Final = dict.fromkeys(StatusSource, (StatusLevel.UNKNOWN, 0))

    @property
    def sources(self) -> tuple[StatusSource, ...]:
        """What is asked."""
        return tuple(self._due_ns)

    def due(self, now_ns: int) -> list[StatusSource]:
        """Return what is to be asked now; each is due again after its pause, answered or not."""
        due = [source for source, due_ns in self._due_ns.items() if due_ns <= now_ns]
        for source in due:
            self._due_ns[source] = now_ns + self._pace_ns(source)
        return due

    def next_ns(self) -> int:
        """Return when something is due next."""
        return min(self._due_ns.values())

    def took(self, reading: Reading) -> StatusChanged | None:
        """Take in a reading; return the change, if it is one and confirmed."""
        source, level = reading.source, self._level(reading)
        if reading.response_ns is not None:
            self._times[source].append(reading.response_ns)
        seen, count = self._seen[source]
        self._seen[source] = level, count + 1 if seen is level else 1
        before = self.levels[source]
        if level is before or self._seen[source][1] < self._needed(source, before):
            return None
        self.levels[source], self.words[source] = level, reading.words
        return StatusChanged(source, before, level, reading.words, reading.at_ns)

    def response_times(self, source: StatusSource) -> ResponseTimes:
        """Return how fast a source answered lately."""
        times = self._times[source]
        if not times:
            return ResponseTimes(0, 0, 0, 0)
        in_order = sorted(times)
        return ResponseTimes(len(in_order), times[-1], in_order[len(in_order) // 2], in_order[-1])

    def _level(self, reading: Reading) -> StatusLevel:
        slow = reading.response_ns is not None and reading.response_ns > self.settings.slow_ns
        return StatusLevel.DEGRADED if slow and reading.source is StatusSource.CLOCK and reading.level is StatusLevel.OK else reading.level

    def _needed(self, source: StatusSource, before: StatusLevel) -> int:
        """What people wrote on a page counts at once, and so does the first thing that is known at all."""
        return 1 if source is StatusSource.PAGE or before is StatusLevel.UNKNOWN else self.settings.confirm

    def _pace_ns(self, source: StatusSource) -> int:
        return self.settings.page_every_ns if source is StatusSource.PAGE else self.settings.clock_every_ns


# The page, as Atlassian's Statuspage serves it. Fields we do not read may come and go.


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    indicator: str = ""
    description: str = ""


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    status: str = ""
    group: bool = False


class _Summary(msgspec.Struct, frozen=True, kw_only=True):
    status: _Status
    components: tuple[_Named, ...] = ()
    incidents: tuple[_Named, ...] = ()
    scheduled_maintenances: tuple[_Named, ...] = ()


_INDICATORS: Final[Mapping[str, StatusLevel]] = MappingProxyType(
    {
        "none": StatusLevel.OK,
        "maintenance": StatusLevel.MAINTENANCE,
        "minor": StatusLevel.DEGRADED,
        "major": StatusLevel.DOWN,
        "critical": StatusLevel.DOWN,
    }
)
_UNDER_WAY: Final = frozenset({"in_progress", "verifying"})
_WELL: Final = frozenset({"operational", ""})


def read_page(body: bytes) -> tuple[StatusLevel, str]:
    """Return how well the venue says it is, and what it names; UNKNOWN where the page cannot be read or uses a new word."""
    try:
        page = msgspec.json.decode(body, type=_Summary)
    except msgspec.MsgspecError:
        return StatusLevel.UNKNOWN, "the status page is not what it used to be"
    level = _INDICATORS.get(page.status.indicator)
    if level is None:
        return StatusLevel.UNKNOWN, f"the status page says {page.status.indicator[:40]!r}, which is no word we know"
    works = [work.name for work in page.scheduled_maintenances if work.status in _UNDER_WAY]
    if level is StatusLevel.OK and works:
        level = StatusLevel.MAINTENANCE
    hurt = [f"{part.name}: {part.status}" for part in page.components if not part.group and part.status not in _WELL]
    named = [*(incident.name for incident in page.incidents), *works, *hurt]
    shown = "; ".join(" ".join(name.split())[:80] for name in named[:_NAMES_SHOWN])
    return level, shown or page.status.description[:80]
