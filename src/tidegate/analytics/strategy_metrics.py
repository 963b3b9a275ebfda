"""How well a strategy did (C2.1), one function a metric; the docstring is its definition.

None is "not known or not defined", never zero.
"""

from itertools import accumulate
from statistics import fmean, stdev

from tidegate.analytics import curves
from tidegate.analytics.curves import mean, middle, share
from tidegate.analytics.slices import Slice
from tidegate.values.money import ATTOS
from tidegate.values.time import SECOND_NS

_SAMPLES_MIN = 2


def trades(part: Slice) -> int:
    """Round trips from flat to flat, per strategy and symbol.

    What was held when the session began counts from there on, at its cost basis. Regime rows file a
    trade under the symbol's regime at its first entry.
    """
    return len(part.trades)


def open_trades(part: Slice) -> int:
    """Round trips not yet back at flat when the run ended; in no other figure but exposure."""
    return len(part.open_trades)


def gross_usd(part: Slice) -> float | None:
    """Exit value less entry value of closed trades (sign turned for shorts), before fees."""
    return sum(trade.cash_attos + trade.fees_attos for trade in part.trades) / ATTOS if part.trades else None


def fees_usd(part: Slice) -> float | None:
    """Fees and rebates of all fills of closed trades."""
    return sum(trade.fees_attos for trade in part.trades) / ATTOS if part.trades else None


def net_usd(part: Slice) -> float | None:
    """Gross result less fees of closed trades; exact, then shown as a float."""
    return sum(trade.cash_attos for trade in part.trades) / ATTOS if part.trades else None


def win_rate(part: Slice) -> float | None:
    """Closed trades with a net result above zero, over all closed trades."""
    return share(sum(net > 0 for net in part.nets), len(part.nets))


def average_win_usd(part: Slice) -> float | None:
    """Mean net result of trades above zero."""
    return mean(net for net in part.nets if net > 0)


def average_loss_usd(part: Slice) -> float | None:
    """Mean net result of trades below zero (a negative number)."""
    return mean(net for net in part.nets if net < 0)


def expectancy_usd(part: Slice) -> float | None:
    """Mean net result of all closed trades."""
    return mean(part.nets)


def profit_factor(part: Slice) -> float | None:
    """Sum of winning results over the absolute sum of losing ones; null without a loss."""
    lost = -sum(net for net in part.nets if net < 0)
    return sum(net for net in part.nets if net > 0) / lost if lost else None


def average_r(part: Slice) -> float | None:
    """Mean of net result over planned risk; trades without a planned stop are left out.

    Planned risk is the first entry's stop distance times the largest quantity held.
    """
    return mean(trade.r_multiple for trade in part.trades if trade.r_multiple is not None)


def sharpe(part: Slice) -> float | None:
    """Annualized Sharpe ratio of account equity; total only.

    Mean over sample standard deviation of simple returns, times the square root of samples a year,
    without a risk-free rate. Valuations within trading time are sampled per UTC day (252 a year)
    when valuations touch at least 20 days, else every 5 minutes (252 x 78 a year; an overnight gap
    is one sample). Null with fewer than two returns or no variance. Over a single day it describes
    the path, it does not forecast.
    """
    found = curves.sharpe(part.traded_equity) if part.traded_equity else None
    return found.ratio if found else None


def sharpe_per_trade(part: Slice) -> float | None:
    """Mean over sample standard deviation of net results of closed trades, not annualized.

    Null with fewer than two trades or no variance.
    """
    if len(part.nets) < _SAMPLES_MIN or (spread := stdev(part.nets)) == 0.0:
        return None
    return fmean(part.nets) / spread


def max_drawdown_usd(part: Slice) -> float | None:
    """Deepest fall of account equity from its running peak over all valuations, open positions included.

    Total only.
    """
    found = curves.max_drawdown([value for _, value in part.equity]) if part.equity else None
    return found.amount / ATTOS if found else None


def max_drawdown_percent(part: Slice) -> float | None:
    """The same fall in percent of the peak it fell from. Total only."""
    found = curves.max_drawdown([value for _, value in part.equity]) if part.equity else None
    return found.share * 100.0 if found and found.share is not None else None


def max_drawdown_closed_usd(part: Slice) -> float | None:
    """Deepest fall of the summed net results of closed trades from their running peak.

    Trades count at their exit; the peak starts at zero.
    """
    if not part.trades:
        return None
    found = curves.max_drawdown(list(accumulate((trade.cash_attos for trade in part.trades), initial=0)))
    return found.amount / ATTOS if found else None


def mae_mean_bps(part: Slice) -> float | None:
    """Mean maximum adverse excursion: the worst move against the trade while it was held, never above zero.

    Measured from the average entry price to the side of the book one would leave by (bid for longs, ask
    for shorts), between first entry and last exit. Null where no tape was at hand.
    """
    return mean(trade.excursions_bps[0] for trade in part.trades if trade.excursions_bps is not None)


def mfe_mean_bps(part: Slice) -> float | None:
    """Mean maximum favorable excursion, measured like MAE, never below zero."""
    return mean(trade.excursions_bps[1] for trade in part.trades if trade.excursions_bps is not None)


def mae_worst_bps(part: Slice) -> float | None:
    """The most adverse excursion of any closed trade."""
    return min((trade.excursions_bps[0] for trade in part.trades if trade.excursions_bps is not None), default=None)


def hold_median_seconds(part: Slice) -> float | None:
    """Median time from first entry to last exit of closed trades, by venue time."""
    return middle(trade.hold_ns / SECOND_NS for trade in part.trades if trade.hold_ns is not None)
