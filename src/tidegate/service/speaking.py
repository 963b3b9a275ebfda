"""What a supervisor says, written by a thread: a terminal that is held or a log pipe that is stuck stops nobody who watches."""

import sys
import threading
from collections import deque
from typing import BinaryIO, Final, final

KEPT_BYTES_MAX: Final = 4 << 20
_END_S: Final = 2.0


@final
class Speaker:
    """Lines to a stream, in order. `say` never waits; what does not fit any more is left out, and that is said."""

    def __init__(self, stream: BinaryIO | None = None, *, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        """Begin to write to a stream, standard error if none is given."""
        self._stream = stream or sys.stderr.buffer
        self._kept_bytes_max = kept_bytes_max
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._left_out = 0
        self._ending = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="speaker", daemon=True)
        self._thread.start()

    def say(self, lines: bytes) -> None:
        """Hand whole lines over."""
        with self._changed:
            if self._bytes + len(lines) > self._kept_bytes_max:
                self._left_out += lines.count(b"\n")
                return
            if self._left_out:
                self._waiting.append(b"%d lines were left out here: nobody took them.\n" % self._left_out)
                self._left_out = 0
            self._waiting.append(lines)
            self._bytes += len(lines)
            self._changed.notify()

    def close(self) -> None:
        """Write what is left, as far as somebody takes it within two seconds."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(_END_S)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ending)
                if not self._waiting:
                    return
                lines = self._waiting.popleft()
            try:
                self._stream.write(lines)
                self._stream.flush()
            except (OSError, ValueError):  # its reader went away, or it was closed: nobody is left to be told
                return
            with self._changed:
                self._bytes = max(self._bytes - len(lines), 0)
