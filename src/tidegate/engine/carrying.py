"""What outlives a layout of the senses, by names: pairs' positions, exit levels and arming, and symbols that are halted or without a feed.

A halt may have begun long before the records that other senses are warmed up from.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from tidegate.engine.core import Core, PairMemory
from tidegate.market.rows import FEED_DOWN, HALTED
from tidegate.strategies.rows import OWN

_OF_THE_SENSES: Final = frozenset(("active", "masked", "scratch"))
_KEPT: Final = tuple(name for name in OWN.names or () if name not in _OF_THE_SENSES)


class CarriedPair(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The cells of one pair; floats are exact."""

    strategy_id: str
    symbol: str
    integers: dict[str, int]
    floats: dict[str, float]


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says for readers of another layout. Places of states and pairs beside it count in `strategies` and `symbols`."""

    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    pairs: tuple[CarriedPair, ...]
    cooldowns: tuple[tuple[str, int], ...]
    halted: tuple[str, ...] = ()
    feeds_down: tuple[str, ...] = ()


def carried(core: Core) -> Carried:
    """Return what judgement keeps in the senses."""
    own, symbols = core.host.table("own"), core.host.table("symbols")
    touched = {core.host.pair(*key) for key in core.pairs} | set(np.flatnonzero(own["armed_at_ns"]).tolist())
    width = core.host.counts.symbols
    return Carried(
        strategies=tuple(core.strategy_places),
        symbols=tuple(core.instruments),
        pairs=tuple(_pair(core, divmod(row, width), own[row]) for row in sorted(touched)),
        cooldowns=tuple(
            (core.by_place[place].symbol, int(symbols[place]["cooldown_until_ns"]))
            for place in np.flatnonzero(symbols["cooldown_until_ns"]).tolist()
        ),
        halted=_flagged(core, HALTED),
        feeds_down=_flagged(core, FEED_DOWN),
    )


def put_carried(core: Core, given: Carried, states: Sequence[bytes], pairs: Sequence[tuple[int, int, PairMemory]]) -> tuple[str, ...]:
    """Write what was carried where this configuration has a place for it; return strategies whose State could not be read."""
    anew = []
    for strategy_id, state in zip(given.strategies, states, strict=True):
        place = core.strategy_places.get(strategy_id)
        if place is not None:
            try:
                core.states[place] = msgspec.msgpack.decode(state, type=type(core.strategies[place].state))
            except msgspec.MsgspecError:
                anew.append(strategy_id)
    core.pairs.clear()
    for strategy, symbol, memory in pairs:
        key = _key(core, given.strategies[strategy], given.symbols[symbol])
        if key is not None:
            core.pairs[key] = memory
    _put_cells(core, given)
    return tuple(anew)


def _put_cells(core: Core, given: Carried) -> None:
    own = core.host.table("own")
    for pair in given.pairs:
        key = _key(core, pair.strategy_id, pair.symbol)
        if key is None:
            continue
        row = own[core.host.pair(*key)]
        for field, value in (pair.integers | pair.floats).items():
            if field in _KEPT:
                row[field] = value
    _put_symbols(core, given)


def _put_symbols(core: Core, given: Carried) -> None:
    symbols = core.host.table("symbols")
    places = {name: instrument.index for name, instrument in core.instruments.items()}
    for name, until_ns in given.cooldowns:
        if name in places:
            symbols[places[name]]["cooldown_until_ns"] = until_ns
    for flag, names in ((HALTED, given.halted), (FEED_DOWN, given.feeds_down)):
        for place in {places[name] for name in names if name in places}:
            symbols[place]["quality"] |= flag


def _flagged(core: Core, flag: int) -> tuple[str, ...]:
    return tuple(core.by_place[place].symbol for place in np.flatnonzero(core.host.table("symbols")["quality"] & flag).tolist())


def _pair(core: Core, key: tuple[int, int], row: np.void) -> CarriedPair:
    values = {name: row[name].item() for name in _KEPT}
    return CarriedPair(
        strategy_id=core.strategies[key[0]].strategy_id,
        symbol=core.by_place[key[1]].symbol,
        integers={name: value for name, value in values.items() if isinstance(value, int)},
        floats={name: value for name, value in values.items() if isinstance(value, float)},
    )


def _key(core: Core, strategy_id: str, symbol: str) -> tuple[int, int] | None:
    place, instrument = core.strategy_places.get(strategy_id), core.instruments.get(symbol)
    return None if place is None or instrument is None else (place, instrument.index)
