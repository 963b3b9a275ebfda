"""All compiled state lives in one uint8 buffer: tables of fixed rows, carved by counts chosen per run.

A snapshot is the bytes. Tables marked volatile (cursors, code addresses, caches of what follows from the rest) sit at the end and
are in no snapshot and in no state hash.
"""

from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
CELL_BYTES = 8  # every field is a whole number of these
_ALIGN = 64


class Table(NamedTuple):
    """Rows of one dtype. `rows` may be 0; a carved table then has no rows."""

    name: str
    row: np.dtype[np.void]
    rows: int
    volatile: bool = False


class Layout:
    """Where each table starts and ends in the buffer."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        assert [t.volatile for t in tables] == sorted(t.volatile for t in tables), "volatile tables come last"
        self.tables = tables
        # Start and end of each table in bytes, then the row counts. An empty table still has the room of one row.
        self.bounds = np.array([0] * 2 * len(tables) + [t.rows for t in tables], np.int64)
        self._start: dict[str, int] = {}
        at = 0
        durable = 0
        for place, table in enumerate(tables):
            self._start[table.name] = at
            self.bounds[2 * place : 2 * place + 2] = at, at + table.row.itemsize * max(table.rows, 1)
            at += _rounded(table.row.itemsize * max(table.rows, 1))
            if not table.volatile:
                durable = at
        self.size = at
        self.durable_size = durable  # the buffer's first bytes: what a snapshot holds
        self._rows = {table.name: table for table in tables}

    def new_buffer(self) -> U8:
        """Return a zeroed buffer."""
        return np.zeros(self.size, np.uint8)

    def table(self, buffer: U8, name: str) -> NDArray[np.void]:
        """Return one table as a numpy view of the buffer."""
        spec, start = self._rows[name], self._start[name]
        return buffer[start : start + spec.row.itemsize * spec.rows].view(spec.row)

    def cell_of(self, name: str, index: int, field: str) -> int:
        """Return the place of a field of a row in the buffer, counted in 8-byte cells."""
        spec = self._rows[name]
        assert 0 <= index < spec.rows, f"{name}[{index}] of {spec.rows}"
        assert spec.row.fields is not None
        return (self._start[name] + index * spec.row.itemsize + spec.row.fields[field][1]) // CELL_BYTES

    def sha256(self) -> str:
        """Return a hash of every field name, type and place; counts are left out (they are the session's)."""
        digest = sha256()
        for table in self.tables:
            digest.update(f"{table.name}:{table.row.descr}:{table.volatile};".encode())
        return digest.hexdigest()


def row(fields: list[tuple[object, ...]]) -> np.dtype[np.void]:
    """Return a packed row dtype; only i8, f8, arrays of them and nested rows, so that nothing narrow or unsigned creeps in."""
    dtype: np.dtype[np.void] = np.dtype(fields)
    for name in dtype.names or ():
        base = dtype[name].base
        assert base.names is not None or base in (np.dtype("<i8"), np.dtype("<f8")), f"{name} is {base}"
    return dtype


def _rounded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
