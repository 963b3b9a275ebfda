"""`tidegate approvals list`, `show`, `approve`, `reject`, `history`, `wait`: orders that wait for a person."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.approval_lines import approval_lines, approval_rows, left
from tidegate.cli.exits import UsageProblemError
from tidegate.cli.home import HomeFolder, RequestId, Why, client_of, home_of, new_id
from tidegate.cli.words import Json, finite
from tidegate.values.enums import ApprovalState
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.control.approval_replies import AnswerReply, ApprovalLine, ApprovalsReply

Named = Annotated[
    str,
    typer.Argument(metavar="ID", help="A request's id, or a beginning that only it has.", show_default=False),
]
Because = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why it is rejected; needed.", show_default=False)]
_DECIDED: Final = frozenset({ApprovalState.USED, ApprovalState.REFUSED, ApprovalState.EXPIRED, ApprovalState.LAPSED})
_ALL: Final = 1_024
_LOOK_S: Final = 0.25  # between two looks at a request
_FOLLOW_S: Final = 2.0  # how long an approval is followed until its order is out
_GONE_S: Final = 60.0  # a trader that starts again is waited for so long


def list_(*, home: HomeFolder = None, as_json: Json = False) -> None:
    """List the orders that wait for a person, the oldest first.

    Size and worth are those of the whole order, before it is cut into slices.
    """
    reply = _ask(home)
    if as_json:
        printing.document({"now_ns": reply.now_ns, "waiting": [_plain(line) for line in reply.waiting]})
    elif reply.waiting:
        printing.grid(*approval_rows(reply.waiting, reply.now_ns))
    else:
        printing.lines(["No order waits for a person."])


def history(
    *,
    home: HomeFolder = None,
    count: Annotated[int, typer.Option(min=1, max=_ALL, metavar="N", help="How many of the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """List the requests that are decided, the newest first.

    Who approved or rejected each, and what came of it. The golden log has them all: `tidegate explain ID`.
    """
    reply = _ask(home)
    closed = reply.closed[:count]
    if as_json:
        printing.document({"now_ns": reply.now_ns, "closed": [_plain(line) for line in closed]})
    elif closed:
        printing.grid(*approval_rows(closed, reply.now_ns))
    else:
        printing.lines(["No request was decided lately."])


def show(identifier: Named, *, home: HomeFolder = None, as_json: Json = False) -> None:
    """Show one request: exactly the order, why it was asked, what it would do, who has answered.

    Position and exposure are shown before and after, and whether the gate would let the order out now.
    """
    reply = _ask(home)
    line = _find(reply, identifier)
    if as_json:
        printing.document(_plain(line))
    else:
        printing.lines(approval_lines(line, reply.now_ns))


def approve(
    identifier: Named,
    *,
    reason: Why = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether this is meant.")] = False,
    request_id: RequestId = "",
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Approve exactly the order that is shown.

    It is judged as new with the quotes, limits and gates of that moment: exit code 1 where the gate does not
    let it out any more.
    """
    reply = _ask(home)
    line = _find(reply, identifier)
    if not yes and not sys.stdin.isatty():
        raise UsageProblemError("Nobody is here to be asked whether this is meant; add --yes to approve.")
    if not yes:
        _confirm(line, reply.now_ns)
    told = _answer(home, line, granted=True, reason=reason, request_id=request_id)
    after = _followed(home, line)
    if as_json:
        printing.document({"answer": _answered(told), "approval": _plain(after)})
    else:
        printing.lines([f"approve {line.approval_id}: {after.state.value.replace('_', ' ')}", f"  {told.follows}"])
        if after.outcome and after.outcome != told.follows:
            printing.lines([f"  {after.outcome}"])
    if after.state in _DECIDED - {ApprovalState.USED}:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def reject(identifier: Named, *, reason: Because, request_id: RequestId = "", home: HomeFolder = None, as_json: Json = False) -> None:
    """Reject an order: it is not sent, and its strategy may ask again by its re-entry rule."""
    line = _find(_ask(home), identifier)
    told = _answer(home, line, granted=False, reason=reason, request_id=request_id)
    if as_json:
        printing.document({"answer": _answered(told), "approval": _plain(_followed(home, line))})
    else:
        printing.lines([f"reject {line.approval_id}: taken", f"  {told.follows}"])


def wait(
    identifier: Named,
    *,
    timeout: Annotated[
        float, typer.Option(min=0.0, callback=finite, metavar="SECONDS", help="Give up after so long; 0: when it is decided or expires.")
    ] = 0.0,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Wait until a request is decided.

    Exit code 0: approved, and its order went out. 1: refused, expired, not let out, or not decided in time.
    A trader that starts again meanwhile is waited for; what waits goes on waiting there.
    """
    ends = time.monotonic() + timeout if timeout else float("inf")
    line = _find(_patient(home, ends), identifier)
    while line.state not in _DECIDED and time.monotonic() < ends:
        time.sleep(_LOOK_S)
        line = _find(_patient(home, ends), line.approval_id)
    if as_json:
        printing.document(_plain(line))
    else:
        printing.lines([f"{line.approval_id}: {line.state.value.replace('_', ' ')}", *([f"  {line.outcome}"] if line.outcome else [])])
    if line.state is not ApprovalState.USED:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _ask(home: Path | None) -> "ApprovalsReply":
    from tidegate.control.approval_replies import ApprovalsReply
    from tidegate.control.protocol import ListApprovals

    return client_of(home_of(home)).ask(ListApprovals(closed_max=_ALL), ApprovalsReply)


def _patient(home: Path | None, ends: float) -> "ApprovalsReply":
    """Ask a trader that may be starting again meanwhile.

    Raises:
        NoTraderError, TraderSilentError: there was none for too long.
    """
    from tidegate.control.errors import NoTraderError, TraderSilentError

    until = min(ends, time.monotonic() + _GONE_S)
    while True:
        try:
            return _ask(home)
        except (NoTraderError, TraderSilentError):
            if time.monotonic() >= until:
                raise
            time.sleep(_LOOK_S)


def _find(reply: "ApprovalsReply", identifier: str) -> "ApprovalLine":
    """Return the request of an id, or the only one whose id begins so.

    Raises:
        UsageProblemError: none, or several.
    """
    lines = [*reply.waiting, *reply.closed]
    found = [line for line in lines if line.approval_id == identifier] or [
        line for line in lines if identifier and line.approval_id.startswith(identifier)
    ]
    if len(found) != 1:
        many = f"{len(found)} requests begin with {identifier!r}: write more of it" if found else f"No request has the id {identifier!r}"
        raise UsageProblemError(f"{many}; see `tidegate approvals list` and `tidegate approvals history`.")
    return found[0]


def _confirm(line: "ApprovalLine", now_ns: int) -> None:
    """Show the order and have a person type what it is worth.

    Raises:
        typer.Exit: he typed something else.
    """
    for text in approval_lines(line, now_ns):
        printing.note(text)
    typed = typer.prompt(
        f"Type its worth, {line.notional_usd}, to approve it ({left(line, now_ns)})", default="", show_default=False, err=True
    )
    if typed.strip().lstrip("$").replace(",", "") != line.notional_usd:
        printing.note(f"That is not {line.notional_usd}; nothing was done.")
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _answer(home: Path | None, line: "ApprovalLine", *, granted: bool, reason: str, request_id: str) -> "AnswerReply":
    from tidegate.cli.proofs import proof_of
    from tidegate.control.approval_replies import AnswerReply
    from tidegate.control.protocol import NAME_MAX, REASON_MAX, AnswerApproval

    if len(reason) > REASON_MAX or len(request_id) > NAME_MAX:
        raise UsageProblemError(f"Write an id of at most {NAME_MAX} letters, and a reason of at most {REASON_MAX:,}.")
    place = home_of(home)
    answer = AnswerApproval(
        proof=proof_of(place),
        request_id=new_id(request_id),
        approval_id=line.approval_id,
        order_sha256=line.order_sha256,
        granted=granted,
        reason=reason,
    )
    return client_of(place).ask(answer, AnswerReply)


def _followed(home: Path | None, line: "ApprovalLine") -> "ApprovalLine":
    """Return the request once its answer has done what it does; after a while as it stands."""
    ends = time.monotonic() + _FOLLOW_S
    while True:
        after = _find(_ask(home), line.approval_id)
        if (after.state, after.approvers) != (line.state, line.approvers) or time.monotonic() >= ends:
            return after
        time.sleep(_LOOK_S / 5)


def _plain(line: "ApprovalLine") -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(line)
    return found


def _answered(reply: "AnswerReply") -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(reply)
    del found["reply"]
    return found
