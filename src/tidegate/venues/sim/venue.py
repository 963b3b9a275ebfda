"""The simulated venue: takes commands, answers at the times its latencies give, and forecasts its next answer.

It walks the tapes with cursors of its own on venue time and is lazy: nothing is read until a command comes or an order rests.
Everything is a function of the tapes, the commands with their times, and the seed.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, final

from tidegate.events.acts import OrderCommand
from tidegate.kernel.compile import Compiler
from tidegate.values.enums import CommandKind, Liquidity, OrderEventKind, Side
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.fees import FeeSchedule, FeeTable, Fill
from tidegate.values.instruments import Instrument
from tidegate.values.latency import ORDER_STREAM, RESPONSE_STREAM, Latency
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import checks, rows
from tidegate.venues.sim.draws import Draws
from tidegate.venues.sim.memory import Event, Forecast, Memory, NewOrder
from tidegate.venues.sim.responses import KINDS, REASONS, Response
from tidegate.venues.sim.settings import SimSettings
from tidegate.venues.sim.setup import Stream, make_memory

_CHUNK_FIRST: Final = 256  # records of the first scan ahead; doubled while no command interrupts
_CHUNK_LAST: Final = 65_536
_ENDS: Final = frozenset({rows.FILLED, rows.CANCELED, rows.REJECTED, rows.EXPIRED, rows.REPLACED})
_CHAINED: Final = frozenset({rows.REPLACED, rows.REPLACE_REJECTED})
_NOT_FOUND: Final = "order not found"
_ALL: Final = NEVER_NS  # as a count of records taken: every one of that time


class TapeRecordError(TidegateError):
    """A record on a tape cannot be matched against."""

    exit_code = ExitCode.USAGE


class NoResponseError(TidegateError):
    """Somebody asked for a response that will never come."""

    exit_code = ExitCode.REFUSED


class _Order:
    """What the venue knows of an order besides its row."""

    __slots__ = ("command", "ended", "executions", "filled", "slot", "successor", "venue_id")

    def __init__(self, command: OrderCommand, slot: int, venue_id: str) -> None:
        self.command = command
        self.slot = slot
        self.venue_id = venue_id
        self.executions = 0
        self.filled = 0
        self.ended: OrderEventKind | None = None
        self.successor = ""


@final
class SimVenue:
    """One venue over several tapes. `compiler` None runs the same kernel as plain Python; `strict` checks what it stores."""

    def __init__(  # noqa: PLR0913 - each is a part of the session's identity and is named by the caller
        self,
        streams: Sequence[Stream],
        instruments: Sequence[Instrument],
        *,
        settings: SimSettings,
        fees: FeeSchedule,
        order_latency: Latency,
        response_latency: Latency,
        seed: int,
        compiler: Compiler | None,
        strict: bool = False,
    ) -> None:
        settings.check()
        self._streams = tuple(streams)  # keeps the memory alive that compiled code reads by address
        self._places = {instrument.symbol: place for place, instrument in enumerate(instruments)}
        self._instruments = tuple(instruments)
        self._settings = settings
        self._fees = FeeTable(fees)
        self._charges = bool(fees.rates)
        self._order_draws = Draws(order_latency, seed=seed, stream=ORDER_STREAM)
        self._response_draws = Draws(response_latency, seed=seed, stream=RESPONSE_STREAM)
        self._memory: Memory = make_memory(
            self._streams, len(instruments), settings, compiler=compiler, strict=strict
        )
        self._slots: list[_Order | None] = [None] * settings.orders_max
        self._free = list(range(settings.orders_max - 1, -1, -1))
        self._leaving: list[int] = []
        self._orders: dict[str, _Order] = {}  # every id ever taken in; grows with orders, not with the tape
        self._queue: deque[Response] = deque()
        self._commands = 0
        self._responses = 0
        self._arrived_ns = 0
        self._answered_ns = 0
        self._forecast: Forecast | None = None
        self._chunk = _CHUNK_FIRST
        self._looked_ns = -1

    # What the caller asks.

    def command(self, command: OrderCommand, *, sent_ns: int, taken: Sequence[int]) -> None:
        """Take a command sent at sent_ns, when the engine had taken in so many records of each stream.

        It arrives after the order latency, never before the command sent before it, and meets the market as it is then.

        Raises:
            TapeRecordError: a record on the way there cannot be matched against.
        """
        assert len(taken) == len(self._streams), "one count for each stream"
        self._memory.set_taken(taken)
        arrival_ns = max(sent_ns + self._order_draws.at(self._commands), self._arrived_ns)
        self._arrived_ns = arrival_ns
        self._commands += 1
        self._forecast, self._chunk, self._looked_ns = None, _CHUNK_FIRST, -1
        if command.kind is CommandKind.SUBMIT:
            self._submit(command, arrival_ns)
        elif command.kind is CommandKind.CANCEL:
            self._cancel(command, arrival_ns)
        elif command.kind is CommandKind.REPLACE:
            self._replace(command, arrival_ns)
        else:
            self._look_up(command, arrival_ns)

    def next_response_ns(self) -> int:
        """Return a receive time before which no response comes; the next response's own when `response_known`.

        While orders rest this is a forecast: feed the engine up to it and ask again, which gives a later time or a known
        response. A command in between makes it void. NEVER_NS when nothing can come.

        Raises:
            TapeRecordError: a record ahead cannot be matched against.
        """
        if self._queue:
            return self._queue[0].ts_recv
        if len(self._free) == len(self._slots):
            return NEVER_NS
        while True:
            forecast = self._forecast
            if forecast is None or not (forecast.found or forecast.venue_ns >= NEVER_NS):
                forecast = self._scan(rows.FORECAST if forecast is None else rows.SCAN)
            if forecast.venue_ns >= NEVER_NS:
                return NEVER_NS
            answer_ns = max(forecast.venue_ns + self._response_draws.at(self._responses), self._answered_ns)
            if forecast.found or answer_ns > self._looked_ns:
                self._looked_ns = answer_ns
                return answer_ns

    @property
    def response_known(self) -> bool:
        """Tell whether the time last given by `next_response_ns` is that of a response, which `next_response` gives."""
        return bool(self._queue) or (self._forecast is not None and self._forecast.found)

    def next_response(self) -> Response:
        """Return the next response and move the venue to what caused it.

        Raises:
            NoResponseError: nothing can come any more.
            TapeRecordError: a record on the way there cannot be matched against.
        """
        while not self.response_known:
            if self.next_response_ns() >= NEVER_NS:
                raise NoResponseError(
                    "The simulated venue has nothing more to say; ask next_response_ns first."
                )
        if not self._queue:
            assert self._forecast is not None
            self._commit(self._forecast)
        return self._queue.popleft()

    def state_bytes(self) -> bytes:
        """Return the bytes of the venue's own rows: the same for every mode and every way of asking."""
        return self._memory.durable()

    # Commands.

    def _submit(self, command: OrderCommand, arrival_ns: int) -> None:
        fault = self._fault(command)
        slot = -1 if fault else self._open_slot(arrival_ns)
        if slot < 0:
            self._ask(rows.ADVANCE, arrival_ns)
            self._refuse(command, arrival_ns, fault or "too many open orders")
            return
        self._take_in(command, slot)
        self._ask(rows.SUBMIT, arrival_ns, slot)

    def _cancel(self, command: OrderCommand, arrival_ns: int) -> None:
        order = self._orders.get(command.target_id)
        if order is not None and order.ended is None:
            self._ask(rows.CANCEL, arrival_ns, order.slot)
            return
        self._ask(rows.ADVANCE, arrival_ns)
        self._refuse_target(OrderEventKind.CANCEL_REJECTED, command, arrival_ns)

    def _replace(self, command: OrderCommand, arrival_ns: int) -> None:
        original = self._orders.get(command.target_id)
        fault = self._fault(command)
        if original is None or original.ended is not None:
            fault = fault or (REASONS[rows.ALREADY_ENDED] if original else _NOT_FOUND)
        elif not fault:
            fault = checks.replace_fault(command, original.command)
        slot = -1 if fault or original is None else self._open_slot(arrival_ns)
        if original is None or slot < 0:
            self._ask(rows.ADVANCE, arrival_ns)
            fault = fault or "too many open orders"
            self._refuse_target(OrderEventKind.REPLACE_REJECTED, command, arrival_ns, fault)
            self._refuse(command, arrival_ns, fault)
            return
        original.successor = command.client_order_id
        self._take_in(command, slot)
        self._ask(rows.REPLACE, arrival_ns, original.slot, slot)

    def _look_up(self, command: OrderCommand, arrival_ns: int) -> None:
        self._ask(rows.ADVANCE, arrival_ns)
        order = self._orders.get(command.target_id)
        if order is None:
            self._refuse_target(OrderEventKind.LOOKUP_MISSED, command, arrival_ns)
            return
        self._say(order, order.ended or OrderEventKind.FOUND_WORKING, arrival_ns)

    def _fault(self, command: OrderCommand) -> str:
        place = self._places.get(command.symbol)
        if place is None:
            return f"unknown symbol {command.symbol}"
        if fault := checks.id_fault(command.client_order_id):
            return fault
        if command.client_order_id in self._orders:
            return "client_order_id must be unique"
        return checks.form_fault(command, self._instruments[place])

    def _open_slot(self, arrival_ns: int) -> int:
        """Return a free row; when all are taken, first let happen what comes before the command."""
        if not self._free:
            self._ask(rows.ADVANCE, arrival_ns)
        return self._free.pop() if self._free else -1

    def _take_in(self, command: OrderCommand, slot: int) -> None:
        order = _Order(command, slot, f"sim-{len(self._orders) + 1}")
        self._orders[command.client_order_id] = order
        self._slots[slot] = order
        place = self._places[command.symbol]
        order_type, limit = checks.TYPES[command.order_type], command.limit_price_nanos
        if self._settings.buy_stop_collar and checks.is_collared(command):
            order_type = rows.STOP_LIMIT
            limit = checks.collared_limit(command.stop_price_nanos, self._instruments[place])
        self._memory.place_order(
            NewOrder(
                slot,
                place,
                1 if command.side is Side.BUY else -1,
                order_type,
                checks.LIVES[command.time_in_force],
                command.quantity_nanos,
                limit,
                command.stop_price_nanos,
                command.trail_nanos,
            )
        )

    # The kernel.

    def _ask(self, verb: int, until_ns: int, slot: int = 0, successor: int = 0) -> None:
        """Do a verb, taking out events as often as their rows are full."""
        outcome = rows.DRAIN
        while outcome == rows.DRAIN:
            outcome = self._memory.ask(verb, until_ns, slot, successor)
            for event in self._memory.events():
                self._hear(event)
            if outcome == rows.BAD_RECORD:
                raise self._bad_record()
        while self._leaving:
            leaving = self._leaving.pop()
            self._slots[leaving] = None
            self._free.append(leaving)

    def _commit(self, forecast: Forecast) -> None:
        """Move the venue to just after what the forecast found."""
        cause = forecast.stream
        taken = [_ALL if rank < cause else 0 for rank in range(len(self._streams))]
        if cause >= 0:
            taken[cause] = forecast.place + 1
        self._memory.set_taken(taken)
        self._ask(rows.ADVANCE, forecast.venue_ns)
        self._forecast, self._looked_ns = None, -1
        assert self._queue, "the forecast found what did not happen"

    def _scan(self, verb: int) -> Forecast:
        outcome = self._memory.scan(verb, self._chunk)
        if outcome == rows.BAD_RECORD:
            raise self._bad_record()
        self._chunk = min(2 * self._chunk, _CHUNK_LAST)
        self._forecast = self._memory.forecast(outcome)
        return self._forecast

    def _bad_record(self) -> TapeRecordError:
        rank, place = self._memory.bad_record()
        return TapeRecordError(
            f"Record {place} of tape {rank} is of an instrument the tape does not define; import the tape again."
        )

    # Responses.

    def _hear(self, event: Event) -> None:
        """Turn an event row into a response."""
        code, slot, quantity, price, filled, venue_ns, stream, place, maker, reason = event
        order = self._slots[slot]
        assert order is not None, "an event of an order that left"
        kind = KINDS[code]
        order.filled = filled
        if code in _ENDS:
            order.ended = kind
            self._leaving.append(slot)
        execution, fee, liquidity = "", 0, None
        command = order.command
        if quantity:
            order.executions += 1
            execution = f"{command.client_order_id}-{order.executions}"
            liquidity = Liquidity.MAKER if maker else Liquidity.TAKER
            if self._charges:
                instrument = self._instruments[self._places[command.symbol]]
                fee = self._fees.total(
                    Fill(instrument.kind, command.side, price, quantity, instrument.multiplier, venue_ns)
                )
        self._queue.append(
            Response(
                self._answer_ns(venue_ns),
                None if stream < 0 else (stream, place),
                kind,
                command.client_order_id,
                order.venue_id,
                command,
                command.side,
                venue_ns,
                execution,
                quantity,
                price,
                filled,
                fee,
                liquidity,
                REASONS[reason],
                order.successor if code in _CHAINED else "",
            )
        )

    def _answer_ns(self, venue_ns: int) -> int:
        """Return when the engine hears of it: after the latency, never before what was said earlier."""
        answer_ns = venue_ns + self._response_draws.at(self._responses)
        self._responses += 1
        if answer_ns < self._answered_ns:
            return self._answered_ns
        self._answered_ns = answer_ns
        return answer_ns

    def _say(self, order: _Order, kind: OrderEventKind, venue_ns: int) -> None:
        command = order.command
        self._queue.append(
            Response(
                self._answer_ns(venue_ns),
                None,
                kind,
                command.client_order_id,
                order.venue_id,
                command,
                command.side,
                venue_ns,
                cum_quantity_nanos=order.filled,
            )
        )

    def _refuse(self, command: OrderCommand, venue_ns: int, reason: str) -> None:
        self._queue.append(
            Response(
                self._answer_ns(venue_ns),
                None,
                OrderEventKind.REJECTED,
                command.client_order_id,
                "",
                command,
                command.side,
                venue_ns,
                reason=reason,
            )
        )

    def _refuse_target(
        self, kind: OrderEventKind, command: OrderCommand, venue_ns: int, reason: str = ""
    ) -> None:
        """Refuse a command about an order that is not there or has ended."""
        order = self._orders.get(command.target_id)
        about = command if order is None else order.command
        self._queue.append(
            Response(
                self._answer_ns(venue_ns),
                None,
                kind,
                command.target_id,
                "" if order is None else order.venue_id,
                about,
                about.side,
                venue_ns,
                cum_quantity_nanos=0 if order is None else order.filled,
                reason=reason or (_NOT_FOUND if order is None else REASONS[rows.ALREADY_ENDED]),
                successor_id=command.client_order_id if kind is OrderEventKind.REPLACE_REJECTED else "",
            )
        )
