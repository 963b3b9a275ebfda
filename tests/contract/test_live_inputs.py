"""What people ask and venues report are inputs like any other: folding them is deciding them, wherever the log is cut."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.cases import Case, cases
from tests.contract.kit import (
    PLAIN_MILL,
    Feeder,
    Latencies,
    acts_of,
    configuration,
    cuts_of,
    exploded,
    records_before,
    run,
    session,
    strategy,
    undecided,
)
from tests.contract.markets import CENT, START_NS, Market
from tests.events.examples import example_of
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import DifferenceFound, OrderCommand, RequestMoved
from tidegate.events.inputs import (
    AnyInput,
    ClockAnchored,
    GateSet,
    OperatorRequested,
    PositionRestated,
    ReportedExecution,
    ReportedOrder,
    ReportedPosition,
    RequestNoted,
    VenueCallsMeasured,
    VenueReported,
    VenueStatusChanged,
)
from tidegate.replay.loop import REST_NS
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderState, ReportCause, RequestVerb, Resolution, Side
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B2.3", "B2.4")

_SCOPES = ((GateScope.GLOBAL, ""), (GateScope.SYMBOL, "AAA"), (GateScope.STRATEGY, "one"), (GateScope.VENUE, "sim"))


@st.composite
def live_inputs(draw: st.DrawFn) -> tuple[AnyInput, ...]:
    return tuple(_live(draw, START_NS + draw(st.integers(1, 60_000)) * 1_000_000) for _ in range(draw(st.integers(1, 6))))


def _live(draw: st.DrawFn, at_ns: int) -> AnyInput:
    head: dict[str, Any] = {"event_id": "", "timestamp": at_ns, "strategy_id": "", "correlation_id": ""}
    kind = draw(st.integers(0, 9))
    if kind <= 1:
        scope, key = draw(st.sampled_from(_SCOPES))
        return OperatorRequested(
            symbol="",
            request_id=f"r{draw(st.integers(0, 3))}",
            verb=draw(st.sampled_from(RequestVerb)),
            scope=scope,
            key=key,
            requester="ann",
            reason="a test",
            **head,
        )
    if kind == 2:
        return PositionRestated(
            symbol="AAA", numerator=draw(st.integers(1, 3)), denominator=draw(st.integers(1, 3)), reason="split", **head
        )
    if kind == 3:
        return ClockAnchored(symbol="", wall_ns=at_ns, monotonic_ns=1, step_ns=0, **head)
    if kind in {4, 8, 9}:
        return _told_only(draw, head)
    if kind == 5:
        scope, key = draw(st.sampled_from(_SCOPES))
        actor = draw(st.sampled_from(("rule:log-stall", "rule:disk-full")))
        return GateSet(symbol="", scope=scope, key=key, state=draw(st.sampled_from(GateState)), reason="a test", actor=actor, **head)
    return _report(draw, at_ns, head)


def _told_only(draw: st.DrawFn, head: dict[str, Any]) -> AnyInput:
    """Inputs by which nothing is decided."""
    kinds: tuple[type[AnyInput], ...] = (RequestNoted, VenueCallsMeasured, VenueStatusChanged)
    message: AnyInput = example_of(draw(st.sampled_from(kinds)))
    return msgspec.structs.replace(message, symbol="", **head)


def _report(draw: st.DrawFn, at_ns: int, head: dict[str, Any]) -> VenueReported:
    symbol = st.sampled_from(("AAA", "BBB", "ZZZ"))
    name = st.sampled_from(("", "by-hand", "1-abcdefghijklmnopqrstuvwxyz"))
    order = st.builds(
        ReportedOrder,
        client_order_id=name,
        venue_order_id=st.sampled_from(("v1", "v2")),
        symbol=symbol,
        side=st.sampled_from(Side),
        state=st.just(OrderState.ACCEPTED),
        quantity_nanos=st.just(5 * NANOS),
        filled_nanos=st.integers(0, 5).map(lambda n: n * NANOS),
        average_price_nanos=st.just(20 * NANOS),
    )
    execution = st.builds(
        ReportedExecution,
        execution_id=st.sampled_from(("e1", "e2", "e3")),
        client_order_id=name,
        venue_order_id=st.sampled_from(("v1", "v2")),
        symbol=symbol,
        side=st.sampled_from(Side),
        quantity_nanos=st.just(2 * NANOS),
        price_nanos=st.just(2_000 * CENT),
        ts_venue=st.just(at_ns),
        cum_quantity_nanos=st.sampled_from((0, 2 * NANOS)),
    )
    position = st.builds(
        ReportedPosition, symbol=symbol, quantity_nanos=st.integers(-3, 3).map(lambda n: n * NANOS), average_price_nanos=st.just(20 * NANOS)
    )
    return VenueReported(
        symbol="",
        venue="sim",
        cause=draw(st.sampled_from(ReportCause)),
        began_ns=at_ns - draw(st.integers(0, 40)) * SECOND_NS,
        ended_ns=at_ns,
        executions=draw(st.one_of(st.none(), st.lists(execution, max_size=2).map(tuple))),
        orders=draw(st.one_of(st.none(), st.lists(order, max_size=2, unique_by=lambda o: o.client_order_id).map(tuple))),
        positions=draw(st.one_of(st.none(), st.lists(position, max_size=2, unique_by=lambda p: p.symbol).map(tuple))),
        cash_usd=draw(st.sampled_from((None, "1000", "99999.5"))),
        **head,
    )


def books_hold(engine: Engine) -> None:
    core = engine._core
    book = core.portfolio
    assert book.cash_attos + book.basis_attos - book.realized_attos + book.fees_attos == core.spec.cash_attos + core.adjusted_attos
    for symbol, one in book.books.items():
        assert sum(holding.quantity_nanos for (_, its), holding in book.holdings.items() if its == symbol) == one.net_nanos
    for (strategy_id, symbol), holding in book.holdings.items():
        if strategy_id:
            row = core.host.table("own")[core.host.pair(core.strategy_places[strategy_id], core.instruments[symbol].index)]
            assert int(row["position_nanos"]) == holding.quantity_nanos


@settings(max_examples=60)
@given(case=cases(records=200), live=live_inputs(), data=st.data())
def test_requests_and_reports_fold_as_they_were_decided(
    compiled: Toolchain, case: Case, live: tuple[AnyInput, ...], data: st.DataObject
) -> None:
    ran = run(case.plan, compiled, more=(*case.more, *live))
    books_hold(ran.engine)
    folded = Engine(undecided(case.plan.spec), compiled)
    Feeder(ran, folded).fold(ran.entries)
    assert folded.state_sha256() == ran.state
    entries = exploded(ran.entries)
    cut = data.draw(st.sampled_from(cuts_of(entries)))
    first, second = Engine(case.plan.spec, compiled), Engine(case.plan.spec, compiled)
    Feeder(ran, first).decide(entries[:cut])
    books_hold(first)
    second.restore(first.snapshot())
    assert Feeder(ran, second, record=records_before(entries, cut)).decide(entries[cut:]) == acts_of(entries[cut:])
    assert second.state_sha256() == ran.state


@settings(max_examples=40)
@given(case=cases(records=200), live=live_inputs())
def test_a_request_is_done_once_and_an_awaited_difference_moves_nothing(
    compiled: Toolchain, case: Case, live: tuple[AnyInput, ...]
) -> None:
    ran = run(case.plan, compiled, more=(*case.more, *live))
    moved = ran.of(RequestMoved)
    taken = [act.request_id for act in moved if act.stage.value == "taken"]
    assert len(taken) == len(set(taken))
    for act in ran.of(DifferenceFound):
        assert act.sentence
        assert act.resolution in Resolution


def test_a_cancel_that_the_venue_refuses_for_ever_does_not_hold_up_the_end(compiled: Toolchain) -> None:
    """Each answer comes later than the next try, so there is always one on its way."""
    market = Market(seed=1, records=60, symbols=1)
    config = configuration([strategy(PLAIN_MILL, "one", symbols=["AAA"])], latencies=Latencies("", "0", "2500ms"))
    plan = session(config, market)
    at_ns = START_NS + 2 * SECOND_NS
    head: dict[str, Any] = {"event_id": "", "timestamp": at_ns, "symbol": "", "strategy_id": "", "correlation_id": ""}
    order = ReportedOrder(
        client_order_id="by-hand", venue_order_id="v1", symbol="AAA", side=Side.BUY, state=OrderState.ACCEPTED,
        quantity_nanos=5 * NANOS, filled_nanos=0, average_price_nanos=0,
    )  # fmt: skip
    report = VenueReported(venue="sim", cause=ReportCause.PERIODIC, began_ns=at_ns, ended_ns=at_ns, executions=(), orders=(order,), **head)
    asked = OperatorRequested(
        request_id="r1", verb=RequestVerb.CANCEL, scope=GateScope.SYMBOL, key="AAA", requester="ann", reason="a test", **head
    )
    ran = run(plan, compiled, more=(report, asked))
    cancels = [command for command in ran.of(OrderCommand) if command.kind is CommandKind.CANCEL]
    assert len(cancels) > 100, "it was tried again and again"
    assert ran.engine.now_ns <= int(ran.records["ts_recv"][-1]) + REST_NS
