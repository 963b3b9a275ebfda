"""One trader of a world: the real desk, driven on virtual time. It may die at any durable write or wait, freeze, and be replaced."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from tidegate.events.inputs import OrderEvent
from tidegate.service.desk import Desk, DeskSettings, Place
from tidegate.service.ledger.errors import LeaseHeldError, LedgerError, StaleEpochError
from tidegate.service.ledger.rows import Lease, LeaseClaim
from tidegate.service.outbox import OutboxSettings
from tidegate.service.ports import CancelAll, Effect, Find, ReadVenue, SealAudit, Send, Suspend, WriteLedger
from tidegate.service.reconcile import ReconcileSettings
from tidegate.service.recovery import Makers, claim, recover, takeover_wait_ns
from tidegate.service.sequencer import SequencerSettings
from tidegate.simulation.campaign.setting import ACCOUNT, START_NS, VENUE
from tidegate.simulation.campaign.stores import DiskGoneError, SessionLog
from tidegate.simulation.campaign.timeline import NodeClock
from tidegate.values.time import MILLISECOND_NS, NEVER_NS, SECOND_NS

if TYPE_CHECKING:
    from tidegate.simulation.campaign.world import World

TTL_NS: Final = 10 * SECOND_NS
RENEW_NS: Final = 3 * SECOND_NS
CLAIM_NS: Final = SECOND_NS
DISK_SLOW_NS: Final = 2 * SECOND_NS
_SETTINGS: Final = DeskSettings(
    sequencer=SequencerSettings(lag_step_ns=2 * SECOND_NS),  # quotes come once a second
    outbox=OutboxSettings(answer_ns=5 * SECOND_NS),
    reconcile=ReconcileSettings(period_ns=10 * SECOND_NS, overlap_ns=20 * SECOND_NS, read_back_ns=5 * SECOND_NS),
)


class DiedError(Exception):
    """The process of a node is gone, in the middle of what it did."""


@final
class Node:
    """One process. `later` calls come only while it lives, and wait while it is frozen."""

    def __init__(self, world: "World", name: str) -> None:
        self._world: Final = world
        self._timeline: Final = world.timeline
        self._name: Final = name
        self.clock: Final = NodeClock(world.timeline)
        self.is_alive = True
        self.frozen_until_ns = 0
        self.lease: Lease | None = None
        self.desk: Desk = None  # type: ignore[assignment]  # from `_begin` on; nothing asks before
        self.log: SessionLog = None  # type: ignore[assignment]  # likewise
        self._seen: tuple[Lease, int] | None = None  # somebody else's lease, and since when it has stood unchanged
        self._wake_ns = NEVER_NS
        self._flushing = False
        self._ledger_free_ns = 0
        self.later(0, self._claim, turn=False)

    @property
    def is_trading(self) -> bool:
        """Tell whether it lives, is awake and has the account."""
        return self.is_alive and self.desk is not None and self.frozen_until_ns <= self._timeline.now_ns

    def later(self, wait_ns: int, call: Callable[[], None], *, turn: bool = True) -> None:
        """Set a call of this process; the desk is turned after it."""
        self._timeline.after(wait_ns, lambda: self._run(call, turn=turn))

    def hear(self, event: OrderEvent) -> None:
        """Take a frame of the order stream."""
        self.desk.sequencer.offer(event)

    def turn(self) -> None:
        """Turn the desk and carry out what it wants."""
        self._world.point(self)
        for effect in self.desk.turn():
            self._carry_out(effect)
        self._flush()
        self._set_wake()
        self._world.watch.look(self)

    def die(self) -> None:
        """The process is gone; what was on its way to it is lost."""
        self.is_alive = False
        if self._world.wire.listener is self:
            self._world.wire.listener = None

    # The lease, and the start.

    def _run(self, call: Callable[[], None], *, turn: bool) -> None:
        if not self.is_alive:
            return
        if self._timeline.now_ns < self.frozen_until_ns:
            self._timeline.at(self.frozen_until_ns, lambda: self._run(call, turn=turn))
            return
        call()
        if turn and self.is_alive:
            self.turn()

    def _claim(self) -> None:
        now_ns = self._timeline.now_ns
        waited = self._seen[0] if self._seen is not None and now_ns - self._seen[1] >= TTL_NS else None
        wish = LeaseClaim(account=ACCOUNT, holder=self._name, now_ns=self.clock.now_ns(), ttl_ns=TTL_NS, waited_out=waited)
        try:
            self.lease = claim(self._world.ledger, wish)
        except LeaseHeldError as held:
            if self._seen is None or self._seen[0] != held.lease:
                self._seen = (held.lease, now_ns)
            self.later(CLAIM_NS, self._claim, turn=False)
            return
        self._begin(self.lease)

    def _begin(self, lease: Lease) -> None:
        world = self._world
        found = recover(lease, world.archive, world.ledger, Makers(world.setting.engine), now_ns=self.clock.now_ns())
        self.log = SessionLog(found.session, found.opening_state)
        world.archive.sessions.append(self.log)
        self.desk = world.parts.desk(Place(found.session, ACCOUNT, VENUE), found.engine, self.log, self.clock, _SETTINGS)
        self.desk.gatekeeper.hold(lease, asked_ns=self.clock.monotonic_ns())
        self.desk.outbox.adopt(list(found.unsure))
        self.desk.reconciler.begin(START_NS)
        for message in (*world.setting.first_inputs, *found.first_inputs):
            self.desk.sequencer.offer(message)
        world.watch.began(self)
        world.live = self
        self.later(RENEW_NS, self._renew)
        self.later(takeover_wait_ns(lease) + world.rng.randrange(50, 500) * MILLISECOND_NS, self._connect)
        self.turn()

    def _renew(self) -> None:
        assert self.lease is not None
        asked_ns = self.clock.monotonic_ns()
        try:
            self.lease = self._world.ledger.renew(self.lease, self.clock.now_ns())
        except StaleEpochError:
            self.desk.gatekeeper.lose()
            self.later(SECOND_NS, self.die, turn=False)  # what was offered is still told and dropped; then it leaves
            return
        self.desk.gatekeeper.hold(self.lease, asked_ns=asked_ns)
        self.later(RENEW_NS, self._renew)

    def _connect(self) -> None:
        self._world.wire.listener, self._world.wire.silent = self, False
        self.desk.reconciler.stream_up()

    def cut(self, silent_ns: int, away_ns: int) -> None:
        """Lose the order stream: silent for a while, then noticed, then back."""
        wire = self._world.wire
        if wire.listener is not self or wire.silent:
            return
        wire.silent = True

        def notice() -> None:
            if wire.listener is self:
                wire.listener = None
            self.desk.reconciler.stream_down("the stream went silent")
            self.later(away_ns, self._connect)

        self.later(silent_ns, notice)

    # Effects.

    def _carry_out(self, effect: Effect) -> None:
        world = self._world
        match effect:
            case WriteLedger():
                self._write(effect)
            case Send():
                world.point(self)
                world.watch.sends(self, effect.command)
                world.wire.send(self, effect)
                world.point(self)
            case CancelAll():
                world.point(self)
                world.wire.cancel_all(self, effect)
                world.point(self)
            case Find():
                world.wire.find(self, effect)
            case ReadVenue():
                world.wire.read(self, effect)
            case Suspend():
                world.wire.suspend(self, effect)
            case SealAudit():
                self.desk.sealed(effect, None)  # keys and files are not of this world

    def _write(self, effect: WriteLedger) -> None:
        """Commit on the ledger's thread: one batch after the other, each with its wait for the disk."""
        self._ledger_free_ns = max(self._ledger_free_ns, self._timeline.now_ns) + self._world.disk_ns()
        if effect.batch.rows:
            self._world.decided(self)
        self._timeline.at(self._ledger_free_ns, lambda: self._commit(effect))

    def _commit(self, effect: WriteLedger) -> None:
        if not self.is_alive:
            return
        if self._timeline.now_ns < self.frozen_until_ns:
            self._timeline.at(self.frozen_until_ns, lambda: self._commit(effect))
            return
        self._world.point(self)
        error: LedgerError | None = None
        try:
            self._world.ledger.write(effect.batch)
        except LedgerError as refused:
            error = refused
        self._world.point(self)
        self.desk.wrote(effect, error)
        self._let_go()

    def _let_go(self) -> None:
        """Carry out what log and ledger hold back no longer; the desk is turned where that changed something."""
        effects = self.desk.leaving()
        for effect in effects:
            self._carry_out(effect)
        if effects or self.desk.sequencer.waiting:
            self.turn()

    def _flush(self) -> None:
        if self._flushing or not self.log.is_dirty:
            return
        self._flushing = True
        mark = self.log.mark()

        def done() -> None:
            self._flushing = False
            self._world.point(self)
            self.log.flush(mark)
            self._world.point(self)
            self._let_go()
            self._flush()

        self.later(self._world.disk_ns(), done, turn=False)

    def keep_snapshot(self) -> None:
        """Keep the engine's state beside the log; a death that takes more of the log than it covers makes it useless."""
        if self.log.failed is None:
            self.log.snapshot = (len(self.log.entries), self.desk.engine.snapshot())

    def lose_disk(self) -> None:
        """The log's disk refuses from now on; the supervisor ends the process a little later."""
        self.log.failed = DiskGoneError("The simulated disk refuses; only cancels leave.")
        self.later(4 * SECOND_NS, self._world.kill_node, turn=False)

    def _set_wake(self) -> None:
        due_ns = self._timeline.start_ns + self.desk.due_ns()
        if due_ns >= min(self._wake_ns, NEVER_NS):
            return
        self._wake_ns = due_ns

        def wake() -> None:
            if self._wake_ns <= self._timeline.now_ns:
                self._wake_ns = NEVER_NS

        self.later(max(0, due_ns - self._timeline.now_ns), wake)
