"""What a trader answers over its socket is what its desk knows; what people ask reaches the desk once, checked, under their name."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.service.living import STREAMS, Living, setting
from tidegate.control.peers import user_name
from tidegate.control.protocol import AnyRequest, Ask, Doctor, Explain, Health, ListOrders, ListPositions, Probe, ShowLimits, Status
from tidegate.control.replies import AskReply, DoctorReply, ExplainReply, HealthReply, LimitsReply, OrdersReply, PositionsReply, StatusReply
from tidegate.journal.audit.record import AuditType
from tidegate.risk.limits import limit_fields
from tidegate.service.answering import NotInOrderError
from tidegate.service.asking import NothingNamedError
from tidegate.service.readiness import STILL_NS_MAX
from tidegate.service.sentinel import Kill, KillWatch, NoReasonError, read_kills, write_kill
from tidegate.simulation.campaign.setting import Setting
from tidegate.simulation.campaign.stores import DiskGoneError
from tidegate.values.enums import GateScope, GateState, RequestVerb
from tidegate.values.errors import ExitCode
from tidegate.values.money import attos, attos_text

pytestmark = pytest.mark.req("B2.4", "B3.6", "D2.1", "F1")

UID = 0


@pytest.fixture(scope="module")
def shared() -> Setting:
    return setting()


@pytest.fixture
def living(shared: Setting, tmp_path: Path) -> Living:
    made = Living(shared, tmp_path / "home")
    made.until_busy()
    return made


def asked(living: Living, request: AnyRequest) -> object:
    return asyncio.run(living.answering.answer(request, UID))


def wish(verb: RequestVerb, scope: GateScope = GateScope.GLOBAL, key: str = "", **more: str) -> Ask:
    return Ask(
        request_id=more.get("request_id", f"r-{verb}-{scope}-{key}"), verb=verb, scope=scope, key=key, reason=more.get("reason", "a drill")
    )


def ask(living: Living, request: Ask) -> AskReply:
    reply = asked(living, request)
    assert isinstance(reply, AskReply)
    return reply


def status(living: Living) -> StatusReply:
    reply = asked(living, Status())
    assert isinstance(reply, StatusReply)
    return reply


# What is told.


def test_status_is_what_the_desk_knows(living: Living) -> None:
    told, desk = status(living), living.desk
    assert (told.mode, told.account, told.venue, told.session) == ("paper", "drill", "sim", desk.place.session)
    assert told.trading
    assert told.gates == ()
    assert told.why_not == ()
    assert [stream.name for stream in told.streams] == sorted(STREAMS)
    assert told.working_orders == len(desk.engine.books.working_orders()) > 0
    assert told.log.durable_n <= told.log.n == desk.engine.n
    assert told.lease.held
    assert told.lease.epoch == told.epoch == 1
    assert told.reconciled_ns > 0
    equity = desk.engine.equity_attos()
    assert equity is not None
    assert told.equity_usd == attos_text(equity)
    assert told.uptime_ns > 0


def test_a_stream_that_is_lost_is_told_with_why_and_since_when(living: Living) -> None:
    living.desk.reconciler.stream_down("the stream went silent")
    living.node.turn()
    living.around.turned(living.desk)
    told = status(living)
    (down,) = [stream for stream in told.streams if not stream.trusted]
    assert (down.name, down.reason) == ("sim/orders", "the stream went silent")
    assert down.since_ns == living.desk.sequencer.now_ns()
    assert not told.trading
    assert any("silent" in why for why in told.why_not)


def test_orders_have_the_times_of_their_stages(living: Living) -> None:
    reply = asked(living, ListOrders())
    assert isinstance(reply, OrdersReply)
    assert reply.working
    assert reply.finished
    assert [line.client_order_id for line in reply.finished] == [
        order.client_order_id for order in reversed(living.desk.engine.books.finished_orders())
    ]
    for line in (*reply.working, *reply.finished):
        times = line.times
        stages = (times.received_ns, times.decided_ns, times.durable_ns, times.sent_ns, times.acked_ns)
        passed = [ns for ns in stages if ns]
        assert tuple(passed + [0] * (len(stages) - len(passed))) == stages, "none was left out"
        assert passed == sorted(passed)
        assert line.working or len(passed) == len(stages)
        assert Decimal(line.filled) <= Decimal(line.quantity)
    one = asked(living, ListOrders(finished_max=1))
    assert isinstance(one, OrdersReply)
    assert len(one.finished) == 1


def test_positions_add_up_exactly(living: Living) -> None:
    reply = asked(living, ListPositions())
    assert isinstance(reply, PositionsReply)
    for net in reply.net:
        assert Decimal(net.net) == sum(Decimal(held.quantity) for held in reply.holdings if held.symbol == net.symbol)
    assert reply.equity_usd is not None
    assert reply.unrealized_usd is not None
    values = sum(attos(net.value_usd) for net in reply.net if net.value_usd)
    basis = sum(attos(held.cost_basis_usd) for held in reply.holdings)
    assert attos(reply.equity_usd) == attos(reply.cash_usd) + values
    assert attos(reply.unrealized_usd) == values - basis == sum(attos(held.unrealized_usd or "0") for held in reply.holdings)
    assert attos(reply.realized_usd) == sum(attos(held.realized_usd) for held in reply.holdings)


def test_limits_show_what_the_gate_would_add_the_next_entry_to(living: Living) -> None:
    reply = asked(living, ShowLimits())
    assert isinstance(reply, LimitsReply)
    lines = {line.name: line for line in reply.limits}
    assert len(lines) == len(limit_fields())
    nets = living.desk.engine.books.nets()
    assert lines["position_quantity_max"].used == str(max(net.worst_nanos for net in nets) // 10**9)
    assert lines["position_quantity_max"].of in {net.symbol for net in nets}
    assert lines["gross_exposure_usd_max"].limit == "330"
    assert 0 < Decimal(lines["gross_exposure_usd_max"].used or "0") <= 330
    assert lines["gross_exposure_usd_max"].used_percent == pytest.approx(float(lines["gross_exposure_usd_max"].used or 0) / 3.3, abs=0.06)
    assert int(lines["orders_per_minute_max"].used or 0) >= len(living.desk.engine.books.finished_orders())
    assert lines["order_quantity_max"].used is None


def test_an_order_is_found_by_a_unique_beginning_and_the_log_is_named(living: Living) -> None:
    name = living.desk.engine.books.working_orders()[0].client_order_id
    for identifier in (name, name[:12]):
        reply = asked(living, Explain(identifier=identifier))
        assert isinstance(reply, ExplainReply)
        assert reply.order is not None
        assert reply.order.client_order_id == name
        assert reply.log == str(living.home.log)
    nobody = asked(living, Explain(identifier="nobody"))
    assert isinstance(nobody, ExplainReply)
    assert nobody.order is None


def test_health_follows_the_loop_the_streams_and_the_stores(living: Living) -> None:
    def health(probe: Probe) -> bool:
        reply = asked(living, Health(probe=probe))
        assert isinstance(reply, HealthReply)
        return reply.ok

    assert health(Probe.LIVE)
    assert health(Probe.READY)
    living.node.log.failed = DiskGoneError("no disk")
    assert health(Probe.LIVE)
    assert not health(Probe.READY)
    living.node.log.failed = None
    living.desk.gatekeeper.lose()
    assert not health(Probe.READY)
    living.around._turned_ns -= STILL_NS_MAX + 1
    assert not health(Probe.LIVE)


def test_the_doctor_says_what_to_do_where_something_fails(living: Living) -> None:
    living.home.kill.touch()
    living.desk.gatekeeper.lose()
    reply = asked(living, Doctor())
    assert isinstance(reply, DoctorReply)
    failing = {check.name: check for check in reply.checks if not check.ok}
    assert set(failing) == {"lease", "kill file"}
    assert all(check.advice for check in failing.values())
    assert all(not check.advice for check in reply.checks if check.ok)


# What is asked for.


def test_a_kill_is_answered_once_the_latch_is_closed_and_says_what_follows(living: Living) -> None:
    working = len(living.desk.engine.books.working_orders())
    reply = ask(living, wish(RequestVerb.KILL))
    assert living.desk.gatekeeper._latches == {(GateScope.GLOBAL, ""): GateState.HALTED}  # before any turn of the desk
    assert living.woken == 1
    assert reply.requester == user_name(UID)
    assert not reply.repeated
    assert any(line.startswith(f"{working} working order") for line in reply.follows)
    assert any("venue is told to refuse" in line for line in reply.follows)
    living.pass_s(4)
    told = status(living)
    assert [(gate.scope, gate.state, gate.actor, gate.reason) for gate in told.gates] == [
        (GateScope.GLOBAL, GateState.HALTED, user_name(UID), "a drill")
    ]
    assert told.working_orders == 0
    assert told.venue_suspended
    assert told.why_not == ("global is halted",)


def test_a_request_is_taken_once_by_its_id(living: Living) -> None:
    assert not ask(living, wish(RequestVerb.PAUSE, request_id="same")).repeated
    living.pass_s(1)
    assert ask(living, wish(RequestVerb.KILL, request_id="same")).repeated
    living.pass_s(1)
    assert [gate.state for gate in status(living).gates] == [GateState.REDUCE_ONLY]


def test_a_repeated_kill_does_not_close_again_what_was_resumed_since(living: Living) -> None:
    ask(living, wish(RequestVerb.KILL, request_id="once"))
    living.pass_s(2)
    ask(living, wish(RequestVerb.RESUME, reason="all is well"))
    living.pass_s(1)
    assert ask(living, wish(RequestVerb.KILL, request_id="once")).repeated
    living.pass_s(1)
    assert living.desk.gatekeeper._latches == {}
    assert status(living).trading


def test_what_names_nothing_is_refused_and_its_kill_file_withdrawn(living: Living) -> None:
    kill = Kill(request_id="typo", scope=GateScope.STRATEGY, key="crosing", actor="ann", reason="", at_ns=1)
    write_kill(living.home, kill)
    with pytest.raises(NothingNamedError, match="here are: crossing, resting") as caught:
        ask(living, wish(RequestVerb.KILL, GateScope.STRATEGY, "crosing", request_id="typo"))
    assert caught.value.exit_code is ExitCode.USAGE
    assert read_kills(living.home) == ()
    for request in (
        wish(RequestVerb.PAUSE, GateScope.SYMBOL, "ZZZ"),
        wish(RequestVerb.DISABLE),
        wish(RequestVerb.PAUSE, request_id=""),
        wish(RequestVerb.PAUSE, GateScope.GLOBAL, "AAA"),
        replace(wish(RequestVerb.CANCEL), order_id="1-nobody"),
    ):
        with pytest.raises(NothingNamedError):
            ask(living, request)
    living.pass_s(1)
    assert status(living).trading


def test_a_resume_needs_a_reason_and_a_trader_in_order(living: Living) -> None:
    ask(living, wish(RequestVerb.KILL))
    living.pass_s(2)
    with pytest.raises(NoReasonError):
        ask(living, wish(RequestVerb.RESUME, reason=" "))
    living.desk.reconciler.stream_down("the stream went silent")
    living.node.turn()
    living.around.turned(living.desk)
    with pytest.raises(NotInOrderError, match="silent") as caught:
        ask(living, wish(RequestVerb.RESUME))
    assert caught.value.exit_code is ExitCode.REFUSED
    assert status(living).gates[0].state is GateState.HALTED


def test_a_halted_symbol_is_not_enabled_without_a_reason(living: Living) -> None:
    ask(living, wish(RequestVerb.KILL, GateScope.SYMBOL, "AAA"))
    living.pass_s(1)
    with pytest.raises(NoReasonError):
        ask(living, wish(RequestVerb.ENABLE, GateScope.SYMBOL, "AAA", reason=""))
    ask(living, wish(RequestVerb.DISABLE, GateScope.SYMBOL, "BBB", reason=""))
    living.pass_s(1)
    reply = ask(living, wish(RequestVerb.ENABLE, GateScope.SYMBOL, "BBB", reason=""))
    assert reply.follows == ("Open: symbol BBB.", "Still closed: symbol AAA; each is resumed by its own name.")
    living.pass_s(1)
    assert [gate.key for gate in status(living).gates] == ["AAA"]


def test_a_resume_takes_the_kill_file_of_its_scope_away(living: Living) -> None:
    write_kill(living.home, Kill(request_id="k", scope=GateScope.GLOBAL, key="", actor="ann", reason="", at_ns=1))
    ask(living, wish(RequestVerb.KILL, request_id="k"))
    living.pass_s(2)
    assert status(living).kill_file
    ask(living, wish(RequestVerb.RESUME))
    living.pass_s(1)
    assert not status(living).kill_file
    assert status(living).trading


def test_a_kill_file_alone_stops_a_trader_that_watches(living: Living) -> None:
    watch = KillWatch(living.home)
    living.home.kill.touch()
    for kill in watch.poll():
        assert living.desk.request(kill.request())
    living.pass_s(3)
    (gate,) = status(living).gates
    assert (gate.state, gate.actor, gate.reason) == (GateState.HALTED, "rule:kill-file", "the kill file is empty")


def test_a_kill_that_came_by_its_file_first_is_answered_with_what_follows(living: Living) -> None:
    kill = Kill(request_id="both ways", scope=GateScope.GLOBAL, key="", actor="ann", reason="", at_ns=1)
    assert living.desk.request(kill.request())
    living.pass_s(1)
    reply = ask(living, wish(RequestVerb.KILL, request_id="both ways"))
    assert reply.repeated
    assert reply.follows[0].startswith("No order leaves")


def test_a_flatten_closes_what_is_held_and_is_seen_to(living: Living) -> None:
    reply = ask(living, wish(RequestVerb.FLATTEN))
    assert any("closed in slices" in line for line in reply.follows)
    living.pass_s(1)
    (job,) = status(living).requests or (None,)
    assert job is None or job.verb is RequestVerb.FLATTEN
    living.pass_s(30)
    assert status(living).requests == ()
    assert all(net.net_nanos == 0 for net in living.desk.engine.books.nets())


# What is recorded.


def recorded(living: Living) -> list[tuple[str, str, str, str]]:
    """Return the requests of the audit chain: who, id, outcome, why."""
    living.pass_s(3)
    found = [record for record in living.world.ledger.audit("drill", 0, 10_000) if record.type == AuditType.REQUEST]
    bodies = [msgspec.json.decode(record.body) for record in found]
    return [(record.actor, record.subject, body["outcome"], body.get("why", "")) for record, body in zip(found, bodies, strict=True)]


@pytest.mark.req("D2.3")
def test_each_request_is_recorded_with_what_came_of_it(living: Living) -> None:
    me = user_name(UID)
    ask(living, wish(RequestVerb.PAUSE, request_id="one"))
    living.pass_s(1)
    ask(living, wish(RequestVerb.PAUSE, request_id="one"))
    for bad in (
        wish(RequestVerb.PAUSE, GateScope.STRATEGY, "nobody", request_id="two"),
        wish(RequestVerb.RESUME, request_id="three", reason=""),
    ):
        with pytest.raises((NothingNamedError, NoReasonError)):
            asked(living, bad)
    told = recorded(living)
    assert [row[:3] for row in told] == [
        (me, "one", "taken"),
        (me, "one", "repeated"),
        (me, "two", "refused"),
        (me, "three", "refused"),
    ]
    assert "There is no strategy 'nobody'" in told[2][3]
    assert "Say why with --reason" in told[3][3]
