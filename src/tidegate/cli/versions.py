"""`tidegate config validate|add|diff|promote|rollback|history`: versions of the configuration and how far each has come.

Through the socket of a running trader; where none runs, straight on the ledger, with the home locked.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tidegate.cli import printing
from tidegate.cli.asking_secrets import FromStdin, ask_secret
from tidegate.cli.exits import UsageProblemError
from tidegate.cli.home import HomeFolder, Why, client_of, home_of
from tidegate.cli.words import Json
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate.config.differences import Change
    from tidegate.config.versions import ConfigVersion
    from tidegate.control.protocol import Login
    from tidegate.control.version_replies import CriterionLine, StepLine, VersionLine, VersionReply, VersionsReply
    from tidegate.service.version_verbs import VersionRequest

File = Annotated[str, typer.Argument(metavar="FILE|NAME", help="A YAML file or a shipped name.", show_default=False)]
Hash = Annotated[str, typer.Argument(metavar="VERSION", help="The beginning of a version's hash.", show_default=False)]
Ledger = Annotated[str, typer.Option(metavar="URL", help="The ledger's address, where it is no file in the home.", show_default=False)]
Account = Annotated[str, typer.Option(metavar="NAME", help="Whose versions, where the ledger has several accounts.", show_default=False)]
User = Annotated[
    str,
    typer.Option(metavar="NAME", help="Who you are, where no trader runs and its ledger has users: log in for this.", show_default=False),
]
_R = TypeVar("_R", "VersionReply", "VersionsReply")
_HASH_LETTERS = frozenset("0123456789abcdef")
_FILE_ENDINGS = (".yaml", ".yml")


def validate(name: File, *, as_json: Json = False) -> None:
    """Check a configuration, its limits and its strategies, and name the version it is.

    Nothing is recorded. Everything that a trader would refuse is refused here: unknown keys, missing
    limits, strategies that break a rule.
    """
    version = _version_of(name)
    if as_json:
        printing.document(_named(version))
        return
    from tidegate.config.versions import short

    printing.lines([f"{name} is sound: version {short(version.sha256)}, read by tidegate {version.tidegate}."])
    rows = [(p.strategy_id, short(p.sha256), short(p.permission_sha256), ", ".join(p.imports)) for p in version.strategies]
    printing.grid(("strategy", "file", "permission", "imports"), rows)


def add(
    name: File,
    *,
    parent: Annotated[
        str, typer.Option(metavar="VERSION", help="What it is compared with; unset: the one in force, else last run.", show_default=False)
    ] = "",
    ledger: Ledger = "",
    user: User = "",
    password_stdin: FromStdin = False,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Make a configuration known as a version.

    It begins at shadow. One that allows nothing that its parent forbids takes over the parent's stage at
    once. `tidegate up` adds what it starts with by itself. `config stage` is the same verb.
    """
    from tidegate.config.reading import read_config
    from tidegate.control.protocol import AddVersion
    from tidegate.control.version_replies import VersionReply

    request = AddVersion(version=_version_of(name), parent=parent)
    account = read_config(name).config.account.name
    login = _login(user, from_stdin=password_stdin)
    reply = _ask(home, request, VersionReply, ledger=ledger, account=account, login=login)
    _show(reply, as_json=as_json)


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A version's hash, a file or a shipped name.", show_default=False)],
    after: Annotated[str, typer.Argument(metavar="B", help="Likewise.", show_default=False)],
    *,
    ledger: Ledger = "",
    account: Account = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Tell what two versions differ in, key by key, and whether each change tightens or loosens.

    A change whose direction is not known counts as loosening.
    """
    from tidegate.config.differences import effect_of
    from tidegate.service.promoting import changes_between

    changes = changes_between(*(_either(one, home, ledger, account) for one in (before, after)))
    effect = effect_of(changes).value
    if as_json:
        printing.document({"effect": effect, "changes": [change._asdict() for change in changes]})
        return
    if not changes:
        printing.lines(["No key differs."])
        return
    _show_changes(changes)
    printing.lines([f"Together: {effect}."])


def promote(
    version: Hash,
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="STAGE", help="paper, small_live or live; unset: the next one.", show_default=False)
    ] = "",
    approve: Annotated[bool, typer.Option("--approve", help="You are the second person, and agree.")] = False,
    log: Annotated[
        list[Path] | None,
        typer.Option("--log", metavar="DIR", help="A golden log to measure, may be repeated; unset: the home's.", show_default=False),
    ] = None,
    reason: Why = "",
    ledger: Ledger = "",
    account: Account = "",
    user: User = "",
    password_stdin: FromStdin = False,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Move a version one stage up, if its golden logs show what it asks for.

    Each criterion is printed with what is required and what was measured. small_live and live take two
    persons: one asks, another one approves with --approve.
    """
    from tidegate.config.stages import EVIDENCE_MODES
    from tidegate.control.protocol import ListVersions, MoveVersion, VersionVerb
    from tidegate.control.version_replies import VersionReply, VersionsReply
    from tidegate.replay.promotion import measure
    from tidegate.service.version_verbs import stage_named

    line = _line_of(_ask(home, ListVersions(), VersionsReply, ledger=ledger, account=account), version)
    stage = stage_named(to or line.next_stage or "live")
    logs = log or [home_of(home).log]
    request = MoveVersion(
        version=line.sha256,
        verb=VersionVerb.APPROVE if approve else VersionVerb.PROMOTE,
        stage=stage.value,
        reason=reason,
        measured=measure(logs, line.sha256, EVIDENCE_MODES.get(stage, frozenset())),
    )
    login = _login(user, from_stdin=password_stdin)  # after the measuring: a code is good for half a minute
    _show(_ask(home, request, VersionReply, ledger=ledger, account=account, login=login), as_json=as_json)


def rollback(
    version: Hash,
    *,
    reason: Why = "",
    ledger: Ledger = "",
    account: Account = "",
    user: User = "",
    password_stdin: FromStdin = False,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Put an old version in force again, at the stage it holds.

    It needs no figures: it held the stage once, and no rule took it away. The trader runs it from its
    next start.
    """
    from tidegate.control.protocol import MoveVersion, VersionVerb
    from tidegate.control.version_replies import VersionReply

    request = MoveVersion(version=version, verb=VersionVerb.ROLLBACK, reason=reason)
    login = _login(user, from_stdin=password_stdin)
    _show(_ask(home, request, VersionReply, ledger=ledger, account=account, login=login), as_json=as_json)


def history(
    *,
    ledger: Ledger = "",
    account: Account = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """List the versions, where each stands, and every step with who took it and why."""
    from tidegate.control.protocol import ListVersions
    from tidegate.control.version_replies import VersionsReply

    reply = _ask(home, ListVersions(), VersionsReply, ledger=ledger, account=account)
    if as_json:
        _document(reply)
        return
    _show_versions(reply.versions)
    printing.lines([""])
    _show_steps(reply.steps)


def known_version(text: str) -> bool:
    """Tell whether a word can only be the beginning of a version's hash."""
    return len(text) >= len("1234567") and _HASH_LETTERS.issuperset(text)


def bytes_of(text: str, home: Path | None) -> str:
    """Return a version's text, as it was added."""
    return _either(text, home, "", "").source.decode()


def _login(user: str, *, from_stdin: bool) -> "Login | None":
    """Return a login of a user who named himself, his password and code asked for."""
    from tidegate.control.protocol import Login

    if not user:
        return None
    return Login(name=user, password=ask_secret("password", from_stdin=from_stdin), code=ask_secret("code", from_stdin=from_stdin))


def _ask(home: Path | None, request: "VersionRequest", kind: type[_R], *, ledger: str, account: str, login: "Login | None" = None) -> _R:
    """Ask the running trader, with the proof of the last login; where none runs, or one logs in for this, the ledger itself."""
    import os

    from msgspec.structs import replace

    from tidegate.cli.proofs import proof_of
    from tidegate.clock.clock import WallClock
    from tidegate.control.errors import BadFrameError, NoTraderError
    from tidegate.control.peers import user_name
    from tidegate.control.protocol import AddVersion, MoveVersion
    from tidegate.service.beside import ask_ledger

    place = home_of(home)
    if isinstance(request, AddVersion | MoveVersion):
        request = replace(request, proof=proof_of(place))
    with suppress(NoTraderError):
        if login is None:
            return client_of(place).ask(request, kind)
    reply = ask_ledger(place, ledger, account, request, user_name(os.getuid()), WallClock(), login=login)
    if not isinstance(reply, kind):
        raise BadFrameError("The ledger answered something else than was asked; report it.")
    return reply


def _version_of(name: str) -> "ConfigVersion":
    from tidegate.config.reading import read_config
    from tidegate.service.setup import version_in

    return version_in(read_config(name))


def _either(text: str, home: Path | None, ledger: str, account: str) -> "ConfigVersion":
    """Return a version by hash, or the one that a file is."""
    from tidegate.control.protocol import ShowVersion
    from tidegate.control.version_replies import VersionReply

    if text.endswith(_FILE_ENDINGS) or not known_version(text):
        return _version_of(text)
    found = _ask(home, ShowVersion(version=text), VersionReply, ledger=ledger, account=account).version
    if found is None:
        raise UsageProblemError(f"Version {text} was not shown; use the client of the trader's own version.")
    return found


def _line_of(reply: "VersionsReply", beginning: str) -> "VersionLine":
    found = [line for line in reply.versions if line.sha256.startswith(beginning)]
    if len(found) != 1:
        how = "No version begins" if not found else f"{len(found)} versions begin"
        raise UsageProblemError(f"{how} with {beginning!r}; see `tidegate config history`.")
    return found[0]


def _show(reply: "VersionReply", *, as_json: bool) -> None:
    from tidegate.service.promoting import PromotionRefusedError

    if as_json:
        _document(reply)
        if reply.refused:
            raise typer.Exit(ExitCode.REFUSED)
        return
    if reply.criteria:
        _show_criteria(reply.criteria)
    if reply.refused:
        raise PromotionRefusedError(reply.lines[0])
    printing.lines(reply.lines)


def _show_criteria(criteria: "Iterable[CriterionLine]") -> None:
    rows = [("ok" if one.met else "no", one.name, one.required, one.measured, one.strategy_id or "the account") for one in criteria]
    printing.grid(("", "criterion", "required", "measured", "of"), rows)


def _show_changes(changes: "Iterable[Change]") -> None:
    printing.grid(("key", "before", "after", "effect"), ((c.key, c.before, c.after, c.effect.value) for c in changes))


def _show_versions(versions: "Iterable[VersionLine]") -> None:
    from tidegate.analytics.wording import moment_text
    from tidegate.config.versions import short

    rows = [
        (
            short(one.sha256) + ("*" if one.running else ""),
            one.stage,
            one.in_force or "-",
            ", ".join(one.permissions) or "-",
            short(one.parent) or "-",
            one.actor,
            moment_text(one.added_ns),
        )
        for one in versions
    ]
    printing.grid(("version", "stage", "in force", "permissions", "parent", "added by", "added"), rows)


def _show_steps(steps: "Iterable[StepLine]") -> None:
    from tidegate.analytics.wording import moment_text
    from tidegate.config.versions import short

    rows = [
        (
            moment_text(one.at_ns),
            short(one.version_sha256),
            one.strategy_id or "-",
            one.step,
            one.after if one.before == one.after else f"{one.before} to {one.after}",
            one.actor + (f", {one.approver}" if one.approver else ""),
            one.reason,
        )
        for one in steps
    ]
    printing.grid(("when", "version", "strategy", "step", "stage", "by", "why"), rows)


def _named(version: "ConfigVersion") -> dict[str, object]:
    import msgspec

    return {
        "sha256": version.sha256,
        "tidegate": version.tidegate,
        "strategies": [msgspec.structs.asdict(part) for part in version.strategies],
    }


def _document(reply: "VersionReply | VersionsReply") -> None:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(reply)
    found.pop("reply", None)
    printing.document(found)
