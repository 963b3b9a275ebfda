"""Breakers trip at their thresholds, close the right scope, and lift what they closed themselves and nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.events.inputs import GateSet
from tidegate.risk.gates import Gates
from tidegate.service.breakers import CLOSES, Breaker, Breakers, BreakerSettings, Measured
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B3.6")

SETTINGS = BreakerSettings(
    rate_limited_max=3,
    rate_limited_window_ns=60 * SECOND_NS,
    rate_limited_cooldown_ns=120 * SECOND_NS,
    stream_losses_max=2,
    stream_losses_window_ns=300 * SECOND_NS,
    stream_losses_cooldown_ns=300 * SECOND_NS,
    clock_skew_ns_max=5 * SECOND_NS,
    clock_skew_cooldown_ns=0,
    disk_low_percent=10,
    disk_full_percent=2,
    log_stall_ns_max=5 * SECOND_NS,
    log_stall_cooldown_ns=30 * SECOND_NS,
    orders_silent_ns_max=30 * SECOND_NS,
    orders_silent_cooldown_ns=60 * SECOND_NS,
)
CALM = Measured(at_ns=0, throttled=0, losses=0, skew_ns=0, disk_free_percent=50.0, log_wait_ns=0, silent_ns=0)
AT_LIMIT: dict[Breaker, dict[str, Any]] = {
    Breaker.RATE_LIMITED: {"throttled": 3},
    Breaker.STREAM_LOSSES: {"losses": 2},
    Breaker.CLOCK_SKEW: {"skew_ns": 5 * SECOND_NS},
    Breaker.DISK_FULL: {"disk_free_percent": 2.0},
    Breaker.LOG_STALL: {"log_wait_ns": 5 * SECOND_NS},
    Breaker.ORDERS_SILENT: {"silent_ns": 30 * SECOND_NS},
}
ABOVE: dict[Breaker, dict[str, Any]] = {
    Breaker.RATE_LIMITED: {"throttled": 4},
    Breaker.STREAM_LOSSES: {"losses": 3},
    Breaker.CLOCK_SKEW: {"skew_ns": 5 * SECOND_NS + 1},
    Breaker.DISK_FULL: {"disk_free_percent": 1.9},
    Breaker.LOG_STALL: {"log_wait_ns": 5 * SECOND_NS + 1},
    Breaker.ORDERS_SILENT: {"silent_ns": 30 * SECOND_NS + 1},
}


class Room:
    """Breakers and the gates that they set, second by second."""

    def __init__(self, gates: Gates | None = None) -> None:
        self.gates = gates or Gates()
        self.breakers = Breakers(SETTINGS, "paper")
        self.at_s = 0
        self.last = CALM

    def step(self, seconds: int = 1, **measured: Any) -> list[GateSet]:
        self.at_s += seconds
        self.last = self.last._replace(at_ns=self.at_s * SECOND_NS, **measured)
        changes = self.breakers.step(self.last, [(gate, self.gates.actor(gate.scope, gate.key)) for gate in self.gates.closed()])
        for change in changes:
            self.gates.fold_set(change)
        return changes

    def person(self, scope: GateScope, key: str, state: GateState) -> None:
        set_by(self.gates, "ann", scope, key, state)

    def calm(self, seconds: int) -> list[GateSet]:
        found: list[GateSet] = []
        for _ in range(seconds):
            found += self.step(skew_ns=0, disk_free_percent=50.0, log_wait_ns=0, silent_ns=0)
        return found


def set_by(gates: Gates, actor: str, scope: GateScope, key: str, state: GateState) -> None:
    gates.fold_set(
        GateSet(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            scope=scope,
            key=key,
            state=state,
            reason="",
            actor=actor,
        )
    )


@pytest.mark.parametrize("breaker", Breaker)
def test_each_trips_above_its_limit_and_not_at_it(breaker: Breaker) -> None:
    room = Room()
    assert room.step(**AT_LIMIT[breaker]) == []
    (change,) = room.step(**ABOVE[breaker])
    scope, state = CLOSES[breaker]
    assert (change.scope, change.state, change.actor) == (scope, state, f"rule:storm:{breaker.value}")
    assert change.key == ("paper" if scope is GateScope.ACCOUNT else "")
    assert any(character.isdigit() for character in change.reason), change.reason
    assert room.step() == [], "told once"


@pytest.mark.parametrize("breaker", Breaker)
def test_each_is_lifted_by_its_own_rule_after_its_cooldown_or_by_a_person_alone(breaker: Breaker) -> None:
    room = Room()
    room.step(**ABOVE[breaker])
    scope, _ = CLOSES[breaker]
    window_s = 300 if breaker in {Breaker.RATE_LIMITED, Breaker.STREAM_LOSSES} else 0
    cooldown_s = SETTINGS.cooldown_ns(breaker) // SECOND_NS
    lifted = room.calm(1_000)
    if not cooldown_s:
        assert lifted == []
        assert room.gates.closed()
        room.person(scope, room.gates.closed()[0].key, GateState.ACTIVE)
        assert room.calm(5) == []
        return
    assert [(change.state, change.actor) for change in lifted] == [(GateState.ACTIVE, f"rule:storm:{breaker.value}")]
    assert room.gates.closed() == []
    early = Room()
    early.step(**ABOVE[breaker])
    assert early.calm(cooldown_s - 1) == []
    assert early.calm(window_s + 2) != [] or breaker in {Breaker.RATE_LIMITED, Breaker.STREAM_LOSSES}


def test_a_cause_that_comes_back_before_the_cooldown_starts_it_anew() -> None:
    room = Room()
    room.step(**ABOVE[Breaker.LOG_STALL])
    assert room.calm(29) == []
    assert room.step(**ABOVE[Breaker.LOG_STALL]) == []
    assert room.calm(29) == []
    assert len(room.calm(2)) == 1


def test_what_cannot_be_seen_neither_trips_nor_ends_a_trip() -> None:
    room = Room()
    assert room.step(skew_ns=None, disk_free_percent=None) == []
    room.step(skew_ns=6 * SECOND_NS, disk_free_percent=50.0)
    room.step(300, skew_ns=None)
    assert room.gates.state(GateScope.ACCOUNT, "paper") is GateState.REDUCE_ONLY


def test_refusals_far_apart_are_no_storm() -> None:
    room = Room()
    for count in range(1, 20):
        assert room.step(21, throttled=count) == []


def test_one_scope_opens_only_when_nothing_holds_it_any_more() -> None:
    room = Room()
    room.step(**ABOVE[Breaker.ORDERS_SILENT])
    room.step(losses=3)
    assert room.gates.actor(GateScope.ACCOUNT, "paper") == "rule:storm:orders-silent"
    assert room.calm(500) == [], "losses are in their window, then in their cooldown"
    (lifted,) = room.calm(200)
    assert lifted.actor == "rule:storm:orders-silent"
    assert room.gates.closed() == []


def test_a_persons_pause_over_a_trip_is_the_persons_and_stays() -> None:
    room = Room()
    room.step(**ABOVE[Breaker.LOG_STALL])
    before, after = room.gates.change(GateScope.GLOBAL, "", GateState.REDUCE_ONLY, actor="ann") or (None, None)
    assert before is after is GateState.REDUCE_ONLY
    room.person(GateScope.GLOBAL, "", GateState.REDUCE_ONLY)
    assert room.calm(1_000) == []
    assert room.gates.actor(GateScope.GLOBAL, "") == "ann"


def test_a_persons_kill_over_a_trip_stays() -> None:
    room = Room()
    room.step(**ABOVE[Breaker.ORDERS_SILENT])
    room.person(GateScope.ACCOUNT, "paper", GateState.HALTED)
    assert room.calm(1_000) == []
    assert room.gates.state(GateScope.ACCOUNT, "paper") is GateState.HALTED


def test_a_trip_survives_a_restart_and_is_lifted_after_its_cooldown_there() -> None:
    first = Room()
    first.step(**ABOVE[Breaker.LOG_STALL])
    second = Room(first.gates)
    assert second.calm(29) == []
    assert len(second.calm(3)) == 1
    assert second.gates.closed() == []


def test_a_scope_that_a_person_opened_trips_again_only_on_what_is_new() -> None:
    room = Room()
    room.step(**ABOVE[Breaker.RATE_LIMITED])
    room.person(GateScope.ACCOUNT, "paper", GateState.ACTIVE)
    assert room.calm(30) == []
    assert room.step(throttled=7) == []
    assert len(room.step(throttled=8)) == 1


def test_a_disk_that_is_still_full_halts_again() -> None:
    room = Room()
    room.step(**ABOVE[Breaker.DISK_FULL])
    room.person(GateScope.GLOBAL, "", GateState.ACTIVE)
    assert len(room.step()) == 1


@pytest.mark.parametrize("closed_by", ["ann", "rule:storm:log-stall", "rule:exits-failed"])
@pytest.mark.parametrize("state", [GateState.REDUCE_ONLY, GateState.HALTED])
@pytest.mark.parametrize("lifter", ["ann", "rule:storm:log-stall", "rule:other"])
def test_a_rule_lifts_only_its_own_reduce_only(closed_by: str, state: GateState, lifter: str) -> None:
    gates = Gates()
    set_by(gates, closed_by, GateScope.GLOBAL, "", state)
    set_by(gates, lifter, GateScope.GLOBAL, "", GateState.ACTIVE)
    may = lifter == "ann" or (lifter == closed_by and state is GateState.REDUCE_ONLY)
    assert (gates.state(GateScope.GLOBAL, "") is GateState.ACTIVE) is may


@given(st.lists(st.tuples(st.sampled_from(Breaker), st.booleans(), st.integers(1, 200)), max_size=30), st.randoms())
def test_no_schedule_opens_what_a_person_closed_or_a_rule_halted(moves: list[tuple[Breaker, bool, int]], random: Any) -> None:
    room = Room()
    persons: dict[tuple[GateScope, str], GateState] = {}
    for breaker, bad, seconds in moves:
        if random.random() < 0.2:
            scope, key = random.choice([(GateScope.GLOBAL, ""), (GateScope.ACCOUNT, "paper")])
            state = random.choice([GateState.REDUCE_ONLY, GateState.HALTED])
            if room.gates.change(scope, key, state, actor="ann") is not None:
                room.person(scope, key, state)
                persons[scope, key] = state
        halted = {gate.scope for gate in room.gates.closed() if gate.state is GateState.HALTED}
        values = dict(ABOVE[breaker]) if bad else {}
        for name in ("throttled", "losses"):
            if name in values:
                values[name] += getattr(room.last, name)
        calm = {"skew_ns": 0, "disk_free_percent": 50.0, "log_wait_ns": 0, "silent_ns": 0}
        room.step(seconds, **(calm | values))
        still = {(gate.scope, gate.key): gate.state for gate in room.gates.closed()}
        assert halted <= {scope for scope, _ in still}
        for place, state in persons.items():
            assert still.get(place, GateState.ACTIVE) in {state, GateState.HALTED}


def test_settings_name_every_threshold_without_a_default() -> None:
    assert all(field.required for field in msgspec.structs.fields(BreakerSettings))
