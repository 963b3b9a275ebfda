"""What tests of tapes share: a maker of small tapes, and where the recorded days lie."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.tapes.making import quotes, symbols
from tidegate.tapes.format import Tape


@pytest.fixture
def tape_of() -> Callable[..., Tape]:
    """Return a maker of tapes in memory."""

    def make(times_ns: Sequence[int], name: str = "X") -> Tape:
        return Tape.of(quotes(times_ns), symbols=symbols(name), name=name)

    return make


@pytest.fixture(scope="session")
def ticks(shared_data: Path) -> Path:
    """Return the folder of recorded equity ticks."""
    folder = shared_data / "lean-equity-ticks"
    if not folder.is_dir():
        pytest.skip("the recorded equity ticks are not on this machine")
    return folder
