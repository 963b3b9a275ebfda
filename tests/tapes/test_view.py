"""Tapes in words, for people."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tapes.making import quotes, symbols
from tidegate.events import records as layout
from tidegate.tapes.errors import NoSuchFileError
from tidegate.tapes.format import Planted, TapeMeta
from tidegate.tapes.view import FLAG_NAMES, STATUS_NAMES, flag_names, tape_head, tape_info, tape_sample
from tidegate.tapes.writer import write_tape

pytestmark = pytest.mark.req("C1.1")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    records = quotes(range(10))
    records["kind"][1] = layout.TRADE
    records["d"][1] = 0x20
    records["kind"][2] = layout.STATUS
    records["a"][2] = layout.STATUS_HALT
    records["b"][2] = records["c"][2] = 0
    records["kind"][3] = layout.BAR_CLOSE
    records["kind"][4] = layout.BOOK
    records["a"][5] = records["c"][5] = 0
    records["flags"][5] = layout.ONE_SIDED | layout.MADE_RECV
    meta = TapeMeta(
        symbols=symbols("A"),
        source="a test",
        receive_time="given",
        importer="test 1",
        planted=(Planted(kind="halt", symbol="A", first_record=2, last_record=2, from_ns=10**18, until_ns=10**18),),
    )
    write_tape(tmp_path / "a.tape", chunks=[records], meta=meta)
    return tmp_path / "a.tape"


def test_info_is_ready_for_json(written: Path) -> None:
    info = tape_info(written)
    assert json.loads(json.dumps(info)) == info
    assert (info["records"], info["symbols"], info["first"]) == (10, ["A"], "2013-10-07T13:30:00.000000000Z")
    assert info["planted"] == ["halt A 2001-09-09T01:46:40.000000000Z"]


def test_head_names_kinds_flags_and_fields(written: Path) -> None:
    quote, trade, status, bar, book, one_sided = tape_head(written, 6)
    assert quote == {
        "record": 0,
        "received": "2013-10-07T13:30:00.000000000Z",
        "happened": "2013-10-07T13:30:00.000000000Z",
        "symbol": "A",
        "kind": "quote",
        "flags": "",
        "bid": "10",
        "ask": "10.01",
        "bid_size": "100",
        "ask_size": "100",
    }
    assert (trade["price"], trade["size"], trade["conditions"]) == ("10", "10.01", 0x20)
    assert (status["status"], status["lower_band"]) == ("halt", "none")
    assert bar["kind"] == "bar_close"
    assert set(book) >= {"price", "new_size", "side"}
    assert (one_sided["bid"], one_sided["ask"]) == ("none", "10.01")
    assert one_sided["flags"] == "made_recv one_sided"


def test_a_sample_spreads_from_the_first_to_the_last_record(written: Path) -> None:
    assert [row["record"] for row in tape_sample(written, 4)] == [0, 3, 6, 9]
    assert len(tape_sample(written, 50)) == 10
    assert tape_sample(written, 0) == []
    assert len(tape_head(written, 50)) == 10


def test_a_missing_tape_is_said(tmp_path: Path) -> None:
    for call in (tape_info, lambda path: tape_head(path, 1), lambda path: tape_sample(path, 1)):
        with pytest.raises(NoSuchFileError, match="correct the path"):
            call(tmp_path / "absent.tape")


def test_each_flag_and_status_of_the_layout_has_a_name() -> None:
    flags = [2**bit for bit in range(11)]
    assert sorted(FLAG_NAMES) == flags
    assert flag_names(sum(flags)) == [FLAG_NAMES[flag] for flag in flags]
    codes = [value for name, value in vars(layout).items() if name.startswith("STATUS_")]
    assert sorted(STATUS_NAMES) == sorted(codes)
    assert np.iinfo(np.int16).max > sum(flags)
