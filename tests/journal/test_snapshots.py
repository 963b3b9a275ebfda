"""A snapshot is whole or not there, and a damaged one is passed over."""

import errno
import os
from pathlib import Path

import msgspec
import pytest

from tests.journal.making import flip
from tidegate.journal import LogUnwritableError, NewerFormatError
from tidegate.journal.snapshots import (
    DamagedSnapshot,
    Snapshot,
    SnapshotPace,
    drop_snapshots,
    read_snapshots,
    write_snapshot,
)

pytestmark = pytest.mark.req("X1")


def a_snapshot(n, *, session_id="one"):
    return Snapshot(session_id=session_id, n=n, layout_sha256="11" * 32, code_sha256="22" * 32, state=bytes(range(100)))


def test_snapshots_of_a_session_come_back_newest_first(tmp_path):
    for n in (9, 100, 11):
        write_snapshot(tmp_path, a_snapshot(n))
    write_snapshot(tmp_path, a_snapshot(500, session_id="two"))
    assert read_snapshots(tmp_path, session_id="one") == [a_snapshot(100), a_snapshot(11), a_snapshot(9)]
    assert read_snapshots(tmp_path, session_id="three") == []


def test_a_snapshot_written_again_replaces_itself(tmp_path):
    path = write_snapshot(tmp_path, a_snapshot(5))
    assert write_snapshot(tmp_path, a_snapshot(5)) == path
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_every_flipped_bit_of_a_snapshot_is_found(tmp_path):
    write_snapshot(tmp_path, a_snapshot(1))
    path = write_snapshot(tmp_path, a_snapshot(2))
    for at in range(path.stat().st_size):
        for bit in range(8):
            undo = flip(path, at, bit)
            newest, older = read_snapshots(tmp_path, session_id="one")
            undo()
            assert isinstance(newest, DamagedSnapshot), (at, bit)
            assert newest.path == path
            assert older == a_snapshot(1)


def test_a_snapshot_cut_at_any_byte_is_found(tmp_path):
    path = write_snapshot(tmp_path, a_snapshot(2))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert isinstance(read_snapshots(tmp_path, session_id="one")[0], DamagedSnapshot)


def test_a_snapshot_under_the_name_of_another_input_is_not_taken(tmp_path):
    path = write_snapshot(tmp_path, a_snapshot(2))
    path.rename(path.with_name(path.name.replace("2.snap", "3.snap")))
    assert isinstance(read_snapshots(tmp_path, session_id="one")[0], DamagedSnapshot)


@pytest.mark.parametrize(("name", "value"), [("SNAPSHOT_VERSION", 2), ("_MAGIC", b"XXXX")])
def test_a_snapshot_of_a_newer_format_says_so_and_another_file_is_none(tmp_path, monkeypatch, name, value):
    with monkeypatch.context() as patch:
        patch.setattr(f"tidegate.journal.snapshots.{name}", value)
        write_snapshot(tmp_path, a_snapshot(2))
    if name == "_MAGIC":
        found = read_snapshots(tmp_path, session_id="one")[0]
        assert isinstance(found, DamagedSnapshot)
        assert "no snapshot" in found.what
    else:
        with pytest.raises(NewerFormatError, match=r"format 2.*upgrade tidegate, or delete"):
            read_snapshots(tmp_path, session_id="one")


def test_a_disk_that_is_full_leaves_the_older_snapshot(tmp_path, monkeypatch):
    write_snapshot(tmp_path, a_snapshot(1))

    def full(_fd, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(LogUnwritableError, match=r"snapshot .*No space left"):
            write_snapshot(tmp_path, a_snapshot(2))
    assert read_snapshots(tmp_path, session_id="one") == [a_snapshot(1)]


def test_old_snapshots_are_dropped(tmp_path):
    for n in range(5):
        write_snapshot(tmp_path, a_snapshot(n))
    assert len(drop_snapshots(tmp_path, session_id="one", keep=2)) == 3
    assert read_snapshots(tmp_path, session_id="one") == [a_snapshot(4), a_snapshot(3)]
    assert drop_snapshots(tmp_path, session_id="one", keep=2) == []


def test_a_snapshot_says_what_it_is_bound_to():
    assert [field.name for field in msgspec.structs.fields(Snapshot)] == [
        "session_id",
        "n",
        "layout_sha256",
        "code_sha256",
        "state",
    ]


def test_a_snapshot_is_due_after_so_many_inputs_however_they_come():
    pace = SnapshotPace(100)
    assert [n for n in range(1, 401) if pace.due(n)] == [100, 200, 300, 400]
    pace = SnapshotPace(100)
    assert [n for n in (1, 99, 250, 251, 349, 350, 1_000, 1_001) if pace.due(n)] == [250, 350, 1_000]


def test_a_snapshot_that_vanishes_while_it_is_looked_for_is_passed_over(tmp_path, monkeypatch):
    write_snapshot(tmp_path, a_snapshot(1))
    gone = write_snapshot(tmp_path, a_snapshot(2))
    real = Path.read_bytes

    def read_bytes(path):
        gone.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert read_snapshots(tmp_path, session_id="one") == [a_snapshot(1)]
