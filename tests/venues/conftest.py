"""One compiler for all tests of the simulator: its kernel takes seconds to compile."""

import pytest

from tidegate.kernel.address import COMPILED_FORMS
from tidegate.kernel.compile import Compiler


@pytest.fixture(scope="session")
def compiler() -> Compiler:
    return Compiler("", COMPILED_FORMS)
