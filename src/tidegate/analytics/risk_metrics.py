"""What was risked and what the gate said (C2.3), one function a metric; the docstring is its definition.

None is "not known or not defined", never zero.
"""

from itertools import accumulate

from tidegate.analytics import curves
from tidegate.analytics.curves import share
from tidegate.analytics.slices import Slice
from tidegate.analytics.strategy_metrics import average_loss_usd
from tidegate.analytics.trades import Trade
from tidegate.values.enums import ExitReason, Verdict
from tidegate.values.money import NANOS
from tidegate.values.time import MINUTE_NS

STOP_OUT_GAP_NS = 15 * MINUTE_NS
STOP_OUT_CLUSTER_MIN = 3
TAIL_FACTOR = 2.0


def exposure_share(part: Slice) -> float | None:
    """Time with a position in the group over trading time; overlapping positions count once.

    Trading time is the told trading hours within the run, or the whole run where none were told.
    """
    if not part.windows:
        return None
    end = part.windows[-1][1]
    held = [(trade.entry_ns, trade.exit_ns or max(end, trade.entry_ns)) for trade in part.trades + part.open_trades]
    return share(curves.overlap_ns(held, part.windows), curves.length_ns(part.windows))


def exposure_peak_usd(part: Slice) -> float | None:
    """Largest sum over trades held at once of entry price times largest quantity times multiplier."""
    steps: list[tuple[int, float]] = []
    for trade in part.trades + part.open_trades:
        value = trade.entry_price_nanos / NANOS * trade.peak_quantity_nanos / NANOS * trade.multiplier
        steps.append((trade.entry_ns, value))
        if trade.exit_ns is not None:
            steps.append((trade.exit_ns, -value))
    return max(accumulate(value for _, value in sorted(steps)), default=None)


def tail_loss_rate(part: Slice) -> float | None:
    """Closed trades that lost more than twice the average loss, over all closed trades."""
    average = average_loss_usd(part)
    if not part.nets:
        return None
    return 0.0 if average is None else share(sum(net < TAIL_FACTOR * average for net in part.nets), len(part.nets))


def worst_trade_usd(part: Slice) -> float | None:
    """The lowest net result of a closed trade."""
    return min(part.nets, default=None)


def stop_outs(part: Slice) -> int:
    """Closed trades that left by their stop loss, or by a trailing stop at a loss."""
    return len(_stopped(part))


def stop_out_clusters(part: Slice) -> int:
    """Chains of at least 3 stop-outs in the group, each within 15 minutes of the last."""
    return len(_clusters(part))


def stop_out_cluster_largest(part: Slice) -> int | None:
    """Stop-outs in the longest such chain; null without one."""
    return max(_clusters(part), default=None)


def decisions(part: Slice) -> int:
    """Verdicts of the gate."""
    return len(part.decisions)


def refused(part: Slice) -> int:
    """Verdicts that were Refused."""
    return sum(decision.verdict is Verdict.REFUSED for decision in part.decisions)


def refusal_rate(part: Slice) -> float | None:
    """Refused over judged."""
    return share(refused(part), len(part.decisions))


def masked_triggers(part: Slice) -> int | None:
    """Triggers that fired but were masked: ineligible regime, cooldown, window, disarmed.

    Null where nobody counted.
    """
    return part.masked


def _stopped(part: Slice) -> list[Trade]:
    """Stopped by the stop loss, or by a trailing stop at a loss."""
    return [
        trade
        for trade in part.trades
        if trade.exit_reason is ExitReason.STOP_LOSS or (trade.exit_reason is ExitReason.TRAILING_STOP and trade.cash_attos < 0)
    ]


def _clusters(part: Slice) -> list[int]:
    moments = [trade.exit_ns for trade in _stopped(part) if trade.exit_ns is not None]
    return curves.clusters(moments, gap_ns=STOP_OUT_GAP_NS, size_min=STOP_OUT_CLUSTER_MIN)
