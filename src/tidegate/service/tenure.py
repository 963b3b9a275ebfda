"""Holding the account: the lease is claimed before anything is read, renewed from the loop, and given back at the end."""

import asyncio
import os
import platform
from collections.abc import Callable
from typing import Final, NamedTuple, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.service.desk import Desk
from tidegate.service.lease import TTL_NS, HeldLease, LeaseStep, LeaseWatch
from tidegate.service.ledger.errors import LeaseHeldError, LedgerError, LedgerLockedError, StaleEpochError
from tidegate.service.ledger.rows import Lease, LeaseClaim
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.thread import LedgerThread
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import SECOND_NS

CLAIM_EVERY_S: Final = 1.0


class AccountHeldError(TidegateError):
    """Another trader has the account."""

    exit_code = ExitCode.REFUSED


class AccountLostError(TidegateError):
    """Another trader has taken the account over; this one stops."""

    exit_code = ExitCode.REFUSED


def holder_name(clock: Clock) -> str:
    """Return a name of this process that no other has."""
    return f"{platform.node()}/{os.getpid()}/{clock.now_ns()}"


class Claimed(NamedTuple):
    """An account just taken: the ledger that has it, its lease, and the monotonic time in ns at which the ledger was asked."""

    ledger: SqlLedger
    lease: Lease
    asked_ns: int


async def claim_account(
    open_ledger: Callable[[], SqlLedger], account: str, clock: Clock, *, patient: bool, tell: Callable[[str], None]
) -> Claimed:
    """Open the ledger and take the account's lease.

    A holder that died is waited out for its whole time to live, on our own clock. `patient` waits as long as a living holder
    renews, or one that sleeps keeps the ledger locked; otherwise either is given up. `tell` is told once who or what is waited for.

    Raises:
        AccountHeldError: a living trader has the account.
        LedgerError: the ledger cannot be asked.
    """
    watch, name = LeaseWatch(), holder_name(clock)
    seen: Lease | None = None
    told: str | None = None
    ledger: SqlLedger | None = None
    while True:
        asked_ns = clock.monotonic_ns()
        claim = LeaseClaim(account=account, holder=name, now_ns=clock.now_ns(), ttl_ns=TTL_NS, waited_out=watch.waited_out(asked_ns))
        try:
            if ledger is None:
                ledger = await asyncio.to_thread(open_ledger)
            return Claimed(ledger, await asyncio.to_thread(ledger.take_lease, claim), asked_ns)
        except LedgerLockedError as error:
            if not patient:
                raise
            waits = f"{error} Until then this trader waits for it."
        except LeaseHeldError as error:
            if seen is not None and error.lease != seen and not patient:
                raise AccountHeldError(
                    f"Account {account} is traded by {error.lease.holder} already, which has just renewed its lease; "
                    "stop that trader first, or use another account."
                ) from None
            seen = error.lease
            watch.saw(seen, clock.monotonic_ns())
            waits = f"The account is held by {seen.holder}; this trader waits for it."
        if waits != told:
            tell(waits)
            told = waits
        await asyncio.sleep(CLAIM_EVERY_S)


@final
class Tenure:
    """Renews a lease until it is given back or lost."""

    def __init__(self, lease: Lease, asked_ns: int, clock: Clock, ledger: LedgerThread, desk: Desk, *, speed: float) -> None:
        """Args: speed: how much faster than the machine's the desk's clock runs, with an emulator."""
        self._held: Final = HeldLease(lease, asked_ns)
        self._clock: Final = clock
        self._ledger: Final = ledger
        self._desk: Final = desk
        self._speed: Final = speed
        self._tell(lease, asked_ns)

    @property
    def quiet_ns(self) -> int:
        """How long from now the former holder is waited out."""
        return max(0, self._held.quiet_until_ns - self._clock.monotonic_ns())

    async def keep(self) -> None:
        """Renew for ever.

        Raises:
            AccountLostError: another trader has the account.
        """
        while True:
            await asyncio.sleep(max(0, self._held.due_ns() - self._clock.monotonic_ns()) / SECOND_NS)
            if self._held.step(self._clock.monotonic_ns()) is not LeaseStep.RENEW:
                continue
            asked_ns = self._clock.monotonic_ns()
            try:
                lease = await self._ledger.ask(lambda ledger: ledger.renew(self._held.lease, self._clock.now_ns()))
            except StaleEpochError:
                self._held.lost()
                self._desk.gatekeeper.lose()
                raise AccountLostError(
                    f"Account {self._held.lease.account} was taken over by another trader; this one sends nothing any more and stops."
                ) from None
            except LedgerError as error:
                self._held.failed()  # the time runs on; sending stops by itself when it is over
                self._desk.outbox.heard_of_ledger(error)
                continue
            self._held.renewed(lease)
            self._desk.outbox.heard_of_ledger(None)
            self._tell(lease, asked_ns)

    async def give_back(self) -> None:
        """Let the next trader take the account at once."""
        self._desk.gatekeeper.lose()
        await self._ledger.ask(lambda ledger: ledger.release(self._held.lease))

    def _tell(self, lease: Lease, asked_ns: int) -> None:
        """Tell the desk, whose clock may run faster than the machine's."""
        ago_ns = self._clock.monotonic_ns() - asked_ns
        desk_asked_ns = self._desk.monotonic_ns() - int(ago_ns * self._speed)
        self._desk.gatekeeper.hold(msgspec.structs.replace(lease, ttl_ns=int(lease.ttl_ns * self._speed)), asked_ns=desk_asked_ns)
