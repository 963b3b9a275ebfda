from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tidegate.replay.reading import read_log

pytestmark = pytest.mark.req("B1.4")


def test_every_order_and_every_verdict_has_its_story(log: Path, tidegate: Tidegate) -> None:
    run = read_log(log)
    for order in run.orders["client_order_id"].head(3):
        said = tidegate("explain", order, "--log", log)
        assert said.code == 0
        assert said.out.startswith(f"Order {order} of ")
        assert " check " in said.out
        assert " sizing " in said.out or " exit" in said.out
    for verdict in run.decisions["event_id"].head(3):
        found = tidegate("explain", verdict, "--log", log, "--json").document
        assert list(found) == ["id", "kind", "headline", "orders", "lines"]
        assert found["id"] == verdict


def test_an_unknown_id_is_answered_with_no(log: Path, tidegate: Tidegate) -> None:
    said = tidegate("explain", "0-nothing", "--log", log)
    assert said.code == 1
    assert "0-nothing" in said.sentence
    assert tidegate("explain", "0-nothing").code == 2, "without a log there is nothing to ask"
    assert tidegate("explain", "", "--log", log).code == 2, "no id is not an unknown one"


def test_a_report_of_a_log_is_that_of_its_replay(log: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    out = tmp_path / "day.html"
    said = tidegate("report", log, out, "--json")
    assert said.code == 0
    assert said.document["report"] == str(out)
    assert said.document["metrics"]["total"]["orders"] == len(read_log(log).orders)
    assert out.read_text().startswith("<!doctype html>")
    table = tidegate("report", log, out)
    assert "Closed trades" in table.out
    assert table.err == "", "the tape is where it was, so there are prices"


def test_a_report_goes_beside_the_log_if_no_place_is_named(log: Path, tidegate: Tidegate) -> None:
    assert tidegate("report", log).code == 0
    assert log.with_name("log.html").is_file()


def test_only_an_html_file_is_written(log: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    precious = tmp_path / "notes.txt"
    precious.write_text("mine")
    said = tidegate("report", log, precious)
    assert said.code == 2
    assert precious.read_text() == "mine"
