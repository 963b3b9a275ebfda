"""`tidegate health` over a health file."""

import time
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Tidegate
from tests.service.test_health import HEALTH
from tidegate.service.health import write_health

pytestmark = pytest.mark.req("F1")


def written(home: Path, **fields: object) -> None:
    write_health(home, msgspec.structs.replace(HEALTH, **({"written_monotonic_ns": time.monotonic_ns()} | fields)))


def test_a_live_service_is_zero_and_a_dead_one_is_one(tidegate: Tidegate, tmp_path: Path) -> None:
    written(tmp_path)
    assert tidegate("health", "--home", str(tmp_path)).code == 0
    assert tidegate("health", "--home", str(tmp_path), "--ready").out == "ready\n"
    written(tmp_path, written_monotonic_ns=0)
    said = tidegate("health", "--home", str(tmp_path))
    assert said.code == 1
    assert said.out.startswith("the supervisor does not write its health any more")


def test_a_service_that_recovers_is_live_and_not_ready(tidegate: Tidegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, stage="starting")
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path))
    assert tidegate("health").code == 0
    said = tidegate("health", "--ready", "--json")
    assert said.code == 1
    assert said.document["ok"] is False
    assert said.document["why"] == "the trader is starting"
    assert said.document["health"]["children"][0]["name"] == "trader"


def test_no_service_in_a_home_says_what_to_do_unnamed_it_is_the_users_own(
    tidegate: Tidegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIDEGATE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for words in ((), ("--home", str(tmp_path))):
        said = tidegate("health", *words)
        assert said.code == 1
        assert "start it with `tidegate up`" in said.sentence
