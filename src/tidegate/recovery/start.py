"""The state a new session begins in, from the log of the one before: gone on with as it is, or warmed up where it cannot be."""

from enum import StrEnum
from typing import NamedTuple

from tidegate.engine.engine import Engine
from tidegate.engine.snapshots import WrongSnapshotError
from tidegate.engine.spec import EngineSpec
from tidegate.engine.toolchain import Toolchain
from tidegate.events.session import SessionOpened
from tidegate.journal.reader import LogReader
from tidegate.recovery.fold import MadeByOtherCodeError, fold_session
from tidegate.recovery.specs import recorded_spec
from tidegate.recovery.warm import SpansOf, Warmed, no_spans, warm_up


class Way(StrEnum):
    """How a session came by its opening state."""

    CONTINUED = "continued"  # the whole state, senses included
    WARMED_UP = "warmed_up"  # judgement from facts, senses from logged records; entries stay off until they are warm


class Start(NamedTuple):
    """What a new session opens with: `SessionOpened.snapshot`, and how it came about. `warmed` is set where it was warmed up."""

    state: bytes
    way: Way
    why: str  # what made warming up necessary; empty: nothing
    warmed: Warmed | None = None


def start_from(
    reader: LogReader, spec: EngineSpec, toolchain: Toolchain, *, code_sha256: str, from_ns: int, spans_of: SpansOf = no_spans
) -> Start:
    """Return the state in which a session of `spec` begins after the log's newest one. Nothing is decided, nothing is written.

    Args:
        reader: the log, made whole by `journal.recover`.
        spec: the new session's.
        toolchain: how kernels run in this process.
        code_sha256: of the deciding code of this process.
        from_ns: where it must be warmed up: records received before this are not taken in.
        spans_of: the market records that a replay's log only refers to.

    Raises:
        GoneError: something that is held or was ordered has no place in the new configuration.
        BeginningGoneError: neither the beginning of the session nor a snapshot of it stands in the log.
        DamagedLogError: a block's payload changed after it was written.
    """
    session = reader.sessions[-1]
    why = _other_code(session.opening, code_sha256)
    if not why:
        try:
            old = Engine(recorded_spec(session.opening), toolchain)
            why = _other_strategies(session.opening, spec)
            if not why:
                spans = spans_of(session.opening)
                fold_session(reader, session, old, spans=spans, code_sha256=code_sha256)
                new = Engine(spec, toolchain)
                new.continue_from(old.snapshot())
                return Start(new.snapshot(), Way.CONTINUED, "")
        except (WrongSnapshotError, MadeByOtherCodeError) as error:
            why = str(error)
    engine = Engine(spec, toolchain)
    warmed = warm_up(reader, engine, spec, from_ns=from_ns, spans_of=spans_of)
    return Start(engine.snapshot(), Way.WARMED_UP, why, warmed)


def _other_code(opening: SessionOpened, code_sha256: str) -> str:
    return "" if opening.code_sha256 == code_sha256 else "the session before ran other code"


def _other_strategies(opening: SessionOpened, spec: EngineSpec) -> str:
    now = {slot.strategy.strategy_id: slot.strategy.sha256 for slot in spec.strategies}
    changed = [ref.strategy_id for ref in opening.strategies if now.get(ref.strategy_id) != ref.sha256]
    return f"the source of {', '.join(changed)} has changed" if changed else ""
