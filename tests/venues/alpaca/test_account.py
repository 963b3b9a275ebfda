"""Positions, account in both shapes, fills from activities, assets, contracts, clock, calendar, corporate actions."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.alpaca.payloads import body, damaged, sample
from tests.venues.alpaca.sdk import enums as theirs
from tests.venues.alpaca.sdk import models
from tidegate.values.enums import InstrumentKind, Side
from tidegate.values.money import NANOS, nanos
from tidegate.venues.alpaca.mapping.account import equity_points, net_amount, venue_account, venue_execution, venue_position
from tidegate.venues.alpaca.mapping.corporate import KINDS, ActionKind, venue_actions
from tidegate.venues.alpaca.mapping.reference import trading_day, venue_asset, venue_clock, venue_contract
from tidegate.venues.alpaca.wire.account import Account, Activity, Configuration, PortfolioHistory, Position
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.alpaca.wire.reference import Asset, CalendarDay, Clock, CorporateActions, OptionContract
from tidegate.venues.errors import UnreadableAnswerError

pytestmark = pytest.mark.req("G3", "G4", "G5")


def account(value: Any) -> Any:
    return venue_account(read_json(body(value), Account))


def position(value: Any) -> Any:
    return venue_position(read_json(body(value), Position))


def test_positions_are_exact_and_a_short_is_negative() -> None:
    stock, option = (position(value) for value in sample("positions"))
    assert (stock.symbol, stock.quantity_nanos, stock.available_nanos) == ("AAPL", 10 * NANOS, 10 * NANOS)
    assert (stock.average_price_nanos, stock.cost_basis_usd, stock.market_value_usd) == (nanos("251.37"), "2513.7", "2530.2")
    assert (option.kind, option.quantity_nanos) == (InstrumentKind.OPTION, 2 * NANOS)
    short = position({**sample("positions")[0], "qty": "-10", "side": "short", "market_value": "-2530.2", "current_price": None})
    assert (short.quantity_nanos, short.price_nanos, short.doubts) == (-10 * NANOS, 0, ())


@pytest.mark.parametrize("changes", [{"qty": "-10"}, {"side": "short"}, {"qty": None}, {"symbol": None}, {"asset_class": "moon_rock"}])
def test_a_position_that_contradicts_itself_is_doubted(changes: dict[str, Any]) -> None:
    assert position({**sample("positions")[0], **changes}).doubts != ()


@pytest.mark.req("G6")
def test_the_account_reads_in_the_shape_before_and_after_the_old_day_trade_rule() -> None:
    new, old = account(sample("account_2026")), account(sample("account_legacy"))
    assert not new.blocks
    assert (new.equity_usd, new.cash_usd, new.buying_power_usd, new.multiplier) == ("100450.25", "42150.25", "331640", "4")
    assert (new.pattern_day_trader, new.day_trades) == (None, None)
    assert (old.pattern_day_trader, old.day_trades) == (True, 5)
    assert new.options_level == 3
    assert account({**sample("account_2026"), "options_trading_level": "3"}).options_level == 3
    assert account({**sample("account_legacy"), "bod_dtbp": 0}).doubts == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "ACCOUNT_CLOSED"},
        {"status": None},
        {"trading_blocked": True},
        {"account_blocked": True},
    ],
)
def test_each_block_of_the_account_is_named(changes: dict[str, Any]) -> None:
    found = account({**sample("account_2026"), **changes})
    assert len(found.blocks) == 1
    assert not found.suspended_by_user


def test_what_a_person_has_suspended_is_no_block_of_the_venues() -> None:
    found = account({**sample("account_2026"), "trade_suspended_by_user": True})
    assert (found.blocks, found.suspended_by_user) == ((), True)


@given(damaged(sample("account_legacy")), damaged(sample("positions")[0]), damaged(sample("activities")[0]))
def test_no_damage_crashes(one: Any, two: Any, three: Any) -> None:
    for value, read in ((one, account), (two, position), (three, lambda value: venue_execution(read_json(body(value), Activity)))):
        with contextlib.suppress(UnreadableAnswerError):
            read(value)


def test_a_fill_activity_is_an_execution_and_another_activity_is_none() -> None:
    fill, dividend = (read_json(body(value), Activity) for value in sample("activities"))
    execution = venue_execution(fill)
    assert execution is not None
    assert execution.execution_id == "4d5e6f70-8192-4a3b-8c4d-5e6f708192a3"
    assert (execution.quantity_nanos, execution.price_nanos, execution.cum_quantity_nanos) == (10 * NANOS, nanos("251.37"), 10 * NANOS)
    assert execution.ts_ns == 1_795_014_131_726_000_000
    assert venue_execution(dividend) is None
    assert net_amount(dividend) == Decimal("2.6")
    assert net_amount(fill) is None
    assert net_amount(read_json(body({**sample("activities")[1], "status": "canceled"}), Activity)) is None


@pytest.mark.parametrize("changes", [{"side": "sideways"}, {"qty": None}, {"id": None}, {"transaction_time": "now", "created_at": None}])
def test_a_fill_that_cannot_be_read_whole_is_no_execution(changes: dict[str, Any]) -> None:
    assert venue_execution(read_json(body({**sample("activities")[0], **changes}), Activity)) is None


def test_a_short_sale_in_an_activity_is_a_sale() -> None:
    execution = venue_execution(read_json(body({**sample("activities")[0], "side": "sell_short", "qty": "-10"}), Activity))
    assert execution is not None
    assert (execution.side, execution.quantity_nanos) == (Side.SELL, 10 * NANOS)


def test_equity_over_time_leaves_out_what_is_null() -> None:
    value = sample("history")
    value["equity"][1] = None
    points = equity_points(read_json(body(value), PortfolioHistory))
    assert [(point.ts_ns // 10**9, point.equity_usd) for point in points] == [(1_794_805_200, "100200.5"), (1_794_978_000, "100450.25")]


def test_the_configuration_reads_in_both_shapes() -> None:
    assert read_json(body(sample("configuration")), Configuration).suspend_trade is False
    assert read_json(body({**sample("configuration"), "pdt_check": "entry"}), Configuration).pdt_check == "entry"


def test_an_asset_reads_with_and_without_the_field_that_left() -> None:
    value = sample("asset")
    found = venue_asset(read_json(body(value), Asset))
    assert (found.kind, found.tradable, found.shortable, found.easy_to_borrow) == (InstrumentKind.STOCK, True, True, True)
    del value["easy_to_borrow"]
    value["borrow_status"] = "hard_to_borrow"
    assert venue_asset(read_json(body(value), Asset)).easy_to_borrow is False
    assert not venue_asset(read_json(body({**value, "status": "inactive"}), Asset)).tradable


def test_a_contract_says_its_terms_and_an_adjusted_one_is_not_standard() -> None:
    value = sample("contract")
    found = venue_contract(read_json(body(value), OptionContract))
    assert (found.underlying, found.expiry, found.strike_nanos, found.right) == ("AAPL", "2026-12-18", 240 * NANOS, "put")
    assert (found.multiplier, found.open_interest, found.standard, found.doubts) == (100, 1834, True, ())
    assert found.attributes == ("penny_program",)
    for changes in ({"root_symbol": "AAPL1"}, {"deliverables": sample("deliverables")}):
        assert not venue_contract(read_json(body({**value, **changes}), OptionContract)).standard
    assert venue_contract(read_json(body({**value, "multiplier": None}), OptionContract)).doubts == ("multiplier=nothing",)


def test_clock_and_calendar_are_exact_across_half_days_and_both_ways_to_write_hours() -> None:
    clock = venue_clock(read_json(body(sample("clock")), Clock))
    assert clock.now_ns == 1_795_014_131_483_920_117
    assert clock.next_close_ns - clock.now_ns < 6 * 3600 * 10**9
    days = [trading_day(read_json(body(value), CalendarDay)) for value in sample("calendar")]
    assert [day.early_close for day in days] == [False, True]
    assert (days[0].open_ns - days[0].pre_open_ns, days[0].close_ns - days[0].open_ns) == (55 * 360 * 10**9, 65 * 360 * 10**9)
    bare = trading_day(CalendarDay(date="2025-07-03", open="0930", close="13:00"))
    assert (bare.pre_open_ns, bare.post_close_ns) == (bare.open_ns, bare.close_ns)


@pytest.mark.parametrize("value", [Clock(), Clock(timestamp="soon")])
def test_a_clock_without_times_is_unreadable(value: Clock) -> None:
    with pytest.raises(UnreadableAnswerError):
        venue_clock(value)


@pytest.mark.parametrize(
    "value",
    [
        CalendarDay(),
        CalendarDay(date="2025-07-03", open="9", close="16:00"),
        CalendarDay(date="2025-07-03", open="16:00", close="09:30"),
        CalendarDay(date="2025-07-03", open="09:30", close="16:01"),
    ],
)
def test_a_day_without_hours_or_with_impossible_ones_is_unreadable(value: CalendarDay) -> None:
    with pytest.raises(UnreadableAnswerError):
        trading_day(value)


ROWS = {
    "forward_splits": {"symbol": "A", "new_rate": 4, "old_rate": 1, "ex_date": "2026-08-31", "process_date": "2026-08-31"},
    "reverse_splits": {"symbol": "A", "new_rate": 1, "old_rate": 50, "new_symbol": "B", "process_date": "2026-08-31"},
    "unit_splits": {"old_symbol": "A", "new_symbol": "B", "old_rate": 1, "new_rate": 1, "process_date": "2026-08-31"},
    "stock_dividends": {"symbol": "A", "rate": 0.05, "ex_date": "2026-08-31", "process_date": "2026-09-01"},
    "cash_dividends": {"symbol": "A", "rate": 0.26, "ex_date": "2026-08-31", "process_date": "2026-09-01"},
    "spin_offs": {"source_symbol": "A", "new_symbol": "B", "source_rate": 1, "new_rate": 0.5, "process_date": "2026-08-31"},
    "cash_mergers": {"acquiree_symbol": "A", "rate": 12.5, "effective_date": "2026-08-31"},
    "stock_mergers": {"acquiree_symbol": "A", "acquirer_symbol": "B", "acquiree_rate": 1, "acquirer_rate": 5, "process_date": "2026-08-31"},
    "stock_and_cash_mergers": {"acquiree_symbol": "A", "acquirer_symbol": "B", "acquiree_rate": 1, "acquirer_rate": 5, "cash_rate": 9.95},
    "redemptions": {"symbol": "A", "rate": 10, "process_date": "2026-08-31"},
    "name_changes": {"old_symbol": "A", "new_symbol": "B", "process_date": "2026-08-31"},
    "worthless_removals": {"symbol": "A", "process_date": "2026-08-31"},
    "rights_distributions": {"source_symbol": "A", "new_symbol": "B", "rate": 1, "ex_date": "2026-08-31"},
    "partial_calls": {"symbol": "A", "process_date": "2026-08-31", "price": 25},
    "reorganizations": {"symbol": "A", "process_date": "2026-08-31", "cash_rate": 1},
}


def test_every_kind_of_corporate_action_is_read_and_an_unknown_kind_is_told() -> None:
    page: dict[str, Any] = {"corporate_actions": {**{name: [row] for name, row in ROWS.items()}, "alien_swaps": [{}], "empty": None}}
    found, unknown = venue_actions(read_json(body(page), CorporateActions))
    assert [action.kind for action in found] == [KINDS[name] for name in ROWS]
    assert set(KINDS) == set(ROWS)
    assert unknown == ["alien_swaps", "empty"]
    assert all(action.symbol == "A" and action.doubts == () for action in found)
    by_kind = {action.kind: action for action in found}
    split = by_kind[ActionKind.FORWARD_SPLIT]
    assert (split.new_rate, split.old_rate, split.cash_usd, split.restates_on) == ("4", "1", "", "2026-08-31")
    assert by_kind[ActionKind.CASH_DIVIDEND].cash_usd == "0.26"
    dividend = by_kind[ActionKind.STOCK_DIVIDEND]
    assert (dividend.new_rate, dividend.old_rate, dividend.cash_usd) == ("0.05", "1", "")
    merger = by_kind[ActionKind.STOCK_AND_CASH_MERGER]
    assert (merger.new_symbol, merger.new_rate, merger.old_rate, merger.cash_usd) == ("B", "5", "1", "9.95")
    assert by_kind[ActionKind.CASH_MERGER].cash_usd == "12.5"


@pytest.mark.parametrize("status", theirs.AccountStatus)
def test_every_account_status_is_read_and_only_a_working_one_may_trade(status: theirs.AccountStatus) -> None:
    assert account({**sample("account_2026"), "status": status.value}).blocks == (
        () if status.value in {"ACTIVE", "PAPER_ONLY"} else (f"status {status.value}",)
    )


def test_what_the_venues_own_client_models_reads_here_as_well() -> None:
    text = models.TradeAccount(**sample("account_2026")).model_dump_json()
    assert account(json.loads(text)).equity_usd == "100450.25"
    text = models.Position(**sample("positions")[0]).model_dump_json()
    assert position(json.loads(text)).quantity_nanos == 10 * NANOS
    text = models.OptionContract(**sample("contract")).model_dump_json()
    assert venue_contract(read_json(text.encode(), OptionContract)).strike_nanos == 240 * NANOS


@given(st.binary(max_size=60))
def test_bytes_that_are_no_answer_are_called_unreadable(data: bytes) -> None:
    with contextlib.suppress(UnreadableAnswerError):
        assert isinstance(read_json(data, Account), Account)
