"""One toolchain of each mode for all tests of the contract: compiling takes seconds."""

import pytest

from tidegate.engine.toolchain import Toolchain
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain


@pytest.fixture(scope="session")
def compiled() -> Toolchain:
    return make_toolchain(Mode.COMPILED)


@pytest.fixture(scope="session")
def pure() -> Toolchain:
    return make_toolchain(Mode.PURE)


@pytest.fixture(scope="session")
def strict() -> Toolchain:
    return make_toolchain(Mode.STRICT)
