"""Leaving: what still works of an entry ends with the position, an exit is tried again with patience, time never stands still."""

from itertools import pairwise
from typing import Any

import pytest

from tests.contract.kit import LIMITS
from tests.contract.markets import START_NS
from tests.engine.scene import Scene, commands, of, only
from tidegate.events.acts import AttentionRaised, GateChanged, NothingDone, RiskDecision, TradeIntent
from tidegate.events.inputs import EventListed
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import (
    AttentionKind,
    CommandKind,
    GateState,
    OrderEventKind,
    Purpose,
    Side,
    Verdict,
)
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("A2.1", "B1.3")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)
EXIT = Intent(side=Side.SELL, reason="leave", purpose=Purpose.EXIT)


def entered(**params: Any) -> Scene:
    """A scene in which five shares are held, entered at the second that closed last."""
    scene = Scene(seconds=True, **params)
    scene.answers(BUY)
    scene.quote(7_100)
    scene.bought()
    return scene


def test_an_exit_ends_the_chase_of_its_own_entry() -> None:
    scene = Scene(seconds=True, chase=True, hold_s=0.6)
    scene.answers(BUY)
    entry = only(scene.quote(7_000), CommandKind.SUBMIT)
    scene.say(entry, OrderEventKind.ACCEPTED)
    scene.say(entry, OrderEventKind.PARTIALLY_FILLED, filled=2, total=2)
    announced = only(scene.wait(7_400), CommandKind.CANCEL)
    assert announced.chain == entry.chain + 1, "its rest is to be chased"
    leaving = scene.wait(7_700)
    assert only(leaving, CommandKind.CANCEL).chain == entry.chain, "nothing is to be chased any more"
    assert only(leaving, CommandKind.SUBMIT).side is Side.SELL
    assert commands(scene.say(entry, OrderEventKind.CANCELED, total=2), CommandKind.SUBMIT) == []


def test_a_strategy_that_exits_with_nothing_to_exit_is_told_so_and_may_enter_again() -> None:
    scene = Scene(trigger=True, every=2)
    assert of(scene.acts, AttentionRaised)
    scene.answers(EXIT)
    for at_ms in range(6_500, 8_000, 100):
        scene.quote(at_ms)
    told = [act.reason for act in of(scene.acts_since_answer(), NothingDone)]
    assert "nothing is left to exit: leave" in told
    assert scene.own("armed_at_ns") < NEVER_NS


def test_an_exit_that_keeps_failing_waits_longer_each_time_and_halts_the_symbol_in_the_end() -> None:
    scene = entered(hold_s=1.0)
    sent = []
    for at_ms in range(8_000, 60_000, 100):
        for command in commands(scene.quote(at_ms), CommandKind.SUBMIT):
            sent.append(at_ms)
            scene.say(command, OrderEventKind.CANCELED)
    waits = [after - before for before, after in pairwise(sent)]
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]
    halted = of(scene.acts, GateChanged)
    assert [(gate.key, gate.after) for gate in halted] == [("AAA", GateState.HALTED)]
    assert halted[0].reason.startswith("5 exits in a row of AAA failed")
    refused = [d for d in of(scene.acts, RiskDecision) if d.verdict is Verdict.REFUSED]
    assert {d.refusals for d in refused} == {("gate_state",)}


def test_exits_go_on_at_the_last_good_price_when_the_market_is_gone() -> None:
    scene = entered(hold_s=30.0)
    acts = scene.wait(60_000)
    exits = [act for act in of(acts, TradeIntent) if act.purpose is Purpose.EXIT]
    assert exits[0].sizing.endswith("no fresh quote, so the last good price less a collar")
    assert exits[0].limit_price_nanos < 2_000 * 10_000_000
    assert scene.engine.next_due() > scene.engine.now_ns


def test_a_position_is_left_once_however_many_reasons_there_are() -> None:
    scene = entered(hold_s=1.0)
    leaving = scene.quote(8_500, 1_990, 1_991)
    assert len(commands(leaving, CommandKind.SUBMIT)) == 1
    scene.answers(EXIT)
    assert commands(scene.quote(9_050, 1_989, 1_990), CommandKind.SUBMIT) == []


def test_listed_events_that_overlap_keep_a_symbol_newsy_until_the_last_is_over() -> None:
    scene = Scene(seconds=True)

    def listed(at_ms: int, until_ms: int) -> None:
        from_ns, until_ns = START_NS + at_ms * 1_000_000, START_NS + until_ms * 1_000_000
        head: dict[str, Any] = {"event_id": "", "strategy_id": "", "correlation_id": "", "title": "test"}
        scene.tell(EventListed(symbol="AAA", timestamp=from_ns, from_ns=from_ns, until_ns=until_ns, **head))

    scene.quote(7_000)
    listed(7_000, 20_000)
    scene.quote(8_100)
    listed(8_100, 9_000)
    scene.answers(BUY)
    decision = of(scene.quote(12_050), RiskDecision)[0]
    assert "no_news" in decision.refusals


@pytest.mark.parametrize("wake", ["quotes", "seconds"])
def test_declining_does_not_make_a_strategy_wait(wake: str) -> None:
    """`refusal_cooldown` is for a refusal or an unfilled entry; one who is asked at every quote declines at most of them."""
    wakes: dict[str, Any] = {wake: True}
    scene = Scene(**wakes)
    for at_ms in range(6_100, 7_000, 100):
        scene.quote(at_ms)
    scene.answers(BUY)
    decision = of(scene.quote(7_050), RiskDecision)[0]
    assert decision.verdict is Verdict.APPROVED, decision.sentence


def test_declining_does_not_cut_a_cooldown_short() -> None:
    scene = Scene(trigger=True, every=2, declines=0, timer_s=1.0, loss_cooldown_s=20.0, cooldown_s=20.0)
    scene.answers(BUY)
    for at_ms in range(6_500, 7_500, 100):
        scene.quote(at_ms)
    scene.bought()
    scene.now_ms = 7_600
    leaving = scene.quote(7_600, 1_990, 1_991)
    exit_order = only(leaving, CommandKind.SUBMIT)
    scene.say(exit_order, OrderEventKind.FILLED, filled=5, total=5, price=1_990)
    armed_ns = scene.own("armed_at_ns")
    assert armed_ns == scene.engine.now_ns + 20_000_000_000
    for at_ms in range(7_700, 12_000, 100):
        scene.quote(at_ms, 1_990, 1_991)
    assert scene.own("armed_at_ns") == armed_ns
    kinds = [act.kind for act in of(scene.acts, AttentionRaised)]
    assert AttentionKind.TIMER in kinds


def test_a_strategy_that_asks_to_leave_at_every_quote_is_as_patient_as_a_level() -> None:
    """Without the pause five refusals within a quarter of a second would halt the symbol, and with it the way out."""
    scene = Scene(quotes=True, limits=LIMITS | {"exit_repeat": "250ms"})
    scene.answers(BUY)
    scene.quote(7_000)
    scene.bought()
    sent = []
    for at_ms in range(7_050, 9_500, 50):
        scene.answer = EXIT
        for command in commands(scene.quote(at_ms), CommandKind.SUBMIT):
            sent.append(at_ms)
            scene.say(command, OrderEventKind.CANCELED)
    assert sent == [7_050, 7_550, 8_550]
    assert of(scene.acts, GateChanged) == []
    assert "an exit was tried a moment ago: leave" in [act.reason for act in of(scene.acts, NothingDone)]
