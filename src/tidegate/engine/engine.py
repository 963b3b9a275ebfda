"""The pipeline on one page: market records through `feed`, everything else through `apply`; acts come out in order.

    records ─► senses (compiled) ─► attention ─► strategy ─► sizing ─► gate ─► orders ─► commands
    order events, ticks, gates… ─► folding ─► changes told, exits looked at, timers carried out

The engine is a deterministic function of its inputs: it reads no clock, disk, network, environment or random source. Its only now is
the receive time of its last input. The caller owns everything else: it feeds inputs in the order of the contract
(`docs/contract.md`), writes inputs and acts down, and carries out commands once their cause is durable.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, final

from tidegate.engine import layout, snapshots
from tidegate.engine.approving import Approving
from tidegate.engine.bad_records import BadRecordError, bad_record
from tidegate.engine.books import Books
from tidegate.engine.continuing import Continuing
from tidegate.engine.core import Core, NumberedAct
from tidegate.engine.entering import Entering
from tidegate.engine.exiting import Exiting
from tidegate.engine.folding import Folding, timer_rows
from tidegate.engine.following import Following
from tidegate.engine.lapsing import Lapsing, LogEnd
from tidegate.engine.ordering import Ordering
from tidegate.engine.protecting import Protecting
from tidegate.engine.releasing import Releasing
from tidegate.engine.reporting import Reporting
from tidegate.engine.requests import Requests
from tidegate.engine.senses import in_order
from tidegate.engine.spec import EngineSpec
from tidegate.engine.telling import Telling
from tidegate.engine.toolchain import Toolchain
from tidegate.engine.viewing import Viewing
from tidegate.engine.warming import Warming
from tidegate.engine.watching import Watching
from tidegate.engine.words import EXIT_WORDS, KINDS, REASONS, SIDES
from tidegate.events.base import Act, Input
from tidegate.events.inputs import (
    TOLD_ONLY,
    AnyInput,
    ApprovalAnswered,
    EventListed,
    GateSet,
    InstrumentDefined,
    LagMeasured,
    OperatorRequested,
    OrderEvent,
    PermissionSet,
    PositionRestated,
    SessionChanged,
    StreamChanged,
    Tick,
    VenueReported,
)
from tidegate.kernel.layout import U8
from tidegate.strategies.strategy import Attention
from tidegate.values.time import NEVER_NS

_EXIT: Final = layout.ATTEND_EXIT


@final
class Engine:
    """One session's engine. Acts collect until `take_acts` is called.

    telling False: nobody reads what the engine only tells (attentions, features, changes of orders, positions and regimes), so it is
    numbered and not made. What decides and commands is the same to the byte.
    """

    def __init__(self, spec: EngineSpec, toolchain: Toolchain, *, telling: bool = True) -> None:
        core = self._core = Core(spec, toolchain, telling=telling)
        self._integers: Final = core.host.integers
        self._n_cell: Final = core.reading.n_cell
        self._now_cell: Final = core.reading.now_cell
        self._folding: Final = Folding(core)
        self._viewing: Final = Viewing(core)
        self._approving: Final = Approving(core)
        self._ordering: Final = Ordering(core, self._viewing, self._approving)
        self._watching: Final = Watching(core, self._ordering)
        self._releasing: Final = Releasing(core, self._approving, self._ordering)
        self._exiting: Final = Exiting(core, self._ordering)
        self._entering: Final = Entering(core, self._viewing, self._ordering, self._exiting)
        self._protecting: Final = Protecting(core, self._ordering, self._exiting)
        self._continuing: Final = Continuing(core, self._ordering)
        self._following: Final = Following(core, self._folding, self._ordering, self._protecting, self._watching, self._continuing)
        self._telling: Final = Telling(core)
        self._lapsing: Final = Lapsing(core)
        self.warming: Final = Warming(core, self._lapsing)
        self._reporting: Final = Reporting(core, self._folding)
        self._requests: Final = Requests(core, self._ordering)
        self.books: Final = Books(core, self._viewing)
        self._folds: Final[Mapping[type[Input], Callable[[Any], object]]] = {
            SessionChanged: self._folding.fold_session,
            EventListed: self._folding.fold_listed_event,
            GateSet: self._folding.fold_gate,
            PermissionSet: self._folding.fold_permission,
            LagMeasured: self._folding.fold_measurement,
            StreamChanged: self._folding.fold_measurement,
            InstrumentDefined: self._folding.check_defined,
            PositionRestated: self._folding.fold_restated,
            VenueReported: self._reporting.fold,
            OperatorRequested: core.requests.fold_request,
            **dict.fromkeys(TOLD_ONLY, lambda _message: None),
        }
        self._takes: Final[Mapping[type[Input], Callable[[Any], None]]] = {
            Tick: self._take_tick,
            OrderEvent: self._take_order_event,
            VenueReported: self._take_report,
            OperatorRequested: self._take_request,
            ApprovalAnswered: self._take_answer,
            PositionRestated: self._take_restated,
            PermissionSet: self._take_permission,
        }  # all others are only folded
        core.set_timer()

    # What is asked.

    @property
    def n(self) -> int:
        """How many inputs were taken in."""
        return self._integers[self._n_cell]

    @property
    def now_ns(self) -> int:
        """The receive time of the last input."""
        return self._integers[self._now_cell]

    def next_due(self) -> int:
        """Return when a tick is due; NEVER_NS when nothing waits for time alone."""
        return self._core.host.next_due()

    def due_by(self, time_ns: int) -> int:
        """Return the time of the tick that is due at or before a time, NEVER_NS where none is: `next_due` asked cheaply.

        A tick never comes before now, however long ago it was due.
        """
        host = self._core.host
        if host.integers[host.due_bound_cell] > time_ns:
            return NEVER_NS
        due_ns = host.next_due()
        return max(due_ns, self.now_ns) if due_ns <= time_ns else NEVER_NS

    def equity_attos(self) -> int | None:
        """Return what the account is worth now; None when something held cannot be priced."""
        return self._viewing.equity_attos()

    def place_of(self, symbol: str) -> int:
        """Return the row of a symbol."""
        return self._core.instruments[symbol].index

    def masked(self, strategy: int, place: int) -> tuple[int, ...]:
        """Return how often this pair's trigger was masked, by the places of `strategies.rows.MASK_NAMES`."""
        return self._core.reading.masked(self._core.host.pair(strategy, place))

    @property
    def deciding(self) -> int:
        """A number that stays while one call of `decide` lasts; -1 outside of any."""
        return self._entering.deciding

    @property
    def deciding_strategy(self) -> str:
        """The strategy that was asked last."""
        return self._entering.asked

    def take_acts(self) -> list[NumberedAct]:
        """Return the acts since the last call, in order, and forget them."""
        acts = self._core.acts
        self._core.acts = []
        return acts

    # What is told.

    def feed(self, tape: U8, start: int, stop: int, horizon_ns: int) -> int:
        """Take market records in; return the index of the first one not taken.

        Stops before the first record at or past the horizon or at or past `next_due()`, and after the first record that yields a command.

        Raises:
            BadRecordError: a record is out of order or of an unknown instrument.
        """
        core = self._core
        host = core.host
        if core.n == 0:
            raise BadRecordError("The first input of a session is a definition, not a market record.")
        at = start
        while at < stop:
            after = host.run(tape, at, stop, horizon_ns)
            seen = host.attentions()
            if not seen:
                if after < stop and host.integers[host.bad_record_cell]:
                    raise bad_record(host.integers[host.bad_record_cell], after, self.now_ns)
                return after
            at = after
            core.begin()
            self._attend(seen)
            core.set_timer()
            if core.commanded:
                break
        return at

    def apply(self, message: AnyInput) -> None:
        """Take any other input in and act on it.

        Raises:
            UnexpectedInputError: an instrument that this session was not built with.
        """
        core = self._core
        self._takes.get(type(message), self._fold_other)(message)
        if core.broken_off is not None:
            self._following.tell_lapsed(core.broken_off)
        core.set_timer()

    # Recovery: recorded inputs and acts as facts; nothing is decided.

    def fold_records(self, tape: U8, start: int, stop: int) -> None:
        """Take recorded market records in; their attentions lapse, since their acts are recorded too.

        Raises:
            BadRecordError: a record is out of order or of an unknown instrument.
        """
        core = self._core
        host = core.host
        at = start
        while at < stop:
            after = host.run(tape, at, stop, NEVER_NS)
            if after == at:
                if host.integers[host.bad_record_cell]:
                    raise bad_record(host.integers[host.bad_record_cell], after, self.now_ns)
                raise BadRecordError(f"Record {at} follows a tick that the log does not hold; the log is damaged.")
            at = after
            self._lapsing.input(host.attentions())
        core.begin()
        core.set_timer()

    def fold_input(self, message: AnyInput) -> None:
        """Fold a recorded input that is not a market record."""
        core = self._core
        if isinstance(message, Tick):
            due = self._folding.fold_tick(message.timestamp)
            self._lapsing.input([*core.host.attentions(), *timer_rows(core, due.timers)])
        elif isinstance(message, OrderEvent):
            core.count_input(message.timestamp)
            self._folding.fold_order_event(message)
            self._lapsing.input(core.host.attentions())
        else:
            self._fold_other(message)
            self._lapsing.input([])
        core.set_timer()

    def fold_act(self, act: Act) -> None:
        """Fold a recorded act."""
        self._folding.fold_act(act)
        self._lapsing.act(act)
        self._core.set_timer()

    def fold_end(self, end: LogEnd | None = None) -> None:
        """Say that the log ends here, perhaps within the acts of its last input: what they left half done lapses.

        The session that continues this one tells what lapsed. end: where the log says it ends; without it nothing counts as complete.
        """
        core = self._core
        core.broken_off = self._lapsing.broken_off(end or LogEnd(core.session, core.n, -1)) or core.broken_off
        self._folding.fold_lapse()
        core.set_timer()

    # Snapshots.

    def snapshot(self) -> bytes:
        """Return the whole state; taken between inputs only."""
        return snapshots.take(self._core)

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot of the same session and layout.

        Raises:
            WrongSnapshotError: of another layout or session, or no snapshot at all.
        """
        snapshots.put_back(self._core, data)

    def continue_from(self, data: bytes) -> None:
        """Begin a session in the state in which another one of the same layout and configuration ended: n counts from 1 again.

        Raises:
            WrongSnapshotError: of another layout or configuration, or no snapshot at all.
        """
        snapshots.take_over(self._core, data)

    def state_sha256(self) -> str:
        """Return the hash of the whole state; code addresses and cursors are no part of it."""
        return sha256(snapshots.take(self._core, carry=False)).hexdigest()

    # Private.

    def _go_on(self) -> None:
        """Carry out what is due about orders, and take people's requests further."""
        self._following.due()
        if self._core.requests.jobs:
            self._requests.step()

    def _take_tick(self, tick: Tick) -> None:
        due = self._folding.fold_tick(tick.timestamp)
        self._attend(in_order([*self._core.host.attentions(), *timer_rows(self._core, due.timers)]))
        self._go_on()
        self._continuing.follow(due.looked_at)
        self._approving.expire()
        if due.valuation:
            self._following.value_account()

    def _take_order_event(self, event: OrderEvent) -> None:
        self._core.count_input(event.timestamp)
        seen = self._following.order_event(event)
        self._go_on()
        self._attend(seen)

    def _take_report(self, report: VenueReported) -> None:
        self._core.count_input(report.timestamp)
        self._following.report(self._reporting.fold(report))
        self._following.due()
        self._requests.step()
        self._protecting.withdraw()
        self._attend(self._reporting.attentions)

    def _take_request(self, request: OperatorRequested) -> None:
        self._core.count_input(request.timestamp)
        self._requests.take(request, new=self._core.requests.fold_request(request))

    def _take_answer(self, answer: ApprovalAnswered) -> None:
        self._core.count_input(answer.timestamp)
        self._releasing.answer(answer)

    def _take_restated(self, event: PositionRestated) -> None:
        self._fold_other(event)
        self._protecting.withdraw()

    def _take_permission(self, permission: PermissionSet) -> None:
        self._fold_other(permission)
        if not permission.permitted:
            self._requests.withdraw_entries(permission.strategy_id, permission.reason)

    def _fold_other(self, message: AnyInput) -> None:
        self._core.count_input(message.timestamp)
        self._folds[type(message)](message)

    def _attend(self, rows: list[list[int]]) -> None:
        telling = self._telling
        for row in rows:
            kind, strategy, place, side, reason, level, length, before = row
            if kind == _EXIT:
                why = REASONS[reason]
                event = telling.exit(strategy, place, why, level)
                self._exiting.exit(strategy, place, why, correlation=event, words=EXIT_WORDS[why])
            elif kind in KINDS:
                attention = Attention(KINDS[kind], SIDES.get(side))
                event = telling.attention(attention.kind, strategy, place, attention.side, length)
                self._entering.ask(strategy, place, attention, correlation=event, bar_length_ns=length)
            else:
                telling.regime(place, before, of_group=kind == layout.ATTEND_GROUP)
