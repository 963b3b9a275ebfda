"""Decides a recorded session again and compares every act: the same bytes, or the first difference.

Inputs come from the log alone (market records from its own blocks, or from the tapes it names, by hash); no venue is simulated.
Damage is looked for first, so that a flipped bit is reported as damage and never as another decision.
"""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np

from tidegate.engine.bad_records import BadRecordError
from tidegate.engine.core import NumberedAct
from tidegate.engine.engine import Engine
from tidegate.engine.snapshots import WrongSnapshotError
from tidegate.engine.spec import EngineSpec
from tidegate.engine.toolchain import Toolchain
from tidegate.events.codec import decode, encode
from tidegate.events.session import SessionOpened
from tidegate.journal import Entry, EntryKind, LogReader, check, read
from tidegate.journal.reader import Session
from tidegate.journal.snapshots import Snapshot, read_snapshots
from tidegate.kernel.mode import Mode
from tidegate.recovery import machine
from tidegate.recovery.fold import BeginningGoneError, MadeByOtherCodeError, Records, Spans, begin_session, require_beginning
from tidegate.recovery.machine import make_toolchain
from tidegate.recovery.specs import recorded_spec
from tidegate.replay.spans import spans_of
from tidegate.replay.stuck import watching
from tidegate.values.time import NEVER_NS

_SAME: Final = "every act was recomputed to the same bytes"


class Difference(NamedTuple):
    """The first act that came out differently; None on a side: there was none."""

    n: int
    k: int
    recorded: str | None
    recomputed: str | None


class Verdict(NamedTuple):
    """match is None where the log was written by other code, and then `why` says what the comparison gave."""

    match: bool | None
    why: str
    entries: int
    first_difference: Difference | None
    damage: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as one JSON object."""
        found = self._asdict()
        found["first_difference"] = None if self.first_difference is None else self.first_difference._asdict()
        return found


def verify_log(
    directory: str | Path,
    *,
    tapes: Sequence[str | Path] = (),
    mode: Mode = Mode.COMPILED,
    progress: Callable[[str], None] | None = None,
    newest: bool = False,
) -> Verdict:
    """Verify every session of a golden log, each from the state it began in.

    Args:
        directory: the log; of a running trader too: what stands in it is verified up to its mark.
        tapes: where to look for a replay's tapes besides where they were; they are known by their hash.
        mode: how the kernels run; it cannot change an act.
        progress: told before each slow step.
        newest: verify the newest session alone.

    Raises:
        TidegateError: no log, of a newer version, a tape that is nowhere, or a strategy that does not come back.
    """
    directory, places = Path(directory), [Path(tape) for tape in tapes]
    damage = check(directory)
    if damage is not None and not damage.torn:
        return Verdict(match=False, why=damage.what, entries=0, first_difference=None, damage=_damage(damage))
    reader = read(directory)
    sessions = reader.sessions[-1:] if newest else reader.sessions
    toolchain = make_toolchain(mode, progress)
    verdicts: list[Verdict] = []
    for session in sessions:
        found = _verify_session(reader, session, places, toolchain)
        named = f"session {session.opening.session_id}: {found.why}" if len(sessions) > 1 else found.why
        verdicts.append(found._replace(why=named))
        if found.match is False:
            break
    return _joined(verdicts)


def _joined(verdicts: Sequence[Verdict]) -> Verdict:
    """Say of a whole log what its sessions come to: the first that differs, else the first that cannot be compared, else a match."""
    entries = sum(verdict.entries for verdict in verdicts)
    for match in (False, None):
        for verdict in verdicts:
            if verdict.match is match:
                return verdict._replace(entries=entries)
    return verdicts[-1]._replace(why=_SAME, entries=entries)


def _verify_session(reader: LogReader, session: Session, tapes: Sequence[Path], toolchain: Toolchain) -> Verdict:
    opening = session.opening
    spec = recorded_spec(opening)
    other = _other_code(opening, spec)
    engine = Engine(spec, toolchain)
    try:
        begun_n = _begin(reader, session, engine)
    except (MadeByOtherCodeError, WrongSnapshotError, BeginningGoneError) as error:
        return Verdict(match=None, why=f"{other}; {error}" if other else str(error), entries=0, first_difference=None, damage=None)
    replayed = _Recomputation(reader, session, engine, spans_of(opening, tapes, reader.directory), begun_n)
    with watching(engine):
        difference = replayed.first_difference()
    if other:
        found = "its acts come out the same" if difference is None else f"the first difference is at input {difference.n}"
        return Verdict(match=None, why=f"{other}; {found}", entries=replayed.entries, first_difference=difference, damage=None)
    why = _SAME if difference is None else f"act {difference.k} of input {difference.n} differs"
    return Verdict(match=difference is None, why=why, entries=replayed.entries, first_difference=difference, damage=None)


def _begin(reader: LogReader, session: Session, engine: Engine) -> int:
    """Give an engine the state from which a session can be decided again; return after which input that is.

    Where the session's oldest segments were dropped, its oldest snapshot that the rest follows on stands for them.

    Raises:
        MadeByOtherCodeError, WrongSnapshotError: the session began in a state that cannot be taken up here.
        BeginningGoneError: nothing stands for what was dropped.
    """
    if session.before_n < 0:
        begin_session(engine, session.opening)
        return 0
    for found in reversed(read_snapshots(reader.directory, session_id=session.opening.session_id)):
        if isinstance(found, Snapshot) and session.before_n <= found.n <= session.last_n:
            engine.restore(found.state)
            return found.n
    require_beginning(session, known_n=-1)
    raise AssertionError("the line before raises")


@final
class _Recomputation:
    """Feeds a session's inputs to an engine and walks its acts beside the recorded ones."""

    def __init__(self, reader: LogReader, session: Session, engine: Engine, spans: Spans, begun_n: int) -> None:
        self._reader = reader
        self._session = session
        self._engine = engine
        self._spans = spans
        self._begun_n = begun_n
        self._recomputed: deque[NumberedAct] = deque()
        self.entries = 0

    def first_difference(self) -> Difference | None:
        """Return the first difference among what is known to be complete."""
        difference = None
        for entry in self._reader.entries(self._session.number):
            self.entries += entry.count if entry.kind is EntryKind.RECORDS else 1
            if entry.n + entry.count - 1 > self._begun_n:
                difference = self._take(entry)
            if difference is not None:
                break
        difference = difference or self._left_over()
        if difference is not None and not self._session.closed and difference.n > self._session.judged_to:
            return None
        return difference or self._state_difference()

    def _take(self, entry: Entry) -> Difference | None:
        if entry.kind is EntryKind.ACT:
            return self._compare(entry)
        if entry.kind is EntryKind.INPUT:
            return self._left_over() or self._take_input(decode(entry.payload))
        if entry.kind is EntryKind.RECORDS:
            known = max(self._begun_n - entry.n + 1, 0)
            return self._left_over() or self._take_records(self._reader.records(entry)[known:])
        if entry.kind is EntryKind.SPAN:
            return self._left_over() or self._take_span(entry)
        return None

    def _compare(self, entry: Entry) -> Difference | None:
        """Compare the next act with a recorded one; of two with different numbers the earlier one has no counterpart."""
        recorded, place = bytes(entry.payload), (entry.n, entry.k)
        if not self._recomputed or place < self._recomputed[0][:2]:
            return Difference(*place, _words(recorded), None)
        if place > self._recomputed[0][:2]:
            return self._left_over()
        again = encode(self._recomputed.popleft()[2])  # type: ignore[arg-type]  # every numbered act is one of the union
        return None if again == recorded else Difference(*place, _words(recorded), _words(again))

    def _left_over(self) -> Difference | None:
        if not self._recomputed:
            return None
        n, k, act = self._recomputed[0]
        return Difference(n, k, None, _words(encode(act)))  # type: ignore[arg-type]  # see above

    def _take_input(self, message: object) -> Difference | None:
        self._engine.apply(message)  # type: ignore[arg-type]  # an INPUT entry holds one of the inputs
        self._recomputed += self._engine.take_acts()
        return None

    def _take_span(self, entry: Entry) -> Difference | None:
        for part in self._spans.next(entry.count):
            difference = self._take_records(part)
            if difference is not None:
                return difference
        return None

    def _take_records(self, records: Records) -> Difference | None:
        """Feed market records; the log holds every tick, so the engine must not wait for one."""
        tape, at = records.view(np.uint8), 0
        while at < len(records):
            try:
                after = self._engine.feed(tape, at, len(records), NEVER_NS)
            except BadRecordError as error:
                return Difference(self._engine.n + 1, 0, "a market record", str(error))
            self._recomputed += self._engine.take_acts()
            if after == at:
                return Difference(self._engine.n + 1, 0, "a market record", "a tick that is due before it")
            at = after
        return None

    def _state_difference(self) -> Difference | None:
        recorded = self._session.state_sha256
        if not self._session.closed or not recorded or recorded == self._engine.state_sha256():
            return None
        return Difference(self._engine.n, 0, f"state {recorded}", f"state {self._engine.state_sha256()}")


def _other_code(opening: SessionOpened, spec: EngineSpec) -> str:
    """Say what of the deciding code is not what the log was made with; empty: nothing."""
    if opening.code_sha256 != machine.code_sha256():
        return f"the log was written by other code ({opening.code_sha256[:12]}…, this is {machine.code_sha256()[:12]}…)"
    now = {slot.strategy.strategy_id: slot.strategy.sha256 for slot in spec.strategies}
    changed = [ref.strategy_id for ref in opening.strategies if now.get(ref.strategy_id) != ref.sha256]
    if changed:
        return f"the source of {', '.join(changed)} has changed since the log was written"
    if opening.libraries != machine.libraries():
        return f"the log was written with other libraries ({', '.join(opening.libraries)})"
    return ""


def _damage(damage: Any) -> dict[str, Any]:
    return {
        "segment": damage.segment,
        "block": damage.block,
        "first_entry": damage.first_entry,
        "last_entry": damage.last_entry,
        "what": damage.what,
    }


def _words(message: bytes) -> str:
    return str(decode(message))
