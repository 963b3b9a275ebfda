"""The simulator's state in its two forms: one buffer for compiled code, row objects for the pure mode. Same layout, same bytes."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, final

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import RECORD
from tidegate.kernel.compile import BUFFER, INT64, OFFSETS, Compiler
from tidegate.kernel.layout import Layout
from tidegate.kernel.rows import RowTable, load_row
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.entry import act, perform

Event = list[int]  # an event row: kind, slot, quantity, price, filled, venue_ns, stream, place, maker, reason

_UNBOUNDED: Final = NEVER_NS
_TAPE_CHUNK: Final = 1024  # records the pure mode holds as row objects, per tape


class NewOrder(NamedTuple):
    """The first fields of an order row, as submitted."""

    slot: int
    symbol: int
    side: int
    type: int
    life: int
    quantity: int
    limit: int
    stop: int
    trail: int


class Forecast(NamedTuple):
    """What a scan ahead has found: an event, or that nothing happens at a venue time before `venue_ns`."""

    found: bool
    venue_ns: int
    stream: int  # of the record that causes it; -1: none does
    place: int


class Memory(Protocol):
    """The kernel's state and the way to ask it something."""

    def set_taken(self, taken: Sequence[int]) -> None:
        """Say how many records of each stream the engine had taken in."""

    def place_order(self, order: NewOrder) -> None:
        """Fill a free row with a new order."""

    def ask(self, verb: int, until_ns: int, slot: int, successor: int) -> int:
        """Do a verb and return the outcome."""

    def scan(self, verb: int, budget: int) -> int:
        """Scan ahead and return the outcome."""

    def events(self) -> list[Event]:
        """Return the event rows of the last call."""

    def forecast(self, outcome: int) -> Forecast:
        """Return what the last scan found."""

    def bad_record(self) -> tuple[int, int]:
        """Return stream and place of the record that could not be taken in."""

    def durable(self) -> bytes:
        """Return the state's bytes, without scratch rows and addresses."""


_DESK_FIELDS: Final = rows.DESK.names or ()
_NO_FILLS: Final = len(rows.ORDER.names or ()) - len(NewOrder._fields)
_ORDER_PACK: Final = struct.Struct(f"<{len(rows.ORDER.names or ())}q")
_DESK_PACK: Final = struct.Struct("<5q")
_REST: Final = (0, rows.ARRIVING, 0, 0, 0, 0, 0, 0)
assert len(_REST) == _NO_FILLS


@final
class CompiledMemory:
    """The buffer and the compiled entry point."""

    def __init__(self, layout: Layout, buffer: NDArray[np.uint8], compiler: Compiler) -> None:
        self._layout, self._buffer = layout, buffer
        self._at = layout.bounds
        self._act: Callable[[Any, Any], int] = compiler.entry(act, INT64(BUFFER, OFFSETS))
        self._taken = layout.table(buffer, "taken")["records"]
        self._desk = layout.table(buffer, "desk").view(np.int64)
        self._events = layout.table(buffer, "events").view(np.int64).reshape(-1, len(rows.EVENT.names or ()))
        self._desk_at = 8 * layout.cell_of("desk", 0, "verb")
        self._orders_at = 8 * layout.cell_of("orders", 0, "slot")
        self._events_at = _DESK_FIELDS.index("events")

    def set_taken(self, taken: Sequence[int]) -> None:
        """Say how many records of each stream the engine had taken in."""
        self._taken[:] = taken

    def place_order(self, order: NewOrder) -> None:
        """Fill a free row with a new order."""
        _ORDER_PACK.pack_into(
            self._buffer, self._orders_at + order.slot * rows.ORDER.itemsize, *order, *_REST
        )

    def ask(self, verb: int, until_ns: int, slot: int, successor: int) -> int:
        """Do a verb and return the outcome."""
        _DESK_PACK.pack_into(self._buffer, self._desk_at, verb, until_ns, slot, successor, _UNBOUNDED)
        return self._act(self._buffer, self._at)

    def scan(self, verb: int, budget: int) -> int:
        """Scan ahead and return the outcome."""
        _DESK_PACK.pack_into(self._buffer, self._desk_at, verb, 0, 0, 0, budget)
        return self._act(self._buffer, self._at)

    def events(self) -> list[Event]:
        """Return the event rows of the last call."""
        count = self._desk[self._events_at]
        found: list[Event] = self._events[:count].tolist()
        return found

    def forecast(self, outcome: int) -> Forecast:
        """Return what the last scan found."""
        if outcome == rows.SCANNED:
            return Forecast(
                found=False, venue_ns=int(self._desk[_DESK_FIELDS.index("limit_ns")]), stream=-1, place=-1
            )
        event = self._events[0].tolist()
        return Forecast(found=True, venue_ns=event[5], stream=event[6], place=event[7])

    def bad_record(self) -> tuple[int, int]:
        """Return stream and place of the record that could not be taken in."""
        desk = dict(zip(_DESK_FIELDS, self._desk.tolist(), strict=True))
        return desk["bad_stream"], desk["bad_place"]

    def durable(self) -> bytes:
        """Return the state's bytes, without scratch rows and addresses."""
        return self._buffer[: self._layout.durable_size].tobytes()


@final
class PureMemory:
    """The same rows as objects, loaded once and dumped when the bytes are wanted."""

    def __init__(
        self, layout: Layout, buffer: NDArray[np.uint8], tapes: Sequence[NDArray[np.void]], *, strict: bool
    ) -> None:
        self._layout, self._buffer = layout, buffer
        self._tables = {
            table.name: RowTable(layout.table(buffer, table.name), strict=strict) for table in layout.tables
        }
        shared = ("sources", "maps", "hours", "taken", "events")
        rest = [
            *(self._tables[name] for name in shared),
            self._tables["desk"][0],
            [PureTape(tape) for tape in tapes],
        ]
        self._own = rows.Tables(*self._parts(""), *rest)
        self._scratch = rows.Tables(*self._parts("scratch_"), *rest)

    def _parts(self, prefix: str) -> list[Any]:
        head = self._tables[prefix + "head"][0]
        return [head, *(self._tables[prefix + name] for name in ("symbols", "orders", "streams"))]

    def set_taken(self, taken: Sequence[int]) -> None:
        """Say how many records of each stream the engine had taken in."""
        for row, records in zip(self._own.taken, taken, strict=True):
            row.records = int(records)

    def place_order(self, order: NewOrder) -> None:
        """Fill a free row with a new order."""
        row = self._own.orders[order.slot]
        for name, value in zip(rows.ORDER.names or (), (*order, *_REST), strict=True):
            setattr(row, name, value)

    def ask(self, verb: int, until_ns: int, slot: int, successor: int) -> int:
        """Do a verb and return the outcome."""
        desk = self._own.desk
        desk.verb, desk.until_ns, desk.slot, desk.successor, desk.budget = (
            verb,
            until_ns,
            slot,
            successor,
            _UNBOUNDED,
        )
        return perform(self._own, self._scratch)

    def scan(self, verb: int, budget: int) -> int:
        """Scan ahead and return the outcome."""
        desk = self._own.desk
        desk.verb, desk.until_ns, desk.slot, desk.successor, desk.budget = verb, 0, 0, 0, budget
        return perform(self._own, self._scratch)

    def events(self) -> list[Event]:
        """Return the event rows of the last call."""
        names = rows.EVENT.names or ()
        written = (self._own.events[place] for place in range(self._own.desk.events))
        return [[getattr(row, name) for name in names] for row in written]

    def forecast(self, outcome: int) -> Forecast:
        """Return what the last scan found."""
        if outcome == rows.SCANNED:
            return Forecast(found=False, venue_ns=self._own.desk.limit_ns, stream=-1, place=-1)
        event = self._own.events[0]
        return Forecast(found=True, venue_ns=event.venue_ns, stream=event.stream, place=event.place)

    def bad_record(self) -> tuple[int, int]:
        """Return stream and place of the record that could not be taken in."""
        return self._own.desk.bad_stream, self._own.desk.bad_place

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
