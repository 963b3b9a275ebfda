"""`tidegate journal`: events, orders, risk, decisions, export."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, Strategy, Symbol, home_of
from tidegate.cli.words import Json

if TYPE_CHECKING:
    from tidegate.analytics.journal.columns import Row

_SHOWN: Final = 100

LogFolder = Annotated[
    Path | None,
    typer.Option("--log", metavar="DIR", help="The directory of a golden log; unset: the trader's own.", show_default=False),
]
Since = Annotated[str, typer.Option(metavar="TIME", help="From then on, such as 2026-03-02T14:30:00Z.", show_default=False)]
Until = Annotated[str, typer.Option(metavar="TIME", help="Before then.", show_default=False)]
AnyId = Annotated[
    str, typer.Option("--id", metavar="ID", help="Only what has this id, whole or its n-k, and all of its story.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="At most so many rows, the newest.")]


def _shower(what: str, told: str) -> Callable[..., None]:
    """Return the verb that shows one kind of rows."""

    def show(
        *,
        log: LogFolder = None,
        home: HomeFolder = None,
        strategy: Strategy = "",
        symbol: Symbol = "",
        since: Since = "",
        until: Until = "",
        identity: AnyId = "",
        limit: Limit = _SHOWN,
        as_json: Json = False,
    ) -> None:
        _show(what, _found(what, home_of(home).log if log is None else log, (strategy, symbol, since, until, identity)), limit, as_json)

    show.__doc__ = f"{told}\n\nWith --json: kind, rows with all their columns, and left_out: how many older rows are not among them."
    return show


events = _shower("events", "Print what happened: every input and act of a log, in words.")
orders = _shower("orders", "Print the life of each order: intent, verdict, stages, fills, end.")
risk = _shower("risk", "Print risk events: refusals by check, gates and trips, requests, orders in doubt.")
decisions = _shower("decisions", "Print each decision with its rationale: features, regime, sizing, sentence.")


def export(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="events, orders, risk or decisions.", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .jsonl, .csv or .parquet file.", show_default=False)],
    *,
    log: LogFolder = None,
    home: HomeFolder = None,
    strategy: Strategy = "",
    symbol: Symbol = "",
    since: Since = "",
    until: Until = "",
    identity: AnyId = "",
    as_json: Json = False,
) -> None:
    """Write rows of the journal as JSON lines, CSV or Parquet.

    The file appears whole or not at all; the log may be of a trader that runs.
    """
    from tidegate.analytics.journal.files import export_rows
    from tidegate.analytics.journal.tables import kind_of

    found = _found(what, home_of(home).log if log is None else log, (strategy, symbol, since, until, identity))
    count = export_rows(found, kind_of(what), out)
    if as_json:
        printing.document({"out": str(out), "rows": count})
    else:
        printing.lines([f"{out}: {count:,} rows"])


def _found(what: str, log: Path, asked: tuple[str, str, str, str, str]) -> "Iterator[Row]":
    from tidegate.analytics.journal.query import journal_rows
    from tidegate.analytics.journal.tables import JournalFilter, kind_of, wanted_of

    strategy, symbol, since, until, identity = asked
    only = JournalFilter(strategy=strategy, symbol=symbol, since=since, until=until, identity=identity)
    return journal_rows(log, kind_of(what), wanted_of(only))


def _show(what: str, rows: "Iterator[Row]", limit: int, as_json: bool) -> None:
    kept: deque[Row] = deque(maxlen=min(limit, sys.maxsize))
    count = 0
    for row in rows:
        kept.append(row)
        count += 1
    if as_json:
        printing.document({"kind": what, "rows": list(kept), "left_out": count - len(kept)})
        return
    printing.lines(_line(what, row) for row in kept)
    if count > len(kept):
        printing.note(f"{count - len(kept):,} older rows are not shown; raise --limit, or write them all with `tidegate journal export`.")


def _line(what: str, row: "Row") -> str:
    word = row[_WORDS[what]] or ""
    about = f"{row['symbol'] or '-':<8} {row['strategy_id'] or '-':<16}"
    said = row["sentence"] or ""
    if what == "decisions" and row["side"]:
        said = f"{row['purpose']} {row['side']} {row['quantity']}: {said}"
    name = row["client_order_id"] if what == "orders" else row["event_id"]
    return f"{row['at']}  {word:<18} {about} {said}  [{name}]"


_WORDS: Final = {"events": "type", "orders": "state", "risk": "kind", "decisions": "verdict"}
