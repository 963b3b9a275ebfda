"""Real processes for the ledger's tests: `python -m tests.service.ledger.children MODE LOCATION`, driven by lines on stdin.

They say what they did on stdout, one word or number a line, and only after the ledger said that it is durable.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import msgspec

from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, batch, claim, execution, happened, mark, row
from tidegate.service.ledger.errors import LeaseHeldError, LedgerError
from tidegate.service.ledger.rows import Batch, Lease
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.service.ledger.thread import LedgerThread

ROWS = 3  # in a batch: with two of them something was half-written


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def race(location: str) -> None:
    """Take the lease of the account on each line, as soon as it is read; say the epoch, or who has it."""
    ledger = SqlLedger(location)
    say("ready")
    for line in sys.stdin:
        account, at = line.split()
        try:
            say(ledger.take_lease(claim(str(os.getpid()), account=account, at_ns=int(at))).epoch)
        except LeaseHeldError as refused:
            say(f"held {refused.lease.epoch}")


def crowd(location: str) -> None:
    """Take the lease again and again, each time past its end; say each epoch."""
    ledger = SqlLedger(location)
    say("ready")
    turns = int(sys.stdin.readline())
    for turn in range(turns):
        try:
            say(ledger.take_lease(claim(str(os.getpid()), at_ns=START_NS + turn * TTL_NS)).epoch)
        except LeaseHeldError:
            say("held")
    say("done")


def nursery(location: str) -> None:
    """Fork a writer for each line (`plain N` or `thread N`, N the first number it uses); say its process id first."""
    for line in sys.stdin:
        kind, first = line.split()
        child = os.fork()
        if child == 0:
            writers: dict[str, Callable[[SqlLedger, Lease, int], None]] = {"plain": plain, "thread": threaded}
            say(os.getpid())
            ledger = SqlLedger(location)
            held = ledger.lease(ACCOUNT)
            lease = ledger.take_lease(claim(str(os.getpid()), waited_out=held))
            writers[kind](ledger, lease, int(first))
            os._exit(1)
        os.waitpid(child, 0)
        say("over")


def numbered(lease: Lease, number: int) -> Batch:
    """Return batch `number`: three commands, one of them released, an execution, and an audit entry."""
    rows = tuple(row(ROWS * number + part, epoch=lease.epoch) for part in range(ROWS))
    released = mark(ROWS * number, OutboxState.SENT, epoch=lease.epoch)
    made = batch(epoch=lease.epoch, rows=rows, marks=(released,), executions=(execution(number),))
    return msgspec.structs.replace(made, audit=(happened(number),))


def plain(ledger: SqlLedger, lease: Lease, first: int) -> None:
    number = first
    while True:
        ledger.write(numbered(lease, number))
        say(number)
        number += 1


def threaded(ledger: SqlLedger, lease: Lease, first: int) -> None:
    asyncio.run(_threaded(ledger, lease, first))


async def _threaded(ledger: SqlLedger, lease: Lease, first: int) -> None:
    thread, number = LedgerThread(ledger), first
    waiting: list[tuple[int, asyncio.Future[object]]] = []
    while True:
        while len(waiting) < 8:
            waiting.append((number, asyncio.ensure_future(thread.submit(numbered(lease, number)))))
            number += 1
        done, future = waiting.pop(0)
        await future
        say(done)


def sleeper(location: str) -> None:
    """Take the lease and record a command; be stopped and woken by whoever listens; then try to go on as if nothing was."""
    ledger = SqlLedger(location)
    lease = ledger.take_lease(claim("sleeper"))
    ledger.write(batch(epoch=lease.epoch, rows=(row(1),)))
    say("recorded")
    sys.stdin.readline()
    for late in (
        batch(epoch=lease.epoch, marks=(mark(1, OutboxState.SENT),)),
        batch(epoch=lease.epoch, rows=(row(2, state=OutboxState.SENT),)),
        batch(epoch=lease.epoch, executions=(execution(1),)),
    ):
        try:
            ledger.write(late)
            say("written")
        except LedgerError as error:
            say(type(error).__name__)
    try:
        ledger.renew(lease, START_NS + 100 * TTL_NS)
        say("renewed")
    except LedgerError as error:
        say(type(error).__name__)


def hanger(location: str) -> None:
    """Take the lease, and stop in the middle of a transaction."""
    ledger = SqlLedger(location)
    lease = ledger.take_lease(claim("hanger"))
    say("holds")
    with ledger._swift() as cursor:
        ledger._apply(cursor, [batch(epoch=lease.epoch, rows=(row(1),))])
        os.kill(os.getpid(), signal.SIGSTOP)
    say("written")


if __name__ == "__main__":
    modes = {"race": race, "crowd": crowd, "nursery": nursery, "sleeper": sleeper, "hanger": hanger}
    modes[sys.argv[1]](sys.argv[2])
