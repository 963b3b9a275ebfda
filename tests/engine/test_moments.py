"""What happens within one input: turns in order, reservations seen at once, triggers on records alone, exits wherever they are due."""

import pytest

from tests.contract.kit import LIMITS, PLAIN_MILL, configuration, session, strategy, with_decide
from tests.contract.markets import START_NS, Market
from tests.engine.scene import HEAD, MS, Scene, commands, of, only
from tidegate.engine.bad_records import BadRecordError
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import AttentionRaised, GateChanged, OrderCommand, RiskDecision
from tidegate.events.inputs import EventListed, GateSet, LagMeasured, StreamChanged, Tick
from tidegate.kernel.mode import Mode
from tidegate.strategies.strategy import Intent, Nothing
from tidegate.values.enums import (
    CommandKind,
    ExitReason,
    GateScope,
    GateState,
    OrderEventKind,
    Side,
    Verdict,
)

pytestmark = pytest.mark.req("B1.3", "A2.1")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)
STAY = Nothing(reason="not yet")


def gate(scene: Scene, state: GateState, *, scope: GateScope = GateScope.SYMBOL, key: str = "AAA") -> GateSet:
    return GateSet(**HEAD | {"timestamp": scene.engine.now_ns}, scope=scope, key=key, state=state, reason="test", actor="person")


def test_the_second_strategy_of_a_record_sees_what_the_first_has_reserved() -> None:
    limits = LIMITS | {"position_quantity_max": 8}
    mills = [strategy(PLAIN_MILL, name, seconds=True, symbols=["AAA"]) for name in ("one", "two")]
    plan = session(configuration(mills, limits=limits, symbols_shared=True), Market(seed=1, records=1, symbols=1))
    scene = Scene(seconds=True)
    for name in ("one", "two"):
        plan = with_decide(plan, name, lambda view, state, _a: (state, BUY if view.now_ns > START_NS + 6_500 * MS else STAY))
    scene.engine = Engine(plan.spec, Toolchain(Mode.PURE))
    for message in plan.scheduled:
        scene.tell(message)
    for at_ms in range(500, 6_001, 500):
        scene.quote(at_ms)
    decisions = of(scene.wait(7_000), RiskDecision)
    assert [(d.strategy_id, d.verdict, d.refusals) for d in decisions] == [
        ("one", Verdict.APPROVED, ()),
        ("two", Verdict.REFUSED, ("position_quantity",)),
    ]


def test_triggers_run_on_every_accepted_record_of_their_symbol_and_on_nothing_else() -> None:
    scene = Scene(trigger=True, every=1_000, timer_s=1.0)
    runs = scene.core.host.table("own")[0]["scratch"][0]
    assert runs == 12.0
    scene.wait(9_000)
    scene.tell(gate(scene, GateState.HALTED))
    assert scene.core.host.table("own")[0]["scratch"][0] == 12.0
    scene.quote(9_100)
    scene.quote(9_200, 2_005, 2_004)  # crossed: not accepted
    assert scene.core.host.table("own")[0]["scratch"][0] == 13.0, "a halt masks a trigger's result, never its run"


def test_an_exit_level_that_is_hit_when_the_fill_is_told_is_acted_on_at_once() -> None:
    scene = Scene(seconds=True, stop_bps=30.0)
    scene.answers(BUY)
    entry = only(scene.quote(7_000), CommandKind.SUBMIT)
    scene.quote(7_100, 1_990, 1_991)
    told = scene.say(entry, OrderEventKind.FILLED, filled=5, total=5)
    assert [a.exit_reason for a in of(told, AttentionRaised)] == [ExitReason.STOP_LOSS]
    assert only(told, CommandKind.SUBMIT).side is Side.SELL


def test_a_time_stop_needs_no_record() -> None:
    scene = Scene(seconds=True, hold_s=0.7)
    scene.answers(BUY)
    scene.say(only(scene.quote(7_000), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5)
    left = of(scene.wait(7_900), AttentionRaised)
    assert [a.exit_reason for a in left] == [ExitReason.TIME_STOP]
    assert left[0].timestamp == START_NS + 7_700 * MS


def test_other_inputs_yield_nothing_but_their_own_acts() -> None:
    scene = Scene(trigger=True, every=3)
    now_ns = scene.engine.now_ns
    head = HEAD | {"timestamp": now_ns}
    assert scene.tell(gate(scene, GateState.REDUCE_ONLY)) == []
    assert scene.tell(LagMeasured(**head, lag_ns=5)) == []
    assert scene.tell(StreamChanged(**head, venue="sim", stream="orders", up=False, reason="test")) == []
    assert scene.tell(EventListed(**head, from_ns=now_ns, until_ns=now_ns + 1, title="test")) == []


@pytest.mark.req("B3.1")
@pytest.mark.parametrize(
    ("state", "entry", "leaving"),
    [
        (GateState.ACTIVE, Verdict.APPROVED, Verdict.APPROVED),
        (GateState.REDUCE_ONLY, Verdict.REFUSED, Verdict.APPROVED),
        (GateState.HALTED, Verdict.REFUSED, Verdict.REFUSED),
    ],
)
@pytest.mark.parametrize(
    ("scope", "key"),
    [(GateScope.GLOBAL, ""), (GateScope.VENUE, "sim"), (GateScope.ACCOUNT, "test"), (GateScope.SYMBOL, "AAA")],
)
def test_a_gate_lets_pass_what_its_table_says(state: GateState, entry: Verdict, leaving: Verdict, scope: GateScope, key: str) -> None:
    scene = Scene(seconds=True, hold_s=2.5)
    scene.tell(gate(scene, state, scope=scope, key=key))
    scene.answers(BUY)
    decision = of(scene.quote(7_000), RiskDecision)[0]
    assert decision.verdict is entry
    scene.tell(gate(scene, GateState.ACTIVE, scope=scope, key=key))
    if entry is Verdict.REFUSED:
        scene.answers(BUY)
        scene.quote(8_000)
    scene.bought()
    scene.tell(gate(scene, state, scope=scope, key=key))
    decision = of(scene.quote(11_000), RiskDecision)[0]
    assert decision.verdict is leaving


@pytest.mark.parametrize("state", [GateState.REDUCE_ONLY, GateState.HALTED])
def test_cancels_pass_every_gate(state: GateState) -> None:
    scene = Scene(seconds=True, passive=True, live_for_s=0.4)
    scene.answers(BUY)
    entry = only(scene.quote(7_000), CommandKind.SUBMIT)
    scene.say(entry, OrderEventKind.ACCEPTED)
    scene.tell(gate(scene, state, scope=GateScope.GLOBAL, key=""))
    assert only(scene.wait(7_500), CommandKind.CANCEL).target_id == entry.client_order_id


def test_a_rule_of_ours_never_loosens_a_gate() -> None:
    scene = Scene(seconds=True)
    scene.tell(gate(scene, GateState.HALTED))
    loosening = GateSet(
        **HEAD | {"timestamp": scene.engine.now_ns},
        scope=GateScope.SYMBOL,
        key="AAA",
        state=GateState.ACTIVE,
        reason="test",
        actor="rule:test",
    )
    scene.tell(loosening)
    scene.answers(BUY)
    assert of(scene.quote(7_000), RiskDecision)[0].refusals == ("gate_state",)
    assert of(scene.acts, GateChanged) == []


def test_a_record_that_yields_a_command_is_the_last_one_taken() -> None:
    scene = Scene(quotes=True)
    scene.answers(BUY)
    assert len(commands(scene.quote(6_200), CommandKind.SUBMIT)) == 1
    assert isinstance(scene.acts[-1], OrderCommand)


def test_a_session_begins_with_what_is_defined() -> None:
    scene = Scene(warm=False)
    engine = Engine(scene.plan.spec, Toolchain(Mode.PURE))
    with pytest.raises(BadRecordError, match="The first input of a session is a definition, not a market record"):
        engine.feed(scene.core.host.buffer, 0, 1, 1)


def test_time_never_goes_back() -> None:
    scene = Scene(warm=False)
    scene.quote(1_000)
    with pytest.raises(BadRecordError, match="was received before the one in front of it"):
        scene.quote(500)
    scene.tell(Tick(timestamp=START_NS, **HEAD))
    assert scene.engine.now_ns == START_NS + 1_000 * MS
