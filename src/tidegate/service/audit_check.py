"""Holds the audit chain of a ledger against its key and its anchors, with a trader beside it or without one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tidegate.journal.audit.anchors import anchor_lines
from tidegate.journal.audit.heads import Head, named
from tidegate.journal.audit.keys import public_keys
from tidegate.journal.audit.verify import AnchorCheck, FindingKind, Report, Row, check_chain, ledger_marks
from tidegate.service.ledger.audit_reading import AuditReader
from tidegate.values.errors import ExitCode, TidegateError

_ODD: Final = "Record {seq} was changed: a field of it has another type than it was written with."


class NoChainError(TidegateError):
    """There is no audit chain where one was looked for, and no sign that there ever was."""

    exit_code = ExitCode.USAGE


class Evidence(NamedTuple):
    """Where to look. account: only this one; empty: every one that is found."""

    ledger: str
    anchors: Path
    key: Path
    account: str = ""


def check_audit(evidence: Evidence) -> list[Report]:
    """Verify each account's chain.

    Raises:
        NoChainError: nothing is there.
        AuditKeyError, AnchorsUnreadableError, LedgerUnavailableError: something is there and cannot be read.
    """
    if not evidence.key.exists() and not evidence.anchors.exists() and _is_missing(evidence.ledger):
        raise NoChainError(f"There is no audit chain at {evidence.ledger}: no trader has run there; name its folder with --home.")
    known_bytes = evidence.anchors.stat().st_size if evidence.anchors.exists() else 0  # before the rows: what comes later may be newer
    with _looking(evidence.ledger) as reader:
        accounts = {evidence.account} if evidence.account else {*_anchored(evidence.anchors), *(reader.accounts() if reader else ())}
        return [_check(evidence, reader, account, known_bytes) for account in sorted(accounts)] or [_nothing()]


def _check(evidence: Evidence, reader: AuditReader | None, account: str, known_bytes: int) -> Report:
    report = Report(account=account, findings=[], remarks=[])
    heads: list[Head | None] = []
    rows: Iterator[Row] = iter(())
    if reader is None:
        report.remarks.append(f"There is no ledger {evidence.ledger}.")
    else:
        heads, rows = reader.heads(account), reader.rows(account)
    keys = named(public_keys(evidence.key))
    marks = ledger_marks(heads, keys, report)
    anchors = AnchorCheck(keys, report)
    anchors.read(anchor_lines(evidence.anchors), known_bytes=known_bytes)
    if evidence.anchors.exists():
        anchors.hold(heads)
    elif heads:
        report.found(
            FindingKind.ANCHORS_MISSING,
            0,
            f"There are no anchors at {evidence.anchors}, and the ledger has {len(heads)} heads that were kept there: the file was "
            "taken away; if it is kept elsewhere, name it with --anchors.",
        )
    check_chain(rows, [*marks, *anchors.marks], report)
    for seq in reader.odd_rows(account) if reader else ():
        report.found(FindingKind.CHANGED, seq, _ODD.format(seq=seq))
    if not report.records and report.ok:
        _say_empty(report)
    return report


def _nothing() -> Report:
    report = Report(account="", findings=[], remarks=[])
    _say_empty(report)
    return report


def _say_empty(report: Report) -> None:
    report.found(
        FindingKind.EMPTY,
        0,
        "There is no record, head or anchor: everything was taken away, or no trader has come further than to make its key.",
    )


@contextmanager
def _looking(ledger: str) -> Iterator[AuditReader | None]:
    """Yield a reader; None: the file is gone."""
    if _is_missing(ledger):
        yield None
        return
    with AuditReader(ledger) as reader:
        yield reader


def _is_missing(ledger: str) -> bool:
    return "://" not in ledger and not Path(ledger).exists()


def _anchored(path: Path) -> set[str]:
    return {line.head.account for line in anchor_lines(path) if line.head is not None}
