"""How fast the audit chain is built and verified, in one run.

    python benchmarks/audit_verify.py [--records 1000000] [--scratch DIR] [--json]

A ledger is filled through the same transaction that a trader writes with, 256 entries each, with a signed head every 1,000 records, in the
ledger and in the anchors. Then it is verified as `tidegate audit verify` does.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from tidegate.journal.audit.anchors import Anchors
from tidegate.journal.audit.heads import sign
from tidegate.journal.audit.keys import PUBLIC_NAME, signing_key
from tidegate.journal.audit.record import AuditEntry, AuditType, entry
from tidegate.service.audit_check import Evidence, check_audit
from tidegate.service.ledger.rows import Batch, LeaseClaim
from tidegate.service.ledger.sql import SqlLedger

ACCOUNT: Final = "benchmark"
BATCH: Final = 250
HEAD_EVERY: Final = 1_000
MILLISECOND_NS: Final = 1_000_000


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--scratch", type=Path, help="folder on the disk to be measured")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        figures = _measure(Path(folder), arguments.records)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{figures['records']:,} records of {figures['bytes_per_record']} bytes, {figures['heads']:,} signed heads")
    print(f"  built     {figures['build_s']:>8.2f} s  {figures['built_per_s']:>10,} records/s")
    print(f"  verified  {figures['verify_s']:>8.2f} s  {figures['verified_per_s']:>10,} records/s")
    print(f"  of which  {figures['verify_processor_s']:>8.2f} s  of the processor")


def _measure(folder: Path, records: int) -> dict[str, Any]:
    ledger = folder / "ledger.db"
    build_s = _build(folder, ledger, records)
    began_ns, used_ns = time.perf_counter_ns(), time.process_time_ns()
    (report,) = check_audit(Evidence(str(ledger), folder / "anchors.jsonl", folder / PUBLIC_NAME))
    verify_s, processor_s = (time.perf_counter_ns() - began_ns) / 1e9, (time.process_time_ns() - used_ns) / 1e9
    assert report.ok, report.findings[:3]
    return {
        "records": report.records,
        "heads": report.heads,
        "bytes_per_record": ledger.stat().st_size // report.records,
        "build_s": round(build_s, 3),
        "built_per_s": round(report.records / build_s),
        "verify_s": round(verify_s, 3),
        "verify_processor_s": round(processor_s, 3),
        "verified_per_s": round(report.records / verify_s),
    }


def _build(folder: Path, ledger: Path, records: int) -> float:
    """Fill a ledger; return how long it took, the disk included."""
    key, anchors, store = signing_key(folder).key, Anchors(folder / "anchors.jsonl"), SqlLedger(ledger)
    lease = store.take_lease(LeaseClaim(account=ACCOUNT, holder="benchmark", now_ns=time.time_ns(), ttl_ns=3_600 * 10**9))
    began_ns = time.perf_counter_ns()
    for first in range(0, records, BATCH):
        entries = tuple(_entry(number) for number in range(first, min(first + BATCH, records)))
        store.write(Batch(account=ACCOUNT, epoch=lease.epoch, audit=entries))
        if (first + BATCH) % HEAD_EVERY == 0 or first + BATCH >= records:
            head = sign(key, store.audit_end(ACCOUNT), account=ACCOUNT, epoch=lease.epoch, ts_ns=_time(first))
            anchors.append(head)
            store.write(Batch(account=ACCOUNT, epoch=lease.epoch, heads=(head,)))
    seconds = (time.perf_counter_ns() - began_ns) / 1e9
    store.close()
    return seconds


def _entry(number: int) -> AuditEntry:
    """Return an entry as most of them are: an answer of the venue."""
    path = f"/v2/orders/{number:032x}"
    body = {"method": "DELETE", "path": path, "status": 204, "duration_ms": number % 90, "request_id": f"{number:032x}"}
    return entry(AuditType.VENUE_CALL, ts_ns=_time(number), actor="trader", subject=f"DELETE {path}", body=body)


def _time(number: int) -> int:
    return 1_800_000_000 * 10**9 + number * MILLISECOND_NS


if __name__ == "__main__":
    main()
