"""Automatic stops for trouble at our own edges: too many 429s, streams that break, a wrong clock, a full disk, what stalls.

A machine that is told measurements with their times and asks nothing. A trip is a gate state, as an input of the engine, under the name
of its rule. A cause that can pass by itself closes to REDUCE_ONLY and is lifted by the same rule once it has been gone for its cooldown;
where the cooldown is 0 only a person opens. What is HALTED only a person opens in any case. What cannot be measured is neither trouble
nor its end.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, final

import msgspec

from tidegate.events.inputs import GateSet
from tidegate.risk.gates import STORM_ACTOR, GateVerdict
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import SECOND_NS

EVENTS_MAX: Final = 1_024  # of one window; more than any threshold may be


class Breaker(StrEnum):
    """What trips; `rule:storm:<name>` is who closed the gate then."""

    RATE_LIMITED = "rate-limited"
    STREAM_LOSSES = "stream-losses"
    CLOCK_SKEW = "clock-skew"
    DISK_FULL = "disk-full"
    LOG_STALL = "log-stall"
    ORDERS_SILENT = "orders-silent"


class Closes(NamedTuple):
    """What a breaker closes, and to what."""

    scope: GateScope
    state: GateState


CLOSES: Final[Mapping[Breaker, Closes]] = {
    Breaker.RATE_LIMITED: Closes(GateScope.ACCOUNT, GateState.REDUCE_ONLY),
    Breaker.STREAM_LOSSES: Closes(GateScope.ACCOUNT, GateState.REDUCE_ONLY),
    Breaker.CLOCK_SKEW: Closes(GateScope.ACCOUNT, GateState.REDUCE_ONLY),
    Breaker.DISK_FULL: Closes(GateScope.GLOBAL, GateState.HALTED),
    Breaker.LOG_STALL: Closes(GateScope.GLOBAL, GateState.REDUCE_ONLY),
    Breaker.ORDERS_SILENT: Closes(GateScope.ACCOUNT, GateState.REDUCE_ONLY),
}
_OF_ACTOR: Final = {f"{STORM_ACTOR}{breaker.value}": breaker for breaker in Breaker}


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds. A cooldown of 0: only a person opens again. There are no defaults: what stops trading is stated."""

    rate_limited_max: int
    rate_limited_window_ns: int
    rate_limited_cooldown_ns: int
    stream_losses_max: int
    stream_losses_window_ns: int
    stream_losses_cooldown_ns: int
    clock_skew_ns_max: int
    clock_skew_cooldown_ns: int
    disk_low_percent: int
    disk_full_percent: int
    log_stall_ns_max: int
    log_stall_cooldown_ns: int
    orders_silent_ns_max: int
    orders_silent_cooldown_ns: int

    def cooldown_ns(self, breaker: Breaker) -> int:
        """Return for how long a cause must be gone; 0: a person opens."""
        if CLOSES[breaker].state is GateState.HALTED:
            return 0
        cooldowns = {
            Breaker.RATE_LIMITED: self.rate_limited_cooldown_ns,
            Breaker.STREAM_LOSSES: self.stream_losses_cooldown_ns,
            Breaker.CLOCK_SKEW: self.clock_skew_cooldown_ns,
            Breaker.LOG_STALL: self.log_stall_cooldown_ns,
            Breaker.ORDERS_SILENT: self.orders_silent_cooldown_ns,
        }
        return cooldowns[breaker]


class Measured(NamedTuple):
    """What was measured by one moment. None: it could not be seen.

    at_ns: monotonic. throttled, losses: counts since the start. skew_ns: how far our clock is off for certain.
    log_wait_ns: how long the log has been behind without moving. silent_ns: how long the order stream has owed us news.
    """

    at_ns: int
    throttled: int
    losses: int
    skew_ns: int | None
    disk_free_percent: float | None
    log_wait_ns: int
    silent_ns: int


@final
class Breakers:
    """The breakers of one trader. Call `step` about once a second."""

    def __init__(self, settings: BreakerSettings, account: str) -> None:
        self._settings: Final = settings
        self._account: Final = account
        self._counts: Final = {Breaker.RATE_LIMITED: 0, Breaker.STREAM_LOSSES: 0}
        self._events: Final = {breaker: deque[int](maxlen=EVENTS_MAX) for breaker in self._counts}
        self._tripped: dict[Breaker, int] = {}  # and when its cause was last there, or could not be seen
        self._adopted = False

    def step(self, measured: Measured, closed: Sequence[tuple[GateVerdict, str]]) -> list[GateSet]:
        """Return the gates to be set now.

        Args:
            measured: of this moment.
            closed: every gate that is not open, and who closed it.
        """
        self._look_at_gates(closed, measured.at_ns)
        self._count(Breaker.RATE_LIMITED, measured.throttled, measured.at_ns)
        self._count(Breaker.STREAM_LOSSES, measured.losses, measured.at_ns)
        changes: list[GateSet] = []
        for breaker, why in self._causes(measured).items():
            if why and breaker not in self._tripped:
                scope, state = CLOSES[breaker]
                changes.append(self._set(scope, state, f"{STORM_ACTOR}{breaker.value}", why))
            if why or (why is None and breaker in self._tripped):
                self._tripped[breaker] = measured.at_ns
            elif breaker in self._tripped and self._is_over(breaker, measured.at_ns):
                del self._tripped[breaker]
        return changes + self._lifted(closed, changes)

    def _look_at_gates(self, closed: Sequence[tuple[GateVerdict, str]], now_ns: int) -> None:
        """Take over what a session before has closed; forget what a person has opened."""
        if not self._adopted:
            self._adopted = True
            for _, actor in closed:
                if actor in _OF_ACTOR:
                    self._tripped[_OF_ACTOR[actor]] = now_ns
        scopes = {(gate.scope, gate.key) for gate, _ in closed}
        for breaker in [breaker for breaker in self._tripped if (CLOSES[breaker].scope, self._key(CLOSES[breaker].scope)) not in scopes]:
            del self._tripped[breaker]
            if breaker in self._events:
                self._events[breaker].clear()

    def _lifted(self, closed: Sequence[tuple[GateVerdict, str]], changes: list[GateSet]) -> list[GateSet]:
        """Lift what a rule of ours has closed where nothing of ours holds that scope any more."""
        held = {CLOSES[breaker].scope for breaker in self._tripped} | {change.scope for change in changes}
        return [
            self._set(gate.scope, GateState.ACTIVE, actor, f"what closed it has been over for its cooldown ({gate.reason})")
            for gate, actor in closed
            if actor in _OF_ACTOR and gate.state is GateState.REDUCE_ONLY and gate.scope not in held
        ]

    def _is_over(self, breaker: Breaker, now_ns: int) -> bool:
        cooldown_ns = self._settings.cooldown_ns(breaker)
        return cooldown_ns > 0 and now_ns - self._tripped[breaker] >= cooldown_ns

    def _count(self, breaker: Breaker, total: int, now_ns: int) -> None:
        events = self._events[breaker]
        events.extend([now_ns] * min(EVENTS_MAX, max(0, total - self._counts[breaker])))
        self._counts[breaker] = total
        settings = self._settings
        window_ns = settings.rate_limited_window_ns if breaker is Breaker.RATE_LIMITED else settings.stream_losses_window_ns
        while events and events[0] + window_ns <= now_ns:
            events.popleft()

    def _causes(self, measured: Measured) -> dict[Breaker, str | None]:
        """Return why each breaker must be closed, with the numbers; empty: nothing is wrong; None: that cannot be seen."""
        own, refused, broke = self._settings, Breaker.RATE_LIMITED, Breaker.STREAM_LOSSES
        return {
            refused: self._storm(refused, own.rate_limited_max, own.rate_limited_window_ns, "the venue refused {} requests as too many"),
            broke: self._storm(broke, own.stream_losses_max, own.stream_losses_window_ns, "streams broke {} times"),
            Breaker.CLOCK_SKEW: _above(measured.skew_ns, own.clock_skew_ns_max, "this machine's clock is off by {}"),
            Breaker.DISK_FULL: _full(measured.disk_free_percent, own.disk_full_percent),
            Breaker.LOG_STALL: _above(measured.log_wait_ns, own.log_stall_ns_max, "the log has waited for its disk for {}"),
            Breaker.ORDERS_SILENT: _above(measured.silent_ns, own.orders_silent_ns_max, "the order stream has owed news for {}"),
        }

    def _storm(self, breaker: Breaker, count_max: int, window_ns: int, words: str) -> str:
        count = len(self._events[breaker])
        if count <= count_max:
            return ""
        return f"{words.format(count)} within {_seconds(window_ns)}, more than {count_max} may be"

    def _key(self, scope: GateScope) -> str:
        return self._account if scope is GateScope.ACCOUNT else ""

    def _set(self, scope: GateScope, state: GateState, actor: str, reason: str) -> GateSet:
        return GateSet(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            scope=scope,
            key=self._key(scope),
            state=state,
            reason=reason,
            actor=actor,
        )


def _above(value_ns: int | None, max_ns: int, words: str) -> str | None:
    if value_ns is None:
        return None
    return f"{words.format(_seconds(value_ns))}, more than {_seconds(max_ns)} may be" if value_ns > max_ns else ""


def _full(free: float | None, percent_min: int) -> str | None:
    if free is None:
        return None
    return f"{free:.1f} % of the log's disk is free, and less than {percent_min} % stops everything" if free < percent_min else ""


def _seconds(ns: int) -> str:
    return f"{ns / SECOND_NS:g} s" if ns % SECOND_NS == 0 else f"{ns / SECOND_NS:.1f} s"
