"""Builders for the simulator's tests: short tapes, commands, a market of two symbols in whole cents and shares."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.events.acts import OrderCommand
from tidegate.events.records import QUOTE, RECORD, REGULAR, STATUS, TRADE
from tidegate.kernel.compile import Compiler
from tidegate.values.enums import CommandKind, OrderType, Side, TimeInForce
from tidegate.values.fees import FeeSchedule
from tidegate.values.instruments import Instrument
from tidegate.values.latency import Latency
from tidegate.values.money import NANOS
from tidegate.venues.sim.settings import SimSettings
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import SimVenue

CENT = NANOS // 100
SHARE = NANOS
INSTRUMENTS = (Instrument(index=0, symbol="AAA", venue="sim"), Instrument(index=1, symbol="BBB", venue="sim"))
NO_LATENCY = Latency()


class Rec(NamedTuple):
    """A record in cents and shares."""

    ts_event: int
    instrument: int
    kind: int
    flags: int
    a: int
    b: int
    c: int = 0
    d: int = 0


def quote(ts: int, bid: int, ask: int, bid_size: int = 5, ask_size: int = 5, *, on: int = 0, flags: int = 0) -> Rec:
    return Rec(ts, on, QUOTE, flags, bid * CENT, ask * CENT, bid_size * SHARE, ask_size * SHARE)


def trade(ts: int, price: int, size: int, *, on: int = 0, flags: int = REGULAR) -> Rec:
    return Rec(ts, on, TRADE, flags, price * CENT, size * SHARE)


def status(ts: int, code: int, *, on: int = 0) -> Rec:
    return Rec(ts, on, STATUS, 0, code, 0)


def tape(recs: Sequence[Rec]) -> NDArray[np.void]:
    array = np.zeros(len(recs), RECORD)
    for place, rec in enumerate(recs):
        for name in Rec._fields:
            array[name][place] = getattr(rec, name)
    array["ts_recv"] = array["ts_event"]
    return array


def stream(*recs: Rec, places: Sequence[int] = (0, 1)) -> Stream:
    return Stream(tape(recs), np.array(places, np.int64))


def venue(
    *streams: Stream,
    settings: SimSettings | None = None,
    fees: FeeSchedule | None = None,
    order_latency: Latency = NO_LATENCY,
    response_latency: Latency = NO_LATENCY,
    compiler: Compiler | None = None,
) -> SimVenue:
    return SimVenue(
        streams,
        INSTRUMENTS,
        settings=settings or SimSettings(),
        fees=fees or FeeSchedule.none(),
        order_latency=order_latency,
        response_latency=response_latency,
        seed=7,
        compiler=compiler,
        strict=compiler is None,
    )


def order(client_order_id: str, side: Side, quantity: int, **changes: Any) -> OrderCommand:
    """A limit day order in cents and shares where `changes` do not say otherwise."""
    words: dict[str, Any] = {
        "event_id": "e",
        "timestamp": 0,
        "symbol": "AAA",
        "strategy_id": "s",
        "correlation_id": "c",
        "kind": CommandKind.SUBMIT,
        "venue": "sim",
        "account": "a",
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.DAY,
        "limit_price_nanos": 0,
        "stop_price_nanos": 0,
        "trail_nanos": 0,
        "valid_until_ns": 0,
        "decision_id": "d",
    }
    for name, value in changes.items():
        nanos = {"limit": "limit_price_nanos", "stop": "stop_price_nanos", "trail": "trail_nanos"}.get(name)
        words[nanos or name] = value * CENT if nanos else value
    return OrderCommand(client_order_id=client_order_id, side=side, quantity_nanos=quantity * SHARE, **words)


def cancel(target_id: str) -> OrderCommand:
    return order("", Side.BUY, 0, kind=CommandKind.CANCEL, target_id=target_id)


def replacement(client_order_id: str, target: OrderCommand, quantity: int, **changes: Any) -> OrderCommand:
    words = {
        "kind": CommandKind.REPLACE,
        "target_id": target.client_order_id,
        "symbol": target.symbol,
        "order_type": target.order_type,
        "time_in_force": target.time_in_force,
        "limit": target.limit_price_nanos // CENT,
        "stop": target.stop_price_nanos // CENT,
        "trail": target.trail_nanos // CENT,
    }
    return order(client_order_id, target.side, quantity, **(words | changes))
