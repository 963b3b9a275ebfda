"""The state a session begins in where its code, layout or configuration is not that of the session before.

Judgement (books, orders, gates, states) comes from the newest snapshot and the recorded inputs and acts after it, as facts. The
senses start cold and take the logged market records of a bounded window, those of earlier sessions in the log included.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, final

import msgspec
import numpy as np

from tidegate.engine.engine import Engine
from tidegate.engine.lapsing import LogEnd
from tidegate.engine.spec import EngineSpec
from tidegate.engine.warming import GoneError
from tidegate.events.acts import ExitWaits, GateChanged, NothingDone, OrderCommand, StrategyFaulted, StrategyStateChanged
from tidegate.events.base import Act
from tidegate.events.codec import decode
from tidegate.events.inputs import AnyInput, InstrumentDefined, OrderEvent
from tidegate.events.records import BAR_CLOSE, QUOTE, STATUS
from tidegate.events.session import SessionOpened
from tidegate.journal.layout import EntryKind
from tidegate.journal.reader import Entry, LogReader, Session
from tidegate.journal.snapshots import Snapshot, read_snapshots
from tidegate.recovery.fold import NoSpans, Records, Spans, require_beginning
from tidegate.recovery.specs import recorded_instruments

_ASKS: Final = (ExitWaits, NothingDone, StrategyFaulted, StrategyStateChanged)  # folding them asks for their strategy

SpansOf = Callable[[SessionOpened], Spans]


class Warmed(NamedTuple):
    """What warming up did: records taken into the senses, the input the judgement began from, strategies with a new State."""

    records: int
    snapshot_n: int
    anew: tuple[str, ...]


def no_spans(_opening: SessionOpened) -> Spans:
    """Return what a log with its own market records needs: nothing."""
    return NoSpans()


def warm_up(reader: LogReader, engine: Engine, spec: EngineSpec, *, from_ns: int, spans_of: SpansOf = no_spans) -> Warmed:
    """Bring a fresh engine of a new session to where the log's newest session ended. Nothing is decided.

    Args:
        reader: the log.
        engine: of `spec`, before its first input; afterwards as before its first input, warmed up.
        spec: the new session's.
        from_ns: market records received before this are not taken into the senses.
        spans_of: the market records that a replay's log only refers to.

    Raises:
        GoneError: something that is held or was ordered has no place in the new configuration.
        BeginningGoneError: neither the beginning of the session nor a snapshot of it stands in the log.
        DamagedLogError: a block's payload changed after it was written.
    """
    newest = reader.sessions[-1]
    feed = _Feed(engine, spec, from_ns)
    for session in reader.sessions[:-1]:
        feed.older(reader, session)
    base = _newest_base(reader, newest)
    feed.session(reader, newest, base, spans_of)
    engine.fold_end(LogEnd(newest.opening.session_id, newest.last_n, newest.judged_to))
    engine.warming.begin()
    return Warmed(feed.records, base.n if base is not None else 0, tuple(sorted(feed.anew)))


def _newest_base(reader: LogReader, session: Session) -> Snapshot | None:
    """Return the newest sound snapshot of any code, no newer than the log."""
    for found in read_snapshots(reader.directory, session_id=session.opening.session_id):
        if isinstance(found, Snapshot) and found.n <= session.last_n:
            return found
    return None


@final
class _Feed:
    """Walks sessions and tells the engine what of them still counts."""

    def __init__(self, engine: Engine, spec: EngineSpec, from_ns: int) -> None:
        self._engine = engine
        self._from_ns = from_ns
        self._places = {instrument.symbol: instrument.index for instrument in spec.instruments}
        self._strategies = {slot.strategy.strategy_id for slot in spec.strategies}
        self._now_ns = 0
        self.records = 0
        self.anew: set[str] = set()

    def older(self, reader: LogReader, session: Session) -> None:
        """Take the market records of a session before the newest into the senses."""
        places = self._remap(session.opening)
        for entry in reader.entries(session.number):
            if entry.kind is EntryKind.RECORDS:
                self._take(reader.records(entry), places)

    def session(self, reader: LogReader, session: Session, base: Snapshot | None, spans_of: SpansOf) -> None:
        """Take the newest session: records into the senses, and from `base` on its facts into judgement."""
        places = self._remap(session.opening)
        spans = spans_of(session.opening) if session.opening.tapes else NoSpans()
        state, state_n = (session.opening.snapshot, 0) if base is None else (base.state, base.n)
        require_beginning(session, state_n)
        for entry in reader.entries(session.number):
            if state and entry.n + entry.count - 1 > state_n:
                self._adopt(state)
                state = b""
            for part in _records_of(reader, entry, spans):
                self._take(part, places)
            if entry.n > state_n:
                self._fact(entry)
        if state:
            self._adopt(state)

    def _adopt(self, state: bytes) -> None:
        self.anew.update(self._engine.warming.adopt(state))

    def _take(self, records: Records, places: Records) -> None:
        """Take records of the window whose instrument this session has, renumbered; of others only the time counts."""
        if not len(records):
            return
        last_ns = int(records["ts_recv"][-1])
        wanted = (records["ts_recv"] >= self._from_ns) | (records["kind"] == STATUS)  # a halt lasts until it ends
        wanted &= (records["instrument"] >= 0) & (records["instrument"] < len(places)) & (records["ts_recv"] >= self._now_ns)
        wanted &= (records["kind"] >= QUOTE) & (records["kind"] <= BAR_CLOSE)
        moved = records[wanted]
        moved["instrument"] = places[moved["instrument"]]
        moved = moved[moved["instrument"] >= 0]
        if len(moved):
            self._engine.warming.records(moved.view(np.uint8), 0, len(moved))
            self.records += len(moved)
        if not wanted[-1] or not len(moved):
            self._engine.warming.pass_time(last_ns)
        self._now_ns = max(self._now_ns, last_ns)

    def _fact(self, entry: Entry) -> None:
        if entry.kind is EntryKind.INPUT:
            self._input(decode(entry.payload))  # type: ignore[arg-type]  # an INPUT entry holds one of the inputs
        elif entry.kind is EntryKind.ACT:
            act = decode(entry.payload)
            assert isinstance(act, Act), "an ACT entry holds an act"
            if self._concerns_us(act):
                self._act(act)

    def _input(self, message: AnyInput) -> None:
        self._now_ns = max(self._now_ns, message.timestamp)
        if isinstance(message, InstrumentDefined):
            return  # what this session sees is defined anew
        if isinstance(message, OrderEvent) and message.symbol not in self._places:
            raise _gone(message.symbol)
        self._engine.fold_input(message)

    def _act(self, act: Act) -> None:
        try:
            self._engine.fold_act(act)
        except msgspec.MsgspecError:  # a State of another shape
            assert isinstance(act, StrategyStateChanged)
            self.anew.add(act.strategy_id)

    def _concerns_us(self, act: Act) -> bool:
        """Say whether a fact has a place here; what was told to, or wanted by, something that is gone has none."""
        if isinstance(act, GateChanged):
            return True
        if act.symbol and act.symbol not in self._places:
            if isinstance(act, OrderCommand):
                raise _gone(act.symbol)
            return False
        return act.strategy_id in self._strategies or not isinstance(act, _ASKS)

    def _remap(self, opening: SessionOpened) -> Records:
        """Return this session's place for each place of a recorded session; -1: none."""
        return np.array([self._places.get(i.symbol, -1) for i in recorded_instruments(opening)], np.int32)


def _records_of(reader: LogReader, entry: Entry, spans: Spans) -> Iterator[Records]:
    if entry.kind is EntryKind.RECORDS:
        yield reader.records(entry)
    elif entry.kind is EntryKind.SPAN:
        yield from spans.next(entry.count)


def _gone(symbol: str) -> GoneError:
    return GoneError(f"{symbol} was ordered in the session before; keep it in the configuration for one more start.")
