"""Options that several verbs share, and the form of their examples."""

import os
import sys
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
