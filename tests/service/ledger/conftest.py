"""Every form of the ledger: a test that takes `ledger` holds for all of them, one that takes `location` for those on a disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.ledger import postgres
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.sql import SqlLedger

STORES = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    why = postgres.missing()
    if why:
        pytest.skip(why)
    with postgres.server() as server:
        SqlLedger(server.url("ledger")).close()
        yield server


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "ledger.db"
    SqlLedger(path).close()
    return path


@pytest.fixture(params=STORES)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty ledger stands that has its tables."""
    if request.param == "postgresql":
        server: postgres.Server = request.getfixturevalue("postgresql")
        return server.emptied()
    path = tmp_path / "ledger.db"
    shutil.copy(request.getfixturevalue("empty_file"), path)
    return str(path)


@pytest.fixture(params=["memory", *STORES])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    made: Ledger
    if request.param == "memory":
        made = MemoryLedger()
    elif request.param == "postgresql":
        made = SqlLedger(request.getfixturevalue("postgresql").emptied())
    else:
        path = tmp_path / "ledger.db"
        shutil.copy(request.getfixturevalue("empty_file"), path)
        made = SqlLedger(path)
    yield made
    made.close()
