"""`tidegate explain` and `tidegate report`: what a log tells of one order, and of the whole session."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.words import Json, Log, MoreTapes, not_empty

if TYPE_CHECKING:
    from tidegate.analytics.explain import Story


def explain(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            callback=not_empty,
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
    story = _story(home_of(home).log if log is None else log, identifier)
    if as_json:
        printing.document(story.as_dict())
    else:
        printing.lines(story.lines())


def _story(log: Path, identifier: str) -> "Story":
    """Return an id's story, looked for in the newest session first: a trader begins a new one at each start.

    Raises:
        UnknownIdError: no session has it, in the words of the newest.
    """
    from tidegate.analytics.explain import UnknownIdError
    from tidegate.analytics.explain import explain as tell
    from tidegate.replay.reading import read_log, sessions_in

    unknown: UnknownIdError | None = None
    for back in range(sessions_in(log)):
        try:
            return tell(read_log(log, back=back), identifier)
        except UnknownIdError as error:
            unknown = unknown or error
    assert unknown is not None, "a log has a session"
    raise unknown


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
