"""A tape file is whole or absent, and says at once what is wrong with it."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import google_crc32c
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tapes.making import START_NS, quotes, symbols
from tidegate.events.records import RECORD_BYTES
from tidegate.tapes.check import Records, check_records
from tidegate.tapes.errors import (
    BadRecordError,
    DamagedTapeError,
    EmptyTapeError,
    NewerTapeError,
    NoSuchFileError,
    NotATapeError,
    TapeNotWrittenError,
    UnsortedTapeError,
)
from tidegate.tapes.format import PAGE_BYTES, VERSION, Planted, Tape, TapeMeta
from tidegate.tapes.writer import write_tape
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("C1.1")


def meta(*names: str) -> TapeMeta:
    return TapeMeta(symbols=symbols(*names), source="a test", receive_time="given", importer="test 1")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "a.tape"
    write_tape(path, chunks=[quotes([1, 2, 2]), quotes([], instruments=[]), quotes([5])], meta=meta("A"))
    return path


def with_header_changed(path: Path, change: Callable[[bytearray], None]) -> None:
    """Change a header and make its checksum right again."""
    data = bytearray(path.read_bytes())
    change(data)
    length = struct.unpack_from("<I", data, 12)[0]
    struct.pack_into("<I", data, 20, 0)
    struct.pack_into("<I", data, 20, google_crc32c.value(bytes(data[:length])))
    path.write_bytes(data)


def test_what_is_written_is_what_is_opened(written: Path) -> None:
    tape = Tape.open(written)
    assert (tape.records["ts_recv"] - START_NS).tolist() == [1, 2, 2, 5]
    assert tape.symbols == symbols("A")
    assert (tape.meta.records, tape.meta.first_ns, tape.meta.last_ns) == (4, START_NS + 1, START_NS + 5)
    assert written.stat().st_size == PAGE_BYTES + 4 * RECORD_BYTES
    tape.check()
    tape.verify()


def test_records_are_mapped_page_aligned_and_read_only(written: Path) -> None:
    tape = Tape.open(written)
    assert tape.records.ctypes.data % PAGE_BYTES == 0
    with pytest.raises(ValueError, match="read-only"):
        tape.records["a"] = 0


def test_the_hash_names_symbols_and_records_but_not_the_path(tmp_path: Path, written: Path) -> None:
    other, tape = tmp_path / "other.tape", Tape.open(written)
    again = write_tape(other, chunks=[tape.records[:1], tape.records[1:]], meta=meta("A"))
    assert again.sha256 == tape.sha256, "nor the parts in which they were written"
    assert Tape.of(tape.records, symbols=symbols("A")).sha256 == tape.sha256
    assert write_tape(other, chunks=[tape.records], meta=meta("B")).sha256 != tape.sha256
    assert write_tape(other, chunks=[tape.records[1:]], meta=meta("A")).sha256 != tape.sha256


def test_a_header_grows_by_pages_with_its_symbols(tmp_path: Path) -> None:
    names = [f"S{number}" for number in range(300)]
    write_tape(tmp_path / "wide.tape", chunks=[quotes([1], instruments=[299])], meta=meta(*names))
    tape = Tape.open(tmp_path / "wide.tape")
    assert len(tape.symbols) == 300
    assert ((tmp_path / "wide.tape").stat().st_size - RECORD_BYTES) % PAGE_BYTES == 0
    assert tape.records["instrument"].tolist() == [299]


def test_planted_anomalies_are_kept(tmp_path: Path) -> None:
    planted = Planted(kind="halt", symbol="A", first_record=0, last_record=0, from_ns=1, until_ns=2)
    described = msgspec.structs.replace(meta("A"), planted=(planted,))
    write_tape(tmp_path / "a.tape", chunks=[quotes([1])], meta=described)
    assert Tape.open(tmp_path / "a.tape").meta.planted == (planted,)


@pytest.mark.parametrize("size", [0, 10, 23, 24, 4095, PAGE_BYTES, PAGE_BYTES + 4 * RECORD_BYTES - 1])
def test_a_truncated_tape_is_refused(written: Path, size: int) -> None:
    os.truncate(written, size)
    with pytest.raises((DamagedTapeError, NotATapeError), match=r"a\.tape") as caught:
        Tape.open(written)
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_tape_longer_than_it_says_is_refused(written: Path) -> None:
    with written.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(DamagedTapeError, match="longer than it says: 4353 bytes instead of 4352"):
        Tape.open(written)


@given(position=st.integers(0, PAGE_BYTES - 1), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_in_the_header_is_noticed(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "a.tape"
    write_tape(path, chunks=[quotes([1])], meta=meta("A"))
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises((DamagedTapeError, NotATapeError, NewerTapeError)):
        Tape.open(path)


def test_one_flipped_bit_in_a_record_is_found_by_verify(written: Path) -> None:
    data = bytearray(written.read_bytes())
    data[-1] ^= 1
    written.write_bytes(data)
    tape = Tape.open(written)
    with pytest.raises(DamagedTapeError, match="does not hold the records that were written"):
        tape.verify()


def test_a_tape_of_a_newer_version_asks_for_an_upgrade(written: Path) -> None:
    with_header_changed(written, lambda data: struct.pack_into("<I", data, 8, VERSION + 1))
    with pytest.raises(NewerTapeError, match="upgrade tidegate") as caught:
        Tape.open(written)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT


@pytest.mark.parametrize(("offset", "value"), [(8, 0), (12, 100), (12, 0), (12, 1 << 31), (16, PAGE_BYTES)])
def test_a_header_whose_lengths_cannot_be_is_damaged(written: Path, offset: int, value: int) -> None:
    data = bytearray(written.read_bytes())
    struct.pack_into("<I", data, offset, value)
    written.write_bytes(data)
    with pytest.raises(DamagedTapeError, match=r"header of .* is damaged"):
        Tape.open(written)


def test_a_description_of_a_newer_version_asks_for_an_upgrade(written: Path) -> None:
    def rename(data: bytearray) -> None:
        data[:] = data.replace(b'"importer"', b'"imported"', 1)

    with_header_changed(written, rename)
    with pytest.raises(NewerTapeError, match="upgrade tidegate"):
        Tape.open(written)


def test_other_files_are_not_tapes(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,bid,ask\n1,2,3\n" * 10)
    with pytest.raises(NotATapeError, match=r"x\.csv is not a tape"):
        Tape.open(tmp_path / "x.csv")
    with pytest.raises(NoSuchFileError, match="correct the path"):
        Tape.open(tmp_path / "absent.tape")
    with pytest.raises(NoSuchFileError, match="correct the path"):
        Tape.open(tmp_path)


def test_an_empty_tape_is_never_written_and_never_opened(tmp_path: Path, written: Path) -> None:
    with pytest.raises(EmptyTapeError, match="no record"):
        write_tape(tmp_path / "empty.tape", chunks=[], meta=meta("A"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tape"]
    with_header_changed(
        written,
        lambda data: data.__setitem__(slice(0, PAGE_BYTES), data[:PAGE_BYTES].replace(b'"records":4', b'"records":0')),
    )
    os.truncate(written, PAGE_BYTES)
    with pytest.raises(EmptyTapeError, match="holds no record"):
        Tape.open(written)
    with pytest.raises(EmptyTapeError, match="nothing to replay"):
        Tape.of(quotes([], instruments=[]), symbols=symbols("A"))


def test_an_unsorted_tape_is_refused_with_the_number_of_the_record(tmp_path: Path) -> None:
    with pytest.raises(UnsortedTapeError, match=r"Record 4 is received at 2013-10-07T13:30:00.000000003Z"):
        write_tape(tmp_path / "a.tape", chunks=[quotes([1, 2, 5, 5]), quotes([3, 9])], meta=meta("A"))
    assert list(tmp_path.iterdir()) == []


def _change(field: str, value: int) -> Callable[[Records], None]:
    def change(records: Records) -> None:
        records[field][2] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_change("instrument", 1), r"Record 2 has an instrument outside 0\.\.0"),
        (_change("instrument", -1), r"Record 2 has an instrument outside 0\.\.0"),
        (_change("kind", 0), "Record 2 has a kind"),
        (_change("kind", 7), "Record 2 has a kind"),
        (_change("ts_recv", 2**62), "Record 2 has a receive time"),
        (_change("ts_recv", 0), "Record 2 has a receive time"),
        (_change("ts_event", -5), "Record 2 has an event time"),
    ],
)
def test_impossible_numbers_are_refused_with_the_number_of_the_record(
    change: Callable[[Records], None], sentence: str, tmp_path: Path
) -> None:
    records = quotes([1, 2, 3, 4])
    change(records)
    with pytest.raises(BadRecordError, match=sentence):
        check_records(records, symbols=1)
    with pytest.raises(BadRecordError, match=sentence):
        write_tape(tmp_path / "a.tape", chunks=[records], meta=meta("A"))
    assert list(tmp_path.iterdir()) == []


def test_an_older_tape_stays_until_the_new_one_is_complete(written: Path) -> None:
    before = written.read_bytes()

    def broken() -> Iterator[Records]:
        yield quotes([1])
        yield quotes([0])

    with pytest.raises(UnsortedTapeError):
        write_tape(written, chunks=broken(), meta=meta("A"))
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == ["a.tape"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TapeNotWrittenError, match="No such file or directory"):
        write_tape(tmp_path / "absent" / "a.tape", chunks=[quotes([1])], meta=meta("A"))


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.tapes.making import quotes, symbols
from tidegate.tapes.errors import TapeNotWrittenError
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.writer import write_tape

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
meta = TapeMeta(symbols=symbols("A"), source="a test", receive_time="given", importer="test 1")
try:
    write_tape(Path(sys.argv[1]), chunks=[quotes(range(1_000))], meta=meta)
except TapeNotWrittenError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_a_full_disk_leaves_nothing_behind_and_is_said_in_one_sentence(tmp_path: Path, written: Path) -> None:
    before = written.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(written)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path.cwd(),
    )
    assert done.returncode == ExitCode.ENVIRONMENT, done.stderr
    assert "could not be written" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert written.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.tape"]
