"""No exit asks for more than the gate lets out: an exit that is refused for its price is a position that nobody can leave."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.kit import LIMITS
from tests.engine.scene import Scene, commands, of, only
from tests.engine.test_exiting import BUY
from tidegate.events.acts import OrderCommand, RequestMoved, RiskDecision
from tidegate.events.inputs import OperatorRequested
from tidegate.strategies.plan import Distance, Plan, atr, bps
from tidegate.values.enums import CommandKind, GateScope, OrderEventKind, RequestStage, RequestVerb, Verdict

NARROW: dict[str, Any] = LIMITS | {"exit_collar_bps_max": 200, "blind_collar_bps_max": 500}
CENT = 10_000_000


def slipping(slippage: Distance, *, hold_s: float = 1.0) -> Scene:
    """A scene whose exits may go so far through the touch, with five shares held."""

    def replan(plan: Plan) -> Plan:
        return replace(plan, exits=replace(plan.exits, slippage=slippage))

    scene = Scene(seconds=True, limits=NARROW, hold_s=hold_s, replan=replan)
    scene.answers(BUY)
    scene.quote(7_100)
    scene.bought()
    return scene


def left(scene: Scene, bid: int = 2_000, ask: int = 2_001) -> OrderCommand:
    return only(scene.quote(8_500, bid, ask), CommandKind.SUBMIT)


@pytest.mark.req("B2.4", "B3.1")
def test_every_round_of_a_flatten_stays_within_the_collar_of_exits() -> None:
    scene = slipping(bps(20.0), hold_s=0.0)
    request = OperatorRequested(
        event_id="r",
        timestamp=scene.engine.now_ns,
        symbol="",
        strategy_id="",
        correlation_id="r",
        request_id="r",
        verb=RequestVerb.FLATTEN,
        scope=GateScope.GLOBAL,
        key="",
        requester="user:a",
        reason="enough",
    )
    acts, limits = scene.tell(request), []
    for at_ms in range(8_000, 20_000, 500):
        for command in commands(acts, CommandKind.SUBMIT):
            limits.append(command.limit_price_nanos // CENT)
            scene.say(command, OrderEventKind.CANCELED)
        acts = scene.quote(at_ms)
    assert limits[:3] == [1_975, 1_960, 1_960], "wider from round to round, up to the collar"
    assert len(limits) > 4
    assert RequestStage.STUCK not in {moved.stage for moved in of(scene.acts, RequestMoved)}


@pytest.mark.req("A2.1", "B3.1")
def test_a_plan_that_would_slip_beyond_the_collar_leaves_at_the_collar() -> None:
    assert left(slipping(bps(300.0))).limit_price_nanos == 1_960 * CENT


@pytest.mark.req("A2.1")
def test_an_exit_may_slip_by_average_true_ranges() -> None:
    scene = slipping(atr(2.0))
    scene.core.host.table("symbols")["atr"] = 0.05
    assert left(scene).limit_price_nanos == 1_990 * CENT


@pytest.mark.req("A2.1", "B3.1")
def test_an_exit_from_a_market_gone_wide_is_no_further_from_the_last_good_price_than_the_gate_allows() -> None:
    scene = slipping(bps(20.0), hold_s=0.0)
    command = left(scene, bid=1_801, ask=2_200)
    assert command.limit_price_nanos == 1_901 * CENT, "the mid less 500 bps: the touch lies beyond"
    assert all(decision.verdict is Verdict.APPROVED for decision in of(scene.acts, RiskDecision))
