"""After a crash every whole block is kept, and what was cut is said."""

import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.events.examples import session_opened
from tests.journal.making import blocks, damage_of, flip, items, small_log
from tidegate.journal import DamagedLogError, LogWriter, check, read, recover
from tidegate.journal.files import segment_numbers, segment_path

pytestmark = pytest.mark.req("B1.2", "X1")


@pytest.mark.parametrize("close", [True, False])
def test_a_log_cut_at_any_byte_of_its_newest_segment_keeps_all_whole_blocks(tmp_path, close):
    original = tmp_path / "original"
    small_log(original, close=close)
    layout = blocks(original)
    newest = layout[-1].segment
    whole = segment_path(original, newest).read_bytes()
    last_of_before = max(block.first_entry + block.entries for block in layout if block.segment < newest)
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    path = segment_path(copy, newest)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        kept = [block for block in layout if block.segment == newest and block.end <= length]
        end = kept[-1].end if kept else 0
        entries = max([last_of_before, *(block.first_entry + block.entries for block in kept)])
        damage = check(copy)
        assert (damage is None) == (length == end > 0), length
        if damage:
            assert damage.torn
            assert (damage.segment, damage.block) == (newest, len(kept))
            torn = read(copy)
            assert torn.torn == damage
            assert torn.sessions[-1].last_entry == entries - 1
        recovery = recover(copy)
        assert recovery.cut_bytes == length - end
        assert recovery.last_entry == entries - 1
        assert recovery.segment == (newest if kept else newest - 1)
        assert bool(recovery.what) == bool(length != end or not kept)
        assert path.exists() == bool(kept)
        assert check(copy) is None
        assert recover(copy).cut_bytes == 0
    assert items(read(original))[: len(items(read(copy)))] == items(read(copy))


def test_a_log_cut_inside_its_first_opening_cannot_be_recovered(tmp_path):
    LogWriter(tmp_path, session_opened()).abandon()
    path = segment_path(tmp_path, 0)
    for length in (0, 1, 63, 64, 100):
        path.write_bytes(path.read_bytes()[:length])
        for verb in (recover, read):
            with pytest.raises(DamagedLogError, match="segment 0, block 0"):
                verb(tmp_path)


def test_a_cut_in_an_older_segment_is_damage_not_a_torn_end(tmp_path):
    small_log(tmp_path)
    path = segment_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-10])
    assert not damage_of(tmp_path).torn
    with pytest.raises(DamagedLogError):
        recover(tmp_path)


def test_sectors_that_power_loss_left_unwritten_are_a_torn_end(tmp_path):
    writer = LogWriter(tmp_path, session_opened())
    writer.input(0, b"durable")
    writer.flush()
    end = segment_path(tmp_path, 0).stat().st_size
    writer.input(1, b"x" * 3_000)
    writer.flush()
    writer.abandon()
    path = segment_path(tmp_path, 0)
    whole = path.read_bytes()
    sector = (end // 512 + 2) * 512
    for lost in (range(end, len(whole)), range(sector, sector + 512), range(end, end + 512 - end % 512)):
        changed = bytearray(whole)
        changed[lost.start : lost.stop] = bytes(len(lost))
        path.write_bytes(changed)
        assert damage_of(tmp_path).torn
        recovery = recover(tmp_path)
        assert (recovery.cut_bytes, recovery.last_entry) == (len(whole) - end, 1)
        assert check(tmp_path) is None


def test_a_flipped_bit_in_the_newest_block_is_not_cut_off_as_if_torn(tmp_path):
    small_log(tmp_path, close=False)
    newest = blocks(tmp_path)[-1]
    for at in (newest.begin + 20, newest.begin + 70):
        undo = flip(segment_path(tmp_path, newest.segment), at, 2)
        with pytest.raises(DamagedLogError):
            recover(tmp_path)
        undo()


def test_an_unfinished_new_segment_is_swept_away(tmp_path):
    small_log(tmp_path, close=False)
    unfinished = tmp_path / "000099.tmp"
    unfinished.write_bytes(b"half an opening")
    assert recover(tmp_path).cut_bytes == 0
    assert not unfinished.exists()


WRITE_FOREVER = """
    import sys
    from pathlib import Path
    import numpy as np
    from tests.events.examples import session_opened
    from tests.journal.making import damage_of, market_records
    from tidegate.journal import LogWriter

    writer = LogWriter(Path(sys.argv[1]), session_opened(), segment_bytes_max=20_000, block_bytes_max=2_000)
    n = 0
    while True:
        writer.span(n, 7)
        n += 7
        writer.act(n - 1, 1, b"a" * (n % 900))
        writer.records(n, market_records(n % 40, first=n))
        n += n % 40
        writer.judged(n - 1)
        print(writer.flush(), flush=True)
"""


@pytest.mark.parametrize("flushes", [1, 3, 20, 77])
def test_a_writer_killed_at_any_moment_loses_nothing_that_was_flushed(tmp_path, flushes):
    script = [sys.executable, "-c", textwrap.dedent(WRITE_FOREVER), str(tmp_path / "log")]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as process:
        assert process.stdout is not None
        durable = [int(process.stdout.readline()) for _ in range(flushes)][-1]
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    recovery = recover(tmp_path / "log")
    assert not recovery.sealed
    reader = read(tmp_path / "log")
    inputs = [n for kind, n, _, _ in items(reader) if kind in {"span", "record"}]
    assert inputs == list(range(len(inputs)))
    assert inputs[-1] >= durable
    assert durable <= reader.judged_to <= inputs[-1]
    LogWriter(tmp_path / "log", session_opened(session_id="next"), continuing=True).close()
    assert check(tmp_path / "log") is None


def test_a_start_looks_through_the_newest_segments_alone(tmp_path):
    """Damage of long ago is found by a check and by whoever reads it; it does not keep a trader from starting."""
    small_log(tmp_path, close=False)
    newest = max(segment_numbers(tmp_path))
    undo = flip(segment_path(tmp_path, 0), 300, 2)
    with pytest.raises(DamagedLogError):
        recover(tmp_path)
    assert recover(tmp_path, whole=False).segment == newest
    LogWriter(tmp_path, session_opened(session_id="three"), continuing=True).close()
    assert damage_of(tmp_path).segment == 0
    undo()
    assert check(tmp_path) is None
    flip(segment_path(tmp_path, newest), 300, 2)
    with pytest.raises(DamagedLogError):
        recover(tmp_path, whole=False)
