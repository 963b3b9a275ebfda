"""Versions of the configuration while no trader runs: straight on the ledger, with the home locked and the account's lease held.

Whoever changes something is asked for what a running trader would ask for, and it is recorded in the audit chain likewise.
"""

import os
from typing import Final

from tidegate.authority.users import User
from tidegate.clock.clock import Clock
from tidegate.control.home import Home
from tidegate.control.peers import own_name
from tidegate.control.protocol import AddVersion, ListVersions, Login, MoveVersion, ShowVersion
from tidegate.control.version_replies import VersionReply, VersionsReply
from tidegate.journal.audit.record import AuditEntry, AuditType, entry
from tidegate.service.admission import Admission
from tidegate.service.audit_words import fact_entry, version_changed
from tidegate.service.home_lock import lock_home
from tidegate.service.ledger.errors import LeaseHeldError
from tidegate.service.ledger.rows import Batch, Lease, LeaseClaim
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.promoting import Who
from tidegate.service.side_door import STRICTEST, let_in
from tidegate.service.tenure import AccountHeldError, holder_name
from tidegate.service.user_book import UserBook
from tidegate.service.version_verbs import VersionRequest, carry_out
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import SECOND_NS

_HELD_NS: Final = 30 * SECOND_NS


class NoAccountError(TidegateError):
    """A ledger knows no version, or those of several accounts, and none was named."""

    exit_code = ExitCode.ENVIRONMENT


def ask_ledger(  # noqa: PLR0913 - what a trader would know by itself
    home: Home, ledger: str, account: str, request: VersionRequest, person: str, clock: Clock, *, login: Login | None = None
) -> VersionReply | VersionsReply:
    """Do what a person asks of versions.

    Args:
        home: whose home is locked meanwhile.
        ledger: a `postgresql://` address; empty: the file in the home.
        account: whose versions; empty: of the only account that has any.
        request: what is asked.
        person: the system user who asks.
        clock: tells the time.
        login: proves which user of the ledger asks; needed for what changes something where it has users.

    Raises:
        HomeInUseError: a supervisor works in the home.
        AccountHeldError: a trader has the account.
        AuthorityError: it needs a login, or another role.
        NoAccountError: no account was named, and there is not exactly one.
        TidegateError: it is refused; nothing was recorded.
    """
    home.make()
    lock = lock_home(home.root)
    try:
        store = SqlLedger(ledger or home.ledger)
        try:
            return _ask(store, account or _only_account(store), request, person, clock, login)
        finally:
            store.close()
    finally:
        os.close(lock)


def _ask(
    store: SqlLedger, account: str, request: VersionRequest, person: str, clock: Clock, login: Login | None
) -> VersionReply | VersionsReply:
    claim = LeaseClaim(account=account, holder=holder_name(clock), now_ns=clock.now_ns(), ttl_ns=_HELD_NS)
    try:
        lease = store.take_lease(claim)
    except LeaseHeldError as error:
        raise AccountHeldError(
            f"Account {account} is held by {error.lease.holder}; ask that trader over its home, or wait until its lease has run out."
        ) from None
    try:
        if isinstance(request, ListVersions | ShowVersion):
            return carry_out(store, lease, request, Who(person, clock.now_ns(), ""))
        return _changed(store, lease, request, person, clock, login)
    finally:
        store.release(lease)


def _changed(
    store: SqlLedger, lease: Lease, request: AddVersion | MoveVersion, person: str, clock: Clock, login: Login | None
) -> VersionReply | VersionsReply:
    """Do what changes something, if whoever asks may, and record it or the refusal."""
    told: list[AuditEntry] = []

    async def write(users: tuple[User, ...]) -> None:
        store.write(Batch(account=lease.account, epoch=lease.epoch, users=users))

    try:
        users = store.users(lease.account)
        if users or login is not None:
            door = Admission(STRICTEST, own_name(), UserBook(users, write), clock, lambda fact: told.append(fact_entry(fact)))
            person = let_in(request, login, door, os.urandom, os.getuid())
        reply = carry_out(store, lease, request, Who(person, clock.now_ns(), getattr(request, "reason", "")))
        subject, body = version_changed(request, reply)
        told.append(entry(AuditType.CONFIG_CHANGED, ts_ns=clock.now_ns(), actor=person, subject=subject, body=body))
        return reply
    finally:
        if told:
            store.write(Batch(account=lease.account, epoch=lease.epoch, audit=tuple(told)))


def _only_account(store: SqlLedger) -> str:
    accounts = sorted({row.account for row in store.versions()})
    if len(accounts) == 1:
        return accounts[0]
    if accounts:
        raise NoAccountError(f"The ledger has versions of {', '.join(accounts)}; name one with --account.")
    raise NoAccountError("The ledger knows no version yet; add one with `tidegate config add FILE`.")
