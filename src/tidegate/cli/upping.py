"""`tidegate up`: the always-on service, supervised; with --demo against the emulated venue, with nothing to set up."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.exits import UsageProblemError
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.kernels import compiling_note
from tidegate.cli.words import Json, called, finite
from tidegate.values.errors import ExitCode, TidegateError

if TYPE_CHECKING:
    from subprocess import Popen

_DAY: Final = "2013-10-07"
_EVENTS: Final = 400_000
_SYMBOLS: Final = 4
_FOLDER: Final = Path("tidegate-demo")
_DEMO_MODES: Final = frozenset({"dry-run", "shadow", "paper"})


class DemoModeError(TidegateError):
    """The demo was asked to trade real money. Nothing was started."""

    exit_code = ExitCode.REFUSED


def up(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Trade an emulated venue on a recorded or generated market.")] = False,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="dry-run, shadow, paper, small-live or live.")] = "paper",
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="The configuration.", show_default=False)] = "",
    home: HomeFolder = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, metavar="N", help="Of the demo's venue; 0: anywhere.")] = 0,
    speed: Annotated[
        float, typer.Option("--speed", min=1.0, max=60.0, callback=finite, metavar="X", help="The demo's seconds per second.")
    ] = 10.0,
    patient: Annotated[bool, typer.Option("--patient", help="Wait for another trader to go instead of refusing.")] = False,
    as_json: Json = False,
) -> None:
    """Trade until Ctrl-C: the trader, a watchdog beside it, and with --demo the venue itself.

    Keys come from ALPACA_PAPER_API_KEY and ALPACA_PAPER_API_SECRET, for small-live and live from ALPACA_API_KEY
    and ALPACA_API_SECRET: variables, files of a credentials folder, lines of the age file TIDEGATE_KEYS_FILE
    (opened by TIDEGATE_KEYS_IDENTITY), or the keyring; the demo needs none. Small-live and live need a
    configuration that was promoted so far (`tidegate config promote`). The demo begins anew each time, in a
    folder of its own within --home (unset: tidegate-demo), and says in which.
    """
    from tidegate.service.starting import check_mode
    from tidegate.service.upstart import demo_plan, run, venue_plan

    check_mode(mode)
    if demo and mode not in _DEMO_MODES:
        raise DemoModeError(
            f"The demo trades an emulated paper account; mode {mode} needs --config FILE, and a version that holds its stage."
        )
    if demo and config:
        raise UsageProblemError("The demo has a configuration of its own; leave --config out, or --demo.")
    if not demo and not config:
        raise UsageProblemError("Say what is to be traded with --config FILE, or try `tidegate up --demo`.")
    if demo:
        market, shown = _demo_market(home)
        service = demo_plan(market[0], market[1], home_of(shown), argv=_argv(), mode=mode, speed=speed, port=port)
        printing.note(market[2])
        _tell_demo(home_of(shown).root, speed)
    else:
        service = venue_plan(config, home_of(home), argv=_argv(), mode=mode, patient=patient)
    code = run(service)
    if as_json:
        printing.document({"exit_code": code, "home": str(service.plan.home)})
    if code:
        raise typer.Exit(code)


def _argv() -> Sequence[str]:
    """Return how this very program is started again."""
    return (sys.executable, "-m", "tidegate")


def _demo_market(home: Path | None) -> tuple[tuple[str, Path, str], Path]:
    """Return (configuration, tape, how to speak of it) and the home of the demo; kernels are compiled meanwhile."""
    from tidegate.replay.demo import make_market, prepare, recorded_files
    from tidegate.simulation.generate import Wish, generate

    folder = home or _FOLDER
    prepare(folder)
    compiling = _compile_meanwhile()
    files, wish = recorded_files(_DAY), Wish(events=_EVENTS, symbols=_SYMBOLS)
    with printing.progress("making the tape") as told:
        market = make_market(folder, _DAY, files, generate=lambda tape, seen: generate(tape, wish, progress=seen), progress=told)
    for process in compiling:
        process.wait()  # one that failed is no matter: whoever needs the kernel compiles it, and says what is wrong
    name = "demo-recorded" if market.is_recorded else "demo-generated"
    return (name, market.tape, market.said), _fresh_home(folder)


def _compile_meanwhile() -> list["Popen[bytes]"]:
    """Start compiling both kernels, each in a process of its own, where they are not kept from before."""
    from subprocess import DEVNULL, Popen

    told = compiling_note()
    if told is None:
        return []
    told("compiling the senses and the venue (once per version; up to half a minute)")
    parts = ("senses", "venue")
    return [
        Popen([*_argv(), "kernels", "--part", part], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)  # noqa: S603 - this very program
        for part in parts
    ]


def _fresh_home(folder: Path) -> Path:
    """Return an empty home for this demo; the emulated account begins anew each time, so the trader does too."""
    number = 1
    while (folder / f"home-{number}").exists():
        number += 1
    return folder / f"home-{number}"


def _tell_demo(home: Path, speed: float) -> None:
    where = f"--home {os.path.relpath(home)}"
    tries = (
        (f"{called()} status {where}", "how it stands"),
        (f"{called()} orders {where}", "what it ordered; then `explain ORDER_ID`"),
        (f"{called()} positions {where}", "what it holds"),
        (f"{called()} kill {where}", "stop everything at once"),
    )
    wide = max(len(command) for command, _ in tries)
    printing.lines(
        [
            f"Trading an emulated Alpaca at {speed:g} times the speed of the market. Ctrl-C stops it.",
            "In another terminal, in this folder:",
            *(f"  {command.ljust(wide)}  {what}" for command, what in tries),
        ]
    )
