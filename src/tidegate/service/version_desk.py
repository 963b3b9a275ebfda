"""The versions of a running trader: what it runs, what it permits its strategies, and what people ask about them, through its ledger.

What a version had to show to come to its stage, it must go on showing: once it does not, entries stop in the same turn, and the ledger
takes it, or the strategy, one stage down.
"""

import asyncio
from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.config.stages import Stage
from tidegate.config.versions import ConfigVersion
from tidegate.control.version_replies import VersionReply, VersionsReply
from tidegate.events.inputs import GateSet, PermissionSet
from tidegate.service.demotion import Watch
from tidegate.service.desk import Desk
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Lease, StageRow
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.promoting import Who
from tidegate.service.stage_book import Permission
from tidegate.service.version_verbs import Registered, VersionRequest, carry_out, demote
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import SECOND_NS

RULE: Final = "rule:demotion"
AGAIN_S: Final = 1.0


@final
class VersionDesk:
    """One trader's version. Verbs go through the ledger's thread, under the trader's lease."""

    def __init__(
        self,
        version: ConfigVersion,
        registered: Registered,
        lease: Lease,
        ledger: LedgerThread,
        clock: Clock,
        *,
        watch: Watch | None = None,
    ) -> None:
        """Args: watch: what it must go on showing; None: no real money, so nothing."""
        self.version: Final = version.sha256
        self.stage: Stage = registered.stage
        self.permissions: Final = {permission.strategy_id: permission for permission in registered.permissions}
        self._watch: Final = watch
        self._due_ns = 0
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._lease: Final = lease
        self._ledger: Final = ledger
        self._clock: Final = clock

    async def answer(self, request: VersionRequest, person: str, *, to_paper_only: bool = False) -> VersionReply | VersionsReply:
        """Do what a person asks. to_paper_only: he moves nothing of real money.

        Raises:
            TidegateError: it is refused; nothing was recorded.
        """
        who = Who(person, self._clock.now_ns(), getattr(request, "reason", ""), to_paper_only=to_paper_only)

        def verb(ledger: Ledger) -> VersionReply | VersionsReply:
            return carry_out(ledger, self._lease, request, who, running=self.version)

        return await self._ledger.ask(verb)

    def turned(self, desk: Desk) -> None:
        """Look at what the version shows, once a second; what is below its stage lets no entry out any more."""
        if self._watch is None or self._clock.monotonic_ns() < self._due_ns:
            return
        self._due_ns = self._clock.monotonic_ns() + SECOND_NS
        books = desk.engine.books
        for breach in self._watch.look(books.finished_orders(), desk.sequencer.drift_findings, desk.engine.equity_attos()):
            permission = self.permissions.get(breach.strategy_id)
            self._close(desk, permission, breach.reason)
            task = asyncio.get_running_loop().create_task(self._record(permission, breach.reason))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _close(self, desk: Desk, permission: Permission | None, reason: str) -> None:
        scope, key = (GateScope.ACCOUNT, desk.place.account) if permission is None else (GateScope.STRATEGY, permission.strategy_id)
        desk.sequencer.offer(
            GateSet(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                scope=scope,
                key=key,
                state=GateState.REDUCE_ONLY,
                reason=reason,
                actor=RULE,
            )
        )
        for void in self.permissions.values() if permission is None else (permission,):
            desk.sequencer.offer(permission_input(void._replace(permitted=False, reason=f"demoted: {reason}")))

    async def _record(self, permission: Permission | None, reason: str) -> None:
        """Have the ledger take it; entries are stopped whatever becomes of this."""
        while True:
            try:
                await self.demote(permission, reason)
            except LedgerUnavailableError:
                await asyncio.sleep(AGAIN_S)
            else:
                return

    async def demote(self, permission: Permission | None, reason: str) -> tuple[StageRow, ...]:
        """Take the version, or one strategy's permission, one stage down, in the name of a rule; return what was recorded."""
        who = Who(RULE, self._clock.now_ns(), reason)
        rows = await self._ledger.ask(lambda ledger: demote(ledger, self._lease, self.version, permission, who))
        for row in rows:
            self.stage = self.stage if row.permission_sha256 else row.after
        return rows


def permission_input(permission: Permission) -> PermissionSet:
    """Return what the engine is told of a strategy's permission; the sequencer stamps it."""
    return PermissionSet(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id=permission.strategy_id,
        correlation_id="",
        permission_sha256=permission.sha256,
        permitted=permission.permitted,
        stage=permission.stage.value,
        reason=permission.reason,
    )
