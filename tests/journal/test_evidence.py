"""Stage times of orders travel as evidence and are told apart from what venues sent."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.events.examples import session_opened
from tidegate.journal import EntryKind, read
from tidegate.journal.evidence import OrderStages, stages_evidence, stages_of
from tidegate.journal.live import LiveLog
from tidegate.journal.rows import rows

pytestmark = pytest.mark.req("B1.2", "C1.3")


def test_stage_times_come_back_from_a_log_beside_what_a_venue_sent(tmp_path: Path) -> None:
    stages = OrderStages(client_order_id="0-abc", command_id="s-7-3", received_ns=5, decided_ns=6, durable_ns=7, sent_ns=8)
    log = LiveLog(tmp_path, session_opened())
    log.input(1, b"\x80")
    log.judged(1)
    for raw in (b'{"stream":"trade_updates"}', stages_evidence(stages), b'{"type":"order_stages","foreign":', b"\xff\x00"):
        log.evidence(raw)
    asyncio.run(log.close())
    found = [stages_of(entry.payload) for entry in read(tmp_path).entries() if entry.kind is EntryKind.EVIDENCE]
    assert found == [None, stages, None, None]


def test_evidence_is_shown_as_text(tmp_path: Path) -> None:
    log = LiveLog(tmp_path, replace(session_opened(), instruments=b""))
    log.evidence(b'{"raw": "\xff"}')
    asyncio.run(log.close())
    shown = [row["body"]["bytes"] for row in rows(read(tmp_path)) if row["kind"] == EntryKind.EVIDENCE.name.lower()]
    assert shown == ['{"raw": "\\xff"}']
