"""Start and recovery are one path: what the last session left is folded, checked against the ledger, and a new session goes on.

    lease ─► history (sealed) ─► snapshot ─► fold the tail ─► ledger beside log ─► new session ─► its first inputs

The account is then reconciled, senses warm up, and strategies may enter once the reconciler trusts the venue; see `reconcile`.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from tidegate.engine.engine import Engine
from tidegate.events.codec import decode
from tidegate.events.inputs import AnyInput, GateSet, OrderEvent
from tidegate.oms.order import Order
from tidegate.service.approvals import approval_row
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import MAKES_ORDER, Batch, Lease, LeaseClaim, Mark, OutboxRow
from tidegate.service.ledger.states import OutboxState
from tidegate.service.words import own_event
from tidegate.values.enums import GateScope, GateState, OrderEventKind, OrderState
from tidegate.values.ids import ClientOrderId, EventId, SessionId, session_id
from tidegate.values.time import SECOND_NS

LOG_GONE: Final = "rule:log-gone"  # who closes the gate where the ledger has orders that no log has, or an older one has not
REQUEST_NS_MAX: Final = 10 * SECOND_NS  # a request of the former holder may be on the wire for so long


class Evidence(StrEnum):
    """What the ledger says of an order that the log left without an answer. The table of what that means is `MEANING`."""

    NO_ROW = "no_row"
    PENDING = "pending"
    SENT = "sent"
    ANSWERED = "answered"
    UNSURE = "unsure"
    ABSENT = "absent"
    ABANDONED = "abandoned"


MEANING: Final = {
    Evidence.NO_ROW: OrderEventKind.NOT_SENT,  # logged and never recorded: it cannot have been let go
    Evidence.PENDING: OrderEventKind.NOT_SENT,
    Evidence.ABANDONED: OrderEventKind.NOT_SENT,
    Evidence.SENT: OrderEventKind.OUTCOME_UNKNOWN,
    Evidence.UNSURE: OrderEventKind.OUTCOME_UNKNOWN,
    Evidence.ANSWERED: OrderEventKind.OUTCOME_UNKNOWN,  # the answer is not in the log: ask again
    Evidence.ABSENT: OrderEventKind.OUTCOME_UNKNOWN,
}
_OPEN: Final = (OutboxState.PENDING, OutboxState.SENT, OutboxState.UNSURE)  # rows that are not accounted for
_UNPROVED: Final = frozenset({OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN})
_EVIDENCE: Final = {
    OutboxState.PENDING: Evidence.PENDING,
    OutboxState.SENT: Evidence.SENT,
    OutboxState.ANSWERED: Evidence.ANSWERED,
    OutboxState.UNSURE: Evidence.UNSURE,
    OutboxState.ABSENT: Evidence.ABSENT,
    OutboxState.ABANDONED: Evidence.ABANDONED,
}
_NOT_LOGGED: Final = {
    True: (OutboxState.ABANDONED, "not in the log: never let go"),
    False: (OutboxState.UNSURE, "not in the log, which is older than the ledger: look at the venue"),
}
_STRICTNESS: Final = {GateState.ACTIVE: 0, GateState.REDUCE_ONLY: 1, GateState.HALTED: 2}


class History(Protocol):
    """What earlier sessions of an account left. Reading it seals what was left open."""

    def last_session(self) -> SessionId | None:
        """Return the newest session with a log; None: this is the account's first start."""

    def end_state(self, makers: "Makers", epoch: int) -> bytes:
        """Return the state in which the next session begins: that session's newest snapshot and what was logged after it, folded."""


class Makers(NamedTuple):
    """How engines of this account are made: (session id, lease epoch) -> engine before its first input."""

    engine: Callable[[SessionId, int], Engine]


class Recovered(NamedTuple):
    """A session ready to begin: its engine, what it is told first, and the orders whose outcome is still open."""

    session: SessionId
    engine: Engine
    opening_state: bytes  # for the new log's first entry; empty at the first start
    first_inputs: tuple[AnyInput, ...]
    unsure: tuple[OutboxRow, ...]
    findings: tuple[str, ...]
    fresh: bool


def claim(ledger: Ledger, wish: LeaseClaim) -> Lease:
    """Take the account's lease, or say who holds it.

    Raises:
        LeaseHeldError: wait the holder out for its whole time to live on our monotonic clock, and claim with `waited_out`.
    """
    return ledger.take_lease(wish)


def takeover_wait_ns(lease: Lease) -> int:
    """Return how long a new holder reads before it may order: a request of the former one may still be on the wire."""
    return REQUEST_NS_MAX if lease.taken_from else 0


def recover(lease: Lease, history: History, ledger: Ledger, makers: Makers, *, now_ns: int) -> Recovered:
    """Return the session that goes on where the last one ended. Marks what the two stores prove in the ledger.

    Raises:
        TidegateError: the log is damaged, or the ledger is gone.
    """
    session = session_id(lease.account.encode(), str(lease.epoch).encode(), str(now_ns).encode())
    engine = makers.engine(session, lease.epoch)
    last = history.last_session()
    if last is None:
        gone, missing = _log_gone(ledger, lease.account)
        return Recovered(session, engine, b"", (*gone, *_gates(engine, ledger, lease.account)), (), missing, fresh=True)
    opening_state = history.end_state(makers, lease.epoch)
    engine.continue_from(opening_state)
    _tell_approvals(engine, ledger, lease)
    behind, missing = _log_behind(engine, ledger, lease.account)
    inputs, unsure, findings = _cross_check(engine, ledger, lease, now_ns, log_is_whole=not missing)
    first = (*behind, *_gates(engine, ledger, lease.account), *inputs)
    return Recovered(session, engine, opening_state, first, tuple(unsure), (*missing, *findings), fresh=False)


def _cross_check(
    engine: Engine, ledger: Ledger, lease: Lease, now_ns: int, *, log_is_whole: bool
) -> tuple[list[AnyInput], list[OutboxRow], list[str]]:
    """Lay ledger and log beside each other: every open order and every open row is accounted for.

    log_is_whole: an order that is not in the log was never let go. An older log proves nothing of what came after it.
    """
    inputs: list[AnyInput] = _missed_executions(engine, ledger, lease.account)
    unsure: list[OutboxRow] = []
    findings: list[str] = []
    marks: list[Mark] = []
    rows = {str(row.client_order_id): row for row in ledger.outbox(lease.account, _OPEN) if row.kind in MAKES_ORDER}
    for order in engine.books.working_orders():
        if order.state not in _UNPROVED or order.external:
            continue
        row = rows.get(order.client_order_id) or ledger.order(ClientOrderId(order.client_order_id))
        evidence = Evidence.NO_ROW if row is None else _EVIDENCE[row.state]
        inputs.append(own_event(order, MEANING[evidence], reason=f"at the start the ledger says: {evidence.value}"))
        findings.append(f"{order.client_order_id}: {evidence.value}")
        if row is not None:
            _account_for(row, evidence, now_ns, marks, unsure)
    for row in rows.values():
        if row.state in {OutboxState.PENDING, OutboxState.SENT} and engine.books.order(row.client_order_id) is None:
            state, note = _NOT_LOGGED[log_is_whole]
            marks.append(Mark(command_id=row.command_id, state=state, at_ns=now_ns, note=note))
            findings.append(f"{row.client_order_id}: recorded and not logged")
        elif row.state in {OutboxState.SENT, OutboxState.UNSURE} and _settled(engine.books.order(row.client_order_id)):
            marks.append(Mark(command_id=row.command_id, state=OutboxState.ANSWERED, at_ns=now_ns, note="the log has the answer"))
    if marks:
        ledger.write(Batch(account=lease.account, epoch=lease.epoch, marks=tuple(marks)))
    return inputs, unsure, findings


def _tell_approvals(engine: Engine, ledger: Ledger, lease: Lease) -> None:
    """Write the requests for approval that wait: the last session may have ended before the ledger had them. Closed ones stay closed."""
    waiting, _closed = engine.books.approvals()
    if waiting:
        rows = tuple(approval_row(lease.account, approval) for approval in waiting)
        ledger.write(Batch(account=lease.account, epoch=lease.epoch, approvals=rows))


def _account_for(row: OutboxRow, evidence: Evidence, now_ns: int, marks: list[Mark], unsure: list[OutboxRow]) -> None:
    command = EventId(row.command_id)
    if evidence is Evidence.PENDING:
        marks.append(Mark(command_id=command, state=OutboxState.ABANDONED, at_ns=now_ns, note="never let go"))
    elif evidence in {Evidence.SENT, Evidence.UNSURE}:
        marks.append(Mark(command_id=command, state=OutboxState.UNSURE, at_ns=now_ns, note="no answer in the log"))
        unsure.append(row)


def _settled(order: Order | None) -> bool:
    return order is not None and order.state not in _UNPROVED


def _missed_executions(engine: Engine, ledger: Ledger, account: str) -> list[AnyInput]:
    """Return executions that the ledger holds and the log lost: they are fed in again.

    Asked for are those of the orders that the books know: of a forgotten one nothing is fed in, and a start costs the same after years.
    """
    found: list[AnyInput] = []
    known = [order.client_order_id for order in (*engine.books.working_orders(), *engine.books.finished_orders())]
    for row in ledger.executions_of(account, frozenset(known)):
        event = decode(row.event)
        assert isinstance(event, OrderEvent), "an execution's row holds an order event"
        if not engine.books.knows_execution(event):
            found.append(event)
    return found


def _gates(engine: Engine, ledger: Ledger, account: str) -> tuple[GateSet, ...]:
    """Return the gate states of the ledger that are stricter than the log's: the union of both, the strictest wins."""
    return tuple(
        _gate(row.scope, row.key, row.state, row.reason, row.actor)
        for row in ledger.kills(account)
        if _STRICTNESS[row.state] > _STRICTNESS[engine.books.gate(row.scope, row.key)]
    )


def _log_gone(ledger: Ledger, account: str) -> tuple[tuple[GateSet, ...], tuple[str, ...]]:
    """Return what to begin with where no log is there: nothing, or a closed gate where one must have been.

    Losses, spending and whose a position is were told by the log alone; limits that begin anew would let out what they had stopped.
    """
    orders = sum(row.kind in MAKES_ORDER for row in ledger.outbox(account, tuple(OutboxState)))
    if not orders:
        return (), ()
    missing = f"no golden log of the {orders} orders in the ledger: what was lost and spent before is not known"
    return _closed(f"there is {missing}"), (missing,)


def _log_behind(engine: Engine, ledger: Ledger, account: str) -> tuple[tuple[GateSet, ...], tuple[str, ...]]:
    """Return what to begin with where the log ends before an order that left: an older copy of it was put back.

    No order leaves before the log has it, and receive time never goes back.
    """
    row = ledger.last_let_go(account)
    if row is None or decode(row.command).timestamp <= engine.now_ns:
        return (), ()
    missing = f"the golden log ends before order {row.client_order_id} of the ledger: what was lost and spent since is not known"
    return _closed(missing), (missing,)


def _closed(missing: str) -> tuple[GateSet, ...]:
    reason = f"{missing}; put the log back and start again, or look at the account and resume"
    return (_gate(GateScope.GLOBAL, "", GateState.REDUCE_ONLY, reason, LOG_GONE),)


def _gate(scope: GateScope, key: str, state: GateState, reason: str, actor: str) -> GateSet:
    return GateSet(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        scope=scope,
        key=key,
        state=state,
        reason=reason,
        actor=actor,
    )


def strictest(states: Iterable[GateState]) -> GateState:
    """Return the strictest of some gate states; ACTIVE of none."""
    return max(states, key=_STRICTNESS.__getitem__, default=GateState.ACTIVE)
