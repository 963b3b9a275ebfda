"""Puts a session together: configuration, tapes, strategies, engine, simulated venue, and the first entry that says it all."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tidegate.config.build import engine_spec, instruments_of, scheduled_inputs, slots_of, with_strategies
from tidegate.config.identity import session_id_of
from tidegate.config.reading import LoadedConfig
from tidegate.config.settings import fee_schedule
from tidegate.config.writing import config_source
from tidegate.engine.engine import Engine
from tidegate.engine.layout import layout_sha256
from tidegate.engine.spec import EngineSpec, StrategySlot
from tidegate.engine.toolchain import Toolchain
from tidegate.events.inputs import AnyInput, InstrumentDefined, SessionChanged
from tidegate.events.session import SessionOpened, SourceRef, TapeRef
from tidegate.journal import FORMAT_VERSION
from tidegate.kernel.mode import Mode
from tidegate.recovery import machine
from tidegate.replay.measured import written_out
from tidegate.tapes.format import Tape
from tidegate.tapes.merge import Merged
from tidegate.tapes.stream import remap
from tidegate.values.errors import TidegateError
from tidegate.values.ids import SessionId
from tidegate.values.instruments import Instrument
from tidegate.values.latency import Latency
from tidegate.values.time import utc_date
from tidegate.venues.sim.assumptions import assumptions
from tidegate.venues.sim.settings import Acknowledge, OutsideHours, SimSettings, TradingHours
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import SimVenue


class SameTapeError(TidegateError):
    """One tape is given twice: its prints and sizes would count twice."""


class Latencies(NamedTuple):
    """Overrides of the configuration's latencies and seed; None: the configuration's. `log:DIR`: as measured in a golden log."""

    feed: str | None = None
    order: str | None = None
    response: str | None = None
    seed: int | None = None


AS_CONFIGURED: Final = Latencies()


class Plan(NamedTuple):
    """A session before it runs; nothing in it has state."""

    loaded: LoadedConfig
    tapes: tuple[Tape, ...]
    instruments: tuple[Instrument, ...]
    slots: tuple[StrategySlot, ...]
    spec: EngineSpec
    scheduled: tuple[AnyInput, ...]

    @property
    def session(self) -> SessionId:
        """The session's id."""
        return SessionId(self.spec.session_id)

    def merged(self) -> Merged:
        """Return the market records in the order in which they are received."""
        simulator = self.loaded.config.simulator
        remaps = [remap(tape, self.instruments) for tape in self.tapes]
        return Merged(self.tapes, remaps=remaps, feed_latency=Latency.parse(simulator.feed_latency or "0"), seed=simulator.seed)

    def venue(self, toolchain: Toolchain) -> SimVenue:
        """Return the simulated venue before its first command."""
        streams = [Stream(tape.records, remap(tape, self.instruments).astype("int64")) for tape in self.tapes]
        return simulated_venue(self.loaded, streams, self.instruments, self.scheduled, toolchain)

    def opening(self) -> SessionOpened:
        """Return the session's first entry."""
        simulator = self.loaded.config.simulator
        source = self.loaded.source
        return SessionOpened(
            format_version=FORMAT_VERSION,
            session_id=self.spec.session_id,
            mode="replay",
            account=self.spec.account,
            started_ns=min(tape.meta.first_ns for tape in self.tapes),
            config=source,
            config_sha256=sha256(source).hexdigest(),
            strategies=tuple(_source_ref(slot) for slot in self.slots),
            tapes=tuple(TapeRef(name=tape.path.name, path=str(tape.path), sha256=tape.sha256, records=len(tape)) for tape in self.tapes),
            instruments=msgspec.msgpack.encode(self.instruments),
            feed_latency=simulator.feed_latency or "0",
            order_latency=simulator.order_latency,
            response_latency=simulator.response_latency,
            seed=simulator.seed,
            code_sha256=machine.code_sha256(),
            kernel_sha256=machine.code_sha256(machine.KERNELS),
            layout_sha256=layout_sha256(),
            python=machine.python_version(),
            libraries=machine.libraries(),
            cpu=machine.processor(),
            assumptions=self._assumptions(),
            permissions=("every strategy: a replay asks for no promotion",),
        )

    def _assumptions(self) -> tuple[str, ...]:
        made = {tape.meta.receive_time for tape in self.tapes}
        first = utc_date(min(tape.meta.first_ns for tape in self.tapes))
        return (
            *assumptions(sim_settings(self.loaded, self.scheduled)),
            *fee_schedule(self.loaded.config).assumptions(first),
            *(f"Receive times: {how}" for how in sorted(made)),
        )


def plan_session(
    loaded: LoadedConfig, tapes: Sequence[Path], *, strategies: Sequence[str] = (), latencies: Latencies = AS_CONFIGURED
) -> Plan:
    """Read and check everything a session needs; nothing runs yet.

    Raises:
        TidegateError: whatever is wrong with tape, configuration or strategy, in one sentence.
    """
    config = with_strategies(loaded.config, strategies)
    given = {
        "feed_latency": latencies.feed,
        "order_latency": latencies.order,
        "response_latency": latencies.response,
        "seed": latencies.seed,
    }
    chosen = {name: written_out(name, value) if isinstance(value, str) else value for name, value in given.items() if value is not None}
    config = msgspec.structs.replace(config, simulator=msgspec.structs.replace(config.simulator, **chosen))
    for name in ("feed_latency", "order_latency", "response_latency"):
        Latency.parse(getattr(config.simulator, name) or "0")
    loaded = loaded._replace(config=config, source=config_source(config, loaded))
    opened = tuple(Tape.open(path) for path in tapes)
    for place, tape in enumerate(opened):
        tape.check()
        if tape.sha256 in {other.sha256 for other in opened[:place]}:
            raise SameTapeError(f"The tape {tapes[place]} is given twice, perhaps under another name; give it once.")
    return assemble(loaded, opened)


def assemble(loaded: LoadedConfig, tapes: tuple[Tape, ...]) -> Plan:
    """Return the session of a complete configuration and open tapes.

    Raises:
        TidegateError: see `plan_session`.
    """
    instruments = instruments_of(loaded.config, [symbol for tape in tapes for symbol in tape.symbols])
    slots = slots_of(loaded, instruments)
    session = session_id_of(
        loaded.config, limits=loaded.limits, instruments=instruments, slots=slots, tapes=[tape.sha256 for tape in tapes]
    )
    spec = engine_spec(loaded, session_id=session, instruments=instruments, slots=slots)
    first_ns = min(tape.meta.first_ns for tape in tapes)
    last_ns = max(tape.meta.last_ns for tape in tapes)
    defined = tuple(_defined(instrument, first_ns) for instrument in instruments)
    known = scheduled_inputs(loaded.config, first_ns=first_ns, last_ns=last_ns)
    return Plan(loaded, tapes, instruments, slots, spec, (*defined, *known))


def simulated_venue(
    loaded: LoadedConfig,
    streams: Sequence[Stream],
    instruments: Sequence[Instrument],
    scheduled: Sequence[AnyInput],
    toolchain: Toolchain,
) -> SimVenue:
    """Return the venue that a configuration's simulator section describes, before its first command.

    Args:
        loaded: the configuration.
        streams: the market that it matches against.
        instruments: what is traded, by place.
        scheduled: inputs among which the trading hours are found.
        toolchain: compiles it.
    """
    simulator = loaded.config.simulator
    return SimVenue(
        streams,
        instruments,
        settings=sim_settings(loaded, scheduled),
        fees=fee_schedule(loaded.config),
        order_latency=Latency.parse(simulator.order_latency),
        response_latency=Latency.parse(simulator.response_latency),
        seed=simulator.seed,
        compiler=toolchain.compiler,
        strict=toolchain.mode is Mode.STRICT,
    )


def sim_settings(loaded: LoadedConfig, scheduled: Sequence[AnyInput]) -> SimSettings:
    """Return how the simulated venue behaves, with the trading hours of the session's days."""
    simulator = loaded.config.simulator
    hours = sorted({(message.open_ns, message.close_ns) for message in scheduled if isinstance(message, SessionChanged)})
    always = any(venue.calendar == "always" for venue in loaded.config.venues)
    return SimSettings(
        hours=() if always else tuple(TradingHours(open_ns=opens, close_ns=closes) for opens, closes in hours),
        outside_hours=OutsideHours(simulator.outside_hours),
        acknowledge=Acknowledge(simulator.acknowledge),
        short_selling=simulator.short_selling,
        buy_stop_collar=simulator.buy_stop_collar,
        orders_max=simulator.orders_max,
    )


def build_engine(plan: Plan, toolchain: Toolchain, *, telling: bool = True) -> Engine:
    """Return the engine of a session before its first input; see `Engine` for telling."""
    return Engine(plan.spec, toolchain, telling=telling)


def _source_ref(slot: StrategySlot) -> SourceRef:
    strategy = slot.strategy
    return SourceRef(
        strategy_id=strategy.strategy_id,
        module=strategy.module,
        version=strategy.version,
        sha256=strategy.sha256,
        params=msgspec.msgpack.encode(strategy.params),
    )


def _defined(instrument: Instrument, first_ns: int) -> InstrumentDefined:
    return InstrumentDefined(
        event_id="", timestamp=first_ns, symbol=instrument.symbol, strategy_id="", correlation_id="", instrument=instrument
    )
