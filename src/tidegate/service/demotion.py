"""Whether a running version still shows what it was promoted for. Pure: it is told orders, findings and equity, and names what fell short.

Reject rate and slippage are a strategy's own, from so many orders on as its criteria ask; drift and drawdown are the account's. Each is
counted from the start of the session.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple, final

from tidegate.config.model import TradingCriteria
from tidegate.config.promotion import reject_rate_bps
from tidegate.oms.order import Order
from tidegate.values.enums import OrderState

_BPS: Final = 10_000


class Breach(NamedTuple):
    """What fell short, of which strategy (empty: of the account), in one sentence with the numbers."""

    strategy_id: str
    reason: str


@final
@dataclass(slots=True)
class _Part:
    """What is counted of one strategy. Money in attos."""

    orders: int = 0
    rejected: int = 0
    cost_attos: int = 0  # paid beyond the reference
    base_attos: int = 0  # at the reference


@final
class Watch:
    """Counts what orders, findings and equity show; each criterion is told once."""

    def __init__(self, criteria: TradingCriteria) -> None:
        self._criteria: Final = criteria
        self._parts: Final[defaultdict[str, _Part]] = defaultdict(_Part)
        self._seen: set[str] | None = None
        self._told: Final[set[tuple[str, str]]] = set()
        self._peak_attos: int | None = None

    def look(self, finished: Sequence[Order], drift_findings: int, equity_attos: int | None) -> list[Breach]:
        """Return what falls short since the last look.

        Args:
            finished: orders that finished lately; those of the first look ended before this session and do not count.
            drift_findings: differences to the venue in this session.
            equity_attos: what the account is worth; None: not known now.
        """
        self._count(finished)
        found = [
            *self._of_account(drift_findings, equity_attos),
            *(breach for name, part in sorted(self._parts.items()) for breach in self._of_strategy(name, part)),
        ]
        return [Breach(name, reason) for criterion, name, reason in found if self._is_new(name, criterion)]

    def _is_new(self, name: str, criterion: str) -> bool:
        if (name, criterion) in self._told:
            return False
        self._told.add((name, criterion))
        return True

    def _count(self, finished: Sequence[Order]) -> None:
        ids = {order.client_order_id for order in finished}
        if self._seen is not None:
            for order in finished:
                if order.client_order_id not in self._seen and order.strategy_id and order.state is not OrderState.NOT_SENT:
                    _add(self._parts[order.strategy_id], order)
        self._seen = ids

    def _of_account(self, drift_findings: int, equity_attos: int | None) -> list[tuple[str, str, str]]:
        asked, found = self._criteria, list[tuple[str, str, str]]()
        if drift_findings > asked.drift_findings_max:
            reason = f"{drift_findings} differences to the venue were found, and {asked.drift_findings_max} are allowed at this stage"
            found.append(("drift", "", reason))
        if equity_attos is None:
            return found
        self._peak_attos = max(equity_attos, equity_attos if self._peak_attos is None else self._peak_attos)
        fall_bps = -(-(self._peak_attos - equity_attos) * _BPS // self._peak_attos) if self._peak_attos > 0 else 0
        if fall_bps > asked.drawdown_bps_max:
            reason = f"the account fell {fall_bps} bps from its peak, and {asked.drawdown_bps_max} are allowed at this stage"
            found.append(("drawdown", "", reason))
        return found

    def _of_strategy(self, name: str, part: _Part) -> list[tuple[str, str, str]]:
        asked, found = self._criteria, list[tuple[str, str, str]]()
        if part.orders < asked.orders_min:
            return found
        rate_bps = reject_rate_bps(part.rejected, part.orders) or 0
        if rate_bps > asked.reject_rate_bps_max:
            reason = (
                f"the venue rejected {part.rejected} of {part.orders} orders ({rate_bps} bps), and {asked.reject_rate_bps_max} bps are "
                "allowed at this stage"
            )
            found.append(("reject_rate", name, reason))
        if part.base_attos and Decimal(part.cost_attos) * _BPS > asked.slippage_bps_max * part.base_attos:
            slipped = (Decimal(part.cost_attos) * _BPS / part.base_attos).quantize(Decimal("0.01"))
            reason = f"fills were {slipped} bps beyond what was decided at, and {asked.slippage_bps_max} are allowed at this stage"
            found.append(("slippage", name, reason))
        return found


def _add(part: _Part, order: Order) -> None:
    part.orders += 1
    part.rejected += order.state is OrderState.REJECTED
    if order.reference_price_nanos and order.filled_nanos:
        reference_attos = order.reference_price_nanos * order.filled_nanos  # nanos x nanos = attos
        part.cost_attos += order.side.sign * (order.filled_cost_attos - reference_attos)
        part.base_attos += reference_attos
