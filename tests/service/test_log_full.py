"""A log whose queue was full once misses an input: the trader goes on for cancels, and claims nothing of that log."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.service.making import Office
from tidegate.control.home import Home
from tidegate.journal.errors import LogBehindError
from tidegate.service.trader import Trader
from tidegate.values.errors import TidegateError

pytestmark = [pytest.mark.req("B1.2"), pytest.mark.asyncio]


class FullLog:
    """Lives, and has no room."""

    def __init__(self) -> None:
        self.failed: TidegateError | None = None
        self.told: list[str] = []

    def snapshot(self, _snapshot: object) -> None:
        self.told.append("snapshot")

    async def close(self, *, state_sha256: str) -> None:
        self.told.append(f"sealed {state_sha256}")

    def abandon(self) -> None:
        self.told.append("abandoned")


async def nothing(*_: object) -> None:
    pass


@pytest.fixture
def trader(tmp_path: Path) -> Any:
    office = Office()
    live = SimpleNamespace(snapshot_inputs=1)
    wish: Any = SimpleNamespace(
        setup=SimpleNamespace(live=live, venue="sim"), mode="paper", home=Home(tmp_path), time=SimpleNamespace(wall=office.clock), beat=None
    )
    made = Trader(wish, office.told.append)
    made.desk = office.desk
    made.log = FullLog()  # type: ignore[assignment]  # what a trader asks of a log at these places
    office.desk.sequencer.log_failed = LogBehindError("It had no room.")
    return made


async def test_no_snapshot_is_taken_of_what_the_log_does_not_hold(trader: Any) -> None:
    trader._keep_snapshot(trader.desk)
    assert trader.log.told == []


async def test_it_is_left_as_a_crash_would_leave_it_and_not_sealed(trader: Any) -> None:
    hands: Any = SimpleNamespace(settle=nothing, close_chain=nothing)
    await trader._end(hands, trader.log, SimpleNamespace(give_back=nothing), SimpleNamespace(close=nothing))
    assert trader.log.told == ["abandoned"]
