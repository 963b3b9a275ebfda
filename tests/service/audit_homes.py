"""Homes with an audit chain in them, and what an intruder does to one who has the file and no key."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.service.ledger.making import ACCOUNT, START_NS, batch, claim
from tidegate.control.home import Home
from tidegate.journal.audit.anchors import ANCHORS_NAME, Anchors
from tidegate.journal.audit.heads import sign
from tidegate.journal.audit.keys import PUBLIC_NAME, signing_key
from tidegate.journal.audit.record import GENESIS, AuditEntry, AuditRecord, AuditType, Link, entry, follow
from tidegate.journal.audit.verify import FindingKind, Report
from tidegate.service.audit_check import Evidence, check_audit
from tidegate.service.ledger.sql import SqlLedger
from tidegate.values.time import SECOND_NS

RECORDS = 30
HEADS_EVERY = 10


def happened(number: int) -> AuditEntry:
    return entry(
        AuditType.ORDER_OUTCOME, ts_ns=START_NS + number * SECOND_NS, actor="venue", subject=f"order-{number}", body={"number": number}
    )


class AuditHome:
    """A home with an audit chain, a sealed one: its trader has stopped properly."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.make()
        self.ledger = self.home.ledger
        self.anchors = self.home.audit / ANCHORS_NAME
        self.key = self.home.audit / PUBLIC_NAME
        self.private = signing_key(self.home.audit).key
        self.epoch = 1

    def filled(self, records: int = RECORDS, *, sealed: bool = True) -> "AuditHome":
        """Let a trader run there, from its first record to its proper end."""
        store = SqlLedger(self.ledger)
        lease = store.take_lease(claim())
        for first in range(1, records + 1, HEADS_EVERY):
            self.append(store, range(first, min(first + HEADS_EVERY, records + 1)), sealed=sealed)
        store.release(lease)
        store.close()
        return self

    def append(self, store: SqlLedger, numbers: Iterable[int], *, sealed: bool = True) -> None:
        store.write(msgspec.structs.replace(batch(), epoch=self.epoch, audit=tuple(map(happened, numbers))))
        if sealed:
            end = store.audit_end(ACCOUNT)
            head = sign(self.private, end, account=ACCOUNT, epoch=self.epoch, ts_ns=START_NS + end.seq * SECOND_NS + 1)
            Anchors(self.anchors).append(head)
            store.write(msgspec.structs.replace(batch(), epoch=self.epoch, heads=(head,)))

    def check(self, **elsewhere: Path) -> Report:
        (report,) = check_audit(Evidence(str(self.ledger), elsewhere.get("anchors", self.anchors), elsewhere.get("key", self.key)))
        return report

    def run(self, *statements: str, **values: Any) -> None:
        """Do as an intruder who has the file: past all code, and past the triggers, which he takes away; he need not wait for the disk."""
        with closing(sqlite3.connect(self.ledger)) as file:
            file.execute("PRAGMA synchronous = OFF")
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                file.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                file.execute(statement, values)
            file.commit()

    def forge(self, records: list[AuditRecord]) -> None:
        """Put a chain of the intruder's own in place of what is there."""
        self.run("DELETE FROM audit")
        with closing(sqlite3.connect(self.ledger)) as file:
            file.executemany(f"INSERT INTO audit VALUES ({', '.join('?' * 10)})", [msgspec.structs.astuple(one) for one in records])
            file.commit()

    def rebuilt(self, *, without: int = 0) -> list[AuditRecord]:
        """Return a chain whose hashes are all right, and which lacks a record."""
        link, made = Link(0, GENESIS), []
        for number in range(1, RECORDS + 2):
            if number != without:
                made.append(follow(link, happened(number), account=ACCOUNT, epoch=1))
                link = Link(made[-1].seq, made[-1].hash)
        return made[:RECORDS]


def kinds(report: Report) -> set[FindingKind]:
    return {finding.kind for finding in report.findings}


def sentences(report: Report) -> str:
    return "\n".join(finding.sentence for finding in report.findings)


def other_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()
