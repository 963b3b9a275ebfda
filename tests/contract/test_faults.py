"""A strategy that raises, or answers against its contract, stops itself alone; its positions still end and the log stays readable."""

# ruff: noqa: ARG005 - each lambda is a `decide` that need not look at all it is given

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contract.kit import (
    PLAIN_MILL,
    TRIGGER_MILL,
    Feeder,
    Ran,
    acts_of,
    configuration,
    run,
    session,
    strategy,
    undecided,
    with_decide,
)
from tests.contract.markets import Market
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import AttentionRaised, GateChanged, OrderCommand, RiskDecision, StrategyFaulted, TradeIntent
from tidegate.events.inputs import GateSet
from tidegate.replay.prepare import Plan
from tidegate.strategies.strategy import Intent, Nothing
from tidegate.values.enums import GateScope, GateState, Purpose, Side

pytestmark = pytest.mark.req("A2.3", "B1.3")

MARKET = Market(seed=5, records=500, symbols=2)
BUY_ONE = Intent(side=Side.BUY, reason="one", quantity=1.0)


class OtherState(msgspec.Struct, frozen=True):
    """Not the State of the strategy."""


class Shy:
    """Cannot even say what it is."""

    def __repr__(self) -> str:
        raise ValueError("no words")


class ShyError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def plan_of_two(**params: Any) -> Plan:
    mills = [
        strategy(PLAIN_MILL, "one", seconds=True, symbols=["AAA"], **params),
        strategy(TRIGGER_MILL, "two", symbols=["BBB"], hold_s=2.0, every=4),
    ]
    return session(configuration(mills), MARKET)


def badly(wrong: Any, *, at: int = 12) -> Any:
    """A decide that answers well until it has been asked so often; then its answer is wrong(view, state, attention)."""

    def decide(view: Any, state: Any, attention: Any) -> Any:
        calls = state.calls + 1
        if calls >= at:
            return wrong(view, state, attention)
        state = msgspec.structs.replace(state, calls=calls)
        return state, (BUY_ONE if calls == 6 else Nothing(reason="waiting"))

    return decide


def _raise(error: BaseException) -> Any:
    raise error


def _endless(view: Any) -> Any:
    return _endless(view)


def _changed(state: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(state, **changes)


NONSENSE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "raises": lambda v, s, a: _raise(ValueError("wrong")),
    "raises without words": lambda v, s, a: _raise(ShyError()),
    "raises what no text holds": lambda v, s, a: _raise(ValueError("\ud800")),
    "raises an object": lambda v, s, a: _raise(ValueError(object())),
    "asserts": lambda v, s, a: _raise(AssertionError()),
    "leaves": lambda v, s, a: _raise(SystemExit(0)),
    "recurses": lambda v, s, a: _endless(v),
    "returns None": lambda v, s, a: None,
    "returns a text": lambda v, s, a: "buy",
    "returns an object": lambda v, s, a: object(),
    "returns a shy object": lambda v, s, a: Shy(),
    "returns a function": lambda v, s, a: badly,
    "returns a set": lambda v, s, a: {"a", "b", "c", "d"},
    "returns three": lambda v, s, a: (s, BUY_ONE, 3),
    "returns the other way round": lambda v, s, a: (BUY_ONE, s),
    "another state": lambda v, s, a: (OtherState(), BUY_ONE),
    "the class of its state": lambda v, s, a: (type(s), BUY_ONE),
    "no state": lambda v, s, a: (None, BUY_ONE),
    "a state with a text for a number": lambda v, s, a: (_changed(s, number="seven"), BUY_ONE),
    "a state with an object": lambda v, s, a: (_changed(s, number=object()), BUY_ONE),
    "a state too large for 64 bits": lambda v, s, a: (_changed(s, number=2**70), BUY_ONE),
    "a state that no text holds": lambda v, s, a: (_changed(s, last=("\ud800",)), BUY_ONE),
    "a reason that is no text": lambda v, s, a: (s, Nothing(reason=5)),  # type: ignore[arg-type]
    "a reason that is missing": lambda v, s, a: (s, Nothing(reason=None)),  # type: ignore[arg-type]
    "a reason that no text holds": lambda v, s, a: (s, Nothing(reason="\ud800")),
    "an intent's reason that is no text": lambda v, s, a: (s, Intent(side=Side.BUY, reason=b"x")),  # type: ignore[arg-type]
    "an intent's reason that no text holds": lambda v, s, a: (s, Intent(side=Side.BUY, reason="\udfff")),
    "a side that is a text": lambda v, s, a: (s, Intent(side="buy", reason="x")),  # type: ignore[arg-type]
    "no side": lambda v, s, a: (s, Intent(side=None, reason="x")),  # type: ignore[arg-type]
    "a purpose that is a text": lambda v, s, a: (
        s,
        Intent(side=Side.SELL, reason="x", purpose="exit"),  # type: ignore[arg-type]
    ),
    "not a number": lambda v, s, a: (s, _changed(BUY_ONE, quantity=float("nan"))),
    "infinite": lambda v, s, a: (s, _changed(BUY_ONE, quantity=float("inf"))),
    "negative": lambda v, s, a: (s, _changed(BUY_ONE, quantity=-3.0)),
    "nothing at all": lambda v, s, a: (s, _changed(BUY_ONE, quantity=0)),
    "a quantity that is a text": lambda v, s, a: (s, _changed(BUY_ONE, quantity="3")),
    "a quantity that is a truth": lambda v, s, a: (s, _changed(BUY_ONE, quantity=True)),
    "a price of more than money": lambda v, s, a: (s, _changed(BUY_ONE, limit_price=1e300)),
    "a stop that is not a number": lambda v, s, a: (s, _changed(BUY_ONE, stop_distance=float("nan"))),
    "a take that is negative": lambda v, s, a: (s, _changed(BUY_ONE, take_distance=-1.0)),
}


def holds_faults(ran: Ran, compiled: Toolchain) -> StrategyFaulted:
    """Check what is true of every fault and return it."""
    faults = ran.of(StrategyFaulted)
    assert [fault.strategy_id for fault in faults] == ["one"], "one fault, then it is not asked again"
    gates = [gate for gate in ran.of(GateChanged) if gate.scope is GateScope.STRATEGY]
    assert [(gate.key, gate.after) for gate in gates] == [("one", GateState.REDUCE_ONLY)]
    after = [intent for intent in ran.of(TradeIntent) if intent.timestamp > faults[0].timestamp]
    assert all(intent.purpose is Purpose.EXIT for intent in after if intent.strategy_id == "one")
    assert any(intent.strategy_id == "two" and intent.purpose is Purpose.ENTRY for intent in after), "the other one goes on"
    engine = Engine(undecided(ran.plan.spec), compiled)
    Feeder(ran, engine).fold(ran.entries)
    assert engine.state_sha256() == ran.state
    fault: StrategyFaulted = faults[0]
    return fault


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_stops_its_strategy_alone_and_leaves_a_readable_log(compiled: Toolchain, what: str) -> None:
    plan = with_decide(plan_of_two(), "one", badly(NONSENSE[what]))
    ran = run(plan, compiled)
    fault = holds_faults(ran, compiled)
    assert fault.error
    assert "0x" not in fault.error, "an address differs between two runs"
    exits = [i for i in ran.of(TradeIntent) if i.strategy_id == "one" and i.timestamp >= fault.timestamp]
    assert all(intent.purpose is Purpose.EXIT for intent in exits)


@settings(max_examples=25)
@given(fault_at=st.integers(1, 40), seed=st.integers(0, 2**20), hold_s=st.sampled_from((1.0, 2.0)))
@example(fault_at=8, seed=38, hold_s=1.0)  # its market is halted to the end
def test_a_fault_at_any_call_is_the_same_fault_again_and_its_positions_still_end(
    compiled: Toolchain, fault_at: int, seed: int, hold_s: float
) -> None:
    mills = [
        strategy(PLAIN_MILL, "one", seconds=True, fault_at=fault_at, hold_s=hold_s, eager=6),
        strategy(TRIGGER_MILL, "two", hold_s=2.0, every=4),
    ]
    plan = session(configuration(mills, symbols_shared=True), MARKET._replace(seed=seed))
    ran = run(plan, compiled)
    again = Engine(plan.spec, compiled)
    assert Feeder(ran, again).decide(ran.entries) == acts_of(ran.entries)
    faults = ran.of(StrategyFaulted)
    if not faults:
        return
    assert faults[0].error == f"ValueError: the fault of call {fault_at}"
    assert faults[0].where.startswith("plain_mill.py:")
    held = [pair for pair, memory in ran.engine._core.pairs.items() if pair[0] == 0 and memory.exit_failures == 0]
    for _, place in held:
        symbol = ran.plan.instruments[place].symbol
        book = ran.engine._core.portfolio
        if book.holding("one", symbol).quantity_nanos and not book.book(symbol).orders:
            opened = int(ran.engine._core.host.table("own")[place]["opened_ns"])
            exits = [i.timestamp for i in ran.of(TradeIntent) if (i.strategy_id, i.symbol, i.purpose) == ("one", symbol, Purpose.EXIT)]
            assert ran.engine.now_ns - max([opened, *exits]) < 5_000_000_000, "nobody tries to close it, in a halt not even now and then"


def test_a_position_of_a_faulted_strategy_is_closed_by_its_levels(compiled: Toolchain) -> None:
    plan = with_decide(plan_of_two(hold_s=2.0), "one", badly(NONSENSE["raises"], at=7))
    ran = run(plan, compiled)
    fault = holds_faults(ran, compiled)
    exits = [a for a in ran.of(AttentionRaised) if a.strategy_id == "one" and a.kind == "exit" and a.timestamp > fault.timestamp]
    assert exits
    approved = [d for d in ran.of(RiskDecision) if d.correlation_id == exits[0].event_id]
    assert [d.verdict for d in approved] == ["approved"]
    assert ran.engine._core.portfolio.holding("one", "AAA").quantity_nanos == 0


def test_a_person_can_let_a_faulted_trigger_strategy_enter_again(compiled: Toolchain) -> None:
    mills = [strategy(TRIGGER_MILL, "one", symbols=["AAA"], hold_s=1.0, every=3)]
    plan = session(configuration(mills), MARKET)
    calls = iter(range(1_000))

    def once(_view: Any, state: Any, attention: Any) -> Any:
        if next(calls) == 0:
            raise ValueError("only the first time")
        return state, Intent(side=attention.side, reason="again")

    first = run(with_decide(plan, "one", once), compiled).of(StrategyFaulted)[0]
    again = GateSet(
        event_id="",
        timestamp=first.timestamp + 2_000_000_000,
        symbol="",
        strategy_id="",
        correlation_id="",
        scope=GateScope.STRATEGY,
        key="one",
        state=GateState.ACTIVE,
        reason="looked at",
        actor="person",
    )
    calls = iter(range(1_000))
    ran = run(with_decide(plan, "one", once), compiled, more=[again])
    assert any(command.timestamp > again.timestamp for command in ran.of(OrderCommand))
