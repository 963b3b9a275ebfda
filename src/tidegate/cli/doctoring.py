"""`tidegate doctor`: what of this machine, this home and the trader in it is not as it should be."""

from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.kernels import compiling_note
from tidegate.cli.words import Json
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.service.doctor_line import Line


def doctor(
    *,
    home: HomeFolder = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode", metavar="MODE", help="Also the keys of this mode: dry-run, shadow, paper, small-live, live.", show_default=False
        ),
    ] = "",
    venue: Annotated[
        str,
        typer.Option(metavar="WHERE", help="Also the clock against a venue: paper, live, or an emulator's address.", show_default=False),
    ] = "",
    as_json: Json = False,
) -> None:
    """Look for what is wrong, and say what to do.

    Python, platform, compiled kernels, home folder, disk, ledger, log, keys (in every place that `tidegate up`
    looks into), clock, and what the running trader finds about itself. Exit code 1 where something fails; a
    warning stops nothing. Nothing is changed and no key is shown.
    """
    from tidegate.service.doctor import examine
    from tidegate.service.doctor_line import Grade
    from tidegate.service.doctor_venue import places

    found = examine(home_of(home), places, mode=mode, venue=venue, kernels_kept=compiling_note() is None)
    failed = sum(line.grade is Grade.FAIL for line in found)
    if as_json:
        printing.document({"ok": not failed, "checks": [line._asdict() for line in found]})
    else:
        _show(found, failed)
    if failed:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _show(found: "list[Line]", failed: int) -> None:
    from tidegate.service.doctor_line import Grade

    wide = max(len(line.name) for line in found)
    for line in found:
        told = [f"{line.grade.value.ljust(4)}  {line.name.ljust(wide)}  {line.seen}"]
        if line.advice:
            told.append(f"{'':{wide + 8}}→ {line.advice}")
        printing.lines(told)
    warned = sum(line.grade is Grade.WARN for line in found)
    printing.lines(["", f"{len(found)} checks: {failed} failed, {warned} to look at." if failed or warned else "All is well."])
