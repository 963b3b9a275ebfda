"""Numbers, ids, causes and times of everything that a session takes in and gives out."""

import re
from itertools import groupby

import pytest
from hypothesis import given, settings

from tests.contract.cases import Case, cases
from tests.contract.kit import exploded, run
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import (
    AttentionRaised,
    FeatureSnapshot,
    NothingDone,
    OrderChanged,
    OrderCommand,
    RiskDecision,
    StrategyStateChanged,
    TradeIntent,
)
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import AttentionKind, CommandKind, Verdict
from tidegate.values.ids import CLIENT_ORDER_ID_LENGTH_MAX, EventId, client_order_id, event_id

pytestmark = pytest.mark.req("B1.1", "B2.2")


@settings(max_examples=40)
@given(case=cases())
def test_inputs_are_numbered_without_gaps_and_acts_count_from_one_within_each(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    entries = exploded(ran.entries)
    assert [entry.n for entry in entries if entry.kind != "act"] == list(range(1, ran.engine.n + 1))
    for n, group in groupby(entries, key=lambda entry: entry.n):
        first, *acts = group
        assert first.kind != "act", f"an act of input {n} stands before it"
        assert [act.k for act in acts] == list(range(1, len(acts) + 1))


@settings(max_examples=40)
@given(case=cases())
def test_every_id_is_a_function_of_session_and_numbers_and_every_time_is_its_inputs(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    at, now_ns = 0, 0
    for entry in exploded(ran.entries):
        if entry.kind == "span":
            now_ns = int(ran.records["ts_recv"][at])
            at += 1
            continue
        message = entry.message
        if entry.kind == "input":
            now_ns = message.timestamp
        assert message.event_id == event_id(case.plan.session, entry.n, entry.k)
        assert message.timestamp == now_ns


def _has_its_causes(message: AnyMessage, seen: dict[str, object]) -> None:
    story = message.correlation_id
    assert story == message.event_id or story in seen, "a story begins before it is told"
    match message:
        case AttentionRaised():
            assert story == message.event_id
        case FeatureSnapshot() | StrategyStateChanged() | NothingDone() | TradeIntent():
            assert isinstance(seen[story], AttentionRaised)
        case RiskDecision():
            intent = seen[message.intent_id]
            assert isinstance(intent, TradeIntent)
            wanted = (intent.correlation_id, intent.quantity_nanos, intent.side)
            assert wanted == (story, message.quantity_nanos, message.side)
        case OrderCommand(kind=CommandKind.SUBMIT | CommandKind.REPLACE):
            decision = seen[message.decision_id]
            assert isinstance(decision, RiskDecision)
            assert (decision.verdict, decision.correlation_id) == (Verdict.APPROVED, story)
        case OrderCommand():
            assert message.target_id in seen
        case OrderEvent() | OrderChanged():
            assert message.client_order_id in seen
        case _:
            pass


@pytest.mark.req("B3.7")
@settings(max_examples=40)
@given(case=cases())
def test_every_story_has_its_whole_chain(compiled: Toolchain, case: Case) -> None:
    """Attention → features → intent → verdict → command → what the venue said of it, under one correlation id."""
    ran = run(case.plan, compiled, more=case.more)
    seen: dict[str, object] = {}
    for entry in ran.entries:
        if entry.kind == "span":
            continue
        message = entry.message
        _has_its_causes(message, seen)
        seen[message.event_id] = message
        if isinstance(message, OrderCommand) and message.decision_id:
            assert message.client_order_id not in seen, "a client order id is used once"
            seen[message.client_order_id] = message


@settings(max_examples=40)
@given(case=cases())
def test_client_order_ids_are_derived_and_short_and_used_once(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    orders = [m for m in ran.of(OrderCommand) if m.decision_id]
    ids = [order.client_order_id for order in orders]
    assert len(set(ids)) == len(ids)
    for order in orders:
        derived = client_order_id(account="test", event=EventId(order.event_id), chain=order.chain, epoch=0)
        assert order.client_order_id == derived
        assert len(derived) <= CLIENT_ORDER_ID_LENGTH_MAX
        assert re.fullmatch(r"0-[a-z2-7]{26}", derived)


@settings(max_examples=40)
@given(case=cases())
def test_attentions_of_one_input_are_judged_by_strategy_then_instrument_then_exit_before_entry(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    strategies = {slot.strategy.strategy_id: place for place, slot in enumerate(case.plan.spec.strategies)}
    places = {instrument.symbol: instrument.index for instrument in case.plan.instruments}
    acts = [entry for entry in ran.entries if entry.kind == "act"]
    for _n, group in groupby(acts, key=lambda entry: entry.n):
        keys = [
            (strategies[act.strategy_id], places[act.symbol], act.kind is not AttentionKind.EXIT)
            for act in (entry.message for entry in group)
            if isinstance(act, AttentionRaised)
        ]
        assert keys == sorted(keys)


@settings(max_examples=40)
@given(case=cases())
def test_every_attention_is_followed_by_all_its_acts_before_the_next_one(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    story, n = "", 0
    for entry in ran.entries:
        if entry.kind != "act":
            continue
        message = entry.message
        if entry.n != n:
            story, n = "", entry.n
        if isinstance(message, AttentionRaised):
            story = message.event_id
        elif isinstance(message, FeatureSnapshot | NothingDone | StrategyStateChanged):
            assert message.correlation_id == story
