"""Old segments of a live log go by size and age; what the newest session comes back from stays, and damage stays as evidence."""

import os
from pathlib import Path

import pytest

from tests.events.examples import session_opened
from tests.journal.making import flip
from tidegate.clock.clock import ManualClock
from tidegate.journal import DamagedLogError, LogWriter, check, read, recover
from tidegate.journal.files import segment_numbers, segment_path
from tidegate.journal.keeping import Keeper, retain
from tidegate.journal.live import LiveLog
from tidegate.journal.settings import DAY_NS, LiveSettings
from tidegate.journal.snapshots import Snapshot, read_snapshots, write_snapshot

pytestmark = pytest.mark.req("B1.2")

NOTHING = LiveSettings(keep_bytes=1)


def write_session(directory: Path, name: str, inputs: int = 40) -> None:
    writer = LogWriter(directory, session_opened(session_id=name), segment_bytes_max=4_000, block_bytes_max=500, continuing=True)
    for n in range(1, inputs + 1):
        writer.input(n, b"x" * 200)
        writer.judged(n)
    writer.close()


def snapshot_at(directory: Path, n: int, session: str) -> Path:
    state = Snapshot(session_id=session, n=n, layout_sha256="11" * 32, code_sha256="22" * 32, state=b"state")
    return write_snapshot(directory, state)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    for name in ("one", "two", "three"):
        write_session(tmp_path, name)
    snapshot_at(tmp_path, 10, "one")
    return tmp_path


def first_n(directory: Path) -> int:
    return min(entry.n for entry in read(directory).entries() if entry.n > 0)


def test_without_snapshots_the_newest_session_stays_whole(log: Path) -> None:
    dropped = retain(log, NOTHING, now_ns=0)
    assert dropped[0] == 0
    assert [session.opening.session_id for session in read(log).sessions] == ["three"]
    assert first_n(log) == 1
    assert check(log) is None
    assert recover(log).cut_bytes == 0
    assert read_snapshots(log, session_id="one") == [], "snapshots of a session that is gone go too"
    assert retain(log, NOTHING, now_ns=0) == []


def test_one_snapshot_might_be_damaged_so_it_lets_nothing_of_its_session_go(log: Path) -> None:
    snapshot_at(log, 35, "three")
    retain(log, NOTHING, now_ns=0)
    assert first_n(log) == 1


def test_what_comes_after_the_older_of_two_snapshots_stays(log: Path) -> None:
    snapshot_at(log, 35, "three")
    snapshot_at(log, 25, "three")
    retain(log, NOTHING, now_ns=0)
    assert 1 < first_n(log) <= 26
    assert check(log) is None
    assert recover(log).cut_bytes == 0
    write_session(log, "four")
    assert check(log) is None


def test_a_damaged_snapshot_does_not_count(log: Path) -> None:
    snapshot_at(log, 35, "three")
    flip(snapshot_at(log, 25, "three"), 60, 3)
    retain(log, NOTHING, now_ns=0)
    assert first_n(log) == 1


def test_only_as_much_goes_as_must(log: Path) -> None:
    sizes = [segment_path(log, number).stat().st_size for number in segment_numbers(log)]
    assert retain(log, LiveSettings(keep_bytes=sum(sizes)), now_ns=0) == []
    assert retain(log, LiveSettings(keep_bytes=sum(sizes) - 1), now_ns=0) == [0]
    assert retain(log, LiveSettings(keep_bytes=sum(sizes[3:])), now_ns=0) == [1, 2]


def test_what_is_too_old_goes(log: Path) -> None:
    for number in segment_numbers(log):
        os.utime(segment_path(log, number), ns=(0, number * DAY_NS))
    settings = LiveSettings(keep_ns=2 * DAY_NS)
    assert retain(log, settings, now_ns=2 * DAY_NS) == []
    assert retain(log, settings, now_ns=4 * DAY_NS) == [0, 1]


def test_a_damaged_segment_is_evidence_and_stays(log: Path) -> None:
    undo = flip(segment_path(log, 1), 500, 1)
    keeper = Keeper(log, NOTHING, ManualClock())
    keeper.look()
    keeper.stop()
    assert isinstance(keeper.trouble, DamagedLogError)
    assert segment_numbers(log)[0] == 0
    undo()
    keeper.look()
    keeper.stop()
    assert keeper.trouble is None
    assert segment_numbers(log)[0] > 0


@pytest.mark.asyncio
async def test_a_live_log_lets_old_segments_go_while_it_is_written(tmp_path: Path) -> None:
    settings = LiveSettings(segment_bytes_max=5_000, block_bytes_max=500, keep_bytes=20_000, sync_every_ns=1_000_000)
    for session in ("one", "two"):
        log = LiveLog(tmp_path, session_opened(session_id=session), settings)
        for n in range(1, 201):
            log.input(n, b"x" * 200)
            log.judged(n)
            if n % 50 == 0:
                log.snapshot(Snapshot(session_id=session, n=n, layout_sha256="1", code_sha256="2", state=b"s"))
            await log.wait_durable(n)
        await log.close()
    assert check(tmp_path) is None
    reader = read(tmp_path)
    assert [session.opening.session_id for session in reader.sessions] == ["two"]
    assert 1 < first_n(tmp_path) <= 151
    retain(tmp_path, settings, now_ns=0)
    assert first_n(tmp_path) > 100
