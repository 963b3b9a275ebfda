"""What two configurations differ in, and which way each change goes."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.config.differences import Compared, Direction, Effect, compare, direction_of, effect_of, of_all, of_strategy
from tidegate.config.limits import limit_keys
from tidegate.config.model import EligibleSection, EventSection, NoTradeSection, PromotionSection, SmallLiveSection
from tidegate.config.reading import read_config
from tidegate.config.versions import StrategyPart
from tidegate.risk.limits import RiskLimits
from tidegate.values.money import ATTOS, NANOS

pytestmark = pytest.mark.req("D2.2")

LOADED = read_config("us-stocks")
PARTS = tuple(
    StrategyPart(strategy_id=entry.id or entry.strategy, sha256=f"{place}", imports=("math",), permission_sha256=f"p{place}")
    for place, entry in enumerate(LOADED.config.strategies)
)
BEFORE = Compared(LOADED.config, LOADED.limits, "1.4", PARTS)
KEYS = {field.name: key for key, field in limit_keys()}
NUMBERS = [name for name in RiskLimits.__struct_fields__ if isinstance(getattr(LOADED.limits, name), int)]
TIGHT: dict[Direction, int] = {Direction.SMALLER: -1, Direction.LARGER: 1}


def with_limits(side: Compared = BEFORE, **changed: Any) -> Compared:
    return side._replace(limits=msgspec.structs.replace(side.limits, **changed))


def with_config(**changed: Any) -> Compared:
    return BEFORE._replace(config=msgspec.structs.replace(BEFORE.config, **changed))


def effects(after: Compared, before: Compared = BEFORE) -> dict[str, Effect]:
    return {change.key: change.effect for change in compare(before, after)}


def test_changes_read_as_a_file_writes_them() -> None:
    after = with_limits(order_notional_attos_max=9_500 * ATTOS, order_quantity_nanos_max=NANOS // 2, quote_age_ns_max=1_500_000_000)
    assert [(change.key, change.before, change.after) for change in compare(BEFORE, after)] == [
        ("limits.order_notional_usd_max", "10000", "9500"),
        ("limits.order_quantity_max", "1000", "0.5"),
        ("limits.quote_age_max", "2s", "1.5s"),
    ]


def test_the_same_differs_in_nothing() -> None:
    assert compare(BEFORE, BEFORE) == ()
    assert effect_of(()) is Effect.NEUTRAL


def test_every_limit_has_a_direction_that_somebody_chose() -> None:
    """A limit whose name says nothing must stand in the table: it would count as loosening whichever way it moves."""
    from tidegate.config import differences

    said = [key for key in KEYS.values() if not key.endswith(("_max", "_min"))]
    assert [name for name in said if f"limits.{name}" not in differences._KEYS] == []
    assert {name: direction_of(f"limits.{name}") for name in said} == {
        "symbols_allowed": Direction.FEWER,
        "symbols_blocked": Direction.MORE,
        "buying_power_bps": Direction.SMALLER,
        "duplicate_window": Direction.LARGER,
        "exit_repeat": Direction.NONE,
        "amend_spacing": Direction.LARGER,
        "breaker_cooldown": Direction.NONE,
        "approval_wait": Direction.NONE,
    }


@given(name=st.sampled_from(NUMBERS), steps=st.integers(-3, 3).filter(bool))
def test_a_limit_moved_the_tight_way_tightens_and_the_other_way_loosens(name: str, steps: int) -> None:
    after = effects(with_limits(**{name: getattr(LOADED.limits, name) + steps}))
    key = f"limits.{KEYS[name]}"
    direction = direction_of(key)
    if direction is Direction.NONE:
        assert after == {key: Effect.LOOSER}
    else:
        assert after == {key: Effect.TIGHTER if steps * TIGHT[direction] > 0 else Effect.LOOSER}


@given(st.data())
def test_what_tightens_one_way_loosens_the_other(data: st.DataObject) -> None:
    """No pair of configurations is tighter both ways: otherwise two steps of tightening would come back to where they began."""
    names = data.draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4, unique=True))
    after = with_limits(**{name: max(0, getattr(LOADED.limits, name) + data.draw(st.integers(-5, 5))) for name in names})
    there, back = compare(BEFORE, after), compare(after, BEFORE)
    assert [change.key for change in there] == [change.key for change in back]
    for one, other in zip(there, back, strict=True):
        assert not (one.effect is Effect.TIGHTER and other.effect is Effect.TIGHTER)
        assert Effect.LOOSER in {one.effect, other.effect}


SYMBOLS = st.frozensets(st.sampled_from("ABCDE"))


@given(was=st.none() | SYMBOLS, now=st.none() | SYMBOLS)
def test_an_allowlist_tightens_by_inclusion(was: frozenset[str] | None, now: frozenset[str] | None) -> None:
    found = effects(with_limits(symbols_allowed=now), with_limits(symbols_allowed=was))
    tighter = now is not None and (was is None or now <= was)
    assert found == ({} if was == now else {"limits.symbols_allowed": Effect.TIGHTER if tighter else Effect.LOOSER})


@given(was=SYMBOLS, now=SYMBOLS)
def test_a_blocklist_tightens_by_growing(was: frozenset[str], now: frozenset[str]) -> None:
    found = effects(with_limits(symbols_blocked=now), with_limits(symbols_blocked=was))
    assert found == ({} if was == now else {"limits.symbols_blocked": Effect.TIGHTER if was <= now else Effect.LOOSER})


def eligible(spread: float, *, symbol: tuple[Any, ...] = ("CHOP",)) -> Compared:
    first, *others = LOADED.config.strategies
    rows = (EligibleSection(symbol=symbol, market=("CHOP",), spread_bps_max=spread),)
    return with_config(strategies=(msgspec.structs.replace(first, eligible=rows), *others))


def test_the_matrix_tightens_by_a_narrower_spread_and_by_a_cell_that_goes() -> None:
    key = "strategies[mean_reversion].eligible[{} in CHOP].spread_bps_max"
    assert effects(eligible(9), eligible(10)) == {key.format("CHOP"): Effect.TIGHTER}
    assert effects(eligible(11), eligible(10)) == {key.format("CHOP"): Effect.LOOSER}
    assert effects(eligible(10), eligible(10, symbol=("CHOP", "TREND"))) == {key.format("TREND"): Effect.TIGHTER}
    assert effects(eligible(10, symbol=("CHOP", "TREND")), eligible(10)) == {key.format("TREND"): Effect.LOOSER}


def test_windows_without_trading_tighten_by_growing() -> None:
    def side(text: str) -> Compared:
        return with_config(no_trade=NoTradeSection(after_open=text))

    assert effects(side("90s"), side("1m")) == {"no_trade.after_open": Effect.TIGHTER}
    assert effects(side("1m"), side("90s")) == {"no_trade.after_open": Effect.LOOSER}
    assert effects(side("60s"), side("1m")) == {"no_trade.after_open": Effect.LOOSER}  # other bytes, the same time: not tighter


def test_a_listed_event_tightens_and_one_taken_out_loosens() -> None:
    event = EventSection(starts="2026-12-01T14:00:00Z", ends="2026-12-01T15:00:00Z", title="rates")
    assert set(effects(with_config(events=(event,))).values()) == {Effect.TIGHTER}
    assert set(effects(BEFORE, with_config(events=(event,))).values()) == {Effect.LOOSER}


def test_caps_and_criteria_go_by_their_names() -> None:
    caps, promotion = LOADED.config.small_live, LOADED.config.promotion
    assert isinstance(caps, SmallLiveSection)
    assert isinstance(promotion, PromotionSection)
    smaller = msgspec.structs.replace(caps, order_notional_usd_max=Decimal("499.99"))
    assert effects(with_config(small_live=smaller)) == {"small_live.order_notional_usd_max": Effect.TIGHTER}
    assert set(effects(with_config(small_live=msgspec.UNSET)).values()) == {Effect.LOOSER}
    assert set(effects(BEFORE, with_config(small_live=msgspec.UNSET)).values()) == {Effect.TIGHTER}
    easier = msgspec.structs.replace(promotion, live=msgspec.structs.replace(promotion.live, fills_min=1))
    assert effects(with_config(promotion=easier)) == {"promotion.live.fills_min": Effect.LOOSER}
    assert set(effects(BEFORE, with_config(promotion=msgspec.UNSET)).values()) == {Effect.LOOSER}


def test_what_nobody_knows_the_direction_of_loosens_and_what_decides_nothing_is_neutral() -> None:
    market = msgspec.structs.replace(LOADED.config.market, spike_bps=1.0)
    assert effects(with_config(market=market)) == {"market.spike_bps": Effect.LOOSER}
    simulator = msgspec.structs.replace(LOADED.config.simulator, seed=9)
    assert effects(with_config(simulator=simulator)) == {"simulator.seed": Effect.NEUTRAL}
    assert effects(with_config(symbols_shared=True)) == {"symbols_shared": Effect.LOOSER}
    assert effects(BEFORE, with_config(symbols_shared=True)) == {"symbols_shared": Effect.TIGHTER}
    assert effects(BEFORE._replace(tidegate="1.5")) == {"tidegate": Effect.LOOSER}


def test_a_strategys_changes_are_its_own() -> None:
    first, *others = PARTS
    after = BEFORE._replace(strategies=(msgspec.structs.replace(first, sha256="other"), *others))
    changes = compare(BEFORE, after)
    assert [change.key for change in changes] == ["strategies[mean_reversion].file"]
    assert of_all(changes) == ()
    assert effect_of(of_strategy(changes, "mean_reversion")) is Effect.LOOSER
    assert of_strategy(changes, "breakout") == of_strategy(changes, "mean") == ()


def test_what_becomes_of_a_strategys_orders_at_a_stop_is_a_change() -> None:
    def side(words: str) -> Compared:
        first, *others = LOADED.config.strategies
        return with_config(strategies=(msgspec.structs.replace(first, parting=words), *others))

    for before, after in (("", "leave_working"), ("leave_working", "cancel_working"), ("cancel_working", "")):
        assert effects(side(after), side(before)) == {"strategies[mean_reversion].parting": Effect.LOOSER}


def test_every_key_of_a_strategy_is_compared() -> None:
    """One that is not could be changed under a version that holds a stage of real money."""
    first, *others = LOADED.config.strategies
    other = msgspec.structs.replace(
        first,
        params={"entry_z": 3.0},
        symbols=("AIG",),
        eligible=first.eligible[:1],
        parting="leave_working",
        replace="venue",
        strategy="./a.py",
        id="a",
    )
    parts = (msgspec.structs.replace(PARTS[0], strategy_id="a"), *PARTS[1:])
    keys = {
        change.key.partition("].")[2].partition("[")[0].partition(".")[0]
        for change in compare(BEFORE, with_config(strategies=(other, *others))._replace(strategies=parts))
    }
    named_by = {"strategy": "file", "id": ""}  # the file's bytes stand for its path; another id is another strategy
    assert {named_by.get(name, name) for name in type(first).__struct_fields__} - {""} <= keys


def test_the_manual_names_each_key_that_has_a_direction_of_its_own() -> None:
    from tests.conftest import ROOT
    from tidegate.config import differences

    rows = (ROOT / "docs" / "stages.md").read_text().partition("| key | tighter is |")[2].partition("\n\n")[0].splitlines()
    for key, direction in {**differences._KEYS, **differences._TREES}.items():
        (row,) = [line for line in rows if f"`{key}" in line]
        assert (direction is Direction.INDIFFERENT) == ("| neither:" in row), key
        assert (direction is Direction.NONE) == ("**neither way**" in row), key


def test_another_order_of_strategies_touches_all() -> None:
    turned = with_config(strategies=LOADED.config.strategies[::-1])._replace(strategies=PARTS[::-1])
    assert [(change.key, change.effect) for change in of_all(compare(BEFORE, turned))] == [("strategies", Effect.LOOSER)]


def test_a_strategy_that_comes_or_goes_loosens_its_own_part_alone() -> None:
    fewer = with_config(strategies=LOADED.config.strategies[:2])._replace(strategies=PARTS[:2])
    for changes in (compare(BEFORE, fewer), compare(fewer, BEFORE)):
        assert of_all(changes) == ()
        assert effect_of(of_strategy(changes, "breakout")) is Effect.LOOSER
