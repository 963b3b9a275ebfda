"""`tidegate trader`: the trading process by itself, as `tidegate up` starts it."""

from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.kernels import toolchain


def trader(
    *,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="dry-run, shadow, paper, small-live or live.")] = "paper",
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="The configuration.")] = "us-stocks",
    home: HomeFolder = None,
    origin: Annotated[str, typer.Option("--origin", metavar="URL", help="An emulator on this machine, instead of the venue.")] = "",
    patient: Annotated[bool, typer.Option("--patient", help="Wait for another trader to go instead of refusing.")] = False,
    keys_fd: Annotated[int | None, typer.Option("--keys-fd", hidden=True)] = None,
    beat_fd: Annotated[int | None, typer.Option("--beat-fd", hidden=True)] = None,
) -> None:
    """Trade one account until Ctrl-C, without a supervisor."""
    from tidegate.kernel.mode import Mode
    from tidegate.service.starting import Start, check_mode, run

    check_mode(mode)
    start = Start(mode, config, home_of(home).root, origin, patient, keys_fd, beat_fd)
    run(start, toolchain(Mode.COMPILED), printing.note)
    printing.note("Stopped.")
