"""What people do with versions of the configuration, carried out on a ledger under its lease: by the trader, or beside it when none runs.

Who asks is told by whoever checked the person. Today that is the user at the other end of the socket, or of the command line.
"""

from typing import Final, NamedTuple

from tidegate.config.stages import REAL_MONEY, SMALL_LIVE_MODE, STAGE_OF_MODE, Stage, Step, rung
from tidegate.config.versions import ConfigVersion, name_of, permissions_of, short
from tidegate.control.protocol import AddVersion, ListVersions, MoveVersion, ShowVersion, VersionVerb
from tidegate.control.version_replies import CriterionLine, StepLine, VersionLine, VersionReply, VersionsReply
from tidegate.service import promoting
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Lease, StageRow, VersionRow
from tidegate.service.promoting import Moved, PromotionRefusedError, Who
from tidegate.service.stage_book import NotPromotedError, Permission, StageBook, version_of_row
from tidegate.values.errors import TidegateError

VersionRequest = AddVersion | ListVersions | MoveVersion | ShowVersion
STEPS_SHOWN: Final = 500


class NoSuchStageError(TidegateError):
    """No stage has this name."""


class Begin(NamedTuple):
    """How a trader starts. rehearsed: at an emulator; has_log: the home has a golden log already."""

    mode: str
    rehearsed: bool = False
    has_log: bool = False

    @property
    def words(self) -> str:
        """Return it as the ledger keeps it."""
        return f"mode {self.mode}, rehearsed" if self.rehearsed else f"mode {self.mode}"

    @property
    def money(self) -> str:
        """Return which kind of money it moves: two kinds never share their books."""
        return ("rehearsed" if self.rehearsed else "real") if self.mode in STAGE_OF_MODE else "paper"


class Registered(NamedTuple):
    """A version that a trader may run: how far it holds, and which of its strategies may trade."""

    stage: Stage
    permissions: tuple[Permission, ...]

    def lines(self) -> tuple[str, ...]:
        """Return them for the session's first entry."""
        return tuple(f"{p.strategy_id}: {'may trade' if p.permitted else 'no entries'}: {p.reason}" for p in self.permissions)


def carry_out(ledger: Ledger, lease: Lease, request: VersionRequest, who: Who, *, running: str = "") -> VersionReply | VersionsReply:
    """Do what was asked, in one batch under the lease.

    running: the version that the trader runs; empty: none runs.

    Raises:
        TidegateError: it is refused; nothing was recorded.
    """
    account = lease.account
    book = book_of(ledger, account)
    match request:
        case ListVersions():
            return listing(book, running=running)
        case ShowVersion():
            row = book.find(request.version)
            return VersionReply(sha256=row.sha256, stage=book.stage(row.sha256).value, lines=(), version=version_of_row(row))
        case AddVersion():
            return _recorded(ledger, lease, request.version.sha256, _added(book, account, request, who))
        case MoveVersion():
            row = book.find(request.version)
            return _recorded(ledger, lease, row.sha256, _moved(book, row, request, who))


def _recorded(ledger: Ledger, lease: Lease, digest: str, moved: Moved) -> VersionReply:
    if moved.versions or moved.rows:
        ledger.write(Batch(account=lease.account, epoch=lease.epoch, versions=moved.versions, stages=moved.rows))
    return VersionReply(
        sha256=digest,
        stage=book_of(ledger, lease.account).stage(digest).value,
        lines=moved.lines,
        criteria=tuple(CriterionLine(**one._asdict()) for one in moved.criteria),
        refused=moved.is_refused,
    )


def register(ledger: Ledger, lease: Lease, version: ConfigVersion, begin: Begin, who: Who) -> Registered:
    """Record that a trader starts with a version in a mode; add the version first where it is not known.

    Raises:
        NotPromotedError: it may not run in this mode, or the home belongs to an account of the other kind of money.
    """
    account = lease.account
    book = book_of(ledger, account)
    check_kind_of_money(book, begin)
    moved = promoting.added(book, account, version, who)
    row = moved.versions[0] if moved.versions else book.versions[version.sha256]
    ledger.write(
        Batch(account=account, epoch=lease.epoch, versions=moved.versions, stages=() if version.sha256 in book.versions else moved.rows)
    )
    book = book_of(ledger, account)
    book.check_mode(version, begin.mode)
    stage = book.stage(version.sha256)
    ran = promoting.ran(row, stage, who._replace(reason=begin.words))
    ledger.write(Batch(account=account, epoch=lease.epoch, stages=(ran,)))
    return Registered(stage, book.permissions(version, begin.mode))


def demote(ledger: Ledger, lease: Lease, version_sha256: str, permission: Permission | None, who: Who) -> tuple[StageRow, ...]:
    """Take a version, or one strategy's permission in it, one stage down; return what was recorded."""
    book = book_of(ledger, lease.account)
    row = book.versions[version_sha256]
    rows = (
        promoting.demoted(book, row, who)
        if permission is None
        else promoting.demoted(book, row, who, strategy_id=permission.strategy_id, permission_sha256=permission.sha256)
    )
    if rows:
        ledger.write(Batch(account=lease.account, epoch=lease.epoch, stages=rows))
    return rows


def check_kind_of_money(book: StageBook, begin: Begin) -> None:
    """Refuse to trade real money on the books of a paper account or of a rehearsal, or the other way round.

    Raises:
        NotPromotedError: the last trader here had another kind, or nobody knows which.
    """
    ran = [row.reason for row in book.rows if row.step is Step.RAN]
    if not ran and begin.has_log and begin.money != "paper":
        raise NotPromotedError(
            f"This home has a log, and nobody recorded of which kind of money; use another --home for mode {begin.mode}."
        )
    if not ran:
        return
    mode, _, rehearsed = ran[-1].removeprefix("mode ").partition(", ")
    before = Begin(mode, rehearsed=bool(rehearsed))
    if before.money != begin.money:
        raise NotPromotedError(
            f"The books of this home are of {before.words}, and {begin.words} is another kind of money; use another --home for it."
        )


def book_of(ledger: Ledger, account: str) -> StageBook:
    """Return where an account's versions stand."""
    return StageBook(ledger.versions(account), ledger.stages(account))


def listing(book: StageBook, *, running: str = "") -> VersionsReply:
    """Return every version, the newest first, and the steps, the newest last."""
    forces = {book.in_force(stage): mode for mode, stage in STAGE_OF_MODE.items()}
    if book.in_force(Stage.SMALL_LIVE) == book.in_force(Stage.LIVE):
        forces[book.in_force(Stage.LIVE)] = f"{SMALL_LIVE_MODE}, live"
    lines = []
    for row in reversed([*book.versions.values()]):
        version = version_of_row(row)
        permissions = tuple(f"{part.strategy_id} {book.permission(part.permission_sha256).value}" for part in version.strategies)
        lines.append(
            VersionLine(
                sha256=row.sha256,
                parent=row.parent,
                stage=book.stage(row.sha256).value,
                permissions=permissions,
                in_force=forces.get(row.sha256, ""),
                running=row.sha256 == running,
                actor=row.actor,
                added_ns=row.added_ns,
                next_stage=_next(book, row),
            )
        )
    return VersionsReply(running=running, versions=tuple(lines), steps=tuple(_step(row) for row in book.rows[-STEPS_SHOWN:]))


def stage_named(text: str) -> Stage:
    """Return a stage by its name.

    Raises:
        NoSuchStageError: there is none.
    """
    try:
        return Stage(text.replace("-", "_"))
    except ValueError:
        raise NoSuchStageError(f"There is no stage {text!r}; use {', '.join(stage.value for stage in Stage if rung(stage))}.") from None


def _added(book: StageBook, account: str, request: AddVersion, who: Who) -> Moved:
    if name_of(request.version) != request.version.sha256:
        raise PromotionRefusedError("The version does not have the hash it names; add the file again with the client of this version.")
    if permissions_of(request.version) != tuple(part.permission_sha256 for part in request.version.strategies):
        raise PromotionRefusedError(
            "The version names permissions that its strategies do not have; add the file again with the client of this version."
        )
    return promoting.added(book, account, request.version, who, parent=request.parent)


def _moved(book: StageBook, row: VersionRow, request: MoveVersion, who: Who) -> Moved:
    if request.verb is VersionVerb.ROLLBACK:
        _check_money(book.stage(row.sha256), who)
        return promoting.rolled_back(book, row, who)
    to = stage_named(request.stage) if request.stage else promoting.next_stage(book, row)
    _check_money(to, who)
    if request.measured is None:
        raise PromotionRefusedError(f"A promotion needs figures; measure version {short(row.sha256)} from its logs.")
    return promoting.promoted(book, row, to, request.measured, who, approves=request.verb is VersionVerb.APPROVE)


def _check_money(stage: Stage, who: Who) -> None:
    """Refuse a stage of real money to whoever may not move it.

    Raises:
        PromotionRefusedError: he may not.
    """
    if who.to_paper_only and stage in REAL_MONEY:
        raise PromotionRefusedError(
            f"{stage.value} is real money and takes users, and this trader has none; make the first admin with "
            "`tidegate users first-admin NAME`, and have him add risk officers."
        )


def _next(book: StageBook, row: VersionRow) -> str:
    try:
        return promoting.next_stage(book, row).value
    except PromotionRefusedError:
        return ""


def _step(row: StageRow) -> StepLine:
    return StepLine(
        version_sha256=row.version_sha256,
        strategy_id=row.strategy_id,
        step=row.step.value,
        before=row.before.value,
        after=row.after.value,
        actor=row.actor,
        approver=row.approver,
        reason=row.reason,
        evidence=row.evidence,
        at_ns=row.at_ns,
    )
