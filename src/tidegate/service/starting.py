"""From a mode, a configuration and a home folder to a running trader: keys, clocks, kernels, signals."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
import msgspec
import uvloop

from tidegate.clock.clock import ScaledClock, WallClock
from tidegate.config.reading import read_config
from tidegate.config.stages import STAGE_OF_MODE
from tidegate.control.home import Home
from tidegate.engine.toolchain import Toolchain
from tidegate.service.key_pipe import PipeKeys
from tidegate.service.key_sources import sources_of
from tidegate.service.keys import KeySource, read_live_key, read_paper_key
from tidegate.service.log_lines import set_up_log
from tidegate.service.secrecy import Secret, close_memory
from tidegate.service.setup import live_section, set_up
from tidegate.service.trader import Trader
from tidegate.service.wish import Tell, Time, Wish
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import SECOND_NS
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, Access, Hosts, LiveAccess, PaperAccess, check_hosts, local_hosts
from tidegate.venues.waiting import loop_wait, scaled_wait

MODES: Final = ("dry-run", "shadow", "paper", "small-live", "live")
_EMULATOR_S: Final = 5.0


class UnknownModeError(TidegateError):
    """No mode has this name."""


class UnsafePythonError(TidegateError):
    """Python was told to leave assertions out, and real money is not traded without them."""

    exit_code = ExitCode.REFUSED


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
    keys_fd: int | None = None  # a pipe with the keys, from the supervisor; None: from where `sources_of` says
    beat_fd: int | None = None  # the supervisor's pipe for the heartbeat


class _Pace(msgspec.Struct):
    now_ns: int
    speed: float


def check_mode(mode: str, *, asserts: bool = __debug__) -> None:
    """Refuse a mode that does not exist, and real money under a Python without assertions.

    Raises:
        UnknownModeError: no mode has this name.
        UnsafePythonError: `python -O` or PYTHONOPTIMIZE.
    """
    if mode not in MODES:
        raise UnknownModeError(f"There is no mode {mode!r}; use {', '.join(MODES[:-1])} or {MODES[-1]}.")
    if mode in STAGE_OF_MODE and not asserts:
        raise UnsafePythonError(f"Mode {mode} does not start under python -O, which leaves checks out; start without it.")


def access_of(mode: str, sources: Sequence[KeySource], origin: str) -> tuple[Access, Hosts, tuple[Secret, ...]]:
    """Return the key that a mode needs, where it goes, and what no line may show: real money has live keys and live hosts.

    origin: of an emulator on this machine; empty: the venue itself.

    Raises:
        MissingKeyError, WrongKeyError, KeySourceError: there is no such key.
        AccessError: the key must not go there.
    """
    access: Access
    if mode in STAGE_OF_MODE:
        live = read_live_key(sources)
        access, hosts, secrets = LiveAccess(live.key_id.reveal(), live.secret.reveal()), LIVE_HOSTS, live.secrets
    else:
        paper = read_paper_key(sources)
        access, hosts, secrets = PaperAccess(paper.key_id.reveal(), paper.secret.reveal()), PAPER_HOSTS, paper.secrets
    hosts = local_hosts(origin) if origin else hosts
    check_hosts(access, hosts)
    return access, hosts, secrets


def run(start: Start, toolchain: Toolchain, tell: Tell, *, started: Callable[[Trader], None] | None = None) -> None:
    """Trade until SIGINT or SIGTERM.

    Raises:
        TidegateError: whatever keeps the trader from trading, in one sentence.
    """
    check_mode(start.mode)
    close_memory()
    loaded = read_config(start.config)
    origin = start.origin or live_section(loaded).origin
    access, hosts, secrets = access_of(start.mode, _sources(start, origin), origin)
    set_up_log(secrets)
    Home(start.home).make()
    setup = set_up(loaded, toolchain, start.mode)  # last: it may have to compile first

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
    return sources_of(origin) if start.keys_fd is None else [PipeKeys(start.keys_fd)]


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
