"""Entries that follow the market: judged like any other, one at a time, as far as the plan goes, and over with the position."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.kit import LIMITS
from tests.engine.scene import HEAD, Scene, commands, of, only
from tidegate.events.acts import NothingDone, OrderCommand, RiskDecision, StrategyFaulted, TradeIntent
from tidegate.events.inputs import GateSet
from tidegate.strategies.plan import PartialFillRule, Plan
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderEventKind, PartialFillPolicy, Side, Verdict
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("G1")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)
CENT = NANOS // 100


def following(plan: Plan) -> Plan:
    """The scene's plan, following every second, 20 basis points (4 cents of $20) and three times at most."""
    entry = replace(plan.entry, follow_ns=SECOND_NS, follow_bps_max=20, follows_max=3)
    return replace(plan, entry=entry, partial_fill=PartialFillRule(policy=PartialFillPolicy.KEEP))


def resting(*, side: Side = Side.BUY, **params: Any) -> tuple[Scene, OrderCommand]:
    """A scene whose entry of five shares rests at the near side: $20.00 bid, $20.01 asked."""
    scene = Scene(seconds=True, passive=True, replan=following, **params)
    scene.answers(replace(BUY, side=side))
    entry = only(scene.quote(7_000), CommandKind.SUBMIT)
    scene.say(entry, OrderEventKind.ACCEPTED)
    return scene, entry


def replacing(scene: Scene, at_ms: int, bid: int) -> OrderCommand:
    """The market moves, and time passes: the replacement that follows."""
    found = scene.quote(at_ms, bid, bid + 1)
    return only(found + scene.wait(at_ms + 1_000), CommandKind.REPLACE)


@pytest.mark.parametrize(("side", "first", "then"), [(Side.BUY, 2_000, 2_004), (Side.SELL, 2_001, 1_997)])
def test_an_entry_that_the_market_left_is_replaced_at_the_near_side(side: Side, first: int, then: int) -> None:
    scene, entry = resting(side=side)
    assert entry.limit_price_nanos == first * CENT
    assert commands(scene.wait(8_100), CommandKind.REPLACE) == [], "the market stands where the order does"
    bid = then if side is Side.BUY else then - 1
    command = replacing(scene, 8_200, bid)
    assert (command.target_id, command.chain, command.limit_price_nanos) == (entry.client_order_id, 1, then * CENT)
    assert command.quantity_nanos == entry.quantity_nanos
    wanted, verdict = of(scene.acts, TradeIntent)[-1], of(scene.acts, RiskDecision)[-1]
    assert (verdict.intent_id, verdict.verdict) == (wanted.event_id, Verdict.APPROVED)
    assert wanted.reason == f"follow the market from {first / 100:.2f} to {then / 100:.2f}".replace("20.00", "20")
    assert wanted.stop_distance_nanos == of(scene.acts, TradeIntent)[0].stop_distance_nanos > 0


def test_it_follows_so_far_and_so_often_and_no_further() -> None:
    scene, order = resting()
    for number, (bid, limit) in enumerate(((2_003, 2_003), (1_998, 1_998), (2_006, 2_004)), start=1):
        command = replacing(scene, 7_000 + 2_000 * number, bid)
        assert command.limit_price_nanos == limit * CENT
        scene.say(replace(order, target_id=""), OrderEventKind.REPLACED)
        scene.say(replace(command, target_id=""), OrderEventKind.ACCEPTED)
        order = command
    scene.quote(15_500, 2_001, 2_002)
    assert of(scene.wait(20_000), TradeIntent) == [], "three times is what the plan allows"


def test_one_replacement_is_on_its_way_at_a_time() -> None:
    scene, _ = resting()
    replacing(scene, 8_200, 2_004)
    scene.quote(9_500, 2_006, 2_007)
    assert commands(scene.wait(13_000), CommandKind.REPLACE) == []


def test_it_is_no_further_entry_of_the_hour() -> None:
    scene, entry = resting(limits=LIMITS | {"entries_per_hour_max": 2})
    command = replacing(scene, 8_200, 2_004)
    scene.say(entry, OrderEventKind.REPLACED)
    scene.say(replace(command, target_id=""), OrderEventKind.FILLED, filled=5, total=5, price=2_004)
    assert scene.core.in_trade.conduct.entries_of("one", "AAA", scene.engine.now_ns) == 1
    assert scene.own("position_nanos") == 5 * NANOS


def test_the_levels_are_counted_from_the_price_it_filled_at() -> None:
    scene, entry = resting()
    command = replacing(scene, 8_200, 2_004)
    scene.say(entry, OrderEventKind.REPLACED)
    scene.say(replace(command, target_id=""), OrderEventKind.FILLED, filled=5, total=5, price=2_004)
    distance = of(scene.acts, TradeIntent)[0].stop_distance_nanos
    assert scene.own("stop_nanos") == 2_004 * CENT - distance


def test_what_the_gate_refuses_leaves_the_order_where_it_is() -> None:
    scene, entry = resting(limits=LIMITS | {"amend_spacing": "1m"})
    scene.quote(8_200, 2_004, 2_005)
    found = scene.wait(9_300)
    assert commands(found, CommandKind.REPLACE) == []
    assert [verdict.verdict for verdict in of(found, RiskDecision)] == [Verdict.REFUSED]
    assert scene.core.orders.find(entry.client_order_id).working
    assert not scene.core.gates.any_closed


def test_behind_a_gate_that_is_not_open_nothing_is_asked() -> None:
    scene, _ = resting()
    scene.tell(
        GateSet(
            **HEAD, timestamp=scene.engine.now_ns, scope=GateScope.GLOBAL, key="", state=GateState.REDUCE_ONLY, reason="t", actor="person"
        )
    )
    scene.quote(8_200, 2_004, 2_005)
    assert of(scene.wait(11_000), TradeIntent) == []


def test_a_partly_filled_entry_stays_where_it_is() -> None:
    scene, entry = resting()
    scene.say(entry, OrderEventKind.PARTIALLY_FILLED, filled=2, total=2, price=2_000)
    scene.quote(8_200, 2_004, 2_005)
    assert commands(scene.wait(12_000), CommandKind.REPLACE) == []


def test_an_exit_cancels_the_replacement_and_what_it_replaces() -> None:
    scene, entry = resting(hold_s=2.0)
    replacing(scene, 8_200, 2_004)
    scene.say(entry, OrderEventKind.PARTIALLY_FILLED, filled=2, total=2, price=2_000)
    left = scene.quote(10_000) + scene.wait(13_000)
    canceled = {command.target_id for command in commands(left, CommandKind.CANCEL)}
    assert len(canceled) == 2
    assert entry.client_order_id in canceled


@pytest.mark.parametrize("last_word", ["original canceled", "replacement refused", "original replaced"])
def test_the_pair_may_enter_again_once_all_of_the_chain_is_over_whichever_word_comes_last(last_word: str) -> None:
    scene = Scene(trigger=True, every=2, style=1, life=1, replan=following)
    scene.answers(BUY)
    for at_ms in range(6_100, 7_000, 100):
        scene.quote(at_ms)
    entry = only(scene.acts_since_answer(), CommandKind.SUBMIT)
    scene.say(entry, OrderEventKind.ACCEPTED)
    command = replacing(scene, 8_200, 2_004)
    successor = replace(command, target_id="")
    assert scene.own("armed_at_ns") == NEVER_NS
    if last_word == "original canceled":
        scene.say(successor, OrderEventKind.REJECTED)
        scene.say(entry, OrderEventKind.CANCELED)
    elif last_word == "replacement refused":
        scene.say(entry, OrderEventKind.CANCELED)
        assert scene.own("armed_at_ns") == NEVER_NS
        scene.say(entry, OrderEventKind.REPLACE_REJECTED)
    else:
        scene.say(successor, OrderEventKind.ACCEPTED)
        scene.say(successor, OrderEventKind.CANCELED)
        assert scene.own("armed_at_ns") == NEVER_NS
        scene.say(entry, OrderEventKind.REPLACED)
    assert scene.own("armed_at_ns") < NEVER_NS


def test_a_decide_that_names_a_limit_for_a_plan_that_follows_is_stopped() -> None:
    scene = Scene(seconds=True, passive=True, replan=following)
    scene.answers(replace(BUY, limit_price=19.5))
    found = scene.quote(7_000)
    assert [act.error for act in of(found, StrategyFaulted)] == [
        "decide returned a limit_price, but entries of its plan follow the market; give up one of the two"
    ]
    assert of(found, TradeIntent) == of(found, NothingDone) == []
