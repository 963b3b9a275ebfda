"""A strategy in plain Python, asked once a minute: buys after rising closes, sells after a falling one.

What it remembers is its State: the engine keeps it, logs each change, and gives it back after a restart.
"""

import msgspec

from tidegate.strategies.plan import ExitRule, Plan, SizingRule, Subscription, bps
from tidegate.strategies.strategy import Attention, Intent, Nothing, View
from tidegate.values.enums import Purpose, Side
from tidegate.values.time import HOUR_NS

NAME = "minute_bars"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    rising: int = 3  # so many closes in a row, each above the one before
    stop_bps: float = 30.0  # stop loss, in hundredths of a percent of the price
    notional_usd: float = 5_000.0  # an entry is never larger


class Closes(msgspec.Struct, frozen=True):
    """The last closes of one symbol, oldest first."""

    symbol: str
    prices: tuple[float, ...]


class State(msgspec.Struct, frozen=True):
    """One strategy watches several symbols, so it remembers each."""

    seen: tuple[Closes, ...] = ()


def plan(params: Params) -> Plan:
    """Ask at every minute bar; the stop and an hour at most are the engine's to watch."""
    return Plan(
        signal=f"{params.rising} rising minute closes",
        subscribe=Subscription(minute_bars=True),
        exits=ExitRule(stop=bps(params.stop_bps), time_stop_ns=HOUR_NS),
        sizing=SizingRule(risk_bps=2.0, notional_usd_max=params.notional_usd),
        do_nothing=("the closes do not all rise", "the features are not warm"),
    )


def decide(view: View, state: State, attention: Attention) -> tuple[State, Intent | Nothing]:
    """Remember the close, then say what the last ones mean."""
    if view.bar is None:
        return state, Nothing(reason=f"only minute bars are followed, not a {attention.kind.value}")
    others = tuple(part for part in state.seen if part.symbol != view.symbol)
    known = next((part.prices for part in state.seen if part.symbol == view.symbol), ())
    prices = (*known, view.bar.close)[-1 - view.params.rising :]
    state = State(seen=(*others, Closes(symbol=view.symbol, prices=prices)))
    return state, _answer(view, prices)


def _answer(view: View, prices: tuple[float, ...]) -> Intent | Nothing:
    steps = [prices[i + 1] - prices[i] for i in range(len(prices) - 1)]
    if view.position > 0.0:
        if steps and steps[-1] < 0.0:
            reason = f"close {prices[-1]:.2f} is below {prices[-2]:.2f}"
            return Intent(side=Side.SELL, purpose=Purpose.EXIT, reason=reason)
        return Nothing(reason="the rise goes on")
    if view.features.features_valid and len(steps) == view.params.rising and min(steps) > 0.0:
        reason = f"{len(steps)} rising closes, from {prices[0]:.2f} to {prices[-1]:.2f}"
        return Intent(side=Side.BUY, reason=reason)
    return Nothing(reason="the closes do not all rise")
