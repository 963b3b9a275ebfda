"""Where a strategy's file is: shipped with tidegate, announced by an installed package, or at a path."""

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from tidegate import strategies
from tidegate.config.errors import UnknownStrategyError, known
from tidegate.config.paths import expanded

GROUP: Final = "tidegate.strategies"
SHIPPED: Final = ("breakout", "mean_reversion", "trend_following")


class Found(NamedTuple):
    """One strategy file. module is the name it goes by in logs: never a path, which differs between machines."""

    path: Path
    module: str


def find_strategy(name_or_path: str) -> Found:
    """Return the file of a strategy: a path ends in .py or has a slash, anything else is a name.

    Raises:
        UnknownStrategyError: no file there, or no strategy of that name.
    """
    if name_or_path.endswith(".py") or "/" in name_or_path:
        path = expanded(name_or_path)
        if not path.is_file():
            raise UnknownStrategyError(f"There is no strategy file {name_or_path}; write one with `tidegate new strategy NAME`.")
        return Found(path, path.stem)
    if name_or_path in SHIPPED:
        return Found(_shipped_folder() / f"{name_or_path}.py", f"{GROUP}.{name_or_path}")
    announced = _announced()
    if name_or_path not in announced:
        names = sorted({*SHIPPED, *announced})
        guess = known(name_or_path, names)
        raise UnknownStrategyError(f"There is no strategy {name_or_path!r}; {guess}; or give the path of a .py file.")
    return _installed(name_or_path, announced[name_or_path])


def strategy_names() -> tuple[str, ...]:
    """Return the names of all strategies that are shipped or announced by an installed package."""
    return tuple(sorted({*SHIPPED, *_announced()}))


def _announced() -> dict[str, tuple[str, ...]]:
    """Return name -> modules; a shipped strategy's own entry point is the shipped one."""
    found: dict[str, set[str]] = {}
    for point in entry_points(group=GROUP):
        if point.name not in SHIPPED or point.module != f"{GROUP}.{point.name}":
            found.setdefault(point.name, set()).add(point.module)
    return {name: tuple(sorted(modules)) for name, modules in found.items()}


def _installed(name: str, modules: tuple[str, ...]) -> Found:
    if len(modules) > 1:
        raise UnknownStrategyError(f"Strategy {name!r} is announced by {' and '.join(modules)}; uninstall one, or give a path.")
    try:
        spec = find_spec(modules[0])
    except ImportError:
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise UnknownStrategyError(
            f"Strategy {name!r} is announced as module {modules[0]}, which is no Python file; reinstall its package."
        )
    return Found(Path(spec.origin), modules[0])


def _shipped_folder() -> Path:
    return Path(strategies.__path__[0])
