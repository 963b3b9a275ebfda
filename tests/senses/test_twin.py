"""The kernel and its slow twin say the same of every record, and every mode leaves the same bytes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.senses import making
from tests.senses.making import SETTINGS, START_NS
from tests.senses.tapes import STEPS, SYMBOLS, Step, lively
from tests.senses.twin import MINUTE, SECOND, MarketTwin, SymbolTwin
from tidegate.engine import layout
from tidegate.engine.senses import SensesHost
from tidegate.events import records
from tidegate.kernel.mode import Mode
from tidegate.values.time import NEVER_NS

FROM_TRADES = st.sampled_from([(), (2,)])
INDEX = st.sampled_from([None, -1, 2])


def made(mode: Mode, index: int | None, from_trades: tuple[int, ...]) -> SensesHost:
    senses = making.host(mode, symbols=SYMBOLS, index_of_groups=() if index is None else (index,))
    for place in from_trades:
        senses.table("symbols")["bars_from_trades"][place] = 1
    return senses


def floats_of(symbol: Any, names: list[str]) -> list[float]:
    return [float(symbol[name]) for name in names]


def check_symbol(senses: SensesHost, place: int, twin: SymbolTwin) -> None:
    row = senses.table("symbols")[place]
    label = senses.table("regimes")[place]
    assert {name: int(row[name]) for name in twin.counts} == twin.counts
    assert int(row["quality"]) == twin.quality
    assert int(row["valid"]) == twin.valid
    assert (int(row["warm_seconds"]), int(row["warm_minutes"])) == (len(twin.closed[SECOND]), len(twin.closed[MINUTE]))
    assert int(row["shock_until_ns"]) == twin.newsy_until
    if twin.quote is not None:
        assert (int(row["bid_nanos"]), int(row["ask_nanos"])) == (twin.quote.bid, twin.quote.ask)
        assert int(row["quote_ns"]) == twin.quote.ns
    for length, building, last in ((SECOND, "second", "last_second"), (MINUTE, "minute", "last_minute")):
        if (bar := twin.open.get(length)) is not None:
            check_bar(row[building], bar)
        else:
            assert int(row[building]["start_ns"]) == 0
        if twin.closed[length]:
            check_bar(row[last], twin.closed[length][-1])
    expected = twin.features()
    seen = dict(zip(expected, floats_of(row, list(expected)), strict=True))
    assert seen == pytest.approx(expected, rel=1e-12, abs=1e-18)
    assert (int(label["label"]), int(label["why"]), int(label["since_ns"])) == (
        twin.label.label,
        twin.label.why,
        twin.label.since,
    )
    assert float(label["direction"]) == twin.direction


def check_bar(row: Any, bar: Any) -> None:
    prices = bar.prices
    assert (int(row["start_ns"]), int(row["trades"])) == (bar.start, len(bar.sizes))
    assert floats_of(row, ["open", "high", "low", "close"]) == [prices[0], max(prices), min(prices), prices[-1]]
    assert float(row["volume"]) == pytest.approx(sum(bar.sizes), rel=1e-12)


def check_group(senses: SensesHost, twin: MarketTwin) -> None:
    row = senses.table("groups")[0]
    assert (int(row["label"]), int(row["why"])) == (twin.group.label, twin.group.why)
    assert (int(row["readable"]), int(row["members"])) == (twin.readable, twin.members)
    assert float(row["breadth"]) == pytest.approx(twin.breadth, abs=1e-12)
    assert senses.table("regimes")["market_label"].tolist() == [twin.market_label] * SYMBOLS
    assert senses.table("regimes")["breadth"].tolist() == pytest.approx([twin.market_breadth] * SYMBOLS, abs=1e-12)


def changes_of(senses: SensesHost) -> list[tuple[str, int, int]]:
    kinds = {layout.ATTEND_REGIME: "symbol", layout.ATTEND_GROUP: "group"}
    return sorted((kinds[kind], place, before) for kind, _, place, _, _, _, _, before in senses.attentions())


def compare(senses: SensesHost, twin: MarketTwin, tape: NDArray[np.void]) -> None:
    raw = tape.view(np.uint8)
    for place, record in enumerate(tape):
        while senses.run(raw, place, place + 1, NEVER_NS) == place:
            due = senses.next_due()
            assert due == twin.next_due
            senses.tick(due)
            twin.tick(due)
            for silent, symbol_twin in enumerate(twin.symbols):
                check_symbol(senses, silent, symbol_twin)
            assert changes_of(senses) == sorted(twin.changes)
        assert int(record["ts_recv"]) < twin.next_due, "what was due came before the record"
        twin.take(record)
        check_symbol(senses, int(record["instrument"]), twin.symbols[int(record["instrument"])])
        assert changes_of(senses) == sorted(twin.changes)
        if twin.index is not None:
            check_group(senses, twin)


@pytest.mark.req("A1.1", "A1.4", "B4.2")
@settings(max_examples=40)
@given(steps=STEPS, index=INDEX, from_trades=FROM_TRADES)
def test_the_compiled_kernel_says_what_its_twin_says(steps: list[Step], index: int | None, from_trades: tuple[int, ...]) -> None:
    twin = MarketTwin(SETTINGS, symbols=SYMBOLS, index=index, from_trades=from_trades)
    compare(made(Mode.COMPILED, index, from_trades), twin, lively(steps, from_trades=from_trades))


@pytest.mark.req("A1.1", "A1.4")
@settings(max_examples=5)
@given(steps=STEPS, index=INDEX, from_trades=FROM_TRADES)
def test_the_pure_kernel_says_what_its_twin_says(steps: list[Step], index: int | None, from_trades: tuple[int, ...]) -> None:
    twin = MarketTwin(SETTINGS, symbols=SYMBOLS, index=index, from_trades=from_trades)
    compare(made(Mode.PURE, index, from_trades), twin, lively(steps, from_trades=from_trades))


def test_the_twin_and_the_kernel_meet_every_label_flag_and_gap() -> None:
    """A guard for the two tests above: one long tape on which both agree shows everything there is to agree on."""
    choices = np.random.default_rng(7)
    words = ["quote"] * 60 + ["trade"] * 12 + ["odd trade", "crossed", "locked", "no bid", "future", "suspicious", "slow"]
    words += ["spike", "wide", "status", "silence"]
    steps = []
    for number in range(2_500):
        drift = 3 if number // 250 % 2 else 0
        pause = (0, 300_000_000, SECOND, 2 * SECOND)[choices.integers(4)]
        move = int(choices.integers(-2, 3)) * (6 if number % 400 > 330 else 1) + drift * (1 if number // 500 % 2 else -1)
        what = words[choices.integers(len(words))]
        if what == "status":
            steps += [Step(pause, s, "status", 0, 1, int(choices.integers(6))) for s in range(SYMBOLS)]
            steps += [Step(pause, s, "status", 0, 1, code) for s in range(SYMBOLS) for code in (1, 3)]
        symbol = int(choices.integers(SYMBOLS))
        steps.append(Step(pause, symbol, what, move, int(choices.integers(1, 900)), int(choices.integers(12))))
    senses = made(Mode.COMPILED, -1, ())
    twin = MarketTwin(SETTINGS, symbols=SYMBOLS, index=-1, from_trades=())
    tape = lively(steps)
    raw = tape.view(np.uint8)
    labels, whys, flags, market_labels = set(), set(), 0, set()
    for place, record in enumerate(tape):
        for due in making.take(senses, raw, place):
            twin.tick(due)
        twin.take(record)
        for one in twin.symbols:
            flags |= one.quality
        labels |= set(senses.table("regimes")["label"].tolist())
        whys |= set(senses.table("regimes")["why"].tolist())
        market_labels.add(int(senses.table("groups")["label"][0]))
        if place % 50 == 0:
            for symbol_place, symbol_twin in enumerate(twin.symbols):
                check_symbol(senses, symbol_place, symbol_twin)
            check_group(senses, twin)
    assert labels == market_labels == {0, 1, 2, 3}
    assert whys >= {1, 2, 4, 5, 6, 7, 8}
    assert flags == 0b0111_1111_1111
    assert senses.table("symbols")["gaps"].sum() > 5


def bytes_after(senses: SensesHost, tape: NDArray[np.void]) -> list[bytes]:
    raw = tape.view(np.uint8)
    found = []
    for place in range(len(tape)):
        making.take(senses, raw, place)
        found.append(senses.durable())
    return found


@settings(max_examples=8)
@given(steps=STEPS, index=INDEX, from_trades=FROM_TRADES)
def test_every_mode_leaves_the_same_bytes_after_each_record(steps: list[Step], index: int | None, from_trades: tuple[int, ...]) -> None:
    tape = lively(steps, from_trades=from_trades)
    compiled = bytes_after(made(Mode.COMPILED, index, from_trades), tape)
    assert bytes_after(made(Mode.STRICT, index, from_trades), tape) == compiled
    assert bytes_after(made(Mode.PURE, index, from_trades), tape)[-1] == compiled[-1]


# Prices from a billionth of a dollar to a million, sizes from nothing to a billion, equal times and gaps of years.
ANY_PRICE = st.one_of(st.integers(1, 10**15), st.sampled_from([0, 1, 2, 10**9, 10**15]))
ANY_SIZE = st.one_of(st.sampled_from([0, 1, 10**18]), st.integers(0, 10**18))
ANY_PAUSE = st.sampled_from([0, 0, 1, 10**6, 10**9, 10**9 + 1, 5 * 10**9, 61 * 10**9, 10**12, 10**17])
EXTREMES = st.lists(
    st.tuples(ANY_PAUSE, st.sampled_from([1, 1, 1, 2, 2, 3, 4, 5, 6]), st.sampled_from([0, 64, 2, 66, 32]),
              ANY_PRICE, ANY_PRICE, ANY_SIZE, ANY_SIZE),
    min_size=1, max_size=40,
)  # fmt: skip
LOOSE = {"spike_bps": 1e12, "gap_ns": NEVER_NS, "warm_seconds_min": 2, "stale_ns": NEVER_NS, "shock_ns": 0, "shock_volume": 1e300}


def extreme(steps: list[tuple[int, ...]]) -> NDArray[np.void]:
    now_ns, made_records = START_NS, []
    for pause, kind, flags, *payload in steps:
        now_ns += pause
        if kind == records.STATUS:
            payload[0] = payload[0] % 7
        made_records.append(making.record(kind, now_ns, *payload, flags=flags))
    return making.tape(made_records)


@settings(max_examples=40)
@given(steps=EXTREMES, loose=st.booleans(), from_trades=st.booleans())
def test_state_stays_finite_and_alike_on_any_valid_record(steps: list[tuple[int, ...]], *, loose: bool, from_trades: bool) -> None:
    tape = extreme(steps)
    raw = tape.view(np.uint8)
    both = [making.host(mode, settings=LOOSE if loose else {}) for mode in (Mode.STRICT, Mode.COMPILED)]
    for senses in both:
        senses.table("symbols")["bars_from_trades"] = int(from_trades)
    for place in range(len(tape)):
        assert making.take(both[0], raw, place) == making.take(both[1], raw, place)
        assert both[0].durable() == both[1].durable()
    assert is_finite(both[1].table("symbols"))
    assert is_finite(both[1].table("regimes"))


def is_finite(table: NDArray[np.void]) -> bool:
    names = table.dtype.names or ()
    parts = [table[name] for name in names]
    return all(is_finite(part) if part.dtype.names else bool(np.isfinite(part).all()) for part in parts)


def test_a_spread_that_never_moved_makes_its_first_move_strange_but_finite() -> None:
    """Deviations of a spread that stands still shrink toward nothing; the first tick must not be divided by that."""
    senses = making.host(Mode.COMPILED, settings={"spread_weight": 0.3, "gap_ns": NEVER_NS})
    first = [making.quote(0, 10.00, 10.01), making.quote(0.1, 10.00, 10.02)]
    still = [making.quote(1 + n / 1_000, 10.00, 10.01) for n in range(4_000)]
    making.play(senses, [*first, *still, making.quote(10, 10.00, 10.03)])
    assert 0 < float(making.symbol(senses)["spread_anomaly"]) <= 20_000 / 0.01
