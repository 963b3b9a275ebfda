"""Rows of the journal from a log on disk, one by one."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from tidegate.analytics.journal.columns import Kind, Row
from tidegate.analytics.journal.decisions import decision_rows
from tidegate.analytics.journal.events import event_rows
from tidegate.analytics.journal.orders import OrderStories
from tidegate.analytics.journal.risk import risk_rows
from tidegate.analytics.journal.source import Told, settled, told
from tidegate.analytics.journal.wanted import Wanted, stories_of

_ANY: Final = Wanted()


def journal_rows(directory: Path, kind: Kind, wanted: Wanted = _ANY) -> Iterator[Row]:
    """Yield the rows of a kind that are asked for, in the order of the log; memory is bounded, however long the log is.

    Raises:
        NotALogError: no log is there.
        NewerFormatError, UnreadableMessageError: written by a later version.
        DamagedLogError: bytes of the log changed after they were written, or a segment is missing.
        UnreadableLogError: the disk refuses.
    """
    reader = settled(directory)
    if wanted.identity:
        wanted = msgspec.structs.replace(wanted, stories=stories_of(told(reader), wanted.identity))
    return (row for row in _ROWS[kind](told(reader)) if wanted.passes(row))


def _order_rows(source: Iterator[Told]) -> Iterator[Row]:
    return OrderStories().rows(source)


_ROWS: Final[Mapping[Kind, Callable[[Iterator[Told]], Iterator[Row]]]] = MappingProxyType(
    {Kind.EVENTS: event_rows, Kind.ORDERS: _order_rows, Kind.RISK: risk_rows, Kind.DECISIONS: decision_rows}
)
