"""What can be wrong with a log, as sentences for the person who meets it."""

from pathlib import Path

from tidegate.journal.layout import Damage
from tidegate.values.errors import ExitCode, TidegateError


class NotALogError(TidegateError):
    """A directory holds no golden log."""

    exit_code = ExitCode.USAGE


class LogExistsError(TidegateError):
    """A new log was asked for where one already stands."""

    exit_code = ExitCode.USAGE


class DamagedLogError(TidegateError):
    """Bytes of the log changed after they were written. Nothing is repaired by guessing."""

    exit_code = ExitCode.ANSWER_IS_NO

    def __init__(self, directory: Path, damage: Damage) -> None:
        """Say where the damage is; `damage` keeps the place for programs."""
        super().__init__(
            f"The log {directory} is damaged in segment {damage.segment}, block {damage.block} (entries "
            f"{damage.first_entry} to {damage.last_entry}): {damage.what}; restore this segment from a copy."
        )
        self.damage = damage


class LogUnwritableError(TidegateError):
    """The disk refused the log. The writer is finished; the log on disk is whole up to its last block."""

    exit_code = ExitCode.ENVIRONMENT


class UnreadableLogError(TidegateError):
    """The disk, or its rights, refuse a reader the log."""

    exit_code = ExitCode.ENVIRONMENT


class LogFailedError(TidegateError):
    """A live log has ended for good: what its disk holds beyond the durable watermark is not known."""

    exit_code = ExitCode.ENVIRONMENT


class LogBehindError(TidegateError):
    """A live log's queue is full: the disk is slower than what comes in. Nothing was taken and nothing was dropped."""

    exit_code = ExitCode.ENVIRONMENT


class NewerFormatError(TidegateError):
    """A log, block or snapshot was written by a later version of tidegate."""

    exit_code = ExitCode.ENVIRONMENT


class UnknownExportError(TidegateError):
    """An export was asked for in a format there is none of."""

    exit_code = ExitCode.USAGE


class UnwritableExportError(TidegateError):
    """The disk refused an export. No half-written file is left."""

    exit_code = ExitCode.ENVIRONMENT
