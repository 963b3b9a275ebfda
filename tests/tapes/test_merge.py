"""The merge against a slow obvious twin: sorted() over tuples."""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tapes.making import quotes, symbols
from tidegate.tapes.check import Records
from tidegate.tapes.errors import BadRecordError, UnknownSymbolError
from tidegate.tapes.format import Tape
from tidegate.tapes.merge import Merged
from tidegate.tapes.stream import remap
from tidegate.values.latency import FEED_STREAM, Latency

pytestmark = pytest.mark.req("C1.1")

Twin = list[tuple[int, int, int]]  # delivery time, rank, position

LATENCIES = (Latency(), Latency(median_ns=7), Latency(median_ns=20, sigma=0.9))
TIMES = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=120).map(sorted), min_size=1, max_size=4)


def merged(tapes: Sequence[Tape], latency: Latency, *, seed: int = 3, chunk_records: int = 64) -> Merged:
    remaps = [np.array([rank + 5], np.int32) for rank in range(len(tapes))]
    return Merged(tapes, remaps=remaps, feed_latency=latency, seed=seed, chunk_records=chunk_records)


def twin(tapes: Sequence[Tape], latency: Latency, *, seed: int = 3) -> Twin:
    rows: Twin = []
    for rank, tape in enumerate(tapes):
        due = (
            int(record["ts_recv"]) + latency.draw(seed=seed, stream=FEED_STREAM + rank, index=index)
            for index, record in enumerate(tape.records)
        )
        rows.extend((time, rank, index) for index, time in enumerate(accumulate(due, max)))
    return sorted(rows)


def as_rows(records: Records) -> Twin:
    return [(int(r["ts_recv"]), int(r["instrument"]) - 5, int(r["venue_seq"])) for r in records]


def tapes_of(lists: Sequence[Sequence[int]]) -> list[Tape]:
    return [Tape.of(quotes(times), symbols=symbols(f"S{rank}")) for rank, times in enumerate(lists)]


def collected(merge: Merged, *, start: int = 0) -> Twin:
    return [row for chunk in merge.chunks(start=start) for row in as_rows(chunk.records)]


@given(lists=TIMES, latency=st.sampled_from(LATENCIES), chunk_records=st.sampled_from((1, 40, 100, 100_000)))
def test_the_merge_is_the_sorted_union(lists: list[list[int]], latency: Latency, chunk_records: int) -> None:
    tapes = tapes_of(lists)
    merge = merged(tapes, latency, chunk_records=chunk_records)
    assert collected(merge) == twin(tapes, latency)
    assert collected(merge) == twin(tapes, latency), "a second pass over the same merge"
    assert len(merge) == len(twin(tapes, latency))


@given(lists=TIMES, latency=st.sampled_from(LATENCIES), data=st.data())
@settings(max_examples=60)
def test_a_merge_can_start_anywhere(lists: list[list[int]], latency: Latency, data: st.DataObject) -> None:
    tapes = tapes_of(lists)
    merge = merged(tapes, latency, chunk_records=1)
    expected = twin(tapes, latency)
    for _ in range(3):
        start = data.draw(st.integers(0, len(expected)))
        assert collected(merge, start=start) == expected[start:]


@given(lists=TIMES, latency=st.sampled_from(LATENCIES), data=st.data())
@settings(max_examples=60)
def test_positions_of_streams_are_counted_before_any_merged_position(lists: list[list[int]], latency: Latency, data: st.DataObject) -> None:
    tapes = tapes_of(lists)
    merge = merged(tapes, latency, chunk_records=1)
    expected = twin(tapes, latency)
    for _ in range(5):
        position = data.draw(st.integers(0, len(expected)))
        counts = tuple(sum(rank == stream for _, rank, _ in expected[:position]) for stream in range(len(tapes)))
        assert merge.position_of(position) == counts


def test_asking_for_a_position_inside_a_chunk_leaves_its_records_alone() -> None:
    tapes = tapes_of([list(range(200)), list(range(0, 400, 2))])
    merge = merged(tapes, Latency())
    expected = twin(tapes, Latency())
    for chunk in merge.chunks():
        end = chunk.first + len(chunk.records)
        for position in range(chunk.first, end + 1):
            assert sum(merge.position_of(position)) == position
        assert as_rows(chunk.records) == expected[chunk.first : end]


def test_asking_for_a_far_position_does_not_disturb_the_iteration() -> None:
    tapes = tapes_of([list(range(200)), list(range(0, 400, 2))])
    merge = merged(tapes, Latency(median_ns=20, sigma=0.9))
    rows: Twin = []
    for chunk in merge.chunks():
        rows.extend(as_rows(chunk.records))
        assert sum(merge.position_of(350)) == 350
        assert sum(merge.position_of(3)) == 3
    assert rows == twin(tapes, Latency(median_ns=20, sigma=0.9))


def test_a_single_tape_without_latency_is_not_copied(tape_of: Callable[..., Tape]) -> None:
    tape = tape_of([1, 2, 3, 4])
    merge = Merged([tape], remaps=[np.array([0], np.int32)])
    (chunk,) = merge.chunks(start=1)
    assert np.shares_memory(chunk.records, tape.records)
    assert not chunk.records.flags.writeable
    assert (chunk.first, len(chunk.records)) == (1, 3)
    assert merge.position_of(2) == (2,)
    assert list(merge.chunks(start=4)) == []


def test_no_record_overtakes_another_of_its_stream() -> None:
    tapes = tapes_of([list(range(500))])
    rows = collected(merged(tapes, Latency(median_ns=1_000, sigma=2.0)))
    assert [index for _, _, index in rows] == list(range(500))
    assert all(one[0] <= other[0] for one, other in pairwise(rows))


def test_draws_depend_on_seed_and_rank() -> None:
    tapes = tapes_of([list(range(50)), list(range(50))])
    drawn = Latency(median_ns=1_000, sigma=0.5)
    assert collected(merged(tapes, drawn, seed=1)) == collected(merged(tapes, drawn, seed=1))
    assert collected(merged(tapes, drawn, seed=1)) != collected(merged(tapes, drawn, seed=2))


def test_symbols_are_renumbered_by_name() -> None:
    tape = Tape.of(quotes([1, 2, 3], instruments=[0, 1, 0]), symbols=symbols("B", "A"))
    table = remap(tape, symbols("A", "B"))
    (chunk,) = Merged([tape], remaps=[table]).chunks()
    assert chunk.records["instrument"].tolist() == [1, 0, 1]


def test_a_symbol_that_the_session_lacks_is_refused() -> None:
    tape = Tape.of(quotes([1]), symbols=symbols("A"), name="a.tape")
    with pytest.raises(UnknownSymbolError, match=r"a\.tape holds A, which the configuration does not list"):
        remap(tape, symbols("B"))


def test_a_symbol_at_two_venues_goes_by_the_venue_of_the_tape() -> None:
    tape = Tape.of(quotes([1]), symbols=symbols("A"))
    here, elsewhere = symbols("A", "A")
    elsewhere = type(here)(index=1, symbol="A", venue="elsewhere")
    assert remap(tape, (elsewhere, here)).tolist() == [0]
    with pytest.raises(UnknownSymbolError, match="more than once"):
        remap(tape, (elsewhere, elsewhere))


def test_a_damaged_instrument_index_is_refused_when_it_enters() -> None:
    tape = Tape.of(quotes([1, 2], instruments=[0, 1]), symbols=symbols("A", "B"))
    meta = msgspec.structs.replace(tape.meta, symbols=symbols("A"))
    short = Tape(path=tape.path, meta=meta, records=tape.records)
    with pytest.raises(BadRecordError, match="Record 1 of"):
        list(Merged([short], remaps=[np.array([3], np.int32)]).chunks())
