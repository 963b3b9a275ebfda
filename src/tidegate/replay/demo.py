"""What `tidegate demo` replays: a recorded day where one is at hand, else a generated market.

All of it lies in one folder of its own, known by a marker file; others are left alone.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tidegate.journal.files import SEGMENT_SUFFIX, UNFINISHED_SUFFIX
from tidegate.tapes.lean import import_lean
from tidegate.values.errors import ExitCode, TidegateError

DATA_VARIABLE: Final = "TIDEGATE_SHARED_DATA"
DAYS: Final = ("2013-10-07", "2013-10-08")
_TICKS: Final = "lean-equity-ticks"
_WANTED: Final = ("bac_quote", "bac_trade", "aig_quote", "aig_trade", "ibm_quote", "ibm_trade", "spy_trade")
_MARKER: Final = ".tidegate-demo"
_REMARK: Final = "This folder is `tidegate demo`'s own: run again, it replaces tape, log and report here.\n"
_PROJECT: Final = Path(__file__).parents[3]

Progress = Callable[[int, int], None]
Generate = Callable[[Path, Progress], object]


class UnknownDayError(TidegateError):
    """No recorded set has this day."""


class NotOurFolderError(TidegateError):
    """The folder holds files that the demo did not make."""

    exit_code = ExitCode.USAGE


class DemoFolderError(TidegateError):
    """The folder cannot be made or cleared. Choose another one."""

    exit_code = ExitCode.ENVIRONMENT


class Market(NamedTuple):
    """What is replayed, and how to speak of it."""

    is_recorded: bool
    config: str
    tape: Path
    said: str


def recorded_files(day: str) -> tuple[Path, ...]:
    """Return the recorded tick files of a day; none where no recording is at hand.

    Raises:
        UnknownDayError: no recorded set has that day.
    """
    if day not in DAYS:
        raise UnknownDayError(f"There is no recording of {day!r}; choose {' or '.join(DAYS)}.")
    for folder in places():
        names = (wanted.split("_") for wanted in _WANTED)
        paths = [folder / _TICKS / symbol / f"{day.replace('-', '')}_{kind}.zip" for symbol, kind in names]
        found = tuple(path for path in paths if path.is_file())
        if found:
            return found
    return ()


def places() -> tuple[Path, ...]:
    """Return where recordings are looked for: the place that is set, else beside here and the project."""
    given = os.environ.get(DATA_VARIABLE)
    if given:
        return (Path(given),)
    return tuple(dict.fromkeys(folder.parent / "shared" / "data" for folder in (Path.cwd(), _PROJECT)))


def prepare(folder: Path) -> None:
    """Make the demo's folder, or clear what an earlier demo left in it; anything else in it stays.

    Raises:
        NotOurFolderError: it holds files and was not made by a demo.
        DemoFolderError: it cannot be made or written.
    """
    marker = folder / _MARKER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not marker.exists() and any(folder.iterdir()):
            raise NotOurFolderError(f"{folder} holds other files; name an empty or a new folder with --out.")
        marker.write_text(_REMARK, encoding="utf-8")
        report_of(folder).unlink(missing_ok=True)
        log = log_of(folder)
        for path in log.iterdir() if log.is_dir() else ():
            if path.suffix in {SEGMENT_SUFFIX, UNFINISHED_SUFFIX}:
                path.unlink()
    except OSError as error:
        raise DemoFolderError(f"{folder} cannot be written ({error.strerror}); name another folder with --out.") from error


def make_market(folder: Path, day: str, files: Sequence[Path], *, generate: Generate, progress: Progress) -> Market:
    """Write the tape of a day's recorded files, or of a generated market where there are none.

    Raises:
        TapeError: a recording is damaged, or the disk refused.
    """
    if files:
        tape = folder / f"us-{day}.tape"
        import_lean(files, tape, progress=progress)
        names = ", ".join(f"{path.parent.name.upper()} {path.stem.partition('_')[2]}s" for path in files)
        said = f"recorded market of {day}: {names}, from {files[0].parent.parent}"
        return Market(is_recorded=True, config="us-stocks", tape=tape, said=said)
    tape = folder / "generated.tape"
    generate(tape, progress)
    looked = " or ".join(str(place) for place in places())
    said = f"GENERATED market with made-up prices: no recording of {day} in {looked} (set {DATA_VARIABLE})"
    return Market(is_recorded=False, config="generated", tape=tape, said=said)


def log_of(folder: Path) -> Path:
    """Return where a demo's log lies."""
    return folder / "log"


def report_of(folder: Path) -> Path:
    """Return where a demo's report lies."""
    return folder / "report.html"
