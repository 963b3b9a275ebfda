"""The simulated venue: takes commands, answers at the times its latencies give, and forecasts its next answer.

It walks the tapes with cursors of its own on venue time and is lazy: nothing is read until a command comes or an order rests.
Everything is a function of the tapes, the commands with their times, and the seed.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, final

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.kernel.compile import Compiler
from tidegate.values.enums import CommandKind, OrderEventKind, Side
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.fees import FeeSchedule
from tidegate.values.instruments import Instrument
from tidegate.values.latency import ORDER_STREAM, RESPONSE_STREAM, Latency
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import checks, rows
from tidegate.venues.sim.answers import Answers
from tidegate.venues.sim.draws import Draws
from tidegate.venues.sim.memory import Cells, Memory
from tidegate.venues.sim.orders import Orders, SimOrder
from tidegate.venues.sim.responses import REASONS, Cause
from tidegate.venues.sim.rows import Request
from tidegate.venues.sim.settings import SimSettings
from tidegate.venues.sim.setup import Stream, make_memory

_CHUNK_FIRST: Final = 256  # records of the first scan ahead; doubled while no command interrupts
_CHUNK_LAST: Final = 65_536
_ALL: Final = NEVER_NS  # as a count of records taken: every one of that time
_NOT_FOUND: Final = "order not found"
_TOO_MANY: Final = "too many open orders"

# Members of an enum are looked up slowly before Python 3.12.
_SUBMIT: Final = CommandKind.SUBMIT
_BUY: Final = Side.BUY


class TapeRecordError(TidegateError):
    """A record on a tape cannot be matched against."""


class NoResponseError(TidegateError):
    """Somebody asked for a response that will never come."""

    exit_code = ExitCode.REFUSED


class _Forecast(NamedTuple):
    """What a scan ahead has found: an event, or that nothing happens at a venue time before `venue_ns`."""

    found: bool
    venue_ns: int
    stream: int = -1  # of the record that causes it; -1: none does
    place: int = -1


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
        self._instruments = tuple(instruments)
        self._places = {instrument.symbol: place for place, instrument in enumerate(instruments)}
        self._settings = settings
        self._memory: Memory = make_memory(self._streams, len(instruments), settings, compiler=compiler, strict=strict)
        self._orders = Orders(settings.orders_max)
        self._answers = Answers(Draws(response_latency, seed=seed, stream=RESPONSE_STREAM), fees, self._instruments, settings.acknowledge)
        self._draws = Draws(order_latency, seed=seed, stream=ORDER_STREAM)
        self._commands = 0
        self._arrived_ns = 0
        self._forecast: _Forecast | None = None
        self._chunk = _CHUNK_FIRST
        self._looked_ns = -1

    # What the caller asks.

    def command(self, command: OrderCommand, *, sent_ns: int, taken: Sequence[int]) -> None:
        """Take a command sent at sent_ns, when the engine had taken in so many records of each stream.

        It arrives after the order latency, never before the command sent before it, and meets the market as it is then.

        Raises:
            TapeRecordError: a record on the way there cannot be matched against.
        """
        self._memory.set_taken(taken)
        self._arrived_ns = arrival_ns = max(sent_ns + self._draws.at(self._commands), self._arrived_ns)
        self._commands += 1
        self._forecast, self._chunk, self._looked_ns = None, _CHUNK_FIRST, -1
        if command.kind is _SUBMIT:
            self._submit(command, arrival_ns)
        elif command.kind is CommandKind.CANCEL:
            self._cancel(command, arrival_ns)
        elif command.kind is CommandKind.REPLACE:
            self._replace(command, arrival_ns)
        else:
            self._look_up(command, arrival_ns)

    def next_response_ns(self, until_ns: int = -1) -> int:
        """Return a receive time before which no response comes; the next response's own when `response_known`.

        While orders rest this is a forecast: feed the engine up to it and ask again, which gives a later time or a known
        response. A command in between makes it void. NEVER_NS when nothing can come. A time up to until_ns is that of a
        known response: what is not known by then is looked for further ahead.

        Raises:
            TapeRecordError: a record ahead cannot be matched against.
        """
        if self._answers.queue:
            return self._answers.queue[0].event.timestamp
        if self._orders.none_open:
            return NEVER_NS
        while True:
            forecast = self._forecast
            if forecast is None or not (forecast.found or forecast.venue_ns >= NEVER_NS):
                forecast = self._scan(rows.FORECAST if forecast is None else rows.SCAN)
            if forecast.venue_ns >= NEVER_NS:
                return NEVER_NS
            answer_ns = self._answers.expected_ns(forecast.venue_ns)
            if forecast.found or answer_ns > max(self._looked_ns, until_ns):
                self._looked_ns = answer_ns
                return answer_ns

    @property
    def response_known(self) -> bool:
        """Tell whether the time last given by `next_response_ns` is that of a response, which `next_response` gives."""
        return bool(self._answers.queue) or (self._forecast is not None and self._forecast.found)

    @property
    def response_cause(self) -> Cause | None:
        """Return (stream, place) of the record that causes the next known response; None: no record does, or none is known."""
        if self._answers.queue:
            return self._answers.queue[0].cause
        forecast = self._forecast
        return (forecast.stream, forecast.place) if forecast is not None and forecast.found and forecast.stream >= 0 else None

    def next_response(self) -> OrderEvent:
        """Return the next response, stamped with when it is heard, and move the venue to what caused it.

        Raises:
            NoResponseError: nothing can come any more.
            TapeRecordError: a record on the way there cannot be matched against.
        """
        queue = self._answers.queue
        while not queue:
            if self.next_response_ns() >= NEVER_NS:
                raise NoResponseError("The simulated venue has nothing more to say; ask next_response_ns first.")
            if self._forecast is not None and self._forecast.found:
                self._commit(self._forecast)
        return queue.popleft().event

    # Commands.

    def _submit(self, command: OrderCommand, arrival_ns: int) -> None:
        fault = self._fault(command) or self._room_fault(arrival_ns)
        if fault:
            self._ask(Request(rows.ADVANCE, arrival_ns))
            self._reject(command, arrival_ns, fault)
            return
        self._ask(self._request(rows.SUBMIT, command, arrival_ns, 0))

    def _cancel(self, command: OrderCommand, arrival_ns: int) -> None:
        order = self._orders.find(command.target_id)
        if order is not None and order.ended is None:
            self._ask(Request(rows.CANCEL, arrival_ns, order.slot))
            return
        self._ask(Request(rows.ADVANCE, arrival_ns))
        self._refuse_target(OrderEventKind.CANCEL_REJECTED, command, arrival_ns, "")

    def _replace(self, command: OrderCommand, arrival_ns: int) -> None:
        original = self._orders.find(command.target_id)
        fault = self._fault(command)
        if not fault and original is not None and original.ended is None:
            fault = checks.replace_fault(command, original.command) or self._room_fault(arrival_ns)
        if fault or original is None or original.ended is not None:
            self._ask(Request(rows.ADVANCE, arrival_ns))
            self._refuse_target(OrderEventKind.REPLACE_REJECTED, command, arrival_ns, fault)
            self._reject(command, arrival_ns, fault or "what it replaces is not open")
            return
        original.successor_id = command.client_order_id
        self._ask(self._request(rows.REPLACE, command, arrival_ns, original.slot))

    def _look_up(self, command: OrderCommand, arrival_ns: int) -> None:
        self._ask(Request(rows.ADVANCE, arrival_ns))
        order = self._orders.find(command.target_id)
        if order is None:
            kind, about = OrderEventKind.LOOKUP_MISSED, command.target_id
            self._answers.refuse(kind, command, arrival_ns, about, _NOT_FOUND)
        else:
            self._answers.say(order.ended or OrderEventKind.FOUND_WORKING, order, arrival_ns, "", "")

    def _fault(self, command: OrderCommand) -> str:
        """Return what is wrong with a new order's form; empty: nothing."""
        place = self._places.get(command.symbol)
        if place is None:
            return f"unknown symbol {command.symbol}"
        if self._orders.find(command.client_order_id) is not None:
            return "client_order_id must be unique"
        return checks.form_fault(command, self._instruments[place])

    def _room_fault(self, arrival_ns: int) -> str:
        """Say when no row is free even after all that comes before the command."""
        if self._orders.full:
            self._ask(Request(rows.ADVANCE, arrival_ns))
        return _TOO_MANY if self._orders.full else ""

    def _request(self, verb: int, command: OrderCommand, arrival_ns: int, target: int) -> Cells:
        """Take a new order in under its id and return what the kernel needs of it."""
        place = self._places[command.symbol]
        code, limit = checks.TYPES[command.order_type], command.limit_price_nanos
        if code == rows.STOP and command.side is _BUY and self._settings.buy_stop_collar:
            limit = checks.collared_limit(command.stop_price_nanos, self._instruments[place])
        return (
            verb,
            arrival_ns,
            self._orders.add(command).slot,
            target,
            NEVER_NS,
            place,
            1 if command.side is _BUY else -1,
            code,
            checks.LIVES[command.time_in_force],
            command.quantity_nanos,
            limit,
            command.stop_price_nanos,
            command.trail_nanos,
        )

    def _reject(self, command: OrderCommand, arrival_ns: int, reason: str) -> None:
        if self._orders.find(command.client_order_id) is None:
            self._orders.add_refused(command)
        self._answers.refuse(OrderEventKind.REJECTED, command, arrival_ns, command.client_order_id, reason)

    def _refuse_target(self, kind: OrderEventKind, command: OrderCommand, arrival_ns: int, reason: str) -> None:
        """Refuse a command about an order that is not there, has ended, or cannot be changed like this."""
        order: SimOrder | None = self._orders.find(command.target_id)
        if order is None:
            self._answers.refuse(kind, command, arrival_ns, command.target_id, reason or _NOT_FOUND)
            return
        successor_id = command.client_order_id if kind is OrderEventKind.REPLACE_REJECTED else ""
        self._answers.say(kind, order, arrival_ns, reason or REASONS[rows.ALREADY_ENDED], successor_id)

    # The kernel.

    def _ask(self, request: Cells) -> None:
        """Do a verb, taking out events as often as their rows are full."""
        ended: list[int] = []
        outcome = rows.DRAIN
        while outcome == rows.DRAIN:
            outcome, events = self._memory.ask(request)
            if events:
                ended += self._answers.hear(events, self._orders)
        self._orders.release(ended)
        if outcome == rows.BAD_RECORD:
            raise self._bad_record()

    def _commit(self, forecast: _Forecast) -> None:
        """Move the venue to just after what the forecast found."""
        cause = forecast.stream
        taken = [_ALL if rank < cause else 0 for rank in range(len(self._streams))]
        if cause >= 0:
            taken[cause] = forecast.place + 1
        self._memory.set_taken(taken)
        self._ask(Request(rows.ADVANCE, forecast.venue_ns))
        self._forecast, self._looked_ns = None, -1
        assert self._answers.queue, "the forecast found what did not happen"

    def _scan(self, verb: int) -> _Forecast:
        outcome, events = self._memory.ask(Request(verb, budget=self._chunk))
        if outcome == rows.BAD_RECORD:
            raise self._bad_record()
        self._chunk = min(2 * self._chunk, _CHUNK_LAST)
        if outcome == rows.FOUND:
            _, _, _, _, _, venue_ns, stream, place, _, _ = events[0]
            self._forecast = _Forecast(found=True, venue_ns=venue_ns, stream=stream, place=place)
        else:
            self._forecast = _Forecast(found=False, venue_ns=self._memory.desk()["limit_ns"])
        return self._forecast

    def _bad_record(self) -> TapeRecordError:
        desk = self._memory.desk()
        return TapeRecordError(
            f"Record {desk['bad_place']} of tape {desk['bad_stream']} is of an instrument the tape does not define; import the tape again."
        )
