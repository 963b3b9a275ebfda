"""Real processes on one ledger: two that want the account, one that is killed in mid-commit, one that sleeps through its lease."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.conftest import ROOT
from tests.service.ledger.children import ROWS
from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, batch, claim, execution, happened, row
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState

pytestmark = pytest.mark.req("B2.2", "F3")

KILLS = 32
KILLS_MAX = 320  # more of them only until one fell between a commit and its answer


class Child:
    """A process of `children`, spoken to by lines."""

    def __init__(self, mode: str, location: str) -> None:
        command = [sys.executable, "-m", "tests.service.ledger.children", mode, location]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the child is gone"
        return line.strip()

    def hear_until(self, last: str) -> list[str]:
        heard = [self.hear()]
        while heard[-1] != last:
            heard.append(self.hear())
        return heard[:-1]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def children(location: str, *modes: str) -> Iterator[list[Child]]:
    made = [Child(mode, location) for mode in modes]
    try:
        yield made
    finally:
        for child in made:
            child.end()


@pytest.mark.req("B2.2")
def test_of_two_processes_that_want_an_account_one_gets_it(location: str) -> None:
    with children(location, "race", "race") as racers:
        assert [racer.hear() for racer in racers] == ["ready", "ready"]
        for number in range(20):
            for epoch, at_ns in ((1, START_NS), (2, START_NS + TTL_NS)):  # free, then run out
                for racer in racers:
                    racer.tell(f"account-{number} {at_ns}")
                assert sorted(racer.hear() for racer in racers) == [str(epoch), f"held {epoch}"]


def test_an_epoch_is_given_once_however_many_ask(location: str) -> None:
    turns = 40
    with children(location, "crowd", "crowd") as crowd:
        assert [child.hear() for child in crowd] == ["ready", "ready"]
        for child in crowd:
            child.tell(str(turns))
        heard = [[int(word) for word in child.hear_until("done") if word != "held"] for child in crowd]
    epochs = sorted(heard[0] + heard[1])
    assert epochs == list(range(1, len(epochs) + 1))
    assert all(one == sorted(one) for one in heard)
    assert len(epochs) >= turns
    with_lease = SqlLedger(location)
    lease = with_lease.lease(ACCOUNT)
    with_lease.close()
    assert lease is not None
    assert lease.epoch == epochs[-1]


def test_a_process_killed_in_the_middle_of_commits_loses_nothing_it_was_promised_and_leaves_nothing_half(location: str) -> None:
    moments = random.Random(20)
    promised: set[int] = set()
    first = unpromised = 0
    with children(location, "nursery") as (nursery,):
        for turn in range(KILLS_MAX):
            if turn >= KILLS and unpromised:
                break
            kind, depth = (("plain", 1), ("thread", 8))[turn % 2]
            nursery.tell(f"{kind} {first}")
            writer = int(nursery.hear())
            for _ in range(moments.randrange(1, 12)):
                promised.add(int(nursery.hear()))
            time.sleep(moments.uniform(0, 0.005))  # any moment will do: nothing below depends on which
            os.kill(writer, signal.SIGKILL)
            promised |= {int(word) for word in nursery.hear_until("over")}
            written = whole_batches(location)
            assert promised <= written
            unpromised += len(written - promised)
            assert len(written - promised) <= depth
            promised = written  # all that was not promised but is there is a fact from now on
            first = max(written) + 1
    assert len(promised) > KILLS
    assert unpromised > 0, "not one kill fell between a commit and its answer: the test has lost its teeth"


def whole_batches(location: str) -> set[int]:
    """Return the numbers of the batches that are in the ledger; each must be there with all its parts.

    The lease is taken first, as a start does: a server may still be carrying out what a dead client asked for.
    """
    ledger = SqlLedger(location)
    ledger.take_lease(claim("examiner", waited_out=ledger.lease(ACCOUNT)))
    rows = ledger.outbox(ACCOUNT, tuple(OutboxState))
    executions = {found.execution_id for found in ledger.executions(ACCOUNT)}
    chain = ledger.audit(ACCOUNT, 0, 1_000_000)
    ledger.close()
    numbers = {found.n for found in rows}
    batches = {number // ROWS for number in numbers}
    assert numbers == {ROWS * number + part for number in batches for part in range(ROWS)}
    assert {found.n for found in rows if found.state is OutboxState.SENT} == {ROWS * number for number in batches}
    assert executions == {execution(number).execution_id for number in batches}
    assert {record.subject for record in chain} == {happened(number).subject for number in batches}
    assert [record.seq for record in chain] == list(range(1, len(batches) + 1))
    assert all(one.hash == two.prev_hash for one, two in pairwise(chain))
    return batches


def test_a_holder_that_was_stopped_and_wakes_after_a_takeover_can_write_nothing(location: str) -> None:
    with children(location, "sleeper") as (sleeper,):
        assert sleeper.hear() == "recorded"
        sleeper.process.send_signal(signal.SIGSTOP)
        ledger = SqlLedger(location)
        lease = ledger.take_lease(claim("heir", at_ns=START_NS + TTL_NS))
        assert (lease.epoch, lease.taken_from) == (2, "sleeper")
        ledger.write(batch(epoch=2, rows=(row(7, epoch=2),)))
        sleeper.process.send_signal(signal.SIGCONT)
        sleeper.tell("go on")
        assert [sleeper.hear() for _ in range(4)] == ["StaleEpochError"] * 4
        assert [(found.n, found.epoch, found.state) for found in ledger.outbox(ACCOUNT, tuple(OutboxState))] == [
            (1, 1, OutboxState.PENDING),
            (7, 2, OutboxState.PENDING),
        ]
        assert ledger.executions(ACCOUNT) == []
        ledger.close()


def test_a_holder_stopped_inside_a_transaction_locks_the_ledger_until_it_is_ended(location: str) -> None:
    with children(location, "hanger") as (hanger,):
        assert hanger.hear() == "holds"
        os.waitid(os.P_PID, hanger.process.pid, os.WSTOPPED)
        if location.startswith("postgresql"):  # the tables are locked, not the whole database
            ledger = SqlLedger(location)
            with pytest.raises(LedgerUnavailableError, match="locked by another program"):
                ledger.take_lease(claim("heir", at_ns=START_NS + TTL_NS))
            ledger.close()
        else:
            with pytest.raises(LedgerUnavailableError, match="locked by another program"):
                SqlLedger(location)
        hanger.end()
        ledger = SqlLedger(location)
        assert ledger.take_lease(claim("heir", at_ns=START_NS + TTL_NS)).epoch == 2
        assert ledger.outbox(ACCOUNT, tuple(OutboxState)) == []
        ledger.close()
