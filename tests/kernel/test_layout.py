"""Where rows lie in the buffer."""

from typing import Any, cast

import numpy as np
import pytest

from tidegate.engine.layout import Counts, layout_sha256, senses_layout
from tidegate.kernel.layout import CELL_BYTES, Layout, Table, row

pytestmark = pytest.mark.req("B1.3")

NARROW = row([("a", "<i8"), ("b", "<f8")])
WIDE = row([("x", "<f8", (3,)), ("inner", NARROW), ("y", "<i8")])


def layout(narrow: int = 3, wide: int = 2, last: int = 1) -> Layout:
    return Layout((Table("narrow", NARROW, narrow), Table("wide", WIDE, wide), Table("last", NARROW, last, volatile=True)))


def test_a_cell_is_where_numpy_has_the_field() -> None:
    made = layout()
    buffer = made.new_buffer()
    for name, index, field in (("narrow", 2, "b"), ("wide", 0, "x"), ("wide", 1, "y"), ("last", 0, "a")):
        made.table(buffer, name)[field][index] = 7
        raw = memoryview(cast("Any", buffer)).cast("B").cast("d" if field in "bx" else "q")
        assert raw[made.cell_of(name, index, field)] == 7
        buffer[:] = 0


@pytest.mark.parametrize("index", [-1, 3, 99])
def test_a_cell_of_no_row_is_refused(index: int) -> None:
    with pytest.raises(AssertionError, match="narrow"):
        layout().cell_of("narrow", index, "a")


def test_tables_neither_overlap_nor_leave_the_buffer_and_start_aligned() -> None:
    made = layout()
    ends = 0
    for start, end in made.bounds[:6].reshape(3, 2).tolist():
        assert start >= ends
        assert start % 64 == 0
        assert (end - start) % CELL_BYTES == 0
        ends = end
    assert ends <= made.size
    assert made.bounds[6:].tolist() == [3, 2, 1]


def test_an_empty_table_has_no_rows_but_the_room_of_one() -> None:
    made = layout(narrow=0)
    assert len(made.table(made.new_buffer(), "narrow")) == 0
    start, end = made.bounds[:2].tolist()
    assert end - start == NARROW.itemsize
    assert made.bounds[6] == 0


def test_volatile_tables_are_behind_what_a_snapshot_holds() -> None:
    made = layout()
    buffer = made.new_buffer()
    made.table(buffer, "last")["a"] = -1
    assert not buffer[: made.durable_size].any()
    made.table(buffer, "wide")["y"] = -1
    assert buffer[: made.durable_size].any()


def test_volatile_tables_in_the_middle_are_refused() -> None:
    with pytest.raises(AssertionError, match="last"):
        Layout((Table("a", NARROW, 1, volatile=True), Table("b", NARROW, 1)))


@pytest.mark.parametrize("narrow", ["<i4", "<u8", "<f4", "?", ">i8", "S4"])
def test_a_field_that_is_narrow_unsigned_or_swapped_is_refused(narrow: str) -> None:
    with pytest.raises(AssertionError):
        row([("a", narrow)])
    with pytest.raises(AssertionError):
        row([("a", narrow, (2,))])


def test_the_hash_follows_fields_and_not_counts() -> None:
    assert layout(1, 1).sha256() == layout(9, 0).sha256()
    other = Layout((Table("narrow", row([("a", "<i8"), ("c", "<f8")]), 1), *layout().tables[1:]))
    assert other.sha256() != layout().sha256()
    assert layout_sha256() == senses_layout(Counts(7, 0, 2, 1)).sha256()


def test_the_senses_have_room_for_every_attention_of_one_record() -> None:
    tables = {table.name: table.rows for table in senses_layout(Counts(5, 2, 3, 1)).tables}
    assert tables["attentions"] >= 6 * 15 + 5 + 2
    assert tables["own"] == 15


def test_a_new_buffer_is_all_zero() -> None:
    assert not layout().new_buffer().any()
    assert layout().new_buffer().dtype == np.uint8
