"""The rules of exit levels and masks against their plain statement, on strict rows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.engine.layout import SYMBOL
from tidegate.kernel.rows import load_row
from tidegate.market.rows import SESSION
from tidegate.regime.rows import REGIME
from tidegate.strategies import rows
from tidegate.strategies.watch import entry_mask, exit_wanted, may_exit
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("A2.1")


def strict(dtype: np.dtype[np.void], **fields: Any) -> Any:
    made = np.zeros(1, dtype)
    for name, value in fields.items():
        made[0][name] = value
    return load_row(dtype, made[0].tolist(), strict=True)


def stated(position: int, prices: list[int], *, stop: int, take: int, trail: int) -> int:
    """The rule in words, for the last of these prices; best is the best price seen before a level was hit."""
    price = prices[-1]
    gain = (lambda level: price - level) if position > 0 else (lambda level: level - price)
    if stop and gain(stop) <= 0:
        return rows.EXIT_STOP
    best = max(prices) if position > 0 else min(prices)
    if trail and abs(best - price) >= trail:
        return rows.EXIT_TRAIL
    if take and gain(take) >= 0:
        return rows.EXIT_TAKE
    return rows.EXIT_NONE


@given(
    position=st.sampled_from([5, -5]),
    prices=st.lists(st.integers(1, 60), min_size=1, max_size=20),
    stop=st.integers(0, 60),
    take=st.integers(0, 60),
    trail=st.integers(0, 20),
)
def test_stop_trail_and_take_are_hit_as_stated(position: int, prices: list[int], stop: int, take: int, trail: int) -> None:
    own = strict(rows.OWN, position_nanos=position, stop_nanos=stop, take_nanos=take, trail_nanos=trail)
    shown: list[int] = []
    for price in prices:
        symbol = strict(SYMBOL, bid_nanos=price if position > 0 else 1, ask_nanos=61 if position > 0 else price)
        said = exit_wanted(own, symbol, 1)
        shown.append(price)
        assert said == stated(position, shown, stop=stop, take=take, trail=trail)
        if said == rows.EXIT_STOP:
            shown.pop()  # the stop comes first; a price beyond it does not move the trail


def test_without_a_quote_only_time_can_end_a_position() -> None:
    levels = {"stop_nanos": 5, "take_nanos": 1, "trail_nanos": 1, "spread_kill_bps": 1.0}
    for position in (1, -1):
        own = strict(rows.OWN, position_nanos=position, **levels)
        assert exit_wanted(own, strict(SYMBOL), 10) == rows.EXIT_NONE
        own.time_stop_at_ns = 10
        assert exit_wanted(own, strict(SYMBOL), 9) == rows.EXIT_NONE
        assert exit_wanted(own, strict(SYMBOL), 10) == rows.EXIT_TIME


@given(position=st.integers(-9, 9), working=st.integers(0, 9), now=st.integers(0, 9), after=st.integers(0, 9))
def test_an_exit_may_be_asked_for_while_something_is_left_and_the_wait_is_over(position: int, working: int, now: int, after: int) -> None:
    working = min(working, abs(position))
    signed = -working if position > 0 else working
    own = strict(rows.OWN, position_nanos=position, working_exit_nanos=signed, exit_next_ns=after)
    assert may_exit(own, now) == (abs(position) - working > 0 and now >= after)


CASES: dict[int, tuple[str, dict[str, Any]]] = {
    rows.MASK_DISARMED: ("own", {"armed_at_ns": NEVER_NS}),
    rows.MASK_COOLDOWN: ("symbol", {"cooldown_until_ns": 11}),
    rows.MASK_SESSION: ("session", {"entries_until_ns": 10}),
    rows.MASK_QUALITY: ("symbol", {"quality": 8}),
    rows.MASK_REGIME: ("strategy", {"eligible": 0}),
    rows.MASK_SPREAD: ("symbol", {"spread_bps": 5.1}),
}


@pytest.mark.req("A1.3", "A1.4", "B4.3")
@given(broken=st.sets(st.sampled_from(sorted(CASES))), label=st.integers(0, 3), market_label=st.integers(0, 3))
def test_the_first_of_the_masks_that_hold_is_named(broken: set[int], label: int, market_label: int) -> None:
    cell = 4 * label + market_label
    spreads = [0.0] * 16
    spreads[cell] = 5.0
    fields: dict[str, dict[str, Any]] = {
        "own": {"armed_at_ns": 10},
        "symbol": {"cooldown_until_ns": 10, "spread_bps": 5.0},
        "session": {"entries_from_ns": 10, "entries_until_ns": 11},
        "strategy": {"eligible": 1 << cell, "spread_max_bps": spreads},
        "regime": {"label": label, "market_label": market_label},
    }
    for mask in broken:
        row, values = CASES[mask]
        fields[row] |= values
    own, symbol = strict(rows.OWN, **fields["own"]), strict(SYMBOL, **fields["symbol"])
    regime, strategy = strict(REGIME, **fields["regime"]), strict(rows.STRATEGY, **fields["strategy"])
    said = entry_mask(own, symbol, regime, strategy, strict(SESSION, **fields["session"]), 10)
    assert said == min(broken, default=-1)


def test_each_mask_has_words() -> None:
    assert len(rows.MASK_NAMES) == rows.MASKS == len(CASES)
