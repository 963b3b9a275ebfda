"""A generated market says where it planted what: the senses find each of these, and the modes agree on such a day."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.senses import making
from tidegate.engine.senses import SensesHost
from tidegate.kernel.mode import Mode
from tidegate.market import rows
from tidegate.regime import rows as regime
from tidegate.simulation.generate import Wish, generate
from tidegate.simulation.plan import ANOMALIES
from tidegate.tapes.format import Planted, Tape, TapeMeta
from tidegate.values.time import SECOND_NS

FLAGS = {
    "halt": rows.HALTED,
    "gap": rows.GAP,
    "bad_print": rows.SPIKE,
    "feed_outage": rows.FEED_DOWN,
    "wide_spread": rows.WIDE,
    "zero_quote": rows.ONE_SIDED,
    "crossed_quote": rows.CROSSED,
    "locked_quote": rows.LOCKED,
    "future_time": rows.FUTURE,
}
SEED = 5


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[TapeMeta, NDArray[np.void]]:
    path = tmp_path_factory.mktemp("market") / "day.tape"
    generate(path, Wish(seed=SEED, events=120_000, symbols=3), progress=lambda _done, _total: None)
    tape = Tape.open(path)
    return tape.meta, np.array(tape.records)


def host(meta: TapeMeta, mode: Mode = Mode.COMPILED) -> SensesHost:
    settings = {"gap_ns": 30 * SECOND_NS, "spike_bps": 300.0, "wide_bps": 50.0, "warm_seconds_min": 60, "warm_minutes_min": 3}
    senses = making.host(mode, symbols=len(meta.symbols), index_of_groups=[len(meta.symbols) - 1], settings=settings)
    senses.table("symbols")["bars_from_trades"] = [int(one.bars_from_trades) for one in meta.symbols]
    senses.table("header")[0]["regime_attention"] = 0
    return senses


def until(senses: SensesHost, records: NDArray[np.void], start: int, stop: int) -> None:
    making.play(senses, [records[start:stop]])


@pytest.mark.req("A1.4", "B4.3")
@pytest.mark.parametrize("kind", [name for name, _, _ in ANOMALIES])
def test_each_planted_anomaly_is_found_where_it_was_planted(day: tuple[TapeMeta, Any], kind: str) -> None:
    meta, records = day
    planted: Planted = next(one for one in meta.planted if one.kind == kind)
    places = {one.symbol: one.index for one in meta.symbols}
    senses = host(meta)
    until(senses, records, 0, planted.first_record)
    place = places[planted.symbol] if planted.symbol else int(records["instrument"][planted.first_record])
    before = making.symbol(senses, place).copy()
    until(senses, records, planted.first_record, planted.first_record + 1)
    after = making.symbol(senses, place)
    if kind == "bad_print":
        for untouched in ("vwap", "last_trade"):
            assert after[untouched] == before[untouched], "a bad print leaves no trace in features"
    assert not int(before["quality"]) & FLAGS[kind]
    assert int(after["quality"]) & FLAGS[kind]
    if kind in {"halt", "feed_outage"}:
        assert int(making.regime(senses, place)["label"]) == regime.UNTRADEABLE
        last = int(records["instrument"][planted.last_record])  # an outage ends for one symbol after the other
        until(senses, records, planted.first_record + 1, planted.last_record)
        assert int(making.symbol(senses, last)["quality"]) & FLAGS[kind]
        until(senses, records, planted.last_record, planted.last_record + 1)
        assert not int(making.symbol(senses, last)["quality"]) & FLAGS[kind]
    if kind == "gap":
        assert (int(after["gaps"]), int(after["valid"])) == (int(before["gaps"]) + 1, 0)


@pytest.mark.req("A1.1")
def test_a_generated_day_shows_every_label_and_ends_finite(day: tuple[TapeMeta, Any]) -> None:
    meta, records = day
    senses = host(meta)
    seen = set()
    for start in range(0, len(records), 2_000):
        until(senses, records, start, min(start + 2_000, len(records)))
        seen |= set(senses.table("regimes")["label"][:3].tolist())
    assert seen >= {regime.UNTRADEABLE, regime.CHOP, regime.TREND}
    names = [name for name in senses.table("symbols").dtype.names or () if senses.table("symbols").dtype[name].kind == "f"]
    assert all(np.isfinite(senses.table("symbols")[name]).all() for name in names)


def test_strict_and_compiled_agree_on_the_first_thousands_of_records(day: tuple[TapeMeta, Any]) -> None:
    meta, records = day
    both = [host(meta, mode) for mode in (Mode.STRICT, Mode.COMPILED)]
    for senses in both:
        until(senses, records, 0, 10_000)
    assert both[0].durable() == both[1].durable()
