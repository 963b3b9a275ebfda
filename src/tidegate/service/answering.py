"""Answers what is asked of a running trader over its socket, and takes people's requests to the desk.

Who asks is the user that the kernel names; what may be asked is checked here, before it becomes an input of the engine: a scope that
names nothing is refused, and what was closed is opened only when the trader itself is in order.
"""

import asyncio
from collections.abc import Callable
from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.control.errors import UnknownRequestError
from tidegate.control.peers import user_name
from tidegate.control.protocol import (
    AddVersion,
    AnyRequest,
    Ask,
    Doctor,
    Explain,
    Health,
    ListOrders,
    ListPositions,
    ListVersions,
    MoveVersion,
    Probe,
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
    StatusReply,
    StoreLine,
    StreamLine,
)
from tidegate.events.inputs import OperatorRequested
from tidegate.service import picture
from tidegate.service.asking import check_ask, follows
from tidegate.service.desk import Desk
from tidegate.service.ports import LogPort
from tidegate.service.readiness import Readiness, failing
from tidegate.service.sentinel import KillFileError, NoReasonError, clear_kills, withdraw_kill
from tidegate.service.surroundings import Surroundings
from tidegate.service.version_desk import VersionDesk
from tidegate.values.enums import GateScope, GateState, RequestVerb
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.money import attos_text

_OPENING: Final = frozenset({RequestVerb.RESUME, RequestVerb.ENABLE})
_WIDE: Final = frozenset({GateScope.GLOBAL, GateScope.ACCOUNT, GateScope.VENUE})


class NotInOrderError(TidegateError):
    """What was closed stays closed: something of the trader itself is not in order. Put it right, and ask again."""

    exit_code = ExitCode.REFUSED


class LaneFullError(TidegateError):
    """Too many requests wait for the engine already. What a kill latches is latched; ask again."""

    exit_code = ExitCode.ENVIRONMENT


@final
class Answering:
    """A `control.server.Handler` over one desk. `wake` has the desk turned soon."""

    def __init__(
        self,
        desk: Desk,
        log: LogPort,
        around: Surroundings,
        clock: Clock,
        wake: Callable[[], None],
        *,
        versions: VersionDesk | None = None,
    ) -> None:
        """Args: versions: of the configuration; None: none are kept here."""
        self._desk: Final = desk
        self._log: Final = log
        self._around: Final = around
        self._wake: Final = wake
        self._clock: Final = clock
        self._versions: Final = versions
        self.readiness: Final = Readiness(desk, log, around, clock)

    async def answer(self, request: AnyRequest, peer_uid: int) -> AnyReply:
        """See `control.server.Handler`."""
        match request:
            case Ask():
                return await self._ask(request, peer_uid)
            case Health():
                checks = self.readiness.live() if request.probe is Probe.LIVE else self.readiness.ready()
                return HealthReply(ok=not failing(checks), checks=checks)
            case ListVersions() | ShowVersion() | AddVersion() | MoveVersion():
                if self._versions is None:
                    raise UnknownRequestError("This trader keeps no versions of its configuration; stop it and ask the ledger.")
                return await self._versions.answer(request, user_name(peer_uid))
            case Doctor():
                return DoctorReply(mode=self._around.mode, session=self._desk.place.session, checks=self.readiness.doctor())
            case _:
                return self._picture(request)

    def _picture(self, request: Status | ListOrders | ListPositions | ShowLimits | Explain) -> AnyReply:
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
            version="" if self._versions is None else self._versions.version,
            stage="" if self._versions is None else self._versions.stage.value,
            not_permitted=tuple(f"{name}: {why}" for name, why in sorted(desk.engine.books.not_permitted().items())),
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

    async def _ask(self, ask: Ask, peer_uid: int) -> AskReply:
        desk, books = self._desk, self._desk.engine.books
        try:
            check_ask(books, ask)
        except TidegateError:
            if ask.verb is RequestVerb.KILL:  # its file names nothing here either, and must not lie in wait for the next start
                await asyncio.to_thread(withdraw_kill, self._around.home, ask.request_id)
            raise
        requester = user_name(peer_uid)
        if ask.verb in _OPENING:
            await self._check_opening(ask)
        repeated = books.knows_request(ask.request_id)
        told = self._repeated(ask) if repeated else follows(desk, ask)
        if not repeated and not desk.request(_request(ask, requester)):
            latched = "the latch is closed all the same; " if ask.verb is RequestVerb.KILL else ""
            raise LaneFullError(f"Too many requests wait for the engine; {latched}ask again with the same request id.")
        self._wake()
        return AskReply(
            request_id=ask.request_id, verb=ask.verb, scope=ask.scope, key=ask.key, requester=requester, repeated=repeated, follows=told
        )

    def _repeated(self, ask: Ask) -> tuple[str, ...]:
        """Say what a request that was taken before has come to: of a kill the trader mostly knows from the kill file."""
        if ask.verb is RequestVerb.KILL and self._desk.engine.books.gate(ask.scope, ask.key) is GateState.HALTED:
            return follows(self._desk, ask)
        return ("The trader has taken this request already; nothing happens a second time.",)

    async def _check_opening(self, ask: Ask) -> None:
        """Hold the checklist of a resume, and take away the kill file's entries for it.

        Raises:
            NoReasonError: none was given where one is needed.
            NotInOrderError: the trader itself is not in order.
            KillFileError: the file cannot be changed.
        """
        halted = self._desk.engine.books.gate(ask.scope, ask.key) is GateState.HALTED
        if not ask.reason.strip() and (ask.verb is RequestVerb.RESUME or halted):
            raise NoReasonError("Say why with --reason: what was closed is opened only for a reason.")
        wrong = failing(self.readiness.to_resume())
        if wrong:
            raise NotInOrderError(f"Not opened, since the trader is not in order: {'; '.join(wrong)}. Put this right, then ask again.")
        try:
            await asyncio.to_thread(clear_kills, self._around.home, ask.scope, ask.key, reason=ask.reason or "enabled")
        except KillFileError as error:
            raise NotInOrderError(f"Not opened: {error}") from error


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
