"""`tidegate pause`, `resume`, `disable`, `enable`, `flatten`, `kill`: what a person asks of a running trader."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.exits import UsageProblemError
from tidegate.cli.home import (
    WAIT_S,
    Account,
    HomeFolder,
    RequestId,
    Strategy,
    Symbol,
    Venue,
    Wait,
    Why,
    client_of,
    home_of,
    new_id,
    scope_of,
)
from tidegate.cli.words import Json
from tidegate.values.enums import GateScope, RequestVerb
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.control.home import Home
    from tidegate.control.protocol import Ask
    from tidegate.control.replies import AskReply, ReportReply
    from tidegate.service.sentinel import KillFileError

Named = Annotated[str, typer.Argument(metavar="SYMBOL", help="A symbol that the trader trades.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether this is meant.")]
Because = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why it is opened again; needed.", show_default=False)]
_EVERYTHING = "everything"


def pause(
    *,
    strategy: Strategy = "",
    symbol: Symbol = "",
    venue: Venue = "",
    account: Account = "",
    reason: Why = "",
    request_id: RequestId = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Let no entry leave; working entries are canceled, exits go on.

    Without a scope it is everything.
    """
    _ask(home, _of(RequestVerb.PAUSE, scope_of(strategy, symbol, venue, account), reason, request_id), as_json=as_json)


def resume(
    *,
    reason: Because,
    strategy: Strategy = "",
    symbol: Symbol = "",
    venue: Venue = "",
    account: Account = "",
    request_id: RequestId = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Open again what was paused, flattened or killed.

    The trader goes through its checklist first (books and venue in step, streams up, log and ledger sound,
    no order of unknown outcome) and says what is wrong. Each scope is opened by its own name. With real
    money a second person asks for the same with the same reason within 15 minutes; until then nothing is
    opened, and the exit code is 1.
    """
    _ask(home, _of(RequestVerb.RESUME, scope_of(strategy, symbol, venue, account), reason, request_id), as_json=as_json)


def disable(symbol: Named, *, reason: Why = "", request_id: RequestId = "", home: HomeFolder = None, as_json: Json = False) -> None:
    """Let no entry leave in a symbol; exits go on."""
    _ask(home, _of(RequestVerb.DISABLE, (GateScope.SYMBOL, symbol), reason, request_id), as_json=as_json)


def enable(symbol: Named, *, reason: Why = "", request_id: RequestId = "", home: HomeFolder = None, as_json: Json = False) -> None:
    """Open a symbol again, after the same checklist as `tidegate resume`."""
    _ask(home, _of(RequestVerb.ENABLE, (GateScope.SYMBOL, symbol), reason, request_id), as_json=as_json)


def flatten(
    *,
    strategy: Strategy = "",
    symbol: Symbol = "",
    venue: Venue = "",
    account: Account = "",
    reason: Why = "",
    yes: Yes = False,
    request_id: RequestId = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Cancel what works and close what is held, in stages.

    In slices within the limits, at prices that give way from round to round; it goes on after a restart.
    Without a scope it is everything.
    """
    scope = scope_of(strategy, symbol, venue, account)
    if not yes and not sys.stdin.isatty():
        raise UsageProblemError("Nobody is here to be asked whether this is meant; add --yes to flatten.")
    _confirm("flatten", scope, yes=yes)
    _ask(home, _of(RequestVerb.FLATTEN, scope, reason, request_id), as_json=as_json)


def kill(
    *,
    strategy: Strategy = "",
    symbol: Symbol = "",
    venue: Venue = "",
    account: Account = "",
    reason: Why = "",
    yes: Yes = False,
    wait: Wait = WAIT_S,
    request_id: RequestId = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Stop at once: no order leaves, everything working is canceled.

    A kill file goes to the trader's home first, so that it works with the trader hung or its database down;
    then the trader is asked, and its report is waited for: exit code 1 where the trader, or the venue, has not
    confirmed everything. Positions stay; only a person resumes. Without a scope it is everything.
    """
    scope = scope_of(strategy, symbol, venue, account)
    _confirm("kill", scope, yes=yes or not sys.stdin.isatty())
    place, ask = home_of(home), _of(RequestVerb.KILL, scope, reason, request_id)
    unwritten = _write(place, ask)
    reply, why = _try(place, ask)
    if unwritten is not None and reply is None:
        raise unwritten
    if unwritten is not None:
        printing.note(str(unwritten))
    if not as_json:
        printing.lines(_killed(place.kill, ask, reply, why))
    report = _followed(place, ask, wait) if reply is not None else None
    if as_json:
        file = None if unwritten else str(place.kill)
        printing.document(
            {"kill_file": file, "confirmed": reply is not None, "why": why, "answer": _plain(reply), "report": _plain(report)}
        )
    elif report is not None:
        _show(report)
    if reply is None or (wait and (report is None or not report.done or report.late)):
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _show(report: "ReportReply") -> None:
    from tidegate.cli.reporting import report_lines

    printing.lines([f"report of request {report.request_id}", *report_lines(report)])


def _followed(home: "Home", ask: "Ask", wait_s: float) -> "ReportReply | None":
    """Wait for the report of a request, and tell how far it is."""
    from tidegate.cli.reporting import await_report

    if not wait_s:
        return None
    report = await_report(home, ask.request_id, wait_s, printing.note)
    if report is None:
        printing.note(f"There is no report yet; ask for it with `tidegate status --request {ask.request_id}`.")
    return report


def _of(verb: RequestVerb, scope: tuple[GateScope, str], reason: str, request_id: str) -> "Ask":
    from tidegate.control.protocol import NAME_MAX, REASON_MAX, Ask

    if len(reason) > REASON_MAX or max(len(request_id), len(scope[1])) > NAME_MAX:
        raise UsageProblemError(f"Write names of at most {NAME_MAX} letters, and a reason of at most {REASON_MAX:,}.")
    told = reason.encode(errors="replace").decode()  # bytes that are no text must not keep a kill from going out
    return Ask(request_id=new_id(request_id), verb=verb, scope=scope[0], key=scope[1], reason=told)


def _ask(home: Path | None, ask: "Ask", *, as_json: bool) -> None:
    from tidegate.control.replies import AskReply

    place = home_of(home)
    reply = client_of(place).ask(_proved(place, ask), AskReply)
    if as_json:
        printing.document(_plain(reply) or {})
    else:
        word = "waits for a second person" if reply.awaits_second else "taken"
        printing.lines([_headline(ask, word), *(f"  {sentence}" for sentence in reply.follows)])
        if ask.verb is RequestVerb.FLATTEN and not reply.awaits_second:
            printing.lines([f"  `tidegate status --request {ask.request_id}` tells what it has found and done."])
    if reply.awaits_second:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _proved(home: "Home", ask: "Ask") -> "Ask":
    """Return a request with the proof of the last login, where there is one. A kill goes out whatever is wrong with the proof."""
    from msgspec.structs import replace

    from tidegate.cli.proofs import ProofUnusableError, proof_of

    try:
        return replace(ask, proof=proof_of(home))
    except ProofUnusableError as error:
        if ask.verb is not RequestVerb.KILL:
            raise
        printing.note(str(error))
        return ask


def _try(home: "Home", ask: "Ask") -> tuple["AskReply | None", str]:
    """Return the trader's answer, or None and why there is none.

    Raises:
        TraderRefusedError: it names nothing there, and the trader has taken the kill file's entry back.
    """
    from tidegate.control.errors import BadFrameError, NoTraderError, SocketDeniedError, TraderRefusedError, TraderSilentError
    from tidegate.control.replies import AskReply
    from tidegate.service.sentinel import read_kills

    try:
        return client_of(home).ask(_proved(home, ask), AskReply), ""
    except TraderRefusedError as error:
        if not any(kill.request_id == ask.request_id for kill in read_kills(home)):
            raise
        return None, str(error)
    except (NoTraderError, TraderSilentError, BadFrameError, SocketDeniedError) as error:
        return None, str(error)


def _write(home: "Home", ask: "Ask") -> "KillFileError | None":
    """Put the kill file down; return why that failed: a full disk must not keep the trader from being asked."""
    from tidegate.clock.clock import WallClock
    from tidegate.control.peers import user_name
    from tidegate.service.sentinel import Kill, KillFileError, write_kill

    actor, now_ns = user_name(os.geteuid()), WallClock().now_ns()
    kill = Kill(request_id=ask.request_id, scope=ask.scope, key=ask.key, actor=actor, reason=ask.reason, at_ns=now_ns)
    try:
        write_kill(home, kill)
    except KillFileError as error:
        return error
    return None


def _killed(file: Path, ask: "Ask", reply: "AskReply | None", why: str) -> list[str]:
    if reply is not None:
        return [_headline(ask, "confirmed by the trader"), *(f"  {sentence}" for sentence in reply.follows)]
    return [
        _headline(ask, "NOT confirmed"),
        f"  {why}",
        f"  The kill file {file} is in place: a trader obeys it as soon as it turns or starts, and so does the watchdog.",
        "  Orders may work until then; look at the venue, and cancel there what must not wait.",
    ]


def _headline(ask: "Ask", word: str) -> str:
    return f"{ask.verb.value} {_name((ask.scope, ask.key))}: {word}"


def _name(scope: tuple[GateScope, str]) -> str:
    return _EVERYTHING if scope[0] is GateScope.GLOBAL else scope[1]


def _confirm(word: str, scope: tuple[GateScope, str], *, yes: bool) -> None:
    """Have a person type what is meant.

    Raises:
        typer.Exit: he typed something else.
    """
    if yes:
        return
    name = _name(scope)
    typed = typer.prompt(f"Type {name} to {word} it", default="", show_default=False, err=True)
    if typed.strip() != name:
        printing.note(f"That is not {name}; nothing was done.")
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _plain(reply: "AskReply | ReportReply | None") -> dict[str, object] | None:
    import msgspec

    if reply is None:
        return None
    found: dict[str, object] = msgspec.to_builtins(reply)
    del found["reply"]
    return found
