"""Following a log that grows: every entry once and in order, whatever is written, read, restarted, dropped or damaged meanwhile."""

import shutil
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.events.examples import session_opened
from tests.journal.making import market_records, small_log
from tidegate.journal import EntryKind, LogWriter, NotALogError, read, recover
from tidegate.journal import following as following_module
from tidegate.journal.files import START_NAME, segment_path
from tidegate.journal.following import Follower, Place, newest_place
from tidegate.journal.layout import HEADER_BYTES, BlockKind
from tidegate.journal.retention import drop_before

pytestmark = pytest.mark.req("I6", "B1.2")

HANDED = (EntryKind.OPENING, EntryKind.INPUT, EntryKind.ACT, EntryKind.EVIDENCE, EntryKind.SPAN, EntryKind.JUDGED)
Seen = list[tuple[int, bytes]]


def rest(follower: Follower, *, troubles: list[str] | None = None) -> Seen:
    """Read until nothing more is there."""
    found: Seen = []
    while (step := follower.step()).progressed:
        found += [(entry.entry, bytes(entry.payload)) for entry in step.entries]
        if step.trouble:
            assert troubles is not None, step.trouble
            troubles.append(step.trouble)
    return found


def whole(directory: Path) -> Seen:
    """The slow twin: a reader of the whole log, market records and openings left out."""
    kinds = set(HANDED) - {EntryKind.OPENING}
    return [(entry.entry, bytes(entry.payload)) for entry in read(directory).entries() if entry.kind in kinds]


def test_a_finished_log_is_followed_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    small_log(tmp_path)
    follower = Follower(tmp_path, Place())
    assert rest(follower) == whole(tmp_path)
    assert rest(follower) == []
    assert newest_place(tmp_path) == follower.place


def test_before_there_is_a_log_there_is_nothing_to_follow(tmp_path: Path) -> None:
    assert newest_place(tmp_path / "log") == Place()
    follower = Follower(tmp_path / "log", Place())
    assert not follower.step().progressed
    small_log(tmp_path / "log")
    assert rest(follower) == whole(tmp_path / "log")


def test_each_segment_says_whose_session_it_is(tmp_path: Path) -> None:
    small_log(tmp_path)
    follower, openings, segments = Follower(tmp_path, Place()), 0, set()
    while (step := follower.step()).progressed:
        openings += bool(step.opening)
        segments.add(follower.place.segment)
    assert openings == len(list(tmp_path.glob("*.seg")))
    middle = Follower(tmp_path, Place(segment=1))
    middle.step()
    again = Follower(tmp_path, middle.place)
    assert again.step().opening, "one that goes on in the middle is told as well"


ACTIONS = st.lists(
    st.sampled_from(("input", "act", "records", "evidence", "flush", "step", "rest", "restart", "crash", "close", "rotate")), max_size=60
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_whatever_happens_meanwhile_every_entry_comes_once_and_in_order(actions: list[str], tmp_path: Path) -> None:
    directory = tmp_path / "log"
    shutil.rmtree(directory, ignore_errors=True)
    writer, n, seen, sessions = None, -1, [], count()
    follower = Follower(directory, Place())
    for action in [*actions, "crash", "rest"]:
        if action == "step":
            step = follower.step()
            assert not step.trouble
            seen += [(entry.entry, bytes(entry.payload)) for entry in step.entries]
        elif action == "rest":
            seen += rest(follower)
        elif action == "restart":
            place = msgspec.json.decode(msgspec.json.encode(follower.place), type=Place)
            follower = Follower(directory, place)
        elif action in {"crash", "close"}:
            if writer is not None:
                (writer.abandon if action == "crash" else writer.close)()
                writer = None
        else:
            if writer is None:
                name = f"s{next(sessions)}"
                writer, n = (
                    LogWriter(directory, session_opened(session_id=name), segment_bytes_max=6_000, block_bytes_max=150, continuing=True),
                    -1,
                )
            n = write(writer, action, n)
    assert seen == (whole(directory) if directory.exists() else [])


def write(writer: LogWriter, action: str, n: int) -> int:
    if action == "input":
        writer.input(n + 1, b"input %d" % (n + 1))
        return n + 1
    if action == "records":
        writer.records(n + 1, market_records(3))
        return n + 3
    if action == "act" and n >= 0:
        writer.act(n, 1, b"an act")
    elif action == "evidence":
        writer.evidence(b"raw")
    elif action == "flush":
        writer.judged(n)
        writer.flush()
    elif action == "rotate":
        writer.rotate()
    return n


def test_a_place_within_a_block_hands_over_what_is_behind_it(tmp_path: Path) -> None:
    small_log(tmp_path)
    every = whole(tmp_path)
    follower = Follower(tmp_path, Place())
    blocks = []
    while (step := follower.step()).progressed:
        blocks.append(step.entries)
    big = next(entries for entries in blocks if len(entries) > 2)
    first = big[0]
    place = Place(segment=first.segment, offset=_offset(tmp_path, first.segment, first.block), block=first.block, entry=big[1].entry)
    assert rest(Follower(tmp_path, place)) == [one for one in every if one[0] >= big[1].entry]


def _offset(directory: Path, segment: int, block: int) -> int:
    return next(placed.offset for placed in read(directory).scans[segment].blocks if placed.head.block == block)


def test_a_block_that_is_not_whole_yet_is_waited_for(tmp_path: Path) -> None:
    small_log(tmp_path, segment_bytes_max=1 << 20, close=False)
    path = segment_path(tmp_path, 1)
    data = path.read_bytes()
    every = whole(tmp_path)
    for cut in (len(data) - 1, len(data) - 100, 70, 10, 0):
        path.write_bytes(data[:cut])
        follower = Follower(tmp_path, Place())
        before = rest(follower)
        assert before == every[: len(before)]
        assert not follower.step().progressed
        path.write_bytes(data)
        assert before + rest(follower) == every


def test_what_is_cut_by_the_next_start_was_never_handed_over(tmp_path: Path) -> None:
    small_log(tmp_path, segment_bytes_max=1 << 20, close=False)
    path = segment_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-20])
    follower = Follower(tmp_path, Place())
    seen = rest(follower)
    recover(tmp_path)
    assert seen + rest(follower) == whole(tmp_path)


def test_dropped_segments_are_said_with_their_number(tmp_path: Path) -> None:
    small_log(tmp_path)
    follower = Follower(tmp_path, Place())
    follower.step()
    follower.step()
    place = follower.place
    drop_before(tmp_path, 3)
    troubles: list[str] = []
    assert rest(follower, troubles=troubles) == whole(tmp_path)
    first = read(tmp_path).scans[3].first_entry
    assert troubles == [f"{first - place.entry} entries were dropped from the log before they were read"]
    assert rest(Follower(tmp_path, Place())) == whole(tmp_path), "who never read anything has lost nothing"


def test_a_damaged_segment_is_left_once_another_follows(tmp_path: Path) -> None:
    small_log(tmp_path)
    path = segment_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    every = whole(tmp_path)
    blocks = read(tmp_path).scans[1].blocks
    wrong = next(block for block in blocks if block.head.kind == BlockKind.ENTRIES)  # market records are passed over unread
    data[wrong.offset + HEADER_BYTES] ^= 1
    path.write_bytes(data)
    troubles: list[str] = []
    seen = rest(Follower(tmp_path, Place()), troubles=troubles)
    assert len(troubles) == 1
    assert f"segment 1 of the log is damaged at block {wrong.head.block}" in troubles[0]
    assert seen == [one for one in every if one in seen]
    assert seen[-1] == every[-1]


@pytest.mark.parametrize("place", [Place(segment=900, entry=5), Place(segment=0, offset=1 << 30, block=3, entry=5)])
def test_another_log_in_the_place_of_the_old_one_is_read_from_its_beginning(place: Place, tmp_path: Path) -> None:
    small_log(tmp_path)
    troubles: list[str] = []
    assert rest(Follower(tmp_path, place), troubles=troubles) == whole(tmp_path)
    assert "another log stands in the place" in troubles[0]


def test_a_damaged_note_of_where_the_log_begins_is_an_error(tmp_path: Path) -> None:
    small_log(tmp_path)
    (tmp_path / START_NAME).write_bytes(b"nonsense")
    with pytest.raises(NotALogError, match="restore it from a copy"):
        Follower(tmp_path, Place()).step()


def test_to_sync_is_to_have_the_disk_take_the_segment_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_log(tmp_path, close=False)
    synced: list[int] = []
    monkeypatch.setattr(following_module, "_sync", synced.append)
    follower = Follower(tmp_path, newest_place(tmp_path))
    assert len(synced) == 1, "a place that is kept is durable"
    follower.sync()
    assert len(synced) == 2
