"""`tidegate emulate`: a venue's wire protocol on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.kernels import Pure, compiling_note
from tidegate.cli.words import Json, finite

if TYPE_CHECKING:
    from tidegate.emulators.alpaca.running import Started
    from tidegate.kernel.compile import Compiler

_PORT: Final = 8_700
_EVENTS: Final = 200_000
_SYMBOLS: Final = 4
_SHOWN: Final = 12


def alpaca(
    *,
    tape: Annotated[
        list[Path] | None,
        typer.Option("--tape", metavar="FILE", help="A tape to play, may be repeated; none: a generated market.", show_default=False),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.0, callback=finite, metavar="X", help="Seconds of the tape per second; 0: stepped.")] = 1.0,
    begin: Annotated[str, typer.Option("--from", metavar="WHEN", help="Where on the tape: open, first, or HH:MM of New York.")] = "open",
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="Where to listen on 127.0.0.1; 0: anywhere.")] = _PORT,
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="Faults to make, a YAML or JSON list.", show_default=False)
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Assets, option contracts, corporate actions, as JSON.", show_default=False),
    ] = None,
    cash: Annotated[str, typer.Option(metavar="USD", help="What the account begins with.")] = "100000",
    seed: Annotated[int | None, typer.Option(min=0, metavar="N", help="Makes ids; unset: the time.", show_default=False)] = None,
    live: Annotated[bool, typer.Option("--live", help="Play the live side: a live key, text frames on the trading stream.")] = False,
    pure: Pure = False,
    as_json: Json = False,
) -> None:
    """Be Alpaca: REST, market data and trading streams on a tape that plays now.

    Any client of Alpaca, alpaca-py among them, trades here without keys, money or a network. Ctrl-C stops it.
    """
    from tidegate.emulators.alpaca.running import Wish, faults_of, reference_of, run
    from tidegate.emulators.alpaca.settings import KEY, LIVE_KEY, AccountSettings, EmulatorSettings

    wanted, known = faults_of(faults), reference_of(reference)
    account = AccountSettings(key=LIVE_KEY if live else KEY, cash_usd=cash, live=live)
    settings = EmulatorSettings(accounts=(account,), begin=begin, seed=_now() if seed is None else seed)
    settings.check()
    with _tapes(tape) as tapes:
        wish = Wish(tapes, settings, speed=speed, port=port, faults=wanted, reference=known)
        run(wish, None if pure else _compiler(), started=lambda started: _tell(started, as_json=as_json))
    printing.note("Stopped.")


@contextmanager
def _tapes(given: list[Path] | None) -> Iterator[list[Path]]:
    """Yield the tapes to play: those given, or one of a generated market, which goes away in the end."""
    if given:
        yield given
        return
    from tidegate.simulation.generate import Wish, generate

    with TemporaryDirectory(prefix="tidegate-emulator-") as folder:
        path = Path(folder) / "market.tape"
        with printing.progress("generating a market") as told:
            generate(path, Wish(events=_EVENTS, symbols=_SYMBOLS), progress=told)
        printing.note("GENERATED market with made-up prices; give a recorded one with --tape.")
        yield [path]


def _compiler() -> "Compiler":
    from tidegate.emulators.alpaca.running import compiler_in
    from tidegate.recovery.machine import kernel_cache

    note = compiling_note()
    if note is not None:
        note("preparing the compiled venue (once per version; some seconds)")
    return compiler_in(kernel_cache())


def _now() -> int:
    from tidegate.clock.clock import WallClock

    return WallClock().now_ns()


def _tell(started: "Started", *, as_json: bool) -> None:
    at, account = started.addresses, started.settings.accounts[0]
    if as_json:
        printing.document(at._asdict() | {"key": account.key, "secret": account.secret, "symbols": list(started.symbols)})
        return
    shown = ", ".join(started.symbols[:_SHOWN]) + (", …" if len(started.symbols) > _SHOWN else "")
    printing.lines(
        [
            f"Alpaca is emulated at {at.rest} (trading and data), with {shown}.",
            f"key {account.key}, secret {account.secret}",
            "",
            "Point alpaca-py at it:",
            f'  TradingClient("{account.key}", "{account.secret}", url_override="{at.rest}")',
            f'  StockHistoricalDataClient("{account.key}", "{account.secret}", url_override="{at.rest}")',
            f'  TradingStream("{account.key}", "{account.secret}", url_override="{at.trading_stream}")',
            f'  StockDataStream("{account.key}", "{account.secret}", url_override="{at.stock_stream}")',
            "",
            f"State: {at.rest}/emulator/state; faults: {at.rest}/emulator/faults. Ctrl-C stops it.",
        ]
    )
