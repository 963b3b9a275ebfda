"""What somebody else trades on the account: it stands in the way of entries, and takes no way out that is left."""

from typing import Any

import pytest

from tests.engine.scene import HEAD, Scene, commands, of, only
from tidegate.events.acts import RiskDecision
from tidegate.events.inputs import OperatorRequested, ReportedExecution, ReportedOrder, ReportedPosition, VenueReported
from tidegate.portfolio.periods import Period
from tidegate.portfolio.positions import Fill
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, GateScope, OrderEventKind, OrderState, ReportCause, RequestVerb, Side, Verdict
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("B2.3", "B1.3", "B3.1")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)


def sold_by_hand(scene: Scene, shares: int) -> None:
    """Let the venue report that somebody else sold."""
    by_hand = ReportedExecution(
        execution_id="e1",
        client_order_id="by-hand",
        venue_order_id="v9",
        symbol="AAA",
        side=Side.SELL,
        quantity_nanos=shares * NANOS,
        price_nanos=20 * NANOS,
        ts_venue=scene.engine.now_ns,
    )
    reported(scene, executions=(by_hand,))


def reported(scene: Scene, **parts: Any) -> None:
    """Let the venue report what somebody else did, and a person resume the symbol."""
    now_ns = scene.engine.now_ns
    scene.tell(VenueReported(timestamp=now_ns, venue="sim", cause=ReportCause.PERIODIC, began_ns=now_ns, ended_ns=now_ns, **parts, **HEAD))
    resume: dict[str, Any] = {"verb": RequestVerb.RESUME, "scope": GateScope.SYMBOL, "key": "AAA", "requester": "ann", "reason": "seen"}
    scene.tell(OperatorRequested(timestamp=now_ns, request_id="r1", **resume, **HEAD))


def test_an_entry_against_what_somebody_else_holds_is_refused_for_its_exit_could_not_be_proved_to_reduce() -> None:
    scene = Scene(seconds=True, hold_s=1.0)
    sold_by_hand(scene, 3)
    scene.answers(BUY)
    acts = scene.quote(7_100)
    assert commands(acts, CommandKind.SUBMIT) == []
    (refused,) = [act for act in of(acts, RiskDecision) if act.verdict is Verdict.REFUSED]
    assert refused.sentence == "The entry was refused because the entry goes against a position of -3 that nobody here ordered."


@pytest.mark.req("B3.2")
@pytest.mark.parametrize("cost_usd", [5, 35])
def test_a_position_that_is_taken_over_is_neither_gain_nor_loss_whatever_it_once_cost(cost_usd: int) -> None:
    scene = Scene(seconds=True)
    held = ReportedPosition(symbol="AAA", quantity_nanos=10 * NANOS, average_price_nanos=cost_usd * NANOS)
    for at_ms in (7_000, 13_000):
        scene.quote(at_ms)
        reported(scene, positions=(held,))
    assert scene.core.portfolio.book("AAA").net_nanos == 10 * NANOS
    losses, worth = scene.core.in_trade.losses, scene.engine.equity_attos()
    assert losses.opened == dict.fromkeys(Period, worth)
    assert losses.peak == worth


def test_somebody_elses_working_order_does_not_hide_another_strategys_position() -> None:
    scene = Scene(seconds=True, rival=True)
    working = ReportedOrder(
        client_order_id="by-hand",
        venue_order_id="v9",
        symbol="AAA",
        side=Side.BUY,
        state=OrderState.ACCEPTED,
        quantity_nanos=NANOS,
        limit_price_nanos=10 * NANOS,
    )
    reported(scene, orders=(working,))
    held = Fill(strategy_id="two", symbol="AAA", side=Side.BUY, quantity_nanos=NANOS, cost_attos=0, fee_attos=0)
    scene.core.portfolio.fold_fill(held)
    scene.answers(BUY)
    scene.quote(7_100)
    refused = of(scene.acts_since_answer(), RiskDecision)[0]
    assert "another strategy holds or works the symbol" in refused.sentence


def test_somebody_who_trades_against_an_entry_under_way_does_not_keep_the_rest_of_it_from_being_closed() -> None:
    scene = Scene(seconds=True, hold_s=1.0)
    scene.answers(BUY)
    scene.quote(7_100)
    sold_by_hand(scene, 3)
    scene.bought()
    leaving = only(scene.wait(8_500), CommandKind.SUBMIT)
    assert (leaving.side, leaving.quantity_nanos) == (Side.SELL, 2 * NANOS), "the account holds two of the five"
    scene.say(leaving, OrderEventKind.FILLED, filled=2, total=2)
    for at_ms in range(9_000, 20_000, 100):
        assert commands(scene.quote(at_ms), CommandKind.SUBMIT) == [], "to sell more would open a short position of the account"
    refused = [act for act in of(scene.acts, RiskDecision) if act.verdict is Verdict.REFUSED]
    assert "only 0 may be reduced" in refused[-1].sentence
