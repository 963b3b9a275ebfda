"""Labels by hand: reasons and their precedence, hysteresis, confirmations, and the market of a group."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.senses.making import SETTINGS, START_NS
from tidegate.engine.layout import SETTINGS as SETTINGS_ROW
from tidegate.engine.layout import SYMBOL
from tidegate.kernel.rows import load_row
from tidegate.market.rows import FEED_DOWN, HALTED
from tidegate.regime import rows
from tidegate.regime.classify import classify_group, classify_symbol, settle, untradeable_why
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("A1.1")

NOW = START_NS
CHOP, TREND, WILD, UNTRADEABLE = rows.CHOP, rows.TREND, rows.VOL_EXPANSION, rows.UNTRADEABLE


def strict(dtype: np.dtype[np.void], **fields: Any) -> Any:
    made = np.zeros(1, dtype)
    for name, value in fields.items():
        made[0][name] = value
    return load_row(dtype, made[0].tolist(), strict=True)


def thresholds(**changes: float) -> Any:
    return strict(SETTINGS_ROW, **{**SETTINGS, **changes})


def quiet(**changes: Any) -> Any:
    fields = {"valid": 1, "quote_ns": NOW, "trade_ns": NOW, "volatility_short": 0.001, "volatility_long": 0.001}
    return strict(SYMBOL, **{**fields, **changes})


REASONS = (
    ({"quality": HALTED}, rows.WHY_HALTED),
    ({"quality": FEED_DOWN}, rows.WHY_FEED),
    ({"valid": 0}, rows.WHY_BLIND),
    ({"quote_ns": NOW - 15 * SECOND_NS - 1}, rows.WHY_STALE),
    ({"shock_until_ns": NOW + 1}, rows.WHY_NEWSY),
    ({"newsy_from_ns": NOW, "newsy_until_ns": NOW + 1}, rows.WHY_NEWSY),
)


@pytest.mark.req("A1.4", "B4.2")
@given(broken=st.sets(st.integers(0, len(REASONS) - 1)))
def test_the_first_reason_that_holds_is_named(broken: set[int]) -> None:
    fields: dict[str, Any] = {}
    for place in broken:
        changed = REASONS[place][0]
        fields |= {"quality": fields.get("quality", 0) | changed["quality"]} if "quality" in changed else changed
    why = untradeable_why(quiet(**fields), thresholds(), NOW)
    assert why == (REASONS[min(broken)][1] if broken else 0)


@pytest.mark.req("B4.2")
@pytest.mark.parametrize(("from_trades", "silent"), [(0, "quote_ns"), (1, "trade_ns")])
def test_stale_is_no_quote_for_too_long_and_for_an_index_no_trade(from_trades: int, silent: str) -> None:
    for age_ns, why in ((15 * SECOND_NS, 0), (15 * SECOND_NS + 1, rows.WHY_STALE)):
        symbol = quiet(bars_from_trades=from_trades, **{silent: NOW - age_ns})
        assert untradeable_why(symbol, thresholds(), NOW) == why


def test_a_listed_event_is_newsy_from_its_start_to_just_before_its_end() -> None:
    symbol = quiet(newsy_from_ns=NOW, newsy_until_ns=NOW + 10)
    said = [untradeable_why(symbol, thresholds(), NOW + at) for at in (-1, 0, 9, 10)]
    assert said == [0, rows.WHY_NEWSY, rows.WHY_NEWSY, 0]


@pytest.mark.parametrize(
    ("before", "fields", "label", "why"),
    [
        (CHOP, {}, CHOP, rows.WHY_QUIET),
        (CHOP, {"volatility_short": 0.0015}, WILD, rows.WHY_VOLATILITY),
        (CHOP, {"volatility_short": 0.00149}, CHOP, rows.WHY_QUIET),
        (WILD, {"volatility_short": 0.0012}, WILD, rows.WHY_VOLATILITY),
        (WILD, {"volatility_short": 0.00119}, CHOP, rows.WHY_QUIET),
        (CHOP, {"trend_strength": 0.4}, TREND, rows.WHY_DIRECTION),
        (CHOP, {"trend_strength": 0.39}, CHOP, rows.WHY_QUIET),
        (TREND, {"trend_strength": 0.25}, TREND, rows.WHY_DIRECTION),
        (TREND, {"trend_strength": 0.24}, CHOP, rows.WHY_QUIET),
        (TREND, {"trend_strength": 0.9, "volatility_short": 0.002}, WILD, rows.WHY_VOLATILITY),
        (UNTRADEABLE, {"trend_strength": 0.3}, CHOP, rows.WHY_QUIET),
        (CHOP, {"volatility_short": 0.0, "volatility_long": 0.0}, CHOP, rows.WHY_QUIET),
        (CHOP, {"spread_anomaly": 10.0}, UNTRADEABLE, rows.WHY_SPREAD),
        (CHOP, {"spread_anomaly": 9.9}, CHOP, rows.WHY_QUIET),
    ],
)
def test_a_label_is_entered_by_one_threshold_and_left_by_a_lower_one(before: int, fields: dict[str, float], label: int, why: int) -> None:
    regime = strict(rows.REGIME, label=before)
    classify_symbol(quiet(**fields), regime, thresholds(confirmations_min=1), NOW)
    assert (regime.label, regime.why) == (label, why)


def test_an_abnormal_spread_is_left_by_its_lower_threshold() -> None:
    regime = strict(rows.REGIME, label=CHOP)
    said = []
    for anomaly in (10.0, 9.0, 5.0, 4.9, 9.9):
        classify_symbol(quiet(spread_anomaly=anomaly), regime, thresholds(confirmations_min=1), NOW)
        said.append(regime.label)
    assert said == [UNTRADEABLE, UNTRADEABLE, UNTRADEABLE, CHOP, CHOP]


def test_direction_is_that_of_the_settled_label() -> None:
    regime = strict(rows.REGIME, label=CHOP)
    rising, quiet_again = quiet(trend_strength=0.9, trend_direction=1.0), quiet(trend_direction=1.0)
    said = []
    for symbol in (rising, rising, quiet_again, rising, quiet_again, quiet_again):
        classify_symbol(symbol, regime, thresholds(), NOW)
        said.append((regime.label, regime.direction))
    assert said == [(CHOP, 0.0), (TREND, 1.0), (TREND, 1.0), (TREND, 1.0), (TREND, 1.0), (CHOP, 0.0)]


@given(noise=st.lists(st.floats(0.2501, 0.3999), min_size=1, max_size=60), start=st.sampled_from([CHOP, TREND]))
def test_noise_between_the_two_thresholds_changes_no_label(noise: list[float], start: int) -> None:
    regime = strict(rows.REGIME, label=start)
    for strength in noise:
        assert not classify_symbol(quiet(trend_strength=strength), regime, thresholds(), NOW)
    assert regime.label == start


@given(
    levels=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=80),
    needed=st.integers(1, 4),
)
def test_labels_change_no_more_often_than_confirmations_allow(levels: list[float], needed: int) -> None:
    regime = strict(rows.REGIME, label=CHOP)
    settings = thresholds(confirmations_min=needed)
    changes = [place for place, strength in enumerate(levels) if classify_symbol(quiet(trend_strength=strength), regime, settings, NOW)]
    assert all(later - earlier >= needed for earlier, later in itertools.pairwise(changes))
    assert not changes or changes[0] >= needed - 1


@given(said=st.lists(st.integers(0, 3), max_size=60), needed=st.integers(1, 4), start=st.integers(0, 3))
def test_a_new_label_must_hold_so_often_in_a_row_and_untradeable_is_taken_at_once(said: list[int], needed: int, start: int) -> None:
    row = strict(rows.REGIME, label=start)
    current, since = start, 0
    for place, label in enumerate(said):
        before = current
        run = said[max(since, place - needed + 1) : place + 1]
        if label != current and (label == UNTRADEABLE or run == [label] * needed):
            current, since = label, place + 1
        assert settle(row, label, 0, needed, place) == (current != before)
        assert row.label == current


# Market groups.


def market(labels: list[int], *, index: int = -1, before: int = CHOP, directions: list[float] | None = None, **group: Any) -> Any:
    symbols = [quiet(group=0, valid=int(label != UNTRADEABLE)) for label in labels]
    directions = directions or [1.0] * len(labels)
    regimes = [strict(rows.REGIME, label=label, direction=d) for label, d in zip(labels, directions, strict=True)]
    row = strict(rows.GROUP, index_symbol=index, label=before, **group)
    classify_group(row, 0, symbols, regimes, thresholds(confirmations_min=1), NOW)
    return row


@pytest.mark.parametrize(
    ("labels", "before", "label"),
    [
        ([CHOP] * 5, CHOP, CHOP),
        ([TREND] * 3 + [CHOP] * 2, CHOP, TREND),
        ([TREND] * 2 + [CHOP] * 3, CHOP, CHOP),
        ([TREND] * 2 + [CHOP] * 3, TREND, TREND),
        ([TREND] * 1 + [CHOP] * 4, TREND, CHOP),
        ([WILD] * 3 + [TREND] * 2, TREND, WILD),
        ([WILD] * 2 + [CHOP] * 3, WILD, WILD),
        ([CHOP] * 2 + [UNTRADEABLE] * 2, CHOP, CHOP),
        ([CHOP] * 2 + [UNTRADEABLE] * 3, CHOP, UNTRADEABLE),
        ([UNTRADEABLE] * 3, CHOP, UNTRADEABLE),
    ],
)
def test_a_market_is_what_enough_of_its_readable_members_are(labels: list[int], before: int, label: int) -> None:
    group = market(labels, before=before)
    assert group.label == label
    assert (group.members, group.readable) == (len(labels), sum(one != UNTRADEABLE for one in labels))
    if label == UNTRADEABLE:
        assert group.why == rows.WHY_BREADTH


def test_breadth_is_signed_by_direction_and_counts_readable_members() -> None:
    group = market([TREND, TREND, TREND, CHOP, UNTRADEABLE], directions=[1.0, -1.0, -1.0, 0.0, 0.0])
    assert (group.breadth, group.trending) == (-0.25, 0.75)


@pytest.mark.parametrize(("index_label", "label"), [(CHOP, CHOP), (TREND, TREND), (WILD, WILD), (UNTRADEABLE, UNTRADEABLE)])
def test_an_index_moves_its_market_alone_and_is_no_member(index_label: int, label: int) -> None:
    group = market([CHOP, CHOP, index_label], index=2)
    assert group.label == label
    assert group.members == 2


def test_a_group_without_members_is_untradeable() -> None:
    assert market([TREND], index=0).label == UNTRADEABLE


def test_symbols_of_other_groups_do_not_count() -> None:
    symbols = [quiet(group=0), quiet(group=1), quiet(group=-1)]
    regimes = [strict(rows.REGIME, label=label) for label in (CHOP, TREND, WILD)]
    row = strict(rows.GROUP, index_symbol=-1, label=CHOP)
    classify_group(row, 1, symbols, regimes, thresholds(confirmations_min=1), NOW)
    assert (row.members, row.label) == (1, TREND)


def test_each_reason_has_words() -> None:
    codes = {value for name, value in vars(rows).items() if name.startswith("WHY_") and isinstance(value, int)}
    assert codes | {0} == set(rows.WHY_NAMES)
