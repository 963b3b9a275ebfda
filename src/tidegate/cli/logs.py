"""`tidegate log`: show, stats, export, recover."""

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.words import Json, Log


def show(
    log: Log,
    *,
    symbol: Annotated[str, typer.Option(metavar="NAME", help="Only entries of this symbol.", show_default=False)] = "",
    strategy: Annotated[str, typer.Option(metavar="NAME", help="Only entries of this strategy.", show_default=False)] = "",
    type_: Annotated[
        str,
        typer.Option("--type", metavar="TYPE", help="Only this type, such as decision or command.", show_default=False),
    ] = "",
    correlation: Annotated[str, typer.Option(metavar="ID", help="Only entries of this story.", show_default=False)] = "",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many entries.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Print the entries of a log, one line each.

    Number in the log, n.k, time, type, symbol, strategy, and what the entry says.
    """
    from tidegate.journal import read
    from tidegate.journal.rows import rows
    from tidegate.journal.text import Filter, line

    wanted = Filter(symbol=symbol, strategy_id=strategy, type=type_, correlation_id=correlation)
    reader = read(log)
    found = islice((row for row in rows(reader) if wanted.passes(row)), None if limit is None else min(limit, sys.maxsize))
    if as_json:
        printing.document({"entries": list(found)})
        return
    printing.lines(line(row) for row in found)
    if reader.torn is not None:
        printing.note(f"The end of the log is torn ({reader.torn.what}); `tidegate log recover {log}` cuts it.")


def stats(log: Log, *, as_json: Json = False) -> None:
    """Print the figures of a log."""
    import msgspec

    from tidegate.journal import read
    from tidegate.journal.export import stats as figures

    found = msgspec.structs.asdict(figures(read(log)))
    if as_json:
        printing.document(found)
        return
    for name, value in found.items():
        if isinstance(value, dict):
            printing.lines([f"{name}:", *(f"  {kind}: {count:,}" for kind, count in value.items())])
        else:
            printing.lines([f"{name}: {_said(name, value)}"])


def export(
    log: Log,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .parquet or .jsonl file.", show_default=False)],
    *,
    as_json: Json = False,
) -> None:
    """Write a log as Parquet or JSON lines.

    One row an entry; the file appears whole or not at all.
    """
    from tidegate.journal import read
    from tidegate.journal.export import export as write

    count = write(read(log), out)
    if as_json:
        printing.document({"out": str(out), "rows": count})
    else:
        printing.lines([f"{out}: {count:,} rows"])


def recover(log: Log, *, as_json: Json = False) -> None:
    """Make a log whole again after a crash.

    Every whole block is kept, a half-written end is cut, and what was cut is said.
    """
    import msgspec

    from tidegate.journal import recover as mend

    done = mend(log)
    if as_json:
        printing.document(msgspec.structs.asdict(done))
        return
    cut = f"{done.cut_bytes:,} bytes were cut ({done.what})" if done.cut_bytes else "nothing had to be cut"
    ended = "its session had ended properly" if done.sealed else "its session did not end properly"
    printing.lines([f"{log} is whole up to entry {done.last_entry:,}: {cut}; {ended}"])


def _said(name: str, value: object) -> str:
    from tidegate.values.time import iso_utc

    if value is None or value == "":
        return "none"
    if name.endswith("_time") and isinstance(value, int):
        return iso_utc(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
