"""One toolchain for all tests of this folder."""

import pytest

from tidegate.engine.toolchain import Toolchain
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain


@pytest.fixture(scope="session")
def compiled() -> Toolchain:
    return make_toolchain(Mode.COMPILED)
