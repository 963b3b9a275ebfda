"""What the trader's machines ask of the world, and what they hand to whoever carries it out.

The machines start nothing: no thread, socket or disk. A driver (the trader's loop, or a simulated world) carries out `Effect`s in
their order and tells the outcome; a clock and a log are handed in.
"""

from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidegate.events.acts import OrderCommand
from tidegate.service.ledger.rows import Batch
from tidegate.values.enums import ReportCause
from tidegate.venues.errors import Declined, OutcomeUnsure, Unreachable
from tidegate.venues.port import Urgency, VenueAccount, VenueExecution, VenueOrder, VenuePosition


class LogPort(Protocol):
    """The golden log as the loop sees it: nothing waits, and what is durable is told by `durable_n`."""

    @property
    def durable_n(self) -> int:
        """The newest input that is on disk with all its acts."""

    @property
    def failed(self) -> Exception | None:
        """What ended the log; None while it lives."""

    @property
    def keep_trouble(self) -> Exception | None:
        """What kept old segments from being dropped; None: nothing did."""

    def input(self, n: int, message: bytes) -> None:
        """Log an input that is not a market record."""

    def act(self, n: int, k: int, message: bytes) -> None:
        """Log act k of input n."""

    def records(self, n_first: int, records: NDArray[np.void]) -> None:
        """Log market records; the first is input n_first."""

    def evidence(self, raw: bytes) -> None:
        """Log what is no input: what a venue sent, what we measured."""

    def judged(self, n: int) -> None:
        """Note that all acts of all inputs up to n were given."""


class Commanded(NamedTuple):
    """A command with its place in the session."""

    n: int
    k: int
    command: OrderCommand


class Reads(NamedTuple):
    """What one round of reading the venue gave, and when it began and ended in receive time. None: not read."""

    began_ns: int
    ended_ns: int
    executions: tuple[VenueExecution, ...] | None
    orders: tuple[VenueOrder, ...] | None
    positions: tuple[VenuePosition, ...] | None
    account: VenueAccount | None


class WriteLedger(NamedTuple):
    """Write a batch to the ledger and tell `Desk.wrote(effect, error)` when the disk has it or it was refused."""

    batch: Batch


class Send(NamedTuple):
    """Let a command leave now, in this very step: everything was checked for this moment. Tell `Desk.answered`.

    Once and never again: no driver repeats it, whatever comes back.
    """

    command: OrderCommand
    urgency: Urgency


class CancelAll(NamedTuple):
    """Ask the venue in one request to cancel every open order of the account, in place of these cancels. Tell `Desk.canceled_all`."""

    commands: tuple[OrderCommand, ...]


class Find(NamedTuple):
    """Look an order up completely: by its client order id, or by the venue's where it is not ours and has none. Tell `Desk.found`."""

    client_order_id: str  # the key under which it is told back
    venue_order_id: str = ""  # of an order that somebody else placed


class ReadVenue(NamedTuple):
    """Read executions after a time, open orders, positions and account, in this order. Tell `Desk.read`."""

    cause: ReportCause
    executions_after_ns: int


class Suspend(NamedTuple):
    """Set the venue's own switch. Tell `Desk.suspended`."""

    on: bool


class SealAudit(NamedTuple):
    """Sign the end of the account's audit chain, keep the head outside the database and then in it. Tell `Desk.sealed`."""

    account: str
    epoch: int
    at_ns: int


Effect: TypeAlias = WriteLedger | Send | CancelAll | Find | ReadVenue | Suspend | SealAudit
Answer: TypeAlias = VenueOrder | Unreachable | Declined | OutcomeUnsure | None  # None: a cancel was taken
Found: TypeAlias = VenueOrder | Unreachable | Declined | OutcomeUnsure | None  # None: a complete lookup did not find it
