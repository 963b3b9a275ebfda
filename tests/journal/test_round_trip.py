"""What goes into a log comes out of it, in order, for any calls and any size of blocks and segments."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.examples import session_opened
from tests.journal.making import Twin, blocks, items, market_records, small_log
from tidegate.journal import (
    EntryKind,
    LogExistsError,
    LogWriter,
    NotALogError,
    check,
    read,
    recover,
)
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.2")

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("input"), st.binary(max_size=300)),
        st.tuples(st.just("act"), st.binary(max_size=300)),
        st.tuples(st.just("evidence"), st.binary(max_size=300)),
        st.tuples(st.just("span"), st.integers(0, 50)),
        st.tuples(st.just("records"), st.integers(0, 12)),
        st.tuples(st.just("judged"), st.none()),
        st.tuples(st.just("flush"), st.none()),
    ),
    max_size=40,
)


class Player:
    """Makes the same calls on a writer and its twin, numbering inputs and acts as an engine would."""

    def __init__(self, writer, twin, *, first_n=0):
        self.writer, self.twin, self.first_n = writer, twin, first_n
        self.n, self.k, self.judged_to = first_n - 1, 0, -1

    def play(self, steps):
        for verb, what in steps:
            self.k = self.k + 1 if verb == "act" else 0
            getattr(self, verb)(what)
        return self

    def input(self, message):
        self.n += 1
        self.both("input", self.n, message)

    def act(self, message):
        if self.n >= self.first_n:
            self.both("act", self.n, self.k, message)

    def evidence(self, message):
        self.both("evidence", message)

    def span(self, count):
        self.both("span", self.n + 1, count)
        self.n += count

    def records(self, count):
        self.both("records", self.n + 1, market_records(count, first=self.n))
        self.n += count

    def judged(self, _):
        if self.n >= self.first_n:
            self.judged_to = self.n
            self.writer.judged(self.n)

    def flush(self, _):
        assert self.writer.flush() == (self.n if self.n >= self.first_n else -1)

    def both(self, verb, *what):
        for side in (self.writer, self.twin):
            getattr(side, verb)(*what)


@given(
    steps=STEPS,
    more=STEPS,
    segment_bytes_max=st.sampled_from([1_000, 3_000, 1 << 20]),
    block_bytes_max=st.sampled_from([1, 64, 200, 1_000, 1 << 18]),
    first_n=st.sampled_from([0, 1]),
)
def test_any_sequence_of_entries_over_two_sessions_reads_back_in_order(steps, more, segment_bytes_max, block_bytes_max, first_n):
    sizes = {"segment_bytes_max": segment_bytes_max, "block_bytes_max": block_bytes_max}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "log"
        twin = Twin()
        writer = LogWriter(directory, session_opened(session_id="one"), **sizes)
        Player(writer, twin, first_n=first_n).play(steps)
        writer.close()
        writer = LogWriter(directory, session_opened(session_id="two"), **sizes, continuing=True)
        judged = Player(writer, twin, first_n=first_n).play(more).judged_to
        writer.close(state_sha256="c0" * 32)
        reader = read(directory)
        assert items(reader) == twin.items
        assert (reader.sealed, reader.judged_to, reader.state_sha256) == (True, judged, "c0" * 32)
        assert [session.opening.session_id for session in reader.sessions] == ["one", "two"]
        assert reader.opening == session_opened(session_id="two")
        assert reader.torn is None
        assert check(directory) is None
        numbers_run_without_gaps(reader)


def numbers_run_without_gaps(reader):
    expected = 0
    for session in reader.sessions:
        assert session.first_entry == expected
        for entry in reader.entries(session.number):
            assert entry.entry == expected
            expected += entry.count if entry.kind is EntryKind.RECORDS else 1
        assert session.last_entry == expected - 1


@given(steps=STEPS)
def test_a_log_that_was_left_unsealed_holds_all_that_was_flushed(steps):
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "log"
        twin = Twin()
        writer = LogWriter(directory, session_opened(), segment_bytes_max=2_000, block_bytes_max=300)
        judged = Player(writer, twin).play(steps).judged_to
        writer.flush()
        writer.abandon()
        reader = read(directory)
        assert items(reader) == twin.items
        assert (reader.sealed, reader.judged_to) == (False, judged)
        assert recover(directory).cut_bytes == 0


def test_adjacent_spans_are_one_entry(tmp_path):
    writer = LogWriter(tmp_path, session_opened())
    for n in range(0, 100, 10):
        writer.span(n, 10)
    writer.act(99, 1, b"act")
    writer.span(100, 1)
    writer.close()
    shown = [(entry.kind, entry.n, entry.count) for entry in read(tmp_path).entries()][1:]
    assert shown == [(EntryKind.SPAN, 0, 100), (EntryKind.ACT, 99, 1), (EntryKind.SPAN, 100, 1)]


def test_market_records_are_mapped_where_they_lie_on_a_multiple_of_64(tmp_path):
    writer = LogWriter(tmp_path, session_opened(), block_bytes_max=64 * 10)
    writer.input(0, b"moves what follows off a round place")
    given_records = market_records(25)
    writer.records(1, given_records[:3])
    writer.records(4, given_records[3:])
    writer.close()
    reader = read(tmp_path)
    runs = [entry for entry in reader.entries() if entry.kind is EntryKind.RECORDS]
    assert [(run.n, run.count) for run in runs] == [(1, 10), (11, 10), (21, 5)]
    arrays = [reader.records(run) for run in runs]
    assert np.array_equal(np.concatenate(arrays), given_records)
    assert all(array.ctypes.data % 64 == 0 and not array.flags.owndata for array in arrays)


def test_every_segment_repeats_the_opening_of_its_session_but_counts_it_once(tmp_path):
    small_log(tmp_path / "log")
    reader = read(tmp_path / "log")
    assert len(reader.scans) > 3
    openings = [scan.opening for scan in reader.scans.values() if scan.opening]
    assert [entry.kind for entry in reader.entries()].count(EntryKind.OPENING) == 2
    assert len({opening.message for opening in openings}) == 2
    assert [opening.session for opening in openings] == sorted(opening.session for opening in openings)
    assert openings[0].previous_sha256 == bytes(32)
    assert len({opening.previous_sha256 for opening in openings}) == len(openings)


def test_no_segment_grows_past_its_limit_unless_one_block_does(tmp_path):
    writer = LogWriter(tmp_path, session_opened(), segment_bytes_max=4_000, block_bytes_max=500)
    for n in range(200):
        writer.input(n, bytes(n))
    writer.close()
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    assert len(sizes) > 5
    assert max(sizes) <= 4_000
    assert check(tmp_path) is None


def test_an_entry_larger_than_block_and_segment_is_kept_whole(tmp_path):
    writer = LogWriter(tmp_path, session_opened(), segment_bytes_max=1_000, block_bytes_max=100)
    writer.input(0, b"x" * 5_000)
    writer.input(1, b"y" * 5_000)
    writer.close()
    assert [len(item[3]) for item in items(read(tmp_path))] == [5_000, 5_000]


def test_the_judged_mark_travels_alone_if_nothing_else_is_to_be_written(tmp_path):
    writer = LogWriter(tmp_path, session_opened(), block_bytes_max=1)  # every entry is a block
    writer.input(0, b"in")
    writer.judged(0)
    writer.flush()
    writer.flush()
    writer.abandon()
    kinds = [entry.kind for entry in read(tmp_path).entries()]
    assert kinds == [EntryKind.OPENING, EntryKind.INPUT, EntryKind.JUDGED]
    assert read(tmp_path).judged_to == 0


def test_a_block_never_claims_judgement_of_what_comes_after_it(tmp_path):
    writer = LogWriter(tmp_path, session_opened())
    writer.input(0, b"in")
    writer.judged(0)
    writer.input(1, b"in")
    writer.act(1, 1, b"the first of two")
    writer.flush()
    assert read(tmp_path).judged_to == 0
    writer.act(1, 2, b"the second")
    writer.judged(1)
    writer.close()
    assert read(tmp_path).judged_to == 1


@pytest.mark.parametrize(
    "calls",
    [
        lambda writer: writer.input(2, b"a number was left out"),
        lambda writer: writer.span(0, 3),
        lambda writer: writer.act(1, 1, b"of an input not logged yet"),
        lambda writer: writer.judged(5),
        lambda writer: writer.records(1, np.zeros(3, np.int64)),
    ],
)
def test_calls_out_of_order_are_our_bug(tmp_path, calls):
    writer = LogWriter(tmp_path, session_opened())
    writer.input(0, b"in")
    with pytest.raises(AssertionError):
        calls(writer)
    writer.abandon()


def test_a_directory_that_holds_a_log_is_not_written_over(tmp_path):
    small_log(tmp_path)
    before = blocks(tmp_path)
    with pytest.raises(LogExistsError, match="already holds a golden log; name another directory") as caught:
        LogWriter(tmp_path, session_opened())
    assert caught.value.exit_code is ExitCode.USAGE
    assert blocks(tmp_path) == before


@pytest.mark.parametrize("verb", [read, check, recover])
def test_a_place_without_a_log_is_named_in_one_sentence(tmp_path, verb):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no directory")
    for name in ("missing", "empty", "file"):
        with pytest.raises(NotALogError, match=f"{name} holds no golden log .*--log") as caught:
            verb(tmp_path / name)
        assert caught.value.exit_code is ExitCode.USAGE


def test_continuing_where_no_log_stands_begins_one(tmp_path):
    writer = LogWriter(tmp_path / "new" / "log", session_opened(), continuing=True)
    writer.close()
    assert len(read(tmp_path / "new" / "log").sessions) == 1


def test_a_session_that_continues_a_crashed_log_seals_what_was_left_open(tmp_path):
    small_log(tmp_path, close=False)
    LogWriter(tmp_path, session_opened(session_id="three"), continuing=True).close()
    reader = read(tmp_path)
    assert [(s.opening.session_id, s.closed) for s in reader.sessions] == [
        ("one", True),
        ("two", False),
        ("three", True),
    ]
    assert reader.sessions[0].state_sha256 == "ab" * 32
    assert check(tmp_path) is None


def test_the_seal_of_a_closed_session_counts_it(tmp_path):
    writer = LogWriter(tmp_path, session_opened())
    writer.span(0, 10)
    writer.act(9, 1, b"act")
    writer.evidence(b"raw")
    writer.records(10, market_records(5))
    writer.close()
    seal = read(tmp_path).scans[0].seal
    assert seal is not None
    assert (seal.inputs, seal.acts, seal.evidence, seal.entries) == (15, 1, 1, 9)
