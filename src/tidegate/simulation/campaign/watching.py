"""What must hold whatever goes wrong: the invariants, looked at after every event of a world and once more at its healed end."""

from typing import TYPE_CHECKING, Final, final

from tidegate.engine.engine import Engine
from tidegate.events.acts import GateChanged, OrderChanged, OrderCommand, RiskDecision
from tidegate.events.codec import decode
from tidegate.oms import chains
from tidegate.oms.order import Order
from tidegate.oms.transitions import TRANSITIONS
from tidegate.risk.gates import BREAKER_ACTOR, RULE_ACTOR
from tidegate.service.ledger.states import OPEN, OutboxState
from tidegate.simulation.campaign.recorded import Recorded
from tidegate.simulation.campaign.setting import ACCOUNT, GROSS_MAX, POSITION_MAX, SYMBOLS, VENUE
from tidegate.simulation.campaign.stores import ACT, SessionLog, fold
from tidegate.values.enums import CommandKind, ExitReason, GateScope, GateState, OrderState, Purpose, Side
from tidegate.values.errors import TidegateError
from tidegate.values.ids import ClientOrderId
from tidegate.values.money import NANOS, nanos_text
from tidegate.values.time import MILLISECOND_NS

if TYPE_CHECKING:
    from tidegate.simulation.campaign.node import Node
    from tidegate.simulation.campaign.world import World

EDGES: Final = {(before, after) for before, row in TRANSITIONS.items() for cell in row.values() for after in cell}
_CHANGED: Final = b"order_changed"
_GATE: Final = b"gate_changed"
_DECISION: Final = b"\xa8decision"  # with the length that msgpack puts before it: other tags end alike
_HELD_BACK: Final = frozenset({"daily_loss", "weekly_loss", "monthly_loss", "intraday_drawdown", "drawdown", "entries_per_hour"})
_STRICTNESS: Final = {GateState.ACTIVE: 0, GateState.REDUCE_ONLY: 1, GateState.HALTED: 2}
_UNPROVED: Final = frozenset({OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN})
ENDED_THERE: Final = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REPLACED})
PRICES_MOVE: Final = 0.08  # between the verdict and the look
CANCEL_MAX_NS: Final = 400 * MILLISECOND_NS  # from the command to its bytes, our own limits included


class BrokenError(TidegateError):
    """An invariant does not hold; the seed reproduces it alone."""

    def __init__(self, invariant: str, words: str) -> None:
        self.invariant = invariant
        super().__init__(f"{invariant}: {words}.")


@final
class Watch:
    """Looks at a world from outside: at the truth of the venue, at what leaves, and at the books of the trader."""

    def __init__(self, world: "World") -> None:
        self._world: Final = world
        self._arrived: Final[dict[str, int]] = {}  # client order ids the venue got to see
        self._filled: Final[dict[str, int]] = {}  # as our books last told
        self._most: Final[dict[str, int]] = {}  # the most that ever filled at the venue, by order
        self._looked: tuple[SessionLog, int] | None = None
        self._looked_n = -1
        self._looked_at: Node | None = None
        self._sent: Final[set[str]] = set()
        self._recorded: Final = Recorded(world.ledger)
        self.closed: Final[dict[tuple[GateScope, str], GateState]] = {}  # what people have closed
        self.excused: Final[set[str]] = set()  # symbols in which somebody else trades, or a fill was busted
        self.orders = 0
        self.held_back = 0  # entries that in-trade rules refused

    # People.

    def closes(self, scope: GateScope, key: str, state: GateState) -> None:
        """A person set a gate on the trader that runs."""
        if state is GateState.ACTIVE:
            self.closed.pop((scope, key), None)
        elif _STRICTNESS[state] > _STRICTNESS[self.closed.get((scope, key), GateState.ACTIVE)]:
            self.closed[scope, key] = state

    # The trader.

    def began(self, node: "Node") -> None:
        """A session begins: what was durable of the gates stands; what was asked and lost with the process was never confirmed."""
        self._looked = (node.log, 0)
        self._filled.clear()  # what was not durable is told again
        self.closed.clear()
        self.closed.update(
            {(row.scope, row.key): row.state for row in self._world.ledger.kills(ACCOUNT) if row.state is not GateState.ACTIVE}
        )

    def sends(self, node: "Node", command: OrderCommand) -> None:
        """A command is let go: gates first (INV6), once (INV1), and its cause durable (INV2)."""
        if command.kind is CommandKind.CANCEL:
            return
        if command.client_order_id in self._sent:
            raise BrokenError("INV1", f"order {command.client_order_id} leaves a second time")
        self._sent.add(command.client_order_id)
        order = node.desk.engine.books.order(command.client_order_id)
        assert order is not None, "the engine knows what it has commanded"
        self._check_gates(command, order)
        row = self._world.ledger.order(ClientOrderId(command.client_order_id))
        if row is None or row.state is not OutboxState.SENT:
            raise BrokenError("INV2", f"order {command.client_order_id} leaves without a released row in the ledger")
        if not self._recorded.is_sent(command.client_order_id):
            raise BrokenError("INV9", f"order {command.client_order_id} leaves without a record in the audit chain")
        if row.n > node.log.durable_n:
            raise BrokenError("INV2", f"order {command.client_order_id} leaves before its cause is on the disk")

    def _check_gates(self, command: OrderCommand, order: Order) -> None:
        by_person = order.exit_reason is ExitReason.OPERATOR and order.purpose is Purpose.EXIT
        covers = {
            GateScope.GLOBAL: "",
            GateScope.VENUE: VENUE,
            GateScope.ACCOUNT: ACCOUNT,
            GateScope.STRATEGY: command.strategy_id,
            GateScope.SYMBOL: command.symbol,
        }
        for (scope, key), state in self.closed.items():
            stops = order.purpose is Purpose.ENTRY or state is GateState.HALTED
            if covers[scope] == key and stops and not by_person:
                raise BrokenError("INV6", f"a {order.purpose.value} of {command.symbol} leaves while {scope.value} is {state.value}")

    def arrives(self, command: OrderCommand) -> None:
        """An order reaches the venue: once (INV1), approved and durable (INV2), within its approval (INV4) and the limits (INV5)."""
        key = command.client_order_id
        self._arrived[key] = self._arrived.get(key, 0) + 1
        if self._arrived[key] > 1:
            raise BrokenError("INV1", f"order {key} reaches the venue a second time")
        self.orders += 1
        row = self._world.ledger.order(ClientOrderId(key))
        if row is None or not row.decision_id:
            raise BrokenError("INV2", f"order {key} reaches the venue without an approval in the ledger")
        self._check_chain(command)
        self._check_exposure(command)

    def _check_chain(self, command: OrderCommand) -> None:
        live = self._world.live
        order = live.desk.engine.books.order(command.client_order_id) if live is not None and live.desk is not None else None
        if order is None or not order.predecessor_id or live is None:
            return
        chain = chains.members(order, live.desk.engine.books.order)
        total = command.quantity_nanos
        for member in chain:
            held = self._world.wire.shown(member.client_order_id)
            if held is not None and member is not order:
                total += held.quantity if held.is_open else held.filled
        if total > chain[0].approved_nanos and command.symbol not in self.excused:
            raise BrokenError("INV4", f"order {command.client_order_id} and those before it could fill {nanos_text(total)}")

    def _check_exposure(self, command: OrderCommand) -> None:
        symbol, venue = command.symbol, self._world.wire.venue
        if symbol in self.excused:
            return
        sign = command.side.sign
        same = sum(o.quantity - o.filled for o in venue.open.values() if o.symbol == symbol and o.side is command.side)
        worst = venue.positions.get(symbol, 0) * sign + same + command.quantity_nanos
        if worst > POSITION_MAX * NANOS:
            raise BrokenError("INV5", f"{symbol} could come to {nanos_text(worst)} at the venue, the limit is {POSITION_MAX}")
        if not self.excused and self._gross_dollars(command) > GROSS_MAX * (1 + PRICES_MOVE):
            raise BrokenError("INV5", f"gross exposure could come to ${self._gross_dollars(command):.0f}, the limit is ${GROSS_MAX}")

    def _gross_dollars(self, command: OrderCommand) -> float:
        """Return what the account could come to hold at the venue with this order, at the prices of now."""
        world = self._world
        venue, total = world.wire.venue, 0.0
        for symbol in SYMBOLS:
            reach = {
                side: sum(o.quantity - o.filled for o in venue.open.values() if o.symbol == symbol and o.side is side) for side in Side
            }
            if command.symbol == symbol:
                reach[command.side] += command.quantity_nanos
            held = venue.positions.get(symbol, 0)
            worst = max(held + reach[Side.BUY], reach[Side.SELL] - held)
            total += worst / NANOS * world.market.quote(symbol, world.timeline.now_ns)[0] / NANOS
        return total

    def look(self, node: "Node") -> None:
        """After an event of a trader: its books against the limits (INV4, INV5), its orders against the table (INV7), cancels (INV11)."""
        desk = node.desk
        if desk.outbox.open_commands and desk.outbox.cancel_age_ns() > CANCEL_MAX_NS:
            raise BrokenError("INV11", "a cancel waits")
        if node is self._world.live:
            self._check_ends(node)
        if desk.engine.n == self._looked_n and node is self._looked_at:
            return  # no input since: its books are those of the last look
        self._looked_n, self._looked_at = desk.engine.n, node
        self._look_at_books(node)

    def _look_at_books(self, node: "Node") -> None:
        desk = node.desk
        for symbol in SYMBOLS:
            if symbol not in self.excused and desk.engine.books.worst_nanos(symbol) > POSITION_MAX * NANOS:
                raise BrokenError("INV5", f"{symbol} could come to {nanos_text(desk.engine.books.worst_nanos(symbol))} in our books")
        if self._looked is None or self._looked[0] is not node.log:
            return
        log, first = self._looked
        for entry in log.entries[first:]:
            if entry.kind == ACT:
                self._look_at_act(entry.message)
        self._looked = (log, len(log.entries))

    def _look_at_act(self, message: bytes) -> None:
        """Read an act of the kinds that are watched; the others stay unread, for speed."""
        head = message[:24]
        if _CHANGED in head:
            self._changed(decode(message))
        elif _GATE in head:
            self._note_control(decode(message))
        elif _DECISION in head:
            decision = decode(message)
            assert isinstance(decision, RiskDecision)
            self.held_back += not _HELD_BACK.isdisjoint(decision.refusals)

    def _check_ends(self, node: "Node") -> None:
        """An order of ours that is open at the venue may not have ended in our books: only the venue's word ends one that lived."""
        for key in self._world.wire.venue.open:
            order = node.desk.engine.books.order(key)
            if order is not None and order.state in ENDED_THERE:
                raise BrokenError("INV7", f"order {key} is {order.state.value} in our books and open at the venue")

    def _note_control(self, change: object) -> None:
        """Count what the in-trade rules do: each has to be reached in a campaign."""
        assert isinstance(change, GateChanged)
        if change.actor.startswith(BREAKER_ACTOR):
            self._world.faults.note("C4" if change.after is GateState.ACTIVE else "C3")
        elif change.actor == f"{RULE_ACTOR}entries_per_hour":
            self._world.faults.note("C2")
        elif change.actor.startswith(RULE_ACTOR) and change.scope is GateScope.ACCOUNT:
            self._world.faults.note("C1")

    def _changed(self, change: object) -> None:
        assert isinstance(change, OrderChanged)
        if (change.before, change.after) not in EDGES and change.before is not change.after:
            raise BrokenError("INV7", f"order {change.client_order_id} went from {change.before.value} to {change.after.value}")
        held = self._world.wire.shown(change.client_order_id)
        filled = change.filled_nanos
        if held is not None:
            most = self._most[change.client_order_id] = max(self._most.get(change.client_order_id, 0), held.filled)
            if filled > most and change.symbol not in self.excused:
                raise BrokenError(
                    "INV4", f"order {change.client_order_id} filled {nanos_text(filled)} in our books, {nanos_text(most)} there"
                )
        if filled < self._filled.get(change.client_order_id, 0) and change.symbol not in self.excused:
            raise BrokenError("INV7", f"order {change.client_order_id} filled less than before, without a correction")
        self._filled[change.client_order_id] = filled

    # The healed end.

    def at_the_end(self, node: "Node | None") -> None:
        """Everything is quiet: one truth (INV3), nothing open (INV14), and the log alone gives the state again (INV10)."""
        if node is None or not node.is_trading:
            raise BrokenError("INV14", "no trader runs")
        books, venue = node.desk.engine.books, self._world.wire.venue
        theirs = {symbol: held for symbol, held in venue.positions.items() if held}
        stopped = not theirs and books.gate(GateScope.GLOBAL, "") is not GateState.ACTIVE and books.unconfirmed  # empty is not flat
        if books.positions() != theirs and not stopped:
            raise BrokenError("INV3", f"we hold {books.positions()}, the venue {theirs}")
        # A stranger's order may be known by the venue's id alone; one of ours has to be known by both.
        ours = {order.venue_order_id: "" if order.external else order.client_order_id for order in books.working_orders()}
        working = {order.venue_id: order.client_id if ours.get(order.venue_id) else "" for order in venue.open.values()}
        if ours != working:
            raise BrokenError("INV3", f"orders {sorted(ours.items())} work in our books, {sorted(working.items())} at the venue")
        open_states = [order.client_order_id for order in books.working_orders() if order.state in _UNPROVED]
        if open_states or node.desk.outbox.open_commands or books.requests_open:
            raise BrokenError(
                "INV14", f"open: orders {open_states}, {node.desk.outbox.open_commands} commands, {books.requests_open} requests"
            )
        rows = self._world.ledger.outbox(ACCOUNT, OPEN)
        if rows:
            raise BrokenError("INV14", f"rows {[(row.client_order_id, row.state.value) for row in rows]} are not accounted for")
        if not node.desk.reconciler.trusted:
            raise BrokenError("INV14", "the account is not reconciled")
        if wrong := self._recorded.wrong():
            raise BrokenError("INV9", wrong.rstrip("."))
        self._replay(node)

    def _replay(self, node: "Node") -> None:
        log = node.log
        again: Engine = self._world.setting.engine(log.session, 2)
        if again is node.desk.engine:
            again = self._world.setting.spare(log.session)
        again.continue_from(log.opening_state)
        fold(again, log.entries)
        if again.state_sha256() != node.desk.engine.state_sha256():
            raise BrokenError("INV10", "folding the log gives another state")
