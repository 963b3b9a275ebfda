"""What nobody sees of a generated market: regimes, prices and spreads on a grid of seconds.

A hidden Markov chain moves the whole market between chop, trend and volatility expansion; each symbol has a
chain of its own on top. Returns are a market factor times beta plus the symbol's own part. All of it is made
before the first event, so that the events can be made block by block.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tidegate.values.enums import Regime

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

SESSION_SECONDS: Final = 23_400

# Hidden states, in the order of the tables below.
STATES: Final = (Regime.CHOP, Regime.TREND, Regime.VOL_EXPANSION)
_DWELL_SECONDS: Final = (1_200.0, 900.0, 300.0)
_NEXT: Final = ((0.0, 0.7, 0.3), (0.75, 0.0, 0.25), (0.6, 0.4, 0.0))
_VOLATILITY: Final = np.array([0.7, 1.0, 2.4])
_ACTIVITY: Final = np.array([0.8, 1.1, 2.2])
_SPREAD: Final = np.array([1.0, 1.05, 1.7])
_DRIFT: Final = np.array([0.0, 0.06, 0.0])  # in units of the second's volatility; its sign is the trend's
_GOES_ON: Final = np.array([0.15, 0.35, 0.35])  # how much of a second's move the next one repeats

_SECOND_VOLATILITY: Final = 3.4e-5  # of the market factor and, alike, of a symbol's own part
_MEMORY_SECONDS: Final = 90  # of the spread's wandering


class Chain(NamedTuple):
    """A hidden state for each second, and the direction of its trend."""

    state: NDArray[np.int8]
    direction: NDArray[np.int8]


class Jump(NamedTuple):
    """News: a log return of one symbol within one second."""

    symbol: int
    second: int
    size: float


class Latent(NamedTuple):
    """Row i belongs to symbol i, the last to the index; columns are seconds of the session and its end."""

    log_price: Floats
    log_spread: NDArray[np.float32]  # of the spread as a part of the price
    activity: Floats  # of the market, by second


def make_chain(rng: Generator) -> Chain:
    """Return a path through the hidden states that covers the session."""
    state = np.empty(SESSION_SECONDS, np.int8)
    direction = np.empty(SESSION_SECONDS, np.int8)
    now, second = 0, 0
    while second < SESSION_SECONDS:
        until = second + 1 + int(rng.exponential(_DWELL_SECONDS[now]))
        state[second:until] = now
        direction[second:until] = rng.choice((-1, 1))
        now = int(rng.choice(3, p=_NEXT[now]))
        second = until
    return Chain(state, direction)


def make_latent(rng: Generator, *, prices: Floats, jump: Jump) -> Latent:
    """Return the hidden paths of a session.

    Args:
        rng: where chance comes from.
        prices: opening prices in dollars; the last is the index's.
        jump: the news of the day.
    """
    market = make_chain(rng)
    shape = day_shape()
    factor = _returns(rng, market, shape)
    count = len(prices)
    log_price = np.empty((count, SESSION_SECONDS + 1))
    log_spread = np.empty((count, SESSION_SECONDS + 1), np.float32)
    for row in range(count):
        is_index = row == count - 1
        own = make_chain(rng)
        returns = factor.copy() if is_index else rng.uniform(0.7, 1.3) * factor + _returns(rng, own, shape)
        log_price[row, 0] = np.log(prices[row])
        if row == jump.symbol:
            returns[jump.second] += jump.size
        log_price[row, 1:] = log_price[row, 0] + np.cumsum(returns)
        wander = 0.25 * _wandering(rng) + np.log(_SPREAD[market.state] * _SPREAD[own.state]) + 0.15 * np.log(shape)
        log_spread[row, :-1] = wander
        log_spread[row, -1] = wander[-1]
    return Latent(log_price, log_spread, shape * _ACTIVITY[market.state])


def day_shape() -> Floats:
    """Return the activity of each second beside that of noon: busy after the open and before the close."""
    second = np.arange(SESSION_SECONDS)
    return 1.0 + 2.2 * np.exp(-second / 1_500.0) + 1.5 * np.exp((second - SESSION_SECONDS) / 1_200.0)


def _returns(rng: Generator, chain: Chain, shape: Floats) -> Floats:
    noise = rng.standard_normal(SESSION_SECONDS + 1)
    moves = noise[1:] + _GOES_ON[chain.state] * noise[:-1]
    volatility = _SECOND_VOLATILITY * _VOLATILITY[chain.state] * np.sqrt(shape)
    return np.asarray(volatility * (moves + _DRIFT[chain.state] * chain.direction))


def _wandering(rng: Generator) -> Floats:
    """Return a slow stationary series of unit variance: noise seen through a fading window."""
    window = np.exp(-np.arange(4 * _MEMORY_SECONDS) / _MEMORY_SECONDS)
    noise = rng.standard_normal(SESSION_SECONDS + len(window) - 1)
    return np.asarray(np.convolve(noise, window / np.sqrt(np.sum(window * window)), mode="valid"))
