"""Asking, answering, releasing: what a person approves is exactly what goes out, once, judged as new, and nothing else ever is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.kit import LIMITS
from tests.contract.markets import START_NS
from tests.engine.scene import HEAD, MS, Scene, commands, of, only
from tidegate.engine.engine import Engine
from tidegate.engine.lapsing import LogEnd
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import ApprovalMoved, ApprovalRequested, NothingDone, OrderCommand, RiskDecision, TradeIntent
from tidegate.events.base import Act
from tidegate.events.inputs import ApprovalAnswered, GateSet, OperatorRequested
from tidegate.kernel.mode import Mode
from tidegate.risk.approval_checks import WAITING_MAX
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import (
    ApprovalState,
    CommandKind,
    GateScope,
    GateState,
    LapseKind,
    OrderEventKind,
    Purpose,
    RequestVerb,
    Side,
    Verdict,
)
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("I1", "B3.5", "B3.7")

ASKING: dict[str, Any] = LIMITS | {
    "approval_notional_usd_max": 1_000,
    "second_approval_notional_usd_max": 2_000,
    "approval_loss_usd_max": 500,
    "approval_wait": "20s",
}
LARGE = Intent(side=Side.BUY, reason="a large one", quantity=60)  # at 20.02: $1,201.20
HUGE = Intent(side=Side.BUY, reason="a huge one", quantity=110)  # $2,202.20
SMALL = Intent(side=Side.BUY, reason="a small one", quantity=5)
S = ApprovalState


@dataclass
class Asked:
    """A scene in which an order waits."""

    on: Scene
    request: ApprovalRequested

    def answer(self, approver: str = "ann", *, granted: bool = True, **changes: Any) -> list[Act]:
        facts: dict[str, Any] = {
            "approval_id": self.request.approval_id,
            "order_sha256": self.request.order_sha256,
            "approver": approver,
            "granted": granted,
            "request_id": f"r-{self.on.engine.n}",
            "reason": "",
        }
        now_ns = max(self.on.engine.now_ns, START_NS + self.on.now_ms * MS)
        return self.on.tell(ApprovalAnswered(**HEAD | {"timestamp": now_ns} | facts | changes))

    @property
    def state(self) -> ApprovalState:
        found = self.on.engine.books.approval(self.request.approval_id)
        assert found is not None
        return found.state


def asked(wanted: Intent = LARGE, *, at_ms: int = 7_000, limits: dict[str, Any] = ASKING, **changes: Any) -> Asked:
    on = Scene(quotes=True, limits=limits, **changes)
    on.answers(wanted)
    acts = on.quote(at_ms)
    assert commands(acts, CommandKind.SUBMIT) == [], "nothing leaves before a person says so"
    (request,) = of(acts, ApprovalRequested)
    return Asked(on, request)


def moves(acts: list[Act]) -> list[tuple[ApprovalState | None, ApprovalState | None]]:
    return [(act.before, act.after) for act in of(acts, ApprovalMoved)]


# Asking.


def test_a_large_entry_is_asked_for_and_reserves_nothing() -> None:
    one = asked()
    request, decision = one.request, of(one.on.acts, RiskDecision)[-1]
    assert decision.verdict is Verdict.NEEDS_APPROVAL
    assert decision.refusals == ()
    assert decision.sentence.startswith("The entry needs the approval of a person because the whole entry is worth $1201.2, above $1000")
    assert (request.needed, request.requester, request.notional_usd) == (1, "one", "1201.2")
    assert request.expires_ns == START_NS + 7_000 * MS + 20 * SECOND_NS
    assert one.on.core.portfolio.reserved == {}
    assert one.on.core.portfolio.book("AAA").buys_nanos == 0


def test_an_entry_within_every_threshold_asks_nobody() -> None:
    on = Scene(quotes=True, limits=ASKING)
    on.answers(SMALL)
    acts = on.quote(7_000)
    assert only(acts, CommandKind.SUBMIT).approval_id == ""
    assert of(acts, ApprovalRequested) == []


def test_a_pair_whose_order_waits_asks_for_nothing_else_and_stays_disarmed() -> None:
    one = asked()
    one.on.answers(SMALL)
    acts = one.on.quote(7_100)
    assert [act.reason for act in of(acts, NothingDone)] == ["an entry of this pair waits for a person's approval"]
    assert of(acts, TradeIntent) == []


def test_a_pair_stays_disarmed_whatever_else_its_strategy_is_asked_meanwhile() -> None:
    on = Scene(trigger=True, every=3, timer_s=1.0, limits=ASKING)
    on.answers(LARGE)
    asked_at = next(at_ms for at_ms in range(7_000, 9_000, 100) if of(on.quote(at_ms), ApprovalRequested))
    assert on.own("armed_at_ns") == NEVER_NS
    assert of(on.wait(asked_at + 2_500), NothingDone), "its timer asks, and it declines"
    assert on.own("armed_at_ns") == NEVER_NS
    on.wait(asked_at + 21_000)
    assert on.own("armed_at_ns") < NEVER_NS, "armed again once nobody has answered"


def test_a_log_that_ends_before_anybody_is_asked_forgets_the_wish() -> None:
    on = Scene(quotes=True, limits=ASKING)
    before = on.engine.snapshot()
    on.answers(LARGE)
    acts = on.quote(7_000)
    engine = Engine(on.plan.spec, Toolchain(Mode.PURE))
    engine.restore(before)
    for act in acts[: acts.index(of(acts, ApprovalRequested)[0])]:
        engine.fold_act(act)
    engine.fold_end(LogEnd("s", engine.n, engine.n - 1))
    broken = engine._core.broken_off
    assert broken is not None
    assert [lapse.kind for lapse in broken.lapsed] == [LapseKind.REQUEST]
    assert engine._core.approvals.asking == {}


def test_exits_never_wait() -> None:
    on = Scene(quotes=True, limits=ASKING | {"approval_loss_usd_max": 0})
    on.answers(SMALL)
    on.say(only(on.quote(7_000), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5)
    on.answers(Intent(side=Side.SELL, purpose=Purpose.EXIT, reason="enough"))
    acts = on.quote(8_000, bid=1_990, ask=1_991)
    assert only(acts, CommandKind.SUBMIT).approval_id == ""


def test_on_a_losing_day_every_entry_is_asked_for() -> None:
    on = Scene(quotes=True, limits=ASKING | {"approval_loss_usd_max": 0}, stop_bps=500.0)
    on.answers(SMALL)
    on.say(only(on.quote(7_000), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5)
    on.answers(SMALL)
    acts = on.quote(9_000, bid=1_990, ask=1_991)
    (request,) = of(acts, ApprovalRequested)
    assert "the account is down by $0.55, above $0" in request.sentence


def test_a_rule_of_the_configuration_asks_by_name() -> None:
    rule = {"name": "first-month", "sentence": "one is new", "strategy": "one", "side": "buy", "quantity_above": 4}
    one = asked(SMALL, approvals=[rule])
    assert "rule 1 of the configuration asks for it (first-month: one is new)" in one.request.sentence


@pytest.mark.parametrize(
    "change", [{"strategy": "two"}, {"symbol": "BBB"}, {"side": "sell"}, {"quantity_above": 5}, {"notional_usd_above": 101}]
)
def test_a_rule_is_about_what_it_names_alone(change: dict[str, Any]) -> None:
    on = Scene(quotes=True, limits=ASKING, approvals=[{"name": "r", "sentence": "s"} | change], rival=True)
    on.answers(SMALL)
    assert only(on.quote(7_000), CommandKind.SUBMIT).quantity_nanos == 5 * NANOS


# Answering and releasing.


def test_what_is_approved_goes_out_in_the_same_step_with_its_approval() -> None:
    one = asked()
    acts = one.answer(reason="as planned")
    command = only(acts, CommandKind.SUBMIT)
    assert (command.approval_id, command.quantity_nanos) == (one.request.approval_id, 60 * NANOS)
    assert of(acts, RiskDecision)[0].approval_id == one.request.approval_id
    assert moves(acts) == [(S.WAITING, S.GRANTED), (S.GRANTED, S.USED)]
    granted = of(acts, ApprovalMoved)[0]
    assert (granted.approver, granted.approvers, granted.sentence) == ("ann", ("ann",), "ann approved it: as planned.")
    assert {act.correlation_id for act in acts} == {one.request.correlation_id}, "one story from the signal to the order"
    assert acts.index(of(acts, ApprovalMoved)[1]) < acts.index(command), "used up before the order is commanded"
    assert one.state is S.USED


def test_a_rejection_ends_it_and_arms_the_pair_by_its_rule() -> None:
    one = asked()
    assert moves(one.answer(granted=False, reason="no")) == [(S.WAITING, S.REFUSED)]
    assert one.on.own("armed_at_ns") == one.on.engine.now_ns + SECOND_NS // 2
    one.on.answers(SMALL)
    assert only(one.on.quote(9_000), CommandKind.SUBMIT).quantity_nanos == 5 * NANOS


def test_above_the_second_threshold_two_persons_are_needed() -> None:
    one = asked(HUGE)
    assert (one.request.needed, "two persons" in one.request.sentence) == (2, True)
    acts = one.answer("ann")
    assert moves(acts) == [(S.WAITING, S.HALF_GRANTED)]
    assert commands(acts, CommandKind.SUBMIT) == []
    again = one.answer("ann")
    assert moves(again) == [(S.HALF_GRANTED, S.HALF_GRANTED)]
    assert "ann has approved it already" in of(again, ApprovalMoved)[0].sentence
    assert only(one.answer("bob"), CommandKind.SUBMIT).quantity_nanos == 110 * NANOS
    assert of(one.on.acts, ApprovalMoved)[-1].approvers == ("ann", "bob")


def test_either_of_two_persons_may_still_say_no() -> None:
    one = asked(HUGE)
    one.answer("ann")
    assert moves(one.answer("bob", granted=False)) == [(S.HALF_GRANTED, S.REFUSED)]


# Time of check, time of use.


def test_a_used_approval_is_used() -> None:
    one = asked()
    one.answer()
    acts = one.answer("bob")
    assert moves(acts) == [(S.USED, S.USED)]
    assert "used already" in of(acts, ApprovalMoved)[0].sentence
    assert of(acts, OrderCommand) == []


def test_the_same_answer_twice_does_something_once() -> None:
    one = asked(HUGE)
    one.answer("ann", request_id="r")
    assert one.answer("bob", request_id="r") == []


def test_an_answer_about_another_order_is_not_taken_and_is_told() -> None:
    one = asked()
    acts = one.answer(order_sha256="0" * 64)
    assert moves(acts) == [(S.WAITING, S.WAITING)]
    (told,) = of(acts, ApprovalMoved)
    assert (told.approver, "another order" in told.sentence) == ("ann", True)
    assert one.state is S.WAITING


def test_an_answer_to_a_request_that_nobody_made_is_told() -> None:
    one = asked()
    acts = one.answer(approval_id="x")
    assert moves(acts) == [(None, None)]
    assert one.state is S.WAITING


@pytest.mark.parametrize("approver", ["one", ""])
def test_nobody_approves_his_own_order_or_without_a_name(approver: str) -> None:
    one = asked()
    for granted in (True, False):
        assert moves(one.answer(approver, granted=granted)) == [(S.WAITING, S.WAITING)]
    assert one.state is S.WAITING


def test_a_request_that_nobody_answers_counts_as_refused() -> None:
    one = asked()
    acts = one.on.wait(26_999)
    assert of(acts, ApprovalMoved) == []
    acts = one.on.wait(27_000)
    assert moves(acts) == [(S.WAITING, S.EXPIRED)]
    assert of(acts, ApprovalMoved)[0].timestamp == one.request.expires_ns
    assert one.on.own("armed_at_ns") == one.request.expires_ns + SECOND_NS // 2
    assert moves(one.answer()) == [(S.EXPIRED, S.EXPIRED)]


def test_an_answer_at_the_very_end_comes_too_late() -> None:
    one = asked()
    one.on.quote(26_000)
    acts = one.answer(timestamp=one.request.expires_ns)
    assert moves(acts) == [(S.WAITING, S.EXPIRED)]
    assert commands(acts, CommandKind.SUBMIT) == []


def pause(on: Scene) -> None:
    on.tell(
        GateSet(
            **HEAD | {"timestamp": on.engine.now_ns}, scope=GateScope.SYMBOL, key="AAA", state=GateState.REDUCE_ONLY, reason="x", actor="p"
        )
    )


def kill(on: Scene) -> None:
    head = HEAD | {"timestamp": on.engine.now_ns}
    on.tell(
        OperatorRequested(**head, request_id="k", verb=RequestVerb.KILL, scope=GateScope.GLOBAL, key="", requester="ann", reason="stop")
    )


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda on: on.quote(7_500, bid=1_986, ask=1_987), "the price passes the far touch by 76 bps, above 30 bps"),
        (lambda on: on.quote(7_500, bid=1_995, ask=2_008), "the last quote is wide"),
        (lambda on: on.wait(26_900), "the quote is 19.9 s old"),
        (pause, "the gate is closed: reduce_only by symbol AAA"),
        (kill, "the gate is closed: halted by global"),
    ],
)
def test_what_has_changed_meanwhile_stops_it_and_says_why(what: Callable[[Scene], object], says: str) -> None:
    one = asked(limits=ASKING | {"quote_age_max": "19s", "collar_bps_max": 30})
    what(one.on)
    acts = one.answer()
    assert commands(acts, CommandKind.SUBMIT) == []
    assert moves(acts) == [(S.WAITING, S.GRANTED), (S.GRANTED, S.LAPSED)]
    lapsed = of(acts, ApprovalMoved)[1]
    assert says in lapsed.sentence
    assert lapsed.sentence.startswith("Judged as new, it was not let out. The entry was refused because ")
    assert one.on.own("armed_at_ns") <= one.on.engine.now_ns + SECOND_NS, "the pair may ask again"
    assert moves(one.answer("bob")) == [(S.LAPSED, S.LAPSED)]


def test_an_order_that_has_come_to_need_two_persons_is_not_let_out_by_one() -> None:
    one = asked(replace(LARGE, quantity=99), limits=ASKING | {"second_approval_notional_usd_max": 1_990})  # $1,981.98
    one.on.quote(7_500, bid=2_015, ask=2_016)
    acts = one.answer()
    assert moves(acts) == [(S.WAITING, S.GRANTED), (S.GRANTED, S.LAPSED)]
    assert "two persons" in of(acts, ApprovalMoved)[1].sentence
    assert of(acts, ApprovalRequested) == [], "it is not asked for again in the same breath"


def test_a_waiting_order_counts_for_nothing_and_is_judged_beside_what_came_meanwhile() -> None:
    one = asked(limits=ASKING | {"position_quantity_max": 62}, rival=True)
    two = replace(one.on.plan.spec.strategies[1].strategy, decide=lambda _v, state, _a: (state, SMALL))
    core = one.on.core
    core.strategies = (core.strategies[0], two)
    assert only(one.on.quote(7_500), CommandKind.SUBMIT).strategy_id == "two"
    acts = one.answer()
    assert "the position could become 65, above 62" in of(acts, ApprovalMoved)[1].sentence


# Slices.

SLICED = ASKING | {"order_quantity_max": 25}


def test_a_sliced_entry_is_asked_for_whole_and_goes_out_in_slices_under_one_approval() -> None:
    one = asked(limits=SLICED, sliced=True)
    assert (one.request.quantity_nanos, one.request.notional_usd) == (60 * NANOS, "1201.2")
    acts = one.answer()
    sent = commands(acts, CommandKind.SUBMIT)
    assert [command.quantity_nanos // NANOS for command in sent] == [25, 25, 10]
    assert {command.approval_id for command in sent} == {one.request.approval_id}
    assert [(i.whole_quantity_nanos // NANOS, i.slice_number) for i in of(acts, TradeIntent)] == [(60, 0), (60, 1), (60, 2)]
    assert moves(acts) == [(S.WAITING, S.GRANTED), (S.GRANTED, S.USED)]


def test_small_slices_do_not_slip_below_the_threshold_together() -> None:
    """Each slice is far below; the whole is above."""
    one = asked(limits=SLICED | {"order_quantity_max": 10}, sliced=True)
    assert one.request.quantity_nanos == 60 * NANOS


def test_a_sliced_entry_below_the_threshold_goes_out_at_once() -> None:
    on = Scene(quotes=True, limits=SLICED, sliced=True)
    on.answers(replace(LARGE, quantity=45))
    assert [command.quantity_nanos // NANOS for command in commands(on.quote(7_000), CommandKind.SUBMIT)] == [25, 20]


def test_an_entry_that_is_not_sliced_is_refused_by_its_size() -> None:
    on = Scene(quotes=True, limits=SLICED)
    on.answers(LARGE)
    acts = on.quote(7_000)
    assert [decision.refusals for decision in of(acts, RiskDecision)] == [("order_quantity",)]
    assert of(acts, ApprovalRequested) == []


def test_an_entry_of_too_many_slices_is_refused_whole() -> None:
    on = Scene(quotes=True, limits=SLICED | {"order_quantity_max": 2}, sliced=True)
    on.answers(replace(LARGE, quantity=45))
    (decision,) = of(on.quote(7_000), RiskDecision)
    assert (decision.verdict, decision.refusals) == (Verdict.REFUSED, ("order_quantity",))


def test_the_first_slice_that_is_refused_ends_the_whole() -> None:
    on = Scene(quotes=True, limits=SLICED | {"position_quantity_max": 30}, sliced=True)
    on.answers(replace(LARGE, quantity=45))
    acts = on.quote(7_000)
    assert [d.verdict for d in of(acts, RiskDecision)] == [Verdict.APPROVED, Verdict.REFUSED]


def test_slices_of_one_whole_are_no_duplicates_and_the_whole_again_is_one() -> None:
    on = Scene(quotes=True, limits=SLICED | {"duplicate_window": "5s"}, sliced=True)
    on.answers(replace(LARGE, quantity=48))
    first = commands(on.quote(7_000), CommandKind.SUBMIT)
    assert [command.quantity_nanos // NANOS for command in first] == [25, 23]
    on.answers(replace(LARGE, quantity=48))
    (decision,) = of(on.quote(8_000), RiskDecision)
    assert decision.refusals == ("duplicate_order",)


# Chases, bounds, restarts.


def test_what_continues_an_order_on_its_way_does_not_wait() -> None:
    """A chase whose rest has come to be worth more than the threshold is let go, and the position keeps what it has."""
    on = Scene(quotes=True, chase=True, limits=ASKING | {"approval_notional_usd_max": 982})
    on.answers(replace(LARGE, quantity=49))  # $980.98
    order = only(on.quote(7_000), CommandKind.SUBMIT)
    on.say(order, OrderEventKind.PARTIALLY_FILLED, filled=1, total=1)
    on.quote(7_200, bid=2_009, ask=2_010)
    on.say(only(on.quote(7_400, bid=2_012, ask=2_013), CommandKind.CANCEL), OrderEventKind.CANCELED, total=1)
    (decision,) = [d for d in of(on.acts, RiskDecision) if d.quantity_nanos == 48 * NANOS]
    assert decision.verdict is Verdict.APPROVED, "48 of them are worth $966.24"
    order = commands(on.acts, CommandKind.SUBMIT)[-1]
    core = on.core
    core.spec = replace(core.spec, limits=replace(core.spec.limits, approval_notional_attos_max=900 * 10**18))
    on.engine._viewing._risk.limits = core.spec.limits
    on.say(order, OrderEventKind.PARTIALLY_FILLED, filled=1, total=1)
    on.say(only(on.quote(7_900, bid=2_014, ask=2_015), CommandKind.CANCEL), OrderEventKind.CANCELED, total=1)
    (decision,) = [d for d in of(on.acts, RiskDecision) if d.quantity_nanos == 47 * NANOS]
    assert (decision.verdict, decision.refusals) == (Verdict.REFUSED, ("approval_part",))
    assert of(on.acts, ApprovalRequested) == []


def test_the_queue_is_bounded_and_its_end_refuses() -> None:
    one = asked()
    core = one.on.core
    found = core.approvals.open[one.request.approval_id]
    for number in range(WAITING_MAX - 1):
        core.approvals.open[f"other-{number}"] = found
    core.approvals._pairs.clear()
    one.on.answers(LARGE)
    (decision,) = of(one.on.quote(7_500), RiskDecision)
    assert (decision.verdict, decision.refusals) == (Verdict.REFUSED, ("approval_queue",))
    assert "it would be request 65 in the queue, above 64" in decision.sentence


def restarted(one: Asked, **changes: Any) -> Asked:
    """Return the same request in the next session of the account."""
    spec = replace(one.on.plan.spec, session_id="next", lease_epoch=2, **changes)
    engine = Engine(spec, Toolchain(Mode.PURE))
    engine.continue_from(one.on.engine.snapshot())
    one.on.engine = engine
    for message in one.on.plan.scheduled:
        one.on.tell(replace(message, timestamp=START_NS + 8_000 * MS))
    return one


def test_what_waits_goes_on_waiting_over_a_restart() -> None:
    one = restarted(asked())
    assert one.state is S.WAITING
    one.on.quote(8_500)
    assert only(one.answer(), CommandKind.SUBMIT).approval_id == one.request.approval_id


def test_what_has_waited_too_long_over_a_restart_expires() -> None:
    one = restarted(asked())
    assert moves(one.on.wait(27_000)) == [(S.WAITING, S.EXPIRED)]


def test_half_an_approval_survives_a_restart() -> None:
    one = asked(HUGE)
    one.answer("ann")
    one = restarted(one)
    one.on.quote(8_500)
    assert moves(one.answer("ann")) == [(S.HALF_GRANTED, S.HALF_GRANTED)]
    assert only(one.answer("bob"), CommandKind.SUBMIT).quantity_nanos == 110 * NANOS


@pytest.mark.parametrize(("acts", "kind"), [(1, LapseKind.GRANT), (2, LapseKind.INTENT), (3, LapseKind.APPROVAL), (4, LapseKind.APPROVAL)])
def test_a_log_that_ends_between_the_grant_and_the_order_says_what_lapsed(acts: int, kind: LapseKind) -> None:
    """granted | intent | decision | used | command: whatever the log has of it, nothing goes out and nothing is left open."""
    one = asked()
    before = one.on.engine.snapshot()
    done = one.answer()
    engine = Engine(one.on.plan.spec, Toolchain(Mode.PURE))
    engine.restore(before)
    answer = ApprovalAnswered(
        **HEAD | {"timestamp": one.on.engine.now_ns},
        approval_id=one.request.approval_id,
        order_sha256=one.request.order_sha256,
        approver="ann",
        granted=True,
        request_id="r",
        reason="",
    )
    engine.fold_input(answer)
    for act in done[:acts]:
        engine.fold_act(act)
    engine.fold_end(LogEnd("s", engine.n, engine.n - 1))
    broken = engine._core.broken_off
    assert broken is not None
    assert kind in {lapse.kind for lapse in broken.lapsed}
    found = engine.books.approval(one.request.approval_id)
    assert found is not None
    assert found.state is (S.USED if acts == 4 else S.LAPSED)
    assert engine._core.orders.approved == {}
    assert engine._core.portfolio.reserved == {}
    assert engine._core.approvals.open == {}


def test_under_another_configuration_an_approval_is_good_for_nothing() -> None:
    one = asked()
    one = restarted(one, limits=replace(one.on.plan.spec.limits, position_quantity_nanos_max=4_000 * NANOS))
    one.on.quote(8_500)
    acts = one.answer()
    assert moves(acts) == [(S.WAITING, S.LAPSED)]
    assert "configuration has changed" in of(acts, ApprovalMoved)[0].sentence
    assert commands(acts, CommandKind.SUBMIT) == []


def test_a_closed_request_stays_closed_over_a_restart() -> None:
    one = asked()
    one.answer()
    one = restarted(one)
    assert moves(one.answer("bob")) == [(S.USED, S.USED)]


def test_the_hash_is_of_everything_that_makes_the_order() -> None:
    core = asked().on.core
    (approval,) = core.approvals.open.values()
    intent = approval.intent
    changes: list[dict[str, Any]] = [
        {"strategy_id": "two"},
        {"symbol": "BBB"},
        {"side": Side.SELL},
        {"order_type": "market"},
        {"time_in_force": "ioc"},
        {"quantity_nanos": intent.quantity_nanos + NANOS},
        {"limit_price_nanos": intent.limit_price_nanos + 1},
        {"stop_price_nanos": 1},
        {"trail_nanos": 1},
        {"reference_price_nanos": 1},
    ]
    hashes = {core.order_sha256(replace(intent, **change)) for change in changes}
    assert len(hashes) == len(changes)
    assert approval.order_sha256 not in hashes
    assert core.order_sha256(replace(intent, event_id="x", timestamp=1)) == approval.order_sha256
