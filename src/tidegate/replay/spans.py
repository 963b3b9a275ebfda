"""The market records that a session's log only refers to, from the tapes that it was replayed from."""

from collections.abc import Sequence
from pathlib import Path

from tidegate.config.reading import parse_config
from tidegate.events.session import SessionOpened
from tidegate.recovery.fold import NoSpans, Spans
from tidegate.replay.prepare import assemble
from tidegate.replay.recorded import Records, find_tapes


def spans_of(opening: SessionOpened, tapes: Sequence[Path], directory: Path) -> Spans:
    """Return the market records that a session's log refers to, from its tapes; none where the log holds them itself.

    Raises:
        TapeNotFoundError: a tape is neither where it was nor among the given ones.
    """
    if not opening.tapes:
        return NoSpans()
    loaded = parse_config(opening.config, name=f"{directory} (configuration)", folder=Path())
    return Records(assemble(loaded, find_tapes(opening, tapes)).merged())
