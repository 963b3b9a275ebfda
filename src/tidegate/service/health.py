"""How the service is: a small file that the supervisor writes every other second, and the two questions that are asked of it.

*Live*: supervisor and children run, and the trader's loop beats or has not had its time to begin. *Ready*: it trades as far as
its gates allow. The age of the file is told by monotonic time, which no setting of the wall clock makes old or young.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from tidegate.service.restarts import ChildState
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

HEALTH_FILE: Final = "health.json"
WRITE_NS: Final = 2 * SECOND_NS
STALE_NS: Final = 15 * SECOND_NS
_MODE: Final = 0o644  # no secret in it; whoever checks health may be another user


class NoHealthError(TidegateError):
    """There is no readable health file: the service never ran here, or runs under another home."""

    exit_code = ExitCode.ANSWER_IS_NO


class ChildHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One child: pid 0 while it does not run; last_exit as `restarts.Ended.code`, None before the first end."""

    name: str
    state: ChildState
    pid: int
    restarts: int
    last_exit: int | None
    said: str = ""  # the supervisor's newest sentence about it
    essential: bool = True  # False: the service lives without it


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    written: str  # UTC
    written_monotonic_ns: int
    pid: int
    stopping: bool
    children: tuple[ChildHealth, ...]
    beats: bool  # whether a trader is to beat
    beat_age_ms: int | None  # None: none yet
    stage: str  # of the trader; "" before its first beat
    silent: bool  # for longer than the watchdog bears
    closing: str = ""  # why the watchdog closes the account now
    closed: str = ""  # why it did last


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to "is it live?" or "is it ready?" with the reason."""

    ok: bool
    why: str
    health: Health


def write_health(home: Path, health: Health) -> None:
    """Put a new health file in the place of the old one; a reader sees either whole.

    Raises:
        OSError: it cannot be written.
    """
    path = home / HEALTH_FILE
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(health) + b"\n")
    draft.replace(path)


def read_health(home: Path) -> Health:
    """Return what the file says.

    Raises:
        NoHealthError: there is none, or it is no health file of this version.
    """
    path = home / HEALTH_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Health)
    except (OSError, msgspec.MsgspecError) as error:
        raise NoHealthError(f"There is no health of a service in {home}; start it with `tidegate up`, or name its --home.") from error


def judge(health: Health, now_ns: int, *, ready: bool) -> Verdict:
    """Answer whether the service is live, or ready as well, at a monotonic time."""
    why = _not_live(health, now_ns) or (_not_ready(health) if ready else "")
    return Verdict(ok=not why, why=why or ("ready" if ready else "live"), health=health)


def _not_live(health: Health, now_ns: int) -> str:
    age_ns = now_ns - health.written_monotonic_ns
    if not 0 <= age_ns <= STALE_NS:
        return f"the supervisor does not write its health any more (since {health.written})"
    down = [child for child in health.children if child.essential and child.state is not ChildState.RUNNING]
    if down:
        return f"the {down[0].name} is {down[0].state.value}"
    if health.silent:
        return f"the trader does not beat (newest beat {_age(health.beat_age_ms)})"
    return ""


def _not_ready(health: Health) -> str:
    if health.closing:
        return f"the watchdog is closing the account ({health.closing})"
    if health.beats and health.stage != READY:
        return f"the trader is {health.stage or 'not up yet'}"
    return ""


READY: Final = "ready"


def _age(age_ms: int | None) -> str:
    return "never came" if age_ms is None else f"{age_ms * MILLISECOND_NS / SECOND_NS:.1f} s ago"
