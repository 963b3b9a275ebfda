"""Compiles what a version needs ahead of time, part by part, so that several processes can share the work."""

import numpy as np

from tidegate.config.finding import SHIPPED
from tidegate.config.loading import load_strategy
from tidegate.events.records import RECORD
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import kernel_cache, make_toolchain
from tidegate.venues.sim.settings import SimSettings
from tidegate.venues.sim.setup import Stream, make_memory


def compile_senses() -> None:
    """Compile the senses and the triggers of the strategies that ship."""
    toolchain = make_toolchain(Mode.COMPILED)
    for place, name in enumerate(SHIPPED):
        toolchain.trigger_code(load_strategy(name, {}), place)


def compile_venue() -> None:
    """Compile the simulated venue."""
    from tidegate.kernel.address import COMPILED_FORMS  # noqa: PLC0415 - numba is loaded when something is compiled
    from tidegate.kernel.compile import Compiler  # noqa: PLC0415 - likewise

    nothing = Stream(np.empty(0, RECORD), np.zeros(1, np.int64))
    make_memory([nothing], 1, SimSettings(), compiler=Compiler(kernel_cache(), COMPILED_FORMS), strict=False)
