"""What a running trader checks about itself: does it live, could an entry leave, what is worth a look. Each check says what to do."""

from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.control.replies import CheckLine
from tidegate.service.desk import Desk
from tidegate.service.ports import LogPort
from tidegate.service.surroundings import Surroundings
from tidegate.values.enums import RequestStage
from tidegate.values.time import SECOND_NS

STILL_NS_MAX: Final = 5 * SECOND_NS  # a loop that turned longer ago hangs
CANCEL_AGE_NS_MAX: Final = 5 * SECOND_NS


@final
class Readiness:
    """The checks of one desk."""

    def __init__(self, desk: Desk, log: LogPort, around: Surroundings, clock: Clock) -> None:
        self._desk: Final = desk
        self._log: Final = log
        self._around: Final = around
        self._clock: Final = clock

    def live(self) -> tuple[CheckLine, ...]:
        """Return whether the loop turns; a process that fails this is to be restarted."""
        still_ns = self._around.still_ns()
        seen = f"the loop turned {still_ns / SECOND_NS:.1f} s ago"
        return (_check("loop", still_ns <= STILL_NS_MAX, seen, "the trader hangs: let the supervisor restart it"),)

    def ready(self) -> tuple[CheckLine, ...]:
        """Return what must hold before an entry may leave, gates and limits apart."""
        return (*self.live(), self._lease(), self._reconciled(), *self._streams(), self.log_line(), self.ledger_line())

    def to_resume(self) -> tuple[CheckLine, ...]:
        """Return what must hold before a person may open what was closed."""
        return (*self.ready(), self._unknown())

    def doctor(self) -> tuple[CheckLine, ...]:
        """Return everything worth a look."""
        return (*self.ready(), self._unknown(), self._gates(), self._requests(), self._cancels(), self._kill_file(), self._kept())

    def log_line(self) -> CheckLine:
        """Return whether the golden log takes what is written."""
        error = self._desk.sequencer.log_failed or self._log.failed
        behind = self._desk.engine.n - self._log.durable_n
        seen = f"on disk up to input {self._log.durable_n:,}, {behind:,} behind" if error is None else f"it has ended: {error}"
        return _check("log", error is None, seen, "make room on its disk and restart the trader; until then only cancels leave")

    def ledger_line(self) -> CheckLine:
        """Return whether the ledger takes what is written."""
        error = self._desk.outbox.ledger_failed
        seen = "it takes what is written" if error is None else str(error)
        return _check("ledger", error is None, seen, "bring the ledger back; until then only cancels leave")

    def _lease(self) -> CheckLine:
        gatekeeper = self._desk.gatekeeper
        held = gatekeeper.holds(self._clock.monotonic_ns())
        seen = f"epoch {gatekeeper.lease.epoch}" if held and gatekeeper.lease is not None else "the account is not held"
        return _check("lease", held, seen, "see which other trader has the account, or whether the ledger answers")

    def _reconciled(self) -> CheckLine:
        trusted = self._desk.reconciler.trusted
        seen = "books and venue are in step" if trusted else "books and venue are not known to be in step"
        return _check("reconciled", trusted, seen, "wait for the next whole read, or see why the venue cannot be read")

    def _streams(self) -> tuple[CheckLine, ...]:
        return tuple(
            _check(
                f"stream {stream.name}", stream.trusted, "up" if stream.trusted else stream.reason, "it reconnects by itself; see the net"
            )
            for stream in self._around.streams()
        )

    def _unknown(self) -> CheckLine:
        unknown = [order.client_order_id for order in self._desk.engine.books.working_orders() if order.unknown]
        seen = "none" if not unknown else ", ".join(unknown)
        return _check(
            "orders of unknown outcome", not unknown, seen, "they are looked up by themselves; wait, or see the venue", grave=False
        )

    def _gates(self) -> CheckLine:
        closed = [f"{gate.scope.value} {gate.key}".strip() + f" {gate.state.value}" for gate, _ in self._desk.engine.books.closed_gates()]
        return _check(
            "gates", not closed, ", ".join(closed) or "all open", "`tidegate status` says why; `tidegate resume` opens", grave=False
        )

    def _requests(self) -> CheckLine:
        stuck = [job.request_id for job in self._desk.engine.books.requests() if job.stage is RequestStage.STUCK]
        return _check(
            "requests", not stuck, f"stuck: {', '.join(stuck)}" if stuck else "none is stuck", "close these positions at the venue"
        )

    def _cancels(self) -> CheckLine:
        age_ns = self._desk.outbox.cancel_age_ns()
        return _check("cancels", age_ns <= CANCEL_AGE_NS_MAX, f"the oldest waits {age_ns / SECOND_NS:.1f} s", "cancel at the venue itself")

    def _kept(self) -> CheckLine:
        trouble = self._log.keep_trouble
        seen = "old segments go as configured" if trouble is None else str(trouble)
        return _check(
            "log kept", trouble is None, seen, "look at the log with tidegate verify; nothing of it is dropped meanwhile", grave=False
        )

    def _kill_file(self) -> CheckLine:
        stands = self._around.home.kill.exists()
        return _check(
            "kill file", not stands, "there is one" if stands else "none", "`tidegate resume --reason …` takes it away", grave=False
        )


def failing(checks: tuple[CheckLine, ...]) -> tuple[str, ...]:
    """Return what does not hold, in words."""
    return tuple(f"{check.name}: {check.seen}" for check in checks if not check.ok)


def _check(name: str, ok: bool, seen: str, advice: str, *, grave: bool = True) -> CheckLine:  # noqa: FBT001 - what a check found
    return CheckLine(name=name, ok=ok, seen=seen, advice="" if ok else advice, grave=grave)
