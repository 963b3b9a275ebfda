"""The audit chain of a world, looked at from outside (INV9): whole at every moment, and ahead of what it speaks of."""

from typing import TYPE_CHECKING, Final, final

from tidegate.journal.audit.record import AuditRecord, AuditType
from tidegate.journal.audit.verify import FindingKind, Report, Row, check_chain
from tidegate.simulation.campaign.setting import ACCOUNT

if TYPE_CHECKING:
    from tidegate.service.ledger.port import Ledger

_READ_MAX: Final = 10_000


@final
class Recorded:
    """Follows the chain of a world's ledger, across all its traders."""

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger: Final = ledger
        self._rows: Final[list[Row]] = []
        self._sent: Final[set[str]] = set()

    def is_sent(self, client_order_id: str) -> bool:
        """Tell whether the chain says that an order was let go."""
        while new := self._ledger.audit(ACCOUNT, len(self._rows), _READ_MAX):
            self._rows.extend(map(_row, new))
            self._sent.update(record.subject for record in new if record.type == AuditType.ORDER_SENT)
        return client_order_id in self._sent

    def wrong(self) -> str:
        """Return the first finding of a check of the whole chain; empty: there is none."""
        self.is_sent("")
        report = Report(account=ACCOUNT, findings=[], remarks=[])
        check_chain(self._rows, (), report)
        wrong = [finding.sentence for finding in report.findings if finding.kind is not FindingKind.UNSEALED]  # nobody signs here
        return wrong[0] if wrong else ""


def _row(record: AuditRecord) -> Row:
    words = (record.actor, record.type, record.subject, record.body, record.prev_hash, record.hash)
    return (record.seq, record.ts_ns, *(word.encode() for word in words), record.epoch)
