"""An account's trading desk: its orders on the simulated venue, what that answers, and what the account is told of it."""

from collections.abc import Callable
from typing import Final, final

from tidegate.emulators.alpaca import following, multi
from tidegate.emulators.alpaca.accounts import Account, Execution
from tidegate.emulators.alpaca.blotter import Blotter
from tidegate.emulators.alpaca.floor import VENUE, Floor
from tidegate.emulators.alpaca.market import Row
from tidegate.emulators.alpaca.orders import Happening, Life, Order, OrderClass, Status, body_of
from tidegate.emulators.alpaca.watching import Watching
from tidegate.emulators.alpaca.wire import Body, iso, uuid_of
from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import CommandKind, OrderEventKind, OrderType, Side, TimeInForce
from tidegate.values.money import nanos_text
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim.responses import REASONS
from tidegate.venues.sim.rows import STOP_PASSED
from tidegate.venues.sim.venue import SimVenue

_LIVES: Final = {Life.DAY: TimeInForce.DAY, Life.GTC: TimeInForce.GTC, Life.IOC: TimeInForce.IOC, Life.FOK: TimeInForce.FOK}
_FILLS: Final = frozenset({OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED})
_ENDS: Final = {OrderEventKind.CANCELED: Status.CANCELED, OrderEventKind.EXPIRED: Status.EXPIRED}
_UNMOVED: Final = frozenset({Status.HELD, Status.PENDING_CANCEL, Status.PENDING_REPLACE})

Publish = Callable[[Account, Body], None]


@final
class Desk:
    """Orders of one account. Shown times in orders and events, tape times towards the simulated venue."""

    def __init__(self, account: Account, floor: Floor, publish: Publish) -> None:
        self.account: Final = account
        self.floor: Final = floor
        self.blotter: Final = Blotter()
        self.watching: Final = Watching(self)
        self._publish: Final = publish
        self._venues: dict[bool, SimVenue] = {}  # by whether it trades outside the core session
        self._sim_ids: dict[str, str] = {}  # order id -> the id it has on the simulated venue now
        self._orders: dict[str, Order] = {}  # by any id it ever had there
        self._numbered = 0
        self._venue(extended=False)  # made and compiled before anybody waits for it

    def next_id(self) -> str:
        """Return the id of the account's next order."""
        self._numbered += 1
        return uuid_of(self.floor.settings.seed, self.account.settings.key, "order", self._numbered)

    # Commands.

    def place(self, order: Order, *, held: bool = False) -> None:
        """Send an order to the market; a held one works there as well and is shown as held."""
        order.status = Status.HELD if held else Status.PENDING_NEW
        order.submitted_ns = order.updated_ns = self.floor.now_ns()
        self.blotter.add(order)
        self.tell(order, Happening.HELD if held else Happening.PENDING_NEW)
        if order.trail_percent is not None:
            self.watching.start(order)
            self.acknowledge(order)
            return
        if order.order_type is OrderType.TRAILING_STOP:
            self.watching.start(order)
        self.send(CommandKind.SUBMIT, order, sim_id=order.id)

    def hold(self, order: Order) -> None:
        """Keep a leg back until its parent is filled."""
        order.status = Status.HELD
        self.blotter.add(order)
        self.tell(order, Happening.HELD)

    def send(self, kind: CommandKind, order: Order, *, sim_id: str, target_id: str = "", order_type: OrderType | None = None) -> None:
        """Send a command to the simulated venue, as of now."""
        assert order.side is not None
        assert order.order_type is not None
        player = self.floor.player
        if kind is not CommandKind.CANCEL:
            self._sim_ids[order.id] = sim_id
            self._orders[sim_id] = order
        chosen = order_type or order.order_type
        command = OrderCommand(
            event_id="",
            timestamp=player.now_ns,
            symbol=order.symbol,
            strategy_id="",
            correlation_id="",
            kind=kind,
            client_order_id=sim_id,
            venue=VENUE,
            account=self.account.id,
            side=order.side,
            order_type=chosen,
            time_in_force=_LIVES[order.life],
            quantity_nanos=order.rest_nanos if kind is CommandKind.SUBMIT else order.worked_nanos,
            limit_price_nanos=order.limit_nanos if chosen in {OrderType.LIMIT, OrderType.STOP_LIMIT} else 0,
            stop_price_nanos=order.stop_nanos if chosen in {OrderType.STOP, OrderType.STOP_LIMIT} else 0,
            trail_nanos=order.trail_nanos if chosen is OrderType.TRAILING_STOP else 0,
            valid_until_ns=NEVER_NS,
            decision_id="",
            target_id=target_id,
        )
        self._venue(extended=order.extended).command(command, sent_ns=player.now_ns, taken=player.taken())

    def cancel(self, order: Order) -> None:
        """Ask for the end of an order, once. What was never sent ends at once."""
        if order.status is Status.PENDING_CANCEL:
            return
        sim_id = self._sim_ids.get(order.id)
        if sim_id is None:
            self.end(order, Status.CANCELED)
            return
        if order.status is not Status.HELD:
            order.status = Status.PENDING_CANCEL
            self.tell(order, Happening.PENDING_CANCEL)
        self.send(CommandKind.CANCEL, order, sim_id=sim_id, target_id=sim_id)

    def replace(self, order: Order, successor: Order) -> None:
        """Ask for another order in the place of one. What replaces a held leg is held as well."""
        successor.replaces, successor.submitted_ns = order.id, self.floor.now_ns()
        self.blotter.add(successor)
        sim_id = self._sim_ids.get(order.id)
        is_held = order.status is Status.HELD
        if is_held:
            successor.status = Status.HELD
        if sim_id is None:
            self.superseded(order, successor)
            if not is_held:
                self.place(successor)
            return
        order.status = Status.PENDING_REPLACE
        self.tell(order, Happening.PENDING_REPLACE)
        order.replaced_by = successor.id
        if successor.order_type is OrderType.TRAILING_STOP:
            self.watching.start(successor)
        self.send(CommandKind.REPLACE, successor, sim_id=successor.id, target_id=sim_id)

    def resize(self, order: Order, quantity_nanos: int) -> None:
        """Let a leg work another rest, without the account seeing more of it than its quantity."""
        order.worked_nanos = order.filled_nanos + quantity_nanos
        order.quantity_nanos = order.worked_nanos
        old = self._sim_ids.get(order.id)
        if old is not None:
            self.send(CommandKind.REPLACE, order, sim_id=f"{old[:36]}-{len(self._orders)}", target_id=old)

    def is_sent(self, order: Order) -> bool:
        """Tell whether the simulated venue works an order."""
        return order.id in self._sim_ids

    # What the player asks.

    def due_ns(self, until_ns: int) -> int:
        """See `player.Trader`."""
        return min((self._next_ns(venue, until_ns) for venue in self._venues.values()), default=NEVER_NS)

    def hear(self) -> None:
        """See `player.Trader`."""
        ready = [venue for venue in self._venues.values() if venue.response_known]
        self._take(min(ready, key=lambda venue: venue.next_response_ns()).next_response())

    def watch(self, row: Row) -> None:
        """See `player.Trader`."""
        self.watching.see(row)

    def watches(self, place: int) -> bool:
        """See `player.Trader`."""
        return place in self.watching.places

    # Answers.

    def _take(self, response: OrderEvent) -> None:
        order = self._orders[response.client_order_id]
        if response.kind in _FILLS:
            self.fill(order, response.last_quantity_nanos, response.last_price_nanos)
            return
        if response.client_order_id != self._sim_ids.get(order.id):
            return  # about a form of the order that another one has taken the place of
        if response.kind in _ENDS:
            self.end(order, _ENDS[response.kind])
            return
        match response.kind:
            case OrderEventKind.ACCEPTED:
                self.acknowledge(order)
            case OrderEventKind.REPLACED:
                self.superseded(order, self.blotter.get(response.successor_id))
            case OrderEventKind.CANCEL_REJECTED:
                self._not_canceled(order)
            case OrderEventKind.REPLACE_REJECTED:
                self._keep(order)
            case _:
                self._refused(order, response.reason)

    def acknowledge(self, order: Order) -> None:
        """The venue has an order: it is live, or waits for the open."""
        if order.status in _UNMOVED or order.is_over:
            return
        if self.floor.is_open(extended=order.extended):
            order.status = Status.NEW
            self.tell(order, Happening.NEW)
            return
        order.status = Status.ACCEPTED
        self.tell(order, Happening.ACCEPTED)
        now_ns = self.floor.player.now_ns
        day = self.floor.schedule.next_day(now_ns, extended=order.extended)
        opens_ns = day.pre_open_ns if order.extended else self.floor.schedule.next_open_ns(now_ns)
        self.floor.agenda.at(opens_ns, lambda: self._wake(order))

    def fill(self, order: Order, quantity_nanos: int, price_nanos: int) -> None:
        """Take a fill into the books and tell of it."""
        assert order.side is not None
        floor, account = self.floor, self.account
        now_ns = floor.now_ns()
        order.filled_nanos += quantity_nanos
        order.paid_attos += quantity_nanos * price_nanos
        is_whole = order.rest_nanos <= 0
        if is_whole:
            order.status, order.filled_ns = Status.FILLED, now_ns
        elif order.status not in _UNMOVED or order.status is Status.HELD:
            order.status = Status.PARTIALLY_FILLED
        order.updated_ns = now_ns
        identity = account.next_execution_id(floor.settings.seed)
        done = Execution(identity, now_ns, order.symbol, order.side, quantity_nanos, price_nanos, order.multiplier)
        account.book(done, floor.player.now_ns)
        account.note_fill(done, order_id=order.id, left_nanos=order.rest_nanos, filled_nanos=order.filled_nanos, status=order.status)
        self._tell_fill(order, done, is_whole=is_whole)
        if is_whole:
            self.watching.stop(order)
        following.after_fill(self, order)

    def end(self, order: Order, status: Status) -> None:
        """An order has ended without being filled as a whole."""
        if order.is_over:
            return
        now_ns = self.floor.now_ns()
        order.status = status
        if status is Status.CANCELED:
            order.canceled_ns = now_ns
        elif status is Status.EXPIRED:
            order.expired_ns = now_ns
        else:
            order.failed_ns = now_ns
        self.watching.stop(order)
        if order.order_class is OrderClass.MLEG:
            multi.end_legs(order, now_ns)
        self.tell(order, Happening(status.value))
        following.after_end(self, order)

    def superseded(self, order: Order, successor: Order) -> None:
        """An order has made room for another one."""
        order.status, order.replaced_by = Status.REPLACED, successor.id
        order.replaced_ns = self.floor.now_ns()
        self.watching.stop(order)
        successor.worked_nanos -= order.filled_nanos
        successor.quantity_nanos = successor.worked_nanos
        self.tell(order, Happening.REPLACED)
        if successor.status is Status.HELD:
            self.tell(successor, Happening.HELD)
        following.after_replaced(self, order, successor)

    def tell(self, order: Order, happening: Happening) -> None:
        """Tell the account of an order."""
        order.updated_ns = max(order.updated_ns, self.floor.now_ns())
        self._publish(self.account, self._update(order, happening, self.account.next_execution_id(self.floor.settings.seed)))

    def tell_fill(self, order: Order, price_nanos: int) -> None:
        """Tell of the fill of a multi-leg order, whose legs are in the books already."""
        identity = self.account.next_execution_id(self.floor.settings.seed)
        done = Execution(identity, self.floor.now_ns(), "", Side.BUY, order.filled_nanos, price_nanos)
        self._tell_fill(order, done, is_whole=True)

    def _tell_fill(self, order: Order, done: Execution, *, is_whole: bool) -> None:
        happening = Happening.FILL if is_whole else Happening.PARTIAL_FILL
        figures = {
            "price": nanos_text(done.price_nanos),
            "qty": nanos_text(done.quantity_nanos),
            "position_qty": nanos_text(self.account.holding(order.symbol).quantity_nanos),
        }
        order.updated_ns = done.ns
        self._publish(self.account, self._update(order, happening, done.id) | figures)

    def _update(self, order: Order, happening: Happening, identity: str) -> Body:
        return {
            "event": happening,
            "execution_id": identity,
            "timestamp": iso(self.floor.now_ns()),
            "order": body_of(order),
        }

    def _not_canceled(self, order: Order) -> None:
        if order.status is not Status.CANCELED:  # else another cancel was faster, such as that of the exit beside it
            self.tell(order, Happening.CANCEL_REJECTED)

    def _refused(self, order: Order, reason: str) -> None:
        if reason == REASONS[STOP_PASSED] and order.is_leg:
            following.elect_late(self, order)
            return
        self.end(order, Status.REJECTED)

    def _keep(self, order: Order) -> None:
        """A replacement was refused: the order stays as it was."""
        is_held = bool(order.replaced_by) and self.blotter.get(order.replaced_by).status is Status.HELD
        order.replaced_by = ""
        if order.status is Status.PENDING_REPLACE:
            order.status = Status.HELD if is_held else Status.PARTIALLY_FILLED if order.filled_nanos else Status.NEW
        self.tell(order, Happening.REPLACE_REJECTED)

    def _wake(self, order: Order) -> None:
        if order.status is Status.ACCEPTED:
            order.status = Status.NEW
            self.tell(order, Happening.NEW)

    def _venue(self, *, extended: bool) -> SimVenue:
        venue = self._venues.get(extended)
        if venue is None:
            schedule = self.floor.schedule
            venue = self._venues[extended] = self.floor.new_venue(schedule.extended_hours() if extended else schedule.core_hours())
        return venue

    @staticmethod
    def _next_ns(venue: SimVenue, until_ns: int) -> int:
        due_ns = venue.next_response_ns()
        while due_ns <= until_ns and not venue.response_known:
            due_ns = venue.next_response_ns()
        return due_ns if due_ns <= until_ns else NEVER_NS
