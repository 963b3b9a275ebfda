"""The trader without its world: sequencer, sender, reconciliation and requests as one machine that a driver turns.

The driver offers what comes in, calls `turn` whenever something came in or `due_ns` is reached, carries the effects out in their order
and tells their outcomes. Live that is the trader's loop, in a campaign the simulated world; nothing here knows which.
"""

from contextlib import suppress
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.engine.engine import Engine
from tidegate.events.codec import encode
from tidegate.events.inputs import ApprovalAnswered, OperatorRequested, OrderEvent, StreamChanged
from tidegate.journal.evidence import stages_evidence
from tidegate.service.approvals import approval_row
from tidegate.service.auditing import Auditing, AuditSettings
from tidegate.service.call_tally import CallTally
from tidegate.service.flatten import Operator
from tidegate.service.gatekeeper import Gatekeeper
from tidegate.service.ledger.rows import Batch, ExecutionRow
from tidegate.service.noting import Noting
from tidegate.service.outbox import Outbox, OutboxSettings
from tidegate.service.parting import NO_SOCKETS, Parter, PartingPlan
from tidegate.service.ports import Answer, CancelAll, Effect, Found, LogPort, Reads, SealAudit, Send, Suspend, WriteLedger
from tidegate.service.reconcile import Reconciler, ReconcileSettings
from tidegate.service.restating import Split, restated
from tidegate.service.sequencer import Sequencer, SequencerSettings
from tidegate.values.enums import CommandKind
from tidegate.values.errors import TidegateError
from tidegate.values.ids import ClientOrderId, ExecutionId, SessionId
from tidegate.values.time import NEVER_NS
from tidegate.venues.calls import VenueCall
from tidegate.venues.errors import VenueError
from tidegate.venues.port import CancelResult

STORE, BLOCKED = NO_SOCKETS  # as streams: down while log or ledger are gone, and while the venue says that it takes no order


class DeskSettings(NamedTuple):
    """Every machine's settings."""

    sequencer: SequencerSettings = SequencerSettings()
    outbox: OutboxSettings = OutboxSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    audit: AuditSettings = AuditSettings()
    parting: PartingPlan = PartingPlan()


class Place(NamedTuple):
    """Which session of which account trades where."""

    session: SessionId
    account: str
    venue: str


@final
class Desk:
    """One session's machines, wired."""

    def __init__(self, place: Place, engine: Engine, log: LogPort, clock: Clock, settings: DeskSettings | None = None) -> None:
        settings = settings or DeskSettings()
        self.place: Final = place
        self.engine: Final = engine
        self._log: Final = log
        self._clock: Final = clock
        self.sequencer: Final = Sequencer(place.session, engine, log, clock, settings.sequencer)
        self.gatekeeper: Final = Gatekeeper(engine)
        self.outbox: Final = Outbox(place.account, self.sequencer, self.gatekeeper, log, clock, settings.outbox)
        self.reconciler: Final = Reconciler(place.venue, self.sequencer, clock, settings.reconcile)
        self.auditing: Final = Auditing(place.account, self.sequencer, self.gatekeeper, clock, settings.audit)
        self.expiries: dict[str, int] = {}  # when the venue itself ends the orders that were open there at the last read, ns
        self.splits: list[Split] = []  # announced for today or a day lately, and not booked in this session
        self._booked: Final[set[Split]] = set()
        self.calls: Final = CallTally(place.venue, self.sequencer, clock)
        down = engine.books.streams_down()  # a session before may have ended without its disk
        self._told_up: Final = {stream: f"{place.venue}/{stream}" not in down for stream in (STORE, BLOCKED)}
        self._due_n, self._engine_due_ns = -1, NEVER_NS
        self.operator: Final = Operator(place.account, self.sequencer, self.gatekeeper, clock)
        self.parter: Final = Parter(settings.parting, place.venue, self.sequencer, clock)
        self.noting: Final = Noting(self.sequencer)

    @property
    def log_is_whole(self) -> bool:
        """Tell whether the log gets all that the engine takes in; one that once had no room for an input misses it for good."""
        return self._log.failed is None and self.sequencer.log_failed is None

    def monotonic_ns(self) -> int:
        """Return the time of the desk's own clock that `due_ns` is meant in."""
        return self._clock.monotonic_ns()

    def due_ns(self) -> int:
        """Return the monotonic time at which `turn` has something to do even if nothing comes in."""
        mono_ns = self._clock.monotonic_ns()
        if self.sequencer.waiting:
            return mono_ns
        if self.engine.n != self._due_n:  # what is due moves with inputs alone
            self._due_n, self._engine_due_ns = self.engine.n, self.engine.next_due()
        engine_ns = self._engine_due_ns
        engine_mono_ns = NEVER_NS if engine_ns >= NEVER_NS else mono_ns + max(0, engine_ns - self.sequencer.now_ns())
        machines = (self.outbox, self.reconciler, self.operator, self.parter, self.auditing)
        return min(engine_mono_ns, *[machine.due_ns() for machine in machines])

    def turn(self) -> list[Effect]:
        """Take in what waits and what is due; return what is to be carried out, in order."""
        effects: list[Effect] = []
        while True:
            self.sequencer.run()
            self._keep_approvals(self.sequencer.take_approvals(), effects)  # first: an order's row uses one that is recorded
            self.outbox.take(self.sequencer.take_commands())
            self._keep_executions(self.sequencer.take_executions(), effects)
            self.reconciler.folded(unconfirmed=self.engine.books.unconfirmed)
            self.reconciler.poll()
            self.operator.poll(cancels_out=not self.outbox.open_commands)
            self.parter.poll()
            self.noting.poll(suspending=self.operator.suspending)
            self.calls.poll()
            self._tell_store()
            effects += [*self.operator.take_effects(), *self._let_go(), *self.reconciler.take_effects()]
            if not self.sequencer.waiting:
                break
        self.auditing.told(self.sequencer.take_told())
        return [*map(self.auditing.dress, effects), *self.auditing.take_effects()]

    def leaving(self) -> list[Effect]:
        """Return what may leave since log or ledger have it: it does not wait until a turn has taken everything in."""
        self.outbox.poll()
        return self._let_go()

    def know_splits(self, splits: list[Split]) -> None:
        """Take in which splits are announced for today or were for a day lately."""
        self.splits = [split for split in splits if split not in self._booked]

    def called(self, call: VenueCall) -> None:
        """Take in a request to the venue that has ended: for the audit chain, and counted for reports."""
        self.auditing.called(call)
        self.calls.add(call)

    # What came of effects.

    def wrote(self, effect: WriteLedger, error: TidegateError | None) -> None:
        """See `ports.WriteLedger`."""
        self.auditing.wrote(effect, error)
        self.outbox.wrote(effect, error)

    def answered(self, effect: Send, answer: Answer) -> None:
        """See `ports.Send`."""
        self.auditing.answered(effect.command, answer)
        self.noting.answered(effect.command, answer)
        self.outbox.answered(effect.command.event_id, answer)
        with suppress(TidegateError):  # they are told beside what matters: a log without room for them is told elsewhere
            for stages in self.outbox.times.take_answered():
                self._log.evidence(stages_evidence(stages))

    def canceled_all(self, effect: CancelAll, results: list[CancelResult] | None) -> None:
        """See `ports.CancelAll`; None: it brought no answer that says anything of any order."""
        untaken = self.outbox.canceled_all(effect, results)
        self.noting.canceled_all(effect, untaken, results)

    def found(self, client_order_id: str, found: Found) -> None:
        """See `ports.Find`."""
        self.outbox.found(client_order_id, found)

    def read(self, reads: Reads | None, error: VenueError | None = None) -> None:
        """See `ports.ReadVenue`; None: one of the reads failed, with this error."""
        if reads is not None and reads.account is not None:
            self.operator.seen(suspended=reads.account.suspended_by_user)
            self._tell_blocks(reads.account.blocks)
        if reads is not None and reads.orders is not None:
            self.expiries = {order.client_order_id: order.expires_ns for order in reads.orders if order.expires_ns}
        if reads is not None and reads.positions is not None:
            for split, told in restated(self.splits, self.engine.books, reads.positions):
                if self.sequencer.offer(told):  # before the report, which then finds no difference
                    self._booked.add(split)
            self.know_splits(self.splits)
        self.reconciler.read(reads, error)

    def suspended(self, effect: Suspend, *, taken: bool) -> None:
        """See `ports.Suspend`."""
        self.operator.told_suspended(on=effect.on, taken=taken)
        self.noting.switched(on=effect.on, taken=taken)

    def sealed(self, effect: SealAudit, error: TidegateError | None) -> None:
        """See `ports.SealAudit`."""
        del effect
        self.auditing.sealed(error)

    def request(self, request: OperatorRequested, *, waited_ns: int = 0, expected_ns: int = 0) -> bool:
        """Carry a checked request of a person out; False: too many wait, and it has only closed its latch.

        Args:
            request: what is asked.
            waited_ns: for how long it had been waiting, for its report.
            expected_ns: how long its cancels take at most; 0: no more than a moment.
        """
        began_ns = self._clock.monotonic_ns()
        taken = self.operator.request(request)
        took_ns = waited_ns + self._clock.monotonic_ns() - began_ns
        if taken:
            self.noting.begin(request, self.outbox.on_wire(), took_ns=took_ns, expected_ns=expected_ns)
        return taken

    def answer(self, answer: ApprovalAnswered) -> bool:
        """Take a person's answer to a request for approval in; False: too much waits already."""
        return self.sequencer.offer(answer)

    def _let_go(self) -> list[Effect]:
        effects = self.outbox.take_effects()
        self.noting.left(effects)
        if any(isinstance(effect, Send) and effect.command.kind is not CommandKind.CANCEL for effect in effects):
            self.reconciler.sent()
        self.auditing.leaving(effects)
        return effects

    def _tell(self, stream: str, *, up: bool, reason: str) -> None:
        """Tell the engine, where it is news, that something which entries need is gone or back: they are refused meanwhile."""
        if up is self._told_up[stream]:
            return
        self._told_up[stream] = up
        self.sequencer.offer(
            StreamChanged(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                venue=self.place.venue,
                stream=stream,
                up=up,
                reason=reason,
            )
        )

    def _tell_store(self) -> None:
        """Tell when log and ledger stop taking what orders need, and when they take it again."""
        up = self.outbox.store_ok
        self._tell(STORE, up=up, reason="log and ledger are durable" if up else "log or ledger are gone; only cancels leave")

    def _tell_blocks(self, blocks: tuple[str, ...]) -> None:
        """Tell when the venue begins to refuse every order of the account, and when it takes them again."""
        reason = f"the venue takes no order of this account: {', '.join(blocks)}; ask it why" if blocks else "the venue takes orders"
        self._tell(BLOCKED, up=not blocks, reason=reason)

    def _keep_approvals(self, moved: list[str], effects: list[Effect]) -> None:
        """Write where requests for approval stand; the use of one is written with its order."""
        lease = self.gatekeeper.lease
        found = [self.engine.books.approval(approval_id) for approval_id in dict.fromkeys(moved)]
        rows = tuple(approval_row(self.place.account, approval) for approval in found if approval is not None)
        if rows and lease is not None:
            effects.append(WriteLedger(Batch(account=self.place.account, epoch=lease.epoch, approvals=rows)))

    def _keep_executions(self, events: list[OrderEvent], effects: list[Effect]) -> None:
        lease = self.gatekeeper.lease
        if not events or lease is None:
            return
        rows = tuple(
            ExecutionRow(
                account=self.place.account,
                execution_id=ExecutionId(event.execution_id),
                client_order_id=ClientOrderId(event.client_order_id),
                event=encode(event),
                recorded_ns=event.timestamp,
            )
            for event in events
        )
        effects.append(WriteLedger(Batch(account=self.place.account, epoch=lease.epoch, executions=rows)))
