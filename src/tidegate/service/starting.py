"""From a mode, a configuration and a home folder to a running trader: keys, clocks, kernels, signals."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
import msgspec
import uvloop

from tidegate.clock.clock import ScaledClock, WallClock
from tidegate.config.reading import read_config
from tidegate.control.home import Home
from tidegate.engine.toolchain import Toolchain
from tidegate.service.key_pipe import PipeKeys
from tidegate.service.key_sources import EnvironmentKeys, KeyringKeys
from tidegate.service.keys import KeySource, read_paper_key
from tidegate.service.log_lines import set_up_log
from tidegate.service.secrecy import close_memory
from tidegate.service.setup import live_section, set_up
from tidegate.service.trader import Tell, Time, Trader, Wish
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import SECOND_NS
from tidegate.venues.alpaca.access import PAPER_HOSTS, Hosts, PaperAccess, local_hosts
from tidegate.venues.waiting import loop_wait, scaled_wait

MODES: Final = ("dry-run", "shadow", "paper", "small-live", "live")
LOCKED: Final = frozenset({"small-live", "live"})
_EMULATOR_S: Final = 5.0


class LockedModeError(TidegateError):
    """A mode that moves real money is not unlocked in this version."""

    exit_code = ExitCode.REFUSED


class UnknownModeError(TidegateError):
    """There is no such mode."""


class EmulatorGoneError(TidegateError):
    """No emulator answers where one was named."""

    exit_code = ExitCode.ENVIRONMENT


class Start(NamedTuple):
    """What a person asked for. origin: of an emulator, instead of the configuration's; empty: as configured."""

    mode: str
    config: str
    home: Path
    origin: str = ""
    patient: bool = False
    keys_fd: int | None = None  # a pipe with the keys, from the supervisor; None: the environment, then the keyring
    beat_fd: int | None = None  # the supervisor's pipe for the heartbeat


class _Pace(msgspec.Struct):
    now_ns: int
    speed: float


def check_mode(mode: str) -> None:
    """Refuse a mode that this version does not trade in.

    Raises:
        UnknownModeError: there is no such mode.
        LockedModeError: it would move real money.
    """
    if mode not in MODES:
        raise UnknownModeError(f"There is no mode {mode!r}; write one of {', '.join(MODES)}.")
    if mode in LOCKED:
        raise LockedModeError(f"Mode {mode} moves real money and is locked in this version; use paper, shadow or dry-run.")


def run(start: Start, toolchain: Toolchain, tell: Tell, *, started: Callable[[Trader], None] | None = None) -> None:
    """Trade until SIGINT or SIGTERM.

    Raises:
        TidegateError: whatever keeps the trader from trading, in one sentence.
    """
    check_mode(start.mode)
    close_memory()
    loaded = read_config(start.config)
    origin = start.origin or live_section(loaded).origin
    key = read_paper_key(_sources(start, origin))
    set_up_log(key.secrets)
    access = PaperAccess(key.key_id.reveal(), key.secret.reveal())
    hosts = local_hosts(origin) if origin else PAPER_HOSTS
    Home(start.home).make()
    setup = set_up(loaded, toolchain)  # last: it may have to compile first

    async def main() -> None:
        time = await _time(hosts) if origin else Time(WallClock(), WallClock(), loop_wait, 1.0)
        trader = Trader(Wish(Home(start.home), setup, start.mode, access, hosts, time, start.patient, start.beat_fd), tell)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, trader.stop)
        if started is not None:
            started(trader)
        await trader.run()

    try:
        uvloop.run(main())
    except* TidegateError as group:
        raise _first(group) from None


def _sources(start: Start, origin: str) -> list[KeySource]:
    if start.keys_fd is not None:
        return [PipeKeys(start.keys_fd)]
    return [EnvironmentKeys()] if origin else [EnvironmentKeys(), KeyringKeys()]


def _first(group: BaseExceptionGroup[TidegateError]) -> TidegateError:
    """One sentence: the first of what ended the tasks."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    assert isinstance(inner, TidegateError)
    return inner


async def _time(hosts: Hosts) -> Time:
    """Return clocks at the pace of an emulator, whose time may run fast.

    Raises:
        EmulatorGoneError: it does not answer.
    """
    wall = WallClock()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_EMULATOR_S)) as session,
            session.get(f"{hosts.trading}/emulator/state") as answer,
        ):
            pace = msgspec.json.decode(await answer.read(), type=_Pace)
    except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
        raise EmulatorGoneError(
            f"No emulator answers at {hosts.trading} ({type(error).__name__}); start one with `tidegate emulate alpaca`, or leave "
            "live.origin empty for the venue itself."
        ) from error
    if pace.speed == 1.0 and abs(pace.now_ns - wall.now_ns()) < SECOND_NS:
        return Time(wall, wall, loop_wait, 1.0)
    speed = pace.speed or 1.0
    return Time(wall, ScaledClock(wall, start_ns=pace.now_ns, speed=speed), scaled_wait(speed), speed)
