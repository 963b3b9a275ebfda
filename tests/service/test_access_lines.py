"""Every fact of the door becomes one line of the service's log, with nothing left out of it and nothing secret in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import get_args

import pytest
import structlog

from tidegate.authority.actions import Action, TradingStage
from tidegate.authority.facts import AnyFact, Denied, LoggedIn, LoggedOut, LoginFailed, SecondAwaited, SecondConfirmed, UserChanged
from tidegate.service.access_lines import write_line
from tidegate.service.audit_words import fact_entry
from tidegate.service.log_lines import set_up_log
from tidegate.values.enums import GateScope, Role

pytestmark = pytest.mark.req("E2", "D2.3")

_SYMBOL = GateScope.SYMBOL
FACTS: tuple[AnyFact, ...] = (
    LoggedIn(at_ns=1, peer="p", name="ann", role=Role.ADMIN),
    LoginFailed(at_ns=1, peer="p", name="ann", too_soon=True),
    LoggedOut(at_ns=1, peer="p", name="ann"),
    UserChanged(at_ns=1, peer="p", by="root", name="ann", role=Role.AGENT, disabled=True, what=("role", "disabled")),
    Denied(at_ns=1, peer="p", by="", action=Action.RESUME, scope=_SYMBOL, key="AAA", stage=TradingStage.LIVE, why="Not for you."),
    SecondAwaited(at_ns=1, peer="p", by="ann", action=Action.RESUME, scope=_SYMBOL, key="AAA", words="fed again"),
    SecondConfirmed(at_ns=1, peer="p", by="bob", first="ann", action=Action.RESUME, scope=_SYMBOL, key="AAA", words="fed again"),
)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    found = io.StringIO()
    set_up_log(stream=found)
    yield found
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def test_each_kind_has_its_line(stream: io.StringIO) -> None:
    assert {type(fact) for fact in FACTS} == set(get_args(AnyFact))
    for fact in FACTS:
        write_line(fact)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [type(fact).__struct_config__.tag for fact in FACTS]
    assert [line for line in lines if "left_out" in line] == []
    assert [line.get("actor") for line in lines] == ["p", "p", "p", "root", "p", "ann", "bob"]
    assert [line["level"] for line in lines if line["event"] in {"denied", "login_failed"}] == ["warning", "warning"]
    assert lines[4]["reason"] == "Not for you."


def test_each_kind_has_its_record_in_the_audit_chain() -> None:
    records = [fact_entry(fact) for fact in FACTS]
    assert [record.type.value for record in records] == [
        "login",
        "login",
        "login",
        "user_changed",
        "denied",
        "second_person",
        "second_person",
    ]
    assert [record.actor for record in records] == ["ann", "p", "ann", "root", "p", "ann", "bob"]
    assert [record.subject for record in records] == ["ann"] * 4 + ["resume symbol AAA"] * 3
    told = [json.loads(record.body) for record in records]
    for fact, body in zip(FACTS, told, strict=True):
        assert body["fact"] == type(fact).__struct_config__.tag
        assert set(body) == {*type(fact).__struct_fields__, "fact"} - {"at_ns"}
    assert told[4]["why"] == "Not for you."
