"""What is ordered over the wire fills as it does in a replay: the same commands straight at the simulated venue are the judge."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulators.alpaca.kit import INSTRUMENTS, NOW_NS, OPEN_NS, market, tape
from tidegate.clock.clock import ManualClock
from tidegate.emulators.alpaca import trading
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.errors import WireRefusal
from tidegate.emulators.alpaca.orders import Order
from tidegate.emulators.alpaca.settings import KEY, EmulatorSettings
from tidegate.emulators.alpaca.world import World
from tidegate.events.acts import OrderCommand
from tidegate.values.enums import CommandKind, OrderEventKind, OrderType, Side, TimeInForce
from tidegate.values.fees import FeeSchedule
from tidegate.values.latency import Latency
from tidegate.values.money import NANOS, nanos
from tidegate.values.time import NEVER_NS, SECOND_NS
from tidegate.venues.sim.settings import SimSettings, TradingHours
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import SimVenue

pytestmark = pytest.mark.req("X3", "B1.3")

TAPE = tape(market())
FILLS = {OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED}
CENTS = st.integers(9_950, 10_150)

Plan = list[tuple[int, Side, OrderType, TimeInForce, int, int]]
ORDERS = st.lists(
    st.tuples(
        st.integers(1, 500),
        st.sampled_from([Side.BUY]),
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
        st.sampled_from([TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK]),
        st.integers(1, 900),
        CENTS,
    ),
    min_size=1,
    max_size=8,
).map(lambda orders: sorted(orders, key=lambda order: order[0]))


def over_the_wire(plan: Plan, latency: str) -> list[tuple[int, int, int, int]]:
    """Return the fills (order, shown ns since the open, quantity, price) of an emulator without sockets."""
    clock = ManualClock(NOW_NS)
    emulator = EmulatorSettings(order_latency=latency)
    world = World([TAPE], emulator, clock, reference=Reference(), compiler=None)
    desk = world.desks[KEY]
    ids: list[str] = []
    for second, side, kind, life, shares, cents in plan:
        clock.set_wall(NOW_NS + second * SECOND_NS)
        world.play()
        body: dict[str, Any] = {"symbol": "AAPL", "qty": str(shares), "side": side, "type": kind, "time_in_force": life}
        if kind is OrderType.LIMIT:
            body["limit_price"] = f"{cents / 100:.2f}"
        try:
            ids.append(str(trading.create(desk, body)["id"]))
        except WireRefusal:
            ids.append("")
        world.settle()
    clock.set_wall(NOW_NS + 700 * SECOND_NS)
    world.play()
    fills = []
    for row in desk.account.activities:
        order: Order = desk.blotter.get(str(row["order_id"]))
        fills.append((ids.index(order.id), nanos(str(row["qty"])), nanos(str(row["price"]))))
    return [(number, 0, quantity, price) for number, quantity, price in fills]


def straight(plan: Plan, latency: str, refused: set[int]) -> list[tuple[int, int, int, int]]:
    """Return the fills of the simulated venue itself."""
    venue = SimVenue(
        [Stream(TAPE.records, np.arange(len(INSTRUMENTS), dtype=np.int64))],
        INSTRUMENTS,
        settings=SimSettings(hours=(TradingHours(open_ns=OPEN_NS, close_ns=OPEN_NS + 23_400 * SECOND_NS),)),
        fees=FeeSchedule.none(),
        order_latency=Latency.parse(latency),
        response_latency=Latency(),
        seed=0,
        compiler=None,
    )
    for number, (second, side, kind, life, shares, cents) in enumerate(plan):
        if number in refused:
            continue
        now_ns = OPEN_NS + second * SECOND_NS
        taken = int(np.searchsorted(TAPE.records["ts_recv"], now_ns, side="right"))
        command = OrderCommand(
            event_id="",
            timestamp=now_ns,
            symbol="AAPL",
            strategy_id="",
            correlation_id="",
            kind=CommandKind.SUBMIT,
            client_order_id=str(number),
            venue="tape",
            account="",
            side=side,
            order_type=kind,
            time_in_force=life,
            quantity_nanos=shares * NANOS,
            limit_price_nanos=cents * NANOS // 100 if kind is OrderType.LIMIT else 0,
            stop_price_nanos=0,
            trail_nanos=0,
            valid_until_ns=NEVER_NS,
            decision_id="",
        )
        venue.command(command, sent_ns=now_ns, taken=(taken,))
    fills = []
    while venue.next_response_ns() < NEVER_NS:
        response = venue.next_response()
        if response.kind in FILLS:
            fills.append((int(response.client_order_id), 0, response.last_quantity_nanos, response.last_price_nanos))
    return fills


@given(ORDERS, st.sampled_from(["0", "3ms", "1500ms"]))
@settings(max_examples=12)
def test_the_emulator_fills_what_the_simulated_venue_fills(plan: Plan, latency: str) -> None:
    told = over_the_wire(plan, latency)
    assert told == straight(plan, latency, refused=set())
