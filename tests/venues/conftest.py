"""One compiler for all tests of the simulator, which keeps its kernel where replays keep theirs: compiling takes half a minute."""

import pytest

from tidegate.kernel.address import COMPILED_FORMS
from tidegate.kernel.compile import BUFFER, INT64, OFFSETS, Compiler
from tidegate.recovery.machine import kernel_cache
from tidegate.venues.sim.entry import act


@pytest.fixture(scope="session")
def compiler() -> Compiler:
    """Its kernel is there at once: where it is kept is for all of the process, and another test may compile elsewhere meanwhile."""
    made = Compiler(kernel_cache(), COMPILED_FORMS)
    made.entry(act, INT64(BUFFER, OFFSETS))
    return made
