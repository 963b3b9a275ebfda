"""Carries out what the desk wants: ledger writes, requests to the venue, reads. Each outcome is told to the desk, which is then turned.

A request is made once. What it raises says what is known: nothing sent, refused, or no answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, final

from tidegate.events.acts import OrderCommand
from tidegate.journal.audit.record import AuditType
from tidegate.oms.strangers import is_our_shape
from tidegate.service.audit_words import TRADER
from tidegate.service.desk import Desk
from tidegate.service.ledger.errors import LedgerError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.ports import (
    Answer,
    CancelAll,
    Effect,
    Find,
    Found,
    Reads,
    ReadVenue,
    SealAudit,
    Send,
    Suspend,
    WriteLedger,
)
from tidegate.service.sealing import Sealer
from tidegate.values.enums import CommandKind
from tidegate.values.errors import TidegateError
from tidegate.values.ids import ClientOrderId
from tidegate.venues.errors import Declined, OutcomeUnsure, Unreachable, VenueError
from tidegate.venues.port import OrderVenue, VenueExecution

_BYTES_OUT_S: Final = 0.001  # a request takes a few rounds of the loop until its bytes are out


@final
class Hands:
    """One session's way to ledger and venue. All its verbs belong to the loop."""

    def __init__(self, desk: Desk, venue: OrderVenue, ledger: LedgerThread, turn: Callable[[], None], sealer: Sealer | None = None) -> None:
        """Args: turn: asks that the desk be turned soon; sealer: signs the audit chain, None: nobody does."""
        self._desk: Final = desk
        self._venue: Final = venue
        self._ledger: Final = ledger
        self._turn: Final = turn
        self._sealer: Final = sealer
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._finding: Final[set[Find]] = set()
        self._settled = False

    @property
    def busy(self) -> int:
        """How many requests are on their way."""
        return len(self._tasks)

    def carry_out(self, effect: Effect) -> None:
        """Begin what an effect asks for; nothing in here waits."""
        match effect:
            case WriteLedger():
                self._write(effect)
            case Send():
                self._start(self._send(effect))
            case CancelAll():
                self._start(self._cancel_all(effect))
            case Find():
                self._look_up(effect)
            case ReadVenue():
                self._start(self._read(effect))
            case Suspend():
                self._start(self._suspend(effect))
            case SealAudit():
                self._start(self._seal(effect))

    def let_go(self) -> None:
        """Carry out what log and ledger hold back no longer; the desk is turned once its bytes are out. Nothing leaves at the end."""
        if self._settled:
            return
        effects = self._desk.leaving()
        for effect in effects:
            self.carry_out(effect)
        if effects:
            asyncio.get_running_loop().call_later(_BYTES_OUT_S, self._turn)
        elif self._desk.sequencer.waiting:
            self._turn()

    async def settle(self, timeout_s: float) -> None:
        """Wait for what is on its way, but no longer than this; the rest is given up, its outcome stays open, and nothing follows."""
        self._settled = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close_chain(self) -> None:
        """Write what waits for the audit chain, that the trader stops, and seal the chain: the last acts under the lease.

        Raises:
            TidegateError: ledger or anchors refuse; the next start finds the chain without its end.
        """
        desk, lease = self._desk, self._desk.gatekeeper.lease
        if self._sealer is None or lease is None:
            return
        desk.auditing.told(desk.sequencer.take_told())
        desk.auditing.happened(AuditType.TRADER_STOPPED, TRADER, desk.place.session)
        for batch in desk.auditing.rest():
            await self._ledger.submit(batch)
        await self._sealer.seal(self._ledger, SealAudit(desk.place.account, lease.epoch, desk.sequencer.now_ns()))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._turn()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error  # a bug of ours: the loop's handler ends the process

    def _write(self, effect: WriteLedger) -> None:
        try:
            written = self._ledger.submit(effect.batch)
        except LedgerError as error:
            self._desk.wrote(effect, error)
            return

        def told(outcome: asyncio.Future[Any]) -> None:
            error = outcome.exception()
            if error is not None and not isinstance(error, LedgerError):
                raise error
            self._desk.wrote(effect, error)
            self.let_go()

        written.add_done_callback(told)

    async def _send(self, effect: Send) -> None:
        self._desk.answered(effect, await self._answer(effect))

    async def _answer(self, effect: Send) -> Answer:
        command: OrderCommand = effect.command
        try:
            if command.kind is CommandKind.CANCEL:
                await self._venue.cancel(command)
                return None
            if command.kind is CommandKind.REPLACE:
                return await self._venue.replace(command, urgency=effect.urgency)
            return await self._venue.submit(command, urgency=effect.urgency)
        except (Unreachable, Declined, OutcomeUnsure) as error:
            return error

    async def _cancel_all(self, effect: CancelAll) -> None:
        try:
            results = await self._venue.cancel_all()
        except (Unreachable, Declined, OutcomeUnsure):
            self._desk.canceled_all(effect, None)
        else:
            self._desk.canceled_all(effect, results)

    def _look_up(self, effect: Find) -> None:
        """Begin a lookup, unless the same one is under way: repeated ones would spend the venue's limit on an order that waits for it."""
        if effect not in self._finding:
            self._finding.add(effect)
            self._start(self._find(effect))

    async def _find(self, effect: Find) -> None:
        found: Found
        try:
            found = await self._venue.find(effect.client_order_id, venue_order_id=effect.venue_order_id)
        except (Unreachable, Declined, OutcomeUnsure) as error:
            found = error
        finally:
            self._finding.discard(effect)
        self._desk.found(effect.client_order_id, found)

    async def _read(self, effect: ReadVenue) -> None:
        began_ns = self._desk.sequencer.now_ns()
        try:
            executions = await self._venue.executions(effect.executions_after_ns)
            orders = await self._venue.open_orders()
            positions = await self._venue.positions()
            account = await self._venue.account()
        except VenueError as error:
            self._desk.read(None, error)
            return
        ended_ns = self._desk.sequencer.now_ns()
        new = await self._not_booked(executions)
        self._desk.read(Reads(began_ns, ended_ns, tuple(new), tuple(orders), tuple(positions), account))

    async def _not_booked(self, executions: list[VenueExecution]) -> list[VenueExecution]:
        """Leave out executions of our orders that the ledger has: each was booked before it was written there.

        And those of orders that ended so long ago that the books forgot them, under whichever id: the ledger knows these orders still.
        The books alone cannot be asked: an order that they know now may be forgotten when the report is taken in, and would look like
        a second trader's. Where the ledger cannot be asked, whose a strange one is stays open, and it is left out too: a fill that was
        never booked shows in the positions, which are compared in the same report.
        """
        books, account = self._desk.engine.books, self._desk.place.account
        ours = [seen for seen in executions if is_our_shape(seen.client_order_id)]
        if not ours:
            return executions
        strange = {seen.client_order_id for seen in ours if books.order(seen.client_order_id) is None}

        def look(ledger: Ledger) -> tuple[set[str], set[str]]:
            known = {name for name in strange if ledger.order(ClientOrderId(name)) is not None}
            return ledger.known_executions(account, {seen.execution_id for seen in ours}), known

        try:
            booked, forgotten = await self._ledger.ask(look)
        except LedgerError:
            booked, forgotten = set(), strange
        return [seen for seen in executions if seen.execution_id not in booked and seen.client_order_id not in forgotten]

    async def _seal(self, effect: SealAudit) -> None:
        if self._sealer is None:
            return
        try:
            await self._sealer.seal(self._ledger, effect)
        except TidegateError as error:
            self._desk.sealed(effect, error)
        else:
            self._desk.sealed(effect, None)

    async def _suspend(self, effect: Suspend) -> None:
        taken = await _taken(self._venue.suspend(on=effect.on))
        self._desk.suspended(effect, taken=taken)


async def _taken(request: Awaitable[None]) -> bool:
    try:
        await request
    except VenueError:
        return False
    return True
