"""`tidegate approvals`, over a real socket to a real desk: what people see before they decide, what scripts read, how each verb ends."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import typer

from tests.cli.conftest import Tidegate
from tests.control.asking import serving
from tests.service.living import Living, setting
from tests.service.test_approvals import careful
from tidegate.cli import approving
from tidegate.control.approval_replies import AnswerReply
from tidegate.control.client import ControlClient
from tidegate.control.protocol import AnswerApproval
from tidegate.service.ledger.states import OutboxState
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.enums import ApprovalState, CommandKind

pytestmark = pytest.mark.req("I1", "B3.5", "D2.1")


@pytest.fixture(scope="module")
def shared() -> Setting:
    return careful(setting())


@pytest.fixture
def trader(shared: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """A trader in which an order waits for a person, in the home that the environment names."""
    living = Living(shared, tmp_path / "home")
    for _ in range(30):
        living.pass_s(1)
        if living.desk.engine.books.approvals()[0]:
            break
    monkeypatch.setenv("TIDEGATE_HOME", str(living.home.root))
    monkeypatch.setattr(approving, "_FOLLOW_S", 0.0)  # the world turns by hand here
    with serving(living.home, living.answering):
        yield living


def first(trader: Living) -> str:
    return trader.desk.engine.books.approvals()[0][0].approval_id


def state(trader: Living, approval_id: str) -> ApprovalState:
    found = trader.desk.engine.books.approval(approval_id)
    assert found is not None
    return found.state


def test_what_waits_is_listed_for_people_and_for_scripts(trader: Living, tidegate: Tidegate) -> None:
    said, document = tidegate("approvals", "list"), tidegate("approvals", "list", "--json").document
    assert (said.code, said.err) == (0, "")
    assert first(trader) in said.out
    assert "0 of 1" in said.out
    assert "The entry needs the approval of a person because the whole entry is worth" in said.out
    assert document["waiting"][0]["approval_id"] == first(trader)
    assert f"approvals   {len(document['waiting'])} waiting for a person: `tidegate approvals list`" in tidegate("status").out
    assert tidegate("approvals", "history").out == "No request was decided lately.\n"


def test_one_request_shows_order_worth_effect_and_time_left(trader: Living, tidegate: Tidegate) -> None:
    lines = tidegate("approvals", "show", first(trader)[:5]).out.splitlines()
    topics = {line[:14].strip() for line in lines}
    assert {
        "request",
        "order",
        "of",
        "why asked",
        "persons",
        "expires",
        "worth now",
        "position",
        "worst case",
        "exposure",
        "hash",
    } <= topics
    assert lines[0].endswith("s left")
    assert "the gate now  would let it out" in lines


def test_an_approval_is_typed_shown_taken_and_sends_the_order(trader: Living, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    name = first(trader)
    worth = tidegate("approvals", "show", name, "--json").document["notional_usd"]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked: list[str] = []

    def typed(text: str, **_more: object) -> str:
        asked.append(text)
        return f"${worth}"

    monkeypatch.setattr(typer, "prompt", typed)
    said = tidegate("approvals", "approve", name, "--reason", "as planned")
    assert said.code == 0
    assert f"Type its worth, {worth}, to approve it" in asked[0]
    assert "left)" in asked[0]
    assert "the gate now  would let it out" in said.err, "what is decided on is shown first"
    assert "approved it: as planned." in said.out
    trader.pass_s(1)
    assert state(trader, name) is ApprovalState.USED
    assert tidegate("approvals", "wait", name).out.startswith(f"{name}: used\n")
    assert name in tidegate("approvals", "history").out


@pytest.mark.parametrize("typed", ["yes", "", "1"])
def test_typing_something_else_approves_nothing(trader: Living, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_args, **_more: typed)
    said = tidegate("approvals", "approve", first(trader))
    assert said.code == 1
    assert "nothing was done" in said.err
    trader.pass_s(1)
    assert trader.desk.engine.books.approvals()[1] == []


def test_where_nobody_can_be_asked_a_yes_is_needed(trader: Living, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    said = tidegate("approvals", "approve", first(trader))
    assert (said.code, "--yes" in said.sentence) == (2, True)


def test_a_rejection_needs_a_reason_and_sends_nothing(trader: Living, tidegate: Tidegate) -> None:
    name = first(trader)
    assert tidegate("approvals", "reject", name).code == 2
    said = tidegate("approvals", "reject", name, "--reason", "too large today")
    assert (said.code, said.err) == (0, "")
    assert "rejected it: too large today." in said.out
    trader.pass_s(1)
    assert state(trader, name) is ApprovalState.REFUSED
    waited = tidegate("approvals", "wait", name)
    assert (waited.code, waited.out.splitlines()[0]) == (1, f"{name}: refused")


def test_an_answer_that_does_nothing_is_refused_by_the_trader(trader: Living, tidegate: Tidegate) -> None:
    name = first(trader)
    assert tidegate("approvals", "approve", name, "--yes").code == 0
    trader.pass_s(1)
    said = tidegate("approvals", "approve", name, "--yes")
    assert said.code == 4
    assert "used already" in said.sentence


def test_the_same_request_id_answers_once(trader: Living, tidegate: Tidegate) -> None:
    name = first(trader)
    assert tidegate("approvals", "approve", name, "--yes", "--request-id", "r").code == 0
    trader.pass_s(1)
    again = tidegate("approvals", "approve", name, "--yes", "--request-id", "r", "--json")
    assert again.code == 0
    assert again.document["answer"]["repeated"] is True
    commands = [row for row in trader.world.ledger.outbox("drill", tuple(OutboxState)) if row.kind is CommandKind.SUBMIT]
    assert len(commands) == 1


def test_waiting_blocks_until_somebody_decides(trader: Living, tidegate: Tidegate) -> None:
    """The wait begins before the decision and ends with it."""
    name = first(trader)
    ended: list[float] = []

    def decide() -> None:
        time.sleep(0.6)
        approval = trader.desk.engine.books.approval(name)
        assert approval is not None
        answer = AnswerApproval(request_id="r", approval_id=name, order_sha256=approval.order_sha256, granted=True)
        ControlClient(trader.home.socket).ask(answer, AnswerReply)
        trader.pass_s(1)
        ended.append(time.monotonic())

    thread = Thread(target=decide)
    thread.start()
    said = tidegate("approvals", "wait", name)
    thread.join()
    assert (said.code, said.out.splitlines()[0]) == (0, f"{name}: used")
    assert ended


def test_a_wait_gives_up_when_it_is_told_to(trader: Living, tidegate: Tidegate) -> None:
    said = tidegate("approvals", "wait", first(trader), "--timeout", "0.3", "--json")
    assert (said.code, said.document["state"]) == (1, "waiting")


@pytest.mark.parametrize("verb", ["show", "approve", "wait"])
@pytest.mark.usefixtures("trader")
def test_an_id_that_nobody_has_is_said_so(tidegate: Tidegate, verb: str) -> None:
    said = tidegate("approvals", verb, "zzzz", *(["--yes"] if verb == "approve" else []))
    assert said.code == 2
    assert "No request has the id 'zzzz'" in said.sentence


def test_without_a_trader_it_says_so(tmp_path: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approving, "_GONE_S", 0.3)
    for verb in (("list",), ("wait", "x")):
        said = tidegate("approvals", *verb, "--home", str(tmp_path))
        assert said.code == 3
        assert "No trader listens" in said.sentence
