"""What all worlds of a campaign share: one configuration, one toolchain, and the warm state in which every world begins."""

import json
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from tidegate.config.build import engine_spec, instruments_of, scheduled_inputs, slots_of
from tidegate.config.reading import parse_config
from tidegate.engine.engine import Engine
from tidegate.engine.spec import EngineSpec
from tidegate.engine.toolchain import Toolchain
from tidegate.events.inputs import AnyInput, GateSet, InstrumentDefined, Tick
from tidegate.events.records import QUOTE, RECORD
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.values.enums import GateScope, GateState
from tidegate.values.ids import SessionId
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS, NEVER_NS, SECOND_NS

START_NS: Final = 1_767_366_057 * SECOND_NS  # three seconds before a minute: its bar closes in the warm-up
WARM_NS: Final = 70 * SECOND_NS
SYMBOLS: Final = ("AAA", "BBB")
VENUE: Final = "sim"
ACCOUNT: Final = "drill"
CASH_USD: Final = 100_000
CENT: Final = NANOS // 100
MID_CENTS: Final = (2_000, 3_100)
POSITION_MAX: Final = 20  # shares of a symbol, worst case
GROSS_MAX: Final = 330  # dollars of all symbols, worst case: two strategies want more than fits
_EVERYWHERE: Final = [{"symbol": ["CHOP", "TREND", "VOL_EXPANSION"], "market": ["CHOP", "TREND", "VOL_EXPANSION"], "spread_bps_max": 200}]

_LIMITS: Final[dict[str, object]] = {
    "symbols_allowed": None,
    "symbols_blocked": [],
    "order_notional_usd_max": 10_000,
    "order_quantity_max": 8,
    "position_notional_usd_max": 50_000,
    "position_quantity_max": POSITION_MAX,
    "total_notional_usd_max": 200_000,
    "total_quantity_max": 2 * POSITION_MAX,
    "gross_exposure_usd_max": GROSS_MAX,
    "net_exposure_usd_max": 200_000,
    "sector_exposure_usd_max": 200_000,
    "cluster_exposure_usd_max": 50_000,
    "concentration_bps_max": 10_000,
    "buying_power_bps": 20_000,
    "spread_bps_max": 200,
    "displayed_size_min": 1,
    "liquidity_bps_max": 90_000,
    "collar_bps_max": 300,
    "exit_collar_bps_max": 500,
    "blind_collar_bps_max": 500,
    "quote_age_max": "5s",
    "lag_max": "3s",
    "orders_per_minute_max": 600,
    "symbol_messages_per_minute_max": 600,
    "duplicate_window": "0s",
    "exit_repeat": "0s",
    "amend_spacing": "0s",
    "daily_loss_usd_max": "1.6",
    "weekly_loss_usd_max": 5_000_000_000,
    "monthly_loss_usd_max": 5_000_000_000,
    "intraday_drawdown_bps_max": 100_000,
    "drawdown_bps_max": 100_000,
    "unpriced_max": "30d",
    "daily_spend_usd_max": 900_000_000_000,
    "weekly_spend_usd_max": 900_000_000_000,
    "monthly_spend_usd_max": 900_000_000_000,
    "entries_per_hour_max": 6,
    "rejects_in_row_max": 2,
    "rate_orders_min": 5,
    "reject_rate_bps_max": 3_000,
    "cancel_rate_bps_max": 7_000,
    "slippage_bps_max": 80,
    "slippage_deviations_max": 6,
    "delay_max": "3s",
    "delay_deviations_max": 6,
    "breaker_cooldown": "4s",
    "approval_notional_usd_max": 1_000_000,
    "approval_loss_usd_max": 1_000_000,
    "second_approval_notional_usd_max": 1_000_000,
    "approval_wait": "20s",
}


class Setting(NamedTuple):
    """Prepared once per process."""

    spec: EngineSpec
    toolchain: Toolchain
    instruments: tuple[Instrument, ...]
    first_inputs: tuple[AnyInput, ...]  # of every session: what is defined, and the trading hours
    warm: bytes  # the state after the warm-up, nothing held and nothing asked
    engines: dict[SessionId, Engine]  # engines that can be used again: a world's first session has the same id in all of them

    def engine(self, session: SessionId, epoch: int) -> Engine:
        """Return an engine of a session; a used one is given a new state by whoever asks."""
        found = self.engines.get(session)
        if found is None:
            found = Engine(msgspec.structs.replace(self.spec, session_id=session, lease_epoch=epoch), self.toolchain)
            if epoch <= 1 and len(self.engines) < 2:  # noqa: PLR2004 - the warm-up's and the first session's
                self.engines[session] = found
        return found

    def spare(self, session: SessionId) -> Engine:
        """Return another engine of a session, to fold its log into."""
        key = SessionId(f"{session}+")
        if key not in self.engines:
            self.engines[key] = Engine(msgspec.structs.replace(self.spec, session_id=session, lease_epoch=1), self.toolchain)
        return self.engines[key]


def prepare(mode: Mode = Mode.COMPILED) -> Setting:
    """Read the configuration, compile, warm up."""
    loaded = parse_config(json.dumps(_document()).encode(), name="campaign", folder=Path(__file__).parent)
    listed = [Instrument(index=place, symbol=symbol, venue=VENUE) for place, symbol in enumerate(SYMBOLS)]
    instruments = instruments_of(loaded.config, listed)
    spec = engine_spec(loaded, session_id="warm", instruments=instruments, slots=slots_of(loaded, instruments))
    defined = tuple(
        InstrumentDefined(event_id="", timestamp=0, symbol=i.symbol, strategy_id="", correlation_id="", instrument=i) for i in instruments
    )
    hours = scheduled_inputs(loaded.config, first_ns=START_NS - WARM_NS, last_ns=START_NS)
    first_inputs = (*defined, *hours)
    toolchain = make_toolchain(mode)
    engine = Engine(spec, toolchain)
    for message in first_inputs:
        engine.apply(msgspec.structs.replace(message, timestamp=START_NS - WARM_NS))
    engine.apply(_gate(GateState.HALTED))
    _warm_up(engine)
    engine.apply(_gate(GateState.ACTIVE))
    return Setting(spec, toolchain, instruments, first_inputs, engine.snapshot(), {})


def _warm_up(engine: Engine) -> None:
    step_ns = 200 * MILLISECOND_NS
    rows = np.zeros(WARM_NS // step_ns, RECORD)
    rows["ts_event"] = rows["ts_recv"] = START_NS - WARM_NS + step_ns * np.arange(len(rows))
    rows["kind"] = QUOTE
    rows["instrument"] = np.arange(len(rows)) % len(SYMBOLS)
    mids = np.array(MID_CENTS)[rows["instrument"]] + np.arange(len(rows)) // 7 % 3
    rows["a"], rows["b"] = mids * CENT, (mids + 1) * CENT
    rows["c"] = rows["d"] = 9 * NANOS
    at, tape = 0, rows.view(np.uint8)
    while at < len(rows):
        after = engine.feed(tape, at, len(rows), NEVER_NS)
        if after == at:
            due_ns = max(engine.next_due(), engine.now_ns)
            engine.apply(Tick(event_id="", timestamp=due_ns, symbol="", strategy_id="", correlation_id=""))
        at = after
    engine.take_acts()


def _gate(state: GateState) -> GateSet:
    """Nothing is traded while senses warm up."""
    return GateSet(
        event_id="",
        timestamp=START_NS - WARM_NS,
        symbol="",
        strategy_id="",
        correlation_id="",
        scope=GateScope.GLOBAL,
        key="",
        state=state,
        reason="warming up",
        actor="campaign",
    )


def _document() -> dict[str, object]:
    drill = str(Path(__file__).parent / "drill.py")

    def strategy(name: str, symbol: str, params: dict[str, float]) -> dict[str, object]:
        return {"strategy": drill, "id": name, "params": params, "eligible": _EVERYWHERE, "symbols": [symbol]}

    return {
        "account": {"name": ACCOUNT, "cash_usd": CASH_USD},
        "venues": [{"name": VENUE, "calendar": "always"}],
        "groups": [{"name": "all"}],
        "instruments": [{"symbol": symbol, "venue": VENUE, "market_group": "all"} for symbol in SYMBOLS],
        "market": {"gap": "60s", "stale": "50s", "spike_bps": 400.0, "spikes_max": 2},
        "features": {"warm_seconds": 2, "warm_minutes": 1, "atr_minutes": 2, "range_minutes": 1, "shock": "2s"},
        "regime": {"confirmations_min": 1, "evaluate": "10s"},
        "no_trade": {"after_open": "0", "before_close": "0"},
        "strategies": [
            strategy("crossing", "AAA", {"every": 2, "size": 6, "hold_s": 1.6}),
            strategy("resting", "BBB", {"every": 2, "size": 8, "hold_s": 2.0, "resting": 1}),
        ],
        "limits": _LIMITS,
        "orders": {"answer": "4s", "lookup_grace": "6s", "cancel_retry": "2s", "valid": "2s"},
        "symbols_shared": False,
        "valuation": "4s",
        "simulator": {"order_latency": "0", "response_latency": "0", "seed": 0},
    }
