"""`LogWriter`: what the engine took in and gave out becomes blocks, in order, cheaply.

An act costs one frame and two appends to a byte buffer; checksums, hashes and the disk are paid per block.
Nothing is durable before `flush` returns, and nothing may leave the process before its cause is durable.

The writer holds the order of the log to account: inputs are numbered without gaps, acts follow their input.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidegate.events.codec import encode_opening
from tidegate.events.records import RECORD, RECORD_BYTES
from tidegate.events.session import SessionOpened
from tidegate.journal.chain import Piece, SegmentChain, Totals
from tidegate.journal.errors import LogExistsError, LogUnwritableError
from tidegate.journal.files import segment_numbers
from tidegate.journal.layout import FRAME, NO_N, SPAN_COUNT, BlockKind, EntryKind, Start
from tidegate.journal.recovery import end_of_log

SEGMENT_BYTES_MAX = 256 << 20
BLOCK_BYTES_MAX = 256 << 10

_frame = FRAME.pack
_INPUT, _ACT, _EVIDENCE = int(EntryKind.INPUT), int(EntryKind.ACT), int(EntryKind.EVIDENCE)
_SPAN, _JUDGED = int(EntryKind.SPAN), int(EntryKind.JUDGED)


class LogWriter:
    """The one writer of a log, for one session, used from one thread."""

    def __init__(
        self,
        directory: Path,
        opening: SessionOpened,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        block_bytes_max: int = BLOCK_BYTES_MAX,
        continuing: bool = False,
    ) -> None:
        """Begin a session's log; the directory is made if it is missing.

        Args:
            directory: where the segments stand.
            opening: the session's first entry.
            segment_bytes_max: a segment is sealed and the next begun before it grows past this.
            block_bytes_max: a block is written when its payload reaches this.
            continuing: add a session to the log that stands there (its torn end is cut, its open segment
            sealed).

        Raises:
            LogExistsError: a log stands there and this session does not continue it.
            DamagedLogError: it is to be continued and is damaged.
            LogUnwritableError: the disk refuses.
        """
        start, session = Start(), 0
        if segment_numbers(directory):
            if not continuing:
                raise LogExistsError(f"{directory} already holds a golden log; name another directory.")
            start, session = end_of_log(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LogUnwritableError(f"The log {directory} cannot be made ({error.strerror}); name another directory.") from error
        self._chain = SegmentChain(
            directory,
            start,
            opening=encode_opening(opening),
            session=session,
            segment_bytes_max=segment_bytes_max,
        )
        self._block_bytes_max = block_bytes_max
        self._buffer = bytearray()  # framed entries of the next ENTRIES block
        self._entries = 0  # how many, acts aside
        self._acts = 0
        self._acts_written = 0
        self._inputs = 0
        self._evidence = 0
        self._last_n = NO_N
        self._judged_to = NO_N
        self._judged_written = NO_N
        self._run_first = NO_N  # market records given but not yet in the buffer or in a block
        self._run_count = 0
        self._run_bytes = bytearray()  # empty: they are only referred to

    def input(self, n: int, message: bytes) -> None:
        """Log an input that is not a market record.

        Raises:
            LogUnwritableError: a block was full and the disk refuses it.
        """
        if self._run_count:
            self._end_run()
        self._count_inputs(n, 1)
        self._frame(_INPUT, n, message)

    def act(self, n: int, k: int, message: bytes) -> None:
        """Log act k of input n.

        Raises:
            LogUnwritableError: a block was full and the disk refuses it.
        """
        if self._run_count:
            self._end_run()
        assert n == self._last_n, "an act follows its input"
        buffer = self._buffer
        buffer += _frame(len(message), _ACT, 0, n, k)
        buffer += message
        self._acts += 1
        if len(buffer) >= self._block_bytes_max:
            self._end_block()

    def span(self, n_first: int, count: int) -> None:
        """Log that inputs n_first, n_first+1, ... are the next `count` records of the session's merged tapes.

        Raises:
            LogUnwritableError: a block was full and the disk refuses it.
        """
        if self._run_bytes:
            self._end_run()
        if count:
            self._extend_run(n_first, count)

    def records(self, n_first: int, records: NDArray[np.void]) -> None:
        """Log market records themselves; the first is input n_first.

        Raises:
            LogUnwritableError: a block was full and the disk refuses it.
        """
        assert records.dtype == RECORD
        if self._run_count and not self._run_bytes:
            self._end_run()
        self._end_block()
        at, per_block = 0, max(1, self._block_bytes_max // RECORD_BYTES)
        while at < len(records):
            part = records[at : at + per_block - self._run_count]
            self._extend_run(n_first + at, len(part))
            self._run_bytes += part.tobytes()
            at += len(part)
            if self._run_count >= per_block:
                self._end_run()

    def evidence(self, message: bytes) -> None:
        """Log a venue's raw bytes before they are mapped.

        Raises:
            LogUnwritableError: a block was full and the disk refuses it.
        """
        if self._run_count:
            self._end_run()
        self._evidence += 1
        self._frame(_EVIDENCE, self._last_n, message)

    def judged(self, n: int) -> None:
        """Note that all acts of all inputs up to n have been given; the next block says so."""
        assert self._judged_to <= n <= self._last_n
        self._judged_to = n

    @property
    def judged_to(self) -> int:
        """Return the newest mark; -1: none."""
        return self._judged_to

    @property
    def segment(self) -> int:
        """Return the number of the segment that is written to."""
        return self._chain.segment

    def rotate(self) -> None:
        """Write what is buffered, seal the segment, durably, and begin the next; a segment that holds nothing yet stays.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        self._write_out()
        self._chain.rotate()

    def flush(self) -> int:
        """Write what is buffered, wait until the disk has it, return the durable watermark: the last input.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        self._write_out()
        self._chain.sync()
        return self._last_n

    def close(self, *, state_sha256: str = "") -> None:
        """Write what is buffered and seal the log with final counts and the hash of the final state.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        self._write_out()
        self._chain.close(Totals(self._inputs, self._acts, self._evidence, state_sha256))

    def abandon(self) -> None:
        """Let go of the files without writing what is buffered: the log is left as a crash would leave it."""
        self._chain.abandon()

    def _count_inputs(self, n: int, count: int) -> None:
        assert n == self._last_n + 1 or self._last_n == NO_N, "inputs are numbered without gaps"
        self._last_n = n + count - 1
        self._inputs += count

    def _extend_run(self, n_first: int, count: int) -> None:
        self._count_inputs(n_first, count)
        if not self._run_count:
            self._run_first = n_first
        self._run_count += count

    def _end_run(self) -> None:
        """Put the pending run into its own block of records, or as one span among the entries."""
        first, count = self._run_first, self._run_count
        self._run_count = 0
        if self._run_bytes:
            payload = bytes(self._run_bytes)
            self._run_bytes.clear()
            self._write_block(Piece(BlockKind.RECORDS, payload, count, first, first + count - 1, self._judged_to))
        else:
            self._frame(_SPAN, first, SPAN_COUNT.pack(count))

    def _frame(self, kind: int, n: int, message: bytes) -> None:
        self._entries += 1
        self._buffer += _frame(len(message), kind, 0, n, 0)
        self._buffer += message
        if len(self._buffer) >= self._block_bytes_max:
            self._end_block()

    def _end_block(self) -> None:
        """Hand the buffered entries over as one block."""
        if not self._buffer:
            return
        payload = bytes(self._buffer)
        self._buffer.clear()
        count = self._entries + self._acts - self._acts_written
        self._entries, self._acts_written = 0, self._acts
        first_n = FRAME.unpack_from(payload)[3]
        last_n = max(first_n, self._last_n)
        self._write_block(Piece(BlockKind.ENTRIES, payload, count, first_n, last_n, self._judged_to))

    def _write_out(self) -> None:
        if self._run_count:
            self._end_run()
        self._end_block()
        if self._judged_written != self._judged_to:
            self._frame(_JUDGED, self._judged_to, b"")
            self._end_block()

    def _write_block(self, piece: Piece) -> None:
        self._judged_written = piece.judged_to
        self._chain.append(piece)
