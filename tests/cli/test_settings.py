import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tidegate.config.limits import limit_keys
from tidegate.config.reading import PRESETS
from tidegate.config.reference import reference_rows

pytestmark = pytest.mark.req("B1.4", "F4")


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_a_configuration_is_shown_with_every_default(name: str, tidegate: Tidegate) -> None:
    found = tidegate("config", "show", name, "--json").document
    assert list(found) == ["config", "limits"]
    assert found["config"]["account"]["cash_usd"] == "100000"
    assert len(found["limits"]) == len(limit_keys())
    shown = tidegate("config", "show", name).out
    assert "cash_usd: '100000'" in shown
    assert "stale: " in shown, "a default that the file does not name"


def test_a_wrong_configuration_is_one_sentence(tmp_path: Path, tidegate: Tidegate) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("account: {name: me}\n")
    said = tidegate("config", "show", path)
    assert said.code == 2
    assert "mine.yaml" in said.sentence


def test_every_key_is_listed(tidegate: Tidegate) -> None:
    listed = tidegate("config", "keys").out
    found = tidegate("config", "keys", "--json").document
    assert [row["path"] for row in found["config"]] == [row.path for row in reference_rows()]
    assert [row["path"] for row in found["limits"]] == [key.key for key in limit_keys()]
    assert all(row["path"] in listed for row in [*found["config"], *found["limits"]])
    assert json.dumps(found)
