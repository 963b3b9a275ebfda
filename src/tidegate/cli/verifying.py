"""`tidegate verify`: decide a recorded session again and compare."""

from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.kernels import Pure, compiling_note, mode_of
from tidegate.cli.words import Json, Log, MoreTapes
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.replay.verify import Verdict


def verify(
    log: Log,
    *,
    tape: MoreTapes = None,
    newest: Annotated[bool, typer.Option("--newest", help="Only the newest session.")] = False,
    pure: Pure = False,
    as_json: Json = False,
) -> None:
    """Recompute recorded sessions and compare.

    Every session of the log is decided again from its inputs, and every act is compared byte by byte.
    Exit code 0 only where everything matches. With --json: match (null where other code wrote the log), why,
    entries, first_difference (n, k, recorded, recomputed) and damage (segment, block, first_entry,
    last_entry).
    """
    from tidegate.replay.verify import verify_log

    mode = mode_of(pure=pure, strict=False)
    verdict = verify_log(log, tapes=tape or [], mode=mode, progress=compiling_note(), newest=newest)
    if as_json:
        printing.document(verdict.as_dict())
    else:
        printing.lines(_lines(str(log), verdict))
    if verdict.match is not True:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _lines(log: str, verdict: "Verdict") -> list[str]:
    word = {True: "matches", False: "does not match", None: "cannot be compared fairly"}[verdict.match]
    found = [f"{log} {word}: {verdict.why} ({verdict.entries:,} entries)"]
    if verdict.damage is not None:
        found += [f"  {name}: {value}" for name, value in verdict.damage.items()]
    if verdict.first_difference is not None:
        at = verdict.first_difference
        found += [
            f"  input {at.n}, act {at.k}",
            f"  recorded:   {at.recorded}",
            f"  recomputed: {at.recomputed}",
        ]
    return found
