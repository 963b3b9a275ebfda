"""What the configuration says of the log's past is what a trader's log keeps of it."""

import os
from pathlib import Path

import pytest

from tests.events.examples import session_opened
from tests.journal.making import flip
from tests.journal.test_keeping import write_session
from tests.service.guarding import until
from tidegate.clock.clock import WallClock
from tidegate.config.model import LiveSection
from tidegate.journal import check, read
from tidegate.journal.files import segment_numbers, segment_path
from tidegate.journal.live import LiveLog
from tidegate.journal.settings import DAY_NS, LIVE, UNLIMITED
from tidegate.service.setup import kept

pytestmark = [pytest.mark.req("B1.2"), pytest.mark.asyncio]


def aged(directory: Path, days: int) -> None:
    for number in segment_numbers(directory):
        at_ns = WallClock().now_ns() - days * DAY_NS
        os.utime(segment_path(directory, number), ns=(at_ns, at_ns))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_session(tmp_path, "old")
    aged(tmp_path, 3)
    return tmp_path


async def run_one(directory: Path, live: LiveSection, name: str = "new") -> LiveLog:
    log = LiveLog(directory, session_opened(session_id=name), kept(live), clock=WallClock())
    await log.opened()
    log.input(1, b"x")
    log.judged(1)
    await log.close()
    return log


async def test_a_start_lets_go_what_is_older_than_configured(log: Path) -> None:
    await run_one(log, LiveSection(log_keep="5d"))
    assert [session.opening.session_id for session in read(log).sessions] == ["old", "new"]
    aged(log, 3)
    await run_one(log, LiveSection(log_keep="2d"), "newest")
    await until(lambda: len(segment_numbers(log)) == 1)  # what is old goes in a thread of its own
    assert [session.opening.session_id for session in read(log).sessions] == ["newest"]
    assert check(log) is None


async def test_nothing_is_dropped_for_its_size_unless_configured() -> None:
    assert kept(LiveSection()) == LIVE
    assert kept(LiveSection()).keep_bytes == UNLIMITED
    assert kept(LiveSection(log_keep_mb=64)).keep_bytes == 64 << 20


async def test_what_is_damaged_stays_and_is_told(log: Path) -> None:
    flip(segment_path(log, 1), 500, 1)
    ended = await run_one(log, LiveSection(log_keep="2d"))
    await until(lambda: ended.keep_trouble)
    assert "damaged" in str(ended.keep_trouble)
    assert segment_numbers(log)[0] == 0
