"""Rows of the pure modes: the same bytes back, and what a strict row refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.kernel.layout import row
from tidegate.kernel.rows import RowTable, StrictRowError, load_row, row_class
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.3")

INNER = row([("n", "<i8"), ("f", "<f8")])
ROW = row([("count", "<i8"), ("price", "<f8"), ("cells", "<f8", (3,)), ("places", "<i8", (2,)), ("inner", INNER)])


def strict() -> Any:
    return load_row(ROW, np.zeros(1, ROW)[0].tolist(), strict=True)


@given(raw=st.binary(min_size=2 * ROW.itemsize, max_size=2 * ROW.itemsize), is_strict=st.booleans())
def test_rows_that_nobody_touches_go_back_as_the_same_bytes(raw: bytes, *, is_strict: bool) -> None:
    table = np.frombuffer(raw, ROW).copy()
    for name in ("price", "cells"):
        table[name] = np.nan_to_num(table[name])
    table["inner"]["f"] = np.nan_to_num(table["inner"]["f"])
    before = table.tobytes()
    RowTable(table, strict=is_strict).dump()
    assert table.tobytes() == before


@pytest.mark.parametrize("is_strict", [True, False])
def test_what_is_stored_in_rows_is_dumped(*, is_strict: bool) -> None:
    table = np.zeros(2, ROW)
    rows = RowTable(table, strict=is_strict)
    rows[1].count = 3
    rows[1].price = 2.5
    rows[1].cells[2] = -1.0
    rows[1].places[0] = 9
    rows[1].inner.n = 4
    rows.dump()
    assert (table["count"][1], table["price"][1], table["inner"]["n"][1]) == (3, 2.5, 4)
    assert (table["cells"][1].tolist(), table["places"][1].tolist()) == ([0.0, 0.0, -1.0], [9, 0])
    assert not table[:1].view(np.uint8).any()


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("count", 1.0, "whole-number"),
        ("count", 0.5, "whole-number"),
        ("count", "1", "whole-number"),
        ("count", None, "whole-number"),
        ("price", float("nan"), "finite"),
        ("price", float("inf"), "finite"),
        ("price", -float("inf"), "finite"),
        ("price", "1", "number field"),
        ("price", None, "number field"),
    ],
)
def test_a_strict_row_refuses_what_a_compiled_one_would_corrupt(field: str, value: object, word: str) -> None:
    with pytest.raises(StrictRowError, match=word) as raised:
        setattr(strict(), field, value)
    assert raised.value.exit_code is ExitCode.REFUSED
    assert field in str(raised.value)


@pytest.mark.parametrize(
    ("array", "place", "value"),
    [
        ("cells", 3, 1.0),
        ("cells", -1, 1.0),
        ("cells", slice(0, 2), [1.0, 2.0]),
        ("cells", 0, float("nan")),
        ("places", 0, 1.0),
        ("places", 2, 1),
    ],
)
def test_a_strict_array_refuses_places_and_values_likewise(array: str, place: Any, value: object) -> None:
    with pytest.raises(StrictRowError, match=array):
        getattr(strict(), array)[place] = value


def test_a_strict_row_takes_whole_numbers_for_floats() -> None:
    one = strict()
    one.price, one.cells[0], one.count = 3, 4, True
    assert [type(value) for value in (one.price, one.cells[0], one.count)] == [float, float, int]


@pytest.mark.parametrize("name", ["misspelt", "cells", "inner"])
def test_a_field_that_is_none_or_a_whole_array_cannot_be_set(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(strict(), name, 1)


def test_a_misspelt_field_is_refused_in_pure_mode_too() -> None:
    loose = load_row(ROW, np.zeros(1, ROW)[0].tolist(), strict=False)
    with pytest.raises(AttributeError, match="misspelt"):
        loose.misspelt = 1
    with pytest.raises(AttributeError, match="misspelt"):
        _ = loose.misspelt


@pytest.mark.parametrize("index", [-1, 2, 70])
def test_a_row_outside_its_table_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=f"row {index} of 2"):
        _ = RowTable(np.zeros(2, ROW), strict=False)[index]


def test_a_table_is_counted_and_walked() -> None:
    table = RowTable(np.zeros(2, ROW), strict=True)
    assert len(table) == len(list(table)) == 2
    assert len(RowTable(np.zeros(0, ROW), strict=True)) == 0


def test_the_class_of_a_dtype_is_made_once() -> None:
    assert row_class(ROW, strict=True) is row_class(ROW, strict=True)
    assert row_class(ROW, strict=True) is not row_class(ROW, strict=False)
