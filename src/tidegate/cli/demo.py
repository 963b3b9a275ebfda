"""`tidegate demo`: a whole day through the full pipeline, with nothing to set up."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing, replaying
from tidegate.cli.kernels import toolchain
from tidegate.cli.words import Json, called

if TYPE_CHECKING:
    from tidegate.replay.demo import Market, Progress
    from tidegate.replay.run import Replay

_EVENTS: Final = 1_000_000
_SYMBOLS: Final = 4


def demo(
    *,
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="2013-10-07 or 2013-10-08.")] = "2013-10-07",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where tape, log and report go.")] = Path("tidegate-demo"),
    as_json: Json = False,
) -> None:
    """Replay a day of recorded quotes and trades.

    Three strategies, realistic latencies and fees, the full pipeline; then the result, a log and a report.
    The recording is looked for in TIDEGATE_SHARED_DATA, else in ../shared/data; where there is none, a
    market is generated, and that is said.
    """
    from tidegate.config.reading import read_config
    from tidegate.kernel.mode import Mode
    from tidegate.replay.demo import log_of, make_market, prepare, recorded_files, report_of
    from tidegate.replay.prepare import plan_session
    from tidegate.replay.run import Options

    started = perf_counter()
    files = recorded_files(day)
    prepare(out)
    with printing.progress("making the tape") as told:
        market = make_market(out, day, files, generate=_generate, progress=told)
    printing.note(market.said)
    plan = plan_session(read_config(market.config), [market.tape])
    options = Options(log=log_of(out), report=report_of(out), toolchain=toolchain(Mode.COMPILED))
    done = replaying.run(plan, options)
    if as_json:
        printing.document(done.summary.as_dict() | {"recorded": market.is_recorded, "tape": str(market.tape)})
        return
    _show(done, market, perf_counter() - started)


def _generate(tape: Path, progress: "Progress") -> object:
    from tidegate.simulation.generate import Wish, generate

    return generate(tape, Wish(events=_EVENTS, symbols=_SYMBOLS), progress=progress)


def _show(done: "Replay", market: "Market", seconds: float) -> None:
    replaying.show_table(done)
    summary, name = done.summary, called()
    kind = "recorded" if market.is_recorded else "GENERATED"
    tries = (
        (
            f"{name} explain {replaying.some_order(done)} --log {summary.log}",
            "why this order, check by check",
        ),
        (f"{name} verify {summary.log}", "decide it all again and compare every byte"),
        (f"{name} log show {summary.log} --type decision", "what the risk gate said, and why"),
    )
    wide = max(len(command) for command, _ in tries)
    printing.lines(
        [
            f"{kind} market, whole demo in {seconds:.0f} s",
            f"report: {summary.report}",
            f"log:    {summary.log}",
            "",
            "Three things to try next:",
            *(f"  {command.ljust(wide)}  {what}" for command, what in tries),
        ]
    )
