"""Requests to Alpaca: one place that turns what a network can do into three outcomes, waits its turn, and hides the key.

Nothing was sent (Unreachable), refused (Declined), or sent and not known (OutcomeUnsure). A read changes nothing, so a read
that was lost counts as not sent. Retries: reads and cancels may be repeated, a few times, out of the limiter's retry budget.
An order is never repeated here, whatever happened to it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, TypeVar, final

import aiohttp
import msgspec

from tidegate.clock.clock import Clock
from tidegate.values.time import MILLISECOND_NS, NEVER_NS, SECOND_NS
from tidegate.venues.alpaca.access import Access
from tidegate.venues.alpaca.guarded import GuardedBody
from tidegate.venues.alpaca.mapping.orders import Body
from tidegate.venues.alpaca.refusals import SERVER_ERROR, TOO_MANY, refusal
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.calls import HELD_BACK, Called, VenueCall, nobody
from tidegate.venues.errors import Declined, OutcomeUnsure, Unreachable, UnreadableAnswerError
from tidegate.venues.port import Urgency
from tidegate.venues.ratelimit import answer_of
from tidegate.venues.turnstile import Turn, Turnstile
from tidegate.venues.waiting import Wait, loop_wait

T = TypeVar("T")
Query: TypeAlias = Mapping[str, str]

ATTEMPTS_MAX: Final = 3
_PAUSE_NS: Final = 250 * MILLISECOND_NS
_REDIRECT: Final = 300
_GIVEN_UP: Final = "given up"
_REQUEST_ID: Final = "X-Request-ID"  # by which Alpaca's support finds a request


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a request waits."""

    connect_ns: int = 5 * SECOND_NS
    answer_ns: int = 10 * SECOND_NS


class Effect(Enum):
    """What a request does, hence what its loss means."""

    NONE = "none"  # a read
    REPEATABLE = "repeatable"  # doing it twice is doing it once
    ONCE = "once"  # an order


class Reply(NamedTuple):
    """An answer that is no refusal."""

    status: int
    body: bytes


class Call(NamedTuple):
    """One request; until_ns: the time after which it is of no use and leaves no more, by the line's clock."""

    method: str
    path: str
    effect: Effect = Effect.NONE
    urgency: Urgency = Urgency.READ
    query: Query = MappingProxyType({})
    body: Body | None = None
    until_ns: int = NEVER_NS


LastLook: TypeAlias = Callable[[Body], str]  # given an order's body, why it may not leave any more; empty: it may


def _nothing_against(body: Body) -> str:
    """Whoever has no objections."""
    del body
    return ""


class Line(NamedTuple):
    """What requests run on: a session of the caller's, who closes it, time, and patience.

    `last_look` is asked about an order after its wait for a turn, and again in the step in which its bytes are written (see
    `guarded`). `called` is told of every attempt that has ended.
    """

    session: aiohttp.ClientSession
    clock: Clock
    timeouts: Timeouts = Timeouts()
    wait: Wait = loop_wait
    last_look: LastLook = _nothing_against
    called: Called = nobody


@final
class Requests:
    """Requests to one origin under one limit."""

    def __init__(self, line: Line, origin: str, access: Access, turnstile: Turnstile) -> None:
        self.turnstile = turnstile
        self._session = line.session
        self._origin = origin.rstrip("/")
        self._access = access
        self._clock = line.clock
        self._wait = line.wait
        self._last_look = line.last_look
        self._called = line.called
        timeouts = line.timeouts
        # `total` would not tell a connection that was never made from an answer that never came.
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=timeouts.connect_ns / SECOND_NS, sock_connect=timeouts.connect_ns / SECOND_NS,
            sock_read=timeouts.answer_ns / SECOND_NS,
        )  # fmt: skip
        self._answer_s = (timeouts.connect_ns + timeouts.answer_ns) / SECOND_NS

    async def read(self, path: str, kind: type[T], query: Query | None = None, *, urgency: Urgency = Urgency.READ) -> T:
        """Return a typed answer to a GET.

        Raises:
            Unreachable, Declined, UnreadableAnswerError, QueueFullError: see there.
        """
        reply = await self.send(Call("GET", path, query=query or {}, urgency=urgency))
        return read_json(reply.body, kind)

    async def send(self, call: Call) -> Reply:
        """Return the answer to a request, repeated if it may be.

        Raises:
            Unreachable, Declined, OutcomeUnsure, QueueFullError, TurnTooLateError: see there.
        """
        attempts = 1 if call.effect is Effect.ONCE else ATTEMPTS_MAX
        for attempt in range(1, attempts + 1):
            try:
                return await self._once(call)
            except (Unreachable, OutcomeUnsure, Declined) as error:
                if attempt == attempts or not self._worth_repeating(call, error):
                    raise
            await self._wait(_PAUSE_NS << (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def _worth_repeating(self, call: Call, error: Unreachable | OutcomeUnsure | Declined) -> bool:
        if isinstance(error, Declined) and error.status != TOO_MANY:
            return False
        return self.turnstile.may_retry(call.urgency)

    async def _once(self, call: Call) -> Reply:
        async with self.turnstile.turn(call.urgency, until_ns=call.until_ns) as turn:
            order = self._order_of(call)
            # Asked here although its bytes ask again: held back there, it would take the connection with it, and the cancels
            # of a kill would have to make another.
            if order is not None and (why := order.ask()):
                raise _held_back(turn, f"after its wait for a turn: {why}")
            try:
                status, headers, body = await self._told(call, order)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._failed(call, order, turn, error) from None
            turn.answer = answer_of(status, headers, self._clock.now_ns())
        if status >= SERVER_ERROR:
            raise self._lost(call, f"HTTP {status}")
        if status >= _REDIRECT:
            declined = refusal(status, body)
            raise Declined(declined.reason, self._access.hides(declined.words), status=status)
        return Reply(status, body)

    def _order_of(self, call: Call) -> GuardedBody | None:
        """Return the body of an order; None: the call is none, and nothing holds it back."""
        if call.effect is not Effect.ONCE or call.body is None:
            return None
        return GuardedBody(msgspec.json.encode(call.body), partial(self._last_look, call.body))

    async def _told(self, call: Call, order: GuardedBody | None) -> tuple[int, Mapping[str, str], bytes]:
        """Make one attempt, and tell how it ended, whichever way that is."""
        began_ns, status, request_id, why = self._clock.monotonic_ns(), 0, "", _GIVEN_UP
        try:
            async with asyncio.timeout(self._answer_s):
                status, headers, body = await self._exchange(call, order)
            request_id, why = headers.get(_REQUEST_ID, ""), ""
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = HELD_BACK if order is not None and order.refusal else _named(error)
            raise
        finally:
            self._called(VenueCall(call.method, call.path, status, self._clock.monotonic_ns() - began_ns, request_id, why))
        return status, headers, body

    async def _exchange(self, call: Call, order: GuardedBody | None) -> tuple[int, Mapping[str, str], bytes]:
        async with self._session.request(
            call.method,
            self._origin + call.path,
            params=call.query,
            data=order if order is not None or call.body is None else msgspec.json.encode(call.body),
            headers={**self._access.headers(), "Content-Type": "application/json"},
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            if order is not None and order.withhold():
                raise aiohttp.ClientConnectionError("What came before the order was written is no answer to it.")
            return response.status, response.headers, await response.read()

    def _failed(self, call: Call, order: GuardedBody | None, turn: Turn, error: Exception) -> Unreachable | OutcomeUnsure:
        """Return what an attempt that brought no answer means."""
        if order is not None and order.refusal:
            return _held_back(turn, f"before its bytes left: {order.refusal}")
        # An order whose bytes were never handed over is as little sent as one without a connection, whatever the error is.
        if isinstance(error, _NEVER_SENT) or (order is not None and order.withhold()):
            return Unreachable(f"Alpaca could not be reached for {call.method} {call.path} ({_named(error)}).")
        return self._lost(call, _named(error))

    def _lost(self, call: Call, why: str) -> Unreachable | OutcomeUnsure:
        if call.effect is Effect.NONE:
            return Unreachable(f"Alpaca did not answer GET {call.path} ({why}); nothing was changed by it.")
        return OutcomeUnsure(f"Alpaca did not answer {call.method} {call.path} ({why}); look it up before doing anything else.")


_NEVER_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


def _held_back(turn: Turn, why: str) -> Unreachable:
    """Give back the turn of an order that does not leave, and return what to raise."""
    turn.unused = True  # or orders that came too late would use up what those behind them need
    return Unreachable(f"The order was held back {why}.")


def _named(error: BaseException) -> str:
    """Return an error's kind and nothing of its content, which may hold what we sent."""
    return type(error).__name__


def unreadable_order(error: UnreadableAnswerError) -> OutcomeUnsure:
    """Return what an unreadable answer to an order means."""
    return OutcomeUnsure(f"The order was sent and {error}; look it up before doing anything else.")


def comma(words: Sequence[str]) -> str:
    """Return words as Alpaca's lists are written."""
    return ",".join(words)
