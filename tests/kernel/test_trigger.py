"""Triggers called by address: each with its own parameters, and its errors come out of the kernel."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.senses import making
from tests.senses.making import START_NS, quote
from tidegate.engine import layout
from tidegate.kernel.mode import Mode, kernel
from tidegate.kernel.rows import StrictRowError
from tidegate.strategies import rows
from tidegate.strategies.strategy import Strategy
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("B1.3")

MODES = [Mode.STRICT, Mode.PURE, Mode.COMPILED]


class Wide(msgspec.Struct, frozen=True, kw_only=True):
    """Another row than the other trigger's, and another order of types."""

    first: int = 11
    second: float = 0.25
    third: int = 13


def adds_wide(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    own.scratch[1] = params.first + params.second + params.third
    return 0


@kernel
def half(x: float) -> float:
    return 0.5 * x


def adds_narrow(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    own.scratch[1] = half(params.level) + symbol.mid
    return 0


def raises(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    if symbol.mid > params.level:
        raise ValueError("the level was passed")
    return 0


def reads_outside(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    return int(own.scratch[params.answer])


def truncates(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    own.age_events = 0.5 * params.level
    return 0


def divides(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
    own.scratch[0] = 1e300 * params.level * 1e300
    return 0


def senses(mode: Mode, *strategies: Strategy) -> Any:
    made = making.host(mode, strategies=strategies)
    made.table("header")[0]["regime_attention"] = 0
    return made


@pytest.mark.parametrize("mode", MODES)
def test_each_trigger_reads_its_own_parameters(mode: Mode) -> None:
    wide = msgspec.structs.replace(making.strategy(adds_wide), params=Wide())
    made = senses(mode, making.strategy(adds_narrow, level=3.0), wide, making.strategy(adds_narrow, level=5.0))
    making.play(made, [quote(0, 100.0, 100.02)])
    said = [float(making.own(made, place)["scratch"][1]) for place in range(3)]
    assert said == [pytest.approx(101.51), 24.25, pytest.approx(102.51)]


@pytest.mark.parametrize("mode", MODES)
def test_an_error_raised_in_a_trigger_stops_the_run_at_its_record(mode: Mode) -> None:
    made = senses(mode, making.strategy(raises, level=100.5))
    with pytest.raises(ValueError, match="the level was passed"):
        making.play(made, [quote(0, 100.0, 100.02), quote(1, 100.6, 100.62), quote(2, 100.0, 100.02)])


@pytest.mark.parametrize("place", [rows.SCRATCH_CELLS, 10**6])
def test_a_scratch_cell_outside_its_row_is_refused_in_every_mode(place: int) -> None:
    for mode in (Mode.PURE, Mode.COMPILED):
        with pytest.raises(IndexError):
            making.play(senses(mode, making.strategy(reads_outside, answer=place)), [quote(0, 100.0, 100.02)])


@pytest.mark.parametrize("trigger", [truncates, divides])
def test_strict_mode_refuses_what_compiled_code_would_let_in(trigger: Callable[..., int]) -> None:
    with pytest.raises(StrictRowError):
        making.play(senses(Mode.STRICT, making.strategy(trigger, level=3.0)), [quote(0, 100.0, 100.02)])


def test_code_addresses_are_no_part_of_a_snapshot() -> None:
    made = senses(Mode.COMPILED, making.strategy(adds_narrow))
    making.play(made, [quote(0, 100.0, 100.02)])
    before = made.durable()
    address = int(made.table("addresses")[0]["code"])
    made.table("addresses")[0]["code"] = 0
    assert made.durable() == before
    made.restore(before)
    assert int(made.table("addresses")[0]["code"]) == address != 0


def test_a_restored_host_goes_on_as_if_nothing_had_happened() -> None:
    quotes = [quote(n / 3, 100.0 + n % 7 / 100, 100.02 + n % 7 / 100) for n in range(60)]
    through = senses(Mode.COMPILED, making.strategy(adds_narrow))
    making.play(through, quotes)
    first, second = (senses(Mode.COMPILED, making.strategy(adds_narrow)) for _ in range(2))
    making.play(first, quotes[:31])
    second.restore(first.durable())
    making.play(second, quotes[31:])
    assert second.durable() == through.durable()


@pytest.mark.parametrize("mode", [Mode.PURE, Mode.COMPILED])
def test_more_attentions_than_there_is_room_for_cannot_happen(mode: Mode) -> None:
    """One record that raises everything at once: bars, regime, group, exit, entry and quote of each strategy."""

    def sells(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - a trigger's signature
        return 2

    free = {"warm_seconds_min": 0, "warm_minutes_min": 0, "confirmations_min": 1, "stale_ns": NEVER_NS}
    strategies = [making.strategy(sells, level=float(place)) for place in range(3)]
    made = making.host(mode, index_of_groups=[-1], strategies=strategies, settings={**free, "shock_ns": 0})
    making.play(made, [quote(0, 100.0, 100.02)])
    for name in ("wants_quotes", "wants_seconds", "wants_minutes"):
        made.table("strategies")[name] = 1
    made.table("strategies")["eligible"] = 0xFFFF
    made.table("symbols")["valid"] = 1
    made.table("own")["position_nanos"] = 10
    made.table("own")["armed_at_ns"] = 0
    made.table("own")["stop_nanos"] = 10**12
    seen = making.play(made, [quote(61, 100.0, 100.02)])
    kinds = [one.kind for one in seen]
    assert all(kinds.count(kind) == 3 for kind in (layout.ATTEND_EXIT, layout.ATTEND_ENTRY, layout.ATTEND_QUOTE))
    assert kinds.count(layout.ATTEND_BAR) == 6
    assert kinds.count(layout.ATTEND_REGIME) + kinds.count(layout.ATTEND_GROUP) == 2
    assert int(made.table("header")[0]["now_ns"]) == START_NS + 61 * 10**9
    assert len(seen) < len(made.table("attentions"))
