"""`tidegate audit`: verify, search, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, home_of
from tidegate.cli.words import Json
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.journal.audit.verify import Report

Config = Annotated[
    str,
    typer.Option(metavar="FILE", help="The trader's configuration, where it names a ledger or anchors elsewhere.", show_default=False),
]
Account = Annotated[str, typer.Option(metavar="NAME", help="Only this account.", show_default=False)]
Actor = Annotated[str, typer.Option(metavar="NAME", help="Only what this user or part did.", show_default=False)]
Type = Annotated[str, typer.Option("--type", metavar="TYPE", help="Only this type, such as request or order_sent.", show_default=False)]
Subject = Annotated[str, typer.Option(metavar="NAME", help="Only what is about exactly this.", show_default=False)]
Words = Annotated[str, typer.Option("--text", metavar="WORDS", help="Only records that hold these words anywhere.", show_default=False)]
Identifier = Annotated[
    str, typer.Option("--id", metavar="ID", help="Only records that name this order, request, command or session.", show_default=False)
]
From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Not before, such as 2027-01-15 or 2027-01-15T14:30Z.", show_default=False)
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Before.", show_default=False)]


class _Places(NamedTuple):
    ledger: str
    anchors: Path
    key: Path
    account: str


def verify(
    *,
    home: HomeFolder = None,
    config: Config = "",
    account: Account = "",
    anchors: Annotated[Path | None, typer.Option(metavar="FILE", help="Anchors kept elsewhere.", show_default=False)] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Public key kept elsewhere.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Prove that the audit chain is what it was when it was written.

    Every record is hashed again, every signed head is proved with the public key, and the anchors outside the
    ledger are held against it. Exit code 0 only where nothing was found. Works beside a running trader and
    without one. With --json: ok, and for each account records, heads, anchors, open_records, findings and
    remarks.
    """
    import msgspec

    from tidegate.service.audit_check import Evidence, check_audit

    places = _places(home, config, account)
    reports = check_audit(Evidence(places.ledger, anchors or places.anchors, key or places.key, places.account))
    ok = all(report.ok for report in reports)
    if as_json:
        printing.document({"ok": ok, "accounts": [msgspec.to_builtins(report) | {"ok": report.ok} for report in reports]})
    else:
        for report in reports:
            printing.lines(_lines(report))
    if not ok:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def search(
    *,
    actor: Actor = "",
    type_: Type = "",
    subject: Subject = "",
    text: Words = "",
    identifier: Identifier = "",
    from_: From = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="At most so many records.")] = 50,
    home: HomeFolder = None,
    config: Config = "",
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Find records of the audit chain, newest first.

    Number, time, actor, type, subject and particulars of each, one line a record.
    """
    from tidegate.service.ledger.audit_reading import AuditReader, AuditWish

    places = _places(home, config, account)
    wish = AuditWish(places.account, actor, type_, subject, text, identifier, _time(from_), _time(until))
    with AuditReader(places.ledger) as reader:
        found = list(reader.search(wish, limit))
    if as_json:
        printing.document({"records": found})
        return
    printing.lines(_record_line(record) for record in found)
    if len(found) == limit:
        printing.note(f"Only the newest {limit} are shown; see more with --limit, or narrow it.")


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .jsonl, .csv or .parquet file.", show_default=False)],
    *,
    actor: Actor = "",
    type_: Type = "",
    from_: From = "",
    until: Until = "",
    home: HomeFolder = None,
    config: Config = "",
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Write records of the audit chain to a file, oldest first.

    JSON lines are the records as they were hashed, with their hash. The file appears whole or not at all.
    """
    from tidegate.journal.audit.export import export_records
    from tidegate.service.ledger.audit_reading import AuditReader, AuditWish

    places = _places(home, config, account)
    wish: AuditWish = AuditWish(account=places.account, actor=actor, type=type_, from_ns=_time(from_), until_ns=_time(until))
    with AuditReader(places.ledger) as reader:
        count = export_records(reader.search(wish, newest_first=False), out)
    if as_json:
        printing.document({"out": str(out), "records": count})
    else:
        printing.lines([f"{out}: {count:,} records"])


def _places(folder: Path | None, config: str, account: str) -> _Places:
    from tidegate.journal.audit.anchors import ANCHORS_NAME
    from tidegate.journal.audit.keys import PUBLIC_NAME

    home = home_of(folder)
    places = _Places(str(home.ledger), home.audit / ANCHORS_NAME, home.audit / PUBLIC_NAME, account)
    if not config:
        return places
    from tidegate.config.paths import expanded
    from tidegate.config.reading import read_config
    from tidegate.service.setup import live_section

    loaded = read_config(config)
    live = live_section(loaded)
    return places._replace(
        ledger=live.ledger or places.ledger,
        anchors=loaded.folder / expanded(live.audit_anchors) if live.audit_anchors else places.anchors,
        account=account or loaded.config.account.name,
    )


def _time(text: str) -> int:
    """Return a time of the command line in ns UTC; 0: none was given."""
    from datetime import UTC, datetime

    from tidegate.cli.exits import UsageProblemError
    from tidegate.values.time import SECOND_NS

    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageProblemError(f"{text!r} is no time; write it as 2027-01-15 or 2027-01-15T14:30:00Z.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND_NS + moment.microsecond * 1_000


def _lines(report: "Report") -> list[str]:
    from tidegate.cli.showing import moment

    name = f"account {report.account}" if report.account else "no account"
    verdict = "nothing was found" if report.ok else f"{len(report.findings) + report.more_findings:,} findings"
    found = [
        f"{name}: {verdict}; {report.records:,} records, {report.heads:,} heads in the ledger, {report.anchors:,} anchors",
        *(f"  {finding.sentence}" for finding in report.findings),
        *([f"  … and {report.more_findings:,} more findings"] if report.more_findings else []),
        *(f"  {remark}" for remark in report.remarks),
    ]
    if report.sealed_seq:
        found.append(f"  sealed up to record {report.sealed_seq:,} at {moment(report.sealed_ns)}")
    if report.open_records:
        found.append(f"  {report.open_records:,} records after that are held by the chain alone until the next head")
    return found


def _record_line(record: dict[str, Any]) -> str:
    from tidegate.cli.showing import moment

    when = moment(record["ts_ns"]) if isinstance(record["ts_ns"], int) else "-"
    return f"{record['seq']}  {when}  {record['actor']}  {record['type']}  {record['subject']}  {record['body']}"
