"""Exit levels, triggers and masks in the whole kernel: when an attention is raised, how often, and when it is not."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.senses import making
from tests.senses.making import CENT, START_NS, Seen, quote, status, trade
from tidegate.engine import layout
from tidegate.engine.senses import SensesHost
from tidegate.events import records
from tidegate.kernel.mode import Mode
from tidegate.strategies import rows
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("A2.1")

CHOP = {"warm_seconds_min": 0, "warm_minutes_min": 0, "stale_ns": NEVER_NS, "spike_bps": 200.0}


def counting(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    """Count its calls; say `answer` while the mid is at `level` or above it."""
    own.scratch[0] += 1.0
    return int(params.answer) if symbol.mid >= params.level else 0


def silent(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    return 0


def one(mode: Mode = Mode.COMPILED, answer: int = rows.BUY, level: float = 0.0, **set_to: Any) -> SensesHost:
    """One symbol in CHOP that nothing keeps from being entered."""
    senses = making.host(mode, strategies=[making.strategy(counting, answer=answer, level=level)], settings=CHOP)
    symbol = making.symbol(senses)
    symbol["valid"] = 1
    making.regime(senses)["label"] = making.regime(senses)["market_label"] = 1
    senses.table("header")[0]["regime_attention"] = 0
    for name, value in set_to.items():
        making.own(senses)[name] = value
    return senses


def holding(shares: int, *, entry: float = 100.0, mode: Mode = Mode.COMPILED, **levels: Any) -> SensesHost:
    senses = making.host(mode, strategies=[making.strategy(silent)], settings=CHOP)
    senses.table("header")[0]["regime_attention"] = 0
    making.own(senses)["position_nanos"] = shares * NANOS
    making.own(senses)["position"] = shares
    making.own(senses)["entry_price"] = entry
    making.own(senses)["opened_ns"] = START_NS
    for name, value in levels.items():
        making.own(senses)[name] = value
    return senses


def exits(seen: list[Seen]) -> list[tuple[int, int]]:
    return [(one.at, one.reason) for one in seen if one.kind == layout.ATTEND_EXIT]


def at(bid: float, spread: float = 0.01, seconds: float = 0.0) -> Any:
    return quote(seconds, bid, bid + spread)


# Levels. A long position is closed at the bid, a short one at the ask.


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.COMPILED])
@pytest.mark.parametrize(
    ("shares", "levels", "bids", "reason", "level"),
    [
        (10, {"stop_nanos": 99 * NANOS}, [99.01, 99.0], rows.EXIT_STOP, 99.0),
        (-10, {"stop_nanos": 101 * NANOS}, [100.98, 100.99], rows.EXIT_STOP, 101.0),
        (10, {"take_nanos": 102 * NANOS}, [101.99, 102.0], rows.EXIT_TAKE, 102.0),
        (-10, {"take_nanos": 98 * NANOS}, [98.0, 97.99], rows.EXIT_TAKE, 98.0),
        (10, {"trail_nanos": NANOS}, [100.0, 101.5, 100.6, 100.51, 100.5], rows.EXIT_TRAIL, 100.5),
        (-10, {"trail_nanos": NANOS}, [100.0, 98.49, 99.4, 99.48, 99.49], rows.EXIT_TRAIL, 99.5),
        (10, {"stop_nanos": 100 * NANOS, "trail_nanos": NANOS}, [101.01, 100.0], rows.EXIT_STOP, 100.0),
    ],
)
def test_an_exit_level_is_hit_where_the_position_would_be_closed(
    mode: Mode, shares: int, levels: dict[str, int], bids: list[float], reason: int, level: float
) -> None:
    senses = holding(shares, mode=mode, **levels)
    seen = making.play(senses, [at(bid) for bid in bids])
    assert exits(seen) == [(len(bids) - 1, reason)]
    assert seen[0].level_nanos == round(level * NANOS)
    assert seen[0].side == (rows.SELL if shares > 0 else rows.BUY)


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.COMPILED])
def test_a_spread_wider_than_the_plan_allows_ends_the_position(mode: Mode) -> None:
    senses = holding(10, mode=mode, spread_kill_bps=9.0)
    seen = making.play(senses, [at(100.0, 0.09), at(100.0, 0.0901)])
    assert exits(seen) == [(1, rows.EXIT_SPREAD)]


@pytest.mark.parametrize("shares", [10, -10])
def test_a_time_stop_comes_with_a_tick_when_no_record_does(shares: int) -> None:
    senses = holding(shares, time_stop_at_ns=START_NS + 30 * SECOND_NS)
    assert senses.next_due() == START_NS + 30 * SECOND_NS
    seen = making.play(senses, [at(100.0), at(100.0, seconds=29.9), at(100.0, seconds=45)])
    assert exits(seen) == [(-1, rows.EXIT_TIME)] * 16
    assert int(making.own(senses)["age_ns"]) == 45 * SECOND_NS


def test_a_rejected_quote_hits_no_level() -> None:
    senses = holding(10, stop_nanos=99 * NANOS)
    crossed, spike, one_sided = quote(1, 98.0, 97.0), quote(2, 90.0, 90.01), quote(3, 98.0, 98.01, size=0)
    assert making.play(senses, [at(100.0), crossed, spike, one_sided]) == []


# Level-triggered with a throttle.


def test_an_exit_is_asked_for_again_until_nothing_is_left_to_exit() -> None:
    senses = holding(10, stop_nanos=99 * NANOS)
    every_200_ms = [at(98.9, seconds=0.2 * n) for n in range(11)]
    assert [seen.ns - START_NS for seen in making.play(senses, every_200_ms)] == [0, SECOND_NS, 2 * SECOND_NS]
    making.own(senses)["working_exit_nanos"] = -4 * NANOS
    assert len(exits(making.play(senses, [at(98.9, seconds=3.5)]))) == 1
    making.own(senses)["working_exit_nanos"] = -10 * NANOS
    assert making.play(senses, [at(98.9, seconds=5), at(98.0, seconds=9)]) == []
    making.own(senses)["working_exit_nanos"] = 0
    senses.after_order(0, 0, START_NS + 9 * SECOND_NS)
    assert [row[0] for row in senses.attentions()] == [layout.ATTEND_EXIT]


def test_an_exit_level_repeats_on_ticks_while_the_feed_is_silent() -> None:
    senses = holding(10, stop_nanos=99 * NANOS)
    assert len(exits(making.play(senses, [at(98.9)]))) == 1
    for second in range(1, 5):
        assert senses.next_due() == START_NS + second * SECOND_NS
        senses.tick(START_NS + second * SECOND_NS)
        assert [row[4] for row in senses.attentions()] == [rows.EXIT_STOP]


def test_a_level_that_is_left_again_asks_no_more() -> None:
    senses = holding(10, stop_nanos=99 * NANOS)
    seen = making.play(senses, [at(98.9), at(99.5, seconds=0.5), at(99.5, seconds=5)])
    assert exits(seen) == [(0, rows.EXIT_STOP)]
    assert senses.next_due() == NEVER_NS


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0, 1, 400, 1_000, 2_500]), st.integers(-3, 3), st.sampled_from([0, 0, 0, 4, 10])),
        min_size=1,
        max_size=40,
    ),
    sign=st.sampled_from([1, -1]),
)
def test_no_exit_is_ever_raised_while_nothing_is_left_and_each_wait_is_kept(steps: list[tuple[int, int, int]], sign: int) -> None:
    levels: dict[str, Any] = {"stop_nanos": (100 - sign) * NANOS, "take_nanos": (100 + sign) * NANOS, "trail_nanos": NANOS // 2}
    senses = holding(sign * 10, **levels)
    own, now_ns, cents = making.own(senses), START_NS, 10_000
    raised = [-NEVER_NS]
    for pause_ms, move, working in steps:
        now_ns += pause_ms * 1_000_000
        cents += move * 20
        own["working_exit_nanos"] = -sign * working * NANOS
        senses.integers[senses.due_bound_cell] = 0
        seen = making.play(senses, [quote((now_ns - START_NS) / SECOND_NS, cents / 100, cents / 100 + 0.01)])
        assert working < 10 or seen == []
        raised += [one.ns for one in seen]
    assert all(later - earlier >= SECOND_NS for earlier, later in itertools.pairwise(raised))


def test_flat_pairs_are_not_watched() -> None:
    senses = holding(0, stop_nanos=99 * NANOS, time_stop_at_ns=START_NS)
    assert making.play(senses, [at(98.0), at(98.0, seconds=9)]) == []
    assert int(making.own(senses)["age_events"]) == 0


# Triggers.


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.COMPILED])
def test_a_trigger_runs_on_every_accepted_record_even_while_it_is_masked(mode: Mode) -> None:
    senses = one(mode, armed_at_ns=NEVER_NS)
    sent = [at(100.0), quote(1, 100.0, 99.0), trade(2, 100.0), trade(2, 100.0, flags=0), at(100.0, seconds=3)]
    assert making.play(senses, [*sent, status(4, records.STATUS_NEWS)]) == []
    own = making.own(senses)
    assert float(own["scratch"][0]) == 3.0
    assert own["masked"].tolist() == [3, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.COMPILED])
def test_an_entry_disarms_its_pair_until_it_is_armed_again(mode: Mode) -> None:
    senses = one(mode)
    first = making.play(senses, [at(100.0), at(100.0, seconds=0.1), at(100.0, seconds=0.2)])
    assert [(seen.kind, seen.at, seen.side) for seen in first] == [(layout.ATTEND_ENTRY, 0, rows.BUY)]
    assert int(making.own(senses)["armed_at_ns"]) == NEVER_NS
    making.own(senses)["armed_at_ns"] = START_NS + SECOND_NS // 2
    again = making.play(senses, [at(100.0, seconds=0.4), at(100.0, seconds=0.5)])
    assert [seen.at for seen in again] == [1]


@pytest.mark.req("A1.3", "A1.4", "B4.3")
@pytest.mark.parametrize(
    ("mask", "table", "field", "value"),
    [
        (rows.MASK_COOLDOWN, "symbols", "cooldown_until_ns", START_NS + 1),
        (rows.MASK_SESSION, "sessions", "entries_until_ns", START_NS),
        (rows.MASK_SESSION, "sessions", "entries_from_ns", START_NS + 1),
        (rows.MASK_QUALITY, "symbols", "quality", 256),
        (rows.MASK_REGIME, "symbols", "newsy_until_ns", START_NS + 1),
        (rows.MASK_REGIME, "symbols", "shock_until_ns", START_NS + 1),
        (rows.MASK_REGIME, "symbols", "valid", 0),
        (rows.MASK_REGIME, "strategies", "eligible", 0xEEE0 - (1 << 5)),
        (rows.MASK_SPREAD, "strategies", "spread_max_bps", 0.5),
    ],
)
def test_each_mask_hides_an_entry_and_is_counted(mask: int, table: str, field: str, value: float) -> None:
    senses = one()
    senses.table(table)[0][field] = value
    assert making.play(senses, [at(100.0)]) == []
    assert making.own(senses)["masked"].tolist() == [int(place == mask) for place in range(rows.MASKS)]
    assert int(making.own(senses)["armed_at_ns"]) == 0, "what was masked has not been used up"


@pytest.mark.req("A1.4", "B4.2")
def test_a_print_does_not_enter_on_a_quote_that_is_stale() -> None:
    senses = one(level=50.0)
    senses.table("settings")[0]["stale_ns"] = 5 * SECOND_NS
    making.own(senses)["armed_at_ns"] = START_NS + SECOND_NS
    seen = making.play(senses, [at(100.0), trade(5.001, 100.0), trade(5.002, 100.0), at(100.0, seconds=5.003)])
    assert making.own(senses)["masked"][rows.MASK_REGIME] >= 2
    assert [one.at for one in seen if one.kind == layout.ATTEND_ENTRY] == []


@pytest.mark.req("A1.4")
def test_no_entry_follows_a_gap_within_the_second_that_ended_it() -> None:
    senses = one(level=50.0)
    senses.table("settings")[0]["gap_ns"] = 60 * SECOND_NS
    senses.table("settings")[0]["warm_seconds_min"] = 3
    making.symbol(senses)["warm_seconds"] = 5
    making.own(senses)["armed_at_ns"] = START_NS + SECOND_NS
    after = [at(100.0, seconds=100.1 + n / 10) for n in range(5)]
    seen = making.play(senses, [at(100.0), *after])
    assert [one.kind for one in seen if one.kind == layout.ATTEND_ENTRY] == []
    masked = making.own(senses)["masked"]
    assert (int(masked[rows.MASK_QUALITY]), int(masked[rows.MASK_REGIME])) == (1, 4)


@pytest.mark.parametrize("shares", [10, -10])
def test_a_triggers_exit_is_throttled_and_names_no_level(shares: int) -> None:
    senses = one(answer=rows.EXIT, position_nanos=shares * NANOS, exit_level_nanos=77 * CENT)
    seen = making.play(senses, [at(100.0, seconds=0.3 * n) for n in range(5)])
    assert [(one.at, one.reason, one.level_nanos) for one in seen] == [
        (0, rows.EXIT_TRIGGER, 0),
        (4, rows.EXIT_TRIGGER, 0),
    ]


def test_a_triggers_exit_without_a_position_is_nothing() -> None:
    senses = one(answer=rows.EXIT)
    assert making.play(senses, [at(100.0)]) == []


def test_exits_come_before_entries_and_strategies_in_their_order() -> None:
    pair = [making.strategy(counting, answer=rows.SELL), making.strategy(silent)]
    senses = making.host(Mode.COMPILED, strategies=pair, settings=CHOP)
    making.symbol(senses)["valid"] = 1
    making.regime(senses)["label"] = making.regime(senses)["market_label"] = 1
    senses.table("strategies")["wants_quotes"] = 1
    for place in range(2):
        making.own(senses, place)["position_nanos"] = 10 * NANOS
        making.own(senses, place)["stop_nanos"] = 101 * NANOS
    seen = making.play(senses, [at(100.0)])
    assert [(one.strategy, one.kind) for one in seen] == [
        (0, layout.ATTEND_EXIT),
        (0, layout.ATTEND_ENTRY),
        (0, layout.ATTEND_QUOTE),
        (1, layout.ATTEND_EXIT),
        (1, layout.ATTEND_QUOTE),
    ]
