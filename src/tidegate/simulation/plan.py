"""The plan of a generated market: its symbols, and which anomalies are planted where.

An anomaly is planted as records of its own, so that it is there however few events are wanted. Their numbers
in the tape are written into its meta: the truth that data-quality flags are tested against.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tidegate.simulation.latent import SESSION_SECONDS, Floats, Jump
from tidegate.values.enums import InstrumentKind
from tidegate.values.instruments import Instrument

VENUE: Final = "generated"
INDEX_SYMBOL: Final = "GIDX"
SYMBOLS_MAX: Final = 2_000

HALT_SECONDS: Final = 300.0
GAP_SECONDS: Final = 45.0
GAP_MESSAGES: Final = 500  # venue numbers that are missing after the gap
OUTAGE_SECONDS: Final = 60.0
FUTURE_NS: Final = 2_000_000_000
_INDEX_PRICE: Final = 168.0
_QUOTED_USD: Final = 30_000.0  # usual worth of a quoted side
BAD_PRINT_SHARE: Final = 0.10  # of the price


class Special(IntEnum):
    """A record that is not of the market's ordinary flow."""

    NONE = 0
    OPENING = 1  # auction prints
    CLOSING = 2
    REOPENING = 3
    HALT = 4
    RESUME = 5
    BEFORE_GAP = 6
    AFTER_GAP = 7
    BAD_PRINT = 8
    FEED_DOWN = 9
    FEED_UP = 10
    WIDE = 11
    ZERO = 12
    CROSSED = 13
    LOCKED = 14
    FUTURE = 15


# Anomaly, its first and its last special record.
ANOMALIES: Final = (
    ("halt", Special.HALT, Special.RESUME),
    ("gap", Special.AFTER_GAP, Special.AFTER_GAP),
    ("bad_print", Special.BAD_PRINT, Special.BAD_PRINT),
    ("feed_outage", Special.FEED_DOWN, Special.FEED_UP),
    ("wide_spread", Special.WIDE, Special.WIDE),
    ("zero_quote", Special.ZERO, Special.ZERO),
    ("crossed_quote", Special.CROSSED, Special.CROSSED),
    ("locked_quote", Special.LOCKED, Special.LOCKED),
    ("future_time", Special.FUTURE, Special.FUTURE),
)
_PLACES: Final = {  # as a part of the session
    Special.HALT: 0.25,
    Special.BEFORE_GAP: 0.40,
    Special.BAD_PRINT: 0.50,
    Special.FEED_DOWN: 0.60,
    Special.WIDE: 0.70,
    Special.ZERO: 0.74,
    Special.CROSSED: 0.78,
    Special.LOCKED: 0.82,
    Special.FUTURE: 0.90,
}
_JITTER: Final = 0.01


class Window(NamedTuple):
    """A time in which a symbol (-1: every one) is silent. Seconds of the session."""

    symbol: int
    start: float
    end: float


class Specials(NamedTuple):
    """The special records, in order of time."""

    seconds: Floats
    symbol: NDArray[np.int32]
    code: NDArray[np.int8]


class Plan(NamedTuple):
    """All that is settled before chance makes the ordinary events."""

    instruments: tuple[Instrument, ...]  # the last is the index
    prices: Floats
    spreads: Floats  # usual spread as a part of the price
    log_sizes: Floats  # logarithm of the usual quoted size in shares
    weights: Floats  # share of each instrument in the events
    trade_share: Floats
    specials: Specials
    halt: Window
    gap: Window
    outage: Window


def make_plan(rng: Generator, *, symbols: int) -> Plan:
    """Draw the symbols and the places of the anomalies."""
    seconds_of = {code: float(SESSION_SECONDS * (place + rng.uniform(-_JITTER, _JITTER))) for code, place in _PLACES.items()}
    symbol_of = {code: int(rng.integers(symbols)) for code in _PLACES}
    halt_start, gap_start, outage_start = (seconds_of[code] for code in (Special.HALT, Special.BEFORE_GAP, Special.FEED_DOWN))
    halt = Window(symbol_of[Special.HALT], halt_start, halt_start + HALT_SECONDS)
    gap = Window(symbol_of[Special.BEFORE_GAP], gap_start, gap_start + GAP_SECONDS)
    outage = Window(-1, outage_start, outage_start + OUTAGE_SECONDS)
    rows: list[tuple[float, int, Special]] = [
        (seconds, symbol_of[code], code) for code, seconds in seconds_of.items() if code != Special.FEED_DOWN
    ]
    rows += [
        (halt.end, halt.symbol, Special.RESUME),
        (halt.end + 0.001, halt.symbol, Special.REOPENING),
        (gap.end, gap.symbol, Special.AFTER_GAP),
    ]
    for symbol in range(symbols + 1):
        rows += [(outage.start, symbol, Special.FEED_DOWN), (outage.end, symbol, Special.FEED_UP)]
        rows += [(0.0, symbol, Special.OPENING), (float(SESSION_SECONDS), symbol, Special.CLOSING)]
    activity = rng.lognormal(0.0, 0.6, symbols)
    prices = np.round(rng.lognormal(np.log(50.0), 0.8, symbols).clip(5.0, 600.0), 2)
    weights = np.append(activity, 0.5 * activity.mean())
    return Plan(
        instruments=_instruments(symbols),
        prices=np.append(prices, _INDEX_PRICE),
        spreads=np.append(rng.uniform(1.2e-4, 3.0e-4, symbols), 1.0e-4),
        log_sizes=np.append(np.log(_QUOTED_USD / prices) + rng.normal(0.0, 0.4, symbols), 0.0),
        weights=weights / weights.sum(),
        trade_share=np.append(rng.uniform(0.06, 0.25, symbols), 1.0),
        specials=_in_time(rows),
        halt=halt,
        gap=gap,
        outage=outage,
    )


def halt_news(rng: Generator, plan: Plan) -> Jump:
    """Return the news behind the halt: what the price has done when trading resumes."""
    size = float(rng.uniform(0.01, 0.03) * rng.choice((-1.0, 1.0)))
    return Jump(symbol=plan.halt.symbol, second=int(plan.halt.end) - 1, size=size)


def _in_time(rows: list[tuple[float, int, Special]]) -> Specials:
    rows.sort()
    seconds, symbol, code = zip(*rows, strict=True)
    return Specials(np.array(seconds), np.array(symbol, np.int32), np.array(code, np.int8))


def _instruments(symbols: int) -> tuple[Instrument, ...]:
    digits = max(2, len(str(symbols)))
    group = [Instrument(index=number, symbol=f"G{number + 1:0{digits}d}", venue=VENUE, market_group=VENUE) for number in range(symbols)]
    index = Instrument(
        index=symbols,
        symbol=INDEX_SYMBOL,
        venue=VENUE,
        kind=InstrumentKind.INDEX,
        market_group=VENUE,
        bars_from_trades=True,
    )
    return (*group, index)
