"""The tables of a run: promised columns, types, times, and nulls where nothing is known."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from tests.analytics.day import opening
from tests.analytics.parts import OPEN_NS
from tests.analytics.scripted import Scripted
from tidegate.analytics import columns
from tidegate.analytics.collect import Collector, Run, run_from_entries
from tidegate.events.codec import decode, encode

pytestmark = pytest.mark.req("B1.4")

TABLES = {
    "orders": columns.ORDER_COLUMNS,
    "fills": columns.FILL_COLUMNS,
    "trades": columns.TRADE_COLUMNS,
    "open_trades": columns.TRADE_COLUMNS,
    "positions": columns.POSITION_COLUMNS,
    "equity": columns.EQUITY_COLUMNS,
    "intents": columns.INTENT_COLUMNS,
    "decisions": columns.DECISION_COLUMNS,
    "checks": columns.CHECK_COLUMNS,
    "attentions": columns.ATTENTION_COLUMNS,
    "regimes": columns.REGIME_COLUMNS,
    "nothings": columns.NOTHING_COLUMNS,
    "masked": columns.MASKED_COLUMNS,
}


def tables(run: Run) -> dict[str, pl.DataFrame]:
    return {name: getattr(run, name) for name in TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_each_table_has_its_promised_columns_even_when_it_is_empty(run: Run, name: str) -> None:
    full, empty = tables(run)[name], tables(Collector().run())[name]
    assert empty.is_empty()
    assert not full.is_empty()
    assert full.schema == empty.schema
    assert {column: full.schema[column] for column in TABLES[name]} == TABLES[name]


@pytest.mark.parametrize("name", TABLES)
def test_each_raw_time_has_a_readable_twin_in_utc(run: Run, name: str) -> None:
    table = tables(run)[name]
    for raw in [column for column in table.columns if column == "at_ns" or column.endswith("_ns")]:
        shown = "at" if raw == "at_ns" else f"{raw.removesuffix('_ns')}_at"
        assert table.schema[shown] == pl.Datetime("ns", "UTC")
        assert table[shown].dt.epoch("ns").to_list() == table[raw].to_list()


def test_a_table_becomes_a_pandas_frame(run: Run) -> None:
    frame = run.trades.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["entry_at"].dt.tz is not None
    assert frame["net_usd"].sum() == pytest.approx(run.trades["net_usd"].sum())


def test_floats_agree_with_the_exact_integers_beside_them(run: Run) -> None:
    rows = run.fills.select("quantity", "quantity_nanos", "price", "price_nanos").iter_rows()
    assert all(quantity * 1e9 == exact and price * 1e9 == pytest.approx(nanos) for quantity, exact, price, nanos in rows)


def test_what_is_not_known_is_null_not_zero() -> None:
    script = Scripted()
    script.at(OPEN_NS).value("100.50")
    script.at(OPEN_NS + 1).value(None)
    script.at(OPEN_NS + 2).value("99.50")
    run = run_from_entries(("act", n, k, message) for n, k, message in script.entries)
    assert run.equity["equity_usd"].to_list() == [100.5, None, 99.5]
    assert run.equity["drawdown_usd"].to_list() == [0.0, None, -1.0]
    assert run.equity["unrealized_usd"].to_list() == [None] * 3


def test_an_order_without_a_limit_or_a_fill_shows_nulls(run: Run) -> None:
    unfilled = run.orders.filter(pl.col("fills") == 0)
    assert unfilled.height > 0
    assert unfilled["average_price"].null_count() == unfilled.height
    assert unfilled["fees_usd"].null_count() == unfilled.height
    assert run.orders["stop_price"].null_count() == run.orders.height


def test_times_are_what_the_messages_say(run: Run) -> None:
    first = run.orders.row(0, named=True)
    assert first["created_at"] == dt.datetime(2013, 10, 7, tzinfo=dt.UTC) + dt.timedelta(seconds=(first["created_ns"] // 10**9) % 86_400)


def test_a_run_rebuilt_from_encoded_log_entries_has_the_same_tables(run: Run) -> None:
    entries = [("input" if k == 0 else "act", n, k, decode(encode(message))) for n, k, message in run.entries]
    again = run_from_entries(entries, opening(), run.sources)
    for name, table in tables(run).items():
        assert tables(again)[name].equals(table), name


def test_instruments_come_from_the_opening_entry(run: Run) -> None:
    assert sorted(run.instruments) == ["AIG", "BAC", "IBM"]
