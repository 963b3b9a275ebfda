"""A trader that trades nothing: reads its keys, beats, notes what happens to it, and ends as it is told.

`python -m tests.service.fake_trader HOME [BEHAVIOR] --keys-fd N --beat-fd N`; behaviors: none, `deaf` (ignores SIGTERM),
`stopped` (stops itself once it beats, the first time it is started), `dies` and `refuses` (end as soon as they are ready).
"""

import argparse
import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from tidegate.clock.clock import WallClock
from tidegate.service.heartbeat import Heart, Stage
from tidegate.service.key_pipe import PipeKeys
from tidegate.service.keys import read_paper_key
from tidegate.values.errors import ExitCode

ENDS = {"dies": 70, "refuses": ExitCode.REFUSED}


def note(home: Path, words: str) -> None:
    with (home / "notes").open("a") as file:
        file.write(f"{os.getpid()} {words}\n")


async def trade(home: Path, behavior: str, beat_fd: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, (lambda: None) if behavior == "deaf" else ended.set)

    def orphaned() -> None:
        note(home, "orphaned")
        ended.set()

    heart = Heart(beat_fd, WallClock(), orphaned=orphaned)
    beating = asyncio.create_task(heart.beat_for_ever())
    heart.stage = Stage.READY
    await asyncio.sleep(0)
    note(home, "ready")
    if behavior == "stopped" and (home / "notes").read_text().count("ready") == 1:
        heart.beat()
        os.kill(os.getpid(), signal.SIGSTOP)
    if behavior in ENDS:
        os._exit(ENDS[behavior])
    await ended.wait()
    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating
    note(home, "ended")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("behavior", nargs="?", default="")
    parser.add_argument("--keys-fd", type=int, default=-1)
    parser.add_argument("--beat-fd", type=int)
    given = parser.parse_args()
    if given.keys_fd >= 0:
        note(given.home, f"key {read_paper_key([PipeKeys(given.keys_fd)])!r}")
    asyncio.run(trade(given.home, given.behavior, given.beat_fd))


if __name__ == "__main__":
    main()
