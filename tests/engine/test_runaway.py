"""A stale code path sends child orders without end, as at Knight Capital in 2012: several controls stop it, each of them alone.

The strategy has forgotten what it sent: it asks for the same entry every second and never counts its fills. The venue fills each at once.
"""

from typing import Any

import pytest

from tests.contract.kit import LIMITS
from tests.engine.scene import Scene, commands, of
from tidegate.events.acts import GateChanged, RiskDecision
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, GateState, OrderEventKind, Side, Verdict

pytestmark = pytest.mark.req("B3.1", "B3.2", "B3.6")

SECONDS = 120
BUY = Intent(side=Side.BUY, reason="the parent is not done", quantity=5.0)  # about $100 a time

ALONE: dict[str, tuple[dict[str, Any], int]] = {  # control: what it is set to, and how many child orders it lets through
    "position_quantity": ({"position_quantity_max": 50}, 10),
    "position_notional": ({"position_notional_usd_max": 1_000}, 9),
    "gross_exposure": ({"gross_exposure_usd_max": 1_000}, 9),
    "daily_spend": ({"daily_spend_usd_max": 1_000}, 9),
    "entries_per_hour": ({"entries_per_hour_max": 12}, 12),
    "duplicate_order": ({"duplicate_window": "1h"}, 1),
    "buying_power": ({"buying_power_bps": 100}, 9),
}


def run(**limits: Any) -> Scene:
    """Let it run for two minutes; return the scene."""
    scene = Scene(seconds=True, hold_s=100_000, limits=LIMITS | limits)
    scene.acts.clear()
    for at_ms in range(7_000, 7_000 + SECONDS * 1_000, 500):
        scene.answer = BUY
        for command in commands(scene.quote(at_ms), CommandKind.SUBMIT):
            scene.say(command, OrderEventKind.FILLED, filled=5, total=5)
    return scene


def sent(scene: Scene) -> int:
    return len(commands(scene.acts, CommandKind.SUBMIT))


def test_without_a_control_it_never_ends() -> None:
    assert sent(run()) > SECONDS - 5


@pytest.mark.parametrize("control", ALONE)
def test_each_control_alone_stops_it(control: str) -> None:
    limits, most = ALONE[control]
    scene = run(**limits)
    assert sent(scene) == most
    refused = [act for act in of(scene.acts, RiskDecision) if act.verdict is Verdict.REFUSED]
    closed = [act for act in of(scene.acts, GateChanged) if act.after is not GateState.ACTIVE]
    if control == "entries_per_hour":
        assert closed[0].actor == "rule:entries_per_hour"
        assert closed[0].reason == "12 entries in AAA within an hour, the limit is 12"
    else:
        assert {act.refusals for act in refused} == {(control,)}, "no other control was needed"
        assert len(refused) > SECONDS // 2
        assert closed == []
    position = scene.core.portfolio.book("AAA").net_nanos
    assert position == most * 5 * 10**9, "and what it built is known"


def test_with_all_of_them_the_strictest_is_enough() -> None:
    every: dict[str, Any] = {}
    for limits, _most in ALONE.values():
        every |= limits
    assert sent(run(**every)) == min(most for _limits, most in ALONE.values())
