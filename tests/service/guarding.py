"""A supervisor over real, small processes, in the loop of a test."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tests.conftest import ROOT
from tidegate.clock.clock import WallClock
from tidegate.service.brake import Brake
from tidegate.service.children import Announced, ChildSpec
from tidegate.service.restarts import RestartPolicy
from tidegate.service.secrecy import Secret
from tidegate.service.supervisor import Plan, Supervisor
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

WAIT_S = 60.0
QUICK = RestartPolicy(pause_first_ns=20 * MILLISECOND_NS, pause_max_ns=50 * MILLISECOND_NS, stop_ns=30 * SECOND_NS, per_hour_max=3)
KEYS = {"ALPACA_PAPER_API_KEY": Secret("PKabcdefgh"), "ALPACA_PAPER_API_SECRET": Secret("paper-secret")}


def environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}


def script(code: str) -> Sequence[str]:
    return [sys.executable, "-c", code]


def child(name: str, code: str, *, policy: RestartPolicy = QUICK, announces: bool = False) -> ChildSpec:
    return ChildSpec(name, lambda _: script(code), policy=policy, announces=announces)


def trader(home: Path, behavior: str = "", *, policy: RestartPolicy = QUICK, keys: Mapping[str, Secret] = KEYS) -> ChildSpec:
    argv = [sys.executable, "-m", "tests.service.fake_trader", str(home), behavior]
    return ChildSpec("trader", lambda _: argv, keys=keys, beats=True, policy=policy)


class Service:
    """A supervisor that runs, and everything it said."""

    def __init__(
        self,
        home: Path,
        children: Sequence[ChildSpec],
        brake: Callable[[Announced], AbstractAsyncContextManager[Brake]] | None = None,
    ) -> None:
        self.home = home
        self.said = bytearray()
        plan = Plan(home, children, brake, environment(), self.said.extend)
        self.supervisor = Supervisor(plan, WallClock())
        self.ending: asyncio.Task[int] = asyncio.create_task(self.supervisor.run())

    @property
    def text(self) -> str:
        return self.said.decode()

    def notes(self) -> list[tuple[int, str]]:
        """What fake traders noted: process id and words."""
        path = self.home / "notes"
        if not path.exists():
            return []
        return [(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in path.read_text().splitlines()]

    def ready(self) -> list[int]:
        """The process ids of the traders that became ready, in order."""
        return [pid for pid, words in self.notes() if words == "ready"]

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, lambda: f"{self.text}\n{self.notes()}")

    async def end(self) -> int:
        self.supervisor.stop("test")
        return await asyncio.wait_for(self.ending, WAIT_S)


@asynccontextmanager
async def service(
    home: Path, *children: ChildSpec, brake: Callable[[Announced], AbstractAsyncContextManager[Brake]] | None = None
) -> AsyncIterator[Service]:
    running = Service(home, children, brake)
    try:
        yield running
    finally:
        if not running.ending.done():
            running.ending.cancel()
            await asyncio.wait([running.ending])


async def until(condition: Callable[[], object], told: Callable[[], str] = str) -> None:
    """Wait for what another process brings about; the bound is no expectation, only an end."""
    for _ in range(int(WAIT_S / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"what was waited for did not happen: {told()}")
