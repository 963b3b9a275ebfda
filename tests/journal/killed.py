"""A log whose writers are killed: `python -m tests.journal.killed DIR KILLS SEED`. Exits 0 if nothing durable was ever lost.

Each round forks a process that continues the log and reports every n that became durable; it is killed after a drawn number
of reports. Then the log is read: every reported input must be there with its acts, and the log whole but for its torn end.
"""

import asyncio
import os
import signal
import struct
import sys
from pathlib import Path
from random import Random

from tests.events.examples import session_opened
from tests.journal.making import market_records
from tidegate.journal import EntryKind, NotALogError, check, read
from tidegate.journal.live import LiveLog
from tidegate.journal.settings import LiveSettings

REPORT = struct.Struct("<q")
SETTINGS = LiveSettings(segment_bytes_max=60_000, block_bytes_max=2_000, sync_every_ns=1_000_000)


def act_of(n: int) -> bytes:
    return b"act of %d " % n * 8


async def write_for_ever(directory: Path, session: str, seed: int, pipe: int) -> None:
    """Write records, inputs and acts; report each n once it is durable."""
    draw = Random(seed)
    log = LiveLog(directory, session_opened(session_id=session), SETTINGS)
    await log.opened()
    n = 0
    while True:
        count = draw.randrange(1, 40)
        log.records(n + 1, market_records(count, first=n))
        n += count
        log.act(n, 1, act_of(n))
        log.evidence(b"raw" * draw.randrange(50))
        log.input(n + 1, b"input")
        n += 1
        log.act(n, 1, act_of(n))
        log.judged(n)
        if draw.random() < 0.5:
            await log.wait_durable(n)
            os.write(pipe, REPORT.pack(log.durable_n))


def reported_before_its_kill(directory: Path, session: str, draw: Random) -> int:
    """Run one writer, kill it somewhere, return the newest n that it reported durable; -1: none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        asyncio.run(write_for_ever(directory, session, draw.randrange(1 << 30), writing))
    os.close(writing)
    newest, left = -1, draw.choice((0, 0, 1, 2, 5, 20, 60))
    with os.fdopen(reading, "rb") as pipe:
        while left and (data := pipe.read(REPORT.size)):
            newest, left = int(REPORT.unpack(data)[0]), left - 1
        for _ in range(draw.randrange(2_000)):  # somewhere within what it does next
            pass
        os.kill(child, signal.SIGKILL)
        rest = pipe.read()
    os.waitpid(child, 0)
    reports: list[int] = [n for (n,) in REPORT.iter_unpack(rest[: len(rest) // 8 * 8])]
    return max([newest, *reports])


def is_all_there(directory: Path, session: str, durable_n: int) -> bool:
    """Say whether every input up to n stands in the log with its acts."""
    try:
        damage = check(directory)
        reader = read(directory)
    except NotALogError:
        return durable_n < 0
    if damage is not None and not damage.torn:
        return False
    if reader.opening.session_id != session:
        return durable_n < 0
    taken, acts = set[int](), {}
    for entry in reader.entries(reader.sessions[-1].number):
        if entry.kind in {EntryKind.INPUT, EntryKind.RECORDS}:
            taken.update(range(entry.n, entry.n + entry.count))
        elif entry.kind is EntryKind.ACT:
            acts[entry.n] = bytes(entry.payload)
    whole = all(n in taken for n in range(1, durable_n + 1)) and all(body == act_of(n) for n, body in acts.items())
    return whole and reader.judged_to >= durable_n and (durable_n < 1 or durable_n in acts)


def main() -> None:
    directory, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    draw, reported = Random(seed), 0
    for kill in range(kills):
        session = f"kill{kill}"
        durable_n = reported_before_its_kill(directory, session, draw)
        reported += durable_n > 0
        if not is_all_there(directory, session, durable_n):
            sys.exit(f"kill {kill} of seed {seed}: input {durable_n} was reported durable and is not whole in the log")
    sys.stdout.write(f"{kills} kills, {reported} of them after something was durable, {len(read(directory).sessions)} sessions stand")


if __name__ == "__main__":
    main()
