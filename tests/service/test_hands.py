"""What carries the desk's wishes out: an order leaves once, as soon as it may, and none after the session's end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.service.making import Office
from tidegate.events.acts import OrderCommand
from tidegate.journal.audit.record import AuditType
from tidegate.service.hands import Hands
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.rows import Batch, Written
from tidegate.service.ports import CancelAll, Find, Reads, ReadVenue, SealAudit
from tidegate.values.enums import ReportCause, Side
from tidegate.values.errors import TidegateError
from tidegate.venues.calls import VenueCall
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable
from tidegate.venues.port import CancelResult, Urgency, VenueExecution

pytestmark = [pytest.mark.req("B2.2", "B2.4", "I3"), pytest.mark.asyncio]


class Venue:
    """Takes orders and never answers."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def submit(self, command: OrderCommand, *, urgency: Urgency) -> None:
        assert urgency is Urgency.ENTRY
        self.sent.append(command.client_order_id)
        await asyncio.sleep(0)
        raise OutcomeUnsure("Nobody answered.")


class Ledger:
    """Keeps what is handed over until the disk is said to have it."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Written]] = []
        self.given: list[Batch] = []

    def submit(self, batch: Batch) -> asyncio.Future[Written]:
        self.given.append(batch)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    async def commit(self) -> None:
        for written in self.waiting:
            written.set_result(Written(new_executions=()))
        self.waiting.clear()
        for _ in range(5):  # rounds of the loop: the outcome is told, the request begins
            await asyncio.sleep(0)


class Scene:
    def __init__(self, sealer: Any = None) -> None:
        self.office, self.venue, self.ledger = Office(), Venue(), Ledger()
        self.turned = asyncio.Event()
        venue: Any = self.venue  # all that is asked of a venue and of a ledger here
        ledger: Any = self.ledger
        self.hands = Hands(self.office.desk, venue, ledger, self.turned.set, sealer)

    def enter(self) -> str:
        """Let the strategy order; the log has it at once, the ledger not yet."""
        key = self.office.enter()
        self.office.log.flush(self.office.log.mark())
        for effect in self.office.effects:
            self.hands.carry_out(effect)
        return key


async def test_an_order_leaves_when_the_ledger_has_it_and_the_desk_is_turned_after_it() -> None:
    scene = Scene()
    key = scene.enter()
    assert scene.venue.sent == []
    await scene.ledger.commit()
    assert scene.venue.sent == [key]
    await asyncio.wait_for(scene.turned.wait(), 10)
    scene.hands.let_go()
    assert scene.venue.sent == [key]
    await scene.hands.settle(10)


async def test_no_order_leaves_once_the_session_is_settled() -> None:
    scene = Scene()
    scene.enter()
    await scene.hands.settle(10)
    await scene.ledger.commit()
    scene.hands.let_go()
    assert scene.venue.sent == []
    assert scene.hands.busy == 0


class Sealing:
    """Seals, or refuses to."""

    def __init__(self, ledger: Ledger, error: TidegateError | None = None) -> None:
        self._ledger, self._error = ledger, error
        self.sealed_after: list[int] = []  # how many batches the ledger had been given

    async def seal(self, _ledger: object, _wish: SealAudit) -> None:
        self.sealed_after.append(len(self._ledger.given))
        if self._error is not None:
            raise self._error


@pytest.mark.req("D2.3")
async def test_the_end_writes_what_waits_and_that_it_is_the_end_and_then_seals() -> None:
    scene = Scene()
    sealing: Any = Sealing(scene.ledger)
    scene.hands._sealer = sealing  # type: ignore[misc]  # it is asked of this ledger
    auditing = scene.office.desk.auditing
    auditing.called(VenueCall("GET", "/v2/account", 200, 1))
    closing = asyncio.create_task(scene.hands.close_chain())
    await asyncio.sleep(0)
    await scene.ledger.commit()
    await asyncio.wait_for(closing, 10)
    kinds = [entry.type for batch in scene.ledger.given for entry in batch.audit]
    assert kinds[-2:] == [AuditType.VENUE_CALL, AuditType.TRADER_STOPPED]
    assert sealing.sealed_after == [len(scene.ledger.given)]
    assert auditing.waiting == 0


@pytest.mark.req("D2.3")
@pytest.mark.parametrize("error", [None, LedgerUnavailableError("The ledger is gone.")])
async def test_the_desk_hears_what_came_of_a_seal(error: TidegateError | None) -> None:
    scene = Scene()
    sealing: Any = Sealing(scene.ledger, error)
    scene.hands._sealer = sealing  # type: ignore[misc]  # likewise
    scene.hands.carry_out(SealAudit("test", 1, 0))
    await asyncio.wait_for(scene.turned.wait(), 10)
    waiting = [one.entry.type for one in scene.office.desk.auditing._waiting]
    assert (AuditType.ANCHOR_FAILED in waiting) is (error is not None)


@pytest.mark.req("B3.6")
@pytest.mark.parametrize("error", [None, Unreachable("no"), OutcomeUnsure("no"), Declined(DeclineReason.OTHER, "no")])
async def test_a_cancel_of_all_is_one_request_and_an_error_is_no_answer(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    asked: list[str] = []
    told: list[list[CancelResult] | None] = []
    results = [CancelResult(venue_order_id="v1", taken=True)]

    async def cancel_all() -> list[CancelResult]:
        asked.append("all")
        if error is not None:
            raise error
        return results

    monkeypatch.setattr(scene.venue, "cancel_all", cancel_all, raising=False)
    monkeypatch.setattr(scene.office.desk, "canceled_all", lambda _effect, found: told.append(found))
    scene.hands.carry_out(CancelAll(()))
    await scene.hands.settle(1)
    assert asked == ["all"]
    assert told == [results if error is None else None]


@pytest.mark.req("B2.4", "E4")
async def test_a_lookup_that_is_under_way_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose lookup waits for the venue's limit is asked after every few seconds; that must not fill the line."""
    scene = Scene()
    asked: list[str] = []
    told: list[tuple[str, object]] = []
    free = asyncio.Event()

    async def find(client_order_id: str, *, venue_order_id: str = "") -> None:
        del venue_order_id
        asked.append(client_order_id)
        await free.wait()
        if client_order_id == "b":
            raise Unreachable("no")

    monkeypatch.setattr(scene.venue, "find", find, raising=False)
    monkeypatch.setattr(scene.office.desk, "found", lambda key, found: told.append((key, found)))
    for key in ("a", "b", "a", "b", "a"):
        scene.hands.carry_out(Find(key))
    await asyncio.sleep(0)
    assert asked == ["a", "b"]
    free.set()
    for _ in range(5):  # rounds of the loop: both are told
        await asyncio.sleep(0)
    assert [key for key, _ in told] == ["a", "b"], "each is told once, an error too"
    scene.hands.carry_out(Find("b"))
    await scene.hands.settle(1)
    assert asked == ["a", "b", "b"]


FORGOTTEN, UNKNOWN = f"1-{'a' * 26}", f"1-{'b' * 26}"


def execution(name: str, execution_id: str = "") -> VenueExecution:
    return VenueExecution(
        execution_id=execution_id or f"of {name}", venue_order_id="", client_order_id=name, symbol="AAA", side=Side.BUY,
        quantity_nanos=1, price_nanos=1, cum_quantity_nanos=1, ts_ns=1,
    )  # fmt: skip


@pytest.mark.req("B2.3", "F1")
@pytest.mark.parametrize("ledger_ok", [True, False])
async def test_fills_of_orders_that_only_the_ledger_still_knows_are_not_taken_for_a_second_trader(
    monkeypatch: pytest.MonkeyPatch, *, ledger_ok: bool
) -> None:
    """The books forget what ended a thousand orders ago, and a start reads the fills of a whole day: that halted everything."""
    scene = Scene()
    known = scene.enter()
    await scene.ledger.commit()
    taken: list[Reads | None] = []
    asked: list[Any] = []

    class Stored:
        def order(self, name: str) -> str | None:
            return "a row" if name == FORGOTTEN else None

        def known_executions(self, account: str, execution_ids: set[str]) -> set[str]:
            assert account == scene.office.desk.place.account
            return {"booked"} & execution_ids

    async def ask(verb: Callable[[Any], Any]) -> Any:
        if not ledger_ok:
            raise LedgerUnavailableError("The ledger is gone.")
        asked.append(verb(Stored()))
        return asked[-1]

    async def executions(_after_ns: int) -> list[VenueExecution]:
        return [*map(execution, (known, FORGOTTEN, UNKNOWN, "somebody-elses")), execution(known, "booked")]

    async def nothing() -> list[Any]:
        return []

    monkeypatch.setattr(scene.ledger, "ask", ask, raising=False)
    monkeypatch.setattr(scene.venue, "executions", executions, raising=False)
    for verb in ("open_orders", "positions", "account"):
        monkeypatch.setattr(scene.venue, verb, nothing, raising=False)
    monkeypatch.setattr(scene.office.desk, "read", taken.append)
    scene.hands.carry_out(ReadVenue(ReportCause.AT_START, 0))
    await scene.hands.settle(5)
    (reads,) = taken
    assert reads is not None
    names = [seen.client_order_id for seen in reads.executions or ()]
    assert names == ([known, UNKNOWN, "somebody-elses"] if ledger_ok else [known, "somebody-elses", known])
    assert asked == ([({"booked"}, {FORGOTTEN})] if ledger_ok else [])
