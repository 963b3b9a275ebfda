"""Narrower limits of a scope hold wherever the account's would: where an entry is cut, and before a stop at the venue is given up."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.kit import LIMITS
from tests.engine.scene import Scene, commands, of, only
from tests.engine.test_exiting import BUY, EXIT
from tests.engine.test_protecting import protected
from tidegate.events.acts import ExitWaits
from tidegate.strategies.plan import EntryStyle, Plan
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, OrderType, Side
from tidegate.values.money import NANOS


def narrowed(**limits: Any) -> list[dict[str, Any]]:
    return [{"strategy": "one", "limits": limits}]


@pytest.mark.req("B3.1", "A4.2")
def test_an_entry_is_cut_to_the_narrower_cap() -> None:
    scene = Scene(seconds=True, sliced=True, scoped=narrowed(order_quantity_max=2))
    scene.answers(BUY)
    sent = commands(scene.quote(7_100), CommandKind.SUBMIT)
    assert [command.quantity_nanos // NANOS for command in sent] == [2, 2, 1]


@pytest.mark.req("A2.1", "B3.1")
def test_a_stop_at_the_venue_is_not_given_up_for_an_exit_that_a_narrower_message_cap_refuses() -> None:
    scene = Scene(quotes=True, at_venue=True, limits=LIMITS, scoped=narrowed(symbol_messages_per_minute_max=3))
    protected(scene)
    scene.answers(EXIT)
    acts = scene.quote(7_500)
    assert commands(acts, CommandKind.CANCEL) == []
    assert of(acts, ExitWaits) == []


@pytest.mark.req("A2.1", "A4.2")
def test_a_strategy_that_names_a_price_pays_no_other_whatever_its_plan_is() -> None:
    def at_market(plan: Plan) -> Plan:
        return replace(plan, entry=replace(plan.entry, style=EntryStyle.MARKET))

    scene = Scene(seconds=True, replan=at_market)
    scene.answers(Intent(side=Side.BUY, reason="at my price", quantity=5.0, limit_price=19.50))
    command = only(scene.quote(7_100), CommandKind.SUBMIT)
    assert (command.order_type, command.limit_price_nanos) == (OrderType.LIMIT, 19_500_000_000)
