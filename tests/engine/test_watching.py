"""Losses close the account to entries, a strategy's conduct closes the strategy; exits go on, and what cooled down opens again."""

from typing import Any

import msgspec
import pytest

from tests.contract.kit import LIMITS
from tests.contract.markets import START_NS
from tests.engine.scene import HEAD, MS, Scene, commands, of, only
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import GateChanged, RiskDecision
from tidegate.events.inputs import OperatorRequested, SessionChanged
from tidegate.kernel.mode import Mode
from tidegate.risk.scopes import LimitScope, ScopedLimits
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderEventKind, Purpose, RequestVerb, Side, Verdict
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import DAY_NS, HOUR_NS

pytestmark = pytest.mark.req("B3.2", "B3.6")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)
EXIT = Intent(side=Side.SELL, reason="leave", purpose=Purpose.EXIT)
MINUTE_MS = 60_000


def scene(**changes: Any) -> Scene:
    return Scene(seconds=True, hold_s=100_000, limits=LIMITS | changes)


def holding(**changes: Any) -> Scene:
    """Five shares are held, bought at $20.01."""
    found = scene(**changes)
    found.answers(BUY)
    found.quote(7_100)
    found.bought()
    return found


def quotes(found: Scene, until_ms: int, bid: int) -> list[Any]:
    """Quote twice a second until a time, in cents."""
    acts: list[Any] = []
    for at_ms in range(found.now_ms + 500, until_ms + 1, 500):
        acts += found.quote(at_ms, bid, bid + 1)
    return acts


def resume(found: Scene, scope: GateScope, key: str) -> list[Any]:
    return found.tell(
        OperatorRequested(
            **HEAD | {"timestamp": found.engine.now_ns},
            request_id=f"r{found.engine.n}",
            verb=RequestVerb.RESUME,
            scope=scope,
            key=key,
            requester="ann",
            reason="looked",
        )
    )


def trips(acts: list[Any]) -> list[tuple[str, GateState]]:
    return [(act.actor, act.after) for act in of(acts, GateChanged)]


def ask(found: Scene, answer: Intent, bid: int) -> list[Any]:
    found.answers(answer)
    acts: list[Any] = []
    while found.answer is not None:
        acts += found.quote(found.now_ms + 500, bid, bid + 1)
    return acts


def test_a_loss_beyond_the_days_limit_refuses_entries_at_once_and_closes_the_account_at_the_next_valuation() -> None:
    found = holding(daily_loss_usd_max=15, spread_bps_max=10_000)
    account = found.engine._core.spec.account
    quotes(found, 20_000, 1_995)
    quotes(found, 22_000, 1_600)  # five shares, $4 each
    refused = of(ask(found, BUY, 1_600), RiskDecision)[-1]
    assert refused.verdict is Verdict.REFUSED
    assert "daily_loss" in refused.refusals
    assert "the account has lost $20.05 today, above $15" in refused.sentence
    closed = quotes(found, 62_000, 1_600)
    assert trips(closed) == [("rule:daily_loss", GateState.REDUCE_ONLY)]
    change = of(closed, GateChanged)[0]
    assert (change.scope, change.key, change.before) == (GateScope.ACCOUNT, account, GateState.ACTIVE)
    assert change.reason == "the account has lost $20.05 today, above $15"
    leaving = commands(found.acts, CommandKind.SUBMIT)[-1]
    assert leaving.side is Side.SELL
    found.say(leaving, OrderEventKind.CANCELED)
    again = of(quotes(found, 70_000, 1_600), RiskDecision)[0]
    assert (again.purpose, again.verdict) == (Purpose.EXIT, Verdict.APPROVED), "what closes entries lets exits go on"


def test_what_works_of_the_accounts_entries_is_canceled_with_the_trip() -> None:
    found = holding(daily_loss_usd_max=15)
    found.answers(BUY)
    entry = only(quotes(found, 9_000, 2_000), CommandKind.SUBMIT)
    found.say(entry, OrderEventKind.ACCEPTED)
    closed = quotes(found, 62_000, 1_600)
    assert trips(closed)[0][0] == "rule:daily_loss"
    assert entry.client_order_id in {command.target_id for command in commands(closed, CommandKind.CANCEL)}


def test_the_loss_that_stands_closes_again_and_the_next_trading_day_begins_anew() -> None:
    found = holding(daily_loss_usd_max=15)
    account = found.engine._core.spec.account
    quotes(found, 62_000, 1_600)
    assert found.engine.books.gate(GateScope.ACCOUNT, account) is GateState.REDUCE_ONLY
    resume(found, GateScope.ACCOUNT, account)
    assert found.engine.books.gate(GateScope.ACCOUNT, account) is GateState.ACTIVE
    again = quotes(found, 2 * MINUTE_MS + 2_000, 1_600)
    assert trips(again) == [("rule:daily_loss", GateState.REDUCE_ONLY)]
    next_ns = found.engine.now_ns + 10_000 * MS
    found.tell(
        SessionChanged(
            **HEAD | {"timestamp": found.engine.now_ns},
            venue="sim",
            day="2100-01-04",
            pre_open_ns=next_ns,
            open_ns=START_NS,
            close_ns=START_NS + 9 * DAY_NS,
            post_close_ns=START_NS + 9 * DAY_NS,
        )
    )
    quotes(found, 3 * MINUTE_MS + 2_000, 1_600)
    assert found.engine.books.gate(GateScope.ACCOUNT, account) is GateState.REDUCE_ONLY, "a new day opens nothing by itself"
    resume(found, GateScope.ACCOUNT, account)
    assert trips(quotes(found, 5 * MINUTE_MS, 1_600)) == []
    assert found.core.in_trade.periods.day == "2100-01-04"


def refused(found: Scene, times: int) -> list[Any]:
    """Let the venue refuse so many entries; return what the engine did after the last."""
    acts: list[Any] = []
    for _ in range(times):
        command = only(ask(found, BUY, 2_000), CommandKind.SUBMIT)
        acts = found.say(command, OrderEventKind.REJECTED)
    return acts


def test_refusals_in_a_row_close_the_strategy_until_it_has_cooled_down() -> None:
    found = scene(rejects_in_row_max=3, breaker_cooldown="30s")
    assert trips(refused(found, 2)) == []
    closed = refused(found, 1)
    assert trips(closed) == [("rule:breaker:rejects_in_row", GateState.REDUCE_ONLY)]
    closed_ms = (found.engine.now_ns - START_NS) // MS
    assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.REDUCE_ONLY
    assert trips(found.wait(closed_ms + 29_999)) == []
    opened = found.wait(closed_ms + 30_000)
    assert trips(opened) == [("rule:breaker:rejects_in_row", GateState.ACTIVE)]
    assert "cooled down" in of(opened, GateChanged)[0].reason
    assert trips(refused(found, 2)) == [], "it counts anew"
    assert trips(refused(found, 1)) == [("rule:breaker:rejects_in_row", GateState.REDUCE_ONLY)]


def test_without_a_cooldown_only_a_person_opens() -> None:
    found = scene(rejects_in_row_max=1, breaker_cooldown="0")
    refused(found, 1)
    found.wait(24 * 60 * MINUTE_MS // 100)
    assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.REDUCE_ONLY
    resume(found, GateScope.STRATEGY, "one")
    assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.ACTIVE


def test_a_persons_pause_outlives_the_cooldown() -> None:
    found = scene(rejects_in_row_max=1, breaker_cooldown="30s")
    refused(found, 1)
    found.tell(
        OperatorRequested(
            **HEAD | {"timestamp": found.engine.now_ns},
            request_id="p",
            verb=RequestVerb.PAUSE,
            scope=GateScope.STRATEGY,
            key="one",
            requester="ann",
            reason="look",
        )
    )
    found.wait(found.now_ms + 10 * MINUTE_MS)
    assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.REDUCE_ONLY


def test_an_entry_beyond_the_hours_repetition_is_refused_and_a_person_must_look() -> None:
    found = scene(entries_per_hour_max=2, breaker_cooldown="30s")
    for _ in range(2):
        found.say(only(ask(found, BUY, 2_000), CommandKind.SUBMIT), OrderEventKind.CANCELED)
    assert trips(found.acts) == [("rule:entries_per_hour", GateState.REDUCE_ONLY)]
    found.wait(found.now_ms + 5 * MINUTE_MS)
    assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.REDUCE_ONLY


def test_a_breaker_that_opens_by_itself_makes_no_room_for_more_entries_within_the_hour() -> None:
    found = scene(entries_per_hour_max=4, rejects_in_row_max=1, breaker_cooldown="30s")
    for _ in range(3):
        found.say(only(ask(found, BUY, 2_000), CommandKind.SUBMIT), OrderEventKind.REJECTED)
        quotes(found, found.now_ms + 40_000, 2_000)
        assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.ACTIVE, "cooled down"
    found.say(only(ask(found, BUY, 2_000), CommandKind.SUBMIT), OrderEventKind.CANCELED)
    assert trips(found.acts)[-1] == ("rule:entries_per_hour", GateState.REDUCE_ONLY)
    resume(found, GateScope.STRATEGY, "one")
    found.say(only(ask(found, BUY, 2_000), CommandKind.SUBMIT), OrderEventKind.CANCELED)
    assert found.engine.books.gate(GateScope.STRATEGY, "one") is GateState.ACTIVE, "a person has looked: the hour counts anew"


@pytest.mark.req("B3.3")
def test_entries_are_refused_once_the_day_has_spent_its_money() -> None:
    found = scene(daily_spend_usd_max=250)
    for _ in range(2):
        found.say(only(ask(found, BUY, 2_000), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5)
    refusal = of(ask(found, BUY, 2_000), RiskDecision)[-1]
    assert refusal.refusals == ("daily_spend",)
    assert refusal.sentence == "The entry was refused because the day's entries would come to $300.2, above $250."


def narrowed(*scoped: ScopedLimits, **changes: Any) -> Scene:
    """A scene under narrower limits of single scopes."""
    found = scene(**changes)
    spec = msgspec.structs.replace(found.plan.spec, scoped=scoped)
    found.engine = Engine(spec, Toolchain(Mode.PURE))
    found.acts.clear()
    for message in found.plan.scheduled:
        found.tell(message)
    for at_ms in range(500, 6_001, 500):
        found.quote(at_ms)
    return found


@pytest.mark.req("B3.1")
def test_a_symbols_own_cap_refuses_entries_and_slices_exits() -> None:
    found = narrowed(ScopedLimits(scope=LimitScope.SYMBOL, key="AAA", limits={"order_quantity_nanos_max": 2 * NANOS}))
    assert of(ask(found, BUY, 2_000), RiskDecision)[-1].refusals == ("order_quantity",)
    small = msgspec.structs.replace(BUY, quantity=2.0)
    for _ in range(2):
        found.say(only(ask(found, small, 2_000), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=2, total=2)
    left = commands(ask(found, EXIT, 2_000), CommandKind.SUBMIT)
    assert [command.quantity_nanos for command in left] == [2 * NANOS, 2 * NANOS]


def test_a_strategy_that_has_lost_its_own_share_is_closed_and_the_account_is_not() -> None:
    found = narrowed(ScopedLimits(scope=LimitScope.STRATEGY, key="one", limits={"daily_loss_attos_max": 15 * ATTOS}))
    found.say(only(ask(found, BUY, 2_000), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5)
    closed = quotes(found, 62_000, 1_600)
    assert trips(closed) == [("rule:daily_loss", GateState.REDUCE_ONLY)]
    change = of(closed, GateChanged)[0]
    assert (change.scope, change.key) == (GateScope.STRATEGY, "one")
    assert change.reason == "the strategy has lost $20.05 today, above $15"


def test_a_loss_limit_that_a_new_configuration_adds_begins_where_the_strategy_stands() -> None:
    found = holding()
    quotes(found, 20_000, 2_100)
    found.say(only(ask(found, EXIT, 2_100), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5, price=2_100)
    limited = ScopedLimits(scope=LimitScope.STRATEGY, key="one", limits={"daily_loss_attos_max": 3 * ATTOS})
    spec = msgspec.structs.replace(found.plan.spec, session_id="later", scoped=(limited,))
    before, found.engine = found.engine, Engine(spec, Toolchain(Mode.PURE))
    found.engine.warming.adopt(before.snapshot())
    found.engine.warming.begin()
    found.acts.clear()
    for message in found.plan.scheduled:
        found.tell(message)
    quotes(found, 130_000, 2_100)
    found.say(only(ask(found, BUY, 2_100), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5, price=2_101)
    assert trips(quotes(found, 200_000, 2_030)) == [("rule:daily_loss", GateState.REDUCE_ONLY)]
    assert of(found.acts, GateChanged)[0].reason == "the strategy has lost $3.55 today, above $3", "and not what it had made before as well"


def test_state_goes_on_after_a_restart() -> None:
    found = holding(daily_loss_usd_max=15, rejects_in_row_max=3, breaker_cooldown="30s")
    quotes(found, 30_000, 1_990)
    other = scene(daily_loss_usd_max=15, rejects_in_row_max=3, breaker_cooldown="30s")
    other.engine.restore(found.engine.snapshot())
    assert other.engine.snapshot() == found.engine.snapshot()
    other.now_ms = found.now_ms
    for one in (found, other):
        assert trips(quotes(one, 62_000, 1_600)) == [("rule:daily_loss", GateState.REDUCE_ONLY)]
    assert other.engine.state_sha256() == found.engine.state_sha256()
    assert found.engine.now_ns < START_NS + HOUR_NS
