"""Decides a recorded session again and compares every act: the same bytes, or the first difference.

Inputs come from the log alone (market records from the tapes it names, by hash); no venue is simulated. Damage is looked for first,
so that a flipped bit is reported as damage and never as another decision.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from tidegate.config.reading import parse_config
from tidegate.engine.core import NumberedAct
from tidegate.engine.engine import BadRecordError, Engine
from tidegate.events.codec import decode, encode
from tidegate.events.session import SessionOpened
from tidegate.journal import Entry, EntryKind, LogReader, check, read
from tidegate.kernel.mode import Mode
from tidegate.replay import hashes
from tidegate.replay.prepare import Plan, assemble, build_engine, make_toolchain
from tidegate.replay.recorded import Records, find_tapes
from tidegate.replay.stuck import watching
from tidegate.values.time import NEVER_NS


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
    directory: Path,
    *,
    tapes: Sequence[Path] = (),
    mode: Mode = Mode.COMPILED,
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """Verify the newest session of a golden log.

    Args:
        directory: the log.
        tapes: where to look for its tapes besides where they were; they are known by their hash.
        mode: how the kernels run; it cannot change an act.
        progress: told before each slow step.

    Raises:
        TidegateError: no log, of a newer version, a tape that is nowhere, or a strategy that does not come back.
    """
    damage = check(directory)
    if damage is not None and not damage.torn:
        return Verdict(match=False, why=damage.what, entries=0, first_difference=None, damage=_damage(damage))
    reader = read(directory)
    opening = reader.opening
    plan = assemble(
        parse_config(opening.config, name=f"{directory} (configuration)", folder=Path()),
        find_tapes(opening, tapes),
    )
    other = _other_code(opening, plan)
    engine = build_engine(plan, make_toolchain(mode, progress))
    replayed = _Recomputation(reader, plan, engine)
    with watching(engine):
        difference = replayed.first_difference()
    if other:
        found = "its acts come out the same" if difference is None else f"the first difference is at input {difference.n}"
        return Verdict(match=None, why=f"{other}; {found}", entries=replayed.entries, first_difference=difference, damage=None)
    why = "every act was recomputed to the same bytes" if difference is None else f"act {difference.k} of input {difference.n} differs"
    return Verdict(match=difference is None, why=why, entries=replayed.entries, first_difference=difference, damage=None)


@final
class _Recomputation:
    """Feeds a log's inputs to a fresh engine and walks its acts beside the recorded ones."""

    def __init__(self, reader: LogReader, plan: Plan, engine: Engine) -> None:
        self._reader = reader
        self._engine = engine
        self._records = Records(plan.merged())
        self._recomputed: list[NumberedAct] = []
        self.entries = 0

    def first_difference(self) -> Difference | None:
        judged_to = self._reader.judged_to
        for entry in self._reader.entries(self._reader.sessions[-1].number):
            self.entries += 1
            if entry.kind is EntryKind.ACT:
                difference = self._compare(entry)
            elif entry.kind is EntryKind.INPUT:
                difference = self._left_over() or self._take_input(decode(entry.payload))
            elif entry.kind is EntryKind.SPAN:
                difference = self._left_over() or self._take_span(entry)
            else:
                continue
            if difference is not None:
                if not self._reader.sealed and difference.n > judged_to:
                    return None
                return difference
        difference = self._left_over()
        if difference is not None and not self._reader.sealed and difference.n > judged_to:
            return None
        return difference or self._state_difference()

    def _compare(self, entry: Entry) -> Difference | None:
        """Compare the next act with a recorded one; of two with different numbers the earlier one has no counterpart."""
        recorded, place = bytes(entry.payload), (entry.n, entry.k)
        if not self._recomputed or place < self._recomputed[0][:2]:
            return Difference(*place, _words(recorded), None)
        if place > self._recomputed[0][:2]:
            return self._left_over()
        again = encode(self._recomputed.pop(0)[2])  # type: ignore[arg-type]  # every numbered act is one of the union
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
        """Feed the records of a span; the log holds every tick, so the engine must not wait for one."""
        for chunk in self._records.next(entry.count):
            tape = chunk.view(np.uint8)
            at = 0
            while at < len(chunk):
                try:
                    after = self._engine.feed(tape, at, len(chunk), NEVER_NS)
                except BadRecordError as error:
                    return Difference(self._engine.n + 1, 0, "a market record", str(error))
                self._recomputed += self._engine.take_acts()
                if after == at:
                    return Difference(self._engine.n + 1, 0, "a market record", "a tick that is due before it")
                at = after
        return None

    def _state_difference(self) -> Difference | None:
        recorded = self._reader.state_sha256
        if not self._reader.sealed or not recorded or recorded == self._engine.state_sha256():
            return None
        return Difference(self._engine.n, 0, f"state {recorded}", f"state {self._engine.state_sha256()}")


def _other_code(opening: SessionOpened, plan: Plan) -> str:
    """Say what of the deciding code is not what the log was made with; empty: nothing."""
    if opening.code_sha256 != hashes.code_sha256():
        return f"the log was written by other code ({opening.code_sha256[:12]}…, this is {hashes.code_sha256()[:12]}…)"
    now = {slot.strategy.strategy_id: slot.strategy.sha256 for slot in plan.slots}
    changed = [ref.strategy_id for ref in opening.strategies if now.get(ref.strategy_id) != ref.sha256]
    if changed:
        return f"the source of {', '.join(changed)} has changed since the log was written"
    if opening.libraries != hashes.libraries():
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
