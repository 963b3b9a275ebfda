"""Gate states as data: the strictest scope wins, kills persist, rules only tighten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portfolio.making import NOW_NS
from tidegate.events.acts import GateChanged
from tidegate.events.inputs import GateSet
from tidegate.risk.gates import OPEN, RULE_ACTOR, Gates, GateVerdict
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import NEVER_NS

ACTIVE, REDUCE_ONLY, HALTED = GateState.ACTIVE, GateState.REDUCE_ONLY, GateState.HALTED
KEYS = {
    GateScope.GLOBAL: "",
    GateScope.VENUE: "sim",
    GateScope.ACCOUNT: "acct",
    GateScope.STRATEGY: "mr",
    GateScope.SYMBOL: "AIG",
}
PERSON = "person:ada"


def setting(scope: GateScope, key: str, state: GateState, *, actor: str = PERSON, reason: str = "why", now_ns: int = NOW_NS) -> GateSet:
    return GateSet(
        event_id="s-1-0",
        timestamp=now_ns,
        symbol="",
        strategy_id="",
        correlation_id="s-1-0",
        scope=scope,
        key=key,
        state=state,
        reason=reason,
        actor=actor,
    )


def changing(scope: GateScope, key: str, before: GateState, after: GateState) -> GateChanged:
    return GateChanged(
        event_id="s-1-1",
        timestamp=NOW_NS,
        symbol="",
        strategy_id="",
        correlation_id="s-1-0",
        scope=scope,
        key=key,
        before=before,
        after=after,
        reason="drift",
        actor=f"{RULE_ACTOR}drift",
    )


def strictest(gates: Gates) -> GateVerdict:
    return gates.strictest(venue="sim", account="acct", strategy_id="mr", symbol="AIG")


def test_gates_are_open_until_somebody_closes_one() -> None:
    assert strictest(Gates()) is OPEN
    assert GateVerdict(ACTIVE, GateScope.GLOBAL, "", "") == OPEN
    assert Gates().closed() == []


@pytest.mark.parametrize("state", [REDUCE_ONLY, HALTED])
@pytest.mark.parametrize("scope", GateScope)
def test_every_scope_closes_the_orders_it_covers(scope: GateScope, state: GateState) -> None:
    gates = Gates()
    gates.fold_set(setting(scope, KEYS[scope], state))
    assert strictest(gates) == GateVerdict(state, scope, KEYS[scope], "why")
    assert gates.state(scope, KEYS[scope]) is state
    assert gates.state(scope, "another") is ACTIVE


@pytest.mark.parametrize("scope", [scope for scope in GateScope if scope is not GateScope.GLOBAL])
def test_a_scope_leaves_the_orders_of_others_alone(scope: GateScope) -> None:
    gates = Gates()
    gates.fold_set(setting(scope, "another", HALTED))
    assert strictest(gates) == OPEN


@pytest.mark.req("B3.1")
def test_the_strictest_wins_and_of_equals_the_widest() -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.ACCOUNT, "acct", REDUCE_ONLY, reason="drift"))
    gates.fold_set(setting(GateScope.SYMBOL, "AIG", HALTED, reason="late order"))
    assert strictest(gates) == GateVerdict(HALTED, GateScope.SYMBOL, "AIG", "late order")
    gates.fold_set(setting(GateScope.VENUE, "sim", HALTED, reason="outage"))
    assert strictest(gates) == GateVerdict(HALTED, GateScope.VENUE, "sim", "outage")


def test_a_person_opens_a_gate_again() -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.GLOBAL, "", HALTED))
    gates.fold_set(setting(GateScope.GLOBAL, "", REDUCE_ONLY))
    assert strictest(gates).state is REDUCE_ONLY
    gates.fold_set(setting(GateScope.GLOBAL, "", ACTIVE))
    assert strictest(gates) is OPEN
    assert gates.closed() == []


@pytest.mark.parametrize("before", GateState)
@pytest.mark.parametrize("after", GateState)
def test_a_rule_only_tightens(before: GateState, after: GateState) -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.SYMBOL, "AIG", before))
    tightens = list(GateState).index(after) > list(GateState).index(before)
    expected = (before, after) if tightens else None
    assert gates.change(GateScope.SYMBOL, "AIG", after, actor=f"{RULE_ACTOR}x") == expected
    gates.fold_set(setting(GateScope.SYMBOL, "AIG", after, actor=f"{RULE_ACTOR}x", reason="rule"))
    assert gates.state(GateScope.SYMBOL, "AIG") is (after if tightens else before)
    person = None if before is after else (before, after)
    fresh = Gates()
    fresh.fold_set(setting(GateScope.SYMBOL, "AIG", before))
    assert fresh.change(GateScope.SYMBOL, "AIG", after, actor=PERSON) == person


def test_setting_what_is_set_keeps_the_first_reason() -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.GLOBAL, "", HALTED, reason="first"))
    gates.fold_set(setting(GateScope.GLOBAL, "", HALTED, reason="second"))
    assert strictest(gates).reason == "first"


def test_a_recorded_change_is_folded_as_it_stands() -> None:
    gates = Gates()
    gates.fold_changed(changing(GateScope.SYMBOL, "AIG", ACTIVE, HALTED))
    assert gates.closed() == [GateVerdict(HALTED, GateScope.SYMBOL, "AIG", "drift")]
    other = Gates()
    other.restore(gates.snapshot())
    assert other.snapshot() == gates.snapshot()
    assert b"rule:drift" in gates.snapshot()
    gates.fold_changed(changing(GateScope.SYMBOL, "AIG", HALTED, ACTIVE))
    assert gates.closed() == []
    gates.fold_changed(changing(GateScope.SYMBOL, "AIG", ACTIVE, ACTIVE))
    assert gates.snapshot() == Gates().snapshot()


def test_what_is_closed_is_listed_in_order() -> None:
    gates = Gates()
    for scope, key in ((GateScope.SYMBOL, "BAC"), (GateScope.GLOBAL, ""), (GateScope.SYMBOL, "AIG")):
        gates.fold_set(setting(scope, key, HALTED))
    assert [(gate.scope, gate.key) for gate in gates.closed()] == [
        (GateScope.GLOBAL, ""),
        (GateScope.SYMBOL, "AIG"),
        (GateScope.SYMBOL, "BAC"),
    ]


SETTINGS = st.lists(st.tuples(st.sampled_from(GateScope), st.sampled_from(("", "AIG", "mr")), st.sampled_from(GateState)))


@given(SETTINGS)
def test_a_kill_survives_a_restart_byte_for_byte(history: list[tuple[GateScope, str, GateState]]) -> None:
    gates, other = Gates(), Gates()
    for scope, key, state in history:
        gates.fold_set(setting(scope, key, state))
    other.fold_set(setting(GateScope.VENUE, "gone", HALTED))
    other.restore(gates.snapshot())
    assert other.snapshot() == gates.snapshot()
    assert other.closed() == gates.closed()


def test_the_order_in_which_gates_were_closed_leaves_no_trace() -> None:
    one, other = Gates(), Gates()
    keys = ("AIG", "BAC")
    for gates, order in ((one, keys), (other, keys[::-1])):
        for key in order:
            gates.fold_set(setting(GateScope.SYMBOL, key, HALTED))
    assert one.snapshot() == other.snapshot()


def test_who_closed_a_gate_is_part_of_the_state() -> None:
    one, other = Gates(), Gates()
    one.fold_set(setting(GateScope.GLOBAL, "", HALTED, actor="person:ada"))
    other.fold_set(setting(GateScope.GLOBAL, "", HALTED, actor="person:bob"))
    assert one.snapshot() != other.snapshot()


def test_who_closed_a_gate_is_known_until_it_is_open() -> None:
    gates = Gates()
    assert gates.actor(GateScope.SYMBOL, "AIG") == ""
    gates.fold_set(setting(GateScope.SYMBOL, "AIG", HALTED, actor=PERSON))
    assert gates.actor(GateScope.SYMBOL, "AIG") == PERSON
    assert gates.actor(GateScope.SYMBOL, "BAC") == ""
    assert gates.actor(GateScope.STRATEGY, "AIG") == ""
    gates.fold_set(setting(GateScope.SYMBOL, "AIG", ACTIVE))
    assert gates.actor(GateScope.SYMBOL, "AIG") == ""


BREAKER, RULE = "rule:breaker:reject_rate", "rule:daily_loss"


@pytest.mark.req("B3.6")
def test_a_breaker_opens_what_it_alone_has_closed() -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=BREAKER))
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor=RULE) is None
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor="rule:breaker:delay") is None
    assert gates.change(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=BREAKER) is None
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor=BREAKER) == (REDUCE_ONLY, ACTIVE)


@pytest.mark.req("B3.6")
@pytest.mark.parametrize("other", [RULE, PERSON, "rule:breaker:delay"])
def test_whoever_else_wants_it_closed_takes_it_over(other: str) -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=BREAKER))
    assert gates.change(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=other) == (REDUCE_ONLY, REDUCE_ONLY)
    gates.fold_set(setting(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=other))
    assert gates.actor(GateScope.STRATEGY, "mr") == other
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor=BREAKER) is None


@pytest.mark.req("B3.6")
def test_no_breaker_lifts_a_halt() -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=BREAKER))
    gates.fold_set(setting(GateScope.STRATEGY, "mr", HALTED, actor=PERSON))
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor=BREAKER) is None
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor=PERSON) == (HALTED, ACTIVE)
    gates.fold_set(setting(GateScope.STRATEGY, "mr", HALTED, actor=BREAKER))
    assert gates.change(GateScope.STRATEGY, "mr", ACTIVE, actor=BREAKER) is None  # not even its own


@pytest.mark.req("B3.6")
def test_what_breakers_hold_is_due_after_the_cooldown() -> None:
    gates = Gates()
    assert not gates.any_closed
    gates.fold_set(setting(GateScope.STRATEGY, "mr", REDUCE_ONLY, actor=BREAKER, now_ns=100))
    gates.fold_set(setting(GateScope.STRATEGY, "tf", REDUCE_ONLY, actor=BREAKER, now_ns=50))
    gates.fold_set(setting(GateScope.ACCOUNT, "acct", REDUCE_ONLY, actor=RULE, now_ns=1))
    assert gates.any_closed
    assert gates.lifts_ns(30) == 80
    assert gates.lifts_ns(0) == NEVER_NS  # only a person opens
    assert gates.breakers() == [
        (GateVerdict(REDUCE_ONLY, GateScope.STRATEGY, key, "why"), BREAKER, since_ns) for key, since_ns in (("mr", 100), ("tf", 50))
    ]


@pytest.mark.req("B3.6")
def test_without_a_breaker_nothing_opens_by_itself() -> None:
    gates = Gates()
    assert gates.lifts_ns(30) == NEVER_NS
    gates.fold_set(setting(GateScope.ACCOUNT, "acct", REDUCE_ONLY, actor=PERSON))
    assert gates.lifts_ns(30) == NEVER_NS


@pytest.mark.req("B3.6")
@pytest.mark.parametrize(
    ("holder", "actor", "taken_over"),
    [
        ("rule:storm:stream-losses", "rule:storm:rate-limited", False),  # storms know of each other: the edge lifts when both are over
        ("rule:storm:stream-losses", "rule:storm:stream-losses", False),
        ("rule:storm:stream-losses", "rule:breaker:reject_rate", True),
        ("rule:breaker:reject_rate", "rule:storm:stream-losses", True),
        ("rule:breaker:reject_rate", "rule:breaker:cancel_rate", True),
        ("rule:breaker:reject_rate", "rule:breaker:reject_rate", False),
        ("rule:daily_loss", "rule:storm:stream-losses", False),  # it lifts nothing by itself
    ],
)
def test_who_takes_over_what_another_rule_holds_closed(holder: str, actor: str, *, taken_over: bool) -> None:
    gates = Gates()
    gates.fold_set(setting(GateScope.ACCOUNT, "acct", REDUCE_ONLY, actor=holder))
    assert gates.change(GateScope.ACCOUNT, "acct", REDUCE_ONLY, actor=actor) == ((REDUCE_ONLY, REDUCE_ONLY) if taken_over else None)
