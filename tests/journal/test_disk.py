"""When the disk refuses, the writer stops with one sentence and the log stays whole up to its last block."""

import errno
import os
import subprocess
import sys
import textwrap

import pytest

from tests.events.examples import session_opened
from tests.journal.making import damage_of, items
from tidegate.journal import LogUnwritableError, LogWriter, chain, check, read, recover
from tidegate.journal.files import segment_path
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.2")

FILL_THE_DISK = """
    import resource, sys
    from pathlib import Path
    from tests.events.examples import session_opened
    from tidegate.journal import LogUnwritableError, LogWriter

    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
    writer = LogWriter(Path(sys.argv[1]), session_opened(), block_bytes_max=1_000)
    try:
        for n in range(10_000):
            writer.input(n, b"x" * 100)
    except LogUnwritableError as error:
        print(error)
        sys.exit(error.exit_code)
"""


def test_a_file_that_may_not_grow_ends_the_writer_with_one_sentence(tmp_path):
    script = [sys.executable, "-c", textwrap.dedent(FILL_THE_DISK), str(tmp_path / "log")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.ENVIRONMENT
    assert f"The log {segment_path(tmp_path / 'log', 0)} cannot be written" in done.stdout
    assert "free space" in done.stdout
    assert not done.stderr
    assert check(tmp_path / "log") is None  # the half-written block was taken away again
    numbers = [n for _, n, _, _ in items(read(tmp_path / "log"))]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 200


@pytest.fixture
def writer(tmp_path):
    made = LogWriter(tmp_path / "log", session_opened(), block_bytes_max=500)
    made.input(0, b"the first")
    made.flush()
    yield made
    made.abandon()


def refuse(monkeypatch, name, error, *, after=0):
    """Let a call of `os` take `after` bytes and then fail."""
    real = getattr(os, name)
    left = [after]

    def call(fd, *args):
        if args and left[0]:
            part = args[0][: left[0]]
            left[0] -= len(part)
            return real(fd, part)
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("after", [0, 1, 63, 64, 65, 300])
def test_a_write_that_fails_half_way_leaves_no_half_block(tmp_path, writer, monkeypatch, error, after):
    with monkeypatch.context() as patch:
        refuse(patch, "write", error, after=after)
        writer.input(1, b"y" * 400)
        with pytest.raises(LogUnwritableError, match=os.strerror(error)) as caught:
            writer.flush()
        assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert check(tmp_path / "log") is None
    assert [n for _, n, _, _ in items(read(tmp_path / "log"))] == [0]


def test_a_half_block_that_cannot_be_taken_away_is_cut_by_recovery(tmp_path, writer, monkeypatch):
    with monkeypatch.context() as patch:
        refuse(patch, "write", errno.EIO, after=100)
        refuse(patch, "ftruncate", errno.EIO)
        writer.input(1, b"y" * 400)
        with pytest.raises(LogUnwritableError):
            writer.flush()
    assert damage_of(tmp_path / "log").torn
    assert recover(tmp_path / "log").cut_bytes == 100


def test_short_writes_are_finished(tmp_path, writer, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
    writer.input(1, b"z" * 300)
    writer.close()
    assert [n for _, n, _, _ in items(read(tmp_path / "log"))] == [0, 1]


def test_a_failed_fsync_ends_the_writer(writer, monkeypatch):
    def fail(_fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(chain, "_sync", fail)
    writer.input(1, b"in")
    with pytest.raises(LogUnwritableError):
        writer.flush()
    for again in (writer.flush, writer.close):
        with pytest.raises(AssertionError, match="the disk refused it before"):
            again()


def test_a_seal_that_finds_no_room_leaves_the_log_unsealed_and_whole(tmp_path, writer, monkeypatch):
    with monkeypatch.context() as patch:
        refuse(patch, "write", errno.ENOSPC, after=50)
        with pytest.raises(LogUnwritableError):
            writer.close()
    assert check(tmp_path / "log") is None
    assert not read(tmp_path / "log").sealed


def test_a_new_segment_that_finds_no_room_leaves_the_log_whole(tmp_path, monkeypatch):
    writer = LogWriter(tmp_path, session_opened(), segment_bytes_max=1, block_bytes_max=1)
    writer.input(0, b"fits nowhere, so it gets a segment of its own")
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777: fail_new(real, path, flags, mode))
    with pytest.raises(LogUnwritableError, match=r"000001\.seg"):
        writer.input(1, b"in")
    monkeypatch.undo()
    assert check(tmp_path) is None
    assert [n for _, n, _, _ in items(read(tmp_path))] == [0]


def fail_new(real, path, flags, mode):
    if flags & os.O_CREAT:
        raise OSError(errno.ENOSPC, "No space left on device")
    return real(path, flags, mode)


def test_a_log_that_cannot_be_begun_is_refused_with_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LogUnwritableError, match="name another directory") as caught:
        LogWriter(tmp_path / "file" / "log", session_opened())
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_a_torn_end_that_cannot_be_cut_is_said(tmp_path, writer, monkeypatch):
    writer.input(1, b"in")
    writer.flush()
    path = segment_path(tmp_path / "log", 0)
    path.write_bytes(path.read_bytes()[:-3])
    refuse(monkeypatch, "fchmod", errno.EROFS)
    with pytest.raises(LogUnwritableError, match="cannot be taken over"):
        recover(tmp_path / "log")


def test_what_a_sleeping_writer_writes_after_a_takeover_is_no_part_of_the_log(tmp_path, writer):
    writer.input(1, b"in")
    writer.flush()
    following = LogWriter(tmp_path / "log", session_opened(), continuing=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "log").glob("*.seg")}
    writer.input(2, b"late")
    with pytest.raises(LogUnwritableError, match="was removed or replaced"):
        writer.flush()
    assert {path.name: path.read_bytes() for path in (tmp_path / "log").glob("*.seg")} == before
    following.close()
    assert check(tmp_path / "log") is None


def test_a_segment_that_another_trader_began_is_not_overwritten(tmp_path, writer):
    theirs = segment_path(tmp_path / "log", 1)
    theirs.write_bytes(b"theirs")
    with pytest.raises(LogUnwritableError, match="File exists"):
        writer.rotate()
    assert theirs.read_bytes() == b"theirs"


def test_an_open_segment_that_cannot_be_sealed_is_said(tmp_path, writer, monkeypatch):
    writer.abandon()
    refuse(monkeypatch, "write", errno.ENOSPC)
    with pytest.raises(LogUnwritableError, match="cannot be sealed"):
        LogWriter(tmp_path / "log", session_opened(), continuing=True)


def remove(path):
    path.unlink()


def replace_by_a_copy(path):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def move_the_folder(path):
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("lose", [remove, replace_by_a_copy, move_the_folder])
@pytest.mark.parametrize("verb", ["flush", "rotate", "close"])
def test_a_segment_that_is_removed_or_replaced_holds_nothing_durable(tmp_path, writer, lose, verb):
    lose(segment_path(tmp_path / "log", 0))
    writer.input(1, b"into a file that nobody finds again")
    with pytest.raises(LogUnwritableError, match=r"000000\.seg was removed or replaced while it was written") as caught:
        getattr(writer, verb)()
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
