"""`tidegate kernels`: compiles what this version needs and keeps it, so that nothing waits for it later."""

from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.words import Json

PARTS = ("senses", "venue")


def kernels(
    *,
    part: Annotated[str, typer.Option("--part", metavar="PART", help="senses or venue; unset: both.", show_default=False)] = "",
    as_json: Json = False,
) -> None:
    """Compile the kernels of this version, once; what is kept already costs nothing."""
    from tidegate.replay.kernels import compile_senses, compile_venue

    parts = [part] if part else list(PARTS)
    if any(name not in PARTS for name in parts):
        raise typer.BadParameter(f"{part!r} is no part; choose senses or venue", param_hint="--part")
    for name in parts:
        printing.note(f"compiling the {name} (once per version; up to half a minute)")
        (compile_senses if name == "senses" else compile_venue)()
    if as_json:
        printing.document({"compiled": parts})
