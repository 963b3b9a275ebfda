"""The golden log: everything the engine took in and gave out, in order, and beside it snapshots of its state.

Written by one writer, read by many. This folder moves bytes; it never decides, and it knows no stage of the
engine.
"""

from tidegate.journal.check import check
from tidegate.journal.errors import (
    DamagedLogError,
    LogExistsError,
    LogUnwritableError,
    NewerFormatError,
    NotALogError,
)
from tidegate.journal.layout import FORMAT_VERSION, Damage, EntryKind
from tidegate.journal.reader import Entry, LogReader, read
from tidegate.journal.recovery import Recovery, recover
from tidegate.journal.writer import LogWriter

__all__ = [
    "FORMAT_VERSION",
    "Damage",
    "DamagedLogError",
    "Entry",
    "EntryKind",
    "LogExistsError",
    "LogReader",
    "LogUnwritableError",
    "LogWriter",
    "NewerFormatError",
    "NotALogError",
    "Recovery",
    "check",
    "read",
    "recover",
]
