"""Outside of a venue's hours, and while it has halted a symbol, exits wait or fail without a reason to give them up."""

from typing import Any

import numpy as np
import pytest

from tests.contract.kit import LIMITS
from tests.contract.markets import START_NS
from tests.engine.scene import HEAD, MS, Scene, commands, of, only
from tests.engine.test_exiting import BUY, EXIT
from tidegate.events.acts import AttentionRaised, GateChanged, NothingDone, RequestMoved
from tidegate.events.base import Act
from tidegate.events.inputs import OperatorRequested, SessionChanged
from tidegate.events.records import RECORD, STATUS, STATUS_HALT, STATUS_RESUME
from tidegate.values.enums import CommandKind, GateScope, OrderEventKind, RequestStage, RequestVerb, Side
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("B4.3", "A2.1")
HOUR_MS = 3_600_000


def hours(scene: Scene, day: str, open_ms: int, close_ms: int) -> None:
    opens, closes = START_NS + open_ms * MS, START_NS + close_ms * MS
    head = HEAD | {"timestamp": scene.engine.now_ns}
    scene.tell(SessionChanged(**head, venue="sim", day=day, pre_open_ns=opens, open_ns=opens, close_ns=closes, post_close_ns=closes))


def wait(scene: Scene, until_ms: int) -> list[Act]:
    """Let hours pass."""
    found: list[Act] = []
    for at_ms in range(scene.now_ms, until_ms, HOUR_MS // 4):
        found += scene.wait(min(at_ms + HOUR_MS // 4, until_ms))
    return found


def overnight(**params: Any) -> Scene:
    """Five shares held when the venue closes at 8 s; their time is up at 9.1 s."""
    scene = Scene(quotes=True, hold_s=2.0, limits=LIMITS, **params)
    hours(scene, "2100-01-04", 0, 8_000)
    scene.answers(BUY)
    scene.quote(7_100)
    scene.bought()
    scene.quote(8_050)
    return scene


def test_an_exit_that_is_due_overnight_goes_out_when_the_venue_opens_and_halts_nothing() -> None:
    scene = overnight()
    acts = wait(scene, HOUR_MS)
    assert commands(acts, CommandKind.SUBMIT) == []
    told = [act.reason for act in of(acts, NothingDone)]
    assert told[0] == "the venue is closed, so the exit waits until it opens: held as long as the plan allows"
    assert len(told) <= 61, "looked at once a minute"
    hours(scene, "2100-01-05", 2 * HOUR_MS, 9 * HOUR_MS)
    assert commands(wait(scene, 2 * HOUR_MS - 1), CommandKind.SUBMIT) == []
    assert only(scene.wait(2 * HOUR_MS), CommandKind.SUBMIT).side is Side.SELL
    assert of(scene.acts, GateChanged) == []


def test_a_strategy_that_wants_to_leave_while_the_venue_is_closed_waits_too() -> None:
    scene = overnight()
    scene.answers(EXIT)
    acts = scene.quote(9_050)
    assert commands(acts, CommandKind.SUBMIT) == []
    assert "the venue is closed, so the exit waits until it opens: leave" in [act.reason for act in of(acts, NothingDone)]


@pytest.mark.req("B2.4")
def test_a_flatten_at_night_sends_nothing_until_the_venue_opens_and_then_all_of_it() -> None:
    scene = overnight()
    ask: dict[str, Any] = {"request_id": "r", "verb": RequestVerb.FLATTEN, "scope": GateScope.GLOBAL, "key": ""}
    acts = scene.tell(OperatorRequested(**HEAD | {"timestamp": scene.engine.now_ns}, **ask, requester="ann", reason="enough"))
    acts += wait(scene, HOUR_MS)
    assert commands(acts, CommandKind.SUBMIT) == []
    moved = of(acts, RequestMoved)
    assert (moved[-1].stage, moved[-1].note) == (RequestStage.STUCK, "the venue is closed; it goes on when it opens")
    assert len(moved) < 70
    hours(scene, "2100-01-05", 2 * HOUR_MS, 9 * HOUR_MS)
    wait(scene, 2 * HOUR_MS - 1)
    sold = only(scene.quote(2 * HOUR_MS), CommandKind.SUBMIT)
    scene.say(sold, OrderEventKind.FILLED, filled=5, total=5)
    assert of(scene.acts, RequestMoved)[-1].stage is RequestStage.DONE


def test_a_day_that_nobody_told_keeps_no_exit_back() -> None:
    scene = overnight()
    assert commands(wait(scene, 12 * HOUR_MS), CommandKind.SUBMIT) == []
    assert commands(scene.wait(12 * HOUR_MS + 70_000), CommandKind.SUBMIT) != []


def status(scene: Scene, at_ms: int, code: int) -> None:
    scene.wait(at_ms)
    row = np.zeros(1, RECORD)
    row["ts_event"] = row["ts_recv"] = START_NS + at_ms * MS
    row["kind"], row["a"] = STATUS, code
    assert scene.engine.feed(row.view(np.uint8), 0, 1, NEVER_NS) == 1


def test_exits_that_fail_while_the_venue_has_halted_the_symbol_do_not_halt_it_for_good() -> None:
    scene = Scene(seconds=True, hold_s=1.0)
    scene.answers(BUY)
    scene.quote(7_100)
    scene.bought()
    status(scene, 7_500, STATUS_HALT)
    sent = 0
    for at_ms in range(8_000, 308_000, 1_000):
        for command in commands(scene.wait(at_ms), CommandKind.SUBMIT):
            sent += 1
            scene.say(command, OrderEventKind.CANCELED)
    assert 10 < sent < 100
    assert of(scene.acts, GateChanged) == []
    status(scene, 308_500, STATUS_RESUME)
    assert commands(scene.quote(313_000), CommandKind.SUBMIT) != []
    assert of(scene.acts, AttentionRaised)
