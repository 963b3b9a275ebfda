"""What becomes of working orders when the trader goes, or has lost its venue: by what each strategy declares."""

import msgspec
import pytest

from tests.service.making import SECOND, Office, shown
from tidegate.config.model import LiveSection
from tidegate.events.inputs import OperatorRequested, StreamChanged
from tidegate.service.desk import DeskSettings
from tidegate.service.parting import Parting, PartingPlan
from tidegate.service.setup import client_settings
from tidegate.values.enums import OrderState, OrderType
from tidegate.venues.alpaca.orders import ReplacePolicy

pytestmark = pytest.mark.req("B4.1", "F1")

CANCEL = PartingPlan({"one": Parting.CANCEL}, 30 * SECOND)
LEAVE = PartingPlan({"one": Parting.LEAVE}, 30 * SECOND)


def working(plan: PartingPlan) -> tuple[Office, str]:
    """An office with one order at the venue; the market stream stands."""
    office = Office(settings=DeskSettings(parting=plan))
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.effects.clear()
    return office, key


def stream(office: Office, name: str, *, up: bool) -> None:
    office.desk.sequencer.offer(
        StreamChanged(
            event_id="", timestamp=0, symbol="", strategy_id="", correlation_id="", venue="sim", stream=name, up=up, reason="a test"
        )
    )
    office.turn()


def canceled(office: Office) -> list[str]:
    office.flush()
    office.wait(0.3)
    return [effect.command.target_id for effect in office.sends()]


def test_when_the_trader_stops_each_strategys_orders_are_treated_as_declared() -> None:
    office, key = working(LEAVE)
    office.desk.parter.part("the trader stops")
    assert canceled(office) == []
    office, key = working(CANCEL)
    office.desk.parter.part("the trader stops")
    assert canceled(office) == [key]
    office, key = working(PartingPlan())
    office.desk.parter.part("the trader stops")
    assert canceled(office) == [key], "who declares nothing cancels"


@pytest.mark.parametrize("name", ["market", "orders"])
def test_a_venue_that_is_lost_for_long_is_parted_from_once(name: str) -> None:
    office, key = working(CANCEL)
    stream(office, name, up=False)
    office.wait(29)
    assert canceled(office) == []
    office.wait(1)
    assert canceled(office) == [key]
    (asked,) = office.messages(OperatorRequested)
    assert (asked.requester, asked.reason) == ("rule:parting", f"sim/{name} have been lost for too long")
    office.wait(60)
    assert len(office.messages(OperatorRequested)) == 1
    stream(office, name, up=True)
    stream(office, name, up=False)
    office.wait(31)
    assert len(office.messages(OperatorRequested)) == 2, "another loss is another one"


def test_a_stream_that_is_back_in_time_changes_nothing_and_neither_does_a_policy_to_leave() -> None:
    office, _ = working(CANCEL)
    stream(office, "market", up=False)
    office.wait(29)
    stream(office, "market", up=True)
    office.wait(60)
    assert canceled(office) == []
    office, _ = working(LEAVE)
    stream(office, "market", up=False)
    office.wait(60)
    assert canceled(office) == []


def test_our_own_store_and_a_blocked_account_are_no_lost_venue_and_0_is_never() -> None:
    office, _ = working(CANCEL)
    for name in ("store", "account"):
        stream(office, name, up=False)
    office.wait(60)
    assert canceled(office) == []
    assert office.desk.parter.due_ns() > office.clock.monotonic_ns() + 3_600 * SECOND
    office, _ = working(PartingPlan({"one": Parting.CANCEL}))
    stream(office, "market", up=False)
    office.wait(3_600)
    assert office.messages(OperatorRequested) == []


def test_the_desk_wakes_in_time_though_nothing_comes_in() -> None:
    office, _ = working(CANCEL)
    stream(office, "market", up=False)
    assert office.desk.parter.due_ns() == office.clock.monotonic_ns() + 30 * SECOND
    assert office.desk.due_ns() <= office.desk.parter.due_ns()


@pytest.mark.req("A4.4")
def test_stops_that_protect_what_is_held_stay_when_the_trader_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(at_venue=True)
    office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    stop = office.let_go()
    assert stop.command.order_type is OrderType.STOP
    office.desk.answered(stop, shown(stop, OrderState.ACCEPTED))
    office.turn()
    office.effects.clear()
    office.desk.parter.part("the trader stops")
    office.turn()
    office.wait(0.3)
    assert office.sends() == []
    assert office.state(stop.command.client_order_id) is OrderState.ACCEPTED
    (resting,) = office.orders()
    other = msgspec.structs.replace(resting, client_order_id="other", symbol="BBB", order_type=OrderType.LIMIT)
    theirs = msgspec.structs.replace(other, client_order_id="theirs", external=True)
    monkeypatch.setattr(office.desk.engine.books, "working_orders", lambda: [other, theirs, resting])
    office.desk.parter.part("the trader stops")
    office.turn()
    assert [message.order_id for message in office.messages(OperatorRequested)] == ["other"]


def test_the_plan_is_said_in_words() -> None:
    both = PartingPlan({"one": Parting.CANCEL, "two": Parting.LEAVE, "three": Parting.CANCEL}, 60 * SECOND)
    lost = "or has been without one of its streams for 1 min,"
    assert both.sentence() == f"When the trader stops, {lost} working orders are left at the venue: two; canceled: one, three."
    assert PartingPlan().sentence() == "When the trader stops, working orders are canceled."


@pytest.mark.req("G6")
def test_the_plans_of_venue_and_data_are_configured() -> None:
    settings = client_settings(LiveSection(trading_requests_per_minute=1_000, data_requests_per_minute=10_000), {"s": ReplacePolicy.VENUE})
    assert (settings.trading.requests, settings.data.requests) == (1_000, 10_000)
    assert settings.orders.replace == {"s": ReplacePolicy.VENUE}
    plain = client_settings(LiveSection(), {})
    assert (plain.trading.requests, plain.data.requests) == (200, 200)
