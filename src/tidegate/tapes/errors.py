"""What can be wrong with a tape, with what one is made from, and with where it is written."""

from tidegate.values.errors import ExitCode, TidegateError


class TapeError(TidegateError):
    """Root of everything this layer refuses. Another file, or another call, is needed."""


class NoSuchFileError(TapeError):
    """A tape or a source is not there or cannot be read. Correct the path."""


class NotATapeError(TapeError):
    """The file does not begin as a tape does. Import it first."""


class NewerTapeError(TapeError):
    """A newer version wrote the tape. Upgrade; nothing is wrong with the file."""

    exit_code = ExitCode.ENVIRONMENT


class DamagedTapeError(TapeError):
    """The tape is truncated or its bytes have changed. Import it again or take another copy."""


class EmptyTapeError(TapeError):
    """There is not one record. Nothing can be replayed."""


class UnsortedTapeError(TapeError):
    """Records are not in the order of their receive times. Sort the source; we never do so in silence."""


class BadRecordError(TapeError):
    """A record holds a number that cannot be: unknown kind, instrument out of range, time out of range."""


class BadSourceError(TapeError):
    """A source file cannot be turned into records: wrong name, wrong columns, an impossible number."""


class ColumnMapError(TapeError):
    """The column map does not fit the file or itself."""


class UnknownImporterError(TapeError):
    """No importer has this name."""


class UnknownSymbolError(TapeError):
    """A tape holds a symbol that the session does not, or not unambiguously."""


class TapeNotWrittenError(TapeError):
    """The disk refused: full, read-only, no such folder. Nothing half-written stays behind."""

    exit_code = ExitCode.ENVIRONMENT
