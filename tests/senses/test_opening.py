"""The senses as a session opens them: nothing may be entered before it was seen, and groups, sessions and pairs are in place."""

from typing import Any

import msgspec
import pytest

from tests.risk.making import LIMITS
from tests.senses import making
from tests.senses.making import SETTINGS, quote, trade
from tidegate.engine.layout import Counts
from tidegate.engine.senses import SensesHost
from tidegate.engine.setup import venues_of, write_spec
from tidegate.engine.spec import EngineSpec, FeatureSettings, MarketGroup, MarketSettings, NoTradeWindow, RegimeSettings
from tidegate.kernel.mode import Mode
from tidegate.market import rows
from tidegate.oms.plans import OmsPolicy
from tidegate.regime import rows as regime
from tidegate.values.instruments import Instrument
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("A1.4")


def of_settings(kind: Any) -> Any:
    return kind(**{field.name: SETTINGS[field.name] for field in msgspec.structs.fields(kind)})


def opened() -> SensesHost:
    spec = EngineSpec(
        session_id="s",
        account="a",
        cash_attos=0,
        instruments=(
            Instrument(index=0, symbol="AIG", venue="sim", market_group="stocks"),
            Instrument(index=1, symbol="RAIN", venue="other"),
            Instrument(index=2, symbol="SPY", venue="sim", market_group="stocks", bars_from_trades=True),
        ),
        groups=(MarketGroup(name="stocks", index_symbol="SPY"),),
        market=of_settings(MarketSettings),
        features=of_settings(FeatureSettings),
        regime=of_settings(RegimeSettings),
        no_trade=NoTradeWindow(after_open_ns=0, before_close_ns=0),
        strategies=(),
        limits=LIMITS,
        orders=OmsPolicy(),
    )
    senses = SensesHost(Counts(3, 1, 0, len(venues_of(spec))), (), making.toolchain(Mode.STRICT))
    write_spec(senses, spec)
    return senses


def test_before_the_first_quote_a_symbol_says_so_and_an_index_on_trades_does_not() -> None:
    senses = opened()
    assert senses.table("symbols")["quality"].tolist() == [rows.NO_QUOTE, rows.NO_QUOTE, 0]
    senses.table("header")[0]["regime_attention"] = 0
    making.play(senses, [trade(0, 50.0), trade(1, 170.0, instrument=2), quote(2, 50.0, 50.01)])
    assert senses.table("symbols")["quality"].tolist() == [0, rows.NO_QUOTE, 0]


@pytest.mark.req("A1.1", "B4.3")
def test_groups_sessions_and_settings_are_where_the_kernel_reads_them() -> None:
    senses = opened()
    assert senses.table("symbols")["group"].tolist() == [0, -1, 0]
    assert senses.table("symbols")["session"].tolist() == [0, 1, 0]
    assert senses.table("groups")["index_symbol"].tolist() == [2]
    assert senses.table("regimes")["market_label"].tolist() == [regime.UNTRADEABLE, regime.CHOP, regime.UNTRADEABLE]
    assert not senses.table("sessions")["entries_until_ns"].any(), "closed until a session says otherwise"
    assert {name: float(senses.table("settings")[0][name]) for name in SETTINGS} == SETTINGS
    assert senses.next_due() == NEVER_NS
