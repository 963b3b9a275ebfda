"""A new strategy with its test, as working files: what `tidegate new strategy NAME` writes."""

import keyword
from pathlib import Path
from typing import Final

from tidegate.config.errors import ConfigError
from tidegate.config.finding import strategy_names

_SOURCES: Final = Path(__file__).parent / "templates"
_STRATEGY: Final = "strategy.py.txt"
_TEST: Final = "test_strategy.py.txt"


def new_strategy(name: str, directory: Path) -> tuple[Path, Path]:
    """Write NAME.py and test_NAME.py and return their paths. Nothing is overwritten, and nothing is left half written.

    Raises:
        ConfigError: the name cannot be a strategy's, the directory is none, or a file of this name is there.
    """
    strategy, test = directory / f"{name}.py", directory / f"test_{name}.py"
    _check(name, directory, (strategy, test))
    written: list[Path] = []
    try:
        for path, source in ((strategy, _STRATEGY), (test, _TEST)):
            text = (_SOURCES / source).read_text(encoding="utf-8").replace("my_strategy", name)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise ConfigError(f"{directory} cannot be written to ({error.strerror}); choose another folder.") from error
    return strategy, test


def _check(name: str, directory: Path, files: tuple[Path, ...]) -> None:
    if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
        raise ConfigError(f"{name!r} cannot be a strategy's name; use lower case letters, digits and _, such as my_strategy.")
    if name in strategy_names():
        raise ConfigError(f"There is already a strategy {name}; choose another name.")
    if not directory.is_dir():
        raise ConfigError(f"{directory} is no folder; create it first.")
    for path in files:
        if path.exists():
            raise ConfigError(f"{path} is already there; choose another name, or move it away.")
