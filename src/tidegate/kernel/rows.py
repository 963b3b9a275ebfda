"""Pure mode: rows of the buffer as plain objects, loaded before a call and dumped after it.

The same kernel source runs on them at Python speed with ordinary tracebacks. In strict mode a row refuses what compiled code would
silently truncate or let in: a float in an int field, a number that is not finite, a cell outside its array.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from tidegate.values.errors import ExitCode, TidegateError


class StrictRowError(TidegateError):
    """Kernel code stored something a compiled row would have corrupted."""

    exit_code = ExitCode.REFUSED


class RowTable:
    """A table of rows loaded from the buffer, indexable like the compiled table."""

    def __init__(self, table: NDArray[np.void], *, strict: bool) -> None:
        self._table = table
        self._rows = [load_row(table.dtype, cells, strict=strict) for cells in table.tolist()]

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self._rows):
            raise IndexError(f"row {index} of {len(self._rows)}")
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def dump(self) -> None:
        """Write all rows back to the buffer."""
        for index, loaded in enumerate(self._rows):
            self._table[index] = _cells(loaded)


def load_row(dtype: np.dtype[np.void], cells: tuple[Any, ...], *, strict: bool) -> Any:
    """Return one row as an object with exactly the dtype's fields."""
    loaded = row_class(dtype, strict=strict)()
    for name, value in zip(dtype.names or (), cells, strict=True):
        part = dtype[name]
        if part.names is not None:
            inner: Any = load_row(part, value, strict=strict)
        elif part.shape:
            flat = np.asarray(value).ravel().tolist()
            inner = _StrictCells(flat, name=name, integer=part.base.kind == "i") if strict else flat
        else:
            inner = value
        object.__setattr__(loaded, name, inner)
    return loaded


@cache
def row_class(dtype: np.dtype[np.void], *, strict: bool) -> type[Any]:
    """Return the class of rows of a dtype: slots named like its fields, and nothing else."""
    names = dtype.names or ()
    if not strict:
        return type("Row", (), {"__slots__": names})
    integers = frozenset(name for name in names if dtype[name].kind == "i" and not dtype[name].shape)
    scalars = frozenset(name for name in names if dtype[name].names is None and not dtype[name].shape)

    def store(self: object, name: str, value: object) -> None:
        if name not in scalars:
            raise AttributeError(f"this row has no settable field {name!r}; it has {', '.join(names)}")
        object.__setattr__(self, name, _checked(name, value, integer=name in integers))

    return type("StrictRow", (), {"__slots__": names, "__setattr__": store})


class _StrictCells(list[Any]):
    """An array field of a strict row."""

    def __init__(self, values: list[Any], *, name: str, integer: bool) -> None:
        super().__init__(values)
        self._name, self._integer = name, integer

    def __setitem__(self, place: SupportsIndex | slice, value: Any) -> None:
        if not isinstance(place, int) or not 0 <= place < len(self):
            raise StrictRowError(f"{self._name}[{place}] is outside its {len(self)} cells.")
        super().__setitem__(place, _checked(self._name, value, integer=self._integer))


def _checked(name: str, value: object, *, integer: bool) -> int | float:
    if integer:
        if not isinstance(value, int):
            raise StrictRowError(f"{name} is a whole-number field but got {value!r}; convert it on purpose with int().")
        return int(value)
    if not isinstance(value, int | float):
        raise StrictRowError(f"{name} is a number field but got {value!r}.")
    if not math.isfinite(value):
        raise StrictRowError(f"{name} got {value}; state holds finite numbers only, use a valid flag instead.")
    return float(value)


def _cells(loaded: Any) -> tuple[Any, ...]:
    """The row's values as numpy takes them."""
    values = (getattr(loaded, name) for name in type(loaded).__slots__)
    return tuple(_cells(value) if hasattr(type(value), "__slots__") and not isinstance(value, list) else value for value in values)
