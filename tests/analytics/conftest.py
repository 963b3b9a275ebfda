"""One scripted day, made once: it is frozen, so tests may share it."""

import pytest

from tests.analytics.day import Day, scripted_run
from tidegate.analytics.collect import Run


@pytest.fixture(scope="session")
def day_run() -> tuple[Run, Day]:
    return scripted_run()


@pytest.fixture(scope="session")
def run(day_run: tuple[Run, Day]) -> Run:
    return day_run[0]
