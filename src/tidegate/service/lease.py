"""The lease of an account as its holder and its claimants see it, without a clock or a store of its own.

The database fences what is written. What it cannot fence is the wire, so the holder stops by itself before its lease can be
another's (`gatekeeper`), and a new holder reconciles, and lets entries out, only when the old one's last request must have ended. Both
count on a monotonic clock and from the moment *before* the store was asked: a slow answer makes the lease shorter, never longer.
"""

from enum import StrEnum
from typing import Final, final

from tidegate.service.ledger.rows import Lease
from tidegate.values.time import SECOND_NS

TTL_NS: Final = 10 * SECOND_NS
RENEW_NS: Final = 3 * SECOND_NS
REQUEST_NS: Final = 10 * SECOND_NS  # no request of ours lives longer than this


class LeaseStep(StrEnum):
    """What the holder is to do with its lease now."""

    WAIT = "wait"
    RENEW = "renew"
    LOST = "lost"  # another trader has it: stop for good


@final
class HeldLease:
    """The lease as its holder counts it. Times are of the holder's monotonic clock, in ns."""

    def __init__(self, lease: Lease, asked_ns: int, *, request_ns: int = REQUEST_NS) -> None:
        """Begin with a lease just taken.

        Args:
            lease: as the ledger gave it.
            asked_ns: the monotonic time just before the ledger was asked.
            request_ns: how long a request of a former holder may still be on its way.
        """
        self._lease = lease
        self._renewing = False
        self._tried_ns = asked_ns
        self._lost = False
        # A holder whose lease ran out may have sent until its margin began; one that gave its lease back sends nothing.
        self._quiet_until_ns = asked_ns + (lease.ttl_ns + request_ns if lease.taken_from else 0)

    @property
    def lease(self) -> Lease:
        """The lease as the ledger gave it last."""
        return self._lease

    @property
    def quiet_until_ns(self) -> int:
        """Until when the former holder is waited out; reconcile after that, and let no entry out before."""
        return self._quiet_until_ns

    def step(self, now_ns: int) -> LeaseStep:
        """Return what to do now; on RENEW ask the ledger and report with `renewed`, `failed` or `lost`."""
        if self._lost:
            return LeaseStep.LOST
        if self._renewing or now_ns < self._tried_ns + RENEW_NS:
            return LeaseStep.WAIT
        self._renewing, self._tried_ns = True, now_ns
        return LeaseStep.RENEW

    def due_ns(self) -> int:
        """Return when `step` should be asked next, if nothing is reported before."""
        return self._tried_ns + RENEW_NS

    def renewed(self, lease: Lease) -> None:
        """Take in a renewal. How long it lets us send is the gatekeeper's count, from when it was asked for."""
        assert self._renewing, "nothing was asked"
        assert lease.epoch == self._lease.epoch, "another epoch is another lease"
        self._lease, self._renewing = lease, False

    def failed(self) -> None:
        """Take in that the ledger could not be asked: the time runs on, and it is tried again when due."""
        self._renewing = False

    def lost(self) -> None:
        """Take in that the epoch is stale. There is no way back: only a new start may take the account again."""
        self._lost = True


@final
class LeaseWatch:
    """A claimant's view of a lease held by another: when it has been seen unchanged for its whole time to live."""

    def __init__(self) -> None:
        self._seen: Lease | None = None
        self._since_ns = 0

    def saw(self, lease: Lease, now_ns: int) -> None:
        """Take in the lease as `LeaseHeldError` shows it, at a monotonic time."""
        if lease != self._seen:
            self._seen, self._since_ns = lease, now_ns

    def waited_out(self, now_ns: int) -> Lease | None:
        """Return the lease once its holder has let a whole time to live pass without renewing, for `LeaseClaim`."""
        if self._seen is None or now_ns < self._since_ns + self._seen.ttl_ns:
            return None
        return self._seen
