"""The ledger thread: one commit for all that waits, and an event loop that never waits."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.service.ledger.making import ACCOUNT, batch, claim, execution, mark, row
from tidegate.service.ledger.errors import DuplicateOrderError, LedgerBusyError, LedgerError, LedgerUnavailableError, StaleEpochError
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Written
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OPEN, OutboxState
from tidegate.service.ledger.thread import GROUP_MAX, Commit, LedgerThread

pytestmark = [pytest.mark.req("B2.2"), pytest.mark.asyncio]


class SlowDisk:
    """A memory ledger whose commits wait until the test lets them go on; it remembers the size of each group."""

    def __init__(self) -> None:
        self.inner = MemoryLedger()
        self.inner.take_lease(claim())
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.groups: list[int] = []
        self.threads: set[str] = set()
        self.error: Exception | None = None
        self.closed = False

    def write_all(self, batches: Sequence[Batch]) -> list[Written | LedgerError]:
        self.groups.append(len(batches))
        self.threads.add(threading.current_thread().name)
        self.began.release()
        self.go_on.acquire()
        if self.error is not None:
            raise self.error
        return self.inner.write_all(batches)

    def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def slow_thread(pending_max: int = 100) -> AsyncIterator[tuple[SlowDisk, LedgerThread, list[Commit]]]:
    disk, commits = SlowDisk(), list[Commit]()
    thread = LedgerThread(disk, pending_max=pending_max, on_commit=commits.append)  # type: ignore[arg-type] # two verbs suffice
    yield disk, thread, commits
    disk.go_on.release(1_000)
    await thread.close()
    assert disk.closed


async def begun(disk: SlowDisk) -> None:
    await asyncio.to_thread(disk.began.acquire)


async def test_all_that_comes_while_a_commit_runs_goes_into_the_next_one() -> None:
    async with slow_thread() as (disk, thread, commits):
        first = thread.submit(batch(rows=(row(1),)))
        await begun(disk)
        rest = [thread.submit(batch(rows=(row(n),))) for n in range(2, 8)]
        assert thread.pending == 7
        assert not first.done()
        disk.go_on.release(2)
        assert await asyncio.gather(first, *rest) == [Written()] * 7
        assert disk.groups == [1, 6]
        assert [commit.batches for commit in commits] == [1, 6]
        assert disk.threads == {"ledger"}
        assert thread.pending == 0


async def test_the_loop_goes_on_while_the_disk_does_not() -> None:
    async with slow_thread() as (disk, thread, _):
        future = thread.submit(batch(rows=(row(1),)))
        await begun(disk)
        for _turn in range(100):
            await asyncio.sleep(0)
        assert not future.done()
        disk.go_on.release()
        await future


async def test_a_refused_batch_is_refused_alone_and_the_others_of_its_group_are_written() -> None:
    async with slow_thread() as (disk, thread, _):
        futures = [thread.submit(batch(rows=(row(1),)))]
        await begun(disk)
        futures += [
            thread.submit(batch(rows=(row(2), row(1)))),
            thread.submit(batch(epoch=9)),
            thread.submit(batch(executions=(execution(1),))),
        ]
        disk.go_on.release(2)
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Written, DuplicateOrderError, StaleEpochError, Written]
        assert [found.n for found in disk.inner.outbox(ACCOUNT, OPEN)] == [1]


@pytest.mark.parametrize("error", [LedgerUnavailableError("gone"), ZeroDivisionError()])
async def test_when_the_store_is_lost_everybody_is_told_and_the_thread_lives_on(error: Exception) -> None:
    async with slow_thread() as (disk, thread, _):
        disk.error = error
        futures = [thread.submit(batch(rows=(row(n),))) for n in range(1, 4)]
        disk.go_on.release(3)
        assert await asyncio.gather(*futures, return_exceptions=True) == [error] * 3
        disk.error = None
        disk.go_on.release()
        assert await thread.submit(batch(rows=(row(1),))) == Written()


async def test_a_full_queue_takes_nothing_in_and_says_so() -> None:
    async with slow_thread(pending_max=3) as (disk, thread, _):
        futures = [thread.submit(batch(rows=(row(n),))) for n in range(1, 4)]
        with pytest.raises(LedgerBusyError, match="stop entries"):
            thread.submit(batch(rows=(row(4),)))
        with pytest.raises(LedgerBusyError):
            thread.ask(lambda ledger: ledger.lease(ACCOUNT))
        disk.go_on.release(3)
        await asyncio.gather(*futures)
        disk.go_on.release()
        await thread.submit(batch(rows=(row(4),)))


async def test_a_batch_whose_caller_left_is_written_all_the_same() -> None:
    async with slow_thread() as (disk, thread, _):
        future = thread.submit(batch(rows=(row(1),)))
        await begun(disk)
        future.cancel()
        disk.go_on.release(2)
        await thread.submit(batch(rows=(row(2),)))
        assert [found.n for found in disk.inner.outbox(ACCOUNT, OPEN)] == [1, 2]


async def test_closing_finishes_what_was_handed_over_and_takes_nothing_more() -> None:
    async with slow_thread() as (disk, thread, _):
        futures = [thread.submit(batch(rows=(row(n),))) for n in range(1, 4)]
        disk.go_on.release(3)
        await thread.close()
        assert await asyncio.gather(*futures) == [Written()] * 3
        with pytest.raises(LedgerUnavailableError, match="is stopping"):
            thread.submit(batch())


async def test_verbs_are_called_in_their_turn_and_tell_their_errors(ledger: Ledger) -> None:
    thread = LedgerThread(ledger)
    lease = await thread.ask(lambda store: store.take_lease(claim()))
    written = thread.submit(batch(epoch=lease.epoch, rows=(row(1),)))
    found = thread.ask(lambda store: store.outbox(ACCOUNT, OPEN))
    moved = thread.submit(batch(marks=(mark(1, OutboxState.SENT),)))
    again = thread.ask(lambda store: store.outbox(ACCOUNT, [OutboxState.SENT]))
    assert await written == Written()
    assert await found == [row(1)]
    await moved
    assert len(await again) == 1
    with pytest.raises(LedgerError):
        await thread.ask(lambda store: store.take_lease(claim("two")))
    await thread.close()


async def test_more_than_a_group_holds_is_written_in_several(location: str) -> None:
    thread = LedgerThread(SqlLedger(location), pending_max=10 * GROUP_MAX)
    await thread.ask(lambda store: store.take_lease(claim()))
    count = 3 * GROUP_MAX
    futures = [thread.submit(batch(rows=(row(n),))) for n in range(count)]
    assert await asyncio.gather(*futures) == [Written()] * count
    kept = await thread.ask(lambda store: store.outbox(ACCOUNT, OPEN))
    assert [found.n for found in kept] == list(range(count))
    await thread.close()
