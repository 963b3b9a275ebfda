"""What the ledger holds, as frozen rows. All times are ns UTC and come from the caller: the ledger has no clock."""

import msgspec

from tidegate.authority.users import User
from tidegate.config.stages import Stage, Step
from tidegate.journal.audit.heads import Head
from tidegate.journal.audit.record import AuditEntry
from tidegate.service.ledger.states import BORN, OutboxState
from tidegate.values.enums import ApprovalState, CommandKind, GateScope, GateState
from tidegate.values.ids import ApprovalId, ClientOrderId, EventId, ExecutionId, SessionId

MAKES_ORDER = frozenset({CommandKind.SUBMIT, CommandKind.REPLACE})  # these need an approval and an id never used before


class LeaseClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for an account: who asks, when, and for how long at a time.

    holder names one process, never two (machine, process id, start time). `waited_out` is a lease that was seen unchanged for
    its whole time to live on the claimant's monotonic clock: it is taken over whatever the two wall clocks say, if it still
    stands so.
    """

    account: str
    holder: str
    now_ns: int
    ttl_ns: int
    waited_out: "Lease | None" = None
    code_sha256: str = ""
    config_sha256: str = ""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to trade an account. The epoch grows with each new holder and never repeats.

    taken_from: the holder whose lease ran out instead of being given back; its last request may still be on the wire.
    """

    account: str
    holder: str
    epoch: int
    expires_ns: int
    ttl_ns: int
    released: bool = False
    taken_from: str = ""
    code_sha256: str = ""
    config_sha256: str = ""


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One command with the approval it rests on, and where it stands.

    command_id is the command's event id and is unique; client_order_id is unique among the commands that make an order.
    (n, k) is the command's place in its session, (previous_n, previous_k) that of the command recorded before it there
    (-1, 0: none), so that a missing row shows. command is the encoded `OrderCommand`. note says why it stands as it does.
    """

    command_id: EventId
    client_order_id: ClientOrderId
    kind: CommandKind
    account: str
    epoch: int
    session: SessionId
    n: int
    k: int
    intent_id: str
    decision_id: str
    command: bytes
    recorded_ns: int
    previous_n: int = -1
    previous_k: int = 0
    state: OutboxState = OutboxState.PENDING
    sent_ns: int = 0  # when it was released; 0: never
    changed_ns: int = 0  # when it was last marked; 0: never
    note: str = ""

    def __post_init__(self) -> None:
        """Hold what no caller may get wrong."""
        assert self.kind not in MAKES_ORDER or self.decision_id, "no order without an approval"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A command's row is to move to another state."""

    command_id: EventId
    state: OutboxState
    at_ns: int
    note: str = ""


class ExecutionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, once. event is the encoded `OrderEvent`; sequence is the ledger's own count (0: not yet written)."""

    account: str
    execution_id: ExecutionId
    client_order_id: ClientOrderId
    event: bytes
    recorded_ns: int
    sequence: int = 0


class KillRow(msgspec.Struct, frozen=True, kw_only=True):
    """The gate state of one scope as somebody last set it; ACTIVE rows say who opened it again."""

    account: str
    scope: GateScope
    key: str
    state: GateState
    reason: str
    actor: str
    at_ns: int


class ApprovalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A request for approval as it stands: of which order, until when, and who has approved it, a name a line.

    Written as often as it moves; what is closed stays as it is. USED is set by an `ApprovalUse` alone.
    """

    account: str
    approval_id: ApprovalId
    order_sha256: str
    state: ApprovalState
    approvers: str
    expires_ns: int
    at_ns: int


class ApprovalUse(msgspec.Struct, frozen=True, kw_only=True):
    """The one use of an approval: it must be granted, of this very order, and not expired. Written with the rows of its orders."""

    approval_id: ApprovalId
    order_sha256: str
    at_ns: int


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a configuration, as it was added; never changed. strategies is the msgpack of its `StrategyPart`s."""

    account: str
    sha256: str
    parent: str  # the version it was compared with; empty: none
    config: bytes
    limits: bytes
    strategies: bytes
    tidegate: str
    actor: str
    added_ns: int


class StageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a version, or of one strategy's permission, on the ladder; never changed.

    permission_sha256 empty: the step is the whole version's. evidence is JSON, empty where none was asked for. sequence is the
    ledger's own count (0: not yet written).
    """

    account: str
    version_sha256: str
    strategy_id: str
    permission_sha256: str
    step: Step
    before: Stage
    after: Stage
    actor: str
    approver: str
    reason: str
    evidence: str
    at_ns: int
    sequence: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together or not at all, under one lease. Applied in the order of the fields."""

    account: str
    epoch: int
    rows: tuple[OutboxRow, ...] = ()
    marks: tuple[Mark, ...] = ()
    executions: tuple[ExecutionRow, ...] = ()
    kills: tuple[KillRow, ...] = ()
    users: tuple[User, ...] = ()
    audit: tuple[AuditEntry, ...] = ()  # each gets its place in the account's chain by the transaction that writes it
    heads: tuple[Head, ...] = ()
    approvals: tuple[ApprovalRow, ...] = ()
    uses: tuple[ApprovalUse, ...] = ()
    versions: tuple[VersionRow, ...] = ()
    stages: tuple[StageRow, ...] = ()

    def __post_init__(self) -> None:
        """Hold what no caller may get wrong."""
        assert all(row.account == self.account and row.epoch == self.epoch for row in self.rows), "a row of another lease"
        assert all(row.state in BORN for row in self.rows), "a new row has no answer"
        assert all(row.account == self.account for row in self.executions), "an execution of another account"
        assert all(row.account == self.account for row in self.kills), "a kill of another account"
        assert all(user.account == self.account for user in self.users), "a user of another account"
        assert all(head.account == self.account and head.epoch == self.epoch for head in self.heads), "a head of another lease"
        assert all(row.account == self.account for row in self.approvals), "an approval of another account"
        assert all(row.state is not ApprovalState.USED for row in self.approvals), "only a use makes an approval used"
        assert all(row.account == self.account for row in self.versions), "a version of another account"
        assert all(row.account == self.account for row in self.stages), "a step of another account"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch that is now durable has changed: the executions that were new, in order. The others were seen before."""

    new_executions: tuple[ExecutionId, ...] = ()
