"""Answers what is asked of a running trader over its socket, and takes people's requests to the desk.

Who asks is the user that the kernel names; what may be asked is checked here, before it becomes an input of the engine: a scope that
names nothing is refused, and what was closed is opened only when the trader itself is in order.
"""

import asyncio
from collections.abc import Callable
from typing import Final, final

from tidegate.authority.actions import action_of
from tidegate.clock.clock import Clock
from tidegate.control.errors import UnknownRequestError
from tidegate.control.peers import user_name
from tidegate.control.protocol import (
    AnswerApproval,
    AnyIdentity,
    AnyPicture,
    AnyRequest,
    AnyVersion,
    Ask,
    Doctor,
    Explain,
    Health,
    ListApprovals,
    ListOrders,
    ListPositions,
    ListVersions,
    Probe,
    Report,
    ShowLimits,
    ShowVersion,
    Status,
)
from tidegate.control.replies import (
    AnyReply,
    AskReply,
    DoctorReply,
    ExplainReply,
    HealthReply,
    LeaseLine,
    LogLine,
    ReportReply,
    StatusReply,
    StoreLine,
    StreamLine,
)
from tidegate.events.inputs import OperatorRequested
from tidegate.journal.audit.record import AuditType
from tidegate.service import picture
from tidegate.service.admission import Person, Want
from tidegate.service.asking import check_ask, expectation, expected_ns, follows
from tidegate.service.audit_words import version_changed
from tidegate.service.deciding import Deciding
from tidegate.service.desk import Desk
from tidegate.service.identity import Identity
from tidegate.service.lanes import LaneFullError
from tidegate.service.past_requests import report_in_log
from tidegate.service.ports import LogPort
from tidegate.service.readiness import Readiness, failing
from tidegate.service.report_reply import report_reply
from tidegate.service.sentinel import KillFileError, NoReasonError, clear_kills, withdraw_kill
from tidegate.service.side_door import want_of
from tidegate.service.stop_report import REPORTED
from tidegate.service.surroundings import Surroundings
from tidegate.values.enums import GateScope, GateState, RequestVerb
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.money import attos_text

_OPENING: Final = frozenset({RequestVerb.RESUME, RequestVerb.ENABLE})
_AWAITS: Final = "Nothing is opened yet: another person asks for the same with the same reason, within 15 minutes."
_CLOSING: Final = frozenset({RequestVerb.KILL, RequestVerb.PAUSE, RequestVerb.DISABLE, RequestVerb.FLATTEN})
_WIDE: Final = frozenset({GateScope.GLOBAL, GateScope.ACCOUNT, GateScope.VENUE})


class NotInOrderError(TidegateError):
    """What was closed stays closed: something of the trader itself is not in order. Put it right, and ask again."""

    exit_code = ExitCode.REFUSED


@final
class Answering:
    """A `control.server.Handler` over one desk. `wake` has the desk turned soon; `identity` says who may ask for what."""

    def __init__(self, desk: Desk, log: LogPort, around: Surroundings, clock: Clock, wake: Callable[[], None], identity: Identity) -> None:
        self._desk: Final = desk
        self._log: Final = log
        self._around: Final = around
        self._wake: Final = wake
        self._clock: Final = clock
        self._identity: Final = identity
        self._deciding: Final = Deciding(desk, identity.admission, wake)
        self.readiness: Final = Readiness(desk, log, around, clock)

    async def answer(self, request: AnyRequest, peer_uid: int) -> AnyReply:
        """See `control.server.Handler`."""
        match request:
            case Ask():
                return await self._recorded(request, peer_uid)
            case Report():
                return await self._report(request.request_id)
            case AnswerApproval():
                return self._deciding.answer(request, peer_uid)
            case Health() | Doctor():
                return self._checked(request)
            case Status() | ListOrders() | ListPositions() | ShowLimits() | Explain() | ListApprovals():
                return self._picture(request)
            case _:
                return await self._asked_by(request, peer_uid)

    async def _asked_by(self, request: AnyIdentity | AnyVersion, peer_uid: int) -> AnyReply:
        if not isinstance(request, AnyVersion):
            return await self._identity.answer(request, peer_uid)
        if self._around.versions is None:
            raise UnknownRequestError("This trader keeps no versions of its configuration; stop it and ask the ledger.")
        if isinstance(request, ListVersions | ShowVersion):
            return await self._around.versions.answer(request, user_name(peer_uid))
        want, begins = want_of(request)
        person = self._identity.admission.admit(want, request.proof, peer_uid, begins=begins)
        alone = person.role is None
        name = f"{person.name}, without users" if alone else person.name
        reply = await self._around.versions.answer(request, name, to_paper_only=alone)
        self._desk.auditing.happened(AuditType.CONFIG_CHANGED, name, *version_changed(request, reply))
        self._wake()
        return reply

    def _checked(self, request: Health | Doctor) -> HealthReply | DoctorReply:
        if isinstance(request, Doctor):
            return DoctorReply(mode=self._around.mode, session=self._desk.place.session, checks=self.readiness.doctor())
        checks = self.readiness.live() if request.probe is Probe.LIVE else self.readiness.ready()
        return HealthReply(ok=not failing(checks), checks=checks)

    def _picture(self, request: AnyPicture) -> AnyReply:
        match request:
            case Status():
                return self.status()
            case ListOrders():
                return picture.orders(self._desk, request.finished_max)
            case ListPositions():
                return picture.positions(self._desk)
            case ShowLimits():
                return picture.limits(self._desk)
            case Explain():
                return self._explain(request.identifier)
            case ListApprovals():
                return self._deciding.requests(request.closed_max)

    def status(self) -> StatusReply:
        """Return how the trader stands."""
        desk, around = self._desk, self._around
        gates = picture.gates(desk)
        why_not = (
            *failing(self.readiness.ready()),
            *(f"{gate.scope.value} is {gate.state.value}" for gate in gates if gate.scope in _WIDE),
        )
        working = desk.engine.books.working_orders()
        ledger = self.readiness.ledger_line()
        equity = desk.engine.equity_attos()
        return StatusReply(
            mode=around.mode,
            session=desk.place.session,
            epoch=self._lease().epoch,
            account=desk.place.account,
            venue=desk.place.venue,
            now_ns=desk.sequencer.now_ns(),
            uptime_ns=around.uptime_ns(),
            trading=not why_not,
            why_not=why_not,
            gates=gates,
            streams=tuple(StreamLine(name=s.name, trusted=s.trusted, since_ns=s.since_ns, reason=s.reason) for s in around.streams()),
            reconciled_ns=desk.reconciler.whole_read_ns,
            lag_ns=desk.engine.books.lag_ns,
            working_orders=len(working),
            unknown_orders=tuple(order.client_order_id for order in working if order.unknown),
            open_commands=desk.outbox.open_commands,
            oldest_cancel_ns=desk.outbox.cancel_age_ns(),
            requests=picture.requests(desk),
            lease=self._lease(),
            log=self._log_line(),
            ledger=StoreLine(ok=ledger.ok, why="" if ledger.ok else ledger.seen),
            venue_suspended=desk.operator.suspended,
            kill_file=around.home.kill.exists(),
            equity_usd=None if equity is None else attos_text(equity),
            access=self._identity.admission.line(),
            waiting_approvals=len(desk.engine.books.approvals()[0]),
            version="" if around.versions is None else around.versions.version,
            stage="" if around.versions is None else around.versions.stage.value,
            not_permitted=tuple(f"{name}: {why}" for name, why in sorted(desk.engine.books.not_permitted().items())),
            venue_status=picture.venue_status(around.venue_status),
            not_understood=0 if around.doubts is None else around.doubts.count,
            newest_doubt="" if around.doubts is None else around.doubts.newest,
        )

    def _lease(self) -> LeaseLine:
        gatekeeper = self._desk.gatekeeper
        lease = gatekeeper.lease
        if lease is None:
            return LeaseLine(held=False, holder="", epoch=0, expires_ns=0)
        held = gatekeeper.holds(self._clock.monotonic_ns())
        return LeaseLine(held=held, holder=lease.holder, epoch=lease.epoch, expires_ns=lease.expires_ns)

    def _log_line(self) -> LogLine:
        line = self.readiness.log_line()
        return LogLine(
            folder=str(self._around.home.log),
            n=self._desk.engine.n,
            durable_n=self._log.durable_n,
            ok=line.ok,
            why="" if line.ok else line.seen,
        )

    def _explain(self, identifier: str) -> ExplainReply:
        books = self._desk.engine.books
        ids = [order.client_order_id for order in (*books.working_orders(), *books.finished_orders())]
        found = [name for name in ids if identifier and name.startswith(identifier)]
        order = books.order(found[0]) if len(found) == 1 else books.order(identifier)
        line = None if order is None else picture.order_line(order, self._desk.outbox.times.of(order.client_order_id))
        return ExplainReply(identifier=identifier, order=line, log=str(self._around.home.log))

    # Requests.

    async def _report(self, request_id: str) -> ReportReply:
        """Return a report: of this session from what was seen, of an earlier one from the log, read by a thread."""
        report = self._desk.noting.report(request_id)
        if report is not None:
            return report_reply(report)
        return await asyncio.to_thread(report_in_log, self._around.home.log, request_id)

    async def _recorded(self, ask: Ask, peer_uid: int) -> AskReply:
        """Take a request; one that is not taken is recorded here, one that is taken where the engine takes it."""
        came_ns = self._clock.monotonic_ns()
        try:
            reply = await self._ask(ask, peer_uid, came_ns=came_ns)
        except TidegateError as error:
            self._record(ask, peer_uid, "refused", str(error))
            raise
        if reply.repeated:
            self._record(ask, peer_uid, "repeated", "")
        return reply

    def _record(self, ask: Ask, peer_uid: int, outcome: str, why: str) -> None:
        asked = {"verb": ask.verb, "scope": ask.scope, "key": ask.key, "reason": ask.reason, "order_id": ask.order_id}
        body = {**asked, "outcome": outcome, "why": why}
        self._desk.auditing.happened(AuditType.REQUEST, self._identity.admission.asker(ask.proof, peer_uid), ask.request_id, body)
        self._wake()

    async def _ask(self, ask: Ask, peer_uid: int, *, came_ns: int) -> AskReply:
        desk, books, admission = self._desk, self._desk.engine.books, self._identity.admission
        want = Want(action_of(ask.verb), ask.scope, ask.key)
        await self._check(ask)
        person = admission.admit(want, ask.proof, peer_uid)
        if ask.verb in _CLOSING:
            admission.closed()
        requester = person.name
        repeated = books.knows_request(ask.request_id)
        if ask.verb in _OPENING and not repeated:
            opened_by = await self._opened_by(ask, want, person)
            if opened_by is None:
                return _answer(ask, person.name, (_AWAITS,), awaits_second=True)
            requester = opened_by
        told = self._repeated(ask) if repeated else follows(desk, ask)
        slow_ns = expected_ns(desk, ask.scope, ask.key, self._around.cancels_ns) if ask.verb in REPORTED else 0
        waited_ns = self._clock.monotonic_ns() - came_ns
        if not repeated and not desk.request(_request(ask, requester), waited_ns=waited_ns, expected_ns=slow_ns):
            latched = "the latch is closed all the same; " if ask.verb is RequestVerb.KILL else ""
            raise LaneFullError(f"Too many requests wait for the engine; {latched}ask again with the same request id.")
        self._wake()
        return _answer(ask, requester, (*told, *expectation(slow_ns)), repeated=repeated)

    async def _check(self, ask: Ask) -> None:
        """Refuse a request that could do nothing; a kill's file names nothing here either then, and must not wait for the next start."""
        try:
            check_ask(self._desk.engine.books, ask)
        except TidegateError:
            if ask.verb is RequestVerb.KILL:
                await asyncio.to_thread(withdraw_kill, self._around.home, ask.request_id)
            raise

    async def _opened_by(self, ask: Ask, want: Want, person: Person) -> str | None:
        """Return in whose name it is opened, its kill file's entries taken away; None: a second person has to ask for it as well.

        Raises:
            NotInOrderError: the trader is not in order, or something was closed in this very moment.
        """
        admission = self._identity.admission
        self._check_opening(ask)
        name, closings = admission.settled(want, ask.reason.strip(), person), admission.closings
        if name is not None:
            await self._clear(ask)
            if admission.closings != closings:
                raise NotInOrderError("Not opened: something was closed in this very moment; see `tidegate status`, then ask again.")
        return name

    def _repeated(self, ask: Ask) -> tuple[str, ...]:
        """Say what a request that was taken before has come to: of a kill the trader mostly knows from the kill file."""
        if ask.verb is RequestVerb.KILL and self._desk.engine.books.gate(ask.scope, ask.key) is GateState.HALTED:
            return follows(self._desk, ask)
        return ("The trader has taken this request already; nothing happens a second time.",)

    def _check_opening(self, ask: Ask) -> None:
        """Hold the checklist of a resume.

        Raises:
            NoReasonError: none was given where one is needed.
            NotInOrderError: the trader itself is not in order.
        """
        halted = self._desk.engine.books.gate(ask.scope, ask.key) is GateState.HALTED
        if not ask.reason.strip() and (ask.verb is RequestVerb.RESUME or halted):
            raise NoReasonError("Say why with --reason: what was closed is opened only for a reason.")
        wrong = failing(self.readiness.to_resume())
        if wrong:
            raise NotInOrderError(f"Not opened, since the trader is not in order: {'; '.join(wrong)}. Put this right, then ask again.")

    async def _clear(self, ask: Ask) -> None:
        """Take away the kill file's entries for what is opened; one that came since the loop last looked stays, and is obeyed.

        Raises:
            NotInOrderError: the file cannot be changed.
        """
        seen, known = self._around.kill_seen, self._desk.engine.books.knows_request
        heeded = None if seen is None else lambda request_id: seen(request_id) or known(request_id)
        try:
            await asyncio.to_thread(clear_kills, self._around.home, ask.scope, ask.key, reason=ask.reason or "enabled", heeded=heeded)
        except KillFileError as error:
            raise NotInOrderError(f"Not opened: {error}") from error


def _answer(ask: Ask, requester: str, told: tuple[str, ...], *, repeated: bool = False, awaits_second: bool = False) -> AskReply:
    return AskReply(
        request_id=ask.request_id,
        verb=ask.verb,
        scope=ask.scope,
        key=ask.key,
        requester=requester,
        repeated=repeated,
        follows=told,
        awaits_second=awaits_second,
    )


def _request(ask: Ask, requester: str) -> OperatorRequested:
    return OperatorRequested(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        request_id=ask.request_id,
        verb=ask.verb,
        scope=ask.scope,
        key=ask.key,
        requester=requester,
        reason=ask.reason,
        order_id=ask.order_id,
    )
