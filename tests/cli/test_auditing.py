"""`tidegate audit`: what people read, what scripts read, how each ends."""

import csv
import json
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Tidegate
from tests.service.audit_homes import RECORDS, AuditHome
from tests.service.ledger.making import ACCOUNT, START_NS
from tidegate.values.time import SECOND_NS, iso_utc

pytestmark = pytest.mark.req("D2.3")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditHome:
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path / "home"))
    return AuditHome(tmp_path / "home").filled()


@pytest.mark.usefixtures("home")
def test_a_whole_chain_is_verified(tidegate: Tidegate) -> None:
    said = tidegate("audit", "verify")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == f"account {ACCOUNT}: nothing was found; {RECORDS} records, 3 heads in the ledger, 3 anchors"
    assert "sealed up to record 30 at 2027-01-15 08:00:30 UTC" in said.out
    document = tidegate("audit", "verify", "--json").document
    assert document["ok"] is True
    assert [(one["account"], one["records"], one["open_records"], one["findings"]) for one in document["accounts"]] == [
        (ACCOUNT, RECORDS, 0, [])
    ]


def test_each_finding_is_a_sentence_and_the_answer_is_no(home: AuditHome, tidegate: Tidegate) -> None:
    home.run("UPDATE audit SET actor = 'mallory' WHERE seq = 7", "DELETE FROM audit WHERE seq = 15")
    said = tidegate("audit", "verify")
    assert said.code == 1
    assert "2 findings" in said.out
    assert "  Record 7 was changed: its content does not have the hash it names." in said.out
    assert "  Record 15 is missing: record 14 is followed by record 16." in said.out
    with_json = tidegate("audit", "verify", "--json")
    assert with_json.code == 1
    assert with_json.document["ok"] is False
    assert [(one["kind"], one["seq"]) for one in with_json.document["accounts"][0]["findings"]] == [("changed", 7), ("missing", 15)]


def test_anchors_and_key_may_be_elsewhere(home: AuditHome, tidegate: Tidegate, tmp_path: Path) -> None:
    home.anchors.rename(tmp_path / "anchors")
    home.key.rename(tmp_path / "public")
    assert tidegate("audit", "verify").code == 3  # there is no key
    assert tidegate("audit", "verify", "--key", tmp_path / "public").code == 1
    assert tidegate("audit", "verify", "--key", tmp_path / "public", "--anchors", tmp_path / "anchors").code == 0


def test_a_configuration_says_where_anchors_are(home: AuditHome, tidegate: Tidegate, tmp_path: Path) -> None:
    from scripts.live.pair import CONFIG

    home.anchors.rename(tmp_path / "elsewhere.jsonl")
    text = CONFIG.read_text().replace("  feed: iex\n", "  feed: iex\n  audit_anchors: elsewhere.jsonl\n")
    (tmp_path / "my.yaml").write_text(text)
    said = tidegate("audit", "verify", "--config", tmp_path / "my.yaml", "--account", ACCOUNT)
    assert said.code == 0, said
    assert "3 anchors" in said.out


def test_where_no_trader_ran_there_is_one_sentence(tidegate: Tidegate, tmp_path: Path) -> None:
    said = tidegate("audit", "verify", "--home", tmp_path / "empty")
    assert said.code == 2
    assert said.sentence.startswith("There is no audit chain at ")
    assert tidegate("audit", "search", "--home", tmp_path / "empty").code == 3


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--limit", "3"), [30, 29, 28]),
        (("--actor", "nobody"), []),
        (("--type", "order_outcome", "--limit", "1"), [30]),
        (("--type", "request"), []),
        (("--subject", "order-7"), [7]),
        (("--id", "order-12"), [12]),
        (("--text", "rder-1", "--limit", "2"), [19, 18]),
        (("--text", '"number":5}'), [5]),
        (("--text", "100%"), []),
        (("--from", iso_utc(START_NS + 28 * SECOND_NS)), [30, 29, 28]),
        (("--until", iso_utc(START_NS + 3 * SECOND_NS)), [2, 1]),
        (("--from", "2027-01-16"), []),
    ],
)
@pytest.mark.usefixtures("home")
def test_search_finds_the_newest_first(words: tuple[str, ...], numbers: list[int], tidegate: Tidegate) -> None:
    said = tidegate("audit", "search", *words, "--json")
    assert said.code == 0
    assert [record["seq"] for record in said.document["records"]] == numbers
    assert len(tidegate("audit", "search", *words).out.splitlines()) == len(numbers)


def test_search_shows_a_changed_record_as_it_is(home: AuditHome, tidegate: Tidegate) -> None:
    home.run("UPDATE audit SET ts_ns = 'never', body = x'ff00' WHERE seq = 30")
    said = tidegate("audit", "search", "--limit", "1")
    assert said.out == "30  -  venue  order_outcome  order-30  \\xff\\x00\n"


@pytest.mark.usefixtures("home")
def test_a_time_that_is_none_is_named(tidegate: Tidegate) -> None:
    said = tidegate("audit", "search", "--from", "yesterday")
    assert said.code == 2
    assert said.sentence == "'yesterday' is no time; write it as 2027-01-15 or 2027-01-15T14:30:00Z."


@pytest.mark.usefixtures("home")
def test_each_form_of_export_holds_every_record(tidegate: Tidegate, tmp_path: Path) -> None:
    for ending in ("jsonl", "csv", "parquet"):
        said = tidegate("audit", "export", tmp_path / f"out.{ending}", "--json")
        assert (said.code, said.document["records"]) == (0, RECORDS)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    for line in lines:  # whoever has the file can hash it again
        text = json.dumps({k: v for k, v in line.items() if k != "hash"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert sha256(text.encode()).hexdigest() == line["hash"]
    with (tmp_path / "out.csv").open(newline="") as file:
        sheet = list(csv.DictReader(file))
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert [line["seq"] for line in lines] == [int(row["seq"]) for row in sheet] == frame["seq"].to_list() == list(range(1, RECORDS + 1))
    assert [line["hash"] for line in lines] == [row["hash"] for row in sheet] == frame["hash"].to_list()
    assert frame["body"].to_list() == [row["body"] for row in sheet]


def test_an_export_that_cannot_be_leaves_nothing(home: AuditHome, tidegate: Tidegate, tmp_path: Path) -> None:
    assert tidegate("audit", "export", tmp_path / "out.xls").code == 2
    home.run("UPDATE audit SET ts_ns = 'never' WHERE seq = 30")
    said = tidegate("audit", "export", tmp_path / "out.parquet")
    assert said.code == 3
    assert "run `tidegate audit verify`" in said.sentence
    assert list(tmp_path.glob("out*")) == []
