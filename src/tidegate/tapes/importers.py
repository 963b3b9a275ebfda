"""The importers by name: what `tidegate tape import KIND SOURCE… OUT` calls."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from tidegate.tapes.columns import ColumnMap
from tidegate.tapes.errors import ColumnMapError, UnknownImporterError
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.lean import import_lean
from tidegate.tapes.parts import Progress
from tidegate.tapes.tabular import import_table


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an importer may be told besides its sources."""

    column_map: str = ""  # csv and parquet: see `columns.ColumnMap`


Importer: TypeAlias = Callable[[Sequence[Path], Path, ImportOptions, Progress], TapeMeta]


def import_tape(
    kind: str,
    sources: Sequence[Path],
    out: Path,
    *,
    options: ImportOptions,
    progress: Progress,
) -> TapeMeta:
    """Make one tape of sources of a kind.

    Args:
        kind: a key of `IMPORTERS`.
        sources: files, for lean also folders.
        out: the tape to write; one that is there is replaced only when the new one is complete.
        options: see there.
        progress: called with files done and files in all.

    Returns:
        The meta of the tape, with what was found under `statistics`.

    Raises:
        UnknownImporterError: no such kind.
        TapeError: the sources or the place to write are not as they must be.
    """
    importer = IMPORTERS.get(kind)
    if importer is None:
        raise UnknownImporterError(f"There is no importer named {kind!r}; choose one of {', '.join(IMPORTERS)}.")
    return importer(sources, out, options, progress)


def _lean(sources: Sequence[Path], out: Path, options: ImportOptions, progress: Progress) -> TapeMeta:
    if options.column_map:
        raise ColumnMapError("LEAN files have fixed columns; leave --map out.")
    return import_lean(sources, out, progress=progress)


def _table(kind: str) -> Importer:
    def run(sources: Sequence[Path], out: Path, options: ImportOptions, progress: Progress) -> TapeMeta:
        columns = ColumnMap.parse(options.column_map)
        return import_table(kind, sources, out, columns=columns, progress=progress)

    return run


IMPORTERS: Final[dict[str, Importer]] = {"lean": _lean, "csv": _table("csv"), "parquet": _table("parquet")}
