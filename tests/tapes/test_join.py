"""Joining one-sided rows against a slow obvious twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.tapes.join import join_sides

pytestmark = pytest.mark.req("C1.1")

Row = tuple[int, int, int, int, int]  # milliseconds since the row before, bid, bid size, ask, ask size

SIDE = st.sampled_from([(0, 0), (0, 0), (5, 1), (6, 2), (7, 0)])
ROWS = st.lists(st.tuples(st.integers(0, 1), SIDE, SIDE).map(lambda row: (row[0], *row[1], *row[2])), max_size=40)


def slow(rows: list[Row]) -> list[tuple[int, ...]]:
    """Walk the rows with a book in hand."""
    found = []
    book = [0, 0, 0, 0]
    for number, (_, *sides) in enumerate(rows):
        bid, ask = sides[:2], sides[2:]
        if any(bid) or not any(ask):
            book[:2] = bid
        if any(ask) or not any(bid):
            book[2:] = ask
        if number + 1 < len(rows) and any(bid) and not any(ask):
            step, *after = rows[number + 1]
            if step == 0 and any(after[2:]) and not any(after[:2]):
                continue
        found.append((number, *book))
    return found


@given(ROWS)
def test_joining_is_walking_the_rows_with_a_book_in_hand(rows: list[Row]) -> None:
    table = np.array(rows, np.int64).reshape(len(rows), 5)
    joined = join_sides(times=np.cumsum(table[:, 0]), bid=(table[:, 1], table[:, 2]), ask=(table[:, 3], table[:, 4]))
    columns = (joined.rows, joined.bid, joined.bid_size, joined.ask, joined.ask_size)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == slow(rows)
