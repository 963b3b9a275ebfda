"""Persons decide on the orders that wait for them: who may is asked at the door, what it does is the engine's."""

from collections.abc import Callable
from typing import Final, final

from tidegate.authority.actions import Action
from tidegate.control.approval_replies import AnswerReply, ApprovalsReply
from tidegate.control.protocol import AnswerApproval
from tidegate.service.admission import Admission, Want
from tidegate.service.approvals import approval_answer, approval_line
from tidegate.service.asking import NothingNamedError
from tidegate.service.desk import Desk
from tidegate.service.lanes import LaneFullError
from tidegate.values.enums import GateScope
from tidegate.values.errors import ExitCode, TidegateError


class AnswerNotTakenError(TidegateError):
    """A person's answer does nothing: of another order, too late, of somebody who may not, or given before. It is on record."""

    exit_code = ExitCode.REFUSED


@final
class Deciding:
    """Requests for approval of one desk. `wake` has the desk turned soon."""

    def __init__(self, desk: Desk, admission: Admission, wake: Callable[[], None]) -> None:
        self._desk: Final = desk
        self._admission: Final = admission
        self._wake: Final = wake

    def requests(self, closed_max: int) -> ApprovalsReply:
        """Return the requests that wait, and the newest of those that are closed."""
        books = self._desk.engine.books
        waiting, closed = books.approvals()
        return ApprovalsReply(
            now_ns=self._desk.sequencer.now_ns(),
            waiting=tuple(approval_line(books, approval) for approval in waiting),
            closed=tuple(approval_line(books, approval) for approval in closed[:closed_max]),
        )

    def answer(self, request: AnswerApproval, peer_uid: int) -> AnswerReply:
        """Take a person's answer in, whatever it comes to: what is not taken is in the log as well.

        Raises:
            NothingNamedError: it has no id, or no such request is known.
            AuthorityError: this person may not decide on it.
            LaneFullError: too much waits already.
            AnswerNotTakenError: it does nothing, and why.
        """
        desk = self._desk
        if not request.request_id:
            raise NothingNamedError("An answer needs an id of its own, so that it can be repeated safely; give one.")
        approval = desk.engine.books.approval(request.approval_id)
        if approval is None:
            raise NothingNamedError(f"No approval {request.approval_id} waits or was closed lately; see `tidegate approvals list`.")
        want = Want(Action.APPROVE, GateScope.STRATEGY, approval.intent.strategy_id)
        person = self._admission.admit(want, request.proof, peer_uid)
        self._admission.check_other(want, approval.requester, person)
        answer = approval_answer(request, person.name)
        outcome = desk.engine.books.foreseen(answer, desk.sequencer.now_ns())
        if outcome is not None and not desk.answer(answer):
            raise LaneFullError("Too many requests wait for the engine; answer again with the same request id.")
        self._wake()
        if outcome is not None and outcome.step is None:
            raise AnswerNotTakenError(outcome.sentence)
        follows = "The trader has taken this answer already; nothing happens a second time." if outcome is None else outcome.sentence
        return AnswerReply(
            request_id=request.request_id,
            approval_id=request.approval_id,
            approver=person.name,
            repeated=outcome is None,
            follows=follows,
        )
