"""A run in one title and one or two sentences."""

from typing import Final

from tidegate.analytics.collect import Run
from tidegate.analytics.metrics import refusals_by_check
from tidegate.analytics.slices import trading_windows
from tidegate.analytics.wording import date_text, usd_text
from tidegate.events.acts import RiskDecision
from tidegate.values.enums import Verdict
from tidegate.values.money import ATTOS

_NAMES_MAX: Final = 6


def run_title(run: Run) -> str:
    """Return mode and trading day, or the days from first to last."""
    mode = run.opening.mode.capitalize() if run.opening else "Session"
    windows = trading_windows(run)
    if not windows:
        return f"{mode} report"
    first, last = date_text(windows[0][0]), date_text(windows[-1][1])
    return f"{mode} of {first}" if first == last else f"{mode} of {first} to {last}"


def summary(run: Run) -> str:
    """Return who traded what with what result, and what the gate said."""
    return f"{_traded(run)}. {_judged(run)}"


def _traded(run: Run) -> str:
    closed = [trade for trade in run.trade_rows if not trade.is_open]
    if not run.order_rows:
        return "No order was sent"
    strategies = listed(sorted({row.command.strategy_id for row in run.order_rows}))
    symbols = listed(sorted({row.command.symbol for row in run.order_rows}))
    orders = counted(len(run.order_rows), "order")
    if not closed:
        return f"{strategies} sent {orders} in {symbols} and closed no trade"
    net = usd_text(sum(trade.cash_attos for trade in closed) / ATTOS)
    fees = usd_text(sum(trade.fees_attos for trade in closed) / ATTOS)
    trips = counted(len(closed), "round trip")
    return f"{strategies} closed {trips} in {symbols} with {orders}: {net} net after {fees} of fees"


def _judged(run: Run) -> str:
    verdicts = [message.verdict for _, _, message in run.entries if isinstance(message, RiskDecision)]
    refused = verdicts.count(Verdict.REFUSED)
    if not verdicts:
        return "No intent reached the gate."
    if not refused:
        return f"The gate refused none of {counted(len(verdicts), 'intent')}."
    top = refusals_by_check(run).sort("deciding", "check", descending=[True, False])["check"][0]
    return f"The gate refused {refused:,} of {counted(len(verdicts), 'intent')}, most often for {top}."


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it should be."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: list[str]) -> str:
    """Return names as a list in words, shortened when long."""
    if len(names) > _NAMES_MAX:
        return f"{', '.join(names[: _NAMES_MAX - 1])} and {len(names) - _NAMES_MAX + 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
