"""Runs an emulator until somebody stops it: the tape, the clock of its speed, uvloop, signals."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import uvloop

from tidegate.clock.clock import ManualClock, ScaledClock, WallClock
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.errors import BadSettingsError
from tidegate.emulators.alpaca.faults import Fault, read_faults
from tidegate.emulators.alpaca.server import Addresses, Server
from tidegate.emulators.alpaca.settings import EmulatorSettings
from tidegate.emulators.alpaca.world import World
from tidegate.kernel.address import COMPILED_FORMS
from tidegate.kernel.compile import Compiler
from tidegate.tapes.format import Tape

SPEED_MAX: Final = 1_000.0


class Wish(NamedTuple):
    """What to emulate. `speed` is tape seconds per second; 0: time stands still until it is stepped."""

    tapes: Sequence[Path]
    settings: EmulatorSettings
    speed: float = 1.0
    port: int = 0
    faults: Sequence[Fault] = ()
    reference: Reference = Reference()


class Started(NamedTuple):
    """An emulator that listens."""

    addresses: Addresses
    settings: EmulatorSettings
    symbols: Sequence[str]


def faults_of(path: Path | None) -> tuple[Fault, ...]:
    """Return the faults of a file; none where none is named.

    Raises:
        BadFaultsError: see `read_faults`.
    """
    return read_faults(path) if path is not None else ()


def reference_of(path: Path | None) -> Reference:
    """Return the reference data of a file; none where none is named.

    Raises:
        BadReferenceError: see `Reference.read`.
    """
    return Reference.read(path) if path is not None else Reference()


def compiler_in(cache_directory: str) -> Compiler:
    """Return a compiler for the simulated venue, which keeps what it compiles in a directory (empty: nowhere)."""
    return Compiler(cache_directory, COMPILED_FORMS)


def make_world(wish: Wish, compiler: Compiler | None) -> tuple[World, ManualClock | None]:
    """Return an emulator that does not listen yet, and the clock to step it by, where its time stands still.

    Raises:
        TapeError: a tape cannot be read or is damaged.
        WrongTapeError: nothing on the tapes is traded at this venue.
        BadSettingsError: a speed that cannot be, or see `EmulatorSettings.check`.
    """
    if not 0 <= wish.speed <= SPEED_MAX:
        raise BadSettingsError(f"Speed {wish.speed:g} is not from 0 (stepped) to {SPEED_MAX:g}; choose another.")
    tapes = [Tape.open(path) for path in wish.tapes]
    for tape in tapes:
        tape.check()
    wall = WallClock()
    manual = None if wish.speed else ManualClock(wall.now_ns())
    clock = manual or ScaledClock(wall, start_ns=wall.now_ns(), speed=wish.speed)
    world = World(tapes, wish.settings, clock, reference=wish.reference, compiler=compiler)
    world.faults.add(wish.faults)
    return world, manual


def run(wish: Wish, compiler: Compiler | None, *, started: Callable[[Started], None]) -> None:
    """Emulate until SIGINT or SIGTERM; `started` is told once it listens.

    Raises:
        PortTakenError: somebody else listens on the port.
        TidegateError: see `make_world`.
    """
    world, clock = make_world(wish, compiler)
    uvloop.run(_serve(world, clock, wish, started))


async def _serve(world: World, clock: ManualClock | None, wish: Wish, started: Callable[[Started], None]) -> None:
    server = Server(world, port=wish.port, speed=wish.speed, clock=clock)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    addresses = await server.start()
    try:
        started(Started(addresses, wish.settings, world.floor.assets.symbols()))
        await stop.wait()
    finally:
        await server.stop()
