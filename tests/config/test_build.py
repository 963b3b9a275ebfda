from pathlib import Path

import msgspec
import pytest

from tests.config.making import CONFIG, SHIPPED, SOUND, strategy_file
from tidegate.config.build import engine_spec, instruments_of, scheduled_inputs, slots_of, with_strategies
from tidegate.config.errors import BadParameterError, ConfigError, UnknownStrategyError
from tidegate.config.model import Config
from tidegate.config.reading import LoadedConfig, parse_config, read_config
from tidegate.config.settings import fee_schedule, half_life_weight
from tidegate.engine.spec import EngineSpec
from tidegate.events.inputs import EventListed, SessionChanged
from tidegate.values.enums import InstrumentKind, Regime
from tidegate.values.instruments import US_STOCK_TICKS, Instrument
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import DAY_NS, MINUTE_NS, NEVER_NS, SECOND_NS, parse_duration

pytestmark = pytest.mark.req("F4")

DAY = 1_381_104_000 * SECOND_NS  # 2013-10-07 00:00 UTC, a Monday


def loaded(text: str = CONFIG, folder: Path = Path()) -> LoadedConfig:
    return parse_config(text.encode(), name="test.yaml", folder=folder)


def tape_of(*symbols: str) -> list[Instrument]:
    return [Instrument(index=place, symbol=symbol, venue="tape") for place, symbol in enumerate(symbols)]


def spec_of(found: LoadedConfig, *symbols: str) -> EngineSpec:
    instruments = instruments_of(found.config, tape_of(*symbols))
    return engine_spec(found, session_id="s", instruments=instruments, slots=slots_of(found, instruments))


def test_a_specification_says_what_the_file_says() -> None:
    spec = spec_of(loaded(CONFIG + "symbol_cooldown: 3s\nmarket: {gap: 90s, wide_bps: 12.5}\n"), "SPY", "IBM")
    spec.check()
    assert (spec.account, spec.cash_attos) == ("test", 100_000 * ATTOS + ATTOS // 2)
    assert [instrument.symbol for instrument in spec.instruments] == ["IBM", "SPY"]
    assert spec.groups[0].index_symbol == "SPY"
    assert (spec.market.gap_ns, spec.market.wide_bps) == (90 * SECOND_NS, 12.5)
    assert spec.no_trade.after_open_ns == 5 * MINUTE_NS
    assert (spec.symbol_cooldown_ns, spec.valuation_ns, spec.command_valid_ns) == (3 * SECOND_NS, MINUTE_NS, 5 * SECOND_NS)
    assert spec.orders.lookups_missed_min == 2
    assert spec.features.atr_weight == 1.0 / 14


@pytest.mark.req("A1.2")
def test_the_matrix_becomes_its_cells() -> None:
    (slot,) = spec_of(loaded(), "IBM").strategies
    cells = {(cell.symbol_regime, cell.market_regime, cell.spread_bps_max) for cell in slot.eligible}
    assert cells == {(Regime.CHOP, Regime.CHOP, 8.0), (Regime.CHOP, Regime.TREND, 8.0)}
    assert slot.symbols == ("IBM",)
    assert slot.strategy.params.entry_z == 2.25


def test_a_strategy_without_rows_may_enter_nowhere() -> None:
    text = CONFIG.replace("    eligible:\n      - {symbol: [CHOP], market: [CHOP, TREND], spread_bps_max: 8}", "    eligible: []")
    assert spec_of(loaded(text), "IBM").strategies[0].eligible == ()


def test_an_index_is_watched_and_not_traded() -> None:
    spec = spec_of(loaded(), "IBM", "SPY")
    assert spec.instruments[1].kind is InstrumentKind.INDEX
    assert spec.strategies[0].symbols == ("IBM",)


def test_a_group_whose_index_is_not_on_the_tapes_is_judged_by_breadth() -> None:
    assert spec_of(loaded(), "IBM").groups[0].index_symbol == ""


def test_an_instrument_takes_its_facts_from_the_configuration() -> None:
    text = CONFIG.replace("sector: technology", "sector: x, lot: 0.5, multiplier: 100, event_cluster: c")
    instrument = instruments_of(loaded(text).config, tape_of("IBM"))[0]
    assert (instrument.venue, instrument.sector, instrument.event_cluster) == ("sim", "x", "c")
    assert (instrument.lot_nanos, instrument.multiplier) == (NANOS // 2, 100)
    assert instrument.tick_bands == US_STOCK_TICKS


def test_a_symbol_that_nobody_described_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Symbol IMB is on a tape .* did you mean IBM"):
        instruments_of(loaded().config, tape_of("IBM", "IMB"))


def test_other_symbols_come_after_the_listed_ones() -> None:
    found = instruments_of(loaded(CONFIG + "other_instruments: {venue: sim, sector: y}\n").config, tape_of("ZZ", "IBM", "AA"))
    assert [(i.index, i.symbol, i.sector) for i in found] == [(0, "IBM", "technology"), (1, "ZZ", "y"), (2, "AA", "y")]


def test_an_index_on_a_tape_stays_one() -> None:
    on_tape = Instrument(index=0, symbol="IDX", venue="tape", kind=InstrumentKind.INDEX, bars_from_trades=True)
    (found,) = instruments_of(loaded(CONFIG + "other_instruments: {venue: sim}\n").config, [on_tape])
    assert (found.kind, found.bars_from_trades, found.venue) == (InstrumentKind.INDEX, True, "sim")


def test_tapes_without_symbols_are_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to see"):
        instruments_of(loaded().config, [])


def test_a_strategy_may_choose_its_symbols_among_those_on_the_tapes() -> None:
    text = CONFIG.replace("strategy: mean_reversion", "strategy: mean_reversion\n    symbols: [NEW, IBM, OLD]")
    found = loaded(text + "other_instruments: {venue: sim}\n")
    assert spec_of(found, "IBM", "NEW").strategies[0].symbols == ("NEW", "IBM")


def test_a_file_counts_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    strategy_file(tmp_path, SOUND)
    found = loaded(
        CONFIG.replace("strategy: mean_reversion\n    params: {entry_z: 2.25, short: false}", "strategy: ./made_up.py"), tmp_path
    )
    assert spec_of(found, "IBM").strategies[0].strategy.name == "made_up"


def test_two_files_of_one_name_need_ids(tmp_path: Path) -> None:
    strategy_file(tmp_path, SOUND)
    strategy_file(tmp_path, SOUND, name="other")
    entries = "strategies:\n  - {strategy: ./made_up.py, eligible: []}\n  - {strategy: ./other.py, eligible: []}\n"
    text = CONFIG[: CONFIG.index("strategies:")] + entries + "limits_file: 2026-02\n"
    with pytest.raises(ConfigError, match="Two strategies are called made_up"):
        spec_of(loaded(text, tmp_path), "IBM")


def test_no_valuation_is_never() -> None:
    assert spec_of(loaded(CONFIG + "valuation: '0'\n"), "IBM").valuation_ns == NEVER_NS


@pytest.mark.parametrize(("half_life", "samples"), [("1s", 1), ("10s", 10), ("15m", 900)])
def test_an_old_value_has_half_its_weight_after_a_half_life(half_life: str, samples: int) -> None:
    weight = half_life_weight(parse_duration(half_life) / SECOND_NS)
    left = 1.0
    for _ in range(samples):
        left *= 1.0 - weight
    assert left == pytest.approx(0.5)


def test_fees_go_by_their_name() -> None:
    assert fee_schedule(loaded().config).name == "Alpaca"
    assert fee_schedule(loaded(CONFIG + "simulator: {fees: none}\n").config).rates == ()


def requested(*requests: str) -> Config:
    return with_strategies(
        loaded(CONFIG + "other_strategies:\n  - {symbol: [TREND], market: [TREND], spread_bps_max: 3}\n").config, requests
    )


def test_without_a_request_the_configuration_stands() -> None:
    assert len(requested().strategies) == 1


def test_a_listed_strategy_keeps_its_place_in_the_market() -> None:
    (entry,) = requested("mean_reversion:entry_z=3,exit_z=0.25").strategies
    assert entry.params == {"entry_z": "3", "exit_z": "0.25", "short": False}
    assert entry.eligible == loaded().config.strategies[0].eligible


def test_another_strategy_enters_where_others_may(tmp_path: Path) -> None:
    path = strategy_file(tmp_path)
    config = requested("breakout", f"{path}:count=4")
    assert [entry.eligible for entry in config.strategies] == [config.other_strategies] * 2
    assert config.strategies[1].strategy == path
    found = loaded()._replace(config=config)
    assert [slot.strategy.name for slot in spec_of(found, "IBM").strategies] == ["breakout", "made_up"]


@pytest.mark.parametrize(
    ("requests", "kind", "why"),
    [
        (("breakout", "breakout:volume=2"), ConfigError, "breakout is asked for twice"),
        (("breakout:volume",), BadParameterError, "NAME:param=value"),
    ],
)
def test_a_bad_request_is_one_sentence(requests: tuple[str, ...], kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        requested(*requests)


def test_an_unknown_strategy_in_a_configuration_is_one_sentence() -> None:
    with pytest.raises(UnknownStrategyError, match="did you mean mean_reversion"):
        spec_of(loaded(CONFIG.replace("mean_reversion", "mean_revesion")), "IBM")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_configurations_build_an_engine_specification(name: str) -> None:
    shipped = read_config(name)
    listed = [instrument.symbol for instrument in shipped.config.instruments]
    symbols = listed if shipped.config.other_instruments is None else ("S1", "S2")
    spec = spec_of(shipped, *symbols)
    spec.check()
    assert [slot.strategy.name for slot in spec.strategies] == ["mean_reversion", "trend_following", "breakout"]
    assert all(slot.symbols for slot in spec.strategies)


@pytest.mark.req("A1.3")
def test_what_is_known_beforehand_comes_in_order_of_time() -> None:
    events = (
        "no_trade: {before_event: 10m, after_event: 5m}\nevents:\n"
        "  - {starts: '2013-10-07T18:00:00Z', ends: '2013-10-07T18:30:00Z', title: minutes}\n"
        "  - {symbol: IBM, starts: '2013-10-07T03:00:00Z', ends: '2013-10-08T14:30:00Z', title: results}\n"
        "  - {starts: '2013-11-07T18:00:00Z', ends: '2013-11-07T18:30:00Z', title: too late}\n"
        "  - {starts: '2013-10-01T18:00:00Z', ends: '2013-10-01T18:30:00Z', title: too early}\n"
    )
    first_ns = DAY + 8 * 60 * MINUTE_NS
    found = scheduled_inputs(loaded(CONFIG + events).config, first_ns=first_ns, last_ns=first_ns + DAY_NS)
    assert [message.timestamp for message in found] == sorted(message.timestamp for message in found)
    assert all(message.timestamp >= first_ns for message in found)
    listed = {message.title: message for message in found if isinstance(message, EventListed)}
    assert set(listed) == {"minutes", "results"}
    assert listed["minutes"].from_ns == DAY + (17 * 60 + 50) * MINUTE_NS
    assert listed["minutes"].until_ns == DAY + (18 * 60 + 35) * MINUTE_NS
    assert listed["minutes"].timestamp == listed["minutes"].from_ns
    assert listed["results"].timestamp == first_ns
    sessions = [message for message in found if isinstance(message, SessionChanged)]
    assert [message.day for message in sessions] == ["2013-10-07", "2013-10-08"]
    assert {message.venue for message in sessions} == {"sim"}


def test_a_specification_is_frozen() -> None:
    spec = spec_of(loaded(), "IBM")
    with pytest.raises(AttributeError):
        spec.account = "other"  # type: ignore[misc]
    assert msgspec.structs.replace(spec, account="other").account == "other"
