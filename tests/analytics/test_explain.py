"""Stories: every order, refusal and declined moment is told in order, with the numbers that decided."""

from typing import Any

import msgspec
import pytest

from tests.analytics.parts import OPEN_NS
from tests.analytics.scripted import Scripted
from tidegate.analytics.checks import check_words, quality_words
from tidegate.analytics.collect import Run, run_from_entries
from tidegate.analytics.entries import Entry
from tidegate.analytics.explain import Story, UnknownIdError, explain, order_sentence
from tidegate.analytics.telling import lines_of
from tidegate.events.acts import CheckResult, ExitWaits, OrderCommand
from tidegate.events.inputs import GateSet, PermissionSet, StreamChanged
from tidegate.market.rows import QUALITY_NAMES
from tidegate.values.enums import (
    AttentionKind,
    CommandKind,
    ExitReason,
    GateScope,
    GateState,
    OrderEventKind,
    OrderState,
    OrderType,
    Regime,
    Side,
    TimeInForce,
)
from tidegate.values.errors import ExitCode
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B3.7")
QUOTE = ("49.00", "49.02")


def run_of(script: Scripted) -> Run:
    return run_from_entries(("act", n, k, message) for n, k, message in script.entries)


def texts(story: Story, topic: str) -> list[str]:
    return [line.text for line in story.told if line.topic == topic]


@pytest.fixture(scope="module")
def told() -> tuple[Run, dict[str, str]]:
    """One trade, one refusal, one moment let pass; their ids by name."""
    script, ids = Scripted(), {}
    script.at(OPEN_NS).label("AIG", Regime.TREND)
    order = script.enter("AIG", "trend", Side.BUY, 300, QUOTE)
    script.at(OPEN_NS + SECOND_NS).accept(order)
    script.at(OPEN_NS + 2 * SECOND_NS).fill(order, 200, "49.02", "0.20")
    script.at(OPEN_NS + 3 * SECOND_NS).fill(order, 100, "49.03", "0.10")
    script.at(OPEN_NS + 60 * SECOND_NS)
    out = script.leave("AIG", "trend", Side.SELL, 300, ("48.90", "48.91"), ExitReason.STOP_LOSS)
    script.at(OPEN_NS + 61 * SECOND_NS).fill(out, 300, "48.90", "0.60")
    script.at(OPEN_NS + 70 * SECOND_NS)
    failed: tuple[CheckResult, ...] = (("spread", False, 5, 11), ("buying_power", False, None, None))
    ids["refused"] = script.refuse("AIG", "trend", QUOTE, failed, "The entry was refused because the spread is 11 bps, above 5 bps.")
    script.at(OPEN_NS + 80 * SECOND_NS)
    ids["nothing"] = script.decline("AIG", "trend", QUOTE, "the bar closed inside its range")
    ids |= {"entry": order.client_id, "exit": out.client_id, "story": order.story}
    return run_of(script), ids


def test_the_story_of_an_entry_runs_from_the_quote_to_the_result(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    story = explain(run, ids["entry"])
    topics = list(dict.fromkeys(line.topic for line in story.told))
    assert topics[:9] == [
        "attention",
        "quote",
        "features",
        "regime",
        "sizing",
        "intent",
        "exit plan",
        "check",
        "decision",
    ]
    assert set(topics[9:]) == {"command", "order", "venue", "position", "result"}
    assert story.headline == f"Order {ids['entry']} of trend: BUY 300 AIG limit 49.02 IOC, filled at 49.0233."
    assert "bid 49.00 × 300, ask 49.02 × 500" in texts(story, "quote")[0]
    assert texts(story, "regime") == ["AIG TREND, market CHOP, breadth 67 %"]
    assert "✓ spread: the spread is 2 bps, within 10 bps" in texts(story, "check")
    assert texts(story, "venue")[1] == ("partially filled: 200 at 49.02, fee $0.20, taker, 200 so far")
    assert texts(story, "position")[0].startswith("200 AIG, cost basis $9,804.00")
    assert [line.ns for line in story.told][:-1] == sorted(line.ns for line in story.told)[:-1]


def test_the_story_of_an_exit_ends_with_what_the_trade_made(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    (result,) = texts(explain(run, ids["exit"]), "result")
    assert result == (
        "closed trade 1 (long 300 AIG, entered at 49.0233, left at 48.90 by stop loss after 59 s): gross −$37.00, fees $0.90, net −$37.90"
    )
    assert "exit (stop loss) SELL 300 AIG" in texts(explain(run, ids["exit"]), "intent")[0]


def test_the_story_of_a_refusal_shows_each_failed_check(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    story = explain(run, ids["refused"])
    assert story.kind == "refused"
    assert story.headline.endswith("The entry was refused because the spread is 11 bps, above 5 bps.")
    assert [text for text in texts(story, "check") if text.startswith("✗")] == [
        "✗ spread: the spread is 11 bps, above 5 bps",
        "✗ buying_power: it cannot be seen: gross exposure against equity times its multiple",
    ]
    assert story.order_ids == ()
    intent = next(iter(run.links.intents.values()))
    assert explain(run, intent.event_id).kind == "approved"


def test_the_story_of_a_moment_let_pass_gives_the_strategys_reason(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    story = explain(run, ids["nothing"])
    assert (story.kind, story.headline) == (
        "nothing",
        "trend was asked about AIG and did nothing: the bar closed inside its range",
    )


def test_an_attention_tells_its_whole_story_with_its_orders(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    story = explain(run, ids["story"])
    assert story.order_ids == (ids["entry"],)
    assert texts(story, "venue")
    assert texts(story, "result")[0].startswith("opened trade 1")


def test_a_story_is_text_and_one_json_object(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    story = explain(run, ids["entry"])
    lines = story.lines()
    assert lines[0] == story.headline
    assert lines[1] == "2013-10-07, times in UTC"
    assert lines[2].startswith("13:30:00.000000  attention  trend was asked about AIG")
    plain = msgspec.json.decode(msgspec.json.encode(story.as_dict()))
    assert plain["id"] == ids["entry"]
    assert len(plain["lines"]) == len(lines) - 2
    assert set(plain["lines"][0]) == {"ns", "n", "k", "topic", "text"}


def test_a_unique_beginning_or_the_place_of_an_act_is_enough(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    assert explain(run, ids["exit"][:8]) == explain(run, ids["exit"])
    place = ids["nothing"].partition("-")[2]
    assert explain(run, place) == explain(run, ids["nothing"])


@pytest.mark.parametrize("asked", ["", "0-", "nothing-like-it", "0-zzzzzzzzzzzzzzzzzzzzzzzzzz"])
def test_an_unknown_or_ambiguous_id_gets_one_sentence_and_exit_code_1(told: tuple[Run, dict[str, str]], asked: str) -> None:
    with pytest.raises(UnknownIdError) as caught:
        explain(told[0], asked)
    assert caught.value.exit_code is ExitCode.ANSWER_IS_NO
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_a_mistyped_id_is_answered_with_the_near_ones(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    wrong = ids["entry"][:-2] + "!!"
    with pytest.raises(UnknownIdError, match=f"did you mean {ids['entry']}"):
        explain(run, wrong)


def test_entries_of_a_log_serve_as_well_as_a_run(told: tuple[Run, dict[str, str]]) -> None:
    run, ids = told
    entries = (("act", n, k, message) for n, k, message in run.entries)
    assert explain(entries, ids["exit"]) == explain(run, ids["exit"])


def test_a_sentence_for_hovering_says_what_why_and_what_became_of_it(
    told: tuple[Run, dict[str, str]],
) -> None:
    run, _ = told
    entry, leave = (order_sentence(run, row) for row in run.order_rows)
    assert entry.startswith("trend: BUY 300 AIG limit 49.02 IOC, filled at 49.0233. Why: price is 2.1 deviations")
    assert entry.endswith("APPROVED: all 3 checks held.")
    assert "Why: stop loss." in leave


def test_orders_that_did_not_fill_say_how_they_ended() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    first = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
    script.at(OPEN_NS + 1).fill(first, 40, "49.02")
    script.at(OPEN_NS + 2).end(first, OrderEventKind.EXPIRED, OrderState.EXPIRED, "the session closed")
    second = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
    script.at(OPEN_NS + 3).end(second, OrderEventKind.CANCELED, OrderState.CANCELED)
    run = run_of(script)
    assert "40 filled at 49.02, then expired." in explain(run, first.client_id).headline
    assert "canceled without a fill." in explain(run, second.client_id).headline
    assert "expired: the session closed" in texts(explain(run, first.client_id), "venue")
    assert "which was open when the session ended" in texts(explain(run, first.client_id), "result")[0]


def test_commands_without_a_decision_and_other_attentions_are_told() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    story = script.attend("AIG", "trend", ("0", "49.02"), kind=AttentionKind.BAR)
    script.intend("AIG", "trend", story, Side.BUY, 100, "49.02")
    script.submit("AIG", "trend", story, "", CommandKind.CANCEL)
    told = explain(run_of(script), story)
    assert "a bar closed" in texts(told, "attention")[0]
    assert texts(told, "quote")[0].startswith("bid none")
    assert texts(told, "command")[0].startswith("cancel of 0-")
    assert told.headline.startswith("What happened around")


def test_a_strategy_that_fails_is_told_as_a_fault_with_its_gate() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    story = script.attend("AIG", "mine", QUOTE, Side.BUY)
    script.fault("AIG", "mine", story, "ZeroDivisionError: division by zero")
    run = run_of(script)
    told = explain(run, story)
    assert (told.kind, told.headline) == (
        "fault",
        "mine failed on AIG at mine.py:12 in decide: ZeroDivisionError: division by zero.",
    )
    gate = run.entries[-1].message.event_id
    (told_gate,) = texts(explain(run, gate), "gate")
    assert told_gate.startswith("strategy mine went from active to reduce_only by rule:strategy-fault: decide failed")


def test_a_regime_change_can_be_asked_for() -> None:
    script = Scripted()
    script.at(OPEN_NS).label("", Regime.TREND, why="breadth above 0.6", group="us_stocks")
    run = run_of(script)
    told = explain(run, run.entries[0].message.event_id)
    assert texts(told, "regime") == ["market group us_stocks went from UNTRADEABLE to TREND: breadth above 0.6"]


def test_what_came_from_outside_is_told_too() -> None:
    script = Scripted()
    head = script.at(OPEN_NS).head("", "")
    gate = GateSet(**head, scope=GateScope.GLOBAL, key="", state=GateState.HALTED, reason="lunch", actor="ann")
    script.say(gate)
    script.say(StreamChanged(**script.at(OPEN_NS + 1).head("", ""), venue="sim", stream="quotes", up=False, reason="eof"))
    script.say(StreamChanged(**script.at(OPEN_NS + 2).head("", ""), venue="sim", stream="quotes", up=True, reason="ok"))
    for at, permitted in ((3, False), (4, True)):
        told = script.at(OPEN_NS + at).head("", "breakout")
        script.say(PermissionSet(**told, permission_sha256="p", permitted=permitted, stage="paper", reason="holds paper"))
    lines = [line.text for entry in run_of(script).entries for line in lines_of(entry)]
    assert lines == [
        "global was set to halted by ann: lunch",
        "sim quotes went down: eof",
        "sim quotes is trusted again: ok",
        "breakout may not trade, exits go on: holds paper",
        "breakout may trade: holds paper",
    ]


def test_an_intent_without_a_verdict_says_so() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    story = script.attend("AIG", "trend", QUOTE, Side.BUY)
    intent = script.intend("AIG", "trend", story, Side.BUY, 100, "49.02")
    assert explain(run_of(script), intent).headline.endswith("; no verdict is in this log.")


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (("quote_age", True, 2 * SECOND_NS, SECOND_NS), "the quote is 1 s old, within 2 s"),
        (
            ("order_notional", False, 10_000_000_000, 18_212_500_000),
            "the order is worth $18212.5, above $10000",
        ),
        (("not_halted", True, 0, 0), "the symbol is not halted"),
        (("cooldown", True, OPEN_NS, None), "no cooldown is running (limit 2013-10-07T13:30:00.000000000Z)"),
        (("cooldown", True, 0, OPEN_NS), "no cooldown is running (observed 2013-10-07T13:30:00.000000000Z)"),
        (("from_a_newer_version", False, 5, None), "observed not known, limit 5"),
    ],
)
def test_checks_are_told_with_limit_and_observed_value_in_their_unit(check: CheckResult, words: str) -> None:
    assert check_words(check) == words


def test_quality_flags_are_told_by_name() -> None:
    first, second = list(QUALITY_NAMES)[:2]
    assert quality_words(first | second) == f"{QUALITY_NAMES[first]}, {QUALITY_NAMES[second]}"


@pytest.mark.req("A4.4")
def test_a_stop_at_the_venue_and_an_exit_that_waits_for_it_are_told_in_words() -> None:
    head: dict[str, Any] = {"event_id": "s-1-1", "timestamp": 1, "symbol": "AIG", "strategy_id": "mr", "correlation_id": "s-1-1"}
    waits = ExitWaits(exit_reason=ExitReason.TAKE_PROFIT, reason="take profit reached", **head)
    assert [(line.topic, line.text) for line in lines_of(Entry(1, 1, waits))] == [
        ("exit waits", "take profit reached; it goes out once what rests at the venue is canceled")
    ]
    command = OrderCommand(
        kind=CommandKind.SUBMIT, client_order_id="0-a", venue="sim", account="acct", side=Side.SELL, order_type=OrderType.STOP,
        time_in_force=TimeInForce.DAY, quantity_nanos=97 * NANOS, limit_price_nanos=0, stop_price_nanos=51_420_000_000, trail_nanos=0,
        valid_until_ns=2, decision_id="s-1-1", **head,
    )  # fmt: skip
    assert "submit SELL 97 AIG stop 51.42 DAY" in lines_of(Entry(1, 2, command))[0].text
