"""Orders at Alpaca: place, replace by a policy, cancel, and look up completely."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final, final
from uuid import UUID

import msgspec

from tidegate.clock.clock import Clock
from tidegate.events.acts import OrderCommand
from tidegate.values.enums import OrderState
from tidegate.values.time import DAY_NS, NEVER_NS, SECOND_NS, iso_utc
from tidegate.venues.alpaca.http import Call, Effect, Query, Reply, Requests, unreadable_order
from tidegate.venues.alpaca.ids import IdBook
from tidegate.venues.alpaca.mapping.orders import order_body, replace_body, venue_order
from tidegate.venues.alpaca.refusals import refusal
from tidegate.venues.alpaca.wire.account import Activity
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.alpaca.wire.orders import ItemResult, Order
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable, UnreadableAnswerError
from tidegate.venues.pacing import ChangePace, Pacer
from tidegate.venues.port import CancelResult, Urgency, VenueOrder
from tidegate.venues.ticket import OrderTicket, check_ticket, ticket_of
from tidegate.venues.waiting import Wait

PAGE: Final = 500
PAGES_MAX: Final = 40
ASKED_SINGLY_MAX: Final = 4  # more orders than that are read from the lists of orders, 500 a request
_OK: Final = 200
_REFUSED: Final = 400


class ReplacePolicy(StrEnum):
    """How an order is replaced."""

    CANCEL_FIRST = "cancel_first"  # cancel, confirm, and place what is left: slower, never two orders at once
    VENUE = "venue"  # the venue's own replacement, which is not atomic: the old order may fill while it runs


class OrderPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders are handled. `replace` is by strategy id; others get `replace_default`."""

    replace_default: ReplacePolicy = ReplacePolicy.CANCEL_FIRST
    replace: dict[str, ReplacePolicy] = {}
    confirm_ns_max: int = 10 * SECOND_NS  # how long a cancel may take before its replacement is given up
    confirm_poll_ns: int = SECOND_NS // 4  # the first pause between looks; each next one is twice as long
    pace: ChangePace = ChangePace()
    lookback_ns: int = 3 * DAY_NS  # how far back a complete lookup reads closed orders and fills


@final
class OrderDesk:
    """The verbs of orders on one account."""

    def __init__(self, requests: Requests, ids: IdBook, policy: OrderPolicy, clock: Clock, wait: Wait) -> None:
        self.ids = ids
        self._requests = requests
        self._policy = policy
        self._clock = clock
        self._wait = wait
        self._pacer = Pacer(policy.pace)

    async def submit(self, command: OrderCommand, *, urgency: Urgency) -> VenueOrder:
        """See `OrderVenue.submit`."""
        return await self.place(ticket_of(command), urgency=urgency, until_ns=command.valid_until_ns)

    async def place(self, ticket: OrderTicket, *, urgency: Urgency, until_ns: int = NEVER_NS) -> VenueOrder:
        """Place an order of any kind. If its id is taken, return the order that has it, when that is the same order.

        Args:
            ticket: the order.
            urgency: of its turn at the venue's rate limit.
            until_ns: how long that is waited for.

        Raises:
            BadTicketError: it breaks a rule; it was not sent.
            Unreachable, Declined, OutcomeUnsure, QueueFullError, TurnTooLateError: see there.
        """
        check_ticket(ticket)
        call = Call("POST", "/v2/orders", Effect.ONCE, urgency, body=order_body(ticket), until_ns=until_ns)
        try:
            reply = await self._requests.send(call)
        except Declined as error:
            if error.reason is not DeclineReason.DUPLICATE_ID:
                raise
            return await self._holder_of(ticket, error)
        return self._placed(reply, ticket.client_order_id)

    async def replace(self, command: OrderCommand, *, urgency: Urgency) -> VenueOrder:
        """See `OrderVenue.replace`; the strategy's policy says how.

        A partly filled order is never given an absolute quantity: what is left is placed anew after its cancel is confirmed.
        """
        ticket = ticket_of(command)
        check_ticket(ticket)
        self._keep_pace(command)
        target = await self._target(command)
        policy = self._policy.replace.get(command.strategy_id, self._policy.replace_default)
        if policy is ReplacePolicy.VENUE and not target.filled_nanos:
            body = replace_body(ticket, quantity=ticket.quantity_nanos != target.quantity_nanos)
            call = Call("PATCH", f"/v2/orders/{target.venue_order_id}", Effect.ONCE, urgency, body=body, until_ns=command.valid_until_ns)
            return self._placed(await self._requests.send(call), ticket.client_order_id)
        with _declined_as(DeclineReason.NOT_CANCELABLE):  # it has just ended: what it filled is read next
            await self._delete(target.venue_order_id)
        ended = await self._confirmed(target)
        if ended.state is OrderState.REPLACED:  # by the venue itself (a corporate action), or by a replacement that was in doubt
            words = f"order {command.target_id} goes on under another id at the venue; nothing new was sent"
            raise Declined(DeclineReason.NOT_REPLACEABLE, words)
        rest_nanos = min(ticket.quantity_nanos, (ended.quantity_nanos or 0) - ended.filled_nanos)
        if rest_nanos <= 0:
            raise Declined(DeclineReason.NOT_REPLACEABLE, "nothing of the order was left to replace; nothing new was sent")
        rest = msgspec.structs.replace(ticket, quantity_nanos=rest_nanos)
        return await self.place(rest, urgency=urgency, until_ns=command.valid_until_ns)

    async def cancel(self, command: OrderCommand) -> None:
        """See `OrderVenue.cancel`."""
        await self._delete(await self._venue_id(command.target_id or command.client_order_id))

    async def cancel_all(self) -> list[CancelResult]:
        """See `OrderVenue.cancel_all`.

        Raises:
            OutcomeUnsure: no answer, or none that can be read: ask again, cancels may be repeated.
        """
        reply = await self._requests.send(Call("DELETE", "/v2/orders", Effect.REPEATABLE, Urgency.FLATTEN))
        try:
            items = read_json(reply.body or b"[]", list[ItemResult])
        except UnreadableAnswerError as error:
            raise OutcomeUnsure(f"Orders were told to cancel and {error}; list them.") from error
        return [_cancel_result(item) for item in items]

    async def by_client_id(self, client_order_id: str, *, urgency: Urgency = Urgency.READ) -> VenueOrder | None:
        """Return the order that the venue shows under our id at once; None proves nothing: see `find`."""
        return await self._one("/v2/orders:by_client_order_id", {"client_order_id": client_order_id}, urgency)

    async def by_venue_id(self, venue_order_id: str, *, urgency: Urgency = Urgency.READ) -> VenueOrder | None:
        """Return an order with its legs by the venue's id; None: there is none."""
        return await self._one(f"/v2/orders/{venue_order_id}", {"nested": "true"}, urgency)

    async def find(self, client_order_id: str) -> VenueOrder | None:
        """See `OrderVenue.find`: by id, then all open orders, closed ones and fills of the last days."""
        found = await self.by_client_id(client_order_id)
        if found is not None:
            return found
        after_ns = self._clock.now_ns() - self._policy.lookback_ns
        seen: set[str] = set()
        for status, since_ns in (("open", 0), ("closed", after_ns)):
            async for order in self._orders(status, since_ns):
                for one in (order, *order.legs):
                    seen.add(one.venue_order_id)
                    if one.client_order_id == client_order_id:
                        return one
        return await self._by_fills(client_order_id, iso_utc(after_ns), seen)

    async def open_orders(self) -> list[VenueOrder]:
        """See `OrderVenue.open_orders`; legs stand within their parents."""
        return [order async for order in self._orders("open", 0)]

    async def learn(self, venue_order_ids: set[str], since_ns: int) -> None:
        """Read the orders of these ids that were not seen yet, so that `ids` can name them: a few by id, many from the lists."""
        unknown = self._unnamed(venue_order_ids)
        if len(unknown) > ASKED_SINGLY_MAX:
            for status, back_to_ns in (("open", 0), ("closed", since_ns)):
                async for _ in self._orders(status, back_to_ns):
                    pass  # each is remembered as it is read
            unknown = self._unnamed(unknown)
        for venue_order_id in sorted(unknown):
            await self.by_venue_id(venue_order_id)

    def _unnamed(self, venue_order_ids: set[str]) -> set[str]:
        return {venue_id for venue_id in venue_order_ids if venue_id and not self.ids.client_id(venue_id)}

    async def activities(self, kind: str, after: str) -> AsyncIterator[Activity]:
        """Yield activities of a kind after a time, oldest first, page by page.

        Raises:
            UnreadableAnswerError: there are more pages than can be true.
        """
        query = {"activity_types": kind, "after": after, "direction": "asc", "page_size": "100"}
        for _ in range(PAGES_MAX * 10):
            page = await self._requests.read("/v2/account/activities", list[Activity], query)
            for activity in page:
                yield activity
            if len(page) < 100:  # noqa: PLR2004 - the page size asked for
                return
            query = {**query, "page_token": page[-1].id or ""}
        raise UnreadableAnswerError("Alpaca's activities do not end; ask for a later time.")

    async def _orders(self, status: str, since_ns: int) -> AsyncIterator[VenueOrder]:
        """Yield the orders of a listing, newest first, back to a submission time, 0: all.

        Pages go by id cursor, so that equal times at a page's edge lose nothing; the venue allows no time beside it.
        """
        asked = {"nested": "true", "limit": str(PAGE), "direction": "desc", "status": status}
        for _ in range(PAGES_MAX):
            page = [self._seen(order) for order in await self._requests.read("/v2/orders", list[Order], asked)]
            for order in page:
                yield order
            if len(page) < PAGE or 0 < page[-1].submitted_ns < since_ns:
                return
            asked["before_order_id"] = page[-1].venue_order_id
        raise UnreadableAnswerError("Alpaca's list of orders does not end; a complete lookup is not possible.")

    async def _by_fills(self, client_order_id: str, after: str, seen: set[str]) -> VenueOrder | None:
        strangers = {fill.order_id or "": None async for fill in self.activities("FILL", after) if fill.order_id not in seen}
        for venue_order_id in strangers:
            order = await self.by_venue_id(venue_order_id) if venue_order_id else None
            if order is not None and order.client_order_id == client_order_id:
                return order
        return None

    async def _one(self, path: str, query: Query, urgency: Urgency) -> VenueOrder | None:
        try:
            order = await self._requests.read(path, Order, query, urgency=urgency)
        except Declined as error:
            if error.reason is DeclineReason.NOT_FOUND:
                return None
            raise
        if not order.id:
            raise UnreadableAnswerError(f"Alpaca answered {path} without an order; ask again.")
        return self._seen(order)

    def _seen(self, order: Order) -> VenueOrder:
        found = venue_order(order)
        self.ids.see(found)
        return found

    def _placed(self, reply: Reply, client_order_id: str) -> VenueOrder:
        """Return the order of an answer to an order; anything else in a 2xx leaves its fate open."""
        try:
            order = read_json(reply.body, Order)
        except UnreadableAnswerError as error:
            raise unreadable_order(error) from error
        if not order.id or order.client_order_id != client_order_id:
            raise OutcomeUnsure(f"The answer to order {client_order_id} is about no order of this id; look it up.")
        return self._seen(order)

    async def _holder_of(self, ticket: OrderTicket, refused: Declined) -> VenueOrder:
        try:
            order = await self.by_client_id(ticket.client_order_id)
        except Unreachable as error:
            raise OutcomeUnsure(f"Order {ticket.client_order_id} exists and could not be read ({error}); look it up.") from error
        if order is None or (order.symbol, order.side) != (ticket.symbol, ticket.side):
            raise refused
        return order

    def _keep_pace(self, command: OrderCommand) -> None:
        """Refuse a change that comes too soon after another; count one that does not."""
        now_ns = self._clock.monotonic_ns()
        wait_ns = self._pacer.wait_ns(command.target_id, command.strategy_id, now_ns)
        if wait_ns:
            words = f"order {command.target_id} may be changed again in {wait_ns / SECOND_NS:.3f} s; nothing was sent"
            raise Declined(DeclineReason.RATE_LIMITED, words)
        self._pacer.changed(command.client_order_id, command.strategy_id, now_ns)

    async def _target(self, command: OrderCommand) -> VenueOrder:
        """Return the order to be replaced as it is now."""
        venue_id = self.ids.venue_id(command.target_id)
        order = await (self.by_venue_id(venue_id) if venue_id else self.by_client_id(command.target_id))
        if order is None:
            raise Declined(DeclineReason.NOT_FOUND, f"there is no order {command.target_id} to replace; nothing was sent")
        if not order.working:
            raise Declined(DeclineReason.NOT_REPLACEABLE, f"order {command.target_id} is {order.word}; nothing new was sent")
        return order

    async def _venue_id(self, order_id: str) -> str:
        """Return the venue's id of an order of ours, or of one that is known by its venue id alone."""
        venue_id = self.ids.venue_id(order_id)
        if venue_id:
            return venue_id
        found = await self.by_client_id(order_id, urgency=Urgency.FLATTEN)
        if found is not None:
            return found.venue_order_id
        if _is_uuid(order_id):
            return order_id
        raise Declined(DeclineReason.NOT_FOUND, f"there is no order {order_id}")

    async def _delete(self, venue_order_id: str) -> None:
        await self._requests.send(Call("DELETE", f"/v2/orders/{venue_order_id}", Effect.REPEATABLE, Urgency.FLATTEN))

    async def _confirmed(self, target: VenueOrder) -> VenueOrder:
        """Return the target once it has ended.

        Raises:
            Declined: it has not within the policy's time; nothing new was sent.
        """
        until_ns = self._clock.monotonic_ns() + self._policy.confirm_ns_max
        pause_ns = self._policy.confirm_poll_ns
        while True:
            order = await self.by_venue_id(target.venue_order_id, urgency=Urgency.EXIT)
            if order is not None and not order.working:
                return order
            if self._clock.monotonic_ns() >= until_ns:
                words = f"the cancel of order {target.client_order_id} was not confirmed in time; nothing new was sent"
                raise Declined(DeclineReason.NOT_REPLACEABLE, words)
            await self._wait(pause_ns)
            pause_ns *= 2


@contextmanager
def _declined_as(reason: DeclineReason) -> Iterator[None]:
    """Let a refusal of one reason pass; others are raised."""
    try:
        yield
    except Declined as error:
        if error.reason is not reason:
            raise


def _cancel_result(item: ItemResult) -> CancelResult:
    taken = _OK <= item.status < _REFUSED
    words = "" if taken else refusal(item.status, bytes(item.body)).words
    return CancelResult(venue_order_id=item.id or "", taken=taken, words=words)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
