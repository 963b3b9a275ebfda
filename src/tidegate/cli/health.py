"""`tidegate health`: what a container, a timer or a person asks of a running service."""

from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.words import Json
from tidegate.values.errors import ExitCode


def health(
    *,
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether it trades, not only whether it lives.")] = False,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Say whether the service of a home is live, or ready.

    Exit code 0 if it is, 1 if not, with the reason. With --json: ok, why and health (children, restarts, age of the
    newest beat, what the watchdog did).
    """
    import msgspec

    from tidegate.clock.clock import WallClock
    from tidegate.service.health import judge, read_health

    verdict = judge(read_health(home_of(home).root), WallClock().monotonic_ns(), ready=ready)
    if as_json:
        printing.document(msgspec.to_builtins(verdict))
    else:
        printing.lines([verdict.why])
    if not verdict.ok:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)
