"""Gate states as data: what each scope may do, and which scope is the strictest.

Kills persist: they are state, folded from the log. A rule of ours may only tighten; to loosen takes a person
(who may do so is checked before the request becomes an input). The one exception: what a rule itself has closed to REDUCE_ONLY it may
open again, as breakers do after their cooldown. Whoever else wants such a gate closed meanwhile takes it over, and so does a person
who asks for what any rule has closed.
"""

from typing import Final, NamedTuple, final

import msgspec

from tidegate.events.acts import GateChanged
from tidegate.events.inputs import GateSet
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import NEVER_NS

RULE_ACTOR: Final = "rule:"  # actors of our own rules begin so
BREAKER_ACTOR: Final = "rule:breaker:"  # the engine's own that lift after a cooldown what they closed themselves
STORM_ACTOR: Final = "rule:storm:"  # likewise, of our edges
SELF_LIFTING: Final = (BREAKER_ACTOR, STORM_ACTOR)

# Members of an enum are looked up slowly before Python 3.12.
_ACTIVE: Final = GateState.ACTIVE
_GLOBAL: Final = GateScope.GLOBAL
_VENUE: Final = GateScope.VENUE
_ACCOUNT: Final = GateScope.ACCOUNT
_STRATEGY: Final = GateScope.STRATEGY
_SYMBOL: Final = GateScope.SYMBOL

_STRICTNESS: Final = {GateState.ACTIVE: 0, GateState.REDUCE_ONLY: 1, GateState.HALTED: 2}


class GateVerdict(NamedTuple):
    """The strictest state over the scopes of an order, and which scope says so."""

    state: GateState
    scope: GateScope
    key: str
    reason: str


OPEN: Final = GateVerdict(GateState.ACTIVE, GateScope.GLOBAL, "", "")


class _Row(msgspec.Struct, frozen=True, array_like=True):
    scope: GateScope
    key: str
    state: GateState
    reason: str
    actor: str
    since_ns: int


_decoder: Final = msgspec.msgpack.Decoder(list[_Row])


@final
class Gates:
    """Every gate that is not ACTIVE. A key without a row is ACTIVE."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[GateScope, str], _Row] = {}

    def state(self, scope: GateScope, key: str) -> GateState:
        """Return the state of one scope alone."""
        row = self._rows.get((scope, key))
        return _ACTIVE if row is None else row.state

    def strictest(self, *, venue: str, account: str, strategy_id: str, symbol: str) -> GateVerdict:
        """Return the strictest state of all scopes that cover an order; the widest scope wins a tie."""
        rows = self._rows
        if not rows:
            return OPEN
        found = OPEN
        for scope, key in (
            (_GLOBAL, ""),
            (_VENUE, venue),
            (_ACCOUNT, account),
            (_STRATEGY, strategy_id),
            (_SYMBOL, symbol),
        ):
            row = rows.get((scope, key))
            if row is not None and _STRICTNESS[row.state] > _STRICTNESS[found.state]:
                found = GateVerdict(row.state, scope, key, row.reason)
        return found

    def change(self, scope: GateScope, key: str, state: GateState, *, actor: str) -> tuple[GateState, GateState] | None:
        """Return (before, after) of setting a gate.

        None when nothing would change or a rule of ours would loosen what it has not closed to REDUCE_ONLY itself. Before
        and after are equal when somebody takes a gate over: it stays closed, and the rule that had closed it lifts nothing.
        """
        before, holder, by_rule = self.state(scope, key), self.actor(scope, key), actor.startswith(RULE_ACTOR)
        if state is before:
            storms = holder.startswith(STORM_ACTOR) and actor.startswith(STORM_ACTOR)  # they know of each other
            lifting = holder.startswith(SELF_LIFTING) and holder != actor and not storms
            taken_over = lifting or (not by_rule and holder.startswith(RULE_ACTOR))
            return (before, state) if taken_over else None
        loosens = _STRICTNESS[state] < _STRICTNESS[before]
        if by_rule and loosens and not (before is GateState.REDUCE_ONLY and holder == actor):
            return None
        return before, state

    def fold_set(self, event: GateSet) -> None:
        """Take in a state that somebody set from outside; a rule that would loosen is ignored."""
        if self.change(event.scope, event.key, event.state, actor=event.actor) is not None:
            self._put(_Row(event.scope, event.key, event.state, event.reason, event.actor, event.timestamp))

    def fold_changed(self, act: GateChanged) -> None:
        """Take in a change the engine decided."""
        self._put(_Row(act.scope, act.key, act.after, act.reason, act.actor, act.timestamp))

    def closed(self) -> list[GateVerdict]:
        """Return every gate that is not ACTIVE, sorted."""
        return [GateVerdict(row.state, row.scope, row.key, row.reason) for _, row in sorted(self._rows.items())]

    def actor(self, scope: GateScope, key: str) -> str:
        """Return who closed a gate; empty: it is open."""
        row = self._rows.get((scope, key))
        return "" if row is None else row.actor

    @property
    def any_closed(self) -> bool:
        """Tell whether any gate is not ACTIVE."""
        return bool(self._rows)

    def lifts_ns(self, cooldown_ns: int) -> int:
        """Return when the first of what breakers hold opens again; NEVER_NS: none does by itself."""
        if not cooldown_ns:
            return NEVER_NS
        return min((since_ns + cooldown_ns for _, _, since_ns in self.breakers()), default=NEVER_NS)

    def breakers(self) -> list[tuple[GateVerdict, str, int]]:
        """Return what breakers hold closed: the gate, the breaker, since when."""
        rows = sorted(self._rows.items()) if self._rows else ()
        return [
            (GateVerdict(row.state, row.scope, row.key, row.reason), row.actor, row.since_ns)
            for _, row in rows
            if row.actor.startswith(BREAKER_ACTOR)
        ]

    def snapshot(self) -> bytes:
        """Return the whole state as bytes; equal states give equal bytes."""
        return msgspec.msgpack.encode([self._rows[key] for key in sorted(self._rows)])

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot.

        Raises:
            msgspec.MsgspecError: the bytes are no snapshot of gates.
        """
        self._rows = {(row.scope, row.key): row for row in _decoder.decode(data)}

    def _put(self, row: _Row) -> None:
        if row.state is GateState.ACTIVE:
            self._rows.pop((row.scope, row.key), None)
        else:
            self._rows[row.scope, row.key] = row
