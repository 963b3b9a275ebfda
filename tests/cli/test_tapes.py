import os
from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate

pytestmark = pytest.mark.req("B1.4")

QUOTES = "ts,s,b,a,bs,as\n2013-10-07T13:30:00Z,AIG,10.00,10.01,1,2\n2013-10-07T13:30:01Z,AIG,10.01,10.02,3,4\n"
MAP = "time=ts,symbol=s,bid=b,ask=a,bid_size=bs,ask_size=as"


def csv(folder: Path, text: str = QUOTES) -> Path:
    path = folder / "ticks.csv"
    path.write_text(text)
    return path


def test_a_generated_market_can_be_looked_into(tmp_path: Path, tidegate: Tidegate) -> None:
    out = tmp_path / "g.tape"
    made = tidegate("tape", "generate", out, "--seed", 7, "--events", 2_000, "--symbols", 2, "--json")
    assert made.code == 0
    assert made.document["records"] == 2_000
    assert made.err == "", "progress is for terminals"
    assert tidegate("tape", "info", out, "--json").document == made.document
    assert "records: 2,000" in tidegate("tape", "info", out).out
    head = tidegate("tape", "head", out, "--count", 3, "--json").document["records"]
    assert [row["record"] for row in head] == [0, 1, 2]
    sample = tidegate("tape", "sample", out, "--count", 3, "--json").document["records"]
    assert [row["record"] for row in sample] == [0, 999, 1_999]
    shown = tidegate("tape", "head", out, "--count", 3).out.splitlines()
    assert len(shown) == 4
    assert shown[0].split() == ["record", "received", "symbol", "kind", "what"]


def test_the_same_seed_gives_the_same_tape(tmp_path: Path, tidegate: Tidegate) -> None:
    hashes = {
        tidegate("tape", "generate", tmp_path / name, "--events", 500, "--symbols", 1, "--seed", seed, "--json").document["sha256"]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    }
    assert len(hashes) == 2


def test_a_csv_becomes_a_tape_by_its_column_map(tmp_path: Path, tidegate: Tidegate) -> None:
    out = tmp_path / "day.tape"
    said = tidegate("tape", "import", "csv", csv(tmp_path), out, "--map", MAP)
    assert said.code == 0
    assert said.out.splitlines()[0] == f"{out}: 2 records of AIG"
    assert tidegate("tape", "info", out, "--json").document["statistics"]["quotes"] == 2


def test_recorded_files_become_a_tape(tmp_path: Path, shared_data: Path, tidegate: Tidegate) -> None:
    source = shared_data / "lean-equity-ticks" / "ibm" / "20131007_trade.zip"
    said = tidegate("tape", "import", "lean", source, tmp_path / "ibm.tape", "--json")
    assert said.code == 0
    assert said.document["symbols"] == ["IBM"]
    assert said.document["records"] == 24_293


@pytest.mark.parametrize(
    ("text", "column_map", "code", "words"),
    [
        (QUOTES, MAP.replace("bid=b", "bid=bidd"), 2, "has no column 'bidd' (mapped to bid)"),
        (QUOTES, MAP.replace("time=ts,", ""), 2, "lacks time"),
        (QUOTES, MAP + ",colour=c", 2, "names 'colour'"),
        (QUOTES, "", 2, "column map"),
        (QUOTES.replace("13:30:01", "13:29:59"), MAP, 2, "row 2 is received at"),
        (QUOTES.replace("10.02", "10.0201"), MAP + ",tick=0.01", 2, "row 2"),
        (QUOTES.replace("10.01", "ten"), MAP, 2, "row"),
        (QUOTES.splitlines()[0] + "\n", MAP, 2, "no record"),
        ("", MAP, 2, "ticks.csv"),
    ],
    ids=["column", "no-time", "word", "no-map", "unsorted", "off-grid", "no-number", "empty", "nothing"],
)
def test_a_bad_source_is_one_sentence_and_leaves_nothing(
    text: str, column_map: str, code: int, words: str, tmp_path: Path, tidegate: Tidegate
) -> None:
    source = csv(tmp_path, text)
    said = tidegate("tape", "import", "csv", source, tmp_path / "day.tape", "--map", column_map)
    assert said.code == code
    assert words in said.sentence
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["ticks.csv"]


def test_an_unknown_kind_and_a_missing_source_are_one_sentence(tmp_path: Path, tidegate: Tidegate) -> None:
    kind = tidegate("tape", "import", "xml", csv(tmp_path), tmp_path / "day.tape")
    assert (kind.code, kind.sentence) == (2, "There is no importer named 'xml'; choose one of lean, csv, parquet.")
    gone = tidegate("tape", "import", "lean", tmp_path / "gone", tmp_path / "day.tape")
    assert gone.code == 2
    assert "gone" in gone.sentence


def test_only_a_tape_is_replaced_by_a_tape(tmp_path: Path, tidegate: Tidegate) -> None:
    source, other = csv(tmp_path), tmp_path / "other.csv"
    other.write_text(QUOTES)
    forgotten = tidegate("tape", "import", "csv", source, other, "--map", MAP)
    assert forgotten.code == 2
    assert "is no tape, so it is not replaced" in forgotten.sentence
    assert other.read_text() == QUOTES
    itself = tidegate("tape", "import", "csv", source, source, "--map", MAP)
    assert itself.code == 2
    assert "is a source" in itself.sentence
    folder = tidegate("tape", "generate", tmp_path)
    assert folder.code == 2
    assert "is a folder" in folder.sentence
    os.mkfifo(tmp_path / "pipe")
    pipe = tidegate("tape", "generate", tmp_path / "pipe")
    assert pipe.code == 2
    assert "is no tape, so it is not replaced" in pipe.sentence
    out = tmp_path / "day.tape"
    for _ in range(2):
        assert tidegate("tape", "import", "csv", source, out, "--map", MAP).code == 0


def test_what_is_no_tape_is_said(tmp_path: Path, tidegate: Tidegate) -> None:
    for path in (csv(tmp_path), tmp_path / "gone.tape"):
        for verb in ("info", "head", "sample"):
            said = tidegate("tape", verb, path)
            assert said.code == 2
            assert path.name in said.sentence
