"""What every test may use: the recorded sets, the requirement marks, the two hypothesis profiles."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"[A-IX]\d(\.\d)?")

# Deadlines are off: a first compile or a busy machine is not a failure. `ci` draws the same examples each
# time, so that a red build can be repeated; `dev` explores.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded sets; tests that need one are skipped on machines that have none."""
    folder = Path(os.environ.get("TIDEGATE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "MANIFEST.csv").is_file():
        pytest.skip(f"no recorded data in {folder}; set TIDEGATE_SHARED_DATA to the folder that has it")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a requirement mark that names no row: it would prove nothing and nobody would notice."""
    for item in items:
        for mark in item.iter_markers("req"):
            rows = [row for row in mark.args if isinstance(row, str) and ROW.fullmatch(row)]
            if not rows or len(rows) != len(mark.args) or mark.kwargs:
                raise pytest.UsageError(f'{item.nodeid}: req takes row ids such as "A1.2", not {mark.args}')
