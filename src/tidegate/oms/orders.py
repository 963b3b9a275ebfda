"""All orders of one account. State changes only by folding decisions, commands and events.

Asking what to do changes nothing. Live orders are kept as long as they live; of finished ones the last
FINISHED_KEPT stay known with their executions, for late fills and repeated messages; those that never left make
room by each other first. What is older is a stranger of our shape to this container; only the ledger still knows it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, final

from msgspec.structs import replace

from tidegate.events.acts import OrderCommand, RiskDecision, TradeIntent
from tidegate.events.inputs import OrderEvent
from tidegate.oms import chains, complaints, store, strangers
from tidegate.oms.agenda import Agenda
from tidegate.oms.apply import apply_event
from tidegate.oms.commands import NotApprovedError, Stamp, about_order, order_command
from tidegate.oms.order import Change, Execution, Finding, Order
from tidegate.oms.plans import KEEP_PLAN, OmsPolicy, OrderPlan
from tidegate.oms.timers import Due, chase_price, follow_price, look_due_ns, may_follow, next_due_ns, what_is_due
from tidegate.oms.transitions import NEVER_LIVED
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState, Verdict
from tidegate.values.instruments import Instrument
from tidegate.values.time import NEVER_NS

FINISHED_KEPT: Final = 1_024
_NO_EXECUTIONS: Final[Mapping[str, Execution]] = {}

# Members of an enum are looked up slowly before Python 3.12.
_CANCEL: Final = CommandKind.CANCEL
_LOOKUP: Final = CommandKind.LOOKUP
_APPROVED: Final = Verdict.APPROVED
_NOT_SENT: Final = OrderState.NOT_SENT


@final
class Orders:
    """The orders of one account. `instruments` is the engine's own mapping and may grow.

    `plans` has one per strategy id.
    """

    __slots__ = (
        "_agenda",
        "_follows",
        "account",
        "approved",
        "executions",
        "finished",
        "instruments",
        "live",
        "plans",
        "policy",
    )

    def __init__(
        self,
        account: str,
        instruments: Mapping[str, Instrument],
        plans: Mapping[str, OrderPlan],
        policy: OmsPolicy,
    ) -> None:
        self.account = account
        self.instruments = instruments
        self.plans = plans
        self.policy = policy
        self.live: dict[str, Order] = {}
        self.finished: OrderedDict[str, Order] = OrderedDict()
        self.executions: dict[str, dict[str, Execution]] = {}
        self.approved: dict[str, TradeIntent] = {}  # by decision id, from the verdict to the command
        self._agenda = Agenda()
        self._follows = any(plan.follow_ns for plan in plans.values())

    # What is asked.

    def find(self, client_order_id: str) -> Order | None:
        """Return an order that lives or finished lately; None: not known (any more)."""
        return self.live.get(client_order_id) or self.finished.get(client_order_id)

    def told_of(self, client_order_id: str, venue_order_id: str) -> Order | None:
        """Return the order that a message names: by its own id, or by the venue's, under which somebody else's may have been adopted."""
        return self.find(client_order_id) or self.find(venue_order_id)

    def chain_number(self, intent: TradeIntent) -> int:
        """Return the chain number of the order an intent would make: part of its client id."""
        replaced = self.find(intent.replaces) if intent.replaces else None
        return 0 if replaced is None else replaced.chain + 1

    def open(self, decision: RiskDecision, intent: TradeIntent, *, event_id: str, client_order_id: str, now_ns: int) -> OrderCommand:
        """Return the command an approval allows.

        SUBMIT, or REPLACE when the intent continues an order that still works.

        Raises:
            NotApprovedError: the decision does not approve this intent.
            ChainExceededError: it continues an unknown order, or asks for more than is left.
        """
        replaced = None
        if intent.replaces:
            replaced = self.find(intent.replaces)
            chains.check_rest(decision, intent, replaced, self.find)
        plan = self.plans.get(intent.strategy_id, KEEP_PLAN)
        stamp = Stamp(event_id, now_ns, now_ns + plan.valid_ns, self.account)
        venue = self.instruments[intent.symbol].venue
        return order_command(decision, intent, stamp, client_order_id=client_order_id, venue=venue, replaced=replaced)

    def cancel(self, order: Order, *, event_id: str, now_ns: int, reason: str) -> OrderCommand:
        """Return the command to cancel an order, at somebody's request."""
        return self._about(_CANCEL, order, event_id, now_ns, reason)

    def due_ns(self) -> int:
        """Return the earliest time at which something is due; NEVER_NS when nothing is.

        Constant time for most calls.
        """
        return self._agenda.earliest_ns()

    def due(self, now_ns: int) -> list[Due]:
        """Return what is due now, oldest first.

        Folding what comes of each (command, decision) moves its next time.
        """
        found: list[Due] = []
        for key in self._agenda.until(now_ns):
            order = self._known(key)
            found += what_is_due(order, self.policy, self._plan(order), now_ns)
        return found

    def command_for(self, due: Due, *, event_id: str, now_ns: int) -> OrderCommand:
        """Return the cancel or lookup that is due.

        A chase (SUBMIT) has none: it needs an intent and a verdict of its own.
        """
        assert due.kind is not CommandKind.SUBMIT, "a chase is judged as a new intent"
        return self._about(due.kind, due.order, event_id, now_ns, due.reason, chase=due.chase)

    def chase_terms(self, order: Order, touch_nanos: int) -> tuple[int, int]:
        """Return (quantity, limit price) in nanos to chase an order's rest.

        `touch_nanos` is the price it would trade at, 0: unseen.
        """
        chain = chains.members(order, self.find)
        price = chase_price(chain[0], self._plan(order), self.instruments[order.symbol], touch_nanos)
        return chains.rest(chain), price

    def follow_limit(self, order: Order, near_nanos: int) -> int:
        """Return the limit in nanos at which an entry would follow the market; 0: it may not, or is there already."""
        if not may_follow(order, self._plan(order)):
            return 0
        price = follow_price(chains.first_of(order, self.find), self._plan(order), self.instruments[order.symbol], near_nanos)
        return 0 if price == order.limit_price_nanos else price

    # What changes it.

    def fold_looks(self, now_ns: int) -> list[Order]:
        """Note that the resting entries whose turn has come are laid beside the market now; return them."""
        if not self._follows:
            return []
        due = [self._known(key) for key in self._agenda.until(now_ns)]
        return [self._keep(replace(order, looked_ns=now_ns)) for order in due if look_due_ns(order, self._plan(order)) <= now_ns]

    def fold_decision(self, decision: RiskDecision, intent: TradeIntent) -> None:
        """Keep an approved intent until its command.

        Any verdict on a chase ends the waiting of the order it continues.
        """
        if decision.verdict is _APPROVED:
            self.approved[decision.event_id] = intent
        if intent.replaces:
            replaced = self.find(intent.replaces)
            if replaced is not None and replaced.chase_open:
                self._keep(replace(replaced, chase_open=False))

    def fold_lapse(self, decision_id: str) -> None:
        """Forget an approved intent that got no command, as after a crash between the two."""
        del self.approved[decision_id]

    def fold_command(self, command: OrderCommand) -> Order:
        """Take in what was commanded and return the order it is about.

        A new one in NEW, or the one to cancel or look up.

        Raises:
            NotApprovedError: an order command whose decision is not waiting for it.
        """
        if command.kind is _CANCEL or command.kind is _LOOKUP:
            return self._fold_request(command)
        intent = self.approved.pop(command.decision_id, None)
        if intent is None:
            raise NotApprovedError(f"Order {command.client_order_id} has no approval waiting for it; judge its intent first.")
        quantity = command.quantity_nanos
        approved, begun_ns = quantity, command.timestamp
        if intent.replaces:
            replaced = self.find(intent.replaces)
            assert replaced is not None, "open() refuses to continue an unknown order"
            approved = replaced.approved_nanos
            begun_ns = replaced.begun_ns if replaced.working else begun_ns
            self._keep(replace(replaced, successor_id=command.client_order_id))
        order = Order(  # in two steps: more than 15 names in one call are gathered in a dictionary first
            client_order_id=command.client_order_id,
            correlation_id=command.correlation_id,
            strategy_id=command.strategy_id,
            symbol=command.symbol,
            venue=command.venue,
            side=command.side,
            purpose=intent.purpose,
            order_type=command.order_type,
            time_in_force=command.time_in_force,
            quantity_nanos=quantity,
            limit_price_nanos=command.limit_price_nanos,
            submitted_ns=command.timestamp,
            begun_ns=begun_ns,
            approved_nanos=approved,
            remaining_nanos=quantity,
        )
        order = replace(
            order,
            decision_id=command.decision_id,
            intent_id=intent.event_id,
            stop_price_nanos=command.stop_price_nanos,
            trail_nanos=command.trail_nanos,
            reference_price_nanos=intent.reference_price_nanos,
            exit_reason=intent.exit_reason,
            chain=command.chain,
            predecessor_id=intent.replaces,
            valid_until_ns=command.valid_until_ns,
            event_ns=command.timestamp,
        )
        return self._keep(order)

    def fold_event(self, event: OrderEvent) -> Change | Finding:
        """Take in what is said of an order.

        A bare Finding: nothing could be booked and nothing moved. A Change may carry findings too.
        """
        order = self.live.get(event.client_order_id) or self.told_of(event.client_order_id, event.venue_order_id)
        flags: tuple[Finding, ...] = ()
        if order is None:
            met = self._meet_stranger(event)
            if isinstance(met, Finding):
                return met
            order, flag = met
            flags = (flag,)
        elif event.side is not order.side or event.symbol != order.symbol:
            return complaints.mismatch(order, event)
        key = order.client_order_id
        executions = self.executions.get(key, _NO_EXECUTIONS)
        change = apply_event(order, event, executions, self.policy, self.instruments[order.symbol].multiplier)
        if change.execution is not None:
            self.executions.setdefault(key, {})[event.execution_id] = change.execution
        after = self._keep(change.order)
        if flags:
            change = replace(change, findings=flags + change.findings)
        if after.successor_id or after.predecessor_id:
            change = self._fold_chain(change, event)
            after = change.order
        if after.chase_open and not after.working and not self._may_chase(after):
            change = replace(change, order=self._keep(replace(after, chase_open=False)))
        return change

    def snapshot(self) -> bytes:
        """Return the whole state as bytes; equal states give equal bytes."""
        return store.encode(store.Contents(self.account, self.live, self.finished, self.executions, self.approved))

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot.

        Raises:
            msgspec.MsgspecError: the bytes are no snapshot of orders.
        """
        contents = store.decode(data)
        self.account = contents.account
        self.live = contents.live
        self.finished = OrderedDict(contents.finished)
        self.executions = contents.executions
        self.approved = contents.approved
        self._agenda = Agenda()
        for order in (*self.live.values(), *self.finished.values()):
            self._agenda.put(order.client_order_id, next_due_ns(order, self.policy, self._plan(order)))

    # Inside.

    def _known(self, client_order_id: str) -> Order:
        order = self.find(client_order_id)
        assert order is not None, "orders are forgotten only when they finished long ago"
        return order

    def _meet_stranger(self, event: OrderEvent) -> tuple[Order, Finding] | Finding:
        if strangers.is_our_shape(event.client_order_id):
            return strangers.unknown_own(event)
        if event.symbol not in self.instruments:
            return strangers.unknown_instrument(event)
        return strangers.adopted(event)

    def _fold_chain(self, change: Change, event: OrderEvent) -> Change:
        """See to the orders that this one continues or that continue it; return the change with what else moved."""
        order = change.order
        others: tuple[tuple[Order, OrderState], ...] = ()
        if order.state in NEVER_LIVED or event.kind is OrderEventKind.REPLACE_REJECTED:
            others = self._fold_refused_replacement(order, event)
        shrunk, found = self._fold_chain_fill(order) if change.fills else ((), ())
        after = self._known(order.client_order_id)
        return replace(change, order=after, others=others + shrunk, findings=change.findings + found)

    def _plan(self, order: Order) -> OrderPlan:
        return self.plans.get(order.strategy_id, KEEP_PLAN)

    def _about(self, kind: CommandKind, order: Order, event_id: str, now_ns: int, reason: str, *, chase: bool = False) -> OrderCommand:
        stamp = Stamp(event_id, now_ns, now_ns + self._plan(order).valid_ns, self.account)
        return about_order(kind, order, stamp, reason=reason, chase=chase)

    def _may_chase(self, order: Order) -> bool:
        """Tell whether the rest of a finished order may still be asked for.

        It ended by the cancel that announced the chase.
        """
        if order.state is not OrderState.CANCELED or order.cancel_wanted or order.successor_id:
            return False
        return chains.rest(chains.members(order, self.find)) > 0

    def _fold_request(self, command: OrderCommand) -> Order:
        order = self._known(command.target_id)
        if command.kind is _LOOKUP:
            return self._keep(replace(order, lookup_ns=command.timestamp))
        if command.chain > order.chain:
            return self._keep(replace(order, cancel_ns=command.timestamp, chase_open=True))
        return self._keep(replace(order, cancel_ns=command.timestamp, cancel_wanted=True, chase_open=False))

    def _fold_refused_replacement(self, order: Order, event: OrderEvent) -> tuple[tuple[Order, OrderState], ...]:
        """Unlink a replacement that never came to be.

        When it was the original that was told, the replacement ends here.
        """
        if order.state in NEVER_LIVED:
            original = self.find(order.predecessor_id)
            if original is not None and original.successor_id == order.client_order_id:
                self._keep(replace(original, successor_id=""))
            return ()
        refused = self.find(event.successor_id or order.successor_id)
        if refused is None or not refused.working or refused.predecessor_id != order.client_order_id:
            return ()
        before = refused.state
        refused = replace(refused, state=OrderState.REJECTED, working=False, remaining_nanos=0, unknown_ns=0)
        refused = self._keep(replace(refused, event_ns=event.timestamp))
        self._keep(replace(order, successor_id=""))
        return ((refused, before),)

    def _fold_chain_fill(self, order: Order) -> tuple[tuple[tuple[Order, OrderState], ...], tuple[Finding, ...]]:
        """After a fill: no order of the chain may work on more than is left of what was approved.

        A replacement that a fill of its original crossed is whole with what is left, and canceled all the same: what its venue took it
        for is not proved.
        """
        chain = chains.members(order, self.find)
        left = chains.rest(chain)
        for member in chain:
            if member.chase_open and not member.working and left <= 0:
                self._keep(replace(member, chase_open=False))
        rest = max(0, left)
        over = [member for member in chain if member.remaining_nanos > rest]
        if left >= 0 and not over:
            return (), ()
        for member in over:
            self._keep(replace(member, cancel_wanted=True, quantity_nanos=member.filled_nanos + rest, remaining_nanos=rest))
        shrunk = tuple((self._known(member.client_order_id), member.state) for member in over if member is not order)
        return shrunk, (complaints.chain_overfill(chain[0], filled_nanos=chains.filled(chain)),)

    def _keep(self, order: Order) -> Order:
        """Store an order where it belongs and see to its timer."""
        key, working = order.client_order_id, order.working
        due_ns = NEVER_NS
        if working or order.chase_open:
            due_ns = next_due_ns(order, self.policy, self.plans.get(order.strategy_id, KEEP_PLAN))
        if due_ns != self._agenda.times.get(key, NEVER_NS):
            self._agenda.put(key, due_ns)
        if working:
            self.live[key] = order
            if key in self.finished:  # it lives after all
                del self.finished[key]
            return order
        self.live.pop(key, None)
        self.finished[key] = order
        if len(self.finished) > FINISHED_KEPT:
            forgotten = self._oldest_besides(order)
            del self.finished[forgotten]
            self.executions.pop(forgotten, None)
            self._agenda.put(forgotten, NEVER_NS)
        return order

    def _oldest_besides(self, order: Order) -> str:
        """Return what is forgotten for an order that has just finished: one that never left makes room by another such one.

        Hundreds may be held back in a minute (the venue's rate limit, a lost store); those that lived may still be told of.
        """
        oldest = next(iter(self.finished))
        if order.state is not _NOT_SENT:
            return oldest
        return next((key for key, one in self.finished.items() if one.state is _NOT_SENT and one is not order), oldest)
