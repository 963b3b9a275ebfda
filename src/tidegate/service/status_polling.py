"""Asks a venue how it is: its status page and its clock, and calls back on every change. A hint for people and alerts, never a gate."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias, final

import aiohttp
import structlog

from tidegate.clock.clock import Clock
from tidegate.service.status_page import Reading, StatusChanged, StatusMonitor, read_page
from tidegate.values.enums import StatusLevel, StatusSource
from tidegate.venues.errors import Declined, VenueError
from tidegate.venues.port import VenueClock
from tidegate.venues.waiting import Wait, loop_wait

ANSWER_S: Final = 10.0
PAGE_BYTES_MAX: Final = 4 << 20
_OK: Final = 200
_log = structlog.get_logger("status")

Changed: TypeAlias = Callable[[StatusChanged], None]


class Asked(NamedTuple):
    """Whom to ask, and who hears of changes. clock: the trader's own client, whose limits count."""

    clock: Callable[[], Awaitable[VenueClock]]
    changed: Sequence[Changed]


@final
class StatusPolling:
    """Polls one venue. Run `poll_for_ever` as a task."""

    def __init__(self, monitor: StatusMonitor, asked: Asked, clock: Clock, wait: Wait = loop_wait) -> None:
        self.monitor: Final = monitor
        self._asked = asked
        self._clock = clock
        self._wait = wait

    async def poll_for_ever(self) -> None:
        """Ask what is due, both sources at once, until canceled."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                now_ns = self._clock.monotonic_ns()
                await asyncio.gather(*(self._ask(source, session) for source in self.monitor.due(now_ns)))
                await self._wait(max(self.monitor.next_ns() - self._clock.monotonic_ns(), 0))

    async def _ask(self, source: StatusSource, session: aiohttp.ClientSession) -> None:
        began_ns = self._clock.monotonic_ns()
        answered, level, words = await (self._page(session) if source is StatusSource.PAGE else self._venue())
        at_ns = self._clock.monotonic_ns()
        change = self.monitor.took(Reading(source, at_ns, level, words, at_ns - began_ns if answered else None))
        if change is None:
            return
        for heard in self._asked.changed:
            try:
                heard(change)
            except Exception:  # noqa: BLE001 - whatever a listener does, the others hear of it
                _log.exception("a callback of the venue's status failed")

    async def _venue(self) -> tuple[bool, StatusLevel, str]:
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._asked.clock()
        except Declined as error:
            return True, StatusLevel.OK, f"it answers, and declines ({error.reason.value})"
        except (VenueError, TimeoutError) as error:
            return False, StatusLevel.DOWN, str(error) or f"no answer within {ANSWER_S:g} s, the wait for our turn included"
        return True, StatusLevel.OK, "it answers"

    async def _page(self, session: aiohttp.ClientSession) -> tuple[bool, StatusLevel, str]:
        """Read the page; that it cannot be read says nothing about the venue."""
        try:
            async with session.get(self.monitor.settings.page_url, allow_redirects=False) as answer:
                body = await answer.content.read(PAGE_BYTES_MAX)
                while not answer.content.at_eof() and len(body) < PAGE_BYTES_MAX:
                    body += await answer.content.read(PAGE_BYTES_MAX - len(body))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:  # of its bytes, too: a page's faults stop no trader
            return False, StatusLevel.UNKNOWN, f"the status page does not answer ({type(error).__name__})"
        if answer.status != _OK:
            return True, StatusLevel.UNKNOWN, f"the status page answers HTTP {answer.status}"
        return True, *read_page(body)
