"""A ledger so plain that it can be seen to be right: lists, copied before each batch and put back when one is refused."""

import json
from copy import copy
from hashlib import sha256

import msgspec

from tests.service.ledger.test_states import ALLOWED
from tidegate.authority.users import User
from tidegate.journal.audit.record import AuditEntry
from tidegate.service.ledger.errors import ApprovalSpentError, DuplicateOrderError, LeaseHeldError, MarkRefusedError, StaleEpochError
from tidegate.service.ledger.rows import ApprovalRow, ApprovalUse, Batch, ExecutionRow, KillRow, Lease, LeaseClaim, Mark, OutboxRow
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import ApprovalState, CommandKind

REFUSED: dict[type[Exception], str] = {
    StaleEpochError: "stale",
    DuplicateOrderError: "duplicate",
    MarkRefusedError: "mark",
    ApprovalSpentError: "spent",
    LeaseHeldError: "held",
}


class Refused(Exception):  # noqa: N818 - an answer of the twin
    """The twin says no; the word is one of REFUSED."""


class Twin:
    def __init__(self) -> None:
        self.leases: list[Lease] = []  # every state of every lease; the last one of an account counts
        self.rows: list[OutboxRow] = []
        self.executions: list[ExecutionRow] = []
        self.approvals: list[ApprovalRow] = []  # every state of every request; the last one of an id counts
        self.kills: list[KillRow] = []  # every one that was set; the last one of a scope counts
        self.users: list[User] = []  # likewise, of a name
        self.audit: list[tuple[str, int, AuditEntry]] = []  # account, epoch, entry

    def lease(self, account: str) -> Lease | None:
        of_account = [lease for lease in self.leases if lease.account == account]
        return of_account[-1] if of_account else None

    def take(self, claim: LeaseClaim) -> Lease:
        last = self.lease(claim.account)
        free = last is None or last.released or claim.now_ns >= last.expires_ns or claim.waited_out == last
        if not free:
            raise Refused("held")
        lease = Lease(
            account=claim.account,
            holder=claim.holder,
            epoch=(last.epoch if last else 0) + 1,
            expires_ns=claim.now_ns + claim.ttl_ns,
            ttl_ns=claim.ttl_ns,
            taken_from=last.holder if last and not last.released else "",
        )
        self.leases.append(lease)
        return lease

    def renew(self, lease: Lease, now_ns: int) -> Lease:
        self.check(lease.account, lease.epoch)
        renewed = msgspec.structs.replace(lease, expires_ns=now_ns + lease.ttl_ns)
        self.leases.append(renewed)
        return renewed

    def release(self, lease: Lease) -> None:
        last = self.lease(lease.account)
        if last is not None and last.epoch == lease.epoch:
            self.leases.append(msgspec.structs.replace(last, released=True))

    def write(self, batch: Batch) -> tuple[str, ...]:
        self.check(batch.account, batch.epoch)
        kept = copy(self.rows), copy(self.executions), copy(self.kills), copy(self.approvals)
        try:
            for row in batch.rows:
                self.add(row)
            for mark in batch.marks:
                self.move(mark, batch)
            new = [row.execution_id for row in batch.executions if self.keep(row)]
            self.kills += batch.kills
            for approval in batch.approvals:
                self.set(approval)
            for one in batch.uses:
                self.use(one, batch.account)
        except Refused:
            self.rows, self.executions, self.kills, self.approvals = kept
            raise
        self.users += batch.users
        self.audit += [(batch.account, batch.epoch, entry) for entry in batch.audit]
        return tuple(new)

    def check(self, account: str, epoch: int) -> None:
        last = self.lease(account)
        if last is None or last.epoch != epoch or last.released:
            raise Refused("stale")

    def add(self, row: OutboxRow) -> None:
        for other in self.rows:
            same_order = makes_order(row) and makes_order(other) and row.client_order_id == other.client_order_id
            if same_order or row.command_id == other.command_id:
                raise Refused("duplicate")
        self.rows.append(row)

    def move(self, mark: Mark, batch: Batch) -> None:
        for place, row in enumerate(self.rows):
            if row.command_id == mark.command_id and row.account == batch.account and (row.state, mark.state) in ALLOWED:
                self.rows[place] = moved = msgspec.structs.replace(row, state=mark.state, changed_ns=mark.at_ns, note=mark.note)
                if mark.state is OutboxState.SENT:
                    if row.epoch != batch.epoch:
                        raise Refused("mark")
                    self.rows[place] = msgspec.structs.replace(moved, sent_ns=mark.at_ns)
                return
        raise Refused("mark")

    def keep(self, row: ExecutionRow) -> bool:
        if any((other.account, other.execution_id) == (row.account, row.execution_id) for other in self.executions):
            return False
        self.executions.append(row)
        return True

    def approval(self, account: str, approval_id: str) -> ApprovalRow | None:
        found = [one for one in self.approvals if (one.account, one.approval_id) == (account, approval_id)]
        return found[-1] if found else None

    def set(self, row: ApprovalRow) -> None:
        last = self.approval(row.account, row.approval_id)
        if last is None:
            self.approvals.append(row)
        elif last.state in {"waiting", "half_granted", "granted"} and last.order_sha256 == row.order_sha256:
            self.approvals.append(msgspec.structs.replace(row, expires_ns=last.expires_ns))

    def use(self, use: ApprovalUse, account: str) -> None:
        last = self.approval(account, use.approval_id)
        good = last is not None and last.state == "granted" and last.order_sha256 == use.order_sha256 and use.at_ns < last.expires_ns
        if last is None or not good:
            raise Refused("spent")
        self.approvals.append(msgspec.structs.replace(last, state=ApprovalState.USED, at_ns=use.at_ns))

    def everything(self, account: str) -> tuple[object, ...]:
        kills = {(row.scope, row.key): row for row in self.kills if row.account == account}
        users = {user.name: user for user in self.users if user.account == account}
        return (
            self.lease(account),
            [row for row in self.rows if row.account == account],
            [row for row in self.executions if row.account == account],
            [kills[key] for key in sorted(kills)],
            [users[name] for name in sorted(users)],
            self.chain(account),
            [self.approval(account, key) for key in sorted({one.approval_id for one in self.approvals if one.account == account})],
        )

    def chain(self, account: str) -> list[tuple[object, ...]]:
        """Return the audit records, hashed by the words of the manual."""
        found: list[tuple[object, ...]] = []
        before = "0" * 64
        for seq, (epoch, entry) in enumerate(((epoch, entry) for of, epoch, entry in self.audit if of == account), start=1):
            told = {
                "account": account, "seq": seq, "ts_ns": entry.ts_ns, "actor": entry.actor, "type": str(entry.type),
                "subject": entry.subject, "body": json.loads(entry.body), "prev_hash": before, "epoch": epoch,
            }  # fmt: skip
            digest = sha256(json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
            found.append((seq, entry.subject, before, digest, epoch))
            before = digest
        return found


def makes_order(row: OutboxRow) -> bool:
    return row.kind in {CommandKind.SUBMIT, CommandKind.REPLACE}
