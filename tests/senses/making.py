"""Whole senses for tests: hosts in any mode, market records in words, and a way to play them."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.engine.layout import Counts
from tidegate.engine.senses import SensesHost
from tidegate.engine.toolchain import Toolchain
from tidegate.events import records
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.strategies.strategy import NoState, Nothing, Strategy
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS, NEVER_NS, SECOND_NS

START_NS = 1_400_000_040 * SECOND_NS  # the start of a minute
CENT = NANOS // 100

# Small enough that a few dozen records warm everything up.
SETTINGS: dict[str, float] = {
    "wide_bps": 50.0,
    "spike_bps": 100.0,
    "spikes_max": 2,
    "gap_ns": 100 * SECOND_NS,
    "future_ns": SECOND_NS,
    "stale_ns": 15 * SECOND_NS,
    "ema_fast_weight": 0.31,
    "ema_slow_weight": 0.07,
    "variance_short_weight": 0.29,
    "variance_long_weight": 0.04,
    "trend_weight": 0.17,
    "atr_weight": 0.23,
    "spread_weight": 0.09,
    "volume_short_weight": 0.37,
    "volume_long_weight": 0.06,
    "range_minutes": 3,
    "warm_seconds_min": 4,
    "warm_minutes_min": 1,
    "shock_volume": 2.5,
    "shock_ns": 7 * SECOND_NS,
    "expansion_enter": 1.5,
    "expansion_leave": 1.2,
    "trend_enter": 0.4,
    "trend_leave": 0.25,
    "spread_enter": 10.0,
    "spread_leave": 5.0,
    "confirmations_min": 2,
    "breadth_enter": 0.6,
    "breadth_leave": 0.4,
    "readable_min": 0.5,
    "evaluate_ns": 5 * SECOND_NS,
}


Records: TypeAlias = NDArray[np.void]


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What the triggers of these tests can be told."""

    level: float = 0.0
    answer: int = 0


def nothing(_view: object, state: object, _attention: object) -> tuple[object, Nothing]:
    return state, Nothing(reason="a test asks the senses alone")


def strategy(trigger: Callable[..., int] | None, **params: Any) -> Strategy:
    name = "none" if trigger is None else f"{trigger.__module__}.{trigger.__qualname__}"
    return Strategy(
        strategy_id=name,
        name=name,
        version=1,
        module=name,
        source=b"",
        sha256=name,
        params=Params(**params),
        state=NoState(),
        plan=None,
        decide=nothing,
        trigger=trigger,
    )


@functools.cache
def toolchain(mode: Mode) -> Toolchain:
    return make_toolchain(mode)


def host(
    mode: Mode = Mode.STRICT,
    *,
    symbols: int = 1,
    index_of_groups: Sequence[int] = (),
    strategies: Sequence[Strategy] = (),
    settings: dict[str, float] | None = None,
) -> SensesHost:
    """Senses in which every symbol belongs to the first group, if there is one, and entries are open at all times."""
    made = SensesHost(Counts(symbols, len(index_of_groups), len(strategies), 1), strategies, toolchain(mode))
    for name, value in {**SETTINGS, **(settings or {})}.items():
        made.table("settings")[0][name] = value
    header = made.table("header")[0]
    header["timer_due_ns"] = header["next_second_ns"] = header["next_minute_ns"] = NEVER_NS
    header["regime_attention"] = 1
    made.table("sessions")[0]["entries_until_ns"] = NEVER_NS
    made.table("symbols")["group"] = 0 if index_of_groups else -1
    if index_of_groups:
        made.table("groups")["index_symbol"] = index_of_groups
    for place, one in enumerate(strategies):
        row = made.table("strategies")[place]
        row["has_trigger"] = int(one.trigger is not None)
        row["exit_retry_ns"] = SECOND_NS
        row["eligible"] = 0xEEE0  # every pair of readable regimes
        row["spread_max_bps"] = 1e6
        made.table("own")["active"][place * symbols : (place + 1) * symbols] = 1
    return made


def record(kind: int, at_ns: int, *payload: int, instrument: int = 0, flags: int = 0, event_ns: int | None = None) -> Records:
    made: Records = np.zeros(1, records.RECORD)
    event = at_ns - MILLISECOND_NS if event_ns is None else event_ns
    made[0] = (event, at_ns, 0, instrument, kind, flags, *payload, *[0] * (4 - len(payload)))
    return made


def quote(at_s: float, bid: float, ask: float, size: float = 1.0, **more: Any) -> Records:
    """A quote so many seconds after the start; prices in dollars, the size of both sides in shares."""
    prices = (round(bid * NANOS), round(ask * NANOS), round(size * NANOS), round(size * NANOS))
    return record(records.QUOTE, START_NS + round(at_s * SECOND_NS), *prices, **more)


def trade(at_s: float, price: float, size: float = 1.0, flags: int = records.REGULAR, **more: Any) -> Records:
    payload = (round(price * NANOS), round(size * NANOS))
    return record(records.TRADE, START_NS + round(at_s * SECOND_NS), *payload, flags=flags, **more)


def status(at_s: float, code: int, **more: Any) -> Records:
    return record(records.STATUS, START_NS + round(at_s * SECOND_NS), code, **more)


def tape(parts: Iterable[NDArray[np.void]]) -> NDArray[np.void]:
    return np.concatenate(list(parts))


class Seen(NamedTuple):
    """An attention, when it was raised and by which record; -1: by a tick."""

    at: int
    ns: int
    kind: int
    strategy: int
    instrument: int
    side: int
    reason: int
    level_nanos: int
    length_ns: int
    before: int


def play(senses: SensesHost, parts: Iterable[NDArray[np.void]], *, batch: int = 1_000_000) -> list[Seen]:
    """Take all records in, with ticks when one is due, as a caller of the engine does; return every attention."""
    joined = tape(parts)
    raw = joined.view(np.uint8)
    seen = []
    at = 0
    while at < len(joined):
        after = senses.run(raw, at, min(at + batch, len(joined)), NEVER_NS)
        seen += [Seen(after - 1, int(joined["ts_recv"][after - 1]), *row) for row in senses.attentions()]
        if after == at:
            assert senses.integers[senses.bad_record_cell] == 0, "a record was refused"
            due_ns = max(senses.next_due(), int(senses.table("header")["now_ns"][0]))
            assert due_ns <= int(joined["ts_recv"][at]), "stopped before a record, yet nothing is due"
            senses.tick(due_ns)
            seen += [Seen(-1, due_ns, *row) for row in senses.attentions()]
        at = after
    return seen


def take(senses: SensesHost, raw: NDArray[np.uint8], place: int) -> list[int]:
    """Take one record in, after what is due by then; return when it ticked."""
    ticks = []
    while senses.run(raw, place, place + 1, NEVER_NS) == place:
        assert senses.integers[senses.bad_record_cell] == 0, "a record was refused"
        ticks.append(max(senses.next_due(), int(senses.table("header")["now_ns"][0])))
        senses.tick(ticks[-1])
    return ticks


def symbol(senses: SensesHost, place: int = 0) -> Any:
    return senses.table("symbols")[place]


def regime(senses: SensesHost, place: int = 0) -> Any:
    return senses.table("regimes")[place]


def own(senses: SensesHost, strategy_place: int = 0, place: int = 0) -> Any:
    return senses.table("own")[senses.pair(strategy_place, place)]
