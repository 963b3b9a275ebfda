"""`tidegate explain` and `tidegate report`: what a log tells of one order, and of the whole session."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.words import Json, Log, MoreTapes


def explain(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A client order id, an event id or n-k; a unique beginning will do.",
            show_default=False,
        ),
    ],
    *,
    log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The directory of a golden log; unset: the trader's own.", show_default=False)
    ] = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Tell why an order was sent or refused.

    The whole story: quote, features, regime, sizing, each check, what the venue said, fills, the round trip.
    """
    from tidegate.analytics.explain import explain as tell
    from tidegate.replay.reading import read_log

    story = tell(read_log(home_of(home).log if log is None else log), identifier)
    if as_json:
        printing.document(story.as_dict())
    else:
        printing.lines(story.lines())


def report(
    log: Log,
    out: Annotated[
        Path | None,
        typer.Argument(metavar="OUT.html", help="Where to write it; LOG.html if not said.", show_default=False),
    ] = None,
    *,
    tape: MoreTapes = None,
    as_json: Json = False,
) -> None:
    """Write the report of a log's newest session.

    It shows prices where the session's tapes are found. With --json: every metric, the trades, the
    manifest, the assumptions, and report: the file.
    """
    from tidegate.analytics.report import report_json, summary_table, write_report
    from tidegate.cli.replaying import check_report_path
    from tidegate.replay.reading import read_log

    place = out or log.resolve().parent / f"{log.resolve().name}.html"
    check_report_path(place)
    run = read_log(log, tapes=tape or [])
    write_report(run, place)
    if as_json:
        printing.document(report_json(run) | {"report": str(place)})
        return
    if run.sources.prices is None:
        printing.note("Its tapes are not where they were, so the report is without prices; say where with --tape.")
    printing.table(summary_table(run))
    printing.lines([f"report: {place}"])
