"""Faults on purpose: what a network and a venue do to a client, each as a small typed spec, the same every time.

A fault acts on the matches after the first `skip`, for `count` of them (0: for ever), each with `chance` drawn from `seed` and the
match's number. Which matches it counts follows from its kind: requests, events of orders, or connections.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final, final

import msgspec

from tidegate.emulators.alpaca.errors import BadFaultsError


class FaultKind(StrEnum):
    """What goes wrong."""

    LOST_REQUEST = "lost_request"  # the connection drops before the venue has read the request
    LOST_ACK = "lost_ack"  # the request takes effect, and the connection drops instead of an answer
    SLOW_ACK = "slow_ack"  # the request takes effect, the answer comes after delay_ms of real time
    RATE_LIMITED = "rate_limited"  # 429, with `retry_after` as it stands: odd texts, negative or huge numbers
    SERVER_ERROR = "server_error"  # `status` with an HTML body; `processed`: after the request took effect
    TRUNCATED_JSON = "truncated_json"  # the request takes effect, half of the body comes
    LATE_EVENT = "late_event"  # an order event comes delay_ms of the emulator's time later
    DUPLICATE_EVENT = "duplicate_event"  # it comes twice
    REORDERED_EVENT = "reordered_event"  # it comes after the one that follows it
    MISSING_EVENT = "missing_event"  # it never comes
    HALF_OPEN = "half_open"  # the connection stays up and is dead: nothing sent, no ping answered
    SILENT_STREAM = "silent_stream"  # pings are answered, data stops
    DISCONNECT = "disconnect"  # the connection drops; with a count over one, a storm
    STALE_POSITIONS = "stale_positions"  # positions as they were `behind` fills ago


class StreamName(StrEnum):
    """Which stream a connection belongs to."""

    ANY = ""
    DATA = "data"
    TRADING = "trading"


BEFORE: Final = frozenset({FaultKind.LOST_REQUEST, FaultKind.RATE_LIMITED})
REQUESTS: Final = BEFORE | {FaultKind.LOST_ACK, FaultKind.SLOW_ACK, FaultKind.SERVER_ERROR, FaultKind.TRUNCATED_JSON}
EVENTS: Final = frozenset({FaultKind.LATE_EVENT, FaultKind.DUPLICATE_EVENT, FaultKind.REORDERED_EVENT, FaultKind.MISSING_EVENT})
STREAMS: Final = frozenset({FaultKind.HALF_OPEN, FaultKind.SILENT_STREAM, FaultKind.DISCONNECT})
_ERRORS: Final = range(400, 600)
_DELAY_MS_MAX: Final = 3_600_000


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault. `path` matches by its beginning; `after_frames` lets a connection carry so many data frames first."""

    kind: FaultKind
    skip: int = 0
    count: int = 1
    chance: float = 1.0
    seed: int = 0
    method: str = ""
    path: str = ""
    event: str = ""
    symbol: str = ""
    stream: StreamName = StreamName.ANY
    after_frames: int = 0
    delay_ms: int = 0
    status: int = 500
    retry_after: str = ""
    processed: bool = False
    behind: int = 1

    def complaint(self) -> str:
        """Say what is wrong with the numbers; empty: nothing."""
        if min(self.skip, self.count, self.after_frames) < 0 or self.behind < 1:
            return "skip, count and after_frames are 0 or more, behind 1 or more"
        if not 0 <= self.chance <= 1:
            return f"chance is from 0 to 1, not {self.chance:g}"
        if not 0 <= self.delay_ms <= _DELAY_MS_MAX:
            return f"delay_ms is from 0 to {_DELAY_MS_MAX}, not {self.delay_ms}"
        if self.status not in _ERRORS:
            return f"status is from 400 to 599, not {self.status}"
        return ""


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Read a file of faults: a YAML or JSON list.

    Raises:
        BadFaultsError: not there, no such list, or a fault that makes no sense.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFaultsError(f"The faults file {path} cannot be read ({error.strerror}); correct the path.") from error
    try:
        return checked(msgspec.yaml.decode(data, type=list[Fault]))
    except msgspec.MsgspecError as error:
        raise BadFaultsError(f"{path} is not a list of faults ({error}); the manual's page on the emulator lists them.") from error
    except BadFaultsError as error:
        raise BadFaultsError(f"{path}: {error}") from None


def checked(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """Return the faults if all make sense.

    Raises:
        BadFaultsError: naming the first that does not.
    """
    for number, fault in enumerate(faults, start=1):
        complaint = fault.complaint()
        if complaint:
            raise BadFaultsError(f"Fault {number} ({fault.kind}) cannot be: {complaint}; correct it.")
    return tuple(faults)


class Armed(msgspec.Struct):
    """A fault with its counts: matches seen, and how often it acted."""

    fault: Fault
    seen: int = 0
    acted: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has acted as often as it may."""
        return bool(self.fault.count) and self.acted >= self.fault.count

    def strikes(self) -> bool:
        """Count a match and tell whether the fault acts on it."""
        fault = self.fault
        self.seen += 1
        if self.seen <= fault.skip or self.is_over or not _drawn(fault, self.seen):
            return False
        self.acted += 1
        return True


def _drawn(fault: Fault, number: int) -> bool:
    if fault.chance >= 1:
        return True
    digest = sha256(f"{fault.seed}|{fault.kind}|{number}".encode()).digest()
    return int.from_bytes(digest[:8]) < fault.chance * 2**64


@final
class Faults:
    """The faults in force, in order; the first that strikes acts alone."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.armed = [Armed(fault) for fault in checked(faults)]

    def set(self, faults: Sequence[Fault]) -> None:
        """Put other faults in force; counts begin anew.

        Raises:
            BadFaultsError: see `checked`.
        """
        self.armed = [Armed(fault) for fault in checked(faults)]

    def add(self, faults: Sequence[Fault]) -> None:
        """Put more faults in force.

        Raises:
            BadFaultsError: see `checked`.
        """
        self.armed += [Armed(fault) for fault in checked(faults)]

    def on_request(self, method: str, path: str) -> Fault | None:
        """Return the fault that strikes a request, counting it."""
        return self._first(
            one
            for one in self.armed
            if one.fault.kind in REQUESTS and one.fault.method.upper() in ("", method) and path.startswith(one.fault.path)
        )

    def on_event(self, event: str, symbol: str) -> Fault | None:
        """Return the fault that strikes an event of an order, counting it."""
        return self._first(
            one for one in self.armed if one.fault.kind in EVENTS and one.fault.event in ("", event) and one.fault.symbol in ("", symbol)
        )

    def on_stream(self, stream: StreamName, frames: int) -> Fault | None:
        """Return the fault that strikes a connection that has carried so many data frames, counting the connection."""
        return self._first(
            one
            for one in self.armed
            if one.fault.kind in STREAMS and one.fault.stream in (StreamName.ANY, stream) and frames >= one.fault.after_frames
        )

    def fills_behind(self) -> int:
        """Return how many fills an answer about positions lags behind."""
        fault = self._first(one for one in self.armed if one.fault.kind is FaultKind.STALE_POSITIONS)
        return fault.behind if fault is not None else 0

    @staticmethod
    def _first(matching: Iterable[Armed]) -> Fault | None:
        return next((one.fault for one in matching if one.strikes()), None)
