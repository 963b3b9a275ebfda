"""Reads and what they move: trust, two reads before acting, answers older than our last news, foreign orders and liquidations."""

from typing import Any

import msgspec
import pytest

from tests.service.making import SECOND, Office, shown
from tidegate.events.acts import DifferenceFound, RiskDecision
from tidegate.events.inputs import StreamChanged
from tidegate.service import picture
from tidegate.service.ports import Find, Reads, ReadVenue
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import Difference, GateScope, GateState, OrderState, ReportCause, Resolution, Side
from tidegate.values.money import NANOS
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable, VenueError
from tidegate.venues.port import VenueAccount, VenueExecution, VenueOrder, VenuePosition

pytestmark = pytest.mark.req("B2.3")


class Books(Office):
    """An office whose venue is read by hand."""

    def reads(self) -> list[ReadVenue]:
        found = [effect for effect in self.effects if isinstance(effect, ReadVenue)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, ReadVenue)]
        return found

    def begin(self) -> None:
        self.desk.reconciler.begin(self.desk.sequencer.now_ns())
        self.desk.reconciler.stream_up()
        self.turn()

    def tell(self, *, took_s: float = 0.01, **parts: Any) -> list[DifferenceFound]:
        """Answer the read that is asked for; return the differences it led to."""
        assert len(self.reads()) == 1
        before = len(self.messages(DifferenceFound))
        began_ns = self.desk.sequencer.now_ns()
        self.clock.advance(int(took_s * SECOND))
        cash = self.desk.engine._core.portfolio.cash_attos
        from tidegate.values.money import attos_text

        account = VenueAccount(
            account_id="a", status="active", blocks=parts.get("blocks", ()), cash_usd=parts.get("cash", attos_text(cash))
        )
        self.desk.read(
            Reads(
                began_ns,
                self.desk.sequencer.now_ns(),
                parts.get("executions", ()),
                parts.get("orders", ()),
                parts.get("positions", self.held()),
                account,
            )
        )
        self.turn()
        return self.messages(DifferenceFound)[before:]

    def held(self) -> tuple[VenuePosition, ...]:
        return tuple(position(symbol, held // NANOS) for symbol, held in self.desk.engine.books.positions().items())


def position(symbol: str, shares: int) -> VenuePosition:
    return VenuePosition(
        symbol=symbol,
        quantity_nanos=shares * NANOS,
        available_nanos=shares * NANOS,
        average_price_nanos=20 * NANOS,
        cost_basis_usd="0",
    )


def foreign(key: str, shares: int = 3, filled: int = 0) -> VenueOrder:
    return VenueOrder(
        client_order_id=key,
        venue_order_id="w1",
        symbol="AAA",
        side=Side.SELL,
        state=OrderState.ACCEPTED,
        word="new",
        quantity_nanos=shares * NANOS,
        filled_nanos=filled * NANOS,
        average_price_nanos=20 * NANOS if filled else 0,
    )


def executed(name: str, venue_id: str, side: Side, shares: int) -> VenueExecution:
    """An execution as a history that knows no client ids shows it; it filled its order."""
    return VenueExecution(
        execution_id=name,
        venue_order_id=venue_id,
        client_order_id="",
        symbol="AAA",
        side=side,
        quantity_nanos=shares * NANOS,
        price_nanos=20 * NANOS,
        cum_quantity_nanos=shares * NANOS,
        ts_ns=1,
    )


def begun() -> Books:
    office = Books()
    office.begin()
    office.tell()
    assert office.desk.reconciler.trusted
    return office


def test_nothing_is_trusted_before_the_first_whole_read_with_the_stream_up() -> None:
    office = Books()
    office.desk.reconciler.begin(0)
    office.turn()
    assert not office.desk.reconciler.trusted
    office.tell()
    assert not office.desk.reconciler.trusted, "the order stream does not stand yet"
    office.desk.reconciler.stream_up()
    office.wait(3)
    office.tell()
    assert office.desk.reconciler.trusted


def test_a_read_under_way_when_the_stream_broke_proves_nothing() -> None:
    office = begun()
    office.wait(31)
    office.desk.reconciler.stream_down("silent")
    office.desk.reconciler.stream_up()
    office.tell()
    assert not office.desk.reconciler.trusted
    office.turn()
    assert [read.cause for read in office.reads()] == [ReportCause.RECONNECTED]


def test_a_failed_read_is_made_again_and_a_minute_without_trust_calls_a_person() -> None:
    office = Books()
    office.begin()
    for _ in range(35):
        if office.reads():
            office.desk.read(None)
        office.wait(2)
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.REDUCE_ONLY


def failing(office: Books, error: VenueError, seconds: int) -> int:
    """Let every read fail for so long; return how many were asked for."""
    asked = 0
    for _ in range(seconds):
        office.wait(1)
        if reads := office.reads():
            asked += len(reads)
            office.desk.read(None, error)
            office.turn()
    return asked


def whole(office: Books) -> bool:
    """Answer the next read; tell whether the account is trusted then."""
    for _ in range(60):
        if any(isinstance(effect, ReadVenue) for effect in office.effects):
            office.tell()
            break
        office.wait(1)
    return office.desk.reconciler.trusted


def test_books_that_were_not_read_for_a_minute_are_not_trusted_though_the_stream_stands() -> None:
    office = begun()
    failing(office, Unreachable("The venue is away."), 80)
    assert office.desk.reconciler.trusted, "the first read that fails comes half a minute after the last one that did not"
    failing(office, Unreachable("The venue is away."), 20)
    assert not office.desk.reconciler.trusted
    down = office.messages(StreamChanged)[-1]
    assert (down.up, down.reason) == (False, "the account cannot be read: The venue is away.")
    failing(office, Unreachable("The venue is away."), 65)
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.REDUCE_ONLY, "a person is called"
    assert whole(office)


@pytest.mark.req("I3")
def test_a_key_that_is_refused_ends_the_trust_at_once_and_is_not_tried_every_two_seconds() -> None:
    office = begun()
    error = Declined(DeclineReason.UNAUTHORIZED, "unauthorized.", status=401)
    assert failing(office, error, 100) <= 4
    assert not office.desk.reconciler.trusted
    assert "unauthorized" in office.messages(StreamChanged)[-1].reason
    assert whole(office), "the key may have been wrong for a moment alone"


def test_a_position_moves_by_two_equal_reads_alone() -> None:
    office = begun()
    office.wait(31)
    found = office.tell(positions=(position("AAA", 4),))
    assert [(d.kind, d.resolution) for d in found] == [(Difference.POSITION_FOREIGN, Resolution.AWAITED)]
    assert office.desk.engine.books.positions() == {}
    office.wait(7)
    found = office.tell(positions=(position("AAA", 4),))
    assert [(d.kind, d.resolution) for d in found] == [(Difference.POSITION_FOREIGN, Resolution.ADOPTED)]
    assert office.desk.engine.books.positions() == {"AAA": 4 * NANOS}
    assert office.desk.engine.books.gate(GateScope.SYMBOL, "AAA") is GateState.REDUCE_ONLY


def test_a_second_read_that_says_something_else_starts_again() -> None:
    office = begun()
    office.wait(31)
    office.tell(positions=(position("AAA", 4),))
    office.wait(7)
    found = office.tell(positions=(position("AAA", 5),))
    assert [d.resolution for d in found] == [Resolution.AWAITED]
    assert office.desk.engine.books.positions() == {}


def test_an_empty_list_is_not_flat() -> None:
    office = begun()
    office.enter(5)
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.wait(45)
    for _ in range(4):
        if [effect for effect in office.effects if isinstance(effect, ReadVenue)]:
            office.tell(positions=())
        office.wait(31)
    assert office.desk.engine.books.positions() == {"AAA": 5 * NANOS}
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.REDUCE_ONLY


def test_positions_that_may_be_older_than_our_last_fill_move_nothing() -> None:
    office = begun()
    office.enter(5)
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.wait(8)
    assert office.tell(positions=(position("AAA", 2),)) == []
    assert office.desk.engine.books.positions() == {"AAA": 5 * NANOS}


def test_an_order_that_is_not_open_there_is_asked_after() -> None:
    office = begun()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.wait(8)
    office.effects = [effect for effect in office.effects if isinstance(effect, ReadVenue)]
    found = office.tell(orders=())
    assert [(d.kind, d.resolution) for d in found] == [(Difference.ORDER_NOT_OPEN, Resolution.ASKED)]
    assert Find(key) in office.effects
    assert office.state(key) is OrderState.ACCEPTED


def test_an_open_order_ends_a_doubt_and_brings_its_fills() -> None:
    office = begun()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.wait(8)
    found = office.tell(orders=(shown(send, OrderState.PARTIAL, filled=2),))
    assert [d.kind for d in found] == [Difference.ORDER_CONFIRMED]
    assert office.state(key) is OrderState.PARTIAL
    assert office.desk.engine.books.positions() == {"AAA": 2 * NANOS}


def test_somebody_elses_order_is_adopted_and_flagged() -> None:
    office = begun()
    office.wait(31)
    found = office.tell(orders=(foreign("by-hand"),))
    assert [(d.kind, d.resolution) for d in found] == [(Difference.ORDER_FOREIGN, Resolution.ADOPTED)]
    assert office.desk.engine.books.gate(GateScope.SYMBOL, "AAA") is GateState.REDUCE_ONLY


def test_an_order_of_our_shape_that_nobody_knows_halts_everything() -> None:
    office = begun()
    office.wait(31)
    found = office.tell(orders=(foreign("7-abcdefghijklmnopqrstuvwxyz"),))
    assert [d.kind for d in found] == [Difference.ORDER_OURS_UNKNOWN]
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED


def test_a_liquidation_is_taken_from_the_strategy_that_held_it() -> None:
    office = begun()
    office.enter(5)
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.wait(8)
    sold = executed("liq", "w9", Side.SELL, 5)
    found = office.tell(executions=(sold,), positions=())
    assert [d.kind for d in found] == [Difference.FILL_FOREIGN]
    assert office.desk.engine._core.portfolio.holding("one", "AAA").quantity_nanos == 0
    assert office.desk.engine.books.positions() == {}
    office.wait(31)
    again = office.tell(executions=(sold,), positions=())
    assert Difference.FILL_FOREIGN not in [d.kind for d in again], "the same execution moves nothing a second time"
    assert office.desk.engine.books.positions() == {}


def test_somebody_elses_fill_that_is_told_without_and_then_with_a_client_id_counts_once() -> None:
    office = begun()
    office.wait(31)
    nameless = executed("x7", "w9", Side.BUY, 3)
    held = (position("AAA", 3),)
    assert [d.kind for d in office.tell(executions=(nameless,), positions=held)] == [Difference.FILL_FOREIGN]
    office.wait(31)
    named = msgspec.structs.replace(nameless, client_order_id="by-hand-4")
    assert Difference.FILL_FOREIGN not in [d.kind for d in office.tell(executions=(named,), positions=held)]
    office.wait(31)
    assert Difference.FILL_FOREIGN not in [d.kind for d in office.tell(executions=(nameless,), positions=held)]
    assert office.desk.engine.books.positions() == {"AAA": 3 * NANOS}


def test_a_fill_without_our_id_waits_while_it_may_be_of_an_order_without_the_venues() -> None:
    office = begun()
    key = office.enter(5)
    send = office.let_go()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.wait(8)
    bought = executed("x1", "v77", Side.BUY, 5)
    assert office.tell(executions=(bought,), positions=(position("AAA", 5),)) == []
    assert office.desk.engine.books.positions() == {}, "it is nobody's yet"
    office.desk.found(key, msgspec.structs.replace(shown(send, OrderState.FILLED, filled=5), venue_order_id="v77"))
    office.wait(31)
    office.tell(executions=(bought,), positions=(position("AAA", 5),))
    assert office.state(key) is OrderState.FILLED
    assert office.desk.engine.books.positions() == {"AAA": 5 * NANOS}
    assert office.desk.engine.books.gate(GateScope.SYMBOL, "AAA") is GateState.ACTIVE


def test_cash_follows_after_two_reads_and_is_kept_as_an_adjustment() -> None:
    office = begun()
    office.wait(31)
    assert [d.resolution for d in office.tell(cash="99990")] == [Resolution.AWAITED]
    office.wait(7)
    assert [d.resolution for d in office.tell(cash="99990")] == [Resolution.ADOPTED]
    core = office.desk.engine._core
    assert core.portfolio.cash_attos == core.spec.cash_attos + core.adjusted_attos


@pytest.mark.req("G2")
def test_an_account_that_the_venue_blocks_enters_nothing_until_it_is_open_again() -> None:
    office = Books()
    office.begin()
    office.tell()
    office.wait(31)
    office.tell(blocks=("trading_blocked",))
    told = office.messages(StreamChanged)[-1]
    assert (told.stream, told.up) == ("account", False)
    assert told.reason == "the venue takes no order of this account: trading_blocked; ask it why"
    office.wait(31)
    office.tell(blocks=("trading_blocked",))
    assert office.messages(StreamChanged)[-1] == told, "it is told once"
    assert "streams_up" in _refused(office)
    office.wait(31)
    office.tell()
    assert office.messages(StreamChanged)[-1].up is True
    assert "streams_up" not in _refused(office)


@pytest.mark.req("G1")
def test_an_order_tells_when_the_venue_itself_ends_it_as_it_said_last() -> None:
    office = begun()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.wait(31)
    open_there = msgspec.structs.replace(shown(send, OrderState.ACCEPTED), expires_ns=90 * 86_400 * SECOND)
    office.tell(orders=(open_there,))
    (line,) = picture.orders(office.desk, 0).working
    assert (line.client_order_id, line.expires_ns) == (key, 90 * 86_400 * SECOND)
    office.wait(31)
    office.tell(orders=(msgspec.structs.replace(open_there, expires_ns=0),))
    assert picture.orders(office.desk, 0).working[0].expires_ns == 0


def _refused(office: Office) -> tuple[str, ...]:
    """Let the strategy ask for an entry after a silence; return what is against it."""
    office.answer = Intent(side=Side.BUY, reason="a test", quantity=1.0)
    office.quote()
    return tuple(office.messages(RiskDecision)[-1].refusals)
