"""From a person's answer to the wire: recorded before it is used, used with its order in one transaction, and never again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.kit import LIMITS
from tests.service.living import Living, setting
from tests.service.making import ACCOUNT, SECOND, Office
from tidegate.authority.errors import DeniedError, LoginNeededError
from tidegate.control.approval_replies import AnswerReply, ApprovalsReply
from tidegate.control.peers import user_name
from tidegate.control.protocol import AnswerApproval, AnyRequest, ListApprovals
from tidegate.events.acts import ApprovalMoved
from tidegate.events.codec import decode
from tidegate.events.inputs import ApprovalAnswered
from tidegate.risk.approvals import Approval
from tidegate.service.answering import Answering
from tidegate.service.approvals import approval_row
from tidegate.service.asking import NothingNamedError
from tidegate.service.deciding import AnswerNotTakenError
from tidegate.service.ledger.errors import ApprovalSpentError, LedgerUnavailableError
from tidegate.service.ledger.rows import Batch
from tidegate.service.ports import WriteLedger
from tidegate.service.recovery import Makers, recover
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.enums import ApprovalState, GateScope, GateState, OrderState, Side
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.ids import SessionId
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("I1", "B3.5")

ASKING: dict[str, Any] = LIMITS | {
    "approval_notional_usd_max": 50,
    "second_approval_notional_usd_max": 500,
    "approval_wait": "20s",
}


def waiting(office: Office) -> Approval:
    found, _closed = office.engine.books.approvals()
    assert len(found) == 1
    return found[0]


def asked(office: Office, shares: int = 5) -> Approval:
    """Let the strategy ask; nothing leaves."""
    from tidegate.strategies.strategy import Intent

    office.answer = Intent(side=Side.BUY, reason="a test", quantity=shares)
    office.effects.clear()
    office.quote()
    assert office.orders() == []
    return waiting(office)


def say(office: Office, approval: Approval, approver: str = "ann", *, granted: bool = True, request_id: str = "r1") -> None:
    assert office.desk.answer(
        ApprovalAnswered(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            approval_id=approval.approval_id,
            order_sha256=approval.order_sha256,
            approver=approver,
            granted=granted,
            request_id=request_id,
            reason="",
        )
    )
    office.turn()


def batches(office: Office) -> list[Batch]:
    return [effect.batch for effect in office.effects if isinstance(effect, WriteLedger)]


# The ledger.


def test_a_request_is_recorded_when_it_is_made_and_each_time_it_moves() -> None:
    office = Office(limits=ASKING)
    approval = asked(office)
    office.commit()
    assert office.ledger.approvals(ACCOUNT) == [approval_row(ACCOUNT, approval)]
    say(office, approval, granted=False)
    office.commit()
    (row,) = office.ledger.approvals(ACCOUNT)
    assert (row.state, row.expires_ns) == (ApprovalState.REFUSED, approval.expires_ns)


def test_the_use_is_one_transaction_with_the_order_and_comes_after_the_grant() -> None:
    office = Office(limits=ASKING)
    approval = asked(office)
    say(office, approval)
    (order,) = office.orders()
    recorded = [batch for batch in batches(office) if batch.approvals or batch.rows]  # the audit chain has writes of its own
    assert [bool(batch.approvals) for batch in recorded] == [True, True, False]
    (use,) = recorded[-1].uses
    assert (use.approval_id, use.order_sha256) == (approval.approval_id, approval.order_sha256)
    assert [row.client_order_id for row in recorded[-1].rows] == [order.client_order_id]
    office.commit()
    office.flush()
    assert len(office.submits()) == 1
    (row,) = office.ledger.approvals(ACCOUNT)
    assert (row.state, row.approvers) == (ApprovalState.USED, "ann")


def test_an_order_without_an_approval_uses_none_and_shares_no_transaction_with_one_that_does() -> None:
    office = Office(limits=ASKING | {"approval_notional_usd_max": 500})
    office.enter()
    assert [batch.uses for batch in batches(office)] == [()]


def test_an_approval_that_the_ledger_holds_for_used_sends_nothing() -> None:
    """As after a crash that lost the log's end: the ledger remembers."""
    office = Office(limits=ASKING)
    approval = asked(office)
    office.commit()
    granted = replace(approval_row(ACCOUNT, approval), state=ApprovalState.GRANTED)
    office.ledger.write(Batch(account=ACCOUNT, epoch=office.lease.epoch, approvals=(granted,)))
    say(office, approval)
    use = next(batch.uses for batch in batches(office) if batch.uses)
    office.ledger.write(Batch(account=ACCOUNT, epoch=office.lease.epoch, uses=use))
    refused: list[TidegateError] = []
    for effect in [effect for effect in office.effects if isinstance(effect, WriteLedger)]:
        try:
            office.ledger.write(effect.batch)
            office.desk.wrote(effect, None)
        except ApprovalSpentError as error:
            refused.append(error)
            office.desk.wrote(effect, error)
    office.flush()
    assert [type(error) for error in refused] == [ApprovalSpentError]
    assert office.submits() == []
    (order,) = office.engine.books.finished_orders()
    assert order.state is OrderState.NOT_SENT
    assert office.desk.outbox.store_ok, "a refusal is no loss of the ledger"


def test_with_the_ledger_gone_nothing_is_let_out() -> None:
    office = Office(limits=ASKING)
    approval = asked(office)
    office.commit(LedgerUnavailableError("gone"))
    say(office, approval)
    assert office.submits() == []
    assert office.orders() == []


def test_a_kill_between_the_grant_and_the_wire_holds_the_order() -> None:
    office = Office(limits=ASKING)
    approval = asked(office)
    say(office, approval)
    office.desk.gatekeeper.latch(GateScope.GLOBAL, "", GateState.HALTED)
    office.commit()
    office.flush()
    assert office.submits() == []
    assert office.ledger.approvals(ACCOUNT)[0].state is ApprovalState.USED, "and it is used up all the same"


def test_nobody_answering_is_a_refusal_and_is_recorded() -> None:
    office = Office(limits=ASKING)
    asked(office)
    office.wait(21)
    office.commit()
    assert office.ledger.approvals(ACCOUNT)[0].state is ApprovalState.EXPIRED


class Ended:
    """A history whose last session ended in one state."""

    def __init__(self, state: bytes) -> None:
        self.state = state

    def last_session(self) -> SessionId | None:
        return SessionId("before")

    def end_state(self, makers: Makers, epoch: int) -> bytes:
        del makers, epoch
        return self.state


def test_a_start_records_what_waits_again_and_opens_nothing_that_is_closed() -> None:
    office = Office(limits=ASKING)
    approval = asked(office)  # and the trader dies before the ledger has it
    makers = Makers(lambda session, epoch: type(office.engine)(replace(office.plan.spec, session_id=session, lease_epoch=epoch), _pure()))
    found = recover(office.lease, Ended(office.engine.snapshot()), office.ledger, makers, now_ns=office.clock.now_ns())
    assert [one.approval_id for one in found.engine.books.approvals()[0]] == [approval.approval_id]
    assert office.ledger.approvals(ACCOUNT) == [approval_row(ACCOUNT, approval)]
    closed = replace(approval_row(ACCOUNT, approval), state=ApprovalState.REFUSED)
    office.ledger.write(Batch(account=ACCOUNT, epoch=office.lease.epoch, approvals=(closed,)))
    recover(office.lease, Ended(office.engine.snapshot()), office.ledger, makers, now_ns=office.clock.now_ns())
    assert office.ledger.approvals(ACCOUNT) == [closed]


def _pure() -> Any:
    from tidegate.engine.toolchain import Toolchain
    from tidegate.kernel.mode import Mode

    return Toolchain(Mode.PURE)


# The socket's answers.


def careful(shared: Setting) -> Setting:
    """A world in which a person has to approve every entry."""
    limits = replace(shared.spec.limits, approval_notional_attos_max=0)
    return shared._replace(spec=replace(shared.spec, limits=limits), engines={})


@pytest.fixture(scope="module")
def shared() -> Setting:
    return careful(setting())


@pytest.fixture
def living(shared: Setting, tmp_path: Path) -> Living:
    made = Living(shared, tmp_path / "home")
    for _ in range(30):
        made.pass_s(1)
        if made.desk.engine.books.approvals()[0]:
            return made
    raise AssertionError("nobody asked")


def told(living: Living, request: AnyRequest, answering: Answering | None = None) -> Any:
    return asyncio.run((answering or living.answering).answer(request, 0))


def listed(living: Living) -> ApprovalsReply:
    reply = told(living, ListApprovals())
    assert isinstance(reply, ApprovalsReply)
    return reply


def answer(living: Living, *, granted: bool = True, request_id: str = "r1", **changes: Any) -> AnswerApproval:
    line = listed(living).waiting[0]
    facts = {"approval_id": line.approval_id, "order_sha256": line.order_sha256} | changes
    return AnswerApproval(request_id=request_id, granted=granted, reason="a drill", **facts)


def test_what_waits_is_told_with_what_it_would_do(living: Living) -> None:
    line = listed(living).waiting[0]
    approval = living.desk.engine.books.approval(line.approval_id)
    assert approval is not None
    assert (line.state, line.needed) == (ApprovalState.WAITING, 1)
    assert line.requester == line.strategy_id == approval.intent.strategy_id
    assert line.impact is not None
    assert (line.impact.net_before, line.impact.net_after.lstrip("-")) == ("0", line.quantity)
    assert (line.impact.worst_before, line.impact.worst_after) == ("0", line.quantity)
    assert line.impact.gross_before_usd == "0"
    assert line.impact.gross_after_usd == line.impact.notional_usd
    before = living.desk.engine.state_sha256()
    listed(living)
    assert living.desk.engine.state_sha256() == before, "looking changes nothing"


def test_an_approval_over_the_socket_sends_the_order_under_the_name_of_the_peer(living: Living) -> None:
    request = answer(living)
    reply = told(living, request)
    assert isinstance(reply, AnswerReply)
    assert (reply.approver, reply.repeated, reply.follows) == (user_name(0), False, f"{user_name(0)} approved it: a drill.")
    assert living.woken > 0
    living.pass_s(1)
    closed = next(line for line in listed(living).closed if line.approval_id == request.approval_id)
    assert (closed.state, closed.approvers) == (ApprovalState.USED, (user_name(0),))
    assert closed.impact is None
    again = told(living, request)
    assert again.repeated
    row = next(row for row in living.world.ledger.approvals("drill") if row.approval_id == request.approval_id)
    assert row.state is ApprovalState.USED


def test_an_answer_that_does_nothing_is_refused_with_why_and_is_in_the_log(living: Living) -> None:
    with pytest.raises(AnswerNotTakenError, match="another order") as refused:
        told(living, answer(living, order_sha256="x"))
    assert refused.value.exit_code is ExitCode.REFUSED
    living.pass_s(1)
    logged = [decode(entry.message) for entry in living.node.log.entries if entry.records is None]
    assert [message.order_sha256 for message in logged if isinstance(message, ApprovalAnswered)] == ["x"]
    assert [act.approver for act in logged if isinstance(act, ApprovalMoved)] == [user_name(0)]


@pytest.mark.parametrize(("change", "says"), [({"request_id": ""}, "an id of its own"), ({"approval_id": "nobody"}, "No approval nobody")])
def test_an_answer_that_names_nothing_is_refused(living: Living, change: dict[str, Any], says: str) -> None:
    with pytest.raises(NothingNamedError, match=says):
        told(living, answer(living, **change))


def test_who_may_not_answer_is_refused_before_anything_is_taken_in(living: Living) -> None:
    proof = living.people.first()
    with pytest.raises(LoginNeededError, match="Only an approver may approve strategy"):
        told(living, answer(living))
    with pytest.raises(DeniedError, match="root is an admin"):
        told(living, answer(living, proof=proof))
    living.pass_s(1)
    assert not living.desk.engine._core.approvals.answers


def test_nobody_approves_what_he_has_asked_for(living: Living) -> None:
    approvals = living.desk.engine._core.approvals
    approval_id, asked = next(iter(approvals.open.items()))
    approvals.open[approval_id] = replace(asked, requester=user_name(0))
    with pytest.raises(DeniedError, match="has asked for this himself"):
        told(living, answer(living))


def test_times_are_receive_times(living: Living) -> None:
    line = listed(living).waiting[0]
    assert line.expires_ns - line.asked_ns == 20 * SECOND
    assert float(line.notional_usd) > 0
    assert int(line.quantity) * NANOS > 0
