"""The simulator's state in two forms of the same bytes: a buffer for compiled code, row objects for the pure mode."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, final

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import RECORD
from tidegate.kernel.compile import BUFFER, INT64, OFFSETS, Compiler
from tidegate.kernel.layout import Layout
from tidegate.kernel.rows import RowTable, load_row
from tidegate.venues.sim import rows
from tidegate.venues.sim.entry import act, perform
from tidegate.venues.sim.rows import Request

Cells = tuple[int, ...]  # a `rows.Request`, or a plain tuple of its cells where speed matters
Event = tuple[int, ...]  # an event row: kind, slot, quantity, price, filled, venue_ns, stream, place, maker, reason
Answer = tuple[int, list[Event]]  # why the kernel came back, and what it says

_CELL: Final = 8
_TAPE_CHUNK: Final = 1024  # records the pure mode holds as row objects, per tape
_DESK: Final = rows.DESK.names or ()
_EVENT: Final = rows.EVENT.names or ()
_EVENT_ROW: Final = struct.Struct(f"<{len(_EVENT)}q")
_REQUEST: Final = struct.Struct(f"<{len(Request._fields)}q")
assert _DESK[: len(Request._fields)] == Request._fields


class Memory(Protocol):
    """The kernel's state and the way to ask it something."""

    def set_taken(self, taken: Sequence[int]) -> None:
        """Say how many records of each stream the engine had taken in."""

    def ask(self, request: Cells) -> Answer:
        """Do a verb."""

    def desk(self) -> dict[str, int]:
        """Return the desk row after a verb."""

    def durable(self) -> bytes:
        """Return the state's bytes, without scratch rows and addresses."""


@final
class CompiledMemory:
    """The buffer and the compiled entry point."""

    def __init__(self, layout: Layout, buffer: NDArray[np.uint8], compiler: Compiler) -> None:
        self._layout, self._buffer = layout, buffer
        self._bounds = layout.bounds
        self._act: Callable[[Any, Any], int] = compiler.entry(act, INT64(BUFFER, OFFSETS))
        self._bytes = buffer.data
        self._taken = struct.Struct(f"<{len(layout.table(buffer, 'taken'))}q")
        self._taken_at = _CELL * layout.cell_of("taken", 0, "records")
        self._desk_at = _CELL * layout.cell_of("desk", 0, "verb")
        self._events_at = _CELL * layout.cell_of("events", 0, _EVENT[0])

    def set_taken(self, taken: Sequence[int]) -> None:
        """Say how many records of each stream the engine had taken in."""
        self._taken.pack_into(self._bytes, self._taken_at, *taken)

    def ask(self, request: Cells) -> Answer:
        """Do a verb."""
        _REQUEST.pack_into(self._bytes, self._desk_at, *request)
        count, outcome = divmod(self._act(self._buffer, self._bounds), rows.OUTCOMES)
        at = self._events_at
        return outcome, list(_EVENT_ROW.iter_unpack(self._bytes[at : at + count * _EVENT_ROW.size]))

    def desk(self) -> dict[str, int]:
        """Return the desk row after a verb."""
        return dict(zip(_DESK, self._layout.table(self._buffer, "desk").tolist()[0], strict=True))

    def durable(self) -> bytes:
        """Return the state's bytes, without scratch rows and addresses."""
        return self._buffer[: self._layout.durable_size].tobytes()


@final
class PureMemory:
    """The same rows as objects, loaded once and dumped when the bytes are wanted."""

    def __init__(self, layout: Layout, buffer: NDArray[np.uint8], tapes: Sequence[NDArray[np.void]], *, strict: bool) -> None:
        self._layout, self._buffer = layout, buffer
        self._tables = {table.name: RowTable(layout.table(buffer, table.name), strict=strict) for table in layout.tables}
        shared = [self._tables[name] for name in ("sources", "maps", "hours", "taken", "events")]
        self._desk = self._tables["desk"][0]
        rest = [*shared, self._desk, [PureTape(tape) for tape in tapes]]
        self._own = rows.Tables(*self._parts(""), *rest)
        self._scratch = rows.Tables(*self._parts("scratch_"), *rest)

    def _parts(self, prefix: str) -> list[Any]:
        head = self._tables[prefix + "head"][0]
        return [head, *(self._tables[prefix + name] for name in ("symbols", "orders", "streams"))]

    def set_taken(self, taken: Sequence[int]) -> None:
        """Say how many records of each stream the engine had taken in."""
        for row, records in zip(self._own.taken, taken, strict=True):
            row.records = int(records)

    def ask(self, request: Cells) -> Answer:
        """Do a verb."""
        for name, value in zip(Request._fields, request, strict=True):
            setattr(self._desk, name, value)
        count, outcome = divmod(perform(self._own, self._scratch), rows.OUTCOMES)
        written = (self._own.events[place] for place in range(count))
        return outcome, [tuple(getattr(row, name) for name in _EVENT) for row in written]

    def desk(self) -> dict[str, int]:
        """Return the desk row after a verb."""
        return {name: getattr(self._desk, name) for name in _DESK}

    def durable(self) -> bytes:
        """Return the state's bytes, without scratch rows and addresses."""
        for table in self._tables.values():
            table.dump()
        return self._buffer[: self._layout.durable_size].tobytes()


@final
class PureTape:
    """Records of a tape as row objects, a chunk at a time, so that memory does not grow with the tape."""

    def __init__(self, records: NDArray[np.void]) -> None:
        self._records = records
        self._chunks: dict[int, list[Any]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, place: int) -> Any:
        chunk = place // _TAPE_CHUNK
        loaded = self._chunks.get(chunk)
        if loaded is None:
            if len(self._chunks) > 1:  # the walk and the forecast stand in different places
                self._chunks.pop(next(iter(self._chunks)))
            start = chunk * _TAPE_CHUNK
            cells = self._records[start : start + _TAPE_CHUNK].tolist()
            loaded = self._chunks[chunk] = [load_row(RECORD, cell, strict=False) for cell in cells]
        return loaded[place - chunk * _TAPE_CHUNK]
