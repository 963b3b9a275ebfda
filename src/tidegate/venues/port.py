"""What the trader asks of a venue and hears from it: the only face that service, simulation and emulators see.

A venue answers in these words or raises one of three of `venues.errors`, or their leaves: Unreachable (nothing was sent, or a
read was lost), Declined (refused) or OutcomeUnsure (sent, no answer). Times are int64 ns UTC, prices and quantities nanos,
money exact decimal text; 0 or "" means "none" unless a field says otherwise. A word of the venue that is in no table of ours
never becomes a guess: the value says so in `doubts`, and an order's state is then UNKNOWN.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import InstrumentKind, OrderState, OrderType, Side


class Urgency(IntEnum):
    """Who goes first when requests must wait. Only FLATTEN (cancels and liquidation) may use the reserve."""

    FLATTEN = 0
    EXIT = 1
    ENTRY = 2
    READ = 3


class OrderClass(StrEnum):
    """Whether an order stands alone or leads others."""

    SIMPLE = "simple"
    BRACKET = "bracket"  # an entry that brings a take-profit and a stop
    OCO = "oco"  # take-profit and stop of a position: one ends the other
    OTO = "oto"  # an entry that brings one exit
    MULTI_LEG = "mleg"


class Lifetime(StrEnum):
    """How long an order lives at a venue: `values.TimeInForce` and the two auctions, in the same words."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPEN = "opg"
    CLOSE = "cls"


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as a venue shows it.

    A multi-leg parent has no symbol and no side; its average price is the signed net of one unit. `quantity_nanos` is
    None for an order placed by notional. The average price is rounded to a nano: for screens, never for money.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side | None
    state: OrderState
    word: str  # the venue's own status
    order_class: OrderClass = OrderClass.SIMPLE
    order_type: OrderType | None = None
    lifetime: Lifetime | None = None
    extended_hours: bool = False
    quantity_nanos: int | None = None
    notional_usd: str = ""
    filled_nanos: int = 0
    average_price_nanos: int = 0
    limit_price_nanos: int = 0
    stop_price_nanos: int = 0
    trail_nanos: int = 0
    trail_percent: str = ""
    high_water_nanos: int = 0
    created_ns: int = 0
    submitted_ns: int = 0
    updated_ns: int = 0
    filled_ns: int = 0
    ended_ns: int = 0  # canceled, expired, failed or replaced
    expires_ns: int = 0  # when the venue itself will end it
    replaces: str = ""  # venue order id
    replaced_by: str = ""  # venue order id
    legs: tuple["VenueOrder", ...] = ()
    doubts: tuple[str, ...] = ()  # fields whose word or number was not understood, each as `field=word`

    @property
    def working(self) -> bool:
        """Tell whether it can still fill, as far as the venue's word is understood."""
        return self.state in {OrderState.ACCEPTED, OrderState.PARTIAL, OrderState.UNKNOWN}

    @property
    def rest_nanos(self) -> int:
        """Return what may still fill; 0 when it has ended or its size is not known in shares."""
        return max(0, self.quantity_nanos - self.filled_nanos) if self.working and self.quantity_nanos else 0


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says we hold of one symbol; a short is negative. Values that hang on prices may be missing ("")."""

    symbol: str
    quantity_nanos: int
    available_nanos: int  # what no open order or collateral holds back
    average_price_nanos: int
    cost_basis_usd: str
    market_value_usd: str = ""
    price_nanos: int = 0
    kind: InstrumentKind | None = None
    asset_id: str = ""
    doubts: tuple[str, ...] = ()


class VenueAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Money and permissions. Amounts the venue left out are "".

    `blocks` lists why it would refuse every order; that a person has suspended trading there stands apart, since we do that ourselves.
    """

    account_id: str
    status: str
    blocks: tuple[str, ...]
    currency: str = "USD"
    cash_usd: str = ""
    equity_usd: str = ""
    last_equity_usd: str = ""
    buying_power_usd: str = ""
    options_buying_power_usd: str = ""
    initial_margin_usd: str = ""
    maintenance_margin_usd: str = ""
    multiplier: str = ""
    shorting_enabled: bool = False
    options_level: int = 0
    suspended_by_user: bool = False
    pattern_day_trader: bool | None = None  # None: the venue's rule of that name is gone
    day_trades: int | None = None
    doubts: tuple[str, ...] = ()


class VenueExecution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill. `client_order_id` is "" where the venue's history does not tell it: match by venue order id."""

    execution_id: str
    venue_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity_nanos: int
    price_nanos: int
    cum_quantity_nanos: int
    ts_ns: int
    fee_usd: str = "0"


class CancelResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one order in a cancel-all: whether the request was taken (not yet that it is canceled)."""

    venue_order_id: str
    taken: bool
    words: str = ""


class VenueClock(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's own time and whether it is open."""

    now_ns: int
    is_open: bool
    next_open_ns: int
    next_close_ns: int


class TradingDay(msgspec.Struct, frozen=True, kw_only=True):
    """One day's hours, ns UTC; as `events.inputs.SessionChanged` wants them."""

    day: str
    pre_open_ns: int
    open_ns: int
    close_ns: int
    post_close_ns: int
    early_close: bool


class VenueAsset(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says of a thing it lists. Option terms are filled for options only."""

    symbol: str
    asset_id: str
    kind: InstrumentKind | None
    tradable: bool
    name: str = ""
    exchange: str = ""
    shortable: bool = False
    easy_to_borrow: bool | None = None  # None: not said
    marginable: bool = False
    fractionable: bool = False
    attributes: tuple[str, ...] = ()
    underlying: str = ""
    expiry: str = ""
    strike_nanos: int = 0
    right: str = ""
    multiplier: int = 1
    open_interest: int | None = None
    standard: bool = True  # False: an adjusted contract, whose deliverable is not 100 shares
    doubts: tuple[str, ...] = ()


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The account's equity at one time, as the venue remembers it."""

    ts_ns: int
    equity_usd: str


class OrderVenue(Protocol):
    """The verbs of trading. Each may raise Unreachable, Declined or OutcomeUnsure; reads never raise the last."""

    async def submit(self, command: OrderCommand, *, urgency: Urgency = Urgency.ENTRY) -> VenueOrder:
        """Place the order of a SUBMIT command; a duplicate id answers with the order that has it."""

    async def replace(self, command: OrderCommand, *, urgency: Urgency = Urgency.ENTRY) -> VenueOrder:
        """Replace `command.target_id` by the order of the command; return the new one.

        Declined: nothing new exists. The replaced order may have filled meanwhile: read it.
        """

    async def cancel(self, command: OrderCommand) -> None:
        """Ask to cancel `command.target_id` (or its client_order_id). Taken is not canceled: an event says so."""

    async def cancel_all(self) -> list[CancelResult]:
        """Ask to cancel every open order of the account."""

    async def find(self, client_order_id: str, *, venue_order_id: str = "") -> VenueOrder | None:
        """Look an order up completely: by id, then open, closed and fills. None only where all of them answered.

        An order that is not ours may have no client id that we know: it is looked up by the venue's alone.
        """

    async def open_orders(self) -> list[VenueOrder]:
        """Return every order that may still fill, legs that wait included."""

    async def positions(self) -> list[VenuePosition]:
        """Return every position."""

    async def account(self) -> VenueAccount:
        """Return money and permissions."""

    async def executions(self, after_ns: int) -> list[VenueExecution]:
        """Return every fill after a time, oldest first, under our id of its order wherever the venue shows that order.

        A trader that has just started knows few ids of the venue's: a fill without ours would count as somebody else's.
        """

    async def suspend(self, *, on: bool) -> None:
        """Set the venue's own switch that refuses every new order of the account."""

    async def clock(self) -> VenueClock:
        """Return the venue's time."""

    async def calendar(self, first_day: str, last_day: str) -> list[TradingDay]:
        """Return the trading days between two ISO days, both included."""

    async def assets(self, symbols: Sequence[str]) -> dict[str, VenueAsset | None]:
        """Return what the venue lists under each symbol; None: nothing."""


class StreamUp(msgspec.Struct, frozen=True, kw_only=True):
    """A stream is trusted from here on: connected, subscribed, and resynced. `attempt` counts connections."""

    stream: str
    at_ns: int
    attempt: int


class StreamDown(msgspec.Struct, frozen=True, kw_only=True):
    """A stream is not trusted. `final`: it will not come back by itself; a person must act."""

    stream: str
    at_ns: int
    reason: str
    final: bool = False


class Resynced(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue holds as read right before an order stream is trusted again: fold it, then reconcile by it."""

    at_ns: int
    open_orders: tuple[VenueOrder, ...]
    executions: tuple[VenueExecution, ...]
    positions: tuple[VenuePosition, ...]


class OrderNews(msgspec.Struct, frozen=True, kw_only=True):
    """One raw message of an order stream, as evidence, with what it means.

    `events` carry event_id "" and timestamp 0: the sequencer stamps both. Empty with `doubts`: not understood, so log it,
    raise an alert and look the order up.
    """

    payload: bytes
    recv_ns: int
    events: tuple[OrderEvent, ...]
    order: VenueOrder | None
    doubts: tuple[str, ...] = ()


class MarketData(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of market records (`events.records.RECORD`), in the order in which they came."""

    records: NDArray[np.void]


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news about some symbols; none: the market."""

    news_id: str
    symbols: tuple[str, ...]
    title: str
    summary: str
    source: str
    url: str
    ts_ns: int
    recv_ns: int


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """A market message that was not understood, kept out of the market, with why."""

    payload: bytes
    recv_ns: int
    doubt: str


OrderItem: TypeAlias = StreamUp | StreamDown | Resynced | OrderNews
MarketItem: TypeAlias = StreamUp | StreamDown | MarketData | Headline | Quarantined


class OrderStream(Protocol):
    """What happens to our orders, as it happens."""

    def items(self) -> AsyncIterator[OrderItem]:
        """Yield news for ever; ends after a StreamDown that is final, or after `close`."""

    async def close(self) -> None:
        """End the stream and its connection."""


class MarketStream(Protocol):
    """What happens in the market, as it happens."""

    def items(self) -> AsyncIterator[MarketItem]:
        """Yield records for ever; ends after a StreamDown that is final, or after `close`."""

    def subscribe(self, channels: Mapping[str, Sequence[str]]) -> None:
        """Add symbols by channel; takes effect at once if connected, and at each reconnect.

        Raises:
            SubscriptionLimitError: the plan does not allow so many.
        """

    def unsubscribe(self, channels: Mapping[str, Sequence[str]]) -> None:
        """Take symbols off; late data for them may still come."""

    async def close(self) -> None:
        """End the stream and its connection."""
