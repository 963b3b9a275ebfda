"""What may happen to a version: added, promoted, rolled back, demoted. Each verb gives the rows to record, or says why not.

Nothing here promotes by itself: only a verb of a person moves anything up, except that a version which lets nothing happen that its
parent does not inherits what the parent holds.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from tidegate.config.differences import Change, Compared, Effect, compare, effect_of, of_all, of_strategy
from tidegate.config.promotion import Criterion, Measured, criteria_of, judged, unmet
from tidegate.config.stages import EVIDENCE_MODES, LADDER, REAL_MONEY, Stage, Step, below, lower, rung
from tidegate.config.versions import ConfigVersion, read_version, short
from tidegate.service.ledger.rows import StageRow, VersionRow
from tidegate.service.stage_book import StageBook, needs_two, version_of_row
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import DAY_NS

REQUEST_NS_MAX: Final = DAY_NS  # a request that nobody approved by then is asked again


class PromotionRefusedError(TidegateError):
    """A promotion or a rollback is not allowed. Nothing moved."""

    exit_code = ExitCode.REFUSED


class Who(NamedTuple):
    """Whose word it is, when, and why. The name comes from whoever checked the person: the socket's peer, or a login.

    to_paper_only: he is the owner of a trader without users, so that nothing of real money is his to move.
    """

    person: str
    now_ns: int
    reason: str
    to_paper_only: bool = False


class Moved(NamedTuple):
    """What to record, and what to tell the person. criteria: as they were judged, where they were."""

    versions: tuple[VersionRow, ...] = ()
    rows: tuple[StageRow, ...] = ()
    lines: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    is_refused: bool = False


def changes_between(before: ConfigVersion, after: ConfigVersion) -> tuple[Change, ...]:
    """Return what two versions differ in.

    Raises:
        ConfigError: one of them cannot be read by this version of tidegate.
    """
    return compare(_compared(before), _compared(after))


def added(book: StageBook, account: str, version: ConfigVersion, who: Who, *, parent: str = "") -> Moved:
    """Return the rows of a version that becomes known. One that is known already gives none.

    parent: what it is compared with; empty: the version in force with real money, else the one that was last run or moved up.

    Raises:
        UnknownVersionError: there is no such parent.
    """
    if version.sha256 in book.versions:
        return Moved(lines=(f"Version {short(version.sha256)} is known; it holds {book.stage(version.sha256).value}.",))
    origin = book.find(parent) if parent else book.versions.get(book.in_force(Stage.SMALL_LIVE) or book.last_touched())
    row = VersionRow(
        account=account,
        sha256=version.sha256,
        parent="" if origin is None else origin.sha256,
        config=version.config,
        limits=version.limits,
        strategies=msgspec.msgpack.encode(version.strategies),
        tidegate=version.tidegate,
        actor=who.person,
        added_ns=who.now_ns,
    )
    first = _row(row, Step.ADDED, Stage.SHADOW, Stage.SHADOW, who)
    if origin is None:
        return Moved((row,), (first,), (f"Version {short(row.sha256)} is added at shadow; there is none to compare it with.",))
    inherited, line = _inherited(book, row, version_of_row(origin), version, who)
    return Moved((row,), (first, *inherited), (f"Version {short(row.sha256)} is added, child of {short(origin.sha256)}: {line}",))


def ran(version: VersionRow, stage: Stage, who: Who) -> StageRow:
    """Return the row that says that a trader started with a version."""
    return _row(version, Step.RAN, stage, stage, who)


def promoted(book: StageBook, version: VersionRow, to: Stage, measured: Measured, who: Who, *, approves: bool) -> Moved:
    """Return the rows of a promotion by one rung, or of the request for one that a second person has to approve.

    approves: this is that second person's word; everything is judged as new. Where a criterion is not met nothing is recorded, and
    `is_refused` says so.

    Raises:
        PromotionRefusedError: a rung would be skipped, or the second person is missing, late or the same.
        ConfigError: the version asks for nothing, so it cannot be promoted.
    """
    whole = version_of_row(version)
    strategies = _to_move(book, whole, to)
    criteria = _criteria(version, to, measured, strategies)
    if missed := unmet(criteria):
        return Moved(lines=(_why_not(version, to, missed),), criteria=criteria, is_refused=True)
    evidence = msgspec.json.encode({"measured": measured, "criteria": [one._asdict() for one in criteria]}).decode()
    holds = book.stage(version.sha256)
    if not needs_two(to):
        if approves:
            raise PromotionRefusedError(f"{to.value} takes one person, who asks for it himself; there is nothing to approve.")
        return Moved(rows=_climb(book, whole, version, to, strategies, who, evidence=evidence), criteria=criteria, lines=_told(version, to))
    if not approves:
        row = _row(version, Step.REQUESTED, holds, to, who, evidence=evidence)
        line = f"Asked for; a second person approves it with `tidegate config promote {short(version.sha256)} --approve` within a day."
        return Moved(rows=(row,), criteria=criteria, lines=(line,))
    asked = _asked(book, version, to, who)
    by = who._replace(person=asked.actor, reason=asked.reason)
    rows = _climb(book, whole, version, to, strategies, by, approver=who.person, evidence=evidence)
    return Moved(rows=rows, criteria=criteria, lines=_told(version, to))


def next_stage(book: StageBook, version: VersionRow) -> Stage:
    """Return the stage that a version's hindmost part would be promoted to.

    Raises:
        PromotionRefusedError: all of it holds live.
    """
    whole = version_of_row(version)
    stages = [book.stage(version.sha256), *(book.permission(part.permission_sha256) for part in whole.strategies)]
    lowest = min(stages, key=rung)
    if lowest is LADDER[-1]:
        raise PromotionRefusedError(f"Version {short(version.sha256)} holds {lowest.value} already; there is nothing above it.")
    return LADDER[rung(lowest) + 1]


def rolled_back(book: StageBook, version: VersionRow, who: Who) -> Moved:
    """Return the row that puts an old version in force again at the stage it holds; it held it once, and no rule took it away.

    Raises:
        PromotionRefusedError: it never came to a stage of real money, or lost it, or is in force.
    """
    holds = book.stage(version.sha256)
    if holds not in REAL_MONEY:
        raise PromotionRefusedError(
            f"Version {short(version.sha256)} holds {holds.value}: it never came further, or was demoted; promote it, or name another one."
        )
    if book.in_force(holds) == version.sha256:
        raise PromotionRefusedError(f"Version {short(version.sha256)} is in force at {holds.value} already.")
    row = _row(version, Step.ROLLED_BACK, holds, holds, who)
    return Moved(rows=(row,), lines=(f"Version {short(version.sha256)} is in force again at {holds.value}.",))


def demoted(book: StageBook, version: VersionRow, who: Who, *, strategy_id: str = "", permission_sha256: str = "") -> tuple[StageRow, ...]:
    """Return the row that moves a version, or one strategy's permission, one stage down; none where it stands lowest."""
    holds = book.permission(permission_sha256) if permission_sha256 else book.stage(version.sha256)
    if below(holds) is holds:
        return ()
    return (_row(version, Step.DEMOTED, holds, below(holds), who, strategy_id=strategy_id, permission_sha256=permission_sha256),)


def _inherited(
    book: StageBook, row: VersionRow, parent: ConfigVersion, version: ConfigVersion, who: Who
) -> tuple[tuple[StageRow, ...], str]:
    """Return the rows of what a version inherits, and how that is told."""
    try:
        changes = changes_between(parent, version)
    except TidegateError as error:
        return (), f"it begins at shadow, since the parent cannot be read any more ({str(error).rstrip('.')})."
    loose = [change.key for change in of_all(changes) if change.effect is Effect.LOOSER]
    if loose:
        return (), f"it loosens {', '.join(loose[:3])}{' and more' if loose[3:] else ''}, so it begins at shadow."
    holds = _hands_down(book, parent.sha256)
    if holds is Stage.SHADOW:
        return (), "its parent hands shadow down, and so it begins there."
    rows = [_row(row, Step.INHERITED, Stage.SHADOW, holds, who)]
    void = []
    for part in version.strategies:
        own = parent.permissions.get(part.strategy_id)
        loosens = own is None or effect_of(of_strategy(changes, part.strategy_id)) is Effect.LOOSER
        if own is None or loosens or _was_left_lower(book, own, part.permission_sha256, holds):
            void.append(part.strategy_id)
        elif own != part.permission_sha256:
            stage = lower(book.permission(own), holds)
            rows.append(
                _row(
                    row,
                    Step.INHERITED,
                    book.permission(part.permission_sha256),
                    stage,
                    who,
                    strategy_id=part.strategy_id,
                    permission_sha256=part.permission_sha256,
                )
            )
    changed = f"; {', '.join(void)} changed and must be promoted anew, exits go on" if void else ""
    return tuple(rows), f"it lets nothing more happen, so it holds {holds.value} at once{changed}."


def _was_left_lower(book: StageBook, own: str, permission_sha256: str, holds: Stage) -> bool:
    """Tell whether another permission than the parent's stands lower by its own history: only a promotion gives back what a rule took."""
    is_moved = own != permission_sha256 and book.is_moved(permission_sha256)
    return is_moved and rung(book.permission(permission_sha256)) < rung(lower(book.permission(own), holds))


def _hands_down(book: StageBook, parent_sha256: str) -> Stage:
    """Return the stage that children inherit: of real money, only from the version that is in force there."""
    holds = book.stage(parent_sha256)
    while holds in REAL_MONEY and book.in_force(holds) != parent_sha256:
        holds = below(holds)
    return holds


def _to_move(book: StageBook, version: ConfigVersion, to: Stage) -> tuple[str, ...]:
    """Return the strategies whose figures count: those below the stage; all where only the version itself is.

    Raises:
        PromotionRefusedError: something would skip a rung, or nothing is left to move.
    """
    stages = {part.strategy_id: book.permission(part.permission_sha256) for part in version.strategies}
    named = {"the version": book.stage(version.sha256)} | stages
    moving = {name: stage for name, stage in named.items() if rung(stage) < rung(to)}
    if not moving:
        raise PromotionRefusedError(f"Version {short(version.sha256)} holds {to.value} already, and so do its strategies.")
    for name, stage in moving.items():
        if rung(stage) < rung(to) - 1:
            raise PromotionRefusedError(
                f"No rung is skipped: {name} of {short(version.sha256)} holds {stage.value}; promote to {LADDER[rung(stage) + 1].value} "
                "first."
            )
    return tuple(name for name in stages if name in moving) or tuple(stages)


def _criteria(version: VersionRow, to: Stage, measured: Measured, strategies: Sequence[str]) -> tuple[Criterion, ...]:
    if measured.version_sha256 != version.sha256:
        raise PromotionRefusedError(f"The figures are of version {short(measured.version_sha256)}; measure {short(version.sha256)}.")
    if strange := sorted(set(measured.modes) - EVIDENCE_MODES[to]):
        wanted = ", ".join(sorted(EVIDENCE_MODES[to]))
        raise PromotionRefusedError(f"Sessions in mode {strange[0]} do not count for {to.value}; measure those in {wanted}.")
    return judged(criteria_of(_compared(version_of_row(version)).config, to), measured, strategies)


def _asked(book: StageBook, version: VersionRow, to: Stage, who: Who) -> StageRow:
    asked = book.requested(version.sha256, to)
    name = short(version.sha256)
    if asked is None:
        raise PromotionRefusedError(f"Nobody asked for {name} to be promoted to {to.value}; a first person does, without --approve.")
    if asked.actor == who.person:
        raise PromotionRefusedError(f"{to.value} takes two persons, and {who.person} asked for it; somebody else must approve.")
    if who.now_ns - asked.at_ns > REQUEST_NS_MAX:
        raise PromotionRefusedError(f"The request for {name} is older than a day; ask again, then have it approved.")
    return asked


def _climb(  # noqa: PLR0913 - what a promotion is made of
    book: StageBook,
    whole: ConfigVersion,
    version: VersionRow,
    to: Stage,
    strategies: Sequence[str],
    who: Who,
    *,
    approver: str = "",
    evidence: str,
) -> tuple[StageRow, ...]:
    holds = book.stage(version.sha256)
    moves = [
        ("", "", holds),
        *((part.strategy_id, part.permission_sha256, book.permission(part.permission_sha256)) for part in whole.strategies),
    ]
    rows = [
        _row(version, Step.PROMOTED, before, to, who, strategy_id=strategy_id, permission_sha256=permission)
        for strategy_id, permission, before in moves
        if rung(before) < rung(to) and (not strategy_id or strategy_id in strategies)
    ]
    rows = [msgspec.structs.replace(row, approver=approver, evidence=evidence) for row in rows]
    return tuple(rows)


def _why_not(version: VersionRow, to: Stage, missed: Sequence[Criterion]) -> str:
    first = missed[0]
    about = f" ({first.strategy_id})" if first.strategy_id else ""
    more = f", and {len(missed) - 1} more criteria are not met" if missed[1:] else ""
    return (
        f"Version {short(version.sha256)} is not promoted to {to.value}: {first.name}{about} is {first.measured} and must be "
        f"{first.required}{more}."
    )


def _told(version: VersionRow, to: Stage) -> tuple[str, ...]:
    return (f"Version {short(version.sha256)} is promoted to {to.value}.",)


def _compared(version: ConfigVersion) -> Compared:
    loaded = read_version(version)
    return Compared(loaded.config, loaded.limits, version.tidegate, version.strategies)


def _row(  # noqa: PLR0913 - the fields of a row
    version: VersionRow,
    step: Step,
    before: Stage,
    after: Stage,
    who: Who,
    *,
    strategy_id: str = "",
    permission_sha256: str = "",
    approver: str = "",
    evidence: str = "",
) -> StageRow:
    return StageRow(
        account=version.account,
        version_sha256=version.sha256,
        strategy_id=strategy_id,
        permission_sha256=permission_sha256,
        step=step,
        before=before,
        after=after,
        actor=who.person,
        approver=approver,
        reason=who.reason,
        evidence=evidence,
        at_ns=who.now_ns,
    )
