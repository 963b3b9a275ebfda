"""A version that no longer shows what it was promoted for lets no entry out, and stands one stage lower."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.making import ACCOUNT, SECOND, Office
from tests.service.test_promoting import BASE
from tests.service.test_promoting import Desk as Ladder
from tidegate.clock.clock import ManualClock
from tidegate.config.model import TradingCriteria
from tidegate.config.stages import Stage, Step
from tidegate.events.acts import RiskDecision
from tidegate.events.codec import decode
from tidegate.oms.order import Order
from tidegate.service.demotion import Breach, Watch
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, LeaseClaim
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.stage_book import Permission, StageBook
from tidegate.service.version_desk import VersionDesk, permission_input
from tidegate.service.version_verbs import Registered
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import GateScope, GateState, OrderState, OrderType, Purpose, Side, TimeInForce
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("D2.2")

PRICE = 20 * NANOS
CRITERIA = TradingCriteria(
    trading_days_min=1,
    fills_min=1,
    orders_min=4,
    reject_rate_bps_max=2_500,
    drift_findings_max=1,
    trips_max=0,
    slippage_bps_max=Decimal("5.5"),
    drawdown_bps_max=100,
)


def order(
    number: int, *, strategy_id: str = "one", state: OrderState = OrderState.FILLED, price: int = PRICE, side: Side = Side.BUY
) -> Order:
    filled = 10 * NANOS if state is OrderState.FILLED else 0
    return Order(
        client_order_id=f"o{number}",
        correlation_id="",
        strategy_id=strategy_id,
        symbol="AAA",
        venue="sim",
        side=side,
        purpose=Purpose.ENTRY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        quantity_nanos=10 * NANOS,
        limit_price_nanos=price,
        submitted_ns=1,
        begun_ns=1,
        approved_nanos=10 * NANOS,
        remaining_nanos=0,
        state=state,
        working=False,
        filled_nanos=filled,
        filled_cost_attos=price * filled,
        reference_price_nanos=PRICE,
    )


def seen(orders: list[Order], **changes: Any) -> list[Breach]:
    """Return what a watch says of orders that all finished after its first look."""
    watch = Watch(CRITERIA)
    assert watch.look([], 0, None) == []
    given_: dict[str, Any] = {"drift_findings": 0, "equity_attos": None} | changes
    return watch.look(orders, **given_)


REJECTED = OrderState.REJECTED


@pytest.mark.parametrize(("rejected", "falls_short"), [(1, False), (2, True)])
def test_too_many_rejects_of_one_strategy(rejected: int, falls_short: bool) -> None:  # noqa: FBT001 - a table
    orders = [order(n, state=REJECTED if n < rejected else OrderState.FILLED) for n in range(4)]
    found = seen(orders)
    assert [breach.strategy_id for breach in found] == (["one"] if falls_short else [])
    if falls_short:
        assert "rejected 2 of 4 orders (5000 bps), and 2500 bps are allowed" in found[0].reason


def test_too_few_orders_say_nothing() -> None:
    assert seen([order(n, state=REJECTED) for n in range(3)]) == []
    assert seen([order(n, state=REJECTED, strategy_id="one" if n < 3 else "two") for n in range(6)]) == []


@given(cents=st.integers(-10, 10), side=st.sampled_from(Side))
def test_slippage_is_what_was_paid_beyond_the_price_it_was_decided_at(cents: int, side: Side) -> None:
    price = PRICE + cents * NANOS // 100
    found = seen([order(n, price=price, side=side) for n in range(4)])
    slipped_bps = side.sign * cents * 5  # a cent of 20 dollars
    assert bool(found) is (slipped_bps > 5.5)
    if found:
        assert f"fills were {slipped_bps}.00 bps beyond" in found[0].reason


def test_drift_and_drawdown_are_the_accounts() -> None:
    assert seen([], drift_findings=1) == []
    assert [breach.strategy_id for breach in seen([], drift_findings=2)] == [""]
    watch = Watch(CRITERIA)
    for equity, told in ((1_000, 0), (1_010, 0), (1_000, 0), (999, 1), (900, 0)):
        assert len(watch.look([], 0, equity)) == told, equity


def test_what_is_not_known_is_no_fall_and_a_breach_is_told_once() -> None:
    watch = Watch(CRITERIA)
    assert watch.look([], 0, 1_000) == watch.look([], 0, None) == []
    assert len(watch.look([], 5, 1_000)) == 1
    assert watch.look([], 6, 1_000) == []


def test_orders_of_an_earlier_session_and_of_nobody_and_unsent_ones_do_not_count() -> None:
    old = [order(n, state=REJECTED) for n in range(9)]
    watch = Watch(CRITERIA)
    assert watch.look(old, 0, None) == watch.look(old, 0, None) == []
    nobody = [order(n, state=REJECTED, strategy_id="") for n in range(20, 29)]
    unsent = [order(n, state=OrderState.NOT_SENT) for n in range(30, 39)]
    assert watch.look([*old, *nobody, *unsent], 0, None) == []


def test_an_order_counts_once_though_it_is_shown_again() -> None:
    watch = Watch(CRITERIA)
    watch.look([], 0, None)
    first = [order(1, state=REJECTED)]
    for _ in range(5):
        assert watch.look(first, 0, None) == []


# In a trader.


class Running:
    """An office whose version holds live, and its ledger in a thread."""

    def __init__(self, ledger: Ledger) -> None:
        self.office = Office()
        lease = ledger.take_lease(LeaseClaim(account=ACCOUNT, holder="me", now_ns=1, ttl_ns=3_600 * SECOND))
        ladder = Ladder()
        ladder.add(BASE)
        ladder.climb(BASE, Stage.LIVE)
        book = ladder.book
        self.rows = book.rows
        versions = tuple(msgspec.structs.replace(row, account=ACCOUNT) for row in book.versions.values())
        stages = tuple(msgspec.structs.replace(row, account=ACCOUNT) for row in book.rows)
        ledger.write(Batch(account=ACCOUNT, epoch=lease.epoch, versions=versions, stages=stages))
        self.permission = Permission("one", BASE.permissions["breakout"], permitted=True, stage=Stage.LIVE, reason="it holds live")
        self.clock = ManualClock(1_000)
        self.desk = VersionDesk(
            BASE, Registered(Stage.LIVE, (self.permission,)), lease, LedgerThread(ledger), self.clock, watch=Watch(CRITERIA)
        )

    def turn(self) -> None:
        self.clock.advance(SECOND)
        self.desk.turned(self.office.desk)
        self.office.turn()


def test_a_strategy_that_slips_is_stopped_in_this_turn_and_stands_one_stage_lower() -> None:
    async def scene() -> None:
        ledger = MemoryLedger()
        running = Running(ledger)
        running.turn()
        finished = [order(n, price=PRICE + NANOS) for n in range(4)]
        running.office.engine._core.orders.finished.update({one.client_order_id: one for one in finished})
        running.turn()
        books = running.office.engine.books
        assert books.gate(GateScope.STRATEGY, "one") is GateState.REDUCE_ONLY
        ((gate, actor),) = books.closed_gates()
        assert actor == "rule:demotion"
        assert "beyond what was decided at" in gate.reason
        assert "demoted" in books.not_permitted()["one"]
        running.office.answer = None
        for _ in range(100):
            if len(ledger.stages(ACCOUNT)) > len(running.rows):
                break
            await asyncio.sleep(0.01)
        last = ledger.stages(ACCOUNT)[-1]
        assert (last.step, last.before, last.after, last.strategy_id) == (Step.DEMOTED, Stage.LIVE, Stage.SMALL_LIVE, "one")
        assert last.actor == "rule:demotion"
        book = StageBook(ledger.versions(ACCOUNT), ledger.stages(ACCOUNT))
        assert book.stage(BASE.sha256) is Stage.LIVE
        assert book.permission(running.permission.sha256) is Stage.SMALL_LIVE

    asyncio.run(scene())


def test_drift_takes_the_whole_version_down_and_no_entry_leaves() -> None:
    async def scene() -> None:
        ledger = MemoryLedger()
        running = Running(ledger)
        running.turn()
        running.office.desk.sequencer.drift_findings = 2
        running.turn()
        assert running.office.engine.books.gate(GateScope.ACCOUNT, ACCOUNT) is GateState.REDUCE_ONLY
        running.office.answer = Intent(side=Side.BUY, reason="a test", quantity=5.0)
        running.office.quote(wait_s=1.0)
        decided = [m for m in map(decode, _acts(running.office)) if isinstance(m, RiskDecision)]
        assert {"permitted", "gate_state"} <= set(decided[-1].refusals)
        for _ in range(100):
            if running.desk.stage is Stage.SMALL_LIVE:
                break
            await asyncio.sleep(0.01)
        assert StageBook(ledger.versions(ACCOUNT), ledger.stages(ACCOUNT)).stage(BASE.sha256) is Stage.SMALL_LIVE

    asyncio.run(scene())


def _acts(office: Office) -> list[bytes]:
    return [entry.message for entry in office.log.entries if entry.k > 0]


@pytest.mark.parametrize("permitted", [True, False])
def test_an_entry_that_waited_for_the_disk_does_not_leave_under_a_permission_that_went_void(permitted: bool) -> None:  # noqa: FBT001 - a table
    office = Office()
    order_id = office.enter()
    void = Permission("one", "p", permitted=permitted, stage=Stage.PAPER, reason="holds paper")
    office.desk.sequencer.offer(permission_input(void))
    office.turn()
    office.commit()
    office.flush()
    assert [send.command.client_order_id for send in office.submits()] == ([order_id] if permitted else [])
    if not permitted:
        assert office.state(order_id) is OrderState.NOT_SENT
