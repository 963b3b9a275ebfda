"""The versions of a running trader: what it runs, what it permits its strategies, and what people ask about them, through its ledger."""

from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.config.stages import Stage
from tidegate.config.versions import ConfigVersion
from tidegate.control.replies import VersionReply, VersionsReply
from tidegate.events.inputs import PermissionSet
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Lease, StageRow
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.promoting import Who
from tidegate.service.stage_book import Permission
from tidegate.service.version_verbs import Registered, VersionRequest, carry_out, demote


@final
class VersionDesk:
    """One trader's version. Verbs go through the ledger's thread, under the trader's lease."""

    def __init__(self, version: ConfigVersion, registered: Registered, lease: Lease, ledger: LedgerThread, clock: Clock) -> None:
        self.version: Final = version.sha256
        self.stage: Stage = registered.stage
        self._lease: Final = lease
        self._ledger: Final = ledger
        self._clock: Final = clock

    async def answer(self, request: VersionRequest, person: str) -> VersionReply | VersionsReply:
        """Do what a person asks.

        Raises:
            TidegateError: it is refused; nothing was recorded.
        """
        who = Who(person, self._clock.now_ns(), getattr(request, "reason", ""))

        def verb(ledger: Ledger) -> VersionReply | VersionsReply:
            return carry_out(ledger, self._lease, request, who, running=self.version)

        return await self._ledger.ask(verb)

    async def demote(self, permission: Permission | None, reason: str) -> tuple[StageRow, ...]:
        """Take the version, or one strategy's permission, one stage down, in the name of a rule; return what was recorded."""
        who = Who("rule:demotion", self._clock.now_ns(), reason)
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
