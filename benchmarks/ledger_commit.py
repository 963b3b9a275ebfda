"""How long a decision waits for the ledger: one batch alone, and many at once through the ledger thread.

    python benchmarks/ledger_commit.py [--count 1000] [--url postgresql://…] [--scratch DIR] [--json]

Beside each commit stands a bare write and fdatasync on the same disk, turn by turn, so that both meet the same neighbors: what is above
it is ours, the rest is the disk's. A batch is one order: the row of a command with its approval, recorded and released.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tidegate.service.ledger.rows import Batch, Lease, LeaseClaim, Mark, OutboxRow
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.service.ledger.thread import Commit, LedgerThread
from tidegate.values.enums import CommandKind
from tidegate.values.ids import ClientOrderId, EventId, SessionId
from tidegate.values.time import MILLISECOND_NS

ACCOUNT = "benchmark"
COMMAND_BYTES = 420  # an encoded order command with its reason
BARE_BYTES = 4_096
WARM_UP = 50
DEPTHS = (1, 8, 64)  # orders on their way at once


def main() -> None:
    """Run the benchmark and print the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        location = arguments.url or str(Path(folder) / "ledger.db")
        figures = {"store": location.partition(":")[0] if arguments.url else "sqlite", "count": arguments.count}
        figures["alone"] = _alone(location, Path(folder) / "bare", arguments.count)
        figures["thread"] = [asyncio.run(_together(location, depth, arguments.count)) for depth in DEPTHS]
    _print(figures, as_json=arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000, help="orders for each figure")
    parser.add_argument("--url", help="a ledger on PostgreSQL instead of a file of SQLite")
    parser.add_argument("--scratch", type=Path, help="folder on the disk to be measured")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _alone(location: str, bare: Path, count: int) -> dict[str, Any]:
    """Time single batches, each followed by a bare write of the disk."""
    ledger = SqlLedger(location)
    lease = _lease(ledger)
    handle = os.open(bare, os.O_WRONLY | os.O_CREAT, 0o600)
    data = b"x" * BARE_BYTES
    commits, syncs, processor_ns = [], [], 0

    def write_bare() -> None:
        os.write(handle, data)
        os.fdatasync(handle)

    for number in range(count + WARM_UP):
        batch = _order(lease, number)
        began_ns = time.process_time_ns()
        commit_ns = _timed(lambda batch=batch: ledger.write(batch))  # type: ignore[misc]
        used_ns = time.process_time_ns() - began_ns
        sync_ns = _timed(write_bare)
        if number >= WARM_UP:
            commits.append(commit_ns)
            syncs.append(sync_ns)
            processor_ns += used_ns
    os.close(handle)
    ledger.release(lease)
    ledger.close()
    figures = {"commit_ms": _spread(commits), "bare_fdatasync_ms": _spread(syncs), "processor_ms": _ms(processor_ns // count)}
    return figures | {
        "ratio_p50": round(_at(commits, 0.5) / _at(syncs, 0.5), 2),
        "ratio_p99": round(_at(commits, 0.99) / _at(syncs, 0.99), 2),
    }


async def _together(location: str, depth: int, count: int) -> dict[str, Any]:
    """Time orders of which `depth` are on their way at once, through the thread."""
    ledger, commits = SqlLedger(location), list[Commit]()
    lease = _lease(ledger)
    thread = LedgerThread(ledger, on_commit=commits.append)
    waits: list[int] = []
    numbers = iter(range(count))

    async def orders() -> None:
        for number in numbers:
            began_ns = time.perf_counter_ns()
            await thread.submit(_order(lease, number))
            waits.append(time.perf_counter_ns() - began_ns)

    began_ns = time.perf_counter_ns()
    await asyncio.gather(*(orders() for _ in range(depth)))
    seconds = (time.perf_counter_ns() - began_ns) / 1e9
    await thread.ask(lambda store: store.release(lease))
    await thread.close()
    return {
        "orders_at_once": depth,
        "wait_ms": _spread(waits),
        "commits": len(commits),
        "orders_per_commit": round(count / len(commits), 2),
        "orders_per_second": round(count / seconds),
    }


def _lease(ledger: SqlLedger) -> Lease:
    claim = LeaseClaim(account=ACCOUNT, holder=f"benchmark-{os.getpid()}", now_ns=time.time_ns(), ttl_ns=10 * 60 * 10**9)
    return ledger.take_lease(claim)


def _order(lease: Lease, number: int) -> Batch:
    command_id = EventId(f"{ACCOUNT}-{lease.epoch}-{number}-1")
    now_ns = time.time_ns()
    row = OutboxRow(
        command_id=command_id,
        client_order_id=ClientOrderId(f"{lease.epoch}-{number:026}"),
        kind=CommandKind.SUBMIT,
        account=ACCOUNT,
        epoch=lease.epoch,
        session=SessionId(f"{ACCOUNT}-{lease.epoch}"),
        n=number,
        k=1,
        intent_id=f"{ACCOUNT}-{lease.epoch}-{number}-0",
        decision_id=f"{ACCOUNT}-{lease.epoch}-{number}-0",
        command=os.urandom(COMMAND_BYTES),
        recorded_ns=now_ns,
    )
    released = Mark(command_id=command_id, state=OutboxState.SENT, at_ns=now_ns)
    return Batch(account=ACCOUNT, epoch=lease.epoch, rows=(row,), marks=(released,))


def _timed(work: Callable[[], object]) -> int:
    began_ns = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began_ns


def _at(durations_ns: list[int], share: float) -> int:
    return sorted(durations_ns)[min(len(durations_ns) - 1, int(len(durations_ns) * share))]


def _ms(duration_ns: int) -> float:
    return round(duration_ns / MILLISECOND_NS, 3)


def _spread(durations_ns: list[int]) -> dict[str, float]:
    return {"p50": _ms(_at(durations_ns, 0.5)), "p99": _ms(_at(durations_ns, 0.99)), "worst": _ms(max(durations_ns))}


def _print(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    alone = figures["alone"]
    print(f"{figures['store']}, {figures['count']} orders; times in ms: p50, p99, worst")
    print(f"  one commit          {_line(alone['commit_ms'])}   of which processor {alone['processor_ms']}")
    print(f"  bare fdatasync      {_line(alone['bare_fdatasync_ms'])}   commit is {alone['ratio_p50']} x, {alone['ratio_p99']} x at p99")
    for row in figures["thread"]:
        print(
            f"  {row['orders_at_once']:>3} orders at once  {_line(row['wait_ms'])}   {row['orders_per_commit']} orders a commit, "
            f"{row['orders_per_second']} orders/s"
        )


def _line(spread: dict[str, float]) -> str:
    return "  ".join(f"{value:>8.3f}" for value in spread.values())


if __name__ == "__main__":
    main()
