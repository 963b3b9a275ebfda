"""Rows of a table inside kernel code.

A compiled table is (its first row, its count): two plain numbers, since passing arrays about costs a reference count at each call
(measured: 460 ns an event against 20). `address.py` has the compiled form, which checks the index.
"""

from collections.abc import Sequence
from typing import Any

from tidegate.kernel.mode import kernel


@kernel
def row_at(table: Sequence[Any], index: int) -> Any:
    """Return one row of a table.

    Raises:
        IndexError: no such row.
    """
    return table[index]


@kernel
def row_count(table: Sequence[Any]) -> int:
    """Return how many rows a table has."""
    return len(table)


@kernel
def record_at(tapes: Sequence[Any], rank: int, _address: int, _count: int, place: int) -> Any:
    """Return a record of one of several tapes. Pure mode: of the tape `tapes[rank]`; compiled: of so many at an address.

    Raises:
        IndexError: no such record.
    """
    return tapes[rank][place]
