"""What a person's request does outside the engine, in its order.

Kill: the latch closes in the very step, the kill is written to the ledger, the engine cancels everything in the scope, and for the
whole account the venue's own switch is set once the cancels are out, since that switch refuses every new order. Flatten: the switch is
lifted first if it is set, then the engine liquidates in stages (`engine.requests`), which a restart goes on with.
"""

from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.events.inputs import OperatorRequested
from tidegate.service.gatekeeper import Gatekeeper
from tidegate.service.ledger.rows import Batch, KillRow
from tidegate.service.ports import Effect, Suspend, WriteLedger
from tidegate.service.sequencer import Sequencer
from tidegate.values.enums import GateScope, GateState, RequestVerb
from tidegate.values.time import NEVER_NS, SECOND_NS

SUSPEND_AFTER_NS: Final = 2 * SECOND_NS  # the cancels go first; they are not waited for any longer
_STATES: Final = {
    RequestVerb.KILL: GateState.HALTED,
    RequestVerb.PAUSE: GateState.REDUCE_ONLY,
    RequestVerb.DISABLE: GateState.REDUCE_ONLY,
    RequestVerb.FLATTEN: GateState.REDUCE_ONLY,
    RequestVerb.RESUME: GateState.ACTIVE,
    RequestVerb.ENABLE: GateState.ACTIVE,
}
_WHOLE: Final = frozenset({GateScope.GLOBAL, GateScope.ACCOUNT})
_WIDE: Final = _WHOLE | {GateScope.VENUE}  # a kill of one of these may have set the venue's switch: the watchdog does for each


@final
class Operator:
    """Carries requests out. Effects wait in `take_effects`."""

    def __init__(self, account: str, sequencer: Sequencer, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._account: Final = account
        self._sequencer: Final = sequencer
        self._gatekeeper: Final = gatekeeper
        self._clock: Final = clock
        self._effects: list[Effect] = []
        self._suspend_ns = NEVER_NS  # monotonic time at which the venue's switch is set at the latest
        self._lift_ns = NEVER_NS  # monotonic time at which it is lifted again, since that failed
        self._opened = False  # the last word of a person opens what the switch stands for, or liquidates
        self.suspended = False
        self._lifting = self._setting = False

    def take_effects(self) -> list[Effect]:
        """Return what is to be carried out since the last call, in order."""
        effects, self._effects = self._effects, []
        return effects

    @property
    def suspending(self) -> bool:
        """Tell whether the venue's switch is still to be set for a kill, or its answer waited for."""
        return self._suspend_ns != NEVER_NS or self._setting

    def due_ns(self) -> int:
        """Return the monotonic time of the next step; what waits for an answer of the venue has none."""
        if self._setting or self._lifting:
            return NEVER_NS
        return min(self._suspend_ns, self._lift_ns)

    def request(self, request: OperatorRequested) -> bool:
        """Carry a checked request out; False: the lane is full, and only the latch has closed."""
        state = _STATES.get(request.verb)
        if state is not None and self._gatekeeper.latch(request.scope, request.key, state):
            self._write(request, state)
        if request.verb is RequestVerb.KILL and request.scope in _WHOLE:
            self._suspend_ns, self._lift_ns, self._opened = self._clock.monotonic_ns() + SUSPEND_AFTER_NS, NEVER_NS, False
        elif request.verb is RequestVerb.FLATTEN or self._opens_all(request):
            self._suspend_ns, self._opened = NEVER_NS, True
            self._lift()
        return self._sequencer.offer_urgent(request)

    def poll(self, *, cancels_out: bool) -> None:
        """Set the venue's switch once the cancels of a kill are out, or have had their time; lift it for a liquidation that goes on."""
        if self._sequencer.engine.books.liquidating or self._clock.monotonic_ns() >= self._lift_ns:
            self._lift_ns = NEVER_NS
            self._lift()
        if self._setting or self._lifting:  # two requests on their way could arrive in either order
            return
        if self._suspend_ns != NEVER_NS and (cancels_out or self._clock.monotonic_ns() >= self._suspend_ns):
            self._suspend_ns, self._setting = NEVER_NS, True
            self._effects.append(Suspend(on=True))

    def told_suspended(self, *, on: bool, taken: bool) -> None:
        """Take in what came of setting or lifting the switch; what failed is done again.

        One that was being set while a person opened is lifted, failed or not: no answer does not say that it is not set.
        """
        again_ns = self._clock.monotonic_ns() + SUSPEND_AFTER_NS
        if on:
            self._setting = False
            self.suspended = taken or self.suspended or self._opened
            if self._opened:
                self._lift()
            elif not taken:
                self._suspend_ns = again_ns
        else:
            self._lifting = False
            self.suspended = self.suspended and not taken
            self._lift_ns = NEVER_NS if taken or not self._opened else again_ns

    def seen(self, *, suspended: bool) -> None:
        """Take in how the venue's switch stands there: a start does not know who has set it."""
        self.suspended = suspended

    def _opens_all(self, request: OperatorRequested) -> bool:
        """Tell whether a request opens the last of what the venue's switch stands for: a symbol's resume leaves a kill of all in force."""
        is_wide = request.verb is RequestVerb.RESUME and request.scope in _WIDE
        return is_wide and not self._gatekeeper.halted_beside(_WIDE, request.scope, request.key)

    def _lift(self) -> None:
        if self.suspended and not self._lifting and not self._setting:
            self._lifting = True
            self._effects.append(Suspend(on=False))

    def _write(self, request: OperatorRequested, state: GateState) -> None:
        lease = self._gatekeeper.lease
        if lease is None:
            return
        row = KillRow(
            account=self._account,
            scope=request.scope,
            key=request.key,
            state=state,
            reason=request.reason,
            actor=request.requester,
            at_ns=self._sequencer.now_ns(),
        )
        self._effects.append(WriteLedger(Batch(account=self._account, epoch=lease.epoch, kills=(row,))))
