"""How the simulated venue behaves where venues differ. Part of a session's configuration, so part of its identity."""

from enum import StrEnum
from itertools import pairwise

import msgspec

from tidegate.values.errors import TidegateError


class BadSimSettingsError(TidegateError):
    """The simulator cannot run with these settings or tapes."""


class OutsideHours(StrEnum):
    """What happens to an order that arrives while the venue is closed."""

    REJECT = "reject"
    QUEUE = "queue"  # it waits for the next session; immediate orders are canceled


class ReplaceQuantity(StrEnum):
    """What the quantity of a replacement means."""

    REST = "rest"  # what it may fill itself, whatever the original has filled by then
    TOTAL = "total"  # what both may fill: the original's fills are taken off it


class Acknowledge(StrEnum):
    """Which orders the venue acknowledges before it says what became of them."""

    ALWAYS = "always"
    RESTING = "resting"  # an order that ends on arrival is answered by its end alone


class TradingHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trading session on venue time, ns UTC: orders match from open_ns until just before close_ns."""

    open_ns: int
    close_ns: int


class SimSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """hours empty: always open, and day orders never expire. orders_max is how many may be open at once."""

    hours: tuple[TradingHours, ...] = ()
    outside_hours: OutsideHours = OutsideHours.QUEUE
    acknowledge: Acknowledge = Acknowledge.ALWAYS
    short_selling: bool = True
    buy_stop_collar: bool = True  # a buy stop becomes a stop-limit above its stop, as Alpaca does it
    replace_quantity: ReplaceQuantity = ReplaceQuantity.TOTAL
    orders_max: int = 1_024

    def check(self) -> None:
        """Refuse hours that overlap or go backwards, and a venue without room for an order.

        Raises:
            BadSimSettingsError: see above.
        """
        for hours in self.hours:
            if not 0 <= hours.open_ns < hours.close_ns:
                raise BadSimSettingsError(f"A trading session opens at {hours.open_ns} and closes at {hours.close_ns}; swap them.")
        for earlier, later in pairwise(self.hours):
            if later.open_ns < earlier.close_ns:
                raise BadSimSettingsError("Trading sessions overlap or are out of order; list them by day.")
        if not 1 <= self.orders_max <= 1_000_000:  # noqa: PLR2004 - rows are allocated at once
            raise BadSimSettingsError(f"orders_max is {self.orders_max}; allow between 1 and 1,000,000 open orders.")
