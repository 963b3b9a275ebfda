"""A small tape, and an emulator that plays it: real processes on real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.live.pair import CONFIG, Account, Venue
from tidegate.simulation.generate import Wish, generate

SPEED = 20.0


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated day of four symbols: some thirteen records a second."""
    path = tmp_path_factory.mktemp("tapes") / "generated.tape"
    generate(path, Wish(seed=3, events=300_000, symbols=4), progress=lambda _done, _total: None)
    return path


@pytest.fixture
def venue(tape: Path) -> Iterator[Venue]:
    """An emulator with an account of its own."""
    with Venue(tape, speed=SPEED) as running:
        yield running


@pytest.fixture
def account(venue: Venue, tmp_path: Path) -> Account:
    """A new home folder for a trader at that emulator."""
    return Account(tmp_path / "home", venue.origin)


@pytest.fixture(scope="module")
def quiet_venue(tape: Path) -> Iterator[Venue]:
    """An emulator for tests in which nothing is ordered."""
    with Venue(tape, speed=SPEED) as running:
        yield running


def _configuration(path: Path, text: str) -> Path:
    """Write the configuration of the mills, changed, elsewhere."""
    path.write_text(text.replace("strategy: mill.py", f"strategy: {CONFIG.parent / 'mill.py'}"))
    return path


@pytest.fixture
def leaving_config(tmp_path: Path) -> Path:
    """The configuration, with working orders left at the venue at the end."""
    text = CONFIG.read_text().replace("  feed: iex\n", "  feed: iex\n  parting: leave_working\n")
    return _configuration(tmp_path / "leaving.yaml", text)


@pytest.fixture
def canceling_config(tmp_path: Path) -> Path:
    """The configuration, with orders that are canceled before others take their place."""
    return _configuration(tmp_path / "canceling.yaml", CONFIG.read_text().replace("    replace: venue\n", ""))


@pytest.fixture
def eventful_config(tmp_path: Path) -> Path:
    """The configuration, with a listed event that is under way."""
    listed = 'events:\n  - {title: "a day of news", starts: "2020-01-01T00:00:00Z", ends: "2099-01-01T00:00:00Z"}\n'
    return _configuration(tmp_path / "eventful.yaml", CONFIG.read_text() + listed)
