"""Options that several verbs share, and the form of their examples."""

import os
import sys
from math import isfinite
from pathlib import Path
from shutil import which
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Log = Annotated[Path, typer.Argument(metavar="LOG", help="The directory of a golden log.", show_default=False)]
MoreTapes = Annotated[
    list[Path] | None,
    typer.Option("--tape", metavar="FILE", help="Where a tape of the log is now; may be repeated.", show_default=False),
]


def not_empty(context: typer.Context, option: typer.CallbackParam, given: str) -> str:
    """Refuse an option that is there and says nothing, such as that of a variable that is not set: without it the call means everything."""
    source = context.get_parameter_source(option.name or "")
    if given or source is None or source.name.startswith("DEFAULT"):
        return given
    raise typer.BadParameter("it is empty; name one, or leave the option out.")


def some_path(given: str) -> Path:
    """Refuse a path that is empty, such as that of a variable that is not set: it would mean the folder that one is in."""
    if given:
        return Path(given)
    raise typer.BadParameter("it is empty; name one, or leave the option out.")


def finite(given: float) -> float:
    """Refuse what is no number of anything."""
    if not isfinite(given):
        raise typer.BadParameter(f"{given} is no such number.")
    return given


def example(*commands: str) -> str:
    """Return an epilog that shows commands as they are typed."""
    return "\b\nExample:\n" + "\n".join(f"  {command}" for command in commands)


def called() -> str:
    """Return what to type to call this command again, from here."""
    if which("tidegate"):
        return "tidegate"
    if sys.argv[0].endswith(".py"):
        return "python -m tidegate"
    if Path(sys.argv[0]).stem != "tidegate":  # called from other code, which has a name of its own
        return "tidegate"
    near = os.path.relpath(sys.argv[0])
    return sys.argv[0] if near.startswith("..") else near
