"""Two recorded days through everything: strategies trade, each order, fill and refusal has its story, and the log verifies."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from tidegate.analytics.explain import explain
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import OrderCommand, RiskDecision
from tidegate.events.inputs import OrderEvent
from tidegate.replay.run import Options, Replay, run_replay
from tidegate.replay.verify import verify_log
from tidegate.tapes.lean import import_lean
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState, Verdict
from tidegate.values.money import attos

pytestmark = pytest.mark.req("C1.1", "C1.5", "X1", "B1.3", "B2.2", "B3.7")

FILLS = (OrderEventKind.FILLED, OrderEventKind.PARTIALLY_FILLED)
REFUSALS_TOLD = 60  # an evenly spread sample of each day's refusals


class Day(NamedTuple):
    """A replayed day."""

    replay: Replay
    log: Path
    tape: Path

    def of(self, kind: type) -> list[object]:
        return [entry.message for entry in self.replay.run.entries if type(entry.message) is kind]


@pytest.fixture(scope="module", params=["20131007", "20131008"])
def day(request: pytest.FixtureRequest, shared_data: Path, compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Day:
    sources = sorted((shared_data / "lean-equity-ticks").glob(f"*/{request.param}_*.zip"))
    if not sources:
        pytest.skip(f"the recorded ticks of {request.param} are not on this machine")
    folder = tmp_path_factory.mktemp(str(request.param))
    tape = folder / "day.tape"
    import_lean(sources, tape, progress=lambda _done, _all: None)
    replay = run_replay(tape, config="us-stocks", options=Options(log=folder / "log", toolchain=compiled))
    return Day(replay, folder / "log", tape)


def test_all_three_strategies_are_asked_and_trade(day: Day) -> None:
    summary = day.replay.summary
    assert summary.orders > 20
    assert summary.fills > 10
    assert {row.command.strategy_id for row in day.replay.run.order_rows} >= {"mean_reversion", "trend_following"}
    assert {entry.message.strategy_id for entry in day.replay.run.entries} >= {"breakout"}


def test_every_order_and_its_fills_have_their_story(day: Day) -> None:
    rows = day.replay.run.order_rows
    assert len(rows) == day.replay.summary.orders
    for row in rows:
        story = explain(day.replay.run, row.client_order_id)
        topics = {line.topic for line in story.told}
        text = "\n".join(story.lines())
        assert story.kind == "order"
        assert row.client_order_id in story.headline
        assert len(story.told) >= 5, text
        if row.filled_nanos:
            assert "result" in topics or row.state is not OrderState.FILLED, text


def test_refusals_say_which_limit_and_what_was_seen(day: Day) -> None:
    refused = [d for d in day.of(RiskDecision) if isinstance(d, RiskDecision) and d.verdict is Verdict.REFUSED]
    assert len(refused) == day.replay.summary.rejected
    for decision in refused[:: max(1, len(refused) // REFUSALS_TOLD)]:
        story = explain(day.replay.run, decision.event_id)
        assert story.kind == "refused"
        assert decision.sentence in "\n".join(story.lines())


def test_client_order_ids_and_executions_are_used_once(day: Day) -> None:
    orders = [c.client_order_id for c in day.of(OrderCommand) if isinstance(c, OrderCommand) and c.kind is CommandKind.SUBMIT]
    fills = [e.execution_id for e in day.of(OrderEvent) if isinstance(e, OrderEvent) and e.kind in FILLS]
    assert max(Counter(orders).values()) == 1
    assert max(Counter(fills).values()) == 1


def test_the_result_is_the_cash_that_moved_and_what_is_held(day: Day) -> None:
    """P&L by hand from executions alone: money in less money out, less fees, and what is held at its mark."""
    cash, fees = 0, 0
    held: Counter[str] = Counter()
    for event in day.of(OrderEvent):
        assert isinstance(event, OrderEvent)
        if event.kind in FILLS:
            signed = event.side.sign * event.last_quantity_nanos
            cash -= signed * event.last_price_nanos
            fees += attos(event.fee_usd)
            held[event.symbol] += signed
    summary = day.replay.summary
    assert attos(Decimal(summary.fees)) == fees
    marked = sum(quantity * (day.replay.engine._core.mark(symbol, 1 if quantity > 0 else -1) or 0) for symbol, quantity in held.items())
    assert summary.pnl is not None
    assert attos(Decimal(summary.pnl)) == cash - fees + marked


def test_the_log_verifies_and_batches_change_nothing(day: Day, compiled: Toolchain) -> None:
    verdict = verify_log(day.log)
    assert (verdict.match, verdict.first_difference, verdict.damage) == (True, None, None)
    again = run_replay(day.tape, config="us-stocks", options=Options(batch=4_096, toolchain=compiled, collect=False))
    assert again.summary.state_sha256 == day.replay.summary.state_sha256
    assert again.summary.commands_sha256 == day.replay.summary.commands_sha256
