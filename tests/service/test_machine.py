"""Whatever comes in whatever order: an order leaves once, durable, through an open gate, and every outcome is told."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.service.making import Office, shown
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.states import OutboxState
from tidegate.service.ports import Find, ReadVenue, Send, WriteLedger
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, ExitReason, GateScope, GateState, OrderState, Purpose, RequestVerb, Side
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable

pytestmark = pytest.mark.req("B2.2", "I3")

_ERRORS = (
    Unreachable("no connection"),
    OutcomeUnsure("no answer"),
    Declined(DeclineReason.INVALID, "no"),
    Declined(DeclineReason.RATE_LIMITED, "slow down"),
    Declined(DeclineReason.DUPLICATE_ID, "taken"),
    Declined(DeclineReason.NOT_FOUND, "not found"),
)


class DeskMachine(RuleBasedStateMachine):
    """One desk, its disk, ledger and venue by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.sent: list[str] = []
        self.waiting: list[Send] = []
        self.asked: list[Find] = []
        self.requests = 0
        self._take()

    def _take(self) -> None:
        """Take over what the desk wants carried out; each order is checked as it leaves."""
        office = self.office
        for effect in office.effects:
            if isinstance(effect, Send):
                self._leaves(effect)
                self.waiting.append(effect)
            elif isinstance(effect, Find):
                self.asked.append(effect)
        office.effects = [effect for effect in office.effects if isinstance(effect, WriteLedger)]

    def _leaves(self, effect: Send) -> None:
        command, office = effect.command, self.office
        if command.kind is CommandKind.CANCEL:
            return
        assert command.client_order_id not in self.sent, "an order left twice"
        self.sent.append(command.client_order_id)
        row = office.ledger.order(command.client_order_id)  # type: ignore[arg-type]
        assert row is not None
        assert row.state is OutboxState.SENT
        assert row.n <= office.log.durable_n
        order = office.desk.engine.books.order(command.client_order_id)
        assert order is not None
        gate = office.desk.engine.books.gate(GateScope.GLOBAL, "")
        assert gate is GateState.ACTIVE or order.purpose is Purpose.EXIT
        assert gate is not GateState.HALTED or order.exit_reason is ExitReason.OPERATOR

    @rule(buy=st.booleans(), bid=st.integers(1_990, 2_010))
    def a_quote(self, *, buy: bool, bid: int) -> None:
        if buy:
            self.office.answer = Intent(side=Side.BUY, reason="a test", quantity=2)
        self.office.quote(bid)
        self._take()

    @rule(seconds=st.sampled_from((0.01, 0.3, 2.0, 6.0, 11.0)))
    def time_passes(self, seconds: float) -> None:
        self.office.wait(seconds)
        self._take()

    @rule(gone=st.booleans())
    def the_ledger_answers(self, *, gone: bool) -> None:
        self.office.commit(LedgerUnavailableError("gone") if gone else None)
        self._take()

    @rule()
    def the_log_is_durable(self) -> None:
        self.office.flush()
        self._take()

    @rule(data=st.data())
    def the_venue_answers(self, data: st.DataObject) -> None:
        if not self.waiting:
            return
        send = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        answers = [*_ERRORS]
        if send.command.kind is CommandKind.CANCEL:
            answers.append(None)  # type: ignore[arg-type]
        else:
            answers += [shown(send, OrderState.ACCEPTED), shown(send, OrderState.FILLED, filled=send.command.quantity_nanos // 10**9)]  # type: ignore[list-item]
        self.office.desk.answered(send, data.draw(st.sampled_from(answers)))  # type: ignore[arg-type]
        self.office.turn()
        self._take()

    @rule(missed=st.booleans())
    def a_lookup_answers(self, *, missed: bool) -> None:
        if self.asked:
            find = self.asked.pop(0)
            self.office.desk.found(find.client_order_id, None if missed else OutcomeUnsure("503"))
            self.office.turn()
            self._take()

    @rule(verb=st.sampled_from(RequestVerb))
    def somebody_asks(self, verb: RequestVerb) -> None:
        self.requests += 1
        self.office.ask(verb, request_id=f"r{self.requests}")
        self._take()

    @rule()
    def the_lease_is_lost(self) -> None:
        self.office.desk.gatekeeper.lose()

    @rule()
    def the_lease_is_renewed(self) -> None:
        self.office.desk.gatekeeper.hold(self.office.lease, asked_ns=self.office.clock.monotonic_ns())

    @invariant()
    def every_order_on_its_way_is_known_and_counted(self) -> None:
        for send in self.waiting:
            if send.command.kind is not CommandKind.CANCEL:
                order = self.office.desk.engine.books.order(send.command.client_order_id)
                assert order is not None
                assert order.state is not OrderState.NEW
        assert not any(isinstance(effect, ReadVenue) for effect in self.office.effects)


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
