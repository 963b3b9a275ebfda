"""Alpaca's words and what they mean. What stands in no table here is quarantined."""

from collections.abc import Mapping
from typing import Final

from tidegate.values.enums import InstrumentKind, OrderEventKind, OrderState, OrderType, Side
from tidegate.venues.port import Lifetime, OrderClass

SIDES: Final[Mapping[str, Side]] = {
    "buy": Side.BUY,
    "sell": Side.SELL,
    "sell_short": Side.SELL,  # in some fill activities
    "buy_minus": Side.BUY,
    "sell_plus": Side.SELL,
    "sell_short_exempt": Side.SELL,
}
TYPES: Final[Mapping[str, OrderType]] = {kind.value: kind for kind in OrderType}
LIFETIMES: Final[Mapping[str, Lifetime]] = {lifetime.value: lifetime for lifetime in Lifetime}
CLASSES: Final[Mapping[str, OrderClass]] = {kind.value: kind for kind in OrderClass}
KINDS: Final[Mapping[str, InstrumentKind]] = {"us_equity": InstrumentKind.STOCK, "us_option": InstrumentKind.OPTION}

# A request to cancel or replace changes nothing until it is confirmed: such an order works on.
STATES: Final[Mapping[str, OrderState]] = {
    "new": OrderState.ACCEPTED,
    "accepted": OrderState.ACCEPTED,
    "pending_new": OrderState.ACCEPTED,
    "accepted_for_bidding": OrderState.ACCEPTED,
    "held": OrderState.ACCEPTED,  # a leg that waits
    "pending_cancel": OrderState.ACCEPTED,
    "pending_replace": OrderState.ACCEPTED,
    "pending_review": OrderState.ACCEPTED,
    "done_for_day": OrderState.ACCEPTED,  # a gtc order goes on tomorrow
    "stopped": OrderState.ACCEPTED,  # a fill is guaranteed and not yet made
    "suspended": OrderState.ACCEPTED,
    "calculated": OrderState.ACCEPTED,
    "partially_filled": OrderState.PARTIAL,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED,
    "replaced": OrderState.REPLACED,
    "rejected": OrderState.REJECTED,
}

# None: known, and no news about the order's state. `restated` is left out on purpose: the venue changed quantity or
# price by itself, so the update is quarantined and the order must be read again.
EVENTS: Final[Mapping[str, OrderEventKind | None]] = {
    "accepted": OrderEventKind.ACCEPTED,
    "pending_new": OrderEventKind.ACCEPTED,
    "new": OrderEventKind.ACCEPTED,
    "held": OrderEventKind.ACCEPTED,
    "accepted_for_bidding": OrderEventKind.ACCEPTED,
    "partial_fill": OrderEventKind.PARTIALLY_FILLED,
    "fill": OrderEventKind.FILLED,
    "canceled": OrderEventKind.CANCELED,
    "expired": OrderEventKind.EXPIRED,
    "replaced": OrderEventKind.REPLACED,
    "rejected": OrderEventKind.REJECTED,
    "order_cancel_rejected": OrderEventKind.CANCEL_REJECTED,
    "order_replace_rejected": OrderEventKind.REPLACE_REJECTED,
    "trade_bust": OrderEventKind.FILL_BUSTED,
    "trade_correct": OrderEventKind.FILL_CORRECTED,
    "pending_cancel": None,
    "pending_replace": None,
    "pending_review": None,
    "done_for_day": None,
    "stopped": None,
    "suspended": None,
    "calculated": None,
}

FILLS: Final = frozenset({OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED})
TAKEN_BACK: Final = frozenset({OrderEventKind.FILL_BUSTED, OrderEventKind.FILL_CORRECTED})

LISTED: Final = frozenset({"active"})
ACTIVE_ACCOUNT: Final = frozenset({"ACTIVE", "PAPER_ONLY"})
FILL_ACTIVITY: Final = "FILL"
UNDONE: Final = frozenset({"correct", "canceled"})  # states of an activity that takes an earlier one back
