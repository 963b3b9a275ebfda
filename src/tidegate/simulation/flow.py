"""The ordinary flow of events: when something happens, to which symbol, and whether it is a quote or a trade.

Events come in bursts: some arrive by themselves, at the pace of the day and of the regime, and each draws
others behind it within milliseconds. Silent windows stay silent: what would fall into a halt happens to
another symbol.
"""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tidegate.simulation.latent import SESSION_SECONDS, Floats
from tidegate.simulation.plan import Plan, Special, Specials

_OWN_SHARE: Final = 0.12  # of all events arrive by themselves
_ECHO_SECONDS: Final = 0.03  # mean delay of what they draw behind them
_ECHO_SIGMA: Final = 1.1  # spread of how much each draws: most little, a few a flood


class Flow(NamedTuple):
    """Events in order of time, ordinary and special."""

    seconds: Floats  # of the session
    symbol: NDArray[np.int32]
    is_trade: NDArray[np.bool_]
    special: NDArray[np.int8]

    def in_order(self, order: NDArray[np.intp]) -> Self:
        """Return the events at these places."""
        return self._replace(
            seconds=self.seconds[order],
            symbol=self.symbol[order],
            is_trade=self.is_trade[order],
            special=self.special[order],
        )


class Pace(NamedTuple):
    """How many of all ordinary events lie before each second, as a share; both ends included."""

    share: Floats

    def second_at(self, share: Floats) -> Floats:
        """Return the times at which these shares of the events are reached."""
        return np.asarray(np.interp(share, self.share, np.arange(SESSION_SECONDS + 1)))


def make_pace(activity: Floats, plan: Plan) -> Pace:
    """Return the pace of a day, with nothing in the outage."""
    active = activity.copy()
    active[int(plan.outage.start) : int(plan.outage.end) + 1] = 0.0
    total = np.concatenate(([0.0], np.cumsum(active)))
    return Pace(total / total[-1])


def make_flow(rng: Generator, plan: Plan, pace: Pace, *, count: int, shares: tuple[float, float]) -> Flow:
    """Return the events of a stretch of the day.

    Args:
        rng: where chance comes from.
        plan: symbols and silent windows.
        pace: of the day.
        count: how many ordinary events.
        shares: which stretch, as shares of the day's events; special records of it come on top.
    """
    edges = pace.second_at(np.array(shares))
    own = pace.second_at(rng.uniform(*shares, max(1, int(count * _OWN_SHARE))))
    seconds, symbol = _with_echoes(rng, plan, own, count=count, end=float(edges[1]))
    symbol = _silenced(seconds, symbol, plan)
    is_trade = rng.random(count) < plan.trade_share[symbol]
    special = _specials_between(plan, edges, is_last=shares[1] >= 1.0)
    seconds = np.concatenate((seconds, special.seconds))
    nothing = np.full(count, Special.NONE, np.int8)
    flow = Flow(
        seconds,
        np.concatenate((symbol, special.symbol)),
        np.concatenate((is_trade, np.zeros(len(special.seconds), np.bool_))),
        np.concatenate((nothing, special.code)),
    )
    return flow.in_order(np.argsort(seconds, kind="stable"))


def _with_echoes(rng: Generator, plan: Plan, own: Floats, *, count: int, end: float) -> tuple[Floats, NDArray[np.int32]]:
    """Return times and symbols of events that came by themselves and of those that these drew after them."""
    own_symbol = rng.choice(len(plan.weights), size=len(own), p=plan.weights).astype(np.int32)
    pull = np.cumsum(rng.lognormal(0.0, _ECHO_SIGMA, len(own)))
    cause = np.searchsorted(pull, rng.random(count - len(own)) * pull[-1], side="right")
    echo = own[cause] + rng.exponential(_ECHO_SECONDS, len(cause))
    silent = (own[cause] < plan.outage.start) & (echo >= plan.outage.start)
    echo = np.where((echo >= end) | silent, own[cause], echo)
    return np.concatenate((own, echo)), np.concatenate((own_symbol, own_symbol[cause]))


def _silenced(seconds: Floats, symbol: NDArray[np.int32], plan: Plan) -> NDArray[np.int32]:
    for window in (plan.halt, plan.gap):
        inside = (symbol == window.symbol) & (seconds >= window.start) & (seconds <= window.end)
        symbol = np.where(inside, (symbol + 1) % len(plan.weights), symbol).astype(np.int32)
    return symbol


def _specials_between(plan: Plan, edges: Floats, *, is_last: bool) -> Specials:
    first, last = np.searchsorted(plan.specials.seconds, edges)
    part = slice(first, None if is_last else last)
    return Specials(plan.specials.seconds[part], plan.specials.symbol[part], plan.specials.code[part])
