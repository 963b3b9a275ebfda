"""Where each version of a configuration stands, folded from the ledger's rows. Pure; what may follow is `promoting`'s.

A version stands where its last step left it, and so does each strategy's permission. One version at a time is in force for a mode that
moves real money: the one that was last promoted, rolled back to, or inherited that far. An older, looser one does not come back by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, final

import msgspec

from tidegate.config.stages import REAL_MONEY, STAGE_OF_MODE, Stage, Step, lower, rung
from tidegate.config.versions import ConfigVersion, StrategyPart, short
from tidegate.service.ledger.rows import StageRow, VersionRow
from tidegate.values.errors import ExitCode, TidegateError

_PUTS_IN_FORCE: Final = frozenset({Step.INHERITED, Step.PROMOTED, Step.ROLLED_BACK})
_TOUCHES: Final = _PUTS_IN_FORCE | {Step.RAN}
_parts: Final = msgspec.msgpack.Decoder(tuple[StrategyPart, ...])


class UnknownVersionError(TidegateError):
    """No version, or more than one, has a hash that begins so."""


class NotPromotedError(TidegateError):
    """A mode that moves real money was asked for, and the configuration does not hold its stage."""

    exit_code = ExitCode.REFUSED


class Permission(NamedTuple):
    """Whether a strategy may trade in a mode, what its permission holds, and why."""

    strategy_id: str
    sha256: str
    permitted: bool
    stage: Stage
    reason: str


@final
class StageBook:
    """One account's versions and how far each has come."""

    def __init__(self, versions: Sequence[VersionRow], rows: Sequence[StageRow]) -> None:
        self.versions: Final[Mapping[str, VersionRow]] = {row.sha256: row for row in versions}
        self.rows: Final = tuple(rows)
        self._stages: dict[str, Stage] = {}
        self._permissions: dict[str, Stage] = {}
        for row in rows:
            if row.step in {Step.REQUESTED, Step.RAN}:
                continue
            if row.permission_sha256:
                self._permissions[row.permission_sha256] = row.after
            else:
                self._stages[row.version_sha256] = row.after

    def after(self, versions: Sequence[VersionRow], rows: Sequence[StageRow]) -> "StageBook":
        """Return the book as it would stand with these rows as well."""
        return StageBook((*self.versions.values(), *versions), (*self.rows, *rows))

    def find(self, beginning: str) -> VersionRow:
        """Return the version whose hash begins so.

        Raises:
            UnknownVersionError: none does, or more than one.
        """
        found = [row for digest, row in self.versions.items() if digest.startswith(beginning)] if beginning else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise UnknownVersionError(f"There is no version {beginning!r}; see `tidegate config history`, or add it with config add FILE.")
        raise UnknownVersionError(f"{len(found)} versions begin with {beginning!r}; give more letters of the hash.")

    def stage(self, version_sha256: str) -> Stage:
        """Return what a version holds; shadow where nothing moved it."""
        return self._stages.get(version_sha256, Stage.SHADOW)

    def permission(self, permission_sha256: str) -> Stage:
        """Return what a permission holds by itself."""
        return self._permissions.get(permission_sha256, Stage.SHADOW)

    def is_moved(self, permission_sha256: str) -> bool:
        """Tell whether anything ever moved a permission by itself: it stands where that left it."""
        return permission_sha256 in self._permissions

    def in_force(self, stage: Stage) -> str:
        """Return the version that may run at a stage; empty: none ever came so far."""
        for row in reversed(self.rows):
            if row.step in _PUTS_IN_FORCE and not row.permission_sha256 and rung(row.after) >= rung(stage):
                return row.version_sha256
        return ""

    def last_touched(self) -> str:
        """Return the version that was last run or moved up; empty: none was."""
        return next((row.version_sha256 for row in reversed(self.rows) if row.step in _TOUCHES), "")

    def requested(self, version_sha256: str, stage: Stage) -> StageRow | None:
        """Return the request for a promotion that waits for a second person, if nothing has happened to the version since."""
        for row in reversed(self.rows):
            if row.version_sha256 != version_sha256 or row.step is Step.RAN:
                continue
            return row if row.step is Step.REQUESTED and row.after is stage else None
        return None

    def check_mode(self, version: ConfigVersion, mode: str) -> None:
        """Refuse a mode that moves real money to a version that may not run in it.

        The one that ran here last in this mode may start again whatever has happened to it: without entries, so that exits go on.

        Raises:
            NotPromotedError: it does not hold the stage, or another version took its place.
        """
        why = self.why_not(version, mode)
        if why and not self.ran_last(version.sha256, mode):
            raise NotPromotedError(why)

    def ran_last(self, version_sha256: str, mode: str) -> bool:
        """Tell whether the last trader here ran this version in this mode."""
        last = next((row for row in reversed(self.rows) if row.step is Step.RAN), None)
        return last is not None and last.version_sha256 == version_sha256 and last.reason.partition(",")[0] == f"mode {mode}"

    def why_not(self, version: ConfigVersion, mode: str) -> str:
        """Return why a version may not enter anything in a mode; empty: it may."""
        stage = STAGE_OF_MODE.get(mode)
        if stage is None:
            return ""
        holds, name = self.stage(version.sha256), short(version.sha256)
        if rung(holds) < rung(stage):
            return (
                f"Mode {mode} moves real money: it needs a configuration that holds stage {stage.value}, and version {name} holds "
                f"{holds.value}; promote it with `tidegate config promote {name}`, or start in paper, shadow or dry-run."
            )
        current = self.in_force(stage)
        if current == version.sha256:
            return ""
        return (
            f"Version {name} is not in force in mode {mode}: {short(current)} took its place; start that one, or go back with "
            f"`tidegate config rollback {name}`."
        )

    def permissions(self, version: ConfigVersion, mode: str) -> tuple[Permission, ...]:
        """Return for each strategy of a version whether it may trade in a mode. Modes that earn a stage ask for none."""
        needed, why_not = STAGE_OF_MODE.get(mode), self.why_not(version, mode)
        found = []
        for part in version.strategies:
            holds = lower(self.permission(part.permission_sha256), self.stage(version.sha256)) if needed else self.stage(version.sha256)
            name = f"permission {short(part.permission_sha256)}"
            if needed is None:
                reason, permitted = f"mode {mode} asks for no promotion ({name})", True
            elif why_not:
                reason, permitted = f"exits go on, nothing enters: {why_not}", False
            elif rung(holds) >= rung(needed):
                reason, permitted = f"{name} holds {holds.value}", True
            else:
                reason, permitted = f"{name} holds {holds.value}, and mode {mode} needs {needed.value}; exits go on", False
            found.append(Permission(part.strategy_id, part.permission_sha256, permitted, holds, reason))
        return tuple(found)


def version_of_row(row: VersionRow) -> ConfigVersion:
    """Return a version as the ledger holds it."""
    return ConfigVersion(
        sha256=row.sha256, config=row.config, limits=row.limits, tidegate=row.tidegate, strategies=_parts.decode(row.strategies)
    )


def needs_two(stage: Stage) -> bool:
    """Tell whether a promotion takes a second person."""
    return stage in REAL_MONEY
