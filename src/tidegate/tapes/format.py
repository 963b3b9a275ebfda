"""The tape file: a header of whole pages, then raw 64-byte records, mapped straight into the kernel.

    0   8  magic "TIDETAPE"            16  4  bytes of the meta text
    8   4  version (little endian)     20  4  CRC32C of the whole header, these four bytes as zero
    12  4  bytes of the header         24     meta: JSON of `TapeMeta`, then zeros to the end of the header

The hash in the meta covers the symbols and the records. It is stored when the tape is written and taken on
trust when it is opened, because hashing again would cost more than the replay; `Tape.verify` computes it
anew.
"""

import struct
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import google_crc32c
import msgspec
import numpy as np

from tidegate.events.records import RECORD, RECORD_BYTES
from tidegate.tapes.check import CHECK_RECORDS, Records, check_records
from tidegate.tapes.errors import (
    BadRecordError,
    DamagedTapeError,
    EmptyTapeError,
    NewerTapeError,
    NoSuchFileError,
    NotATapeError,
    UnsortedTapeError,
)
from tidegate.values.instruments import Instrument

if TYPE_CHECKING:
    from _hashlib import HASH

MAGIC: Final = b"TIDETAPE"
VERSION: Final = 1
PAGE_BYTES: Final = 4096
HEADER_BYTES_MAX: Final = 1 << 26

_PREFIX: Final = struct.Struct("<8sIIII")


class Planted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An anomaly that a generator put in on purpose: what a data-quality flag has to catch, and where."""

    kind: str
    symbol: str  # empty: every symbol
    first_record: int
    last_record: int
    from_ns: int
    until_ns: int


class TapeMeta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tape says of itself. `symbols[i].index == i`: a tape numbers its own symbols."""

    symbols: tuple[Instrument, ...]
    source: str  # what it was made from
    receive_time: str  # how ts_recv came about
    importer: str
    statistics: dict[str, int] = {}
    planted: tuple[Planted, ...] = ()
    records: int = 0
    first_ns: int = 0
    last_ns: int = 0
    sha256: str = ""


class Tape:
    """An open tape: records mapped read-only, never copied into memory of ours."""

    def __init__(self, *, path: Path, meta: TapeMeta, records: Records) -> None:
        """Hold what `open` has validated; `records` may also be an array in memory."""
        assert meta.records == len(records) > 0
        self.path = path
        self.meta = meta
        self.records = records

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Map a tape and validate its header and its length (not each record: see `check` and `verify`).

        Raises:
            NoSuchFileError: not there, or may not be read.
            NotATapeError: does not begin as a tape does.
            NewerTapeError: written by a newer version.
            DamagedTapeError: header changed, or the file is shorter or longer than the header says.
            EmptyTapeError: no record in it.
        """
        path = Path(path)
        meta, header_bytes = read_header(path)
        size = path.stat().st_size
        expected = header_bytes + meta.records * RECORD_BYTES
        if size != expected:
            what = "truncated" if size < expected else "longer than it says"
            raise DamagedTapeError(f"{path} is {what}: {size} bytes instead of {expected} for {meta.records} records; import it again.")
        if not meta.records:
            raise EmptyTapeError(f"{path} holds no record; import it again from a source that does.")
        mapped = np.memmap(path, dtype=RECORD, mode="r", offset=header_bytes, shape=(meta.records,))
        return cls(path=path, meta=meta, records=mapped.view(np.ndarray))

    @classmethod
    def of(cls, records: Records, *, symbols: tuple[Instrument, ...], name: str = "memory") -> Self:
        """Return a tape over records in memory, checked and hashed as a file would be.

        Raises:
            EmptyTapeError, UnsortedTapeError, BadRecordError: see `check`.
        """
        if not len(records):
            raise EmptyTapeError(f"{name} holds no record; there is nothing to replay.")
        check_records(records, symbols=len(symbols))
        digest = content_hash(symbols)
        digest.update(np.ascontiguousarray(records).view(np.uint8).data)
        meta = TapeMeta(
            symbols=symbols,
            source=name,
            receive_time="as given",
            importer="memory",
            records=len(records),
            first_ns=int(records["ts_recv"][0]),
            last_ns=int(records["ts_recv"][-1]),
            sha256=digest.hexdigest(),
        )
        view = records.view()
        view.flags.writeable = False
        return cls(path=Path(name), meta=meta, records=view)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.records)

    @property
    def symbols(self) -> tuple[Instrument, ...]:
        """Return the symbols in the tape's own numbering."""
        return self.meta.symbols

    @property
    def sha256(self) -> str:
        """Return the stored hash of symbols and records; it names the tape wherever it lies."""
        return self.meta.sha256

    def check(self) -> None:
        """Check every record: order, times, kinds, instrument indexes (15 ms for a million records).

        Raises:
            UnsortedTapeError, BadRecordError: naming the first bad record.
        """
        try:
            check_records(self.records, symbols=len(self.symbols))
        except (UnsortedTapeError, BadRecordError) as error:
            raise type(error)(f"{self.path}: {error}") from error

    def verify(self) -> None:
        """Compute the hash anew, then `check`.

        Raises:
            DamagedTapeError: symbols or records are not those that were written.
        """
        digest = content_hash(self.symbols)
        for start in range(0, len(self.records), CHECK_RECORDS):
            digest.update(np.ascontiguousarray(self.records[start : start + CHECK_RECORDS]).view(np.uint8).data)
        if digest.hexdigest() != self.sha256:
            raise DamagedTapeError(f"{self.path} does not hold the records that were written; take another copy of it.")
        self.check()


def content_hash(symbols: tuple[Instrument, ...]) -> "HASH":
    """Return a SHA-256 that has taken in the symbols and waits for the records."""
    return sha256(msgspec.json.encode(symbols))


def header_bytes_for(meta: TapeMeta) -> int:
    """Return the whole pages that this meta takes once its counts, times and hash are filled in."""
    longest = msgspec.structs.replace(meta, records=2**62, first_ns=2**62, last_ns=2**62, sha256="0" * 64)
    size = _PREFIX.size + len(msgspec.json.encode(longest))
    return -(-size // PAGE_BYTES) * PAGE_BYTES


def header(meta: TapeMeta, header_bytes: int) -> bytes:
    """Return the header of a tape."""
    text = msgspec.json.encode(meta)
    assert _PREFIX.size + len(text) <= header_bytes <= HEADER_BYTES_MAX
    body = (_PREFIX.pack(MAGIC, VERSION, header_bytes, len(text), 0) + text).ljust(header_bytes, b"\0")
    return _PREFIX.pack(MAGIC, VERSION, header_bytes, len(text), google_crc32c.value(body)) + body[_PREFIX.size :]


def read_header(path: Path) -> tuple[TapeMeta, int]:
    """Return the meta of a tape and the length of its header, without touching the records.

    Raises:
        see `Tape.open`.
    """
    try:
        with path.open("rb") as file:
            prefix = file.read(_PREFIX.size)
            length = _header_length(path, prefix)
            data = prefix + file.read(length - len(prefix))
    except OSError as error:
        raise NoSuchFileError(f"The tape {path} cannot be read ({error.strerror}); correct the path.") from error
    magic, version, header_bytes, text_bytes, crc = _PREFIX.unpack(prefix)
    bare = _PREFIX.pack(magic, version, header_bytes, text_bytes, 0) + data[_PREFIX.size :]
    if len(data) != length or google_crc32c.value(bare) != crc:
        raise DamagedTapeError(f"The header of {path} is damaged; import the tape again or take another copy.")
    try:
        meta = msgspec.json.decode(data[_PREFIX.size : _PREFIX.size + text_bytes], type=TapeMeta)
    except msgspec.MsgspecError as error:
        raise NewerTapeError(f"The header of {path} cannot be read ({error}); upgrade tidegate to read this tape.") from error
    return meta, header_bytes


def _header_length(path: Path, prefix: bytes) -> int:
    if len(prefix) < _PREFIX.size or not prefix.startswith(MAGIC):
        raise NotATapeError(f"{path} is not a tape; make one with `tidegate tape import`.")
    _, version, header_bytes, text_bytes, _ = _PREFIX.unpack(prefix)
    if version > VERSION:
        raise NewerTapeError(f"{path} has tape version {version}, this tidegate reads up to {VERSION}; upgrade tidegate to read it.")
    aligned = header_bytes % PAGE_BYTES == 0 and PAGE_BYTES <= header_bytes <= HEADER_BYTES_MAX
    if version < 1 or not aligned or text_bytes > header_bytes - _PREFIX.size:
        raise DamagedTapeError(f"The header of {path} is damaged; import the tape again or take another copy.")
    return int(header_bytes)
