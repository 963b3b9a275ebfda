"""Sessions for the contract: a configuration, tapes and a plan from few parts, runs that keep every entry, and feeding by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tests.contract.markets import Market, make_tape
from tidegate.config.reading import LoadedConfig, parse_config
from tidegate.engine.core import NumberedAct
from tidegate.engine.engine import Engine
from tidegate.engine.spec import EngineSpec
from tidegate.engine.toolchain import Toolchain
from tidegate.events.codec import AnyMessage, decode, encode
from tidegate.events.inputs import AnyInput
from tidegate.replay.loop import ReplayLoop
from tidegate.replay.prepare import Plan, assemble, build_engine
from tidegate.strategies.strategy import Decide
from tidegate.tapes.format import Tape
from tidegate.tapes.merge import Merged
from tidegate.tapes.stream import remap
from tidegate.values.latency import Latency
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim.venue import SimVenue

HERE = Path(__file__).parent
TRIGGER_MILL = str(HERE / "strategies" / "trigger_mill.py")
PLAIN_MILL = str(HERE / "strategies" / "plain_mill.py")
_ALL = ["CHOP", "TREND", "VOL_EXPANSION"]
EVERYWHERE = [{"symbol": _ALL, "market": _ALL, "spread_bps_max": 100}]
ONLY_CHOP = [{"symbol": ["CHOP"], "market": ["CHOP"], "spread_bps_max": 12}]

LIMITS: dict[str, Any] = {
    "symbols_allowed": None,
    "symbols_blocked": [],
    "order_notional_usd_max": 10_000,
    "order_quantity_max": 1_000,
    "position_notional_usd_max": 50_000,
    "position_quantity_max": 5_000,
    "total_notional_usd_max": 200_000,
    "total_quantity_max": 20_000,
    "gross_exposure_usd_max": 200_000,
    "net_exposure_usd_max": 200_000,
    "sector_exposure_usd_max": 200_000,
    "cluster_exposure_usd_max": 50_000,
    "concentration_bps_max": 10_000,
    "buying_power_bps": 20_000,
    "spread_bps_max": 120,
    "displayed_size_min": 1,
    "liquidity_bps_max": 30_000,
    "collar_bps_max": 300,
    "exit_collar_bps_max": 300,
    "blind_collar_bps_max": 500,
    "quote_age_max": "20s",
    "lag_max": "250ms",
    "orders_per_minute_max": 60_000,
    "symbol_messages_per_minute_max": 60_000,
    "duplicate_window": "0s",
    "exit_repeat": "0s",
    "amend_spacing": "0s",
    "daily_loss_usd_max": 5_000_000_000,
    "weekly_loss_usd_max": 5_000_000_000,
    "monthly_loss_usd_max": 5_000_000_000,
    "intraday_drawdown_bps_max": 100_000,
    "drawdown_bps_max": 100_000,
    "unpriced_max": "30d",
    "daily_spend_usd_max": 900_000_000_000,
    "weekly_spend_usd_max": 900_000_000_000,
    "monthly_spend_usd_max": 900_000_000_000,
    "entries_per_hour_max": 65_536,
    "rejects_in_row_max": 1_000_000,
    "rate_orders_min": 1_024,
    "reject_rate_bps_max": 10_000,
    "cancel_rate_bps_max": 10_000,
    "slippage_bps_max": 10_000,
    "slippage_deviations_max": 1_000_000,
    "delay_max": "1d",
    "delay_deviations_max": 1_000_000,
    "breaker_cooldown": "0",
    "approval_notional_usd_max": 1_000_000,
    "approval_loss_usd_max": 1_000_000,
    "second_approval_notional_usd_max": 1_000_000,
    "approval_wait": "20s",
}
TIGHT_LIMITS: dict[str, Any] = LIMITS | {
    "order_quantity_max": 3,
    "order_notional_usd_max": 300,
    "position_notional_usd_max": 250,
    "position_quantity_max": 8,
    "gross_exposure_usd_max": 400,
    "orders_per_minute_max": 40,
    "symbol_messages_per_minute_max": 30,
    "duplicate_window": "1s",
    "exit_repeat": "250ms",
    "quote_age_max": "2s",
    "daily_loss_usd_max": 15,
    "intraday_drawdown_bps_max": 30,
    "daily_spend_usd_max": 60_000,
    "entries_per_hour_max": 80,
    "rejects_in_row_max": 3,
    "rate_orders_min": 8,
    "reject_rate_bps_max": 3_000,
    "cancel_rate_bps_max": 6_000,
    "slippage_bps_max": 8,
    "slippage_deviations_max": 2,
    "delay_max": "40ms",
    "delay_deviations_max": 2,
    "breaker_cooldown": "20s",
}
ASKING_LIMITS: dict[str, Any] = LIMITS | {
    "order_quantity_max": 4,
    "approval_notional_usd_max": 60,
    "second_approval_notional_usd_max": 200,
    "approval_loss_usd_max": 5,
    "approval_wait": "3s",
}


class Latencies(NamedTuple):
    """As configured."""

    feed: str = ""
    order: str = "5ms"
    response: str = "3ms"


NEAR = Latencies()
ZERO = Latencies("", "0", "0")
DRAWN = Latencies("lognormal:2ms,0.5", "lognormal:20ms,0.8", "lognormal:30ms,0.8")


class Entry(NamedTuple):
    """One entry of a session's log: a span of so many `records` from n on, an input (k = 0) or an act."""

    kind: str
    n: int
    k: int
    body: bytes
    records: int = 1

    @property
    def message(self) -> AnyMessage:
        return decode(self.body)


class Book:
    """A sink that keeps everything, as a golden log would."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def span(self, n_first: int, count: int) -> None:
        last = self.entries[-1] if self.entries else None
        if last is not None and last.kind == "span":  # the log joins what follows on
            self.entries[-1] = last._replace(records=last.records + count)
        else:
            self.entries.append(Entry("span", n_first, 0, b"", count))

    def input(self, n: int, message: AnyInput) -> None:
        self.entries.append(Entry("input", n, 0, encode(message)))

    def act(self, n: int, k: int, act: object) -> None:
        self.entries.append(Entry("act", n, k, encode(act)))  # type: ignore[arg-type]

    def messages(self, kind: str) -> list[tuple[int, int, AnyMessage]]:
        return [(entry.n, entry.k, entry.message) for entry in self.entries if entry.kind == kind]


class Ran(NamedTuple):
    """A session that ran: all it took in and gave out, its end, and what the loop counted."""

    plan: Plan
    entries: list[Entry]
    state: str
    engine: Engine
    records: NDArray[np.void]  # in the order in which they were received
    commands_sha256: str

    @property
    def same(self) -> tuple[list[Entry], str, str]:
        """What no batch, mode or chunk may change."""
        return self.entries, self.state, self.commands_sha256

    def of(self, *kinds: type) -> list[Any]:
        return [m for e in self.entries if e.kind != "span" and isinstance(m := e.message, kinds)]


def strategy(path: str, name: str, eligible: Sequence[Any] = EVERYWHERE, symbols: Sequence[str] = ("*",), **params: Any) -> Any:
    """Return a strategy's section of a configuration."""
    given = {key: value for key, value in params.items() if value is not None}
    return {"strategy": path, "id": name, "params": given, "eligible": list(eligible), "symbols": list(symbols)}


def configuration(
    strategies: Sequence[Any],
    *,
    latencies: Latencies = NEAR,
    limits: Mapping[str, Any] = LIMITS,
    cash_usd: int = 100_000,
    seed: int = 0,
    **changes: Any,
) -> LoadedConfig:
    """Return a configuration with tiny warm-ups, a market that never closes, and these parts."""
    facts = {"venue": "sim", "market_group": "all"}
    document: dict[str, Any] = {
        "account": {"name": "test", "cash_usd": cash_usd},
        "venues": [{"name": "sim", "calendar": "always"}],
        "groups": [{"name": "all"}],
        "instruments": [
            {"symbol": "AAA", **facts},
            {"symbol": "BBB", **facts},
            {"symbol": "CCC", "venue": "sim"},
        ],
        "market": {"gap": "40s", "stale": "30s", "spike_bps": 80.0, "spikes_max": 2},
        "features": {"warm_seconds": 2, "warm_minutes": 1, "atr_minutes": 2, "range_minutes": 1, "shock": "2s"},
        "regime": {"confirmations_min": 1, "evaluate": "1s"},
        "no_trade": {"after_open": "0", "before_close": "0"},
        "strategies": list(strategies),
        "limits": dict(limits),
        "orders": {"answer": "2s", "lookup_grace": "2s", "cancel_retry": "1s"},
        "symbols_shared": False,
        "valuation": "20s",
        "simulator": {
            "feed_latency": latencies.feed,
            "order_latency": latencies.order,
            "response_latency": latencies.response,
            "seed": seed,
        },
    }
    return parse_config(json.dumps(document | changes).encode(), name="test", folder=HERE)


def session(loaded: LoadedConfig, *markets: Market) -> Plan:
    """Return the session of a configuration on tapes in memory."""
    return assemble(loaded, tuple(make_tape(market, f"tape{place}") for place, market in enumerate(markets)))


class How(NamedTuple):
    """How a session runs: nothing of it may change an act."""

    batch: int = NEVER_NS
    chunk_records: int = 65_536


AT_ONCE = How()


def run(
    plan: Plan,
    toolchain: Toolchain,
    how: How = AT_ONCE,
    *,
    more: Sequence[AnyInput] = (),
    watch: Callable[[Engine, SimVenue], tuple[Any, Any]] | None = None,
) -> Ran:
    """Run a session with the replay's own loop and keep everything. `more` are inputs besides; `watch` wraps engine and venue."""
    engine, venue = build_engine(plan, toolchain), plan.venue(toolchain)
    watched = watch(engine, venue) if watch else (engine, venue)
    merged = merged_of(plan, chunk_records=how.chunk_records)
    book = Book()
    loop = ReplayLoop(
        session=plan.session,
        engine=watched[0],
        venue=watched[1],
        merged=merged,
        scheduled=sorted([*plan.scheduled, *more], key=lambda message: message.timestamp),
        sinks=[book],
        batch=how.batch,
    )
    loop.run()
    return Ran(plan, book.entries, engine.state_sha256(), engine, flat(merged_of(plan)), loop.tally.commands_sha256)


def merged_of(plan: Plan, *, chunk_records: int = 65_536) -> Merged:
    simulator = plan.loaded.config.simulator
    return Merged(
        plan.tapes,
        remaps=[remap(tape, plan.instruments) for tape in plan.tapes],
        feed_latency=Latency.parse(simulator.feed_latency or "0"),
        seed=simulator.seed,
        chunk_records=chunk_records,
    )


def flat(merged: Merged) -> NDArray[np.void]:
    """Return all records in the order of receipt."""
    found = np.concatenate([chunk.records.copy() for chunk in merged.chunks()])
    found.flags.writeable = False
    return found


class Feeder:
    """Hands a log's entries to an engine: `decide` lets it decide anew, `fold` gives it the recorded acts as facts."""

    def __init__(self, ran: Ran, engine: Engine, *, record: int = 0) -> None:
        self._tape = ran.records.view(np.uint8)
        self._engine = engine
        self._at = record

    def decide(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return what the engine does with the inputs among these entries."""
        found: list[NumberedAct] = []
        for entry in entries:
            if entry.kind == "input":
                self._engine.apply(entry.message)  # type: ignore[arg-type]
            elif entry.kind == "span":
                stop = self._at + entry.records
                while self._at < stop:
                    after = self._engine.feed(self._tape, self._at, stop, NEVER_NS)
                    assert after > self._at, "a tick is due that the log does not hold"
                    self._at = after
            found += self._engine.take_acts()
        return [Entry("act", n, k, encode(act)) for n, k, act in found]  # type: ignore[arg-type]

    def fold(self, entries: Sequence[Entry]) -> None:
        """Fold entries; nothing may be decided."""
        for entry in entries:
            if entry.kind == "input":
                self._engine.fold_input(entry.message)  # type: ignore[arg-type]
            elif entry.kind == "span":
                self._engine.fold_records(self._tape, self._at, self._at + entry.records)
                self._at += entry.records
            else:
                self._engine.fold_act(entry.message)  # type: ignore[arg-type]
        assert self._engine.take_acts() == [], "folding decided something"


def acts_of(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind == "act"]


def tape_on_disk(tape: Tape, path: Path) -> Path:
    """Write a tape of memory to a file."""
    from tidegate.tapes.writer import write_tape

    write_tape(path, chunks=[tape.records], meta=tape.meta)
    return path


def exploded(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with every market record as an entry of its own."""
    found: list[Entry] = []
    for entry in entries:
        if entry.kind == "span":
            found += [entry._replace(n=entry.n + i, records=1) for i in range(entry.records)]
        else:
            found.append(entry)
    return found


def cuts_of(entries: Sequence[Entry]) -> list[int]:
    """Return the places between two inputs: everything before the place is an input with all its acts."""
    return [place for place in range(len(entries) + 1) if place == len(entries) or entries[place].kind != "act"]


def records_before(entries: Sequence[Entry], place: int) -> int:
    return sum(entry.records for entry in entries[:place] if entry.kind == "span")


def undecided(spec: EngineSpec) -> EngineSpec:
    """Return a specification whose strategies must not be asked."""
    slots = tuple(replace(slot, strategy=replace(slot.strategy, decide=_must_not)) for slot in spec.strategies)
    return replace(spec, strategies=slots)


def _must_not(*_given: object) -> Any:
    raise AssertionError("a strategy was asked while folding")


def with_decide(plan: Plan, name: str, decide: Decide) -> Plan:
    """Return the session with another `decide` for one of its strategies."""
    slots = tuple(
        replace(slot, strategy=replace(slot.strategy, decide=decide)) if slot.strategy.strategy_id == name else slot
        for slot in plan.spec.strategies
    )
    return plan._replace(spec=replace(plan.spec, strategies=slots), slots=slots)
