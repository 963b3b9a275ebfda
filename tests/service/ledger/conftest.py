"""One fixture for every form of the ledger: a test that takes `ledger` holds for all of them."""

from collections.abc import Iterator

import pytest

from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.port import Ledger


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = MemoryLedger()
    yield made
    made.close()
