"""How the senses run in this process: compiled, or as plain Python; and the line that explains the wait."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing

if TYPE_CHECKING:
    from tidegate.engine.toolchain import Toolchain
    from tidegate.kernel.mode import Mode

Pure = Annotated[
    bool,
    typer.Option("--pure", envvar="TIDEGATE_PURE", help="Run the senses as plain Python: slow, the same acts."),
]
Strict = Annotated[bool, typer.Option("--strict", help="As --pure, and refuse a float in a whole-number field.")]


def mode_of(*, pure: bool, strict: bool) -> "Mode":
    """Return how the senses run."""
    from tidegate.kernel.mode import Mode

    if strict:
        return Mode.STRICT
    return Mode.PURE if pure else Mode.COMPILED


def compiling_note() -> Callable[[str], None] | None:
    """Return what tells of the compiler's work; nothing where compiled kernels are kept from before."""
    from tidegate.recovery.machine import kernel_cache

    kept = kernel_cache()
    return None if kept and any(Path(kept).iterdir()) else printing.note


def toolchain(mode: "Mode") -> "Toolchain":
    """Return the toolchain of this process."""
    from tidegate.recovery.machine import make_toolchain

    return make_toolchain(mode, progress=compiling_note())
