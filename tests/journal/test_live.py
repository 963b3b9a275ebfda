"""A live log: the loop hands over, a thread writes; what is said to be durable is on disk with all its acts."""

import asyncio
import errno
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.events.examples import session_opened
from tests.journal.making import Twin, items, market_records
from tidegate.clock.clock import ManualClock
from tidegate.journal import chain as chain_module
from tidegate.journal import check, read
from tidegate.journal.errors import LogBehindError, LogFailedError
from tidegate.journal.live import LiveLog
from tidegate.journal.settings import LiveSettings
from tidegate.journal.snapshots import Snapshot, read_snapshots
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.2")

SMALL = LiveSettings(block_bytes_max=1_000, segment_bytes_max=8_000, sync_every_ns=1_000_000)
SLOW = LiveSettings(sync_every_ns=3_600_000_000_000)  # a commit only where somebody waits for one


class Gate:
    """Stands in for fdatasync: holds each call until it is let through, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.reached = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.error = 0
        self._real = chain_module._sync
        monkeypatch.setattr(chain_module, "_sync", self)

    def __call__(self, fd: int) -> None:
        self.calls += 1
        self.reached.release()
        assert self.let.acquire(timeout=60)
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        self._real(fd)


def fill(log: LiveLog | Twin, rounds: int, seed: int, n: int = 0) -> int:
    """Tell a log, or its twin, of so many inputs of every kind; return the last n."""
    draw = Random(seed)
    for _ in range(rounds):
        if draw.random() < 0.5:
            count = draw.randrange(1, 60)
            log.records(n + 1, market_records(count, first=n))
            n += count
        else:
            if draw.random() < 0.3:
                log.evidence(b"raw %d" % n)
            n += 1
            log.input(n, b"input %d" % n)
        for k in range(1, draw.randrange(4)):
            log.act(n, k, b"act %d" % k * draw.randrange(1, 30))
        if isinstance(log, LiveLog):
            log.judged(n)
    return n


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(5))
async def test_everything_told_stands_in_the_log_in_order(tmp_path: Path, seed: int) -> None:
    log, twin = LiveLog(tmp_path, session_opened(), SMALL), Twin()
    n = fill(log, 300, seed)
    fill(twin, 300, seed)
    await log.close(state_sha256="ab" * 32)
    assert log.durable_n == n
    reader = read(tmp_path)
    assert items(reader) == twin.items
    assert (reader.sealed, reader.judged_to, reader.state_sha256) == (True, n, "ab" * 32)
    assert check(tmp_path) is None
    assert len(reader.scans) > 3


@pytest.mark.asyncio
async def test_what_is_said_to_be_durable_is_on_disk_with_all_its_acts(tmp_path: Path) -> None:
    log = LiveLog(tmp_path, session_opened(), SLOW)
    await log.opened()
    assert log.durable_n == -1
    n = 0
    for place in range(20):
        n = fill(log, 5, place, n)
        await log.wait_durable(n)
        assert log.durable_n == n
        assert read(tmp_path).judged_to == n
    log.abandon()
    assert not read(tmp_path).sealed


@pytest.mark.asyncio
async def test_an_input_whose_acts_are_not_all_told_is_not_durable_yet(tmp_path: Path) -> None:
    log = LiveLog(tmp_path, session_opened(), SMALL)
    log.input(1, b"first")
    log.judged(1)
    log.input(2, b"second")
    await log.wait_durable(1)
    assert log.durable_n == 1
    with pytest.raises(AssertionError, match="judged"):
        await log.wait_durable(2)
    log.act(2, 1, b"its act")
    log.judged(2)
    await log.wait_durable(2)
    await log.close()


@pytest.mark.asyncio
async def test_what_is_queued_while_the_disk_is_busy_goes_into_its_next_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LiveLog(tmp_path, session_opened(), SLOW)
    await log.opened()
    gate = Gate(monkeypatch)
    log.input(1, b"first")
    log.judged(1)
    waiting = [asyncio.ensure_future(log.wait_durable(1))]
    await asyncio.sleep(0)
    assert gate.reached.acquire(timeout=60)
    for n in range(2, 200):
        log.input(n, b"while the disk is busy")
        log.judged(n)
        waiting.append(asyncio.ensure_future(log.wait_durable(n)))
    await asyncio.sleep(0)
    gate.let.release(2)
    await asyncio.gather(*waiting)
    assert gate.calls == 2
    gate.let.release(2)
    await log.close()


def takes(log: LiveLog, n: int) -> bool:
    try:
        log.input(n, b"x" * 100)
    except LogBehindError:
        return False
    return True


@pytest.mark.asyncio
async def test_a_full_queue_is_said_and_nothing_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LiveSettings(queue_bytes_max=10_000, sync_every_ns=1_000_000)
    log = LiveLog(tmp_path, session_opened(), settings)
    await log.opened()
    gate = Gate(monkeypatch)
    log.input(1, b"held")
    assert gate.reached.acquire(timeout=60)
    n, pressed_at = 1, 0
    while takes(log, n + 1):
        n += 1
        pressed_at = pressed_at or (n if log.is_pressed else 0)
    with pytest.raises(LogBehindError, match="stop taking in"):
        log.input(n + 1, b"x" * 100)
    assert 0 < pressed_at < n, "it is pressed before it is full"
    log.act(n, 1, b"the acts of what was taken are taken")
    log.judged(n)
    room = asyncio.ensure_future(log.wait_room())
    await asyncio.sleep(0)
    assert not room.done()
    gate.let.release(1_000)
    await room
    assert not log.is_pressed
    log.input(n + 1, b"x" * 100)
    log.judged(n + 1)
    await log.wait_durable(n + 1)
    await log.close()
    assert [at for kind, at, _, _ in items(read(tmp_path)) if kind == "input"] == list(range(1, n + 2))


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
async def test_a_failed_sync_ends_the_log_for_good_and_everybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    told: list[LogFailedError] = []
    log = LiveLog(tmp_path, session_opened(), SLOW, on_failed=told.append)
    log.input(1, b"first")
    log.judged(1)
    await log.wait_durable(1)
    gate = Gate(monkeypatch)
    gate.error = error
    log.input(2, b"second")
    log.judged(2)
    waiting = [asyncio.ensure_future(log.wait_durable(2)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.let.release()
    for failed in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(failed, LogFailedError)
        assert "after input 1 is not known" in str(failed)
        assert failed.exit_code is ExitCode.ENVIRONMENT
    await log.wait_durable(1)  # what was durable stays so
    assert told == [log.failed]
    assert log.is_pressed
    again = (
        lambda: log.input(3, b""),
        lambda: log.records(3, market_records(1)),
        lambda: log.evidence(b""),
        lambda: log.act(2, 1, b""),
        lambda: log.judged(2),
    )
    for verb in again:
        with pytest.raises(LogFailedError):
            verb()
    for later in (log.wait_durable(2), log.wait_room(), log.close()):
        with pytest.raises(LogFailedError):
            await later
    assert gate.calls == 1, "nothing is written after the first error"
    assert read(tmp_path).judged_to >= 1


@pytest.mark.asyncio
async def test_a_log_that_cannot_be_opened_says_so_to_everybody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = LiveLog(tmp_path / "file" / "log", session_opened())
    with pytest.raises(LogFailedError, match=r"cannot be opened.*name another directory"):
        await log.opened()
    with pytest.raises(LogFailedError):
        log.input(1, b"")
    with pytest.raises(LogFailedError):
        await log.close()


@pytest.mark.asyncio
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_fault_of_the_thread_itself_leaves_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LiveLog(tmp_path, session_opened(), SLOW)
    await log.opened()
    monkeypatch.setattr(chain_module, "pack_block", lambda *_: 1 / 0)
    log.input(1, b"first")
    log.judged(1)
    with pytest.raises(LogFailedError, match="a fault of its own"):
        await log.wait_durable(1)
    log._thread.join()


@pytest.mark.asyncio
async def test_the_calling_thread_touches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def noted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            threads.append(threading.get_ident())
            return real(*args, **options)

        return call

    for name in ("open", "write", "fsync", "fdatasync", "rename", "unlink"):
        real = getattr(os, name, None)
        if real is not None:
            monkeypatch.setattr(os, name, noted(real))
    log = LiveLog(tmp_path, session_opened(), SMALL)
    n = fill(log, 200, 1)
    log.snapshot(a_snapshot(n))
    await log.wait_durable(n)
    await log.close()
    assert threads
    assert threading.get_ident() not in threads


def a_snapshot(n: int) -> Snapshot:
    return Snapshot(session_id="bcdefgh", n=n, layout_sha256="11" * 32, code_sha256="22" * 32, state=b"state" * 100)


@pytest.mark.asyncio
async def test_a_snapshot_is_never_newer_than_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LiveLog(tmp_path, session_opened(), SLOW)
    await log.opened()
    gate = Gate(monkeypatch)
    log.input(1, b"first")
    log.judged(1)
    log.snapshot(a_snapshot(1))
    waits = asyncio.ensure_future(log.wait_durable(1))
    await asyncio.sleep(0)
    assert gate.reached.acquire(timeout=60)
    assert read_snapshots(tmp_path, session_id="bcdefgh") == []
    gate.let.release(10)
    await waits
    for n in range(2, 7):
        log.input(n, b"more")
        log.judged(n)
        log.snapshot(a_snapshot(n))
    await log.close()
    assert read_snapshots(tmp_path, session_id="bcdefgh") == [a_snapshot(6), a_snapshot(5), a_snapshot(4)]


@pytest.mark.asyncio
async def test_a_segment_is_sealed_when_it_is_old(tmp_path: Path) -> None:
    clock = ManualClock()
    log = LiveLog(tmp_path, session_opened(), LiveSettings(sync_every_ns=1_000_000, segment_age_ns_max=1_000), clock=clock)
    for n in range(1, 4):
        log.input(n, b"input")
        log.judged(n)
        await log.wait_durable(n)
        clock.advance(1_001)
    await log.close()
    reader = read(tmp_path)
    assert 2 <= len(reader.scans) <= 4, "time may pass between a commit and its look at the clock"
    assert [n for kind, n, _, _ in items(reader) if kind == "input"] == [1, 2, 3]
    assert check(tmp_path) is None


FILL_THE_DISK = """
    import asyncio, resource, sys
    from pathlib import Path
    from tests.events.examples import session_opened
    from tidegate.journal.errors import LogFailedError
    from tidegate.journal.live import LiveLog
    from tidegate.journal.settings import LiveSettings

    async def main():
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
        log = LiveLog(Path(sys.argv[1]), session_opened(), LiveSettings(block_bytes_max=1_000))
        n = 0
        try:
            while True:
                n += 1
                log.input(n, b"x" * 100)
                log.judged(n)
                if n % 10 == 0:
                    await log.wait_durable(n)
        except LogFailedError as error:
            print(log.durable_n)
            print(error)
            sys.exit(error.exit_code)

    asyncio.run(main())
"""


def test_a_full_disk_ends_the_log_of_a_real_process_and_what_was_durable_is_there(tmp_path: Path) -> None:
    script = [sys.executable, "-c", textwrap.dedent(FILL_THE_DISK), str(tmp_path / "log")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.ENVIRONMENT, done.stderr
    durable_n, sentence = done.stdout.split("\n", 1)
    assert "free space" in sentence
    assert not done.stderr
    assert check(tmp_path / "log") is None
    reader = read(tmp_path / "log")
    assert reader.judged_to >= int(durable_n) > 100
    assert not reader.sealed
    assert [n for _, n, _, _ in items(reader)] == list(range(1, len(items(reader)) + 1))


def test_kill_9_at_sixty_random_moments_loses_nothing_that_was_durable(tmp_path: Path) -> None:
    script = [sys.executable, "-m", "tests.journal.killed", str(tmp_path / "log"), "60", "7"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("60 kills")


@pytest.mark.asyncio
async def test_a_log_whose_file_is_removed_ends_and_says_so(tmp_path: Path) -> None:
    told: list[LogFailedError] = []
    log = LiveLog(tmp_path, session_opened(), SLOW, on_failed=told.append)
    log.input(0, b"first")
    log.judged(0)
    await log.wait_durable(0)
    (tmp_path / "000000.seg").unlink()
    log.input(1, b"second")
    log.judged(1)
    with pytest.raises(LogFailedError, match="was removed or replaced"):
        await log.wait_durable(1)
    assert (log.durable_n, log.is_pressed, len(told)) == (0, True, 1)
