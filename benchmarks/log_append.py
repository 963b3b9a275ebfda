"""What the golden log of a running trader costs: records a second in bulk, time per act, time until something is durable.

    python benchmarks/log_append.py [--records 2000000] [--acts 100000] [--commits 300] [--scratch DIR] [--json]

Beside each figure stands the bare write of the same bytes to the same disk in the same run: no framing, no checksums, no thread.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import numpy as np

from tidegate.events.records import RECORD
from tidegate.events.session import SessionOpened
from tidegate.journal.live import LiveLog

BATCH = 1_000  # records handed over at once: what a busy stream brings in a few milliseconds
ACT_BYTES = 300  # a decision with its checks is about as long
BLOCK_BYTES = 256 << 10


def main() -> None:
    """Run the benchmark and print the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        figures = asyncio.run(_measure(Path(folder), arguments))
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name:>28}  {value:,.3f}" for name, value in figures.items()))


async def _measure(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    bulk, bulk_cpu, bulk_bare = await _bulk(folder, arguments.records)
    handed, acts, acts_cpu, acts_bare = await _acts(folder, arguments.acts)
    commits, commits_bare = await _commits(folder, arguments.commits)
    return {
        "records_per_second": arguments.records / bulk,
        "records_bare_per_second": arguments.records / bulk_bare,
        "records_times_bare": bulk / bulk_bare,
        "record_cpu_us": bulk_cpu / arguments.records * 1e6,
        "act_us_handed_over": handed / arguments.acts * 1e6,
        "act_us_until_durable": acts / arguments.acts * 1e6,
        "act_cpu_us": acts_cpu / arguments.acts * 1e6,
        "act_bare_us": acts_bare / arguments.acts * 1e6,
        "commit_p50_ms": _share(commits, 0.5),
        "commit_p99_ms": _share(commits, 0.99),
        "commit_bare_p50_ms": _share(commits_bare, 0.5),
        "commit_bare_p99_ms": _share(commits_bare, 0.99),
    }


async def _bulk(folder: Path, count: int) -> tuple[float, float, float]:
    """Return seconds for market records in bulk, all durable, processor seconds, and those of the bare write of the same bytes."""
    batch = np.zeros(BATCH, RECORD)
    batch["a"] = np.arange(BATCH)
    log = await _opened(folder / "bulk")
    started, started_cpu = perf_counter(), process_time()
    n = 0
    while n < count:
        if log.is_pressed:
            await log.wait_room()
        log.records(n + 1, batch)
        n += BATCH
        log.judged(n)
    await log.wait_durable(n)
    took, cpu = perf_counter() - started, process_time() - started_cpu
    await log.close()
    return took, cpu, _bare(folder / "bulk.bare", count * RECORD.itemsize)


async def _acts(folder: Path, count: int) -> tuple[float, float, float, float]:
    """Return seconds to hand acts over, until all are durable, of the processor, and for the bare write of the same bytes."""
    log = await _opened(folder / "acts")
    act = os.urandom(ACT_BYTES)
    log.input(1, b"input")
    started, started_cpu = perf_counter(), process_time()
    for k in range(1, count + 1):
        log.act(1, k, act)
    handed = perf_counter() - started
    log.judged(1)
    await log.wait_durable(1)
    took, cpu = perf_counter() - started, process_time() - started_cpu
    await log.close()
    return handed, took, cpu, _bare(folder / "acts.bare", count * (ACT_BYTES + 20))


async def _commits(folder: Path, count: int) -> tuple[list[float], list[float]]:
    """Return the time from handing over one act until it is durable, in ms, and that of a bare write and fdatasync."""
    log = await _opened(folder / "commits")
    times = []
    for n in range(1, count + 1):
        started = perf_counter()
        log.input(n, b"input")
        log.act(n, 1, b"x" * ACT_BYTES)
        log.judged(n)
        await log.wait_durable(n)
        times.append((perf_counter() - started) * 1e3)
    await log.close()
    return times, list(_bare_commits(folder / "commits.bare", count))


async def _opened(directory: Path) -> LiveLog:
    log = LiveLog(directory, _opening())
    await log.opened()
    return log


def _bare(path: Path, size: int) -> float:
    block = os.urandom(BLOCK_BYTES)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    started = perf_counter()
    for _ in range(-(-size // BLOCK_BYTES)):
        os.write(descriptor, block)
    os.fdatasync(descriptor)
    took = perf_counter() - started
    os.close(descriptor)
    return took


def _bare_commits(path: Path, count: int) -> Iterator[float]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    for _ in range(count):
        started = perf_counter()
        os.write(descriptor, b"x" * (ACT_BYTES + 160))
        os.fdatasync(descriptor)
        yield (perf_counter() - started) * 1e3
    os.close(descriptor)


def _share(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def _opening() -> SessionOpened:
    texts: dict[str, Any] = dict.fromkeys(
        ("config_sha256", "feed_latency", "order_latency", "response_latency", "code_sha256", "kernel_sha256", "layout_sha256"), ""
    )
    texts |= dict.fromkeys(("python", "cpu"), "")
    return SessionOpened(
        format_version=1,
        session_id="benchmark",
        mode="paper",
        account="",
        started_ns=0,
        config=b"",
        strategies=(),
        tapes=(),
        instruments=b"",
        seed=0,
        libraries=(),
        **texts,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--acts", type=int, default=100_000)
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--scratch", type=Path, default=None, help="folder for the logs; default: the system's temporary one")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
