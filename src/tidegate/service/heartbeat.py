"""The trader's heartbeat: a pipe inherited from the supervisor, and on it one beat every half second out of the event loop.

A loop that hangs stops beating, whatever its threads do. A beat carries the monotonic time at which it was made, which one
machine's processes share, so that beats read late are not taken for beats made late.
"""

import os
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.values.time import MILLISECOND_NS
from tidegate.venues.waiting import Wait, loop_wait

BEAT_NS: Final = 500 * MILLISECOND_NS
_BEAT: Final = struct.Struct("<qB")  # far below PIPE_BUF: a beat is written whole or not at all
_READ_BYTES: Final = 4_096


class Stage(IntEnum):
    """How far the trader is; told with each beat, for health checks."""

    STARTING = 0  # recovering, reconciling, warming: alive, and does not trade
    READY = 1  # trades, as far as gates allow
    STOPPING = 2


class Beat(NamedTuple):
    """One sign of life."""

    made_ns: int  # monotonic
    stage: Stage


@final
class Heart:
    """The trader's end. Run `beat_for_ever` as a task of the loop that trades; set `stage` as the start proceeds."""

    def __init__(self, handle: int, clock: Clock, *, orphaned: Callable[[], None]) -> None:
        """Take over the inherited end of the pipe.

        Args:
            handle: its file descriptor; no process started later inherits it.
            clock: the machine's own: beats are compared with the supervisor's time.
            orphaned: called once if the supervisor is gone: stop in order, for nobody watches or starts again.
        """
        self.stage = Stage.STARTING
        self._handle = handle
        self._clock = clock
        self._orphaned = orphaned
        os.set_blocking(handle, False)
        os.set_inheritable(handle, False)  # noqa: FBT003 - takes no name

    async def beat_for_ever(self, wait: Wait = loop_wait) -> None:
        """Beat until canceled, or until nobody listens."""
        while self.beat():
            await wait(BEAT_NS)
        self._orphaned()

    def beat(self) -> bool:
        """Beat once; False: the supervisor is gone."""
        try:
            os.write(self._handle, _BEAT.pack(self._clock.monotonic_ns(), self.stage))
        except BlockingIOError:
            return True  # it is there and does not read: the beats in the pipe speak for us
        except BrokenPipeError:
            return False
        return True

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._handle)


@final
class Pulse:
    """The supervisor's end: the newest beat of one process."""

    def __init__(self, handle: int) -> None:
        self.last: Beat | None = None
        self._handle = handle
        self._rest = b""
        os.set_blocking(handle, False)

    def read(self) -> Beat | None:
        """Take in whatever was beaten since, and return the newest beat; None: there was none yet."""
        while data := self._some():
            data = self._rest + data
            whole = len(data) // _BEAT.size * _BEAT.size
            self._rest = data[whole:]
            for made_ns, stage in _BEAT.iter_unpack(data[:whole]):
                self.last = Beat(made_ns, Stage(stage))
        return self.last

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._handle)

    def _some(self) -> bytes:
        try:
            return os.read(self._handle, _READ_BYTES)
        except BlockingIOError:
            return b""
