"""`tidegate replay`: tapes and strategies in; a table, a log and a report out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.exits import InterruptedRunError, UsageProblemError
from tidegate.cli.kernels import Pure, Strict, mode_of, toolchain
from tidegate.cli.words import Json, called, some_path
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.events.acts import StrategyFaulted
    from tidegate.replay.prepare import Plan
    from tidegate.replay.run import Options, Replay

_LATENCY: Final = "such as 0.5ms or lognormal:0.5ms,0.3"
_MEASURED: Final = "; log:DIR: as in a golden log"
_SEED_MAX: Final = 2**64 - 1  # what a log can carry

Tapes = Annotated[list[Path], typer.Argument(metavar="TAPE...", help="Tape files; each is a stream.", show_default=False)]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        metavar="NAME[:param=value,...]",
        help="A strategy by name or path; may be repeated. Without it: those of the configuration.",
        show_default=False,
    ),
]
ConfigName = Annotated[
    str,
    typer.Option(
        "--config",
        metavar="FILE|NAME",
        help="A YAML file or a shipped name. Without it: generated for generated tapes, else us-stocks.",
        show_default=False,
    ),
]
FeedLatency = Annotated[
    str | None,
    typer.Option(metavar="TIME", help=f"From venue to us, {_LATENCY}. Without it: the tape's own receive times."),
]
OrderLatency = Annotated[str | None, typer.Option(metavar="TIME", help=f"From us to the venue, {_LATENCY}{_MEASURED}.")]
ResponseLatency = Annotated[str | None, typer.Option(metavar="TIME", help=f"From the venue's act back to us, {_LATENCY}{_MEASURED}.")]
Seed = Annotated[int | None, typer.Option(min=0, max=_SEED_MAX, metavar="N", help="Of the drawn latencies.")]
Batch = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Records given to the engine at a time; cannot change an act."),
]
LogOut = Annotated[Path | None, typer.Option(metavar="DIR", parser=some_path, help="Write a golden log.")]
ReportOut = Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write an HTML report.")]


def replay(
    tapes: Tapes,
    *,
    strategy: Strategies = None,
    config: ConfigName = "",
    feed_latency: FeedLatency = None,
    order_latency: OrderLatency = None,
    response_latency: ResponseLatency = None,
    seed: Seed = None,
    batch: Batch = None,
    log: LogOut = None,
    report: ReportOut = None,
    pure: Pure = False,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Replay tapes through the whole pipeline.

    Senses, strategies, sizing, risk gate, order management and the simulated venue run as they would live.

    With --json: session, events (market records), seconds, events_per_second, orders, fills, rejected (intents
    that the gate refused), pnl, fees, commands_sha256, state_sha256, log, report, faults. A strategy that fails
    is held to its exits, the replay goes on, and the exit code is 4.
    """
    from tidegate.analytics.telling import fault_words
    from tidegate.config.reading import read_config
    from tidegate.replay.prepare import Latencies, plan_session
    from tidegate.replay.run import Options

    check_report_path(report)
    name = config or fitting_config(tapes)
    plan = plan_session(
        read_config(name),
        tapes,
        strategies=strategy or [],
        latencies=Latencies(feed=feed_latency, order=order_latency, response=response_latency, seed=seed),
    )
    for opened in plan.tapes:
        opened.verify()  # the log will say that it rests on these bytes
    if not config:
        printing.note(f"configuration: {name} (choose another with --config)")
    tell_measured(plan, order_latency, response_latency)
    options = Options(
        log=log,
        report=report,
        batch=batch,
        toolchain=toolchain(mode_of(pure=pure, strict=strict)),
    )
    done = run(plan, options)
    faults = faults_of(done)
    if as_json:
        printing.document(done.summary.as_dict() | {"faults": [fault_words(fault) for fault in faults]})
    else:
        show(done)
    for fault in faults:
        printing.note(f"{fault_words(fault)}; mend its file and replay again.")
    if faults:
        raise typer.Exit(ExitCode.REFUSED)


def tell_measured(plan: "Plan", order: str | None, response: str | None) -> None:
    """Say what a latency taken from a log came to."""
    from tidegate.replay.measured import MEASURED

    simulator = plan.loaded.config.simulator
    for name, asked, found in (("order", order, simulator.order_latency), ("response", response, simulator.response_latency)):
        if asked is not None and asked.startswith(MEASURED):
            printing.note(f"{name} latency, as in {asked.removeprefix(MEASURED)}: {found}")


def run(plan: "Plan", options: "Options") -> "Replay":
    """Run a planned session with a progress bar.

    Raises:
        InterruptedRunError: Ctrl-C; says what is left of the log.
    """
    from tidegate.replay.run import run_plan

    try:
        with printing.progress("replaying") as told:
            return run_plan(plan, options._replace(progress=told))
    except KeyboardInterrupt:
        kept = f"the log {options.log} is whole up to its last block" if options.log else "nothing was written"
        raise InterruptedRunError(f"Interrupted; {kept}.") from None


def show(done: "Replay") -> None:
    """Print the table of a run and where the rest is."""
    show_table(done)
    summary = done.summary
    if summary.report:
        printing.lines([f"report: {summary.report}"])
    if summary.log:
        why = f"{called()} explain {some_order(done)} --log {summary.log}"
        printing.lines([f"log:    {summary.log}", f"why:    {why}"])
    else:
        printing.note("With --log DIR the session can be explained, verified and exported afterwards.")


def show_table(done: "Replay") -> None:
    """Print the figures of a run and how fast it was."""
    from tidegate.analytics.report import summary_table

    summary = done.summary
    printing.table(summary_table(done.run))
    speed = f"{summary.seconds:.2f} s ({summary.events_per_second:,.0f} events/s)"
    printing.lines([f"{summary.events:,} market records through the full pipeline in {speed}"])


def faults_of(done: "Replay") -> "list[StrategyFaulted]":
    """Return the first failure of each strategy that failed."""
    from tidegate.events.acts import StrategyFaulted

    found: dict[str, StrategyFaulted] = {}
    for entry in done.run.entries:
        if isinstance(entry.message, StrategyFaulted):
            found.setdefault(entry.message.strategy_id, entry.message)
    return list(found.values())


def some_order(done: "Replay") -> str:
    """Return the id of an order worth asking about; the word ID where none was sent."""
    rows = done.run.order_rows
    filled = [row.client_order_id for row in rows if row.filled_nanos]
    return next(iter([*filled, *(row.client_order_id for row in rows)]), "ID")


def fitting_config(tapes: Sequence[Path]) -> str:
    """Return the name of the configuration that fits where the tapes come from."""
    from tidegate.tapes.format import Tape

    is_generated = all(Tape.open(path).meta.importer.startswith("generate") for path in tapes)
    return "generated" if is_generated else "us-stocks"


def check_report_path(path: Path | None) -> None:
    """Refuse a report's place before the work is done.

    Raises:
        UsageProblemError: not an .html file, no such folder, or not writable.
    """
    if path is None:
        return
    if path.suffix.lower() not in {".html", ".htm"}:
        raise UsageProblemError(f"The report {path} does not end in .html; name it so, and no other file is overwritten.")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageProblemError(f"The report cannot be written to {path.parent}; name a folder that is there and writable.")
