"""Versions of the configuration while no trader runs: straight on the ledger, with the home locked and the account's lease held."""

import os
from typing import Final

from tidegate.clock.clock import Clock
from tidegate.control.home import Home
from tidegate.control.version_replies import VersionReply, VersionsReply
from tidegate.service.home_lock import lock_home
from tidegate.service.ledger.errors import LeaseHeldError
from tidegate.service.ledger.rows import LeaseClaim
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.promoting import Who
from tidegate.service.tenure import AccountHeldError, holder_name
from tidegate.service.version_verbs import VersionRequest, carry_out
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import SECOND_NS

_HELD_NS: Final = 30 * SECOND_NS


class NoAccountError(TidegateError):
    """A ledger knows no version, or those of several accounts, and none was named."""

    exit_code = ExitCode.ENVIRONMENT


def ask_ledger(home: Home, ledger: str, account: str, request: VersionRequest, person: str, clock: Clock) -> VersionReply | VersionsReply:
    """Do what a person asks of versions.

    Args:
        home: whose home is locked meanwhile.
        ledger: a `postgresql://` address; empty: the file in the home.
        account: whose versions; empty: of the only account that has any.
        request: what is asked.
        person: who asks.
        clock: tells the time.

    Raises:
        HomeInUseError: a supervisor works in the home.
        AccountHeldError: a trader has the account.
        NoAccountError: no account was named, and there is not exactly one.
        TidegateError: it is refused; nothing was recorded.
    """
    home.make()
    lock = lock_home(home.root)
    try:
        store = SqlLedger(ledger or home.ledger)
        try:
            return _ask(store, account or _only_account(store), request, person, clock)
        finally:
            store.close()
    finally:
        os.close(lock)


def _ask(store: SqlLedger, account: str, request: VersionRequest, person: str, clock: Clock) -> VersionReply | VersionsReply:
    claim = LeaseClaim(account=account, holder=holder_name(clock), now_ns=clock.now_ns(), ttl_ns=_HELD_NS)
    try:
        lease = store.take_lease(claim)
    except LeaseHeldError as error:
        raise AccountHeldError(
            f"Account {account} is held by {error.lease.holder}; ask that trader over its home, or wait until its lease has run out."
        ) from None
    try:
        return carry_out(store, lease, request, Who(person, clock.now_ns(), getattr(request, "reason", "")))
    finally:
        store.release(lease)


def _only_account(store: SqlLedger) -> str:
    accounts = sorted({row.account for row in store.versions()})
    if len(accounts) == 1:
        return accounts[0]
    if accounts:
        raise NoAccountError(f"The ledger has versions of {', '.join(accounts)}; name one with --account.")
    raise NoAccountError("The ledger knows no version yet; add one with `tidegate config add FILE`.")
