"""The sender: every command passes here once, by the table of `stages`, and no other way leads to a venue.

An order waits until its row is in the ledger (written as SENT, under our lease, in one transaction with its intent, decision and ids)
and the log is durable up to it. Then, in one step without a wait, gate, lease and time are checked and its bytes let go. What is
dropped there is told to the engine as NOT_SENT, and its row is marked ABANDONED. What was let go and not answered is OUTCOME_UNKNOWN:
it is looked up, never repeated.

Cancels add no risk: they wait for the log a moment while it lives, and for nothing once log, ledger or lease are gone.
"""

from typing import Final, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.events.acts import OrderCommand
from tidegate.events.codec import decode
from tidegate.oms.order import Order
from tidegate.oms.transitions import TERMINAL
from tidegate.service.approvals import approval_use
from tidegate.service.gatekeeper import Gatekeeper, replace_refusal
from tidegate.service.ledger.errors import LedgerUnavailableError, StaleEpochError
from tidegate.service.ledger.rows import Batch, Mark, OutboxRow
from tidegate.service.ledger.states import OutboxState
from tidegate.service.order_times import OrderTimes
from tidegate.service.outbox_rows import Entry, Whence, row_of
from tidegate.service.ports import Answer, CancelAll, Commanded, Effect, Find, Found, LogPort, Send, WriteLedger
from tidegate.service.sequencer import Sequencer
from tidegate.service.stages import FINISHED, Happening, Stage, next_stage
from tidegate.service.sweeping import SWEEP_PATIENCE_NS, may_sweep, untaken
from tidegate.service.words import order_event, own_event
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState, Purpose
from tidegate.values.errors import TidegateError
from tidegate.values.ids import EventId
from tidegate.values.time import MILLISECOND_NS, NEVER_NS, SECOND_NS
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable
from tidegate.venues.port import CancelResult, Urgency, VenueOrder

_ORDERS: Final = frozenset({CommandKind.SUBMIT, CommandKind.REPLACE})
_WAITING: Final = frozenset({Stage.DECIDED, Stage.DURABLE})
_UNPROVED: Final = frozenset({OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN})


class OutboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for what."""

    answer_ns: int = 10 * SECOND_NS  # a request without an answer for so long is unsure; the client gives up earlier
    cancel_patience_ns: int = 250 * MILLISECOND_NS  # a cancel waits for the log no longer than this


@final
class Outbox:
    """Holds commands until they are answered. Effects wait in `take_effects`."""

    def __init__(
        self,
        account: str,
        sequencer: Sequencer,
        gatekeeper: Gatekeeper,
        log: LogPort,
        clock: Clock,
        settings: OutboxSettings | None = None,
    ) -> None:
        self._account: Final = account
        self._sequencer: Final = sequencer
        self._engine: Final = sequencer.engine
        self._gatekeeper: Final = gatekeeper
        self._log: Final = log
        self._clock: Final = clock
        self._settings: Final = settings or OutboxSettings()
        self._entries: Final[dict[str, Entry]] = {}
        self._effects: list[Effect] = []
        self._previous = (-1, 0)
        self.times: Final = OrderTimes()
        self.ledger_failed: TidegateError | None = None

    @property
    def store_ok(self) -> bool:
        """Tell whether log and ledger take what orders need."""
        return self._sequencer.log_failed is None and self._log.failed is None and self.ledger_failed is None

    @property
    def open_commands(self) -> int:
        """How many commands are on their way."""
        return len(self._entries)

    @property
    def waits_for_n(self) -> int:
        """Return the newest input that a command waits for in the log; -1: none waits."""
        waiting = (e.commanded.n for e in self._entries.values() if e.stage in _WAITING)
        return max(waiting, default=-1)

    def cancel_age_ns(self) -> int:
        """Return how long the oldest cancel has waited to leave; 0 when none waits."""
        decided = (entry for entry in self._entries.values() if entry.stage is Stage.DECIDED)
        waiting = [entry.taken_ns for entry in decided if entry.commanded.command.kind is CommandKind.CANCEL]
        return self._clock.monotonic_ns() - min(waiting) if waiting else 0

    def take_effects(self) -> list[Effect]:
        """Return what is to be carried out since the last call, in order."""
        effects, self._effects = self._effects, []
        return effects

    def due_ns(self) -> int:
        """Return the monotonic time at which `poll` has something to do by itself; NEVER_NS when nothing waits."""
        due_ns = NEVER_NS
        for entry in self._entries.values():
            if entry.stage is Stage.SENT:
                due_ns = min(due_ns, entry.sent_mono_ns + (SWEEP_PATIENCE_NS if entry.swept else self._settings.answer_ns))
            elif entry.commanded.command.kind is CommandKind.CANCEL and entry.stage is Stage.DECIDED:
                due_ns = min(due_ns, entry.taken_ns + self._settings.cancel_patience_ns)
        return due_ns

    # From the engine.

    def take(self, commands: list[Commanded]) -> None:
        """Take commands from the engine: lookups go at once, orders get their row, cancels wait for the log."""
        if not commands and not self._entries:
            return
        rows: dict[str, list[OutboxRow]] = {}  # by the approval they rest on; most rest on none
        for commanded in commands:
            command = commanded.command
            if command.kind is CommandKind.LOOKUP:
                order = self._order(commanded)
                self._effects.append(Find(command.target_id, order.venue_order_id if order.external else ""))
                continue
            entry = Entry(commanded=commanded, taken_ns=self._clock.monotonic_ns())
            self._entries[command.event_id] = entry
            if command.kind in _ORDERS:
                self.times.decided(command, self._sequencer.now_ns())
                refusal = "" if self.store_ok else "log or ledger are gone; only cancels may leave"
                refusal = refusal or replace_refusal(command, self._engine.books)
                if refusal or self._gatekeeper.lease is None:
                    self._drop(entry, refusal or "the account is not held")
                else:
                    rows.setdefault(command.approval_id, []).append(self._row(commanded, self._gatekeeper.lease.epoch))
        for approval_id, of_approval in rows.items():
            use = approval_use(self._engine.books, approval_id, self._sequencer.now_ns())
            batch = Batch(account=self._account, epoch=of_approval[0].epoch, rows=tuple(of_approval), uses=use)
            self._effects.append(WriteLedger(batch))
        self.poll()

    def _row(self, commanded: Commanded, epoch: int) -> OutboxRow:
        whence = Whence(self._account, epoch, self._sequencer.session, self._previous)
        self._previous = (commanded.n, commanded.k)
        return row_of(commanded, self._order(commanded), whence, now_ns=self._sequencer.now_ns())

    def adopt(self, rows: list[OutboxRow]) -> None:
        """Take over what an earlier session let go without hearing of it: followed until the venue's word is in."""
        for row in rows:
            command = decode(row.command)
            assert isinstance(command, OrderCommand), "a row holds a command"
            self._entries[command.event_id] = Entry(commanded=Commanded(row.n, row.k, command), stage=Stage.UNSURE)

    # From the stores.

    def wrote(self, effect: WriteLedger, error: TidegateError | None) -> None:
        """Take in that a batch is durable, or was refused: what was to be written may then not be sent."""
        self.heard_of_ledger(error)
        if error is not None and not effect.batch.rows:
            return  # a mark or an execution: the next start tells them from the log
        for row in effect.batch.rows:
            entry = self._entries.get(row.command_id)
            if entry is None or entry.stage is not Stage.DECIDED:
                continue
            if error is None:
                self._move(entry, Happening.RECORDED)
                entry.durable_ns = self._sequencer.now_ns()
                self.times.durable(row.client_order_id, entry.durable_ns)
            else:
                self._drop(entry, f"the ledger refused it: {error}", mark=False)
        self.poll()

    def heard_of_ledger(self, error: TidegateError | None) -> None:
        """Take in what the ledger said to a write, also one that is not ours; None: it took it."""
        if isinstance(error, StaleEpochError):
            self._gatekeeper.lose()
        elif isinstance(error, LedgerUnavailableError):
            self.ledger_failed = error
        elif error is None:
            self.ledger_failed = None

    def poll(self) -> None:
        """Let go what may go now, and stop waiting for what took too long."""
        leaving: list[Entry] = []
        for entry in list(self._entries.values()):
            if entry.stage is Stage.SENT:
                self._watch_answer(entry)
            elif entry.stage is Stage.UNSURE:
                self._review(entry)
            elif entry.commanded.command.kind is CommandKind.CANCEL:
                leaving += [entry] if self._may_cancel(entry) else []
            elif entry.stage is Stage.DURABLE:
                self._try_order(entry)
        self._cancel(leaving)

    def _watch_answer(self, entry: Entry) -> None:
        """Stop waiting for what took too long. A cancel that went with all others goes out by itself first: cancels may be repeated."""
        waited_ns = self._clock.monotonic_ns() - entry.sent_mono_ns
        if entry.swept and waited_ns >= SWEEP_PATIENCE_NS:
            self._cancel_singly(entry)
        elif not entry.swept and waited_ns >= self._settings.answer_ns:
            self._unanswered(entry)

    def _try_order(self, entry: Entry) -> None:
        """The last step of an order. Nothing in here waits: what is checked holds while the bytes are let go."""
        commanded = entry.commanded
        if not self.store_ok:
            self._drop(entry, "log or ledger are gone; only cancels may leave")
            return
        if self._log.durable_n < commanded.n:
            if self._sequencer.now_ns() > commanded.command.valid_until_ns:
                self._drop(entry, "too late: the log was not durable in time")
            return
        order = self._order(commanded)
        if refusal := self._refusal(entry):
            self._drop(entry, refusal)
            return
        now_ns = self._sequencer.now_ns()
        self._let_go(entry, Urgency.EXIT if order.purpose is Purpose.EXIT else Urgency.ENTRY)
        self.times.sent(commanded.command.client_order_id, now_ns)
        self._sequencer.offer(own_event(order, OrderEventKind.SUBMITTED, durable_ns=entry.durable_ns, sent_ns=now_ns))

    def _refusal(self, entry: Entry) -> str:
        command, order = entry.commanded.command, self._order(entry.commanded)
        return self._gatekeeper.refusal(command, order, now_ns=self._sequencer.now_ns(), monotonic_ns=self._clock.monotonic_ns())

    def on_wire(self) -> list[Order]:
        """Return the orders that were let go and have no answer yet: what a gate that closes now cannot hold back."""
        sent = [e.commanded for e in self._entries.values() if e.stage is Stage.SENT and e.commanded.command.kind in _ORDERS]
        return [self._order(commanded) for commanded in sent]

    def last_look(self, client_order_id: str) -> str:
        """Return why an order that waited for its turn at the venue, or for a connection, may not leave any more; empty: it may."""
        sent = (e for e in self._entries.values() if e.stage is Stage.SENT and e.commanded.command.kind in _ORDERS)
        entry = next((e for e in sent if e.commanded.command.client_order_id == client_order_id), None)
        return self._refusal(entry) if entry is not None else "it is not waited for any more"

    def _may_cancel(self, entry: Entry) -> bool:
        if entry.stage is not Stage.DECIDED:
            return False
        waited_ns = self._clock.monotonic_ns() - entry.taken_ns
        durable = self._log.durable_n >= entry.commanded.n
        return durable or not self.store_ok or waited_ns >= self._settings.cancel_patience_ns

    def _cancel(self, leaving: list[Entry]) -> None:
        """Let cancels go: in one request where everything is to be canceled, else each by itself."""
        swept = bool(leaving) and may_sweep(len(leaving), self._engine.books, halted=self._gatekeeper.halts_all)
        for entry in leaving:
            self._move(entry, Happening.RECORDED)
            if swept:
                self._move(entry, Happening.LET_GO)
                entry.sent_mono_ns, entry.swept = self._clock.monotonic_ns(), True
            else:
                self._let_go(entry, Urgency.FLATTEN)
        if swept:
            self._effects.append(CancelAll(tuple(entry.commanded.command for entry in leaving)))

    def _cancel_singly(self, entry: Entry) -> None:
        entry.swept, entry.sent_mono_ns = False, self._clock.monotonic_ns()
        self._effects.append(Send(entry.commanded.command, Urgency.FLATTEN))

    def _review(self, entry: Entry) -> None:
        """Close an unsure order once the engine has its evidence, so that no row stays unaccounted for."""
        order = self._engine.books.order(entry.commanded.command.client_order_id)
        if order is not None and order.state in _UNPROVED:
            return
        absent = order is not None and order.state is OrderState.ABSENT
        self._move(entry, Happening.NOT_FOUND if absent else Happening.ANSWER)
        self._finish(entry, OutboxState.ABSENT if absent else OutboxState.ANSWERED)

    def _let_go(self, entry: Entry, urgency: Urgency) -> None:
        self._move(entry, Happening.LET_GO)
        entry.sent_mono_ns = self._clock.monotonic_ns()
        self._effects.append(Send(entry.commanded.command, urgency))

    # From the venue.

    def answered(self, command_id: str, answer: Answer) -> None:
        """Take in what came of a request: the venue's picture, or the error that says what is known."""
        entry = self._entries.get(command_id)
        if entry is not None and isinstance(answer, VenueOrder | Declined):
            self.times.acked(entry.commanded.command.client_order_id, self._sequencer.now_ns())
        if entry is None:
            self._late(answer)
        elif isinstance(answer, Unreachable):
            self._not_left(entry, str(answer))
        elif isinstance(answer, OutcomeUnsure):
            self._unanswered(entry)
        elif isinstance(answer, Declined):
            self._declined(entry, answer)
        else:
            self._settled(entry, answer)

    def canceled_all(self, effect: CancelAll, results: list[CancelResult] | None) -> frozenset[str]:
        """Take in what one request for all brought; None: nothing. What it did not take is returned, and goes out by itself."""
        entries = [self._entries[command.event_id] for command in effect.commands if command.event_id in self._entries]
        again = untaken([self._order(entry.commanded) for entry in entries], results)
        for entry in entries:
            if self._order(entry.commanded).client_order_id not in again:
                self._settled(entry, None)
            elif entry.swept:
                self._cancel_singly(entry)
        return again

    def found(self, client_order_id: str, found: Found) -> None:
        """Take in what a complete lookup found; an error is no evidence, and the order is asked after again."""
        order = self._engine.books.order(client_order_id)
        if order is None:
            return
        if found is None:
            self._sequencer.offer(own_event(order, OrderEventKind.LOOKUP_MISSED, reason="a complete lookup did not find it"))
        elif isinstance(found, VenueOrder):
            self._sequencer.offer(order_event(found, order, working=OrderEventKind.FOUND_WORKING))

    def _late(self, answer: Answer) -> None:
        """An answer after the order was settled otherwise is evidence all the same."""
        order = self._engine.books.order(answer.client_order_id) if isinstance(answer, VenueOrder) else None
        if order is not None and isinstance(answer, VenueOrder):
            self._sequencer.offer(order_event(answer, order, working=OrderEventKind.ACCEPTED))

    def _settled(self, entry: Entry, answer: VenueOrder | None) -> None:
        self._move(entry, Happening.ANSWER)
        self._finish(entry, OutboxState.ANSWERED)
        if answer is not None:
            self._sequencer.offer(order_event(answer, self._order(entry.commanded), working=OrderEventKind.ACCEPTED))

    def _declined(self, entry: Entry, answer: Declined) -> None:
        command = entry.commanded.command
        if answer.reason is DeclineReason.RATE_LIMITED:  # refused unread: as good as not sent, and a cancel is tried again
            self._not_left(entry, str(answer))
            return
        if answer.reason is DeclineReason.DUPLICATE_ID:  # the venue has an order of this id: this one or its twin
            self._unanswered(entry)
            return
        self._move(entry, Happening.REFUSAL)
        self._finish(entry, OutboxState.ANSWERED, answer.words)
        order, canceling = self._order(entry.commanded), command.kind is CommandKind.CANCEL
        if canceling and order.state in TERMINAL:
            return  # it crossed the end of the order
        # That a cancel found nothing says neither that the order lives nor that it does not. A new order that is told so was refused.
        if not canceling or answer.reason is not DeclineReason.NOT_FOUND:
            kind = OrderEventKind.CANCEL_REJECTED if canceling else OrderEventKind.REJECTED
            self._sequencer.offer(own_event(order, kind, reason=str(answer)))
        if command.target_id:  # of a cancel or a replacement: refused is not an end, ask what became of the order it was about
            self._effects.append(Find(command.target_id))

    def _unanswered(self, entry: Entry) -> None:
        fresh = entry.stage is Stage.SENT
        self._move(entry, Happening.NO_ANSWER)
        if not fresh:
            return
        command = entry.commanded.command
        if command.kind in _ORDERS:
            self._mark(entry, OutboxState.UNSURE)
        else:
            del self._entries[command.event_id]
        self._sequencer.offer(own_event(self._order(entry.commanded), OrderEventKind.OUTCOME_UNKNOWN, reason="no answer came"))

    def _not_left(self, entry: Entry, reason: str) -> None:
        self._move(entry, Happening.NOT_LEFT)
        self._finish(entry, OutboxState.ABANDONED, reason)
        command = entry.commanded.command
        if command.kind in _ORDERS:
            self._sequencer.offer(own_event(self._order(entry.commanded), OrderEventKind.NOT_SENT, reason=reason))
            if command.target_id:  # what it was to replace may have been canceled first
                self._effects.append(Find(command.target_id))

    # Inside.

    def _drop(self, entry: Entry, reason: str, *, mark: bool = True) -> None:
        recorded = entry.stage is Stage.DURABLE
        self._move(entry, Happening.DROPPED)
        self._finish(entry, OutboxState.ABANDONED if recorded and mark else None, reason)
        self._sequencer.offer(own_event(self._order(entry.commanded), OrderEventKind.NOT_SENT, reason=reason))

    def _finish(self, entry: Entry, state: OutboxState | None, note: str = "") -> None:
        if state is not None:
            self._mark(entry, state, note)
        assert entry.stage in FINISHED, "only what is finished is forgotten"
        del self._entries[entry.commanded.command.event_id]

    def _mark(self, entry: Entry, state: OutboxState, note: str = "") -> None:
        """Write where an order's row stands; not waited for: a start without the mark asks the venue."""
        command, lease = entry.commanded.command, self._gatekeeper.lease
        if command.kind not in _ORDERS or lease is None:
            return
        mark = Mark(command_id=EventId(command.event_id), state=state, at_ns=self._sequencer.now_ns(), note=note)
        self._effects.append(WriteLedger(Batch(account=self._account, epoch=lease.epoch, marks=(mark,))))

    def _move(self, entry: Entry, happening: Happening) -> None:
        entry.stage = next_stage(entry.stage, happening)

    def _order(self, commanded: Commanded) -> Order:
        command = commanded.command
        key = command.client_order_id if command.kind in _ORDERS else command.target_id
        order = self._engine.books.order(key)
        assert order is not None, "the engine knows what it has commanded"
        return order
