from pathlib import Path

import pytest

from tests.config.making import CONFIG
from tidegate.config.errors import ConfigError
from tidegate.config.model import LiveSection
from tidegate.config.reading import parse_config
from tidegate.config.units import duration_ns, moment_ns
from tidegate.service.setup import breaker_settings, live_section
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("F4")

END = "limits_file: 2026-02\n"
EVENT = "events:\n  - {symbol: IBM, starts: '2013-10-07T14:00:00Z', ends: '2013-10-07T14:30:00Z', title: results}\n"
BREAKERS = """live:
  breakers:
    {rate_limited_max: 5, rate_limited_window: 1m, rate_limited_cooldown: 2m,
     stream_losses_max: 5, stream_losses_window: 5m, stream_losses_cooldown: 5m,
     clock_skew_max: 5s, clock_skew_cooldown: 1m, disk_low_percent: 10, disk_full_percent: 2,
     log_stall_max: 5s, log_stall_cooldown: 30s, orders_silent_max: 30s, orders_silent_cooldown: 1m}
"""


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("100000.50", "-1", "cash_usd is below 0"),
        ("100000.50", "0.0000000000000000001", "finer than 1e-18"),
        ("venue: sim, sector", "venue: simm, sector", "instruments IBM: unknown venue 'simm'; did you mean sim?"),
        ("market_group: stocks, bars", "market_group: stock, bars", "unknown market_group 'stock'; did you mean stocks?"),
        ("index_symbol: SPY", "index_symbol: DIA", "index_symbol DIA is not among the instruments"),
        ("{symbol: SPY", "{symbol: IBM", "instruments has 'IBM' twice"),
        (
            "  - {name: sim, calendar: XNYS}",
            "  - {name: sim, calendar: XNYS}\n  - {name: sim, calendar: always}",
            "venues has 'sim' twice",
        ),
        ("sector: technology", "lot: 0", "lot is 0, but must be above 0"),
        ("sector: technology", "stale: 0s", "stale is 0; it must be longer, or left out"),
        ("sector: technology", "stale: soon", "stale"),
        ("sector: technology", "lot: 0.0000000001", "finer than 1e-9"),
        (
            "strategy: mean_reversion",
            "strategy: mean_reversion\n    symbols: [IMB]",
            "strategies[1]: unknown symbol 'IMB'; did you mean IBM?",
        ),
        (
            "strategy: mean_reversion",
            "strategy: mean_reversion\n    symbols: [IBM, IBM]",
            "strategies[1].symbols has 'IBM' twice",
        ),
        ("market: [CHOP, TREND]", "market: [CHOP, CHOP]", "strategies[1].eligible has 'CHOP in CHOP' twice"),
        ("strategies:\n", "strategies:\n  - {strategy: mean_reversion, eligible: []}\n", "strategies has 'mean_reversion' twice"),
        (
            END,
            END + "scoped_limits: [{strategy: mean_revers, limits: {}}]\n",
            "unknown strategy 'mean_revers'; did you mean mean_reversion?",
        ),
        (END, END + "soft_limits: [daily_loss]\n", "soft_limits: 'daily_loss' cannot be soft; "),
        (END, END + "soft_limits: [spread, spread]\n", "soft_limits has 'spread' twice"),
        (END, END + "scoped_limits: [{symbol: IMB, limits: {}}]\n", "scoped_limits[1]: unknown symbol 'IMB'; did you mean IBM?"),
        (END, END + "scoped_limits: [{sector: tech, limits: {}}]\n", "scoped_limits[1]: unknown sector 'tech'"),
        (END, f"{END}regime: {{trend_enter: 0.2, trend_leave: 0.3}}\n", "trend_leave is 0.3, above trend_enter 0.2"),
        (END, f"{END}regime: {{evaluate: '0'}}\n", "regime.evaluate is 0"),
        (END, f"{END}market: {{gap: 0s}}\n", "market.gap is 0"),
        (END, f"{END}features: {{ema_fast: '0'}}\n", "features.ema_fast is 0"),
        (END, f"{END}features: {{range_minutes: 30}}\n", "features.warm_minutes is 15; the range needs 30"),
        (END, f"{END}orders: {{lookup_spacing: 1s}}\n", "orders: An order is proved absent by"),
        (END, f"{END}simulator: {{order_latency: quick}}\n", "simulator.order_latency: 'quick' is not a duration"),
        (END, f"{END}simulator: {{feed_latency: 'normal:1ms,2'}}\n", "simulator.feed_latency"),
        (END, END + EVENT.replace("Z'", "'", 1), "it has no zone"),
        (END, END + EVENT.replace("2013-10-07T14:00:00Z", "monday"), "events[1].starts is 'monday'"),
        (END, END + EVENT.replace("14:30", "14:00"), "events[1] ends before it starts"),
        (END, END + EVENT.replace("IBM", "IMB"), "events[1]: unknown symbol 'IMB'; did you mean IBM?"),
    ],
)
def test_a_contradiction_is_one_sentence(before: str, after: str, why: str) -> None:
    assert before in CONFIG
    with pytest.raises(ConfigError) as refused:
        parse_config(CONFIG.replace(before, after, 1).encode(), name="test.yaml", folder=Path())
    assert why in str(refused.value)


@pytest.mark.req("B3.6")
@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("disk_full_percent: 2", "disk_full_percent: 10", "disk_full_percent must be below disk_low_percent"),
        ("disk_low_percent: 10", "disk_low_percent: 101", "at most 100"),
        ("clock_skew_max: 5s", "clock_skew_max: '0'", "live.breakers.clock_skew_max is 0"),
        ("rate_limited_window: 1m", "rate_limited_window: '0'", "live.breakers.rate_limited_window is 0"),
        ("rate_limited_max: 5", "rate_limited_max: 1024", "rate_limited_max must be below 1024"),
        ("clock_skew_max: 5s, ", "", "key 'clock_skew_max' is missing in live.breakers"),
    ],
)
def test_breakers_are_stated_whole_and_make_sense(before: str, after: str, why: str) -> None:
    text = CONFIG + BREAKERS
    parse_config(text.encode(), name="test.yaml", folder=Path())
    assert before in BREAKERS
    with pytest.raises(ConfigError) as refused:
        parse_config(text.replace(before, after, 1).encode(), name="test.yaml", folder=Path())
    assert why in str(refused.value)


@pytest.mark.req("B3.6")
def test_a_trader_does_not_start_without_breakers() -> None:
    assert breaker_settings(_live(CONFIG + BREAKERS)).clock_skew_ns_max == 5 * SECOND_NS
    with pytest.raises(ConfigError, match="no live"):
        breaker_settings(_live(CONFIG + "live: {feed: iex}\n"))


def _live(text: str) -> LiveSection:
    return live_section(parse_config(text.encode(), name="test.yaml", folder=Path()))


@pytest.mark.parametrize("more", [EVENT, EVENT.replace("symbol: IBM, ", ""), "other_instruments: {venue: sim}\n"])
def test_what_agrees_is_accepted(more: str) -> None:
    assert parse_config((CONFIG + more).encode(), name="test.yaml", folder=Path()).config.account.name == "test"


def test_unlisted_instruments_may_be_named_where_their_facts_are_given() -> None:
    text = CONFIG.replace("strategy: mean_reversion", "strategy: mean_reversion\n    symbols: [NEW]")
    text = text.replace("index_symbol: SPY", "index_symbol: NEW") + "other_instruments: {venue: sim}\n"
    loaded = parse_config((text + EVENT.replace("IBM", "NEW")).encode(), name="test.yaml", folder=Path())
    assert loaded.config.strategies[0].symbols == ("NEW",)


def test_two_uses_of_one_strategy_need_two_ids() -> None:
    text = CONFIG.replace("strategies:\n", "strategies:\n  - {strategy: mean_reversion, id: second, eligible: []}\n")
    loaded = parse_config(text.encode(), name="test.yaml", folder=Path())
    assert [entry.id for entry in loaded.config.strategies] == ["second", ""]


def test_durations_and_moments_are_nanoseconds() -> None:
    assert (duration_ns("0"), duration_ns("1.5s")) == (0, 1_500_000_000)
    assert moment_ns("1970-01-01T01:00:01+01:00") == SECOND_NS
