"""A start reads the end of a log alone, as far back as it needs it, and finds what is wrong with the rest all the same."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.making import flip
from tests.journal.test_keeping import snapshot_at, write_session
from tidegate.journal import DamagedLogError, LogReader, read
from tidegate.journal.ending import read_end
from tidegate.journal.files import segment_numbers, segment_path
from tidegate.journal.retention import drop_before
from tidegate.values.time import HOUR_NS, MINUTE_NS

pytestmark = pytest.mark.req("B1.2", "F1", "F3")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three sessions over many segments, each written a minute after the one before."""
    for name in ("one", "two", "three"):
        write_session(tmp_path, name)
    _date(tmp_path)
    return tmp_path


def _date(directory: Path) -> None:
    """Set the segments a minute apart: a file system may give all that is written within milliseconds one and the same time."""
    for number in segment_numbers(directory):
        at_ns = HOUR_NS + number * MINUTE_NS
        os.utime(segment_path(directory, number), ns=(at_ns, at_ns))


def first_n(reader: LogReader) -> int:
    return min(entry.n for entry in reader.entries() if entry.n > 0)


def seen(directory: Path, window_ns: int = 0) -> list[int]:
    return sorted(read_end(directory, window_ns=window_ns).scans)


def test_without_a_snapshot_the_newest_session_is_read_whole_and_nothing_else(log: Path) -> None:
    whole, end = read(log), read_end(log, window_ns=0)
    assert end.sessions == whole.sessions[-1:]
    assert list(end.scans) == list(range(whole.sessions[-1].first_segment, whole.sessions[-1].last_segment + 1))
    assert list(end.entries()) == list(whole.entries(whole.sessions[-1].number))


def test_with_snapshots_it_is_read_from_the_older_of_the_two_newest_on(log: Path) -> None:
    for n in (5, 35, 25):
        snapshot_at(log, n, "three")
    end = read_end(log, window_ns=0)
    assert 5 < first_n(end) <= 26
    assert end.opening.session_id == "three"
    assert end.sessions[-1].last_n == read(log).sessions[-1].last_n
    assert end.sessions[-1].before_n == first_n(end) - 1


def test_however_long_the_log_grows_no_more_of_it_is_read(log: Path) -> None:
    for n in (35, 25):
        snapshot_at(log, n, "three")
    before = len(seen(log))
    for name in ("four", "five"):
        write_session(log, name)
    _date(log)
    for n in (35, 25):
        snapshot_at(log, n, "five")
    assert len(seen(log)) == before


def test_what_was_written_shortly_before_the_end_is_read_too(log: Path) -> None:
    numbers = segment_numbers(log)
    newest = read(log).sessions[-1].first_segment
    assert seen(log, window_ns=(numbers[-1] - newest + 3) * MINUTE_NS) == list(range(newest - 3, numbers[-1] + 1))
    assert seen(log, window_ns=100 * HOUR_NS) == numbers


def test_a_log_whose_oldest_segments_were_dropped_is_read_from_where_it_begins(log: Path) -> None:
    drop_before(log, 3)
    assert seen(log, window_ns=100 * HOUR_NS) == segment_numbers(log)
    assert read_end(log, window_ns=0).opening.session_id == "three"


def _missing(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


def _unsealed(path: Path) -> None:
    flip(path, path.stat().st_size - 100, 3)


def _without_opening(path: Path) -> None:
    flip(path, 70, 3)


@pytest.mark.parametrize("harm", [_missing, _cut, _emptied, _unsealed, _without_opening])
def test_a_segment_that_is_cut_or_gone_is_damage_however_old_it_is(log: Path, harm: Callable[[Path], None]) -> None:
    harm(segment_path(log, 1))
    with pytest.raises(DamagedLogError) as whole:
        read(log)
    with pytest.raises(DamagedLogError) as end:
        read_end(log, window_ns=0)
    assert str(end.value) == str(whole.value)


def test_a_segment_in_the_place_of_another_is_damage(log: Path) -> None:
    segment_path(log, 2).write_bytes(segment_path(log, 1).read_bytes())
    with pytest.raises(DamagedLogError):
        read_end(log, window_ns=0)
