"""Writing a tape: whole or not at all. A temporary file beside it, synced, then renamed over the name."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from tidegate.events.records import RECORD
from tidegate.tapes.check import Records, check_records
from tidegate.tapes.errors import EmptyTapeError, TapeNotWrittenError
from tidegate.tapes.format import TapeMeta, content_hash, header, header_bytes_for

_PERMISSIONS = 0o644


def as_it_is(meta: TapeMeta) -> TapeMeta:
    """Return the meta unchanged."""
    return meta


def write_tape(
    path: Path,
    *,
    chunks: Iterable[Records],
    meta: TapeMeta,
    finish: Callable[[TapeMeta], TapeMeta] = as_it_is,
) -> TapeMeta:
    """Write records in order under a description; the file appears complete or not at all.

    Args:
        path: where the tape shall be; an older one there is replaced at the end.
        chunks: parts of the records, in order of receive time.
        meta: everything but counts, times and hash, which are filled in here.
        finish: what to change in the meta once all records are written; it may not grow by it.

    Returns:
        The meta as written.

    Raises:
        EmptyTapeError: no record at all.
        UnsortedTapeError, BadRecordError: naming the record.
        TapeNotWrittenError: the disk refused.
    """
    assert [symbol.index for symbol in meta.symbols] == list(range(len(meta.symbols))), "a tape numbers its own symbols"
    header_bytes = header_bytes_for(meta)
    with _replacing(path) as file:
        file.write(bytes(header_bytes))
        meta = _write_records(file, chunks, meta)
        if not meta.records:
            raise EmptyTapeError(f"There is no record to write to {path}; choose a source that holds some.")
        file.seek(0)
        meta = finish(meta)
        file.write(header(meta, header_bytes))
    return meta


def _write_records(file: BinaryIO, chunks: Iterable[Records], meta: TapeMeta) -> TapeMeta:
    digest = content_hash(meta.symbols)
    count = first_ns = last_ns = 0
    for chunk in chunks:
        assert chunk.dtype == RECORD
        if not len(chunk):
            continue
        last_ns = check_records(chunk, symbols=len(meta.symbols), first=count, last_ns=last_ns)
        if not count:
            first_ns = int(chunk["ts_recv"][0])
        data = np.ascontiguousarray(chunk).view(np.uint8).data
        digest.update(data)
        file.write(data)
        count += len(chunk)
    return msgspec.structs.replace(meta, records=count, first_ns=first_ns, last_ns=last_ns, sha256=digest.hexdigest())


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file that takes the place of `path` if all goes well, and vanishes otherwise."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), _PERMISSIONS)
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - one call with the same name as in the manual
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise TapeNotWrittenError(
            f"{path} could not be written ({error.strerror}); free space or choose another folder, nothing was left behind."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
