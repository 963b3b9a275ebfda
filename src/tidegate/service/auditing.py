"""Turns what happens into entries of the audit chain, and sees to it that they are written and that the chain is sealed.

Told everything, asks nothing. Nothing waits for an entry: an order's goes in the transaction that records the order, so that neither is
there without the other; what else happened is written some time later, together, when nothing more urgent is asked of the ledger. What
a person asked for, and every change of a gate, is written at once.

A write that failed is tried again. Room for what waits is bounded: what finds none is counted, and the count is recorded.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.events.acts import OrderCommand
from tidegate.journal.audit.record import AuditEntry, AuditType, Plain, entry
from tidegate.service.audit_words import TRADER, Told, order_answered, order_sent, told_entry, venue_call
from tidegate.service.gatekeeper import Gatekeeper
from tidegate.service.ledger.errors import LedgerBusyError, StaleEpochError
from tidegate.service.ledger.rows import Batch
from tidegate.service.ports import Answer, CancelAll, Effect, SealAudit, Send, WriteLedger
from tidegate.service.sequencer import Sequencer
from tidegate.values.enums import CommandKind
from tidegate.values.errors import TidegateError
from tidegate.values.time import NEVER_NS, SECOND_NS
from tidegate.venues.calls import VenueCall

_REMARKS: Final = frozenset({AuditType.ENTRIES_LOST, AuditType.ENTRIES_REPEATED})  # said anew with each attempt


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When entries are written, how many may wait, and when the chain is sealed."""

    flush_ns: int = SECOND_NS  # an entry that nothing hurries waits no longer than this for its write
    batch_max: int = 256  # entries in one write
    waiting_max: int = 10_000
    urgent_max: int = 1_024  # what must be recorded in any case has room of its own beyond that
    retry_ns: int = SECOND_NS
    head_records: int = 1_000  # a head is signed after so many records,
    head_ns: int = 60 * SECOND_NS  # or so long after the first record that none covers


class _Waiting(NamedTuple):
    entry: AuditEntry
    since_ns: int  # monotonic


@final
class Auditing:
    """One session's way into the audit chain. Effects wait in `take_effects`."""

    def __init__(
        self, account: str, sequencer: Sequencer, gatekeeper: Gatekeeper, clock: Clock, settings: AuditSettings | None = None
    ) -> None:
        self._account: Final = account
        self._sequencer: Final = sequencer
        self._gatekeeper: Final = gatekeeper
        self._clock: Final = clock
        self._settings: Final = settings or AuditSettings()
        self._waiting: Final[deque[_Waiting]] = deque()
        self._hurries = False
        self._flying: Batch | None = None  # our own write that is on its way
        self._riding: Final[list[tuple[Batch, tuple[AuditEntry, ...]]]] = []  # batches on their way, and which of our entries are in them
        self._retry_ns = 0  # monotonic
        self._lost = 0
        self._over = False  # the account is another trader's: nothing can be recorded any more
        self._open_records = 0  # written since the last head
        self._open_since_ns = NEVER_NS
        self._is_first = True  # the first records are sealed at once: what a session before left open is so no longer than needed
        self._sealing = False
        self._seal_failed = False
        self.lost_total = 0

    @property
    def waiting(self) -> int:
        """How many entries wait to be written."""
        return len(self._waiting)

    # What is told.

    def note(self, entry: AuditEntry, *, hurries: bool = False) -> None:
        """Take an entry in. hurries: it is what a person did, or closes or opens something: it is written at once and has room kept."""
        room = self._settings.waiting_max + (self._settings.urgent_max if hurries else 0)
        if len(self._waiting) >= room:
            self._lose(1)
            return
        self._waiting.append(_Waiting(entry, self._clock.monotonic_ns()))
        self._hurries = self._hurries or hurries

    def happened(self, kind: AuditType, actor: str, subject: str = "", body: Mapping[str, Plain] | None = None) -> None:
        """Take in what happened now, at once: for what a person did and what starts or ends something."""
        self.note(entry(kind, ts_ns=self._sequencer.now_ns(), actor=actor, subject=subject, body=body), hurries=True)

    def told(self, messages: list[Told]) -> None:
        """Take in what the engine was told and did that belongs in the chain."""
        for message in messages:
            made, hurries = told_entry(message)
            self.note(made, hurries=hurries)

    def called(self, call: VenueCall) -> None:
        """Take in a request to the venue that has ended, whichever way."""
        self.note(venue_call(call, self._sequencer.now_ns()))

    def leaving(self, effects: list[Effect]) -> None:
        """Take in what leaves now; an order has its entry beside its row already."""
        for effect in effects:
            if isinstance(effect, CancelAll):
                canceled = effect.commands
            else:
                canceled = (effect.command,) if isinstance(effect, Send) and effect.command.kind is CommandKind.CANCEL else ()
            for command in canceled:
                self.note(order_sent(command, self._sequencer.now_ns()))

    def answered(self, command: OrderCommand, answer: Answer) -> None:
        """Take in what the venue said of a command."""
        if (made := order_answered(command, answer, self._sequencer.now_ns())) is not None:
            self.note(made)

    # What is written.

    def dress(self, effect: Effect) -> Effect:
        """Return an effect with the entries that belong in its transaction: each order's, and with a kill all that hurries."""
        if not isinstance(effect, WriteLedger) or self._over:
            return effect
        batch = effect.batch
        if batch.kills and self._hurries:
            return WriteLedger(self._ride(batch))
        if batch.rows:
            sent = tuple(order_sent(row.command, row.recorded_ns, row=row) for row in batch.rows)
            return WriteLedger(msgspec.structs.replace(batch, audit=sent + batch.audit))
        return effect

    def take_effects(self) -> list[Effect]:
        """Return what is to be carried out: at most one write of our own at a time, and a seal when one is due."""
        mono_ns, lease, effects = self._clock.monotonic_ns(), self._gatekeeper.lease, list[Effect]()
        if lease is None or self._over:
            return effects
        if self._flying is None and self._write_due_ns() <= mono_ns:
            self._flying = self._ride(Batch(account=self._account, epoch=lease.epoch))
            effects.append(WriteLedger(self._flying))
        if not self._sealing and self._seal_due_ns() <= mono_ns:
            self._sealing, self._open_records, self._open_since_ns = True, 0, NEVER_NS
            effects.append(SealAudit(self._account, lease.epoch, self._sequencer.now_ns()))
        return effects

    def rest(self) -> list[Batch]:
        """Return all that waits, as the last writes of the session."""
        lease, batches = self._gatekeeper.lease, list[Batch]()
        while lease is not None and not self._over and (self._waiting or self._lost):
            batches.append(Batch(account=self._account, epoch=lease.epoch, audit=self._take()))
        return batches

    def due_ns(self) -> int:
        """Return the monotonic time at which there is something to do by itself."""
        if self._gatekeeper.lease is None or self._over:
            return NEVER_NS
        return min(
            NEVER_NS if self._flying is not None else self._write_due_ns(),
            NEVER_NS if self._sealing else self._seal_due_ns(),
        )

    # What came of it.

    def wrote(self, effect: WriteLedger, error: TidegateError | None) -> None:
        """Take in that a batch is durable, or was refused: what happened all the same is written again.

        An entry that came with its batch is as little true as the batch is there.
        """
        batch, again = effect.batch, self._landed(effect.batch)
        if batch is self._flying:
            self._flying = None
        if error is None:
            if batch.audit:
                self._open_records += len(batch.audit)
                self._open_since_ns = min(self._open_since_ns, self._clock.monotonic_ns())
                if self._is_first:
                    self._is_first, self._open_since_ns = False, self._open_since_ns - self._settings.head_ns
            return
        if isinstance(error, StaleEpochError):
            self._over = True
            self._lose(len(again) + len(self._waiting))
            self._waiting.clear()
        elif again:
            self._write_again(again, error)

    def sealed(self, error: TidegateError | None) -> None:
        """Take in what came of sealing the chain; a head that failed is due again after a while."""
        self._sealing = False
        if error is None:
            self._seal_failed = False
            return
        self._open_since_ns = self._clock.monotonic_ns()
        if not self._seal_failed:
            self._seal_failed = True
            self.happened(AuditType.ANCHOR_FAILED, TRADER, body={"why": str(error)})

    # Inside.

    def _write_due_ns(self) -> int:
        if not self._waiting:
            return NEVER_NS
        if self._hurries or len(self._waiting) >= self._settings.batch_max:
            return self._retry_ns
        return max(self._retry_ns, self._waiting[0].since_ns + self._settings.flush_ns)

    def _seal_due_ns(self) -> int:
        if self._open_records >= self._settings.head_records and not self._seal_failed:
            return 0
        return NEVER_NS if self._open_since_ns >= NEVER_NS else self._open_since_ns + self._settings.head_ns

    def _take(self) -> tuple[AuditEntry, ...]:
        """Take the oldest entries out, and say before them how many found no room."""
        taken: list[AuditEntry] = []
        if self._lost:
            taken.append(entry(AuditType.ENTRIES_LOST, ts_ns=self._sequencer.now_ns(), actor=TRADER, body={"entries": self._lost}))
            self._lost = 0
        while self._waiting and len(taken) < self._settings.batch_max:
            taken.append(self._waiting.popleft().entry)
        self._hurries = self._hurries and bool(self._waiting)
        return tuple(taken)

    def _ride(self, batch: Batch) -> Batch:
        """Return a batch with the oldest of what waits, after what it came with."""
        taken = self._take()
        loaded = msgspec.structs.replace(batch, audit=batch.audit + taken)
        self._riding.append((loaded, taken))
        return loaded

    def _landed(self, batch: Batch) -> tuple[AuditEntry, ...]:
        """Return which of our entries were in a batch."""
        for place, (loaded, taken) in enumerate(self._riding):
            if loaded is batch:
                del self._riding[place]
                return taken
        return ()

    def _write_again(self, entries: tuple[AuditEntry, ...], error: TidegateError) -> None:
        mono_ns = self._clock.monotonic_ns()
        self._retry_ns = mono_ns + self._settings.retry_ns
        again = deque(one for one in entries if one.type not in _REMARKS)
        self._lost += sum(_count(one) for one in entries if one.type is AuditType.ENTRIES_LOST)
        if again and not isinstance(error, LedgerBusyError):
            body: dict[str, Plain] = {"entries": len(again), "why": str(error)}
            again.appendleft(entry(AuditType.ENTRIES_REPEATED, ts_ns=self._sequencer.now_ns(), actor=TRADER, body=body))
        self._waiting.extendleft(_Waiting(one, mono_ns) for one in reversed(again))

    def _lose(self, count: int) -> None:
        self._lost += count
        self.lost_total += count


def _count(lost: AuditEntry) -> int:
    return int(msgspec.json.decode(lost.body)["entries"])
