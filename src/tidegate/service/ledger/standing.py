"""Whether the files of a SQLite ledger are still where a start would look for them.

A file that was removed or replaced takes what is written, and its sync succeeds; the next start finds nothing of it. SQLite itself
looks at neither its file nor the write-ahead file beside it while it has them open.
"""

from pathlib import Path
from typing import Final, final

from sqlalchemy import Engine, event

_WAL: Final = "-wal"
_Identity = tuple[int, int]


@final
class Standing:
    """Remembers which files an engine has open; a server's ledger has none of ours and always stands."""

    def __init__(self, engine: Engine) -> None:
        """Take in what stands there now; the engine has just been opened."""
        database = engine.url.database or ""
        self._file: Final = Path(database) if engine.dialect.name == "sqlite" else None
        self._opened: Final = _identity(self._file)
        self._wal: _Identity | None = None
        event.listen(engine, "connect", self._connected)

    def holds(self) -> bool:
        """Tell whether the files are those that were opened."""
        if self._file is None:
            return True
        wal = _identity(self._file.with_name(self._file.name + _WAL))
        if self._wal is None:
            self._wal = wal  # it is made by the first transaction of a connection
        return self._opened is not None and _identity(self._file) == self._opened and wal == self._wal

    def _connected(self, *_: object) -> None:
        self._wal = None  # the last connection that closes takes the write-ahead file away


def _identity(path: Path | None) -> _Identity | None:
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
