"""The venue of a world: a small matching engine that holds the truth. Its faults are the wire's, not its own; see `wire`."""

from collections.abc import Callable
from typing import Final, final

from msgspec.structs import replace

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.simulation.campaign.market import Market
from tidegate.simulation.campaign.setting import CASH_USD
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState, OrderType, Side, TimeInForce
from tidegate.values.money import ATTOS, NANOS, attos_text
from tidegate.venues.errors import Declined, DeclineReason
from tidegate.venues.port import VenueAccount, VenueExecution, VenueOrder, VenuePosition

_ENDED: Final = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.REPLACED})


@final
class Held:
    """One order at the venue."""

    __slots__ = (
        "client_id",
        "cost",
        "filled",
        "limit",
        "quantity",
        "side",
        "state",
        "stop",
        "successor_id",
        "symbol",
        "tif",
        "updated_ns",
        "venue_id",
    )

    def __init__(self, client_id: str, venue_id: str, symbol: str, side: Side, quantity: int, limit: int, tif: TimeInForce) -> None:  # noqa: PLR0913, PLR0917 - one order's terms
        self.client_id = client_id
        self.venue_id = venue_id
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.limit = limit
        self.tif = tif
        self.filled = 0
        self.cost = 0
        self.stop = 0  # it waits for this price; 0: for none, or no more
        self.state = OrderState.ACCEPTED
        self.successor_id = ""  # our id of the order that replaced it
        self.updated_ns = 0

    @property
    def is_open(self) -> bool:
        """Tell whether it may still fill."""
        return self.state not in _ENDED

    def shown(self) -> VenueOrder:
        """Return it as the venue shows it."""
        return VenueOrder(
            client_order_id=self.client_id,
            venue_order_id=self.venue_id,
            symbol=self.symbol,
            side=self.side,
            state=self.state,
            word=self.state.value,
            quantity_nanos=self.quantity,
            filled_nanos=self.filled,
            average_price_nanos=self.cost // self.filled if self.filled else 0,
            limit_price_nanos=self.limit,
            updated_ns=self.updated_ns,
        )


@final
class Venue:
    """Orders, positions and cash as they are. `tell` gets every frame of the order stream as it comes about."""

    def __init__(self, market: Market, tell: Callable[[OrderEvent], None]) -> None:
        self._market: Final = market
        self._tell: Final = tell
        self.orders: Final[dict[str, Held]] = {}
        self.open: Final[dict[str, Held]] = {}
        self.positions: dict[str, int] = {}
        self.past: Final[list[tuple[int, dict[str, int]]]] = [(0, {})]  # positions as they were from a time on
        self.cash_attos = CASH_USD * ATTOS
        self.executions: Final[list[VenueExecution]] = []
        self.suspended = False
        self.changes = 0  # grows with every change of an order or a position

    # Requests.

    def submit(self, command: OrderCommand, now_ns: int) -> VenueOrder:
        """Place an order; an id that was seen before answers with the order that has it.

        Raises:
            Declined: the venue's switch is set.
        """
        known = self.orders.get(command.client_order_id)
        if known is not None:
            return known.shown()
        if self.suspended:
            raise Declined(DeclineReason.SUSPENDED, "new orders are suspended")
        return self.place(
            command.client_order_id,
            command.symbol,
            command.side,
            command.quantity_nanos,
            0 if command.order_type is OrderType.MARKET else command.limit_price_nanos,
            command.time_in_force,
            stop=command.stop_price_nanos,
            now_ns=now_ns,
        ).shown()

    def place(  # noqa: PLR0913 - one order's terms
        self, client_id: str, symbol: str, side: Side, quantity: int, limit: int, tif: TimeInForce, *, now_ns: int, stop: int = 0
    ) -> Held:
        """Take an order in and match it."""
        order = Held(client_id, f"v{len(self.orders) + 1}", symbol, side, quantity, limit, tif)
        self.orders[client_id or order.venue_id] = self.open[client_id or order.venue_id] = order
        order.updated_ns, order.stop = now_ns, stop
        self.changes += 1
        self._frame(order, OrderEventKind.ACCEPTED, now_ns)
        self._match(order, now_ns)
        if order.is_open and tif is not TimeInForce.DAY:
            self._end(order, OrderState.CANCELED, OrderEventKind.CANCELED, now_ns)
        return order

    def refuse(self, command: OrderCommand, now_ns: int) -> None:
        """Refuse an order after a look at it; its id is taken.

        Raises:
            Declined: always.
        """
        if command.client_order_id not in self.orders:
            order = Held(
                command.client_order_id,
                f"v{len(self.orders) + 1}",
                command.symbol,
                command.side,
                command.quantity_nanos,
                command.limit_price_nanos,
                command.time_in_force,
            )
            order.updated_ns, order.state = now_ns, OrderState.REJECTED
            self.orders[command.client_order_id] = order
        raise Declined(DeclineReason.INVALID, "the order breaks a rule")

    def cancel(self, client_id: str, now_ns: int) -> Held:
        """Cancel an order, named by its client id, or by the venue's where nobody learned the other.

        Raises:
            Declined: no such order, or it has ended.
        """
        order = self.find(client_id, client_id)
        if order is None:
            raise Declined(DeclineReason.NOT_FOUND, "order not found")
        if not order.is_open:
            raise Declined(DeclineReason.NOT_CANCELABLE, "order is not cancelable")
        self._end(order, OrderState.CANCELED, OrderEventKind.CANCELED, now_ns)
        return order

    def make_room(self, command: OrderCommand, now_ns: int) -> OrderCommand:
        """End an order in favour of the one that replaces it; return that one with what the other has left to it.

        Raises:
            Declined: the venue's switch is set, no such order is open, or it has filled as much as the other is for.
        """
        order = self.find(command.target_id, command.target_id)
        if self.suspended:
            raise Declined(DeclineReason.SUSPENDED, "new orders are suspended")
        if order is None or not order.is_open or order.filled >= command.quantity_nanos:
            raise Declined(DeclineReason.NOT_REPLACEABLE, "order is not replaceable")
        order.successor_id = command.client_order_id
        self._end(order, OrderState.REPLACED, OrderEventKind.REPLACED, now_ns)
        return replace(command, kind=CommandKind.SUBMIT, quantity_nanos=command.quantity_nanos - order.filled)

    # Reads.

    def find(self, client_id: str, venue_id: str) -> Held | None:
        """Return an order by its client id, or by the venue's."""
        found = self.orders.get(client_id)
        if found is None and venue_id:
            return next((order for order in self.orders.values() if order.venue_id == venue_id), None)
        return found

    def shown_positions(self, as_of_ns: int) -> tuple[VenuePosition, ...]:
        """Return the positions as they were at a time."""
        positions = next(past for since_ns, past in reversed(self.past) if since_ns <= as_of_ns)
        return tuple(
            VenuePosition(symbol=symbol, quantity_nanos=held, available_nanos=held, average_price_nanos=0, cost_basis_usd="0")
            for symbol, held in positions.items()
            if held
        )

    def account(self) -> VenueAccount:
        """Return the money."""
        return VenueAccount(
            account_id="drill", status="active", blocks=(), cash_usd=attos_text(self.cash_attos), suspended_by_user=self.suspended
        )

    # What comes about by itself.

    def match(self, now_ns: int) -> None:
        """Let resting orders fill at the quotes of a time."""
        for order in list(self.open.values()):
            self._match(order, now_ns)

    def bust(self, place: int, now_ns: int) -> None:
        """Take one execution back."""
        seen = self.executions[place]
        order = self.orders[seen.client_order_id or seen.venue_order_id]
        self.executions[place] = VenueExecution(
            execution_id=seen.execution_id,
            venue_order_id=seen.venue_order_id,
            client_order_id=seen.client_order_id,
            symbol=seen.symbol,
            side=seen.side,
            quantity_nanos=0,
            price_nanos=seen.price_nanos,
            cum_quantity_nanos=seen.cum_quantity_nanos,
            ts_ns=seen.ts_ns,
        )
        order.filled -= seen.quantity_nanos
        order.cost -= seen.quantity_nanos * seen.price_nanos
        self._move(order, -seen.quantity_nanos, seen.price_nanos, now_ns)
        self._frame(order, OrderEventKind.FILL_BUSTED, now_ns, execution=seen.execution_id)

    # Inside.

    def _match(self, order: Held, now_ns: int) -> None:
        bid, ask, size = self._market.quote(order.symbol, now_ns)
        buying = order.side is Side.BUY
        price = ask if buying else bid
        if order.stop and (price < order.stop if buying else price > order.stop):
            return
        order.stop = 0
        if order.limit and (order.limit < price if buying else order.limit > price):
            touched = order.limit == (bid if buying else ask) and now_ns % 3 == 0 and order.updated_ns < now_ns
            if not touched:
                return
            price, size = order.limit, min(size, 3 * NANOS)
        quantity = min(order.quantity - order.filled, size)
        order.filled += quantity
        order.cost += quantity * price
        whole = order.filled == order.quantity
        order.state = OrderState.FILLED if whole else OrderState.PARTIAL
        order.updated_ns = now_ns
        if whole:
            self.open.pop(order.client_id or order.venue_id, None)
        name = f"x{len(self.executions) + 1}"
        self.executions.append(
            VenueExecution(
                execution_id=name,
                venue_order_id=order.venue_id,
                client_order_id=order.client_id,
                symbol=order.symbol,
                side=order.side,
                quantity_nanos=quantity,
                price_nanos=price,
                cum_quantity_nanos=order.filled,
                ts_ns=now_ns,
            )
        )
        self._move(order, quantity, price, now_ns)
        kind = OrderEventKind.FILLED if whole else OrderEventKind.PARTIALLY_FILLED
        self._frame(order, kind, now_ns, execution=name, quantity=quantity, price=price)

    def _move(self, order: Held, quantity: int, price: int, now_ns: int) -> None:
        sign = order.side.sign
        self.positions = {**self.positions, order.symbol: self.positions.get(order.symbol, 0) + sign * quantity}
        self.past.append((now_ns, self.positions))
        self.cash_attos -= sign * quantity * price
        self.changes += 1

    def _end(self, order: Held, state: OrderState, kind: OrderEventKind, now_ns: int) -> None:
        order.state, order.updated_ns = state, now_ns
        self.open.pop(order.client_id or order.venue_id, None)
        self.changes += 1
        self._frame(order, kind, now_ns)

    def _frame(self, order: Held, kind: OrderEventKind, now_ns: int, *, execution: str = "", quantity: int = 0, price: int = 0) -> None:
        self._tell(
            OrderEvent(
                event_id="",
                timestamp=0,
                symbol=order.symbol,
                strategy_id="",
                correlation_id="",
                client_order_id=order.client_id,
                venue_order_id=order.venue_id,
                kind=kind,
                side=order.side,
                ts_venue=now_ns,
                execution_id=execution,
                last_quantity_nanos=quantity,
                last_price_nanos=price,
                cum_quantity_nanos=order.filled,
                successor_id=order.successor_id,
            )
        )
