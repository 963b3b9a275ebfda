"""The public way to replay: tapes and strategies in, a run with its tables, log and report out."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from tidegate.analytics.collect import Collector, Run, Sources
from tidegate.config.reading import LoadedConfig, read_config
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.journal import LogWriter
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.replay.loop import ReplayLoop
from tidegate.replay.marks import masked_triggers, price_marks, price_series
from tidegate.replay.prepare import AS_CONFIGURED, Latencies, Plan, build_engine, plan_session
from tidegate.replay.sinks import CollectorSink, LogSink, Sink
from tidegate.replay.stuck import watching
from tidegate.values.money import attos_text
from tidegate.values.time import NEVER_NS

if TYPE_CHECKING:
    import polars as pl

_GARBAGE_OBJECTS_MIN: Final = 50_000  # decisions make few cycles: looking for them every 700 objects costs a tenth of the time

Progress = Callable[[int, int], None]  # records taken in, of how many


class Options(NamedTuple):
    """How a replay runs; none of it can change an act."""

    log: str | Path | None = None
    report: str | Path | None = None
    batch: int | None = None
    mode: Mode = Mode.COMPILED
    collect: bool = True
    progress: Progress | None = None
    toolchain: Toolchain | None = None


PLAIN: Final = Options()


class Summary(NamedTuple):
    """The figures of a replay; money as exact decimal strings, None where something held could not be priced."""

    session: str
    events: int
    seconds: float
    events_per_second: float
    orders: int
    fills: int
    rejected: int
    pnl: str | None
    fees: str
    commands_sha256: str
    state_sha256: str
    log: str | None
    report: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as one JSON object."""
        return self._asdict()


@final
class Replay:
    """What a replay gave. `run` holds every table; the ones used most are here too, as polars DataFrames."""

    def __init__(self, summary: Summary, run: Run, engine: Engine) -> None:
        self.summary = summary
        self.run = run
        self.engine = engine

    @property
    def orders(self) -> "pl.DataFrame":
        """One row an order."""
        return self.run.orders

    @property
    def fills(self) -> "pl.DataFrame":
        """One row an execution."""
        return self.run.fills

    @property
    def positions(self) -> "pl.DataFrame":
        """One row a change of a position."""
        return self.run.positions

    @property
    def equity(self) -> "pl.DataFrame":
        """One row a valuation of the account."""
        return self.run.equity

    @property
    def decisions(self) -> "pl.DataFrame":
        """One row a verdict of the gate."""
        return self.run.decisions

    @property
    def trades(self) -> "pl.DataFrame":
        """One row a round trip."""
        return self.run.trades


def run_replay(
    tapes: str | Path | Sequence[str | Path],
    *,
    strategies: str | Sequence[str] = (),
    config: str | Path | LoadedConfig = "us-stocks",
    latencies: Latencies = AS_CONFIGURED,
    options: Options = PLAIN,
) -> Replay:
    """Replay tapes through the whole pipeline.

    Args:
        tapes: one or more tape files; each is a stream, ranked by its place.
        strategies: `NAME[:param=value,...]` or paths; empty: those of the configuration.
        config: a shipped configuration's name, a path, or one that was read.
        latencies: overrides of the configuration's latencies and seed.
        options: log, report, batch size, mode, progress; none can change an act.

    Raises:
        TidegateError: whatever is wrong with tape, configuration, strategy or disk, in one sentence.
    """
    paths = [Path(tapes)] if isinstance(tapes, str | Path) else [Path(tape) for tape in tapes]
    requests = [strategies] if isinstance(strategies, str) else list(strategies)
    loaded = config if isinstance(config, LoadedConfig) else read_config(config)
    plan = plan_session(loaded, paths, strategies=requests, latencies=latencies)
    return run_plan(plan, options)


def run_plan(plan: Plan, options: Options) -> Replay:
    """Run a session that was planned.

    Raises:
        TidegateError: see `run_replay`.
    """
    toolchain = options.toolchain or make_toolchain(options.mode)
    engine = build_engine(plan, toolchain, telling=options.collect or options.log is not None)
    opening = plan.opening()
    collector = Collector()
    sinks: list[Sink] = [CollectorSink(collector)] if options.collect else []
    writer = None
    if options.log is not None:
        writer = LogWriter(Path(options.log), opening)
        sinks.append(LogSink(writer))
    merged = plan.merged()
    total = len(merged)
    progress = options.progress
    loop = ReplayLoop(
        session=plan.session,
        engine=engine,
        venue=plan.venue(toolchain),
        merged=merged,
        scheduled=plan.scheduled,
        sinks=sinks,
        batch=options.batch or NEVER_NS,
        progress=None if progress is None else lambda done: progress(done, total),
    )
    seconds = _timed(loop, engine, writer)
    if writer is not None:
        writer.judged(engine.n)
        writer.close(state_sha256=engine.state_sha256())
    run = collector.run(opening, _sources(plan, engine, seconds, options))
    report = None if options.report is None else _report(run, Path(options.report))
    return Replay(_summary(plan, engine, loop, seconds, options, report), run, engine)


def _report(run: Run, path: Path) -> str:
    from tidegate.analytics.report import write_report  # noqa: PLC0415 - plots and tables are loaded for those who asked for them

    return str(write_report(run, path))


def _timed(loop: ReplayLoop, engine: Engine, writer: LogWriter | None) -> float:
    """Run the loop; a run that ends early leaves its log as a crash would: whole blocks, not sealed."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()  # what the libraries made at import is not looked through again and again
    gc.set_threshold(_GARBAGE_OBJECTS_MIN, *thresholds[1:])
    started, whole = perf_counter(), False
    try:
        with watching(engine):
            loop.run()
        whole = True
    finally:
        if writer is not None and not whole:
            writer.abandon()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    return perf_counter() - started


def _sources(plan: Plan, engine: Engine, seconds: float, options: Options) -> Sources:
    return Sources(
        marks=price_marks(plan.tapes),
        prices=price_series(plan.tapes),
        masked=masked_triggers(plan.slots, engine),
        records=sum(len(tape) for tape in plan.tapes),
        seconds=seconds,
        from_ns=min(tape.meta.first_ns for tape in plan.tapes),
        until_ns=max(tape.meta.last_ns for tape in plan.tapes),
        log=None if options.log is None else str(options.log),
    )


def _summary(plan: Plan, engine: Engine, loop: ReplayLoop, seconds: float, options: Options, report: str | None) -> Summary:
    records = sum(len(tape) for tape in plan.tapes)
    equity = engine.equity_attos()
    return Summary(
        session=plan.session,
        events=records,
        seconds=seconds,
        events_per_second=records / seconds if seconds else 0.0,
        orders=loop.tally.orders,
        fills=loop.tally.fills,
        rejected=loop.tally.refused,
        pnl=None if equity is None else attos_text(equity - plan.spec.cash_attos),
        fees=attos_text(engine.books.money().fees_attos),
        commands_sha256=loop.tally.commands_sha256,
        state_sha256=engine.state_sha256(),
        log=None if options.log is None else str(options.log),
        report=report,
    )
