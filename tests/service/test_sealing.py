"""The chain's end is signed, anchored and kept, in this order; a ledger that contradicts its anchors is doubted at the next start."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.audit_homes import AuditHome
from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, audited, claim, happened
from tidegate.events.session import SessionOpened
from tidegate.journal.audit.anchors import AnchorsUnwritableError, anchor_lines
from tidegate.journal.audit.record import AuditType
from tidegate.service.ledger.errors import LedgerUnavailableError, StaleEpochError
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Batch
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.ports import SealAudit
from tidegate.service.sealing import Sealer, open_chain

pytestmark = pytest.mark.req("D2.3")

WISH = SealAudit(ACCOUNT, 1, START_NS)


class Order:
    """A ledger that remembers what the anchors held when it was given a head."""

    def __init__(self, anchors: Path) -> None:
        self.inner = MemoryLedger()
        self.inner.take_lease(claim())
        self._anchors = anchors
        self.anchored_first: list[bool] = []
        self.refuses = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write_all(self, batches: list[Batch]) -> Any:
        heads = [head for batch in batches for head in batch.heads]
        if heads and self.refuses:
            raise LedgerUnavailableError("The ledger is gone.")
        self.anchored_first += [head in {line.head for line in anchor_lines(self._anchors)} for head in heads]
        return self.inner.write_all(batches)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(tmp_path / "anchors.jsonl")


def run(order: Order, work: Callable[[LedgerThread], AsyncIterator[None]]) -> None:
    async def main() -> None:
        store: Any = order
        thread = LedgerThread(store)
        async for _ in work(thread):
            pass
        await thread.close()

    asyncio.run(main())


def test_a_head_is_anchored_before_the_ledger_has_it(order: Order, tmp_path: Path) -> None:
    sealer = Sealer(tmp_path, tmp_path / "anchors.jsonl")

    async def work(thread: LedgerThread) -> AsyncIterator[None]:
        await sealer.seal(thread, WISH)  # nothing to seal yet
        yield
        await thread.submit(audited(happened(1), happened(2)))
        await sealer.seal(thread, WISH)

    run(order, work)
    assert order.anchored_first == [True]
    assert [head.seq for head in order.inner.heads(ACCOUNT)] == [2]


def test_anchors_that_refuse_leave_no_head_anywhere(order: Order, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    sealer = Sealer(tmp_path, tmp_path / "file" / "anchors.jsonl")

    async def work(thread: LedgerThread) -> AsyncIterator[None]:
        await thread.submit(audited(happened(1)))
        yield
        with pytest.raises(AnchorsUnwritableError):
            await sealer.seal(thread, WISH)

    run(order, work)
    assert order.inner.heads(ACCOUNT) == []


def test_a_ledger_that_refuses_leaves_an_anchor_that_still_fits(order: Order, tmp_path: Path) -> None:
    sealer = Sealer(tmp_path, tmp_path / "anchors.jsonl")
    order.refuses = True

    async def work(thread: LedgerThread) -> AsyncIterator[None]:
        await thread.submit(audited(happened(1)))
        yield
        with pytest.raises(LedgerUnavailableError):
            await sealer.seal(thread, WISH)

    run(order, work)
    assert order.inner.heads(ACCOUNT) == []
    store: Any = order.inner
    assert sealer.doubt(store, ACCOUNT) == ""


def test_a_stale_holder_seals_nothing_in_the_ledger(order: Order, tmp_path: Path) -> None:
    sealer = Sealer(tmp_path, tmp_path / "anchors.jsonl")

    async def work(thread: LedgerThread) -> AsyncIterator[None]:
        await thread.submit(audited(happened(1)))
        yield
        await thread.ask(lambda ledger: ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS)))
        with pytest.raises(StaleEpochError):
            await sealer.seal(thread, WISH)

    run(order, work)
    assert order.inner.heads(ACCOUNT) == []


def doubt(home: AuditHome) -> str:
    store = SqlLedger(home.ledger)
    try:
        return Sealer(home.home.audit, home.anchors).doubt(store, ACCOUNT)
    finally:
        store.close()


def test_a_start_doubts_a_ledger_that_its_anchors_contradict(tmp_path: Path) -> None:
    home = AuditHome(tmp_path / "home")
    assert doubt(home) == ""  # nothing there yet
    home.filled()
    assert doubt(home) == ""
    home.run("UPDATE audit SET hash = 'x' WHERE seq = 30")
    assert doubt(home).startswith("The ledger has another record 30, and the anchor of 2027-01-15T08:00:30")
    home.run("DELETE FROM audit WHERE seq > 20")
    assert doubt(home).startswith("The ledger ends at record 20, and the anchor of 2027-01-15T08:00:30")
    assert doubt(home).endswith("run `tidegate audit verify`.")


def test_anchors_that_cannot_be_read_are_a_doubt_and_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "anchors").mkdir()
    store: Any = MemoryLedger()
    assert "cannot be read" in Sealer(tmp_path / "audit", tmp_path / "anchors").doubt(store, ACCOUNT)


class Heard:
    def __init__(self) -> None:
        self.entries: list[tuple[AuditType, str, str, Any]] = []

    def happened(self, kind: AuditType, actor: str, subject: str = "", body: Any = None) -> None:
        self.entries.append((kind, actor, subject, body))


def opening() -> SessionOpened:
    return SessionOpened(
        format_version=1, session_id="s-1", mode="paper", account=ACCOUNT, started_ns=0, config=b"", config_sha256="c0f1",
        strategies=(), tapes=(), instruments=b"", feed_latency="", order_latency="", response_latency="", seed=0,
        code_sha256="c0de", kernel_sha256="", layout_sha256="", python="", libraries=(), cpu="",
    )  # fmt: skip


def test_a_start_is_recorded_with_lease_code_configuration_and_doubts(tmp_path: Path) -> None:
    from tidegate.control.peers import user_name

    ledger = MemoryLedger()
    ledger.take_lease(claim("one"))
    lease = ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    for doubted, kinds in (
        ("it is older", ["chain_doubted", "key_made", "lease_taken", "trader_started"]),
        ("", ["lease_taken", "trader_started"]),
    ):
        heard: Any = Heard()
        sealer = Sealer(tmp_path, tmp_path / "anchors.jsonl")
        open_chain(heard, sealer, lease, opening(), doubted)
        assert [kind for kind, *_ in heard.entries] == kinds
        (_, _, account, taken), (_, starter, session, started) = heard.entries[-2:]
        assert (account, taken["holder"], taken["taken_from"], taken["epoch"]) == (ACCOUNT, "two", "one", 2)
        assert (starter, session) == (user_name(os.geteuid()), "s-1")
        assert (started["code_sha256"], started["config_sha256"], started["mode"]) == ("c0de", "c0f1", "paper")
        assert started["key"] == sealer.key
