"""Orders and trade updates in our words: each status, each event, damage without a crash, bodies that we send."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.alpaca.payloads import body, damaged, sample
from tests.venues.alpaca.sdk import enums as theirs
from tests.venues.alpaca.sdk import models
from tidegate.events.acts import OrderCommand
from tidegate.oms import order as oms
from tidegate.service.words import order_event
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState, OrderType, Purpose, Side, TimeInForce
from tidegate.values.money import NANOS, nanos
from tidegate.venues.alpaca.mapping import words
from tidegate.venues.alpaca.mapping.orders import order_body, replace_body, venue_order
from tidegate.venues.alpaca.mapping.updates import Update, order_update
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.alpaca.wire.orders import Order, TradeUpdate
from tidegate.venues.errors import UnreadableAnswerError
from tidegate.venues.port import Lifetime, OrderClass, VenueOrder
from tidegate.venues.ticket import BadTicketError, OrderTicket, PositionIntent, TicketLeg, check_ticket, ticket_of

pytestmark = pytest.mark.req("G1", "G2", "I3")

SIDES = st.sampled_from(Side)


def order(value: Any) -> VenueOrder:
    return venue_order(read_json(body(value), Order))


def update(value: Any, successor: str = "") -> Update:
    return order_update(read_json(body(value), TradeUpdate), lambda _: successor)


def test_a_filled_limit_order_is_read_exactly() -> None:
    found = order(sample("order_filled"))
    assert found.client_order_id == "samp-0001"
    assert (found.side, found.order_type, found.lifetime) == (Side.BUY, OrderType.LIMIT, Lifetime.DAY)
    assert (found.state, found.word) == (OrderState.FILLED, "filled")
    assert (found.quantity_nanos, found.filled_nanos) == (10 * NANOS, 10 * NANOS)
    assert (found.limit_price_nanos, found.average_price_nanos) == (nanos("251.4"), nanos("251.37"))
    assert found.submitted_ns == 1_795_014_131_480_113_904
    assert found.order_class is OrderClass.SIMPLE
    assert found.doubts == ()
    assert not found.working
    assert found.rest_nanos == 0


def test_a_bracket_shows_its_legs_and_the_waiting_one_still_works() -> None:
    found = order(sample("order_bracket"))
    assert found.order_class is OrderClass.BRACKET
    assert [(leg.word, leg.working, leg.order_type) for leg in found.legs] == [
        ("new", True, OrderType.LIMIT),
        ("held", True, OrderType.STOP),
    ]
    assert found.legs[0].rest_nanos == 20 * NANOS
    assert found.expires_ns > found.submitted_ns


def test_a_trailing_stop_shows_its_high_water_mark() -> None:
    found = order(sample("order_trailing"))
    assert (found.trail_percent, found.high_water_nanos, found.stop_price_nanos) == ("4", nanos("205"), nanos("196.8"))


@pytest.mark.req("G4")
def test_a_multi_leg_parent_has_no_side_and_a_signed_net_price() -> None:
    found = order(sample("order_mleg"))
    assert (found.symbol, found.side, found.average_price_nanos) == ("", None, nanos("-1.22"))
    assert [leg.side for leg in found.legs] == [Side.SELL, Side.BUY]
    assert found.doubts == ()
    assert all(leg.doubts == () for leg in found.legs)


@pytest.mark.parametrize("status", theirs.OrderStatus)
def test_every_status_of_the_venues_own_client_is_known(status: theirs.OrderStatus) -> None:
    found = order({**sample("order_filled"), "status": status.value, "filled_qty": "0"})
    assert found.doubts == ()
    assert found.state is words.STATES[status.value]


@pytest.mark.parametrize("kind", [*theirs.OrderType, *theirs.TimeInForce, *theirs.OrderClass, *theirs.OrderSide])
def test_every_word_of_the_venues_own_client_is_known(kind: theirs.OrderType) -> None:
    tables = {"OrderType": words.TYPES, "TimeInForce": words.LIFETIMES, "OrderClass": words.CLASSES, "OrderSide": words.SIDES}
    assert kind.value in tables[type(kind).__name__]


def test_an_unknown_status_is_told_and_the_order_counts_as_unknown() -> None:
    found = order({**sample("order_filled"), "status": "teleported"})
    assert found.state is OrderState.UNKNOWN
    assert found.doubts == ("status=teleported",)
    assert found.working, "what is not understood may still fill"


def test_a_working_order_with_fills_is_partial_whatever_its_status_says() -> None:
    found = order({**sample("order_filled"), "status": "pending_cancel", "filled_qty": "4"})
    assert found.state is OrderState.PARTIAL
    assert found.rest_nanos == 6 * NANOS


def test_a_notional_order_has_no_quantity() -> None:
    found = order({**sample("order_filled"), "qty": None, "notional": "25.5", "status": "new", "filled_qty": "0"})
    assert (found.quantity_nanos, found.notional_usd, found.rest_nanos) == (None, "25.5", 0)


def test_an_average_finer_than_a_nano_is_rounded_and_a_quantity_is_not() -> None:
    found = order({**sample("order_filled"), "filled_avg_price": "33.33333333333333", "filled_qty": "0.0000000001"})
    assert found.average_price_nanos == 33_333_333_333
    assert found.doubts == ("filled_qty=0.0000000001",)


@given(damaged(sample("order_bracket")))
def test_no_damage_to_an_order_crashes(value: Any) -> None:
    try:
        found = order(value)
    except UnreadableAnswerError:
        return
    assert isinstance(found.state, OrderState)
    assert order(value) == found


@given(damaged(sample("trade_updates")[1]["data"]))
def test_no_damage_to_an_update_crashes_or_invents_a_fill(value: Any) -> None:
    try:
        found = update(value)
    except UnreadableAnswerError:
        return
    for event in found.events:
        assert event.kind in set(words.EVENTS.values())
        assert event.last_quantity_nanos >= 0
        assert event.event_id == ""
        assert event.timestamp == 0


def test_the_sample_updates_become_the_events_they_tell_of() -> None:
    seen = [update(frame["data"], successor="ours-2") for frame in sample("trade_updates")]
    events = [found.events[0] for found in seen]
    assert [event.kind for event in events] == [
        OrderEventKind.ACCEPTED, OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED, OrderEventKind.CANCELED,
        OrderEventKind.REPLACED, OrderEventKind.REJECTED, OrderEventKind.EXPIRED,
    ]  # fmt: skip
    assert all(found.doubts == () for found in seen)
    assert [event.cum_quantity_nanos // NANOS for event in events] == [0, 40, 100, 40, 0, 0, 0]
    assert [event.last_quantity_nanos // NANOS for event in events] == [0, 40, 60, 0, 0, 0, 0]
    assert [event.last_price_nanos for event in events[1:3]] == [nanos("251.99"), nanos("252")]
    assert [bool(event.execution_id) for event in events] == [False, True, True, False, False, False, False]
    assert events[4].successor_id == "ours-2"
    assert events[1].ts_venue == 1_795_017_003_402_000_000


@pytest.mark.parametrize("event", theirs.TradeEvent)
def test_every_event_of_the_venues_own_client_is_known_or_quarantined_on_purpose(event: theirs.TradeEvent) -> None:
    found = update({**sample("trade_updates")[0]["data"], "event": event.value})
    assert (found.doubts != ()) == (event is theirs.TradeEvent.RESTATED)


def test_an_unknown_event_gives_no_event_and_a_doubt() -> None:
    found = update({**sample("trade_updates")[0]["data"], "event": "teleported"})
    assert found.events == ()
    assert found.doubts == ("event=teleported",)
    assert found.order is not None


@pytest.mark.parametrize("data", [{}, {"event": "fill", "order": None}, {"event": "fill", "order": {}}])
def test_an_update_without_an_order_is_a_doubt(data: dict[str, Any]) -> None:
    assert update(data) == Update((), None, ("order=nothing",))


def test_a_fill_without_its_own_numbers_is_told_by_the_running_total_alone() -> None:
    data = sample("trade_updates")[1]["data"]
    (event,) = update({**data, "qty": None, "price": None}).events
    assert event.execution_id == ""
    assert event.cum_quantity_nanos == 40 * NANOS
    assert event.last_price_nanos == nanos("251.99")


def test_a_bust_names_the_execution_that_it_takes_back() -> None:
    data = {**sample("trade_updates")[1]["data"], "event": "trade_bust", "previous_execution_id": "first", "reason": "TRADE_BUST"}
    (event,) = update(data).events
    assert (event.kind, event.execution_id, event.reason) == (OrderEventKind.FILL_BUSTED, "first", "TRADE_BUST")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("new", OrderEventKind.FOUND_WORKING),
        ("partially_filled", OrderEventKind.FOUND_WORKING),
        ("filled", OrderEventKind.FILLED),
        ("canceled", OrderEventKind.CANCELED),
        ("rejected", OrderEventKind.REJECTED),
        ("expired", OrderEventKind.EXPIRED),
        ("replaced", OrderEventKind.REPLACED),
        ("teleported", OrderEventKind.OUTCOME_UNKNOWN),
    ],
)
def test_an_order_found_by_asking_becomes_the_event_that_says_so(status: str, kind: OrderEventKind) -> None:
    seen = order({**sample("order_filled"), "status": status})
    ours = oms.Order(
        client_order_id="0-a", symbol="AAPL", strategy_id="one", correlation_id="", venue="alpaca", side=Side.BUY,
        purpose=Purpose.ENTRY, order_type=OrderType.LIMIT, time_in_force=TimeInForce.DAY, quantity_nanos=10 * NANOS,
        limit_price_nanos=nanos("251.4"), submitted_ns=1, begun_ns=1, approved_nanos=10 * NANOS, remaining_nanos=10 * NANOS,
    )  # fmt: skip
    event = order_event(seen, ours, working=OrderEventKind.FOUND_WORKING)
    assert (event.kind, event.cum_quantity_nanos, event.last_price_nanos) == (kind, 10 * NANOS, nanos("251.37"))


def single(**changes: Any) -> OrderTicket:
    base = {"client_order_id": "0-a", "symbol": "AAPL", "side": Side.BUY, "order_type": OrderType.LIMIT, "lifetime": Lifetime.DAY}
    return OrderTicket(**{**base, "quantity_nanos": 10 * NANOS, "limit_price_nanos": nanos("251.4"), **changes})


LEGS = (
    TicketLeg(symbol="AAPL261218P00245000", ratio=1, side=Side.SELL, intent=PositionIntent.SELL_TO_OPEN),
    TicketLeg(symbol="AAPL261218P00240000", ratio=1, side=Side.BUY, intent=PositionIntent.BUY_TO_OPEN),
)
GOOD = {
    "market": single(order_type=OrderType.MARKET, limit_price_nanos=0),
    "stop": single(order_type=OrderType.STOP, limit_price_nanos=0, stop_price_nanos=nanos("260")),
    "stop limit": single(order_type=OrderType.STOP_LIMIT, stop_price_nanos=nanos("250"), lifetime=Lifetime.GTC),
    "trail": single(order_type=OrderType.TRAILING_STOP, limit_price_nanos=0, trail_nanos=nanos("2.5")),
    "trail percent": single(order_type=OrderType.TRAILING_STOP, limit_price_nanos=0, trail_percent="4"),
    "extended": single(extended_hours=True),
    "ioc": single(lifetime=Lifetime.IOC),
    "open": single(lifetime=Lifetime.OPEN, order_type=OrderType.MARKET, limit_price_nanos=0),
    "close": single(lifetime=Lifetime.CLOSE),
    "fraction": single(quantity_nanos=NANOS // 3),
    "notional": single(quantity_nanos=0, notional_usd="25.5", order_type=OrderType.MARKET, limit_price_nanos=0),
    "bracket": single(order_class=OrderClass.BRACKET, take_profit_nanos=nanos("260"), stop_loss_nanos=nanos("240")),
    "oco": single(
        side=Side.SELL, order_class=OrderClass.OCO, limit_price_nanos=0, take_profit_nanos=nanos("260"), stop_loss_nanos=nanos("240")
    ),
    "oto": single(order_class=OrderClass.OTO, stop_loss_nanos=nanos("240"), stop_loss_limit_nanos=nanos("239")),
    "multi": OrderTicket(
        client_order_id="0-a", order_type=OrderType.LIMIT, lifetime=Lifetime.DAY, quantity_nanos=2 * NANOS,
        limit_price_nanos=nanos("-1.2"), order_class=OrderClass.MULTI_LEG, legs=LEGS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_each_kind_of_order_can_be_asked_for_with_decimals_as_text(name: str) -> None:
    ticket = GOOD[name]
    check_ticket(ticket)
    sent = order_body(ticket)
    text = json.dumps(sent)
    assert not any(isinstance(value, int | float) and not isinstance(value, bool) for value in sent.values())
    assert ("qty" in sent) != ("notional" in sent)
    back = read_json(text.encode(), Order)
    assert back.client_order_id == ticket.client_order_id
    assert back.time_in_force == ticket.lifetime.value


def test_bodies_say_what_the_venue_documents() -> None:
    assert order_body(GOOD["bracket"]) == {
        "client_order_id": "0-a", "type": "limit", "time_in_force": "day", "symbol": "AAPL", "side": "buy", "qty": "10",
        "limit_price": "251.4", "order_class": "bracket", "take_profit": {"limit_price": "260"}, "stop_loss": {"stop_price": "240"},
    }  # fmt: skip
    assert order_body(GOOD["multi"]) == {
        "client_order_id": "0-a", "type": "limit", "time_in_force": "day", "qty": "2", "limit_price": "-1.2", "order_class": "mleg",
        "legs": [
            {"symbol": "AAPL261218P00245000", "ratio_qty": "1", "side": "sell", "position_intent": "sell_to_open"},
            {"symbol": "AAPL261218P00240000", "ratio_qty": "1", "side": "buy", "position_intent": "buy_to_open"},
        ],
    }  # fmt: skip
    assert order_body(GOOD["extended"])["extended_hours"] is True
    assert replace_body(GOOD["trail"], quantity=False) == {"client_order_id": "0-a", "time_in_force": "day", "trail": "2.5"}
    assert replace_body(single(), quantity=True)["qty"] == "10"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_order_id": ""},
        {"client_order_id": "x" * 129},
        {"symbol": ""},
        {"side": None},
        {"quantity_nanos": 0},
        {"quantity_nanos": -NANOS},
        {"notional_usd": "5"},
        {"quantity_nanos": NANOS // 2, "lifetime": Lifetime.GTC},
        {"limit_price_nanos": 0},
        {"limit_price_nanos": -NANOS},
        {"stop_price_nanos": NANOS},
        {"trail_nanos": NANOS},
        {"order_type": OrderType.TRAILING_STOP, "limit_price_nanos": 0},
        {"order_type": OrderType.TRAILING_STOP, "limit_price_nanos": 0, "trail_nanos": 1, "trail_percent": "1"},
        {"order_type": OrderType.TRAILING_STOP, "limit_price_nanos": 0, "trail_nanos": 1, "quantity_nanos": NANOS // 2},
        {"extended_hours": True, "lifetime": Lifetime.IOC},
        {"order_type": OrderType.STOP, "limit_price_nanos": 0, "stop_price_nanos": 1, "lifetime": Lifetime.FOK},
        {"order_class": OrderClass.BRACKET, "take_profit_nanos": 1},
        {"order_class": OrderClass.BRACKET, "take_profit_nanos": 1, "stop_loss_nanos": 2},
        {"order_class": OrderClass.BRACKET, "take_profit_nanos": 2, "stop_loss_nanos": 1, "quantity_nanos": 1},
        {"order_class": OrderClass.BRACKET, "take_profit_nanos": 2, "stop_loss_nanos": 1, "extended_hours": True},
        {"order_class": OrderClass.OCO, "take_profit_nanos": 2, "stop_loss_nanos": 1},
        {"order_class": OrderClass.OCO, "side": Side.SELL, "take_profit_nanos": 2, "stop_loss_nanos": 1, "order_type": OrderType.MARKET},
        {"order_class": OrderClass.OTO},
        {"stop_loss_limit_nanos": 1},
        {"take_profit_nanos": 1},
        {"legs": LEGS},
        {"order_class": OrderClass.MULTI_LEG, "legs": LEGS},
    ],
)
def test_an_order_that_breaks_a_rule_is_not_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(BadTicketError, match="was not sent"):
        check_ticket(single(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"legs": LEGS[:1]},
        {"legs": LEGS * 3},
        {"legs": (LEGS[0], LEGS[0])},
        {"legs": tuple(msgspec.structs.replace(leg, ratio=2) for leg in LEGS)},
        {"legs": (LEGS[0], msgspec.structs.replace(LEGS[1], ratio=0))},
        {"lifetime": Lifetime.IOC},
        {"take_profit_nanos": 1},
    ],
)
def test_a_multi_leg_order_that_breaks_a_rule_is_not_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(BadTicketError):
        check_ticket(msgspec.structs.replace(GOOD["multi"], **changes))


def command(**changes: Any) -> OrderCommand:
    base = OrderCommand(
        event_id="s-1-1", timestamp=1, symbol="AAPL", strategy_id="s", correlation_id="c", kind=CommandKind.SUBMIT, client_order_id="0-a",
        venue="alpaca", account="a", side=Side.BUY, order_type=OrderType.LIMIT, time_in_force=TimeInForce.IOC, quantity_nanos=10 * NANOS,
        limit_price_nanos=nanos("251.4"), stop_price_nanos=0, trail_nanos=0, valid_until_ns=2, decision_id="d",
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


@pytest.mark.parametrize("life", TimeInForce)
@pytest.mark.parametrize("kind", OrderType)
def test_a_command_of_the_oms_becomes_a_ticket_of_the_same_words(kind: OrderType, life: TimeInForce) -> None:
    ticket = ticket_of(command(order_type=kind, time_in_force=life, stop_price_nanos=7, trail_nanos=9))
    assert (ticket.order_type, ticket.lifetime.value, ticket.side) == (kind, life.value, Side.BUY)
    assert bool(ticket.limit_price_nanos) == (kind in {OrderType.LIMIT, OrderType.STOP_LIMIT})
    assert bool(ticket.stop_price_nanos) == (kind in {OrderType.STOP, OrderType.STOP_LIMIT})
    assert bool(ticket.trail_nanos) == (kind is OrderType.TRAILING_STOP)


def test_what_the_venues_own_client_models_reads_here_as_well() -> None:
    for name in ("order_filled", "order_bracket", "order_trailing", "order_mleg"):
        theirs_text = models.Order(**sample(name)).model_dump_json()
        ours = venue_order(read_json(theirs_text.encode(), Order))
        assert ours.doubts == ()
        assert ours.state is order(sample(name)).state
