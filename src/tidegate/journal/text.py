"""`log show`: a log for the eye, one line for each entry."""

from collections.abc import Iterator

import msgspec

from tidegate.journal.reader import LogReader
from tidegate.journal.rows import Row, rows
from tidegate.values.time import iso_utc

_WIDTH_MAX = 400  # one entry never floods a screen


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries to show; empty means any. Times in ns UTC; an entry without one has none to compare."""

    symbol: str = ""
    strategy_id: str = ""
    type: str = ""
    correlation_id: str = ""
    from_ns: int | None = None
    until_ns: int | None = None

    def passes(self, row: Row) -> bool:
        """Say whether a row is to be shown."""
        for name in ("symbol", "strategy_id", "type", "correlation_id"):
            wanted = getattr(self, name)
            if wanted and row[name] != wanted:
                return False
        if self.from_ns is None and self.until_ns is None:
            return True
        time = row["time"]
        if time is None:
            return False
        return (self.from_ns is None or time >= self.from_ns) and (self.until_ns is None or time < self.until_ns)


_ANY = Filter()


def lines(reader: LogReader, wanted: Filter = _ANY) -> Iterator[str]:
    """Yield a line for each entry that passes: number, n.k, time, type, symbol, strategy and what it says.

    Raises:
        DamagedLogError: a block's payload changed after it was written.
        UnreadableMessageError: a message was written by a later version.
    """
    return (line(row) for row in rows(reader) if wanted.passes(row))


def line(row: Row) -> str:
    """Return one row as a line of text."""
    time = "-" if row["time"] is None else iso_utc(row["time"])
    place = f"{row['n']}.{row['k']}" if row["n"] >= 0 else "-"
    said = " ".join(f"{name}={_word(value)}" for name, value in row["body"].items() if not _says_nothing(value))
    front = f"{row['entry']:>8} {place:>10} {time:<30} {row['type']:<18}"
    text = f"{front} {row['symbol'] or '-':<8} {row['strategy_id'] or '-':<12} {said}".rstrip()
    return text if len(text) <= _WIDTH_MAX else text[: _WIDTH_MAX - 3] + "..."


def _says_nothing(value: object) -> bool:
    return value is None or value is False or value in ("", 0, "0")


def _word(value: object) -> str:
    """A value in one line: text as it is if it is one word, everything else as JSON."""
    if isinstance(value, str) and value.isprintable() and " " not in value:
        return value
    return msgspec.json.encode(value).decode()
