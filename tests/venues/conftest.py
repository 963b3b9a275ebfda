"""One compiler for all tests of the simulator: its kernel takes seconds to compile."""

from typing import Any

import pytest

from tidegate.kernel.address import COMPILED_FORMS
from tidegate.kernel.compile import Compiler


@pytest.fixture(scope="session")
def compiler() -> Compiler:
    forms: dict[Any, Any] = dict(COMPILED_FORMS)
    return Compiler("", forms)
