"""From a quote's frame on the wire to the order's bytes on the wire, against a venue stub on loopback; and how many quotes a core takes in.

    python benchmarks/wire_to_wire.py [--count 300] [--quotes 1000000] [--scratch DIR] [--json]

The trader is the real one, in a process of its own: log and outbox durable before anything leaves. Beside it, in the same run and turn
by turn, a bare bot on alpaca-py with the same trigger, without risk checks, log or ledger; and a bare write and fdatasync in the folder
of the trader's log. Every timing is taken in this process: when the frame is written, when the order arrives.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent))

import msgspec
import uvloop
from aiohttp import web

from benchmarks.wire.stub import Stub
from tidegate.clock.clock import WallClock
from tidegate.events.records import RECORD_BYTES
from tidegate.journal import EntryKind, read

FOLDER: Final = Path(__file__).parent
SPEED: Final = 20.0  # of the stub's clock: the venue's budget of 200 requests a minute lets so many more through
SECRET: Final = "stub-secret"  # noqa: S105 - nobody checks it
TRADER, BOT = "PKTRADER", "PKBOT"
PAUSE_S: Final = 0.03  # between samples
PATIENCE_S: Final = 1.0
START_S: Final = 240.0
PRICED: Final = 400  # quotes before the first sample: features and regime want to be warm
BURST: Final = 200  # quotes in a frame of the ingest
TARGET_P50_MS: Final = 1.0
TARGET_ABOVE_DISK_MS: Final = 2.0
TARGET_QUOTES: Final = 250_000


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="orders of each")
    parser.add_argument("--quotes", type=int, default=1_000_000, help="quotes of the ingest; 0: leave it out")
    parser.add_argument("--scratch", type=Path, help="empty folder on the disk to be measured; what is written stays there")
    parser.add_argument("--profile", type=Path, help="write a profile of the trader there (cProfile: it slows it down)")
    parser.add_argument("--json", action="store_true")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        figures = uvloop.run(_run(wish.scratch or Path(made), wish))
    print(json.dumps(figures) if wish.json else "\n".join(_told(figures)))


async def _run(folder: Path, wish: argparse.Namespace) -> dict[str, Any]:
    stub = Stub(SPEED, WallClock())
    runner = web.AppRunner(stub.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    trader = _start_trader(folder, origin, wish.profile)
    bot = _start_bot(origin)
    try:
        await _until(lambda: {TRADER, BOT} <= stub.feeds.keys(), trader)
        figures = await _latency(stub, folder, wish.count)
        if wish.quotes:
            figures |= await _ingest(stub, folder, trader, wish.quotes)
    finally:
        bot.kill()
        bot.wait()
        trader.send_signal(2)
        trader.wait(START_S)
        await runner.cleanup()
    return figures


def _start_trader(folder: Path, origin: str, profile: Path | None) -> subprocess.Popen[bytes]:
    keys = {"ALPACA_PAPER_API_KEY": TRADER, "ALPACA_PAPER_API_SECRET": SECRET, "PYTHONPATH": str(FOLDER.parent / "src")}
    profiler = ["-m", "cProfile", "-o", str(profile)] if profile is not None else []
    words = ["trader", "--config", str(FOLDER / "wire" / "trader.yaml"), "--home", str(folder / "home"), "--origin", origin]
    return subprocess.Popen([sys.executable, *profiler, "-m", "tidegate", *words], env=os.environ | keys)


def _start_bot(origin: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(FOLDER / "wire" / "bot.py"), origin, BOT, SECRET], stderr=subprocess.DEVNULL)


async def _until(met: Any, trader: subprocess.Popen[bytes], timeout_s: float = START_S) -> None:
    until = time.monotonic() + timeout_s
    while not met():
        if trader.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"the trader did not come up or did not come along (exit code {trader.poll()})")
        await asyncio.sleep(0.02)


# Latency.


async def _latency(stub: Stub, folder: Path, count: int) -> dict[str, Any]:
    """Send marked quotes to one after the other, with a bare write of the disk after each pair."""
    times: dict[str, list[float]] = {TRADER: [], BOT: [], "disk": []}
    unanswered = {TRADER: 0, BOT: 0}
    await _warm_up(stub)
    number = PRICED
    with (folder / "bare").open("wb", buffering=0) as bare:
        for _ in range(count):
            for key in (TRADER, BOT):
                number += 3
                await _send(stub, key, stub.quote(marked=False, number=number))
                await asyncio.sleep(PAUSE_S)
                took_ns = await _sample(stub, key, number + 1)
                if took_ns is None:
                    unanswered[key] += 1
                else:
                    times[key].append(took_ns / 1e6)
                await _send(stub, key, stub.quote(marked=False, number=number + 2))
            times["disk"].append(_commit(bare) / 1e6)
    return {
        "quotes_each": count,
        "unanswered": unanswered,
        "trader_ms": _spread(times[TRADER]),
        "bot_ms": _spread(times[BOT]),
        "disk_ms": _spread(times["disk"]),
    }


async def _warm_up(stub: Stub) -> None:
    """Quote both until each has ordered: features are warm, code is loaded, connections stand."""
    heard: set[str] = set()
    until = time.monotonic() + START_S
    number = 0
    while {TRADER, BOT} - heard or number < PRICED:
        number += 1
        for key in (TRADER, BOT):
            await _send(stub, key, stub.quote(marked=number % 40 == 0, number=number))
        await asyncio.sleep(0.02)
        while not stub.arrived.empty():
            heard.add(stub.arrived.get_nowait()[0])
        if time.monotonic() > until:
            raise SystemExit(f"no order came from { ({TRADER, BOT} - heard) }")
    await asyncio.sleep(1.0)
    while not stub.arrived.empty():
        stub.arrived.get_nowait()


async def _sample(stub: Stub, key: str, number: int) -> int | None:
    while not stub.arrived.empty():
        stub.arrived.get_nowait()
    frame = msgspec.msgpack.encode([stub.quote(marked=True, number=number)])
    written_ns = time.perf_counter_ns()
    await stub.feeds[key].send_bytes(frame)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                sender, at_ns = await stub.arrived.get()
                if sender == key:
                    return at_ns - written_ns
    return None


async def _send(stub: Stub, key: str, quote: dict[str, Any]) -> None:
    await stub.feeds[key].send_bytes(msgspec.msgpack.encode([quote]))


def _commit(bare: Any) -> int:
    began_ns = time.perf_counter_ns()
    bare.write(bytes(4_096))
    os.fdatasync(bare.fileno())
    return time.perf_counter_ns() - began_ns


def _spread(times: list[float]) -> dict[str, float]:
    if len(times) < 2:  # noqa: PLR2004 - nothing to be said of one
        raise SystemExit("no orders came; look at the log that the trader wrote, with --scratch")
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p90": round(cuts[89], 3), "p99": round(cuts[98], 3), "max": round(max(times), 3)}


# Ingest.


async def _ingest(stub: Stub, folder: Path, trader: subprocess.Popen[bytes], quotes: int) -> dict[str, Any]:
    """Write quotes as fast as the trader takes them; count what its log has, and the processor time that it took."""
    frames = quotes // BURST
    prepared = [
        msgspec.msgpack.encode([stub.quote(marked=False, number=frame * BURST + place) for place in range(BURST)]) for frame in range(64)
    ]
    logged, bytes_before = _records(folder), _bytes(folder)
    before_s, began = _processor_s(trader.pid), time.monotonic()
    for frame in range(frames):
        await stub.feeds[TRADER].send_bytes(prepared[frame % len(prepared)])
    wanted = frames * BURST
    await _until(lambda: _bytes(folder) - bytes_before >= wanted * RECORD_BYTES, trader, 120.0)
    wall_s, used_s = time.monotonic() - began, _processor_s(trader.pid) - before_s
    taken = _records(folder) - logged
    return {
        "ingest": {
            "sent": wanted,
            "logged": taken,
            "wall_s": round(wall_s, 2),
            "processor_s": round(used_s, 2),
            "quotes_per_second_of_a_core": round(taken / used_s),
            "quotes_per_second_of_wall": round(taken / wall_s),
        }
    }


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "home" / "log").glob("*.seg"))


def _records(folder: Path) -> int:
    return sum(entry.count for entry in read(folder / "home" / "log").entries() if entry.kind is EntryKind.RECORDS)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The answer.


def _told(figures: dict[str, Any]) -> list[str]:
    trader, bot, disk = figures["trader_ms"], figures["bot_ms"], figures["disk_ms"]
    above = trader["p99"] - disk["p99"]
    rows = {"tidegate, log and outbox durable": trader, "alpaca-py, nothing durable": bot, "fdatasync of 4 KiB there": disk}
    lines = [
        f"{figures['quotes_each']} marked quotes each, {figures['unanswered']} of them without an order",
        "milliseconds from the quote's frame to the order's bytes:",
        *(f"  {name:<34} p50 {row['p50']:8.3f}  p90 {row['p90']:8.3f}  p99 {row['p99']:8.3f}" for name, row in rows.items()),
        f"  p50 {trader['p50'] / bot['p50']:.2f} times the bare bot's",
        _target("p50 at most 1 ms", f"{trader['p50']:.3f} ms", trader["p50"] <= TARGET_P50_MS),
        _target("p99 at most 2 ms above the disk's own", f"{above:.3f} ms above", above <= TARGET_ABOVE_DISK_MS),
        _target("p50 below the bare bot's", f"{trader['p50']:.3f} against {bot['p50']:.3f} ms", trader["p50"] < bot["p50"]),
    ]
    if ingest := figures.get("ingest"):
        rate = ingest["quotes_per_second_of_a_core"]
        lines.append(
            f"{ingest['sent']:,} quotes sent, {ingest['logged']:,} logged, {ingest['wall_s']} s, {ingest['processor_s']} s of a core"
        )
        lines.append(_target("250,000 quotes/s on one core, logged", f"{rate:,}/s", rate >= TARGET_QUOTES))
    return lines


def _target(what: str, measured: str, met: bool) -> str:  # noqa: FBT001 - reads well where it is called
    return f"  {'met' if met else 'NOT met'}: {what} ({measured})"


if __name__ == "__main__":
    main()
