"""Orders folded to their end: duplicates, corrections, busts, and every way not to fill."""

import pytest

from tests.analytics.parts import OPEN_NS, Order
from tests.analytics.scripted import Scripted
from tidegate.analytics.collect import Collector, Run, run_from_entries
from tidegate.events.inputs import LagMeasured, OrderEvent, Tick
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState, Side
from tidegate.values.money import NANOS, attos

pytestmark = pytest.mark.req("C2.2")
QUOTE = ("10.00", "10.01")


def entered(quantity: int = 100) -> tuple[Scripted, Order]:
    script = Scripted()
    script.at(OPEN_NS)
    order = script.enter("AIG", "trend", Side.BUY, quantity, QUOTE)
    script.at(OPEN_NS + 1)
    return script, order


def run_of(script: Scripted) -> Run:
    return run_from_entries(("act", n, k, message) for n, k, message in script.entries)


def test_an_order_carries_what_was_seen_when_it_was_decided() -> None:
    script, order = entered()
    script.accept(order)
    script.at(OPEN_NS + 2).fill(order, 60, "10.01", "0.01")
    script.at(OPEN_NS + 3).fill(order, 40, "10.02", "0.02")
    (row,) = run_of(script).order_rows
    assert (row.state, row.filled_nanos, row.fees_attos) == (OrderState.FILLED, 100 * NANOS, attos("0.03"))
    assert row.average_price_nanos == pytest.approx(10.014 * NANOS)
    assert (row.reference_price_nanos, row.mid_nanos) == (10_010_000_000, 10_005_000_000)
    assert row.slippage_bps(row.mid_nanos) == pytest.approx(0.009 / 10.005 * 10_000)
    assert (row.accepted_ns, row.first_fill_ns, row.last_fill_ns) == (OPEN_NS + 1, OPEN_NS + 2, OPEN_NS + 3)
    assert row.done_ns == OPEN_NS + 3


def test_a_seller_slips_when_the_price_is_lower() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    order = script.enter("AIG", "trend", Side.SELL, 100, QUOTE)
    script.at(OPEN_NS + 1).fill(order, 100, "9.99")
    (row,) = run_of(script).order_rows
    assert row.slippage_bps(row.reference_price_nanos) == pytest.approx(10.0)


def test_an_execution_told_twice_counts_once() -> None:
    script, order = entered()
    script.fill(order, 50, "10.01", execution="a")
    script.at(OPEN_NS + 2)
    script.hear(order, OrderEventKind.PARTIALLY_FILLED, quantity=50, price="10.01", execution="a")
    (row,) = run_of(script).order_rows
    assert row.filled_nanos == 50 * NANOS


def test_one_execution_under_two_ids_counts_once_by_the_venues_running_total() -> None:
    script, order = entered()
    script.fill(order, 50, "10.01", execution="a")
    script.at(OPEN_NS + 2)
    order.filled -= 50
    script.hear(order, OrderEventKind.PARTIALLY_FILLED, quantity=50, price="10.01", execution="b")
    (row,) = run_of(script).order_rows
    assert [fill.execution_id for fill in row.fills] == ["a"]


def test_executions_that_arrive_in_the_wrong_order_both_count() -> None:
    script, order = entered()
    order.filled = 60
    script.hear(order, OrderEventKind.FILLED, quantity=40, price="10.01", execution="second")
    script.at(OPEN_NS + 2)
    order.filled = 0
    script.hear(order, OrderEventKind.PARTIALLY_FILLED, quantity=60, price="10.01", execution="first")
    (row,) = run_of(script).order_rows
    assert row.filled_nanos == 100 * NANOS


def test_a_correction_replaces_its_execution_in_place() -> None:
    script, order = entered()
    script.fill(order, 100, "10.01", execution="a")
    script.at(OPEN_NS + 2)
    order.filled = 0
    script.hear(order, OrderEventKind.FILL_CORRECTED, quantity=100, price="10.02", fee="0.01", execution="a")
    (fill,) = run_of(script).fill_rows
    assert (fill.price_nanos, fill.fee_attos, fill.timestamp_ns) == (
        10_020_000_000,
        attos("0.01"),
        OPEN_NS + 1,
    )


def test_a_busted_execution_is_gone_and_stays_gone() -> None:
    script, order = entered()
    script.fill(order, 50, "10.01", execution="a")
    script.at(OPEN_NS + 2).hear(order, OrderEventKind.FILL_BUSTED, execution="a")
    script.at(OPEN_NS + 3)
    script.hear(order, OrderEventKind.PARTIALLY_FILLED, quantity=50, price="10.01", execution="a")
    run = run_of(script)
    assert run.fill_rows == ()
    assert run.order_rows[0].average_price_nanos is None
    assert run.trade_rows == ()


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (OrderEventKind.CANCELED, OrderState.CANCELED),
        (OrderEventKind.EXPIRED, OrderState.EXPIRED),
        (OrderEventKind.REJECTED, OrderState.REJECTED),
        (OrderEventKind.NOT_SENT, OrderState.NOT_SENT),
    ],
)
def test_an_order_without_a_fill_ends_with_the_venues_reason(kind: OrderEventKind, state: OrderState) -> None:
    script, order = entered()
    script.end(order, kind, state, "no size at the limit")
    (row,) = run_of(script).order_rows
    assert (row.state, row.note, row.done_ns) == (state, "no size at the limit", OPEN_NS + 1)
    assert row.slippage_bps(row.mid_nanos) is None
    assert row.was_sent is (state is not OrderState.NOT_SENT)


def test_a_fill_of_an_order_that_is_not_ours_stays_a_fill_without_an_order() -> None:
    script, order = entered()
    order.client_id = "somebody-else"
    script.hear(order, OrderEventKind.FILLED, quantity=10, price="10.00")
    run = run_of(script)
    assert [fill.client_order_id for fill in run.fill_rows] == ["somebody-else"]
    assert run.order_rows[0].fills == []


def test_a_command_that_needed_no_approval_has_no_intent_and_no_mid() -> None:
    script, order = entered()
    script.submit("AIG", "trend", "story", "", CommandKind.REPLACE)
    row = run_of(script).order_rows[1]
    assert (row.intent, row.features, row.mid_nanos, row.reference_price_nanos, row.regime) == (None,) * 5
    assert order.quantity == 100


def test_the_collector_keeps_decisions_and_forgets_ticks() -> None:
    collector = Collector()
    script = Scripted()
    for n in range(1, 1_000):
        collector.input(n, Tick(**script.at(n).head("", "")))
    collector.input(1_000, LagMeasured(**script.at(1_000).head("", ""), lag_ns=5))
    assert collector.entries == []
    run = collector.run()
    assert (run.from_ns, run.until_ns) == (1, 1_000)
    assert run.orders.is_empty()


def test_a_fill_without_an_execution_id_is_known_by_its_place() -> None:
    script, order = entered()
    script.hear(order, OrderEventKind.PARTIALLY_FILLED, quantity=10, price="10.01", execution="")
    place = script.entries[-1].n
    event = script.entries[-1].message
    assert isinstance(event, OrderEvent)
    assert run_of(script).fill_rows[0].n == place
