import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Tidegate
from tidegate.replay.reading import read_log

pytestmark = pytest.mark.req("I5", "B1.4")

KINDS = ("events", "orders", "risk", "decisions")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_recorded_run_are_shown_and_counted(kind: str, log: Path, tidegate: Tidegate) -> None:
    shown = tidegate("journal", kind, "--log", log, "--limit", 100_000)
    found = tidegate("journal", kind, "--log", log, "--limit", 100_000, "--json").document
    assert (shown.code, shown.err) == (0, "")
    assert (found["kind"], found["left_out"]) == (kind, 0)
    assert len(shown.out.splitlines()) == len(found["rows"])
    if kind == "orders":
        assert [row["client_order_id"] for row in found["rows"]] == list(read_log(log).orders["client_order_id"])
        assert all(row["client_order_id"] in shown.out for row in found["rows"])


@pytest.mark.parametrize("verb", [("journal", "orders", "--log"), ("log", "show")], ids=" ".join)
def test_a_limit_beyond_all_counts_leaves_nothing_out(verb: tuple[str, ...], log: Path, tidegate: Tidegate) -> None:
    few, every = (tidegate(*verb, log, "--limit", limit) for limit in (1_000_000, 10**25))
    assert (every.code, every.err) == (0, "")
    assert every.out == few.out


def test_the_newest_rows_are_shown_and_the_others_counted(log: Path, tidegate: Tidegate) -> None:
    every = tidegate("journal", "decisions", "--log", log, "--limit", 100_000, "--json").document["rows"]
    few = tidegate("journal", "decisions", "--log", log, "--limit", 2, "--json").document
    assert (few["rows"], few["left_out"]) == (every[-2:], len(every) - 2)
    said = tidegate("journal", "decisions", "--log", log, "--limit", 2)
    assert f"{len(every) - 2} older rows are not shown" in said.sentence
    assert len(said.out.splitlines()) == 2
    assert all(row["sentence"] in said.out for row in every[-2:])


def test_filters_and_any_id_work_from_the_command_line(log: Path, tidegate: Tidegate) -> None:
    order = tidegate("journal", "orders", "--log", log, "--json").document["rows"][0]
    same = ("--log", log, "--id", order["client_order_id"], "--json")
    (decision,) = [row for row in tidegate("journal", "decisions", *same).document["rows"] if row["event_id"] == order["decision_id"]]
    assert decision["sizing"] == order["sizing"]
    assert tidegate("journal", "events", *same).document["rows"]
    assert tidegate("journal", "orders", "--log", log, "--strategy", "nobody", "--json").document["rows"] == []
    moment = ("--since", order["at"], "--until", str(order["at_ns"] + 1_000))
    assert order["decision_id"] in tidegate("journal", "events", "--log", log, *moment).out
    bad = tidegate("journal", "orders", "--log", log, "--since", "soon")
    assert (bad.code, "'soon' is no moment" in bad.sentence) == (2, True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_is_all_rows(kind: str, log: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    every = tidegate("journal", kind, "--log", log, "--limit", 100_000, "--json").document["rows"]
    done = tidegate("journal", "export", kind, tmp_path / "rows.jsonl", "--log", log, "--json").document
    assert done == {"out": str(tmp_path / "rows.jsonl"), "rows": len(every)}
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()] == every
    said = tidegate("journal", "export", kind, tmp_path / "rows.parquet", "--log", log)
    assert said.out == f"{tmp_path / 'rows.parquet'}: {len(every):,} rows\n"
    assert pl.read_parquet(tmp_path / "rows.parquet").height == len(every)


def test_without_a_log_the_traders_own_is_asked(log: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    assert tidegate("journal", "events", "--home", tmp_path).code == 2
    (tmp_path / "log").symlink_to(log)
    assert tidegate("journal", "events", "--home", tmp_path, "--limit", 1, "--json").document["rows"]
    assert "no 'fills'" in tidegate("journal", "export", "fills", tmp_path / "x.csv", "--log", log).sentence
