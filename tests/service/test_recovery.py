"""Start is recovery: what log and ledger prove of the last session, whatever point it died at."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.service.ledger.making import execution, row
from tests.service.making import ACCOUNT, SECOND, Office, shown
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.inputs import GateSet, OrderEvent
from tidegate.kernel.mode import Mode
from tidegate.service.ledger.errors import LeaseHeldError
from tidegate.service.ledger.rows import Batch, ExecutionRow, Lease, LeaseClaim, Mark, OutboxRow
from tidegate.service.ledger.states import OutboxState
from tidegate.service.ports import WriteLedger
from tidegate.service.recovery import Makers, Recovered, claim, recover, takeover_wait_ns
from tidegate.simulation.campaign.stores import Archive
from tidegate.values.enums import GateScope, GateState, OrderEventKind, OrderState, RequestVerb
from tidegate.values.ids import ClientOrderId, SessionId
from tidegate.venues.errors import OutcomeUnsure

pytestmark = pytest.mark.req("B1.2", "B2.2")


class NoLog:
    """A `History` of a folder in which no log stands."""

    def last_session(self) -> None:
        """See `History`."""

    def end_state(self, makers: Makers, epoch: int) -> bytes:
        """See `History`."""
        raise AssertionError(f"there is none for {makers} and {epoch}")


def again(office: Office, *, lost_tail: bool = True, lost_log: bool = False) -> Recovered:
    """Let the process die and start the next one."""
    from msgspec.structs import replace

    if lost_tail:
        office.log.tear(0)
    archive = Archive(b"")
    archive.sessions.append(office.log)
    held = office.ledger.lease(ACCOUNT)
    assert held is not None
    lease = office.ledger.take_lease(
        LeaseClaim(account=ACCOUNT, holder="next", now_ns=office.clock.now_ns(), ttl_ns=10 * SECOND, waited_out=held)
    )

    def engine(session: SessionId, epoch: int) -> Engine:
        return Engine(replace(office.plan.spec, session_id=session, lease_epoch=epoch), Toolchain(Mode.PURE))

    return recover(lease, NoLog() if lost_log else archive, office.ledger, Makers(engine), now_ns=office.clock.now_ns())


def kinds(found: Recovered) -> list[OrderEventKind]:
    return [message.kind for message in found.first_inputs if isinstance(message, OrderEvent)]


def test_an_order_that_was_logged_and_never_recorded_was_not_sent() -> None:
    office = Office()
    office.enter()
    office.log.flush(office.log.mark())
    found = again(office)
    assert kinds(found) == [OrderEventKind.NOT_SENT]
    assert found.unsure == ()


def test_an_order_that_was_recorded_and_not_logged_is_abandoned() -> None:
    office = Office()
    office.log.flush(office.log.mark())
    key = office.enter()
    for effect in office.effects:
        if isinstance(effect, WriteLedger):
            office.ledger.write(effect.batch)
    found = again(office)
    assert kinds(found) == []
    row = office.ledger.order(key)  # type: ignore[arg-type]
    assert row is not None
    assert row.state is OutboxState.ABANDONED


def test_an_order_in_both_without_an_answer_is_unknown_and_followed() -> None:
    office = Office()
    key = office.enter()
    office.let_go()
    office.log.flush(office.log.mark())
    found = again(office)
    assert kinds(found) == [OrderEventKind.OUTCOME_UNKNOWN]
    assert [row.client_order_id for row in found.unsure] == [key]


def test_without_the_log_of_recorded_orders_nothing_is_entered_before_a_person_has_looked() -> None:
    office = Office()
    office.enter()
    office.let_go()
    found = again(office, lost_log=True)
    (gate,) = found.first_inputs
    assert isinstance(gate, GateSet)
    assert (gate.scope, gate.state, gate.actor) == (GateScope.GLOBAL, GateState.REDUCE_ONLY, "rule:log-gone")
    assert found.fresh
    assert found.findings == ("no golden log of the 1 orders in the ledger: what was lost and spent before is not known",)


def test_a_log_that_ends_before_an_order_that_left_is_an_older_one_and_nothing_is_entered() -> None:
    office = Office()
    before = len(office.log.entries)
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    office.commit()
    unlogged = row(1, epoch=office.lease.epoch, account=ACCOUNT, state=OutboxState.SENT)
    office.ledger.write(Batch(account=ACCOUNT, epoch=office.lease.epoch, rows=(unlogged,)))
    del office.log.entries[before:]
    found = again(office, lost_tail=False)
    gate = found.first_inputs[0]
    assert isinstance(gate, GateSet)
    assert (gate.scope, gate.state, gate.actor) == (GateScope.GLOBAL, GateState.REDUCE_ONLY, "rule:log-gone")
    assert "put the log back and start again" in gate.reason
    missing = f"the golden log ends before order {key} of the ledger: what was lost and spent since is not known"
    assert found.findings == (missing, f"{unlogged.client_order_id}: recorded and not logged")
    doubtful = office.ledger.command(unlogged.command_id)
    assert doubtful is not None
    assert doubtful.state is OutboxState.UNSURE, "an older log does not prove that it never left"


def test_a_kill_stays_in_force_without_the_log() -> None:
    office = Office()
    office.enter()
    office.let_go()
    office.ask(RequestVerb.KILL)
    office.commit()
    gates = [message.state for message in again(office, lost_log=True).first_inputs if isinstance(message, GateSet)]
    assert gates == [GateState.REDUCE_ONLY, GateState.HALTED]


def test_a_first_start_is_one_without_orders_in_the_ledger() -> None:
    found = again(Office(), lost_log=True)
    assert (found.fresh, found.first_inputs, found.findings) == (True, (), ())


def test_an_execution_that_the_log_lost_is_fed_again() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.log.flush(office.log.mark())
    office.desk.sequencer.offer(
        OrderEvent(
            event_id="",
            timestamp=0,
            symbol="AAA",
            strategy_id="",
            correlation_id="",
            client_order_id=key,
            venue_order_id="v1",
            kind=OrderEventKind.FILLED,
            side=send.command.side,
            ts_venue=1,
            execution_id="x1",
            last_quantity_nanos=5_000_000_000,
            last_price_nanos=20_010_000_000,
            cum_quantity_nanos=5_000_000_000,
        )
    )
    office.turn()
    office.commit()
    found = again(office)
    assert kinds(found) == [OrderEventKind.FILLED, OrderEventKind.OUTCOME_UNKNOWN]


@pytest.mark.req("F1")
def test_a_start_reads_no_more_of_the_ledger_the_longer_the_account_trades(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    key = ClientOrderId(office.enter())
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    office.commit()
    office.log.flush(office.log.mark())
    known = office.ledger.order(key)
    assert known is not None
    old = [_settled(office, number, known.command) for number in range(500)]
    read: list[str] = []
    for verb in ("outbox", "executions", "executions_of"):
        monkeypatch.setattr(office.ledger, verb, _reading(getattr(office.ledger, verb), read))
    found = again(office)
    assert found.findings == ()
    assert found.engine.books.positions() == {"AAA": 5_000_000_000}
    assert len(old) == 500
    assert not set(read) & set(old)


def _settled(office: Office, number: int, command: bytes) -> str:
    """Write what an order of an earlier session has left in the ledger; return its id."""
    order = msgspec.structs.replace(row(number, epoch=office.lease.epoch, account=ACCOUNT, state=OutboxState.SENT), command=command)
    fill = msgspec.structs.replace(execution(number, account=ACCOUNT), client_order_id=order.client_order_id)
    answer = Mark(command_id=order.command_id, state=OutboxState.ANSWERED, at_ns=1, note="")
    office.ledger.write(Batch(account=ACCOUNT, epoch=office.lease.epoch, rows=(order,), marks=(answer,), executions=(fill,)))
    return str(order.client_order_id)


def _reading(verb: Callable[..., list[OutboxRow | ExecutionRow]], read: list[str]) -> Callable[..., list[OutboxRow | ExecutionRow]]:
    """Return a verb of the ledger that notes whose rows it returns."""

    def asked(*args: Any) -> list[OutboxRow | ExecutionRow]:
        rows = verb(*args)
        read.extend(str(one.client_order_id) for one in rows)
        return rows

    return asked


def test_a_kill_outlives_the_process_by_log_or_by_ledger() -> None:
    office = Office()
    office.log.flush(office.log.mark())
    office.effects.clear()
    office.ask(RequestVerb.KILL)
    office.commit()
    found = again(office)  # the log lost it, the ledger has it
    assert [(m.scope, m.state) for m in found.first_inputs if isinstance(m, GateSet)] == [(GateScope.GLOBAL, GateState.HALTED)]
    other = Office()
    other.ask(RequestVerb.KILL)
    other.log.flush(other.log.mark())
    found = again(other)  # the ledger lost it, the log has it
    assert found.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED


def test_recovering_twice_is_recovering_once_and_inputs_count_from_one() -> None:
    office = Office()
    office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    office.log.flush(office.log.mark())
    first, second = again(office), again(office)
    assert first.opening_state == second.opening_state
    assert first.engine.n == 0
    assert first.engine.books.positions() == {"AAA": 5_000_000_000}


def test_a_flatten_goes_on_in_the_next_session() -> None:
    office = Office()
    office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    office.ask(RequestVerb.FLATTEN)
    office.log.flush(office.log.mark())
    found = again(office)
    assert found.engine.books.liquidating


def test_the_lease_is_refused_while_it_runs_and_a_takeover_waits_for_the_wire() -> None:
    office = Office()
    wish = LeaseClaim(account=ACCOUNT, holder="other", now_ns=office.clock.now_ns(), ttl_ns=10 * SECOND)
    with pytest.raises(LeaseHeldError, match="stop that trader"):
        claim(office.ledger, wish)
    taken = claim(
        office.ledger, LeaseClaim(**{name: getattr(wish, name) for name in wish.__struct_fields__} | {"waited_out": office.lease})
    )
    assert isinstance(taken, Lease)
    assert takeover_wait_ns(taken) == 10 * SECOND
    assert takeover_wait_ns(office.lease) == 0


def test_an_answer_that_is_in_the_log_closes_its_row() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.turn()
    office.commit()
    office.desk.found(key, shown(send, OrderState.FILLED, filled=5))
    office.desk.sequencer.run()  # taken in, and the process dies before the row is marked
    office.log.flush(office.log.mark())
    again(office)
    row = office.ledger.order(key)  # type: ignore[arg-type]
    assert row is not None
    assert row.state is OutboxState.ANSWERED
