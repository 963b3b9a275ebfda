"""One toolchain and one recorded replay for all tests of this folder."""

import pytest

from tests.replay.logs import Recorded, record
from tidegate.engine.toolchain import Toolchain
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain


@pytest.fixture(scope="session")
def compiled() -> Toolchain:
    return make_toolchain(Mode.COMPILED)


@pytest.fixture(scope="session")
def recorded(compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("recorded"), compiled)
