"""An account: cash, positions, activities, configuration, equity over time. Exact integers; no market and no orders in here."""

from collections import deque
from decimal import Decimal
from typing import Final, NamedTuple, final

from tidegate.emulators.alpaca.settings import AccountSettings
from tidegate.emulators.alpaca.wire import Body, iso, new_york, uuid_of
from tidegate.values.enums import Side
from tidegate.values.money import attos, nanos_text

CONFIGURATION: Final[Body] = {
    "suspend_trade": False,
    "no_shorting": False,
    "fractional_trading": True,
    "max_margin_multiplier": "4",
    "max_options_trading_level": 3,
    "trade_confirm_email": "all",
    "ptp_no_exception_entry": False,
    "disable_overnight_trading": False,
}
PAST_MAX: Final = 256
_SAMPLES_MAX: Final = 200_000


class Holding(NamedTuple):
    """A position: signed quantity in nanos, and what was paid for it in attos, of the same sign."""

    quantity_nanos: int = 0
    cost_attos: int = 0
    multiplier: int = 1
    since_ns: int = 0  # tape time of the fill that opened it


class Execution(NamedTuple):
    """One fill, as it goes into the books. `ns` is shown time."""

    id: str
    ns: int
    symbol: str
    side: Side
    quantity_nanos: int
    price_nanos: int
    multiplier: int = 1


@final
class Account:
    """The books of one key."""

    def __init__(self, settings: AccountSettings, *, seed: int, created_ns: int) -> None:
        self.settings: Final = settings
        self.id: Final = uuid_of(seed, settings.key, "account")
        self.number: Final = f"PA{self.id[:10].replace('-', '').upper()}"
        self.created_ns: Final = created_ns
        self.cash_attos = attos(settings.cash_usd)
        self.last_equity_attos = self.cash_attos
        self.positions: dict[str, Holding] = {}
        self.activities: list[Body] = []  # oldest first
        self.configuration: Body = dict(CONFIGURATION)
        self.samples: list[tuple[int, int]] = [(created_ns, self.cash_attos)]  # shown ns, equity in attos
        self._executions = 0
        self._past: deque[dict[str, Holding]] = deque([{}], maxlen=PAST_MAX)  # positions after each of the last fills

    def holding(self, symbol: str) -> Holding:
        """Return a position; an empty one where there is none."""
        return self.positions.get(symbol, _NOTHING)

    def next_execution_id(self, seed: int) -> str:
        """Return the id of the next event or fill."""
        self._executions += 1
        return uuid_of(seed, self.settings.key, "execution", self._executions)

    def book(self, execution: Execution, tape_ns: int) -> None:
        """Take a fill into cash and position."""
        signed = execution.quantity_nanos * execution.side.sign
        worth = signed * execution.price_nanos * execution.multiplier
        self.cash_attos -= worth
        before = self.holding(execution.symbol)
        after = _added(before, signed, worth)
        if after.quantity_nanos:
            opened = before.since_ns if before.quantity_nanos * after.quantity_nanos > 0 else tape_ns
            self.positions[execution.symbol] = after._replace(multiplier=execution.multiplier, since_ns=opened)
        else:
            self.positions.pop(execution.symbol, None)
        self._past.append(dict(self.positions))

    def past(self, fills: int) -> dict[str, Holding]:
        """Return the positions as they were some fills ago."""
        return self.positions if not fills else self._past[max(-fills - 1, -len(self._past))]

    def note_fill(self, execution: Execution, *, order_id: str, left_nanos: int, filled_nanos: int, status: str) -> None:
        """Write a fill down as an activity."""
        self.activities.append(
            {
                "activity_type": "FILL",
                "id": activity_id(execution.ns, execution.id),
                "type": "partial_fill" if left_nanos else "fill",
                "transaction_time": iso(execution.ns),
                "price": nanos_text(execution.price_nanos),
                "qty": nanos_text(execution.quantity_nanos),
                "side": execution.side,
                "symbol": execution.symbol,
                "leaves_qty": nanos_text(left_nanos),
                "cum_qty": nanos_text(filled_nanos),
                "order_id": order_id,
                "order_status": status,
            }
        )

    def sample(self, shown_ns: int, equity_attos: int) -> None:
        """Remember the equity at a time; the oldest are forgotten in the end."""
        self.samples.append((shown_ns, equity_attos))
        if len(self.samples) > _SAMPLES_MAX:
            del self.samples[: _SAMPLES_MAX // 2]


_NOTHING: Final = Holding()


def _added(before: Holding, signed_nanos: int, worth_attos: int) -> Holding:
    """Return a position after a fill: what is closed goes out at its share of the cost, what goes through zero opens anew."""
    quantity = before.quantity_nanos + signed_nanos
    if before.quantity_nanos * signed_nanos >= 0:
        return Holding(quantity, before.cost_attos + worth_attos)
    if before.quantity_nanos * quantity > 0:
        return Holding(quantity, before.cost_attos * quantity // before.quantity_nanos)
    return Holding(quantity, worth_attos * quantity // signed_nanos)


def activity_id(shown_ns: int, unique: str) -> str:
    """Return an activity's id: New York's time to the millisecond, then its own part."""
    return f"{new_york(shown_ns):%Y%m%d%H%M%S}{shown_ns // 1_000_000 % 1_000:03d}::{unique}"


def percent(part: int, whole: int) -> Decimal:
    """Return a ratio; 0 where there is nothing to divide by."""
    return Decimal(part) / abs(whole) if whole else Decimal(0)
