"""One order as a frozen value, and what folding an event gives.

A change, or a finding that somebody must look at.
"""

from enum import StrEnum
from typing import Final

import msgspec

from tidegate.portfolio.positions import Fill
from tidegate.values.enums import (
    ExitReason,
    GateScope,
    GateState,
    OrderState,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
)
from tidegate.values.time import NEVER_NS

# Members of an enum are looked up slowly before Python 3.12.
_UNKNOWN: Final = OrderState.UNKNOWN
_STOP: Final = OrderType.STOP
_EXIT: Final = Purpose.EXIT


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where one order stands. Prices and quantities in nanos, times in ns, money in attos.

    An id left empty is none. An order continued by another (cancel/replace, or a chase after a confirmed
    cancel) is linked both ways; the whole chain may fill no more than `approved_nanos`.
    """

    client_order_id: str
    correlation_id: str
    strategy_id: str
    symbol: str
    venue: str
    side: Side
    purpose: Purpose
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_nanos: int
    limit_price_nanos: int
    submitted_ns: int  # when it was commanded
    begun_ns: int  # when its life began: that of the working order it replaces goes on
    approved_nanos: int  # what the first order of the chain was approved for
    remaining_nanos: int  # what may still fill; 0 when nothing works
    state: OrderState = OrderState.NEW
    working: bool = True  # False once it is proved that nothing of it works
    filled_nanos: int = 0
    filled_cost_attos: int = 0  # unsigned: what the filled quantity cost, without fees
    fees_attos: int = 0
    venue_filled_nanos: int = 0  # the largest running total the venue has told
    called_whole: bool = False  # the venue has called it filled; what it filled of a replacement may be less than our books know yet
    anonymous_nanos: int = 0  # filled by the venue's running total alone, no execution has explained it yet
    anonymous_cost_attos: int = 0
    anonymous_fees_attos: int = 0
    venue_order_id: str = ""
    decision_id: str = ""
    intent_id: str = ""
    stop_price_nanos: int = 0
    trail_nanos: int = 0
    reference_price_nanos: int = 0
    exit_reason: ExitReason = ExitReason.NONE
    chain: int = 0
    predecessor_id: str = ""
    successor_id: str = ""
    valid_until_ns: int = NEVER_NS
    event_ns: int = 0  # when it was last heard of
    partial_ns: int = 0  # when it first filled in part; 0: never
    unknown_ns: int = 0  # since when something about it is in doubt; 0: nothing is
    lookup_ns: int = 0  # when it was last asked after
    looked_ns: int = 0  # when its price was last laid beside the market; 0: never
    missed_ns: int = 0  # when a lookup that counts last missed it
    lookups_missed: int = 0
    cancel_wanted: bool = False
    cancel_ns: int = 0  # when its cancel was last commanded; 0: none is in flight
    cancels_refused: int = 0
    chase_open: bool = False  # the rest may be asked for again once this order is done
    external: bool = False  # not ours: seen at the venue and adopted

    @property
    def unknown(self) -> bool:
        """The outcome of its submission is not proved."""
        return self.state is _UNKNOWN

    @property
    def is_protective(self) -> bool:
        """A stop that rests at the venue for the sake of a position: the only stops that exits are sent as."""
        return self.order_type is _STOP and self.purpose is _EXIT

    @property
    def price_nanos(self) -> int:
        """The price its size is valued at while no fill tells better.

        Limit, stop, or what it was priced against.
        """
        return self.limit_price_nanos or self.stop_price_nanos or self.reference_price_nanos


class Execution(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One execution as it now stands. Quantity 0: busted, and remembered so that its repetition is known."""

    quantity_nanos: int
    price_nanos: int
    fee: str  # exact decimal text as received
    total_nanos: int = 0  # running total it came with; 0: none. No two executions share one


class FindingKind(StrEnum):
    """What can be wrong with what we are told about an order. Each is explained in the manual."""

    ILLEGAL_TRANSITION = "illegal_transition"  # no row of the table allows the word; nothing moved
    MISMATCH = "mismatch"  # symbol or side differ from the order's: taken for a mapping fault, nothing moved
    UNKNOWN_OWN_ORDER = "unknown_own_order"  # an id of our shape, not known: another of us may trade
    EXTERNAL_ORDER = "external_order"  # somebody else's order on this account: adopted and flagged
    OVERFILL = "overfill"  # more filled than was ordered; the fill counts
    CHAIN_OVERFILL = "chain_overfill"  # an order and its replacements may fill more than was approved
    LATE_APPEARANCE = "late_appearance"  # proved absent, refused or unsent, and yet it works
    FILL_WITHOUT_PRICE = "fill_without_price"  # booked at the order's own price until it is told
    UNSEEN_BUST = "unseen_bust"  # an execution we never booked was busted; remembered, nothing to take back
    CORRECTION_WITHOUT_ID = "correction_without_id"  # a correction that names no execution cannot be booked
    DUPLICATE_EXECUTION = "duplicate_execution"  # one execution under two ids: counted once
    LOOKUP_MISSED_WORKING = "lookup_missed_working"  # a complete lookup does not find an order that works
    CANCEL_REFUSED = "cancel_refused"  # the venue keeps refusing to cancel it
    UNKNOWN_INSTRUMENT = "unknown_instrument"  # an event of a symbol that was never defined: cannot be booked


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that does not add up, and the gate it asks to be set (None: only to be told)."""

    kind: FindingKind
    client_order_id: str
    symbol: str
    sentence: str
    scope: GateScope | None = None
    key: str = ""
    state: GateState = GateState.HALTED


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one event did: the order after it, its state before, fills to book, what does not add up."""

    order: Order
    before: OrderState
    fills: tuple[Fill, ...] = ()
    findings: tuple[Finding, ...] = ()
    others: tuple[tuple[Order, OrderState], ...] = ()  # other orders it moved (after, state before): a refused replacement
    note: str = ""
    execution: Execution | None = None  # to be remembered under the event's execution id
