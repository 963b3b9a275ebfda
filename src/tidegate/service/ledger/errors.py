"""What a ledger can say no with, sorted by what the caller must do next. Each leaf's docstring is its handling rule."""

from tidegate.service.ledger.rows import Lease
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import iso_utc


class LedgerError(TidegateError):
    """Root of ledger errors; never raised itself. Whatever the leaf: what was to be written may not be sent."""

    exit_code = ExitCode.REFUSED


class StaleEpochError(LedgerError):
    """Another trader has the account, or the lease was given back. Stop sending for good; only a new start may take it again."""


class LeaseHeldError(LedgerError):
    """Another trader has the account. Start nothing; wait until its lease has run out, or leave.

    `lease` is the row as it was seen: unchanged for a whole time to live on one's own monotonic clock, it has been waited out.
    """

    def __init__(self, lease: Lease) -> None:
        """Name the holder and when its lease ends."""
        super().__init__(
            f"The account {lease.account} is held by {lease.holder} (epoch {lease.epoch}) until {iso_utc(lease.expires_ns)}; "
            "stop that trader, or wait until its lease has run out."
        )
        self.lease = lease


class DuplicateOrderError(LedgerError):
    """This command or client order id is recorded already. Never send it again; ask the venue about it."""


class MarkRefusedError(LedgerError):
    """A mark contradicts the row: unknown command, no such transition, or a release of a former holder's order.

    Nothing moved. Send nothing, and report it as a finding.
    """


class ApprovalSpentError(LedgerError):
    """An order rests on an approval that is used, refused, expired, of another order, or unknown. Send nothing; ask for a new one."""


class LedgerUnavailableError(LedgerError):
    """The store refuses or is gone. Only cancels may leave until it is back.

    Whether the last batch was written may not be known: then its rows are found by the next start, as PENDING or SENT.
    """

    exit_code = ExitCode.ENVIRONMENT


class LedgerLockedError(LedgerUnavailableError):
    """Another program holds the store's lock. Who waits for the account asks again; who has it treats it as its root."""


class LedgerBusyError(LedgerError):
    """The queue before the ledger is full. Nothing was taken in; stop entries until it has room."""

    exit_code = ExitCode.ENVIRONMENT
