"""A kill stands after a restart by any one of its three stores alone: golden log, ledger, kill file. In each of the five scopes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.control.asking import private
from tests.service.making import ACCOUNT, SECOND, Office
from tests.service.test_recovery import again
from tidegate.control.home import Home
from tidegate.service.desk import Desk, Place
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.rows import Lease
from tidegate.service.recovery import Recovered
from tidegate.service.sentinel import Kill, KillWatch, clear_kills, read_kills, write_kill
from tidegate.simulation.campaign.stores import SessionLog
from tidegate.values.enums import GateScope, GateState, RequestVerb

pytestmark = pytest.mark.req("B3.6")


def by_log(office: Office, scope: GateScope, key: str, _home: Home) -> Recovered:
    office.ask(RequestVerb.KILL, scope, key)
    office.flush()
    assert office.ledger.kills(ACCOUNT) == []
    return again(office, lost_tail=False)


def by_ledger(office: Office, scope: GateScope, key: str, _home: Home) -> Recovered:
    office.flush()
    office.ask(RequestVerb.KILL, scope, key)
    office.commit()
    assert [(row.scope, row.key) for row in office.ledger.kills(ACCOUNT)] == [(scope, key)]
    return again(office, lost_tail=True)


def by_file(office: Office, scope: GateScope, key: str, home: Home) -> Recovered:
    office.flush()
    write_kill(home, Kill(request_id="k1", scope=scope, key=key, actor="ann", reason="a test", at_ns=1))
    return again(office, lost_tail=True)


def by_nothing(office: Office, _scope: GateScope, _key: str, _home: Home) -> Recovered:
    office.flush()
    return again(office, lost_tail=True)


Store = Callable[[Office, GateScope, str, Home], Recovered]


def started(office: Office, recovered: Recovered, home: Home, lease: Lease) -> Desk:
    """Begin the next session as the trader does: first inputs, then the kill file at the first turn."""
    desk = Desk(Place(recovered.session, ACCOUNT, "sim"), recovered.engine, SessionLog(recovered.session, b""), office.clock)
    desk.gatekeeper.hold(lease, asked_ns=office.clock.monotonic_ns())
    for message in recovered.first_inputs:
        assert desk.sequencer.offer(message)
    for kill in KillWatch(home).poll():
        assert desk.request(kill.request())
    desk.turn()
    return desk


def name_in(office: Office, scope: GateScope) -> str:
    return office.desk.engine.books.names_in(scope)[0]


@pytest.mark.parametrize("scope", GateScope)
@pytest.mark.parametrize("store", [by_log, by_ledger, by_file])
def test_each_store_alone_keeps_a_kill_of_each_scope(scope: GateScope, store: Store, tmp_path: Path) -> None:
    office, home = Office(), private(tmp_path / "home")
    key = name_in(office, scope)
    recovered = store(office, scope, key, home)
    desk = started(office, recovered, home, office.lease)
    assert desk.engine.books.gate(scope, key) is GateState.HALTED
    verdict = desk.engine.books.gate_of("AAA", "one")
    assert (verdict.state, verdict.scope) == (GateState.HALTED, scope)


@pytest.mark.parametrize("scope", GateScope)
def test_without_any_store_it_would_be_open(scope: GateScope, tmp_path: Path) -> None:
    office, home = Office(), private(tmp_path / "home")
    recovered = by_nothing(office, scope, name_in(office, scope), home)
    assert started(office, recovered, home, office.lease).engine.books.closed_gates() == []


@pytest.mark.parametrize("scope", GateScope)
def test_a_resume_takes_a_kill_out_of_all_three_stores(scope: GateScope, tmp_path: Path) -> None:
    office, home = Office(), private(tmp_path / "home")
    key = name_in(office, scope)
    write_kill(home, Kill(request_id="r1", scope=scope, key=key, actor="ann", reason="a test", at_ns=1))
    office.ask(RequestVerb.KILL, scope, key)
    office.commit()
    clear_kills(home, scope, key, reason="all is well")
    office.ask(RequestVerb.RESUME, scope, key, request_id="r2")
    office.commit()
    office.flush()
    assert read_kills(home) == ()
    desk = started(office, again(office, lost_tail=False), home, office.lease)
    assert desk.engine.books.closed_gates() == []
    assert not desk.gatekeeper.halts_all


def test_a_kill_file_obeyed_at_the_start_is_one_with_the_request_that_the_log_has(tmp_path: Path) -> None:
    office, home = Office(), private(tmp_path / "home")
    office.ask(RequestVerb.KILL, request_id="k1")
    office.flush()
    write_kill(home, Kill(request_id="k1", scope=GateScope.GLOBAL, key="", actor="ann", reason="a test", at_ns=1))
    desk = started(office, again(office, lost_tail=False), home, office.lease)
    assert desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED
    assert desk.noting.report("k1") is None, "it began in the session before; its log has the report"
    office.clock.advance(5 * SECOND)
    desk.turn()
    assert desk.engine.books.requests() == []


@pytest.mark.req("B2.2")
def test_a_session_that_ended_without_its_ledger_does_not_leave_the_next_one_without_its_own(tmp_path: Path) -> None:
    office, home = Office(), private(tmp_path / "home")
    office.enter()
    office.commit(LedgerUnavailableError("locked"))
    office.flush()
    assert office.desk.engine.books.streams_down() == {"sim/store": "log or ledger are gone; only cancels leave"}
    desk = started(office, again(office, lost_tail=False), home, office.lease)
    assert desk.engine.books.streams_down() == {}
