"""Who gets an account that another has, or whose ledger another keeps locked: real files, two connections."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.service.ledger.making import ACCOUNT, claim
from tests.service.making import Office
from tidegate.clock.clock import WallClock
from tidegate.service import lease as lease_times
from tidegate.service import tenure
from tidegate.service.ledger import opening
from tidegate.service.ledger.errors import LedgerLockedError
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.tenure import AccountHeldError, Claimed, Tenure, claim_account

pytestmark = [pytest.mark.req("B2.2", "F3"), pytest.mark.asyncio]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tenure, "CLAIM_EVERY_S", 0.01)
    monkeypatch.setattr(opening, "_PRAGMAS", ("PRAGMA busy_timeout = 10", *opening._PRAGMAS[1:]))
    path = tmp_path / "ledger.db"
    SqlLedger(path).close()
    return path


def locked_by(file: Path) -> sqlite3.Connection:
    """Keep a ledger's write lock, as a process that was put to sleep within a transaction does."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def claimed_by(file: Path, told: list[str], *, patient: bool) -> "asyncio.Task[Claimed]":
    return asyncio.create_task(claim_account(lambda: SqlLedger(file), ACCOUNT, WallClock(), patient=patient, tell=told.append))


async def until(met: Callable[[], bool]) -> None:
    while not met():  # noqa: ASYNC110 - what is waited for happens in threads of the claim
        await asyncio.sleep(0.01)


async def test_a_patient_trader_waits_for_a_ledger_that_a_sleeping_one_keeps_locked_and_says_so_once(file: Path) -> None:
    told: list[str] = []
    tried: list[Path] = []

    def opened() -> SqlLedger:
        tried.append(file)
        return SqlLedger(file)

    with closing(locked_by(file)) as other:
        task = asyncio.create_task(claim_account(opened, ACCOUNT, WallClock(), patient=True, tell=told.append))
        await until(lambda: len(tried) == 4)
        assert not task.done()
        other.execute("ROLLBACK")
        ledger, lease, _ = await task
    ledger.close()
    assert lease.epoch == 1
    assert told == [f"The ledger {file} is locked by another program; stop that program. Until then this trader waits for it."]


async def test_one_without_patience_says_that_the_ledger_is_locked(file: Path) -> None:
    told: list[str] = []
    with closing(locked_by(file)), pytest.raises(LedgerLockedError, match="is locked by another program; stop that program"):
        await claimed_by(file, told, patient=False)
    assert told == []


async def test_a_patient_trader_waits_for_the_holder_and_one_without_patience_goes_once_it_has_renewed(file: Path) -> None:
    holder = SqlLedger(file)
    lease = holder.take_lease(claim(at_ns=WallClock().now_ns()))
    told: list[str] = []
    patient, hasty = claimed_by(file, told, patient=True), claimed_by(file, [], patient=False)
    await until(lambda: bool(told))
    while not hasty.done():
        lease = holder.renew(lease, WallClock().now_ns())
        await asyncio.sleep(0.2)  # as seldom as leaves SQLite, which serves nobody in turn, free for the other two
    with pytest.raises(AccountHeldError, match=r"is traded by .* already, which has just renewed its lease"):
        await hasty
    assert not patient.done()
    holder.release(lease)
    ledger, taken, _ = await patient
    assert taken.epoch == lease.epoch + 1
    assert told == [f"The account is held by {lease.holder}; this trader waits for it."]
    ledger.close()
    holder.close()


async def test_a_ledger_that_is_removed_while_nothing_trades_is_known_at_the_next_renewal(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_times, "RENEW_NS", 10_000_000)
    office, clock = Office(), WallClock()
    taken = SqlLedger(file)
    lease = taken.take_lease(claim(at_ns=clock.now_ns()))
    ledger = LedgerThread(taken)
    keeping = asyncio.create_task(Tenure(lease, clock.monotonic_ns(), clock, ledger, office.desk, speed=1.0).keep())
    await asyncio.to_thread(file.unlink)
    await until(lambda: not office.desk.outbox.store_ok)
    assert "was removed or replaced" in str(office.desk.outbox.ledger_failed)
    keeping.cancel()
    await ledger.close()
