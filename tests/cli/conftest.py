import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tidegate.cli.main import main
from tidegate.kernel.mode import Mode
from tidegate.replay.run import Options, run_replay
from tidegate.simulation.generate import Wish, generate


class Said(NamedTuple):
    """What a call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        value = json.loads(lines[0])
        assert isinstance(value, dict)
        return value

    @property
    def sentence(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Tidegate = Callable[..., Said]


@pytest.fixture
def tidegate(capsys: pytest.CaptureFixture[str]) -> Tidegate:
    """The command, called in this process."""

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        caught = capsys.readouterr()
        return Said(code, caught.out, caught.err)

    return call


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small market in which all shipped strategies together trade a few times."""
    path = tmp_path_factory.mktemp("cli-market") / "market.tape"
    generate(path, Wish(seed=1, events=60_000, symbols=1), progress=lambda *_: None)
    return path


@pytest.fixture(scope="session", autouse=True)
def kernels(tape: Path) -> None:
    """Kernels compiled and kept, so that no command under test has to tell of its wait."""
    run_replay(tape, config="generated", options=Options(collect=False))


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market that even the plain senses are through in a moment."""
    path = tmp_path_factory.mktemp("cli-short") / "short.tape"
    generate(path, Wish(seed=1, events=3_000, symbols=1), progress=lambda *_: None)
    return path


@pytest.fixture(scope="session")
def log(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden log of a replay of that market. Read only."""
    path = tmp_path_factory.mktemp("cli-log") / "log"
    done = run_replay(tape, config="generated", options=Options(log=path, mode=Mode.COMPILED))
    assert done.summary.fills > 0, "what these tests show needs orders"
    return path
