"""`tidegate tape`: import, generate, info, head, sample."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.exits import UsageProblemError
from tidegate.cli.words import Json

if TYPE_CHECKING:
    from tidegate.tapes.format import TapeMeta
    from tidegate.tapes.parts import Progress
    from tidegate.tapes.view import Row

Out = Annotated[Path, typer.Argument(metavar="OUT", help="The tape to write.", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A tape.", show_default=False)]
_ALPACA = "alpaca"
Count = Annotated[int, typer.Option(min=1, metavar="N", help="How many records.")]


def import_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="lean, csv, parquet or alpaca.", show_default=False)],
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...", help="Files; for lean also folders; for alpaca AAPL,MSFT@2026-11-16..2026-11-18.", show_default=False
        ),
    ],
    out: Out,
    *,
    column_map: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="name=column,...",
            help="csv and parquet: time, symbol (or ticker=TICKER), bid, ask, bid_size, ask_size, price, "
            "size, recv, kind, seq; settings unit, zone, scale, size_scale, tick.",
            show_default=False,
        ),
    ] = "",
    feed: Annotated[str, typer.Option(metavar="NAME", help="alpaca: sip, iex, boats or otc, as your plan allows.")] = "sip",
    as_json: Json = False,
) -> None:
    """Make a tape of recorded market data.

    With alpaca, of your own history there, with the paper key (or the live one where there is no paper key) from where a trader's
    keys come from; a download that breaks off goes on where it stopped.
    """
    from tidegate.tapes.importers import ImportOptions, import_tape

    check_out(out, sources)
    with printing.progress("importing") as told:
        if kind == _ALPACA:
            meta = _from_alpaca(sources, out, feed, told)
        else:
            meta = import_tape(kind, sources, out, options=ImportOptions(column_map=column_map), progress=told)
    _made(out, meta, as_json=as_json)


def generate(
    out: Out,
    *,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same market.")] = 1,
    events: Annotated[int, typer.Option(min=1, metavar="N", help="Market records in all.")] = 1_000_000,
    symbols: Annotated[int, typer.Option(min=1, metavar="N", help="Traded symbols; an index comes on top.")] = 5,
    as_json: Json = False,
) -> None:
    """Make a tape of a generated market.

    Its regimes change; bursts, a halt, a gap, a bad print and a feed outage are planted in it.
    """
    from tidegate.simulation.generate import Wish
    from tidegate.simulation.generate import generate as make

    check_out(out, ())
    with printing.progress("generating") as told:
        meta = make(out, Wish(seed=seed, events=events, symbols=symbols), progress=told)
    _made(out, meta, as_json=as_json)


def info(file: File, *, as_json: Json = False) -> None:
    """Print what a tape says of itself.

    Symbols, times, where it comes from, how its receive times were made, what was found in it.
    """
    from tidegate.tapes.view import tape_info

    found = tape_info(file)
    if as_json:
        printing.document(found)
    else:
        printing.lines(_told(found))


def head(file: File, *, count: Count = 10, as_json: Json = False) -> None:
    """Print the first records of a tape."""
    from tidegate.tapes.view import tape_head

    _print_rows(tape_head(file, count), as_json=as_json)


def sample(file: File, *, count: Count = 10, as_json: Json = False) -> None:
    """Print records from all over a tape."""
    from tidegate.tapes.view import tape_sample

    _print_rows(tape_sample(file, count), as_json=as_json)


def check_out(out: Path, sources: Sequence[Path]) -> None:
    """Refuse to replace anything but a tape.

    Raises:
        UsageProblemError: OUT is there and is no tape, or is among the sources.
    """
    from tidegate.tapes.errors import NotATapeError, TapeError
    from tidegate.tapes.format import read_header

    if any(out.exists() and source.exists() and out.samefile(source) for source in sources):
        raise UsageProblemError(f"{out} is a source and cannot be the tape as well; name the tape last.")
    if out.is_dir():
        raise UsageProblemError(f"{out} is a folder; name a file for the tape.")
    if not out.exists():
        return
    kept = UsageProblemError(f"{out} is there and is no tape, so it is not replaced; name another file, or move it away.")
    if not out.is_file():  # a pipe, whose beginning would be waited for
        raise kept
    try:
        read_header(out)
    except NotATapeError:
        raise kept from None
    except TapeError:
        return  # a damaged or newer tape is a tape


def _from_alpaca(sources: Sequence[Path], out: Path, feed: str, told: "Progress") -> "TapeMeta":
    from tidegate.service.history import HistoryWish, import_own_history
    from tidegate.service.key_sources import sources_of
    from tidegate.service.secrecy import close_memory

    wish = HistoryWish.parse([str(source) for source in sources], feed=feed)
    close_memory()
    return import_own_history(wish, out, sources=sources_of(), progress=told)


def _made(out: Path, meta: "TapeMeta", *, as_json: bool) -> None:
    from tidegate.tapes.view import tape_info

    if as_json:
        printing.document(tape_info(out))
        return
    names = ", ".join(symbol.symbol for symbol in meta.symbols)
    printing.lines([f"{out}: {meta.records:,} records of {names}"])
    printing.lines(f"  {name}: {number:,}" for name, number in meta.statistics.items())


def _told(found: dict[str, object]) -> list[str]:
    told: list[str] = []
    for name, value in found.items():
        match value:
            case list():
                told += [f"{name}: {', '.join(map(str, value))}"] if value else []
            case dict():
                told += [f"{name}:", *(f"  {key}: {number:,}" for key, number in value.items())] if value else []
            case int():
                told.append(f"{name}: {value:,}")
            case _:
                told.append(f"{name}: {value}")
    return told


def _print_rows(rows: Sequence["Row"], *, as_json: bool) -> None:
    if as_json:
        printing.document({"records": list(rows)})
        return
    front = ("record", "received", "symbol", "kind")
    printing.grid(
        (*front, "what"),
        (
            (
                *(row[name] for name in front),
                " ".join(f"{name}={value}" for name, value in row.items() if name not in front and value != ""),
            )
            for row in rows
        ),
    )
