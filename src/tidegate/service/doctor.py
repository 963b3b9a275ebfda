"""What `tidegate doctor` looks at. Reads only: a doctor that makes or migrates something could not be run beside a trader."""

import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tidegate.control.client import ControlClient
from tidegate.control.errors import NoTraderError
from tidegate.control.home import OTHERS, Home, HomeUnusableError
from tidegate.control.protocol import Doctor
from tidegate.control.replies import DoctorReply
from tidegate.journal import read
from tidegate.journal.errors import NotALogError
from tidegate.service.doctor_line import Grade, Line
from tidegate.service.doctor_venue import check_keys, check_skew, emulator_of
from tidegate.service.keys import KeySource
from tidegate.service.ledger.looking import Shape, shape_of
from tidegate.service.sentinel import read_kills
from tidegate.values.errors import TidegateError

PYTHON_MIN: Final = (3, 11)
PLATFORMS: Final = {"linux": "Linux", "darwin": "macOS"}
DISK_FAIL_BYTES: Final = 1 << 30
DISK_WARN_BYTES: Final = 10 << 30
PATIENCE_S: Final = 5.0
_GIB: Final = 1 << 30


def examine(home: Home, places: Callable[[str], Sequence[KeySource]], *, mode: str, venue: str, kernels_kept: bool) -> list[Line]:
    """Return every check, in order of what rests on what.

    Args:
        home: the trader's folder.
        places: gives where keys may be, by the address of an emulator (empty: a venue itself); asked once.
        mode: whose keys are looked for; empty: paper, and a missing key is no failure.
        venue: whose clock is compared; empty: none's, and nothing leaves the machine.
        kernels_kept: whether compiled kernels of this very code are kept.

    Raises:
        TidegateError: mode or venue are no words of ours.
    """
    origin = emulator_of(venue)
    look = cache(lambda: places(origin))  # the environment is wiped as it is read, so it can be read once
    keys = check_keys(look, mode)
    clocks = (check_skew(look, venue),) if venue else ()
    return [
        _python(),
        _platform(),
        _kernels(kept=kernels_kept),
        _home(home),
        _disk(home),
        _ledger(home),
        _log(home),
        keys,
        *clocks,
        _kill_file(home),
        *_trader(home),
    ]


def _python() -> Line:
    seen = f"{platform.python_implementation()} {platform.python_version()}"
    fine = sys.version_info[:2] >= PYTHON_MIN and platform.python_implementation() == "CPython"
    return Line(Grade.OK if fine else Grade.FAIL, "python", seen, "" if fine else "run tidegate with CPython 3.11 or newer")


def _platform() -> Line:
    name = PLATFORMS.get(sys.platform)
    seen = f"{name or sys.platform} {platform.machine()}"
    return Line(Grade.OK if name else Grade.FAIL, "platform", seen, "" if name else "tidegate runs on Linux and macOS")


def _kernels(*, kept: bool) -> Line:
    if kept:
        return Line(Grade.OK, "kernels", "compiled and kept")
    return Line(Grade.WARN, "kernels", "not compiled yet", "the next start takes up to half a minute longer; `tidegate demo` compiles them")


def _home(home: Home) -> Line:
    if not home.root.exists():
        return Line(Grade.WARN, "home", f"{home.root} is not there", "`tidegate up` makes it; or name another with --home")
    try:
        home.check()
    except HomeUnusableError as error:
        return Line(Grade.FAIL, "home", str(home.root), str(error))
    return Line(Grade.OK, "home", f"{home.root}, for this user alone")


def _disk(home: Home) -> Line:
    there = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    seen = f"{free / _GIB:.1f} GiB free at {there}"
    if free < DISK_FAIL_BYTES:
        return Line(Grade.FAIL, "disk", seen, "make room: without a log no order leaves")
    if free < DISK_WARN_BYTES:
        return Line(Grade.WARN, "disk", seen, "make room soon: a busy day writes several GiB of log")
    return Line(Grade.OK, "disk", seen)


def _ledger(home: Home) -> Line:
    if not home.ledger.exists():
        return Line(Grade.OK, "ledger", "none yet; the first start makes it")
    try:
        shape = shape_of(home.ledger)
    except TidegateError as error:
        return Line(Grade.FAIL, "ledger", str(home.ledger), str(error))
    if home.ledger.stat().st_mode & OTHERS:
        return Line(Grade.WARN, "ledger", f"{home.ledger} is open to others", f"run chmod 600 {home.ledger}")
    return _ledger_shape(home.ledger, shape)


def _ledger_shape(path: Path, shape: Shape) -> Line:
    seen = f"{path}, version {shape.found or 'none'}"
    if shape.found == shape.newest:
        return Line(Grade.OK, "ledger", seen)
    if shape.known:
        return Line(Grade.WARN, "ledger", seen, f"the next start brings it to version {shape.newest}")
    return Line(Grade.FAIL, "ledger", seen, "a newer version of tidegate wrote it: upgrade, or name another --home")


def _log(home: Home) -> Line:
    if not home.log.exists():
        return Line(Grade.OK, "log", "none yet; the first start makes it")
    try:
        reader = read(home.log)
    except NotALogError:
        return Line(Grade.OK, "log", f"{home.log} holds no session yet")
    except TidegateError as error:
        return Line(Grade.FAIL, "log", str(home.log), str(error))
    last = reader.opening.session_id
    ended = "sealed" if reader.sealed else "open, or broken off"
    count = len(reader.sessions)
    return Line(
        Grade.OK,
        "log",
        f"{count} {'session' if count == 1 else 'sessions'}, the last {last} ({ended}, judged to input {reader.judged_to:,})",
    )


def _kill_file(home: Home) -> Line:
    kills = read_kills(home)
    if not kills:
        return Line(Grade.OK, "kill file", "none")
    told = "; ".join(f"{kill.scope.value} {kill.key}".strip() + f" by {kill.actor}: {kill.reason or 'no reason'}" for kill in kills)
    return Line(Grade.WARN, "kill file", told, "`tidegate resume --reason …` takes it away, with a trader running")


def _trader(home: Home) -> Iterator[Line]:
    try:
        reply = ControlClient(home.socket, timeout_s=PATIENCE_S).ask(Doctor(), DoctorReply)
    except NoTraderError:
        yield Line(Grade.OK, "trader", f"none runs in {home.root}")
        return
    except TidegateError as error:
        yield Line(Grade.FAIL, "trader", str(home.socket), str(error))
        return
    yield Line(Grade.OK, "trader", f"{reply.mode}, session {reply.session}")
    for check in reply.checks:
        bad = Grade.FAIL if check.grave else Grade.WARN
        yield Line(Grade.OK if check.ok else bad, f"trader: {check.name}", check.seen, check.advice)
