"""What is unpacked in one go is what stands in the cells of those names."""

from typing import Any

import numpy as np
import pytest

from tests.engine.scene import Scene
from tidegate.engine.reading import Quote, Reading, unpacking
from tidegate.market.rows import BAR
from tidegate.values.enums import Regime
from tidegate.values.time import MINUTE_NS, SECOND_NS

pytestmark = pytest.mark.req("A1.1", "B3.7")


@pytest.fixture(scope="module")
def host() -> Any:
    """The senses of an engine, with another number in each cell."""
    made = Scene(warm=False, rival=True).core.host
    for name, start in (("symbols", 1_000), ("regimes", 2_000), ("groups", 3_000), ("own", 4_000), ("sessions", 5_000)):
        table = made.table(name)
        count = table.view(np.int64).size
        table.view(np.int64)[:] = range(start, start + count)
        for place, field in enumerate(table.dtype.names):
            if table.dtype[field].base.kind == "f":
                table[field] = np.arange(table[field].size).reshape(table[field].shape) + place / 64
    made.table("symbols")["session"] = 0
    made.table("regimes")["label"], made.table("regimes")["market_label"] = Regime.TREND, Regime.CHOP
    return made


def test_a_quote_and_what_the_gate_looks_at(host: Any) -> None:
    reading, row = Reading(host), host.table("symbols")[0]
    quote = reading.quote(0)
    assert quote == Quote(*(row[name] for name in Quote._fields))
    judged = ["newsy_until_ns", "newsy_from_ns", "cooldown_until_ns", "valid", "shock_until_ns"]
    assert reading.judged(0) == (*quote[:6], quote.quality, *(row[name] for name in judged))
    assert (reading.touch(0, 1), reading.touch(0, -1)) == (quote.bid_nanos, quote.ask_nanos)
    assert reading.prices(0) == (row["bid"], row["ask"])


def test_the_features_are_the_cells_of_their_names(host: Any) -> None:
    symbol, regime, own = host.table("symbols")[0], host.table("regimes")[0], host.table("own")[1]
    found = Reading(host).features(0, 1, head=("e", 9_000, "AAA", "two", "c"))
    assert (found.event_id, found.timestamp, found.symbol, found.strategy_id, found.correlation_id) == ("e", 9_000, "AAA", "two", "c")
    named = [field for field in found.__struct_fields__ if field in symbol.dtype.names]
    assert len(named) == 15
    assert {field: getattr(found, field) for field in named} == {field: symbol[field] for field in named}
    assert (found.quote_age_ns, found.quality_flags, found.features_valid) == (9_000 - symbol["quote_ns"], symbol["quality"], False)
    assert (found.symbol_regime, found.market_regime, found.breadth) == (Regime.TREND, Regime.CHOP, regime["breadth"])
    assert (found.position_nanos, found.working_exit_nanos) == (own["position_nanos"], own["working_exit_nanos"])


def test_a_pairs_own_numbers(host: Any) -> None:
    reading, own = Reading(host), host.table("own")[1]
    assert reading.own_view(1) == (own["age_ns"], own["entry_price"], tuple(own["scratch"]))
    assert reading.masked(1) == tuple(own["masked"])
    assert reading.armed_at_ns(1) == own["armed_at_ns"]


def test_regimes_hours_and_bars(host: Any) -> None:
    reading, symbol, regime, group = Reading(host), host.table("symbols")[0], host.table("regimes")[0], host.table("groups")[0]
    assert reading.labels(0) == (Regime.TREND, Regime.CHOP)
    assert reading.regime_cells(0) == (regime["label"], regime["why"])
    assert reading.group_cells(0) == (group["label"], group["why"])
    assert reading.hours(0) == tuple(host.table("sessions")[0])
    for length_ns, name in ((MINUTE_NS, "last_minute"), (SECOND_NS, "last_second")):
        bar = reading.bar(0, length_ns)
        assert bar.length_ns == length_ns
        assert {field: getattr(bar, field) for field in BAR.names or ()} == {field: symbol[name][field] for field in BAR.names or ()}


def test_fields_are_named_in_the_order_of_the_row() -> None:
    assert unpacking(BAR, "trades", "close").unpack_from(np.arange(7).data, 0)[0] == 1
    with pytest.raises(Exception, match="bad char"):
        unpacking(BAR, "close", "trades")
