"""What sessions of one version did, measured for a promotion: days, fills, rejects, drift, trips, slippage, drawdown. Nothing is judged.

Slippage is what an order was filled at against what the simulated venue fills the same order at. It is weighted by the quantity that both
filled; positive is worse. Where the simulator fills fewer than half of the orders that were filled, slippage is not known.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Final, NamedTuple, final

from tidegate.analytics.collect import Collector, Run
from tidegate.analytics.orders import OrderRow
from tidegate.analytics.slices import valuations
from tidegate.config.promotion import Measured, StrategyMeasured
from tidegate.events.acts import DifferenceFound, GateChanged, RiskDecision
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import GateSet
from tidegate.events.session import SessionOpened
from tidegate.values.enums import GateState, OrderState, Resolution
from tidegate.values.time import utc_date

RULE: Final = "rule:"
_BPS: Final = 10_000
_HUNDREDTH: Final = Decimal("0.01")


class Filled(NamedTuple):
    """What was filled of an order: the quantity, and the sum of quantity times price over its fills."""

    quantity_nanos: int
    cost_square_nanos: int


Simulate = Callable[[Run], Mapping[str, Filled]]
"""Returns what the simulated venue fills of a run's orders, by client order id."""


@final
@dataclass(slots=True)
class _Part:
    """What is counted of one strategy."""

    days_decided: set[date] = field(default_factory=set)
    days_filled: set[date] = field(default_factory=set)
    decisions: int = 0
    orders: int = 0
    rejected: int = 0
    fills: int = 0
    filled: int = 0  # orders
    compared: int = 0  # of these, filled by the simulator too
    cost: Fraction = Fraction(0)  # nanos x nanos: worse than the simulator's
    base: Fraction = Fraction(0)  # the same, at the simulator's price


@final
class Measuring:
    """Takes one session after the other, in the order of their log, and says what they show together."""

    def __init__(self, version_sha256: str) -> None:
        self._version: Final = version_sha256
        self._parts: Final[defaultdict[str, _Part]] = defaultdict(_Part)
        self._sessions: Final[list[str]] = []
        self._modes: Final[set[str]] = set()
        self._equity: Final[list[int]] = []
        self._drift = self._trips = 0

    def session(self, opening: SessionOpened, entries: Iterable[tuple[int, int, AnyMessage]], simulate: Simulate) -> None:
        """Take a session's inputs and acts, in the order of the log, and have its orders simulated."""
        collector = Collector()
        for n, k, message in entries:
            collector.act(n, k, message)
            if isinstance(message, DifferenceFound):
                self._drift += message.resolution is not Resolution.TAKEN_IN
            elif isinstance(message, GateChanged | GateSet):
                self._trips += _is_trip(message)
        self._sessions.append(opening.session_id)
        self._modes.add(opening.mode)
        self._take(collector.run(opening), simulate)

    def measured(self) -> Measured:
        """Return what was seen so far."""
        return Measured(
            version_sha256=self._version,
            sessions=tuple(self._sessions),
            modes=tuple(sorted(self._modes)),
            strategies=tuple(_measured(name, self._parts[name]) for name in sorted(self._parts)),
            drift_findings=self._drift,
            trips=self._trips,
            drawdown_bps=drawdown_bps(self._equity),
        )

    def _take(self, run: Run, simulate: Simulate) -> None:
        simulated = simulate(run) if any(row.fills for row in run.order_rows) else {}
        for entry in run.entries:
            if isinstance(entry.message, RiskDecision) and entry.message.strategy_id:
                part = self._parts[entry.message.strategy_id]
                part.decisions += 1
                part.days_decided.add(utc_date(entry.message.timestamp))
        for row in run.order_rows:
            if row.was_sent and row.command.strategy_id:
                _count(self._parts[row.command.strategy_id], row, simulated.get(row.client_order_id))
        self._equity.extend(value for _, value in valuations(run))


def drawdown_bps(values: Sequence[int]) -> int | None:
    """Return the deepest fall in basis points of the peak it fell from, rounded up; None where there is no positive peak.

    In dollars another fall may be the deepest: half of little is less than a tenth of much.
    """
    peaks = accumulate(values, max)
    return max((-((value - peak) * _BPS // peak) for value, peak in zip(values, peaks, strict=True) if peak > 0), default=None)


def slippage_bps(cost: Fraction, base: Fraction) -> str:
    """Return a cost as decimal basis points of its base, rounded up to hundredths; empty without a base."""
    if not base:
        return ""
    exact = cost * _BPS / base
    return str((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_HUNDREDTH, rounding=ROUND_CEILING))


def _count(part: _Part, row: OrderRow, simulated: Filled | None) -> None:
    part.orders += 1
    part.rejected += row.state is OrderState.REJECTED
    part.fills += len(row.fills)
    part.days_filled |= {utc_date(fill.timestamp_ns) for fill in row.fills}
    if not row.filled_nanos:
        return
    part.filled += 1
    if simulated is None:
        return
    part.compared += 1
    both = min(row.filled_nanos, simulated.quantity_nanos)
    ours = Fraction(sum(fill.price_nanos * fill.quantity_nanos for fill in row.fills), row.filled_nanos)
    theirs = Fraction(simulated.cost_square_nanos, simulated.quantity_nanos)
    part.cost += row.command.side.sign * (ours - theirs) * both
    part.base += theirs * both


def _is_trip(message: GateChanged | GateSet) -> bool:
    """Tell whether a rule closed a gate, or anybody halted one."""
    after = message.after if isinstance(message, GateChanged) else message.state
    return after is GateState.HALTED or (after is not GateState.ACTIVE and message.actor.startswith(RULE))


def _measured(name: str, part: _Part) -> StrategyMeasured:
    return StrategyMeasured(
        strategy_id=name,
        days_decided=len(part.days_decided),
        days_filled=len(part.days_filled),
        decisions=part.decisions,
        orders=part.orders,
        rejected=part.rejected,
        fills=part.fills,
        orders_filled=part.filled,
        orders_compared=part.compared,
        slippage_bps=slippage_bps(part.cost, part.base) if 2 * part.compared >= part.filled else "",
    )
