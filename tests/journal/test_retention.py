"""Old segments go on purpose and on record; the rest is a log like any other."""

import os

import pytest

from tests.events.examples import session_opened
from tests.journal.making import blocks, damage_of, flip, items, small_log
from tidegate.journal import DamagedLogError, LogUnwritableError, LogWriter, check, read, recover
from tidegate.journal.files import START_NAME, segment_numbers, segment_path
from tidegate.journal.retention import drop_before

pytestmark = pytest.mark.req("B1.2")


@pytest.fixture
def log(tmp_path):
    small_log(tmp_path)
    return tmp_path


def test_what_stays_reads_as_it_did(log):
    before = items(read(log))
    first = next(block.first_entry for block in blocks(log) if block.segment == 3)
    assert drop_before(log, 3) == [0, 1, 2]
    assert check(log) is None
    after = read(log)
    assert items(after) == before[len(before) - len(items(after)) :]
    assert after.sessions[0].first_entry == first
    assert recover(log).cut_bytes == 0
    assert drop_before(log, 3) == []


def test_a_log_goes_on_after_its_oldest_segments_went(log):
    drop_before(log, segment_numbers(log)[-1])
    LogWriter(log, session_opened(session_id="three"), continuing=True).close()
    drop_before(log, segment_numbers(log)[-1])
    assert check(log) is None
    assert [session.opening.session_id for session in read(log).sessions] == ["three"]


def test_without_the_note_dropped_segments_are_missing(log):
    drop_before(log, 3)
    (log / START_NAME).unlink()
    assert "missing" in damage_of(log).what


def test_every_flipped_bit_of_the_note_is_found(log):
    drop_before(log, 3)
    path = log / START_NAME
    for at in range(path.stat().st_size):
        for bit in range(8):
            undo = flip(path, at, bit)
            assert "'dropped'" in damage_of(log).what
            for verb in (read, recover):
                with pytest.raises(DamagedLogError, match="'dropped'"):
                    verb(log)
            undo()


def test_a_damaged_log_is_not_dropped(log):
    undo = flip(segment_path(log, 2), 80, 1)
    with pytest.raises(DamagedLogError):
        drop_before(log, 3)
    undo()
    assert check(log) is None


def test_an_interrupted_drop_leaves_a_whole_log_and_is_finished_by_the_next(log, monkeypatch):
    def fail(_path, *_args, **_options):
        raise OSError(5, "Input/output error")

    last = segment_numbers(log)[-1]
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", fail)
        with pytest.raises(LogUnwritableError, match="cannot be dropped"):
            drop_before(log, last)
    assert (log / START_NAME).exists()
    assert check(log) is None
    assert len(read(log).scans) == 1
    assert 0 in drop_before(log, last)
    assert segment_numbers(log) == [last]
