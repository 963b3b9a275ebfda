"""Every gate, breaker, counter and waiting approval x a restart: what it means before, it means after, in the same words.

A restart is a new session that goes on from the state in which the last one ended, on a new engine; the same inputs must then have the
same acts as without it, ids aside. The contract's random sessions cut at every point; here each thing is named.
"""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.kit import LIMITS, with_decide
from tests.contract.markets import START_NS
from tests.engine.scene import HEAD, MS, Scene, commands, of, only
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import ApprovalMoved, ApprovalRequested, GateChanged, NothingDone, RiskDecision
from tidegate.events.inputs import ApprovalAnswered, GateSet, InstrumentDefined, OperatorRequested, SessionChanged
from tidegate.kernel.mode import Mode
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderEventKind, RequestVerb, Side
from tidegate.values.time import DAY_NS

pytestmark = pytest.mark.req("B3.2", "B3.3", "B3.5", "B3.6", "I1")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)
TIGHT: dict[str, Any] = LIMITS | {
    "daily_loss_usd_max": 15,
    "daily_spend_usd_max": 250,
    "entries_per_hour_max": 4,
    "rejects_in_row_max": 3,
    "breaker_cooldown": "30s",
    "approval_notional_usd_max": 150,
    "second_approval_notional_usd_max": 200,
    "approval_wait": "60s",
}
KEYS = {GateScope.GLOBAL: "", GateScope.VENUE: "sim", GateScope.STRATEGY: "one", GateScope.SYMBOL: "AAA"}


def scene(**changes: Any) -> Scene:
    return Scene(seconds=True, hold_s=100_000, limits=TIGHT | changes)


def restarted(on: Scene, session: str) -> Scene:
    """Return the same scene in a new session on a new engine."""
    after = Scene(seconds=True, hold_s=100_000, limits=TIGHT, warm=False)
    after.plan = with_decide(on.plan, "one", after._decide())
    after.engine = Engine(replace(after.plan.spec, session_id=session), Toolchain(Mode.PURE))
    after.engine.continue_from(on.engine.snapshot())
    after.now_ms, after.acts = on.now_ms, []
    for message in on.plan.scheduled:
        if isinstance(message, InstrumentDefined):
            after.tell(replace(message, timestamp=on.engine.now_ns))
    return after


def ask(on: Scene, shares: float = 5.0) -> list[Any]:
    on.answers(replace(BUY, quantity=shares))
    acts: list[Any] = []
    for _ in range(4):  # a closed strategy is not asked
        if on.answer is not None:
            acts += on.quote(on.now_ms + 500)
    on.answer = None
    return acts


def entered(on: Scene, times: int = 1, kind: OrderEventKind = OrderEventKind.FILLED) -> None:
    for _ in range(times):
        command = only(ask(on), CommandKind.SUBMIT)
        filled = 5 if kind is OrderEventKind.FILLED else 0
        on.say(command, kind, filled=filled, total=filled)


def told(acts: list[Any]) -> list[tuple[Any, ...]]:
    """What was decided and said, without the ids that a session gives."""
    found: list[tuple[Any, ...]] = []
    for act in acts:
        if isinstance(act, RiskDecision):
            found.append((act.verdict, act.refusals, act.sentence, act.checks))
        elif isinstance(act, GateChanged):
            found.append((act.scope, act.key, act.before, act.after, act.actor, act.reason))
        elif isinstance(act, NothingDone):
            found.append((act.strategy_id, act.reason))
        elif isinstance(act, ApprovalRequested):
            found.append(("asked", act.needed, act.notional_usd, act.sentence))
        elif isinstance(act, ApprovalMoved):
            found.append((act.before, act.after, act.sentence, act.approvers))
    return found


def gate(scope: GateScope, state: GateState, actor: str) -> Callable[[Scene], None]:
    def close(on: Scene) -> None:
        now = HEAD | {"timestamp": on.engine.now_ns}
        on.tell(GateSet(**now, scope=scope, key=KEYS.get(scope, on.core.spec.account), state=state, reason="a test", actor=actor))

    return close


def killed(on: Scene) -> None:
    facts: dict[str, Any] = {"verb": RequestVerb.KILL, "scope": GateScope.SYMBOL, "key": "AAA", "requester": "ann", "reason": "stop"}
    on.tell(OperatorRequested(**HEAD | {"timestamp": on.engine.now_ns}, request_id="k", **facts))


def lossy(on: Scene) -> None:
    """Held at a loss of a little less than the limit."""
    entered(on)
    for at_ms in range(on.now_ms + 500, on.now_ms + 3_000, 500):
        on.quote(at_ms, 1_720, 1_721)


def waiting(on: Scene) -> None:
    assert of(ask(on, 8.0), ApprovalRequested)


def half(on: Scene) -> None:
    assert of(ask(on, 11.0), ApprovalRequested)[0].needed == 2
    answer(on, "bob")


def answer(on: Scene, who: str) -> list[Any]:
    (waits,), _closed = on.engine.books.approvals()
    facts: dict[str, Any] = {"approval_id": waits.approval_id, "order_sha256": waits.order_sha256, "request_id": f"a-{who}", "reason": ""}
    return on.tell(ApprovalAnswered(**HEAD | {"timestamp": on.engine.now_ns}, approver=who, granted=True, **facts))


def day_comes(on: Scene) -> None:
    """The next trading day was told, and has not begun."""
    entered(on)
    begins_ns = START_NS + (on.now_ms + 20_000) * MS
    hours: dict[str, Any] = {"open_ns": START_NS, "close_ns": START_NS + 9 * DAY_NS, "post_close_ns": START_NS + 9 * DAY_NS}
    on.tell(SessionChanged(**HEAD | {"timestamp": on.engine.now_ns}, venue="sim", day="2100-01-04", pre_open_ns=begins_ns, **hours))


STATES: dict[str, Callable[[Scene], None]] = {
    **{
        f"{scope.value} {state.value} by {actor}": gate(scope, state, actor)
        for scope in GateScope
        for state in (GateState.REDUCE_ONLY, GateState.HALTED)
        for actor in ("ann", "rule:daily_loss")
    },
    "a breaker that cools down": lambda on: entered(on, 3, OrderEventKind.REJECTED),
    "refusals one below the breaker": lambda on: entered(on, 2, OrderEventKind.REJECTED),
    "entries at the hour's limit": lambda on: entered(on, 4, OrderEventKind.CANCELED),
    "a kill": killed,
    "money spent": lambda on: entered(on, 2),
    "a loss within the limit": lossy,
    "an approval that waits": waiting,
    "an approval that waits for a second person": half,
    "a day that begins soon": day_comes,
}


def go_on(on: Scene, name: str) -> list[Any]:
    """What happens next: the same for both."""
    acts: list[Any] = []
    if "approval" in name:
        acts += answer(on, "cid")
    acts += ask(on)
    for command in commands(acts, CommandKind.SUBMIT):
        acts += on.say(command, OrderEventKind.REJECTED)
    for at_ms in range(on.now_ms + 500, on.now_ms + 70_000, 500):
        acts += on.quote(at_ms, 1_600, 1_601)
    return acts


@pytest.mark.parametrize("name", STATES)
def test_a_restart_changes_nothing_of_what_it_means(name: str) -> None:
    on = scene()
    STATES[name](on)
    after = restarted(on, "ses2")
    assert [(gate.scope, gate.key, gate.state, gate.reason) for gate, _ in after.engine.books.closed_gates()] == [
        (gate.scope, gate.key, gate.state, gate.reason) for gate, _ in on.engine.books.closed_gates()
    ]
    assert after.core.in_trade.snapshot() == on.core.in_trade.snapshot()
    first, second = told(go_on(on, name)), told(go_on(after, name))
    assert second == first
    assert first, "something was decided"
