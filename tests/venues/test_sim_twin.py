"""The simulator against its slow twin on random tapes, in every mode: the same words at the same times."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.scenes import INSTRUMENTS, Rec, cancel, order, quote, replacement, status, tape, trade
from tests.venues.twin import Twin
from tidegate.events import records
from tidegate.events.acts import OrderCommand
from tidegate.kernel.compile import Compiler
from tidegate.values.enums import CommandKind, OrderType, Side, TimeInForce
from tidegate.values.fees import FeeSchedule
from tidegate.values.latency import Latency
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity, SimSettings, TradingHours
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import SimVenue

PRINT_FLAGS = (records.REGULAR,) * 6 + (
    0,
    records.REGULAR | records.OFF_EXCHANGE,
    records.REGULAR | records.CORRECTION,
    records.REGULAR | records.SUSPICIOUS,
)
QUOTE_FLAGS = (0,) * 12 + (records.SLOW_QUOTE, records.SUSPICIOUS)
CODES = (records.STATUS_HALT, records.STATUS_RESUME, records.STATUS_RESUME, records.STATUS_FEED_DOWN)


class Scene(NamedTuple):
    """All that a run is given."""

    tapes: list[list[Rec]]
    maps: list[list[int]]
    settings: SimSettings
    latencies: tuple[Latency, Latency]
    seed: int
    steps: list[Any]


@st.composite
def rec(draw: st.DrawFn) -> Rec:
    on = draw(st.integers(0, 1))
    what = draw(st.sampled_from("qqqqqttts"))
    if what == "s" and draw(st.booleans()):
        return status(0, draw(st.sampled_from(CODES)), on=on)
    if what == "t":
        price, size = draw(st.integers(97, 104)), draw(st.integers(1, 6))
        return trade(0, price, size, on=on, flags=draw(st.sampled_from(PRINT_FLAGS)))
    bid = draw(st.integers(97, 102))
    ask = bid + draw(st.sampled_from((1, 1, 1, 2, 3, 0, -1)))
    if draw(st.integers(0, 15)) == 0:
        bid = 0
    sizes = draw(st.tuples(st.integers(0, 6), st.integers(0, 6)))
    return quote(0, bid, ask, *sizes, on=on, flags=draw(st.sampled_from(QUOTE_FLAGS)))


@st.composite
def a_tape(draw: st.DrawFn, first: int = 10, least: int = 0) -> list[Rec]:
    recs, now = [], first
    for one in draw(st.lists(rec(), min_size=draw(st.sampled_from((least, 10, 20))), max_size=40)):
        now += draw(st.sampled_from((0, 0, 1, 1, 2, 3, -2)))
        recs.append(one._replace(ts_event=now))
    return recs


@st.composite
def command_step(draw: st.DrawFn) -> tuple[Any, ...]:
    """A command in relative terms: how long to wait, what was taken, what to do."""
    wait = draw(st.sampled_from((0, 0, 1, 2, 3, 6)))
    took = draw(st.lists(st.integers(0, 6), min_size=3, max_size=3))
    kind = draw(st.sampled_from("oooooooooooccrrl"))
    return ("send", wait, took, kind, draw(st.integers(0, 40)), draw(form()))


@st.composite
def form(draw: st.DrawFn) -> dict[str, Any]:
    order_type = draw(st.sampled_from((OrderType.LIMIT, *OrderType)))
    life = draw(st.sampled_from(tuple(TimeInForce)))
    if order_type not in (OrderType.LIMIT, OrderType.MARKET) and draw(st.integers(0, 9)):
        life = draw(st.sampled_from((TimeInForce.DAY, TimeInForce.GTC)))
    made: dict[str, Any] = {
        "side": draw(st.sampled_from(Side)),
        "quantity": draw(st.integers(1, 12)) if draw(st.integers(0, 30)) else 0,
        "symbol": draw(st.sampled_from(("AAA",) * 20 + ("BBB",) * 9 + ("ZZZ",))),
        "order_type": order_type,
        "time_in_force": life,
    }
    if order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        made["limit"] = draw(st.integers(96, 105))
    if order_type in (OrderType.STOP, OrderType.STOP_LIMIT):
        made["stop"] = draw(st.integers(96, 105))
    if order_type is OrderType.TRAILING_STOP:
        made["trail"] = draw(st.integers(1, 3))
    return made


LATENCIES = st.sampled_from((Latency(), Latency(), Latency(median_ns=3), Latency(median_ns=3, sigma=1.0)))
STEPS = st.one_of(command_step(), command_step(), st.just(("peek",)), st.just(("pop",)))


@st.composite
def scene(draw: st.DrawFn) -> Scene:
    tapes = draw(st.lists(a_tape(), min_size=1, max_size=3))
    both = draw(st.booleans())
    apart = [[0, -1], [-1, 1], [-1, -1]]
    maps = [[0, 1]] * len(tapes) if both or len(tapes) == 1 else apart[: len(tapes)]
    opens = draw(st.sampled_from((None, None, None, 0, 12)))
    hours: tuple[TradingHours, ...] = ()
    if opens is not None:
        length = draw(st.integers(10, 50))
        hours = tuple(TradingHours(open_ns=opens + day * 60, close_ns=opens + day * 60 + length) for day in range(2))
    settings = SimSettings(
        hours=hours,
        outside_hours=draw(st.sampled_from(OutsideHours)),
        short_selling=draw(st.sampled_from((True, True, True, False))),
        buy_stop_collar=draw(st.booleans()),
        replace_quantity=draw(st.sampled_from(ReplaceQuantity)),
        orders_max=draw(st.sampled_from((2, 64, 64, 64))),
    )
    latencies = draw(st.tuples(LATENCIES, LATENCIES))
    steps = draw(st.lists(STEPS, min_size=draw(st.sampled_from((1, 8))), max_size=20))
    return Scene(tapes, maps, settings, latencies, draw(st.integers(0, 3)), steps)


@st.composite
def quiet_scene(draw: st.DrawFn) -> Scene:
    """Orders that come early and rest or wait on one tape for long: what the forecast is for."""
    recs = [quote(10, 99, 102), *draw(a_tape(first=11, least=25))]
    orders = []
    for _ in range(draw(st.integers(1, 4))):
        words = draw(form())
        words |= {"symbol": "AAA", "quantity": draw(st.integers(3, 12)), "time_in_force": TimeInForce.GTC}
        orders.append(("send", 0, [1, 0, 0], "o", 1, words))
    asks = draw(st.lists(st.sampled_from((("peek",), ("pop",))), max_size=12))
    late = draw(st.lists(command_step(), max_size=2))
    latencies = draw(st.tuples(LATENCIES, LATENCIES))
    return Scene([recs], [[0, 1]], SimSettings(), latencies, 0, [*orders, *asks, *late])


def made_command(step: tuple[Any, ...], number: int, sent: Sequence[OrderCommand]) -> OrderCommand:
    _, _, _, kind, which, words = step
    target = sent[which % len(sent)] if sent else order("nobody", Side.BUY, 1, limit=100)
    if kind == "c":
        return cancel(target.client_order_id)
    if kind == "l":
        return order("", Side.BUY, 0, kind=CommandKind.LOOKUP, target_id=target.client_order_id)
    if kind == "r":
        changes = {"limit": words["limit"]} if "limit" in words and target.limit_price_nanos else {}
        return replacement(f"o{number}", target, words["quantity"], **changes)
    name = target.client_order_id if sent and which == 0 else f"o{number}"
    return order(
        name,
        words["side"],
        words["quantity"],
        **{k: v for k, v in words.items() if k not in ("side", "quantity")},
    )


def spoken(one: SimVenue) -> tuple[Any, ...]:
    while not one.response_known:
        one.next_response_ns()
    cause, response = one.response_cause, one.next_response()
    return (
        response.timestamp,
        cause,
        response.kind,
        response.client_order_id,
        response.ts_venue,
        response.execution_id,
        response.last_quantity_nanos,
        response.last_price_nanos,
        response.liquidity,
        response.cum_quantity_nanos,
        response.successor_id,
    )


def sim(scene: Scene, compiler: Compiler | None) -> SimVenue:
    return SimVenue(
        [Stream(tape(recs), np.array(places, np.int64)) for recs, places in zip(scene.tapes, scene.maps, strict=True)],
        INSTRUMENTS,
        settings=scene.settings,
        fees=FeeSchedule.none(),
        order_latency=scene.latencies[0],
        response_latency=scene.latencies[1],
        seed=scene.seed,
        compiler=compiler,
        strict=True,
    )


class Race:
    """The same commands and questions put to the twin and to venues in several modes."""

    def __init__(self, scene: Scene, venues: Sequence[SimVenue]) -> None:
        self.scene, self.venues = scene, venues
        self.twin = Twin(scene.tapes, scene.maps, INSTRUMENTS, scene.settings, scene.latencies, scene.seed)
        self.said: list[tuple[Any, ...]] = []
        self.sent: list[OrderCommand] = []
        self.now, self.taken = 14, [0] * len(scene.tapes)

    def send(self, number: int, step: tuple[Any, ...]) -> None:
        self.now += step[1]
        pairs = zip(self.scene.tapes, self.taken, step[2], strict=False)
        self.taken = [min(len(recs), had + more) for recs, had, more in pairs]
        command = made_command(step, number, self.sent)
        if command.kind in (CommandKind.SUBMIT, CommandKind.REPLACE):
            self.sent.append(command)
        self.twin.command(command, sent_ns=self.now, taken=self.taken)
        for one in self.venues:
            one.command(command, sent_ns=self.now, taken=self.taken)

    def peek(self) -> int:
        exact = self.twin.next_response_ns()
        for one in self.venues:
            promised = one.next_response_ns()
            assert promised <= exact, "the forecast missed a response"
            assert not one.response_known or promised == exact
        return exact

    def pop(self) -> None:
        word = self.twin.next_response()
        for one in self.venues:
            assert spoken(one) == word
        self.said.append(word)

    def run(self) -> list[tuple[Any, ...]]:
        for number, step in enumerate(self.scene.steps):
            if step[0] == "send":
                self.send(number, step)
            elif self.peek() < NEVER_NS and step[0] == "pop":
                self.pop()
                self.now = max(self.now, self.said[-1][0])
        while self.twin.next_response_ns() < NEVER_NS:
            self.pop()
        assert all(one.next_response_ns() == NEVER_NS for one in self.venues)
        return self.said


def run(scene: Scene, venues: Sequence[SimVenue]) -> list[tuple[Any, ...]]:
    return Race(scene, venues).run()


@pytest.mark.req("C1.2")
@given(scene=st.one_of(scene(), quiet_scene()))
def test_the_venue_says_what_its_slow_twin_says_and_holds_the_same_bytes_in_every_mode(compiler: Compiler, scene: Scene) -> None:
    venues = [sim(scene, compiler), sim(scene, None)]
    said = run(scene, venues)
    assert venues[0]._memory.durable() == venues[1]._memory.durable()
    heard = [word[0] for word in said]
    assert heard == sorted(heard), "first in, first out"
