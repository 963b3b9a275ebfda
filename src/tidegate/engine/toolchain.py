"""How kernel code is run in this process: compiled once and kept, or as plain Python. Made by the composition root."""

from collections.abc import Callable
from typing import Any, Final, final

import msgspec
import numpy as np

from tidegate.engine import entries
from tidegate.engine.layout import SYMBOL
from tidegate.kernel.layout import row
from tidegate.kernel.mode import Mode
from tidegate.regime.rows import REGIME
from tidegate.strategies.rows import OWN, PARAMETERS_MAX
from tidegate.strategies.strategy import Strategy
from tidegate.values.errors import ExitCode, TidegateError

_SHIPPED: Final = "tidegate.strategies."  # sources that name the cache directory


class TooManyParametersError(TidegateError):
    """A strategy has more parameters than its row has room for."""

    exit_code = ExitCode.REFUSED


@final
class Toolchain:
    """The mode of a process and, when compiled, its compiler: entry points and triggers are compiled once each.

    cache_directory keeps compiled code between processes (empty: nowhere). `progress` is told before each slow step.
    """

    def __init__(self, mode: Mode, *, cache_directory: str = "", progress: Callable[[str], None] | None = None) -> None:
        self.mode: Final = mode
        self._progress = progress
        self._triggers: dict[tuple[str, str], tuple[Callable[..., Any], int]] = {}
        self._compiler: Any = None
        self.act: Callable[..., int] = _never
        if mode is Mode.COMPILED:
            self._start(cache_directory)

    @property
    def compiler(self) -> Any:
        """The kernel compiler, shared with the simulated venue; None in the pure modes."""
        return self._compiler

    def params_row(self, strategy: Strategy) -> np.dtype[np.void]:
        """Return the row dtype of a strategy's parameters: whole numbers as i8, the rest as f8.

        Raises:
            TooManyParametersError: more than the row holds.
        """
        fields = msgspec.structs.fields(strategy.params)
        if len(fields) > PARAMETERS_MAX:
            raise TooManyParametersError(
                f"Strategy {strategy.name} has {len(fields)} parameters; {PARAMETERS_MAX} is the most a trigger can read."
            )
        return row([(field.name, "<f8" if field.type is float else "<i8") for field in fields])

    def trigger_code(self, strategy: Strategy, place: int) -> int:
        """Return what `addresses` holds for a strategy: a code address, or its place in the pure modes."""
        if strategy.trigger is None or self._compiler is None:
            return place
        from tidegate.kernel.address import compile_trigger  # noqa: PLC0415 - numba is loaded when something is compiled

        key = (strategy.sha256, str(self.params_row(strategy).descr))
        if key not in self._triggers:
            rows = (SYMBOL, REGIME, OWN, self.params_row(strategy))
            self._triggers[key] = compile_trigger(self._compiler, strategy.trigger, rows, keep=strategy.module.startswith(_SHIPPED))
        return self._triggers[key][1]

    def _start(self, cache_directory: str) -> None:
        from tidegate.kernel.address import COMPILED_FORMS  # noqa: PLC0415 - see above
        from tidegate.kernel.compile import BUFFER, INT64, OFFSETS, READONLY_BUFFER, Compiler  # noqa: PLC0415 - see above

        if self._progress is not None:
            self._progress("preparing the compiled senses (once per version; up to half a minute)")
        self._compiler = Compiler(cache_directory, COMPILED_FORMS)
        signature = INT64(BUFFER, OFFSETS, READONLY_BUFFER, INT64, INT64, INT64, INT64)
        self.act = self._compiler.entry(entries.act, signature)


def _never(*_arguments: object) -> int:
    raise AssertionError("the pure senses do not call compiled code")
