"""`tidegate trader`: the trading process by itself, as `tidegate up` starts it."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.kernels import toolchain

HomeFolder = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", envvar="TIDEGATE_HOME", help="Where the trader keeps log and ledger.", show_default=False),
]


def trader(
    *,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="dry-run, shadow or paper.")] = "paper",
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="The configuration.")] = "us-stocks",
    home: HomeFolder = None,
    origin: Annotated[str, typer.Option("--origin", metavar="URL", help="An emulator on this machine, instead of the venue.")] = "",
    patient: Annotated[bool, typer.Option("--patient", help="Wait for another trader to go instead of refusing.")] = False,
) -> None:
    """Trade one account until Ctrl-C, without a supervisor."""
    from tidegate.kernel.mode import Mode
    from tidegate.service.starting import Start, run
    from tidegate.service.trader import default_home

    run(Start(mode, config, home or default_home(), origin, patient), toolchain(Mode.COMPILED), printing.note)
    printing.note("Stopped.")
