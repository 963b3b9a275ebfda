import shutil
from pathlib import Path

import msgspec
import polars as pl
import pytest

from tests.cli.conftest import Tidegate
from tidegate.engine.engine import Engine
from tidegate.engine.spec import EngineSpec
from tidegate.engine.toolchain import Toolchain
from tidegate.journal.layout import FORMAT_VERSION, pack_block, read_head
from tidegate.replay import verify
from tidegate.replay.run import Options, run_replay
from tidegate.replay.verify import verify_log

pytestmark = pytest.mark.req("B1.4")


@pytest.fixture
def copy(log: Path, tmp_path: Path) -> Path:
    """A copy of the log that a test may harm."""
    return Path(shutil.copytree(log, tmp_path / "copy"))


def segment(log: Path) -> Path:
    return max(log.glob("*.seg"))


def test_a_log_is_shown_line_by_line_and_by_wish(log: Path, tidegate: Tidegate) -> None:
    everything = tidegate("log", "show", log).out.splitlines()
    stats = tidegate("log", "stats", log, "--json").document
    assert len(everything) == stats["entries"]
    decisions = tidegate("log", "show", log, "--type", "decision", "--symbol", "G01").out.splitlines()
    assert len(decisions) == stats["messages_by_type"]["decision"]
    first = tidegate("log", "show", log, "--type", "decision", "--limit", 1, "--json").document["entries"]
    assert [entry["type"] for entry in first] == ["decision"]
    story = tidegate("log", "show", log, "--correlation", first[0]["correlation_id"]).out
    assert " command " in story
    assert " intent " in story
    assert tidegate("log", "show", log, "--strategy", "nobody").out == ""


def test_figures_are_told_in_words_and_as_one_object(log: Path, tidegate: Tidegate) -> None:
    said = tidegate("log", "stats", log)
    assert said.code == 0
    assert "sealed: yes" in said.out
    assert tidegate("log", "stats", log, "--json").document["sealed"] is True


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_log_is_exported_whole(ending: str, log: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    out = tmp_path / f"log.{ending}"
    found = tidegate("log", "export", log, out, "--json").document
    frame = pl.read_parquet(out) if ending == "parquet" else pl.read_ndjson(out, infer_schema_length=None)
    assert found == {"out": str(out), "rows": len(frame)}
    assert f"{found['rows']:,} rows" in tidegate("log", "export", log, out).out


def test_an_export_to_an_unknown_form_or_place_is_one_sentence(log: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    form = tidegate("log", "export", log, tmp_path / "log.xlsx")
    assert (form.code, "neither .jsonl nor .parquet" in form.sentence) == (2, True)
    place = tidegate("log", "export", log, tmp_path / "no" / "log.parquet")
    assert (place.code, "cannot be written" in place.sentence) == (3, True)
    assert list(tmp_path.iterdir()) == []


def test_verify_says_match_and_fails_on_damage(log: Path, copy: Path, tape: Path, tidegate: Tidegate) -> None:
    good = tidegate("verify", log, "--json")
    assert good.code == 0
    assert list(good.document) == ["match", "why", "entries", "first_difference", "damage"]
    assert good.document["match"] is True
    assert "matches" in tidegate("verify", log, "--tape", tape).out
    path = segment(copy)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    bad = tidegate("verify", copy, "--json")
    assert bad.code == 1
    assert bad.document["match"] is False
    assert list(bad.document["damage"])[:4] == ["segment", "block", "first_entry", "last_entry"]
    told = tidegate("verify", copy)
    assert told.code == 1
    assert "does not match" in told.out
    assert "  block: " in told.out


def test_verify_finds_a_moved_tape_where_it_is_told_and_else_says_so(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    old, new, log = tmp_path / "old.tape", tmp_path / "new.tape", tmp_path / "log"
    shutil.copy(tape, old)
    run_replay(old, config="generated", options=Options(log=log))
    old.rename(new)
    lost = tidegate("verify", log)
    assert lost.code == 2
    assert "--tape" in lost.sentence
    assert tidegate("verify", log, "--tape", new).code == 0
    without = tidegate("report", log, tmp_path / "r.html")
    assert without.code == 0
    assert "without prices" in without.sentence
    assert tidegate("report", log, tmp_path / "r.html", "--tape", new).err == ""


def test_a_log_of_other_code_is_told_and_exits_1(log: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_other_code", lambda *_: "the log was written with other libraries")
    said = tidegate("verify", log, "--json")
    assert said.code == 1
    assert said.document["match"] is None
    assert "other libraries" in said.document["why"]
    assert "cannot be compared fairly" in tidegate("verify", log).out


def test_a_difference_names_its_input_and_act(log: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_a_richer_account(spec: EngineSpec, toolchain: Toolchain) -> Engine:
        return Engine(msgspec.structs.replace(spec, cash_attos=spec.cash_attos + 10**18), toolchain)

    monkeypatch.setattr(verify, "Engine", of_a_richer_account)
    said = tidegate("verify", log, "--json")
    assert said.code == 1
    assert list(said.document["first_difference"]) == ["n", "k", "recorded", "recomputed"]
    assert "recomputed: " in tidegate("verify", log).out


@pytest.mark.parametrize("verb", ["show", "stats", "recover"])
def test_a_log_of_a_newer_version_says_so(verb: str, copy: Path, tidegate: Tidegate) -> None:
    path = segment(copy)
    data = path.read_bytes()
    head = read_head(data, 0)
    assert head is not None
    newer = pack_block(head._replace(version=FORMAT_VERSION + 1), data[64 : 64 + head.length])
    path.write_bytes(newer + data[len(newer) :])
    said = tidegate("log", verb, copy)
    assert said.code == 3
    assert "upgrade" in said.sentence


def test_a_torn_log_is_shown_recovered_and_verified(copy: Path, tidegate: Tidegate) -> None:
    path = segment(copy)
    path.write_bytes(path.read_bytes()[:-900])
    shown = tidegate("log", "show", copy, "--limit", 1)
    assert shown.code == 0
    assert "is torn" in shown.sentence
    mended = tidegate("log", "recover", copy)
    assert mended.code == 0
    assert "bytes were cut" in mended.out
    again = tidegate("log", "recover", copy, "--json").document
    assert again["cut_bytes"] == 0
    assert verify_log(copy).match is True


@pytest.mark.parametrize("words", [("log", "show"), ("log", "stats"), ("log", "recover"), ("verify",), ("report",)])
def test_no_log_is_one_sentence(words: tuple[str, ...], tmp_path: Path, tidegate: Tidegate) -> None:
    said = tidegate(*words, tmp_path)
    assert said.code == 2
    assert "holds no golden log" in said.sentence
    assert list(tmp_path.iterdir()) == []
