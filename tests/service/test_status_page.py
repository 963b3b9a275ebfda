"""How the venue is: what a page and answers mean, and that each change is told once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from tests.service.guarding import until
from tidegate.clock.clock import WallClock
from tidegate.config.model import LiveSection
from tidegate.service.status_page import (
    BadStatusSettingsError,
    Reading,
    ResponseTimes,
    StatusChanged,
    StatusMonitor,
    StatusSettings,
    read_page,
)
from tidegate.service.status_polling import Asked, StatusPolling
from tidegate.service.venue_watching import status_settings
from tidegate.values.enums import StatusLevel, StatusSource
from tidegate.values.time import HOUR_NS, MILLISECOND_NS, SECOND_NS
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, Hosts, local_hosts
from tidegate.venues.errors import Declined, DeclineReason, Unreachable
from tidegate.venues.port import VenueClock

pytestmark = pytest.mark.req("I2")

OPEN = VenueClock(now_ns=1, is_open=True, next_open_ns=2, next_close_ns=3)
ALPACA_PAGE = LiveSection().status_page
FAST_NS = 50 * MILLISECOND_NS


def page(indicator: str, **parts: object) -> bytes:
    return json.dumps({"page": {"id": "x"}, "status": {"indicator": indicator, "description": "as said"}, **parts}).encode()


HURT = {"name": "Live Trading API", "status": "degraded_performance", "group": False, "group_id": "g", "description": None}
GROUP = {"name": "Trading API", "status": "degraded_performance", "group": True}
WELL = {"name": "Broker API", "status": "operational", "group": False}


@pytest.mark.parametrize(
    ("body", "level", "words"),
    [
        (page("none", components=[WELL]), StatusLevel.OK, "as said"),
        (page("minor", components=[GROUP, HURT, WELL]), StatusLevel.DEGRADED, "Live Trading API: degraded_performance"),
        (page("major", incidents=[{"name": "Delayed\norders", "status": "investigating"}]), StatusLevel.DOWN, "Delayed orders"),
        (page("critical"), StatusLevel.DOWN, "as said"),
        (page("none", scheduled_maintenances=[{"name": "Works", "status": "in_progress"}]), StatusLevel.MAINTENANCE, "Works"),
        (page("none", scheduled_maintenances=[{"name": "Works", "status": "scheduled"}]), StatusLevel.OK, "as said"),
        (page("purple"), StatusLevel.UNKNOWN, "the status page says 'purple', which is no word we know"),
        (b"<html>", StatusLevel.UNKNOWN, "the status page is not what it used to be"),
        (b"{}", StatusLevel.UNKNOWN, "the status page is not what it used to be"),
    ],
)
def test_a_page_means_one_level_and_names_what_hurts(body: bytes, level: StatusLevel, words: str) -> None:
    assert read_page(body) == (level, words)


def monitor(confirm: int = 2) -> StatusMonitor:
    return StatusMonitor(StatusSettings(page_url=ALPACA_PAGE, confirm=confirm), 0)


def clock(at_ns: int, level: StatusLevel = StatusLevel.OK, response_ns: int | None = FAST_NS) -> Reading:
    return Reading(StatusSource.CLOCK, at_ns, level, "words", response_ns)


def test_each_source_is_due_at_its_own_pace_answered_or_not() -> None:
    one = monitor()
    assert one.due(0) == list(StatusSource)
    assert one.due(30 * SECOND_NS - 1) == []
    assert one.next_ns() == 30 * SECOND_NS
    assert one.due(30 * SECOND_NS) == [StatusSource.CLOCK]
    assert one.due(60 * SECOND_NS) == list(StatusSource)


def test_our_own_measure_must_be_seen_twice_and_a_change_is_told_once() -> None:
    one = monitor()
    assert one.took(clock(1)) == StatusChanged(StatusSource.CLOCK, StatusLevel.UNKNOWN, StatusLevel.OK, "words", 1)
    assert one.took(clock(2, StatusLevel.DOWN, None)) is None
    assert one.took(clock(3)) is None
    assert one.took(clock(4, StatusLevel.DOWN, None)) is None
    assert one.took(clock(5, StatusLevel.DOWN, None)) == StatusChanged(StatusSource.CLOCK, StatusLevel.OK, StatusLevel.DOWN, "words", 5)
    assert one.took(clock(6, StatusLevel.DOWN, None)) is None
    assert one.took(clock(7)) is None
    assert one.took(clock(8)) == StatusChanged(StatusSource.CLOCK, StatusLevel.DOWN, StatusLevel.OK, "words", 8)


def test_slow_answers_are_a_degraded_venue_but_a_slow_page_is_only_slow() -> None:
    one = monitor(confirm=1)
    slow_ns = 2 * SECOND_NS + 1
    one.took(clock(1))
    change = one.took(clock(2, response_ns=slow_ns))
    assert change is not None
    assert change.after is StatusLevel.DEGRADED
    first = one.took(Reading(StatusSource.PAGE, 3, StatusLevel.OK, "", slow_ns))
    assert first is not None
    assert first.after is StatusLevel.OK


def test_figures_are_made_of_the_newest_answers() -> None:
    one = monitor()
    assert one.response_times(StatusSource.CLOCK) == ResponseTimes(0, 0, 0, 0)
    for response_ns in (30, 10, 20, None):
        one.took(clock(1, response_ns=response_ns))
    assert one.response_times(StatusSource.CLOCK) == ResponseTimes(3, 20, 20, 30)


@pytest.mark.parametrize(
    "settings",
    [
        StatusSettings(page_url="http://status.example.com/"),
        StatusSettings(page_url="file:///etc/passwd"),
        StatusSettings(page_url=ALPACA_PAGE, clock_every_ns=0),
        StatusSettings(page_url=ALPACA_PAGE, confirm=0),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: StatusSettings) -> None:
    with pytest.raises(BadStatusSettingsError):
        StatusMonitor(settings, 0)


def test_without_a_page_the_clock_alone_is_asked() -> None:
    one = StatusMonitor(StatusSettings(page_url=""), 0)
    assert one.sources == (StatusSource.CLOCK,)
    assert one.due(HOUR_NS) == [StatusSource.CLOCK]


@pytest.mark.parametrize(
    ("hosts", "page_url", "asked"),
    [
        (PAPER_HOSTS, ALPACA_PAGE, ALPACA_PAGE),
        (LIVE_HOSTS, ALPACA_PAGE, ALPACA_PAGE),
        (PAPER_HOSTS, "", ""),
        (local_hosts("http://127.0.0.1:1"), ALPACA_PAGE, ""),
        (local_hosts("http://127.0.0.1:1"), "http://127.0.0.1:2/summary.json", "http://127.0.0.1:2/summary.json"),
    ],
)
def test_beside_an_emulator_no_page_in_the_world_is_asked(hosts: Hosts, page_url: str, asked: str) -> None:
    assert status_settings(page_url, hosts).page_url == asked


class Venue:
    """A status page on this machine and a clock, whose answers a test changes."""

    def __init__(self) -> None:
        self.body, self.http = page("none"), 200
        self.is_up, self.declines = True, False
        self.asked = 0
        self.url = ""

    async def clock(self) -> VenueClock:
        self.asked += 1
        if not self.is_up:
            raise Unreachable("Alpaca could not be reached.")
        if self.declines:
            raise Declined(DeclineReason.UNAUTHORIZED, "unauthorized", status=401)
        return OPEN

    async def serve(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.body, status=self.http)


@asynccontextmanager
async def venue() -> AsyncIterator[Venue]:
    made = Venue()
    application = web.Application()
    application.router.add_get("/api/v2/summary.json", made.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v2/summary.json"
    try:
        yield made
    finally:
        await runner.cleanup()


@pytest.mark.asyncio
async def test_changes_of_page_and_venue_reach_every_callback_over_real_sockets() -> None:
    heard: list[tuple[StatusSource, StatusLevel]] = []

    def breaks(_: StatusChanged) -> None:
        raise ValueError

    async def soon(_: int) -> None:
        await asyncio.sleep(0.01)

    async with venue() as made:
        settings = StatusSettings(page_url=made.url, page_every_ns=SECOND_NS, clock_every_ns=SECOND_NS)
        one = StatusMonitor(settings, WallClock().monotonic_ns())
        asked = Asked(made.clock, [breaks, lambda change: heard.append((change.source, change.after))])
        polling = asyncio.create_task(StatusPolling(one, asked, WallClock(), soon).poll_for_ever())
        await until(lambda: len(heard) == 2)
        assert set(heard) == {(StatusSource.PAGE, StatusLevel.OK), (StatusSource.CLOCK, StatusLevel.OK)}
        made.declines = True
        asked_before = made.asked
        await until(lambda: made.asked > asked_before + 2)
        assert len(heard) == 2, "a venue that declines our key answers all the same"
        made.is_up, made.body = False, page("major")
        await until(lambda: len(heard) == 4)
        assert set(heard[2:]) == {(StatusSource.PAGE, StatusLevel.DOWN), (StatusSource.CLOCK, StatusLevel.DOWN)}
        made.http = 503
        await until(lambda: (StatusSource.PAGE, StatusLevel.UNKNOWN) in heard)
        assert one.words[StatusSource.PAGE] == "the status page answers HTTP 503"
        assert one.response_times(StatusSource.PAGE).answers > 0
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
