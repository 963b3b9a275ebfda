"""What a live session is made of: configuration, instruments, strategies, kernels; and its first entry in the log."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from tidegate.config.build import engine_spec, instruments_of, listed_events, placed, slots_of
from tidegate.config.caps import capped
from tidegate.config.errors import ConfigError
from tidegate.config.model import Config, LiveSection, TradingCriteria
from tidegate.config.promotion import criteria_of
from tidegate.config.reading import LoadedConfig
from tidegate.config.stages import STAGE_OF_MODE
from tidegate.config.units import duration_ns
from tidegate.config.versions import ConfigVersion, version_of
from tidegate.config.writing import config_source
from tidegate.engine.engine import Engine
from tidegate.engine.layout import layout_sha256
from tidegate.engine.spec import EngineSpec, StrategySlot
from tidegate.engine.toolchain import Toolchain
from tidegate.events.inputs import EventListed, InstrumentDefined
from tidegate.events.session import SessionOpened, SourceRef
from tidegate.journal import FORMAT_VERSION
from tidegate.journal.settings import LIVE, UNLIMITED, LiveSettings
from tidegate.recovery import machine
from tidegate.service.breakers import BreakerSettings
from tidegate.service.demotion import Watch
from tidegate.service.parting import Parting, PartingPlan
from tidegate.service.recovery import Recovered
from tidegate.values.enums import InstrumentKind
from tidegate.values.ids import SessionId
from tidegate.values.instruments import Instrument
from tidegate.values.time import NEVER_NS
from tidegate.venues.alpaca.client import ClientSettings
from tidegate.venues.alpaca.orders import OrderPolicy, ReplacePolicy
from tidegate.venues.ratelimit import LimitPlan


class Setup(NamedTuple):
    """Everything that is the same for each session of one start; nothing in it has state."""

    loaded: LoadedConfig
    live: LiveSection
    account: str
    instruments: tuple[Instrument, ...]
    slots: tuple[StrategySlot, ...]
    toolchain: Toolchain
    breakers: BreakerSettings
    parting: PartingPlan
    replacing: dict[str, ReplacePolicy]  # how the orders of each strategy are replaced
    version: ConfigVersion  # as the file stands; `loaded` may have its limits held down by the mode

    @property
    def venue(self) -> str:
        """The one venue of the configuration."""
        return self.loaded.config.venues[0].name

    @property
    def tradable(self) -> tuple[str, ...]:
        """Symbols that may be ordered."""
        return tuple(i.symbol for i in self.instruments if i.kind is not InstrumentKind.INDEX)

    def watch(self, mode: str) -> Watch | None:
        """Return what looks whether the version goes on showing what a mode's stage asks; None: the mode asks for no stage."""
        stage = STAGE_OF_MODE.get(mode)
        criteria = None if stage is None else criteria_of(self.loaded.config, stage)
        return Watch(criteria) if isinstance(criteria, TradingCriteria) else None

    def spec(self, session: SessionId, epoch: int) -> EngineSpec:
        """Return the specification of a session's engine."""
        spec = engine_spec(self.loaded, session_id=session, instruments=self.instruments, slots=self.slots)
        return msgspec.structs.replace(spec, account=self.account, lease_epoch=epoch)

    def engine(self, session: SessionId, epoch: int) -> Engine:
        """Return an engine before its first input."""
        return Engine(self.spec(session, epoch), self.toolchain)

    def defined(self) -> tuple[InstrumentDefined, ...]:
        """Return the inputs that define the instruments; the sequencer stamps them."""
        return tuple(
            InstrumentDefined(event_id="", timestamp=0, symbol=i.symbol, strategy_id="", correlation_id="", instrument=i)
            for i in self.instruments
        )

    @property
    def events(self) -> list[EventListed]:
        """What is listed, past events too; each is told when its window begins."""
        return listed_events(self.loaded.config, 0, NEVER_NS)

    @property
    def newsy_ns(self) -> int:
        """How long news keep entries off a symbol."""
        return duration_ns(self.loaded.config.features.shock)

    def opening(self, recovered: Recovered, *, mode: str, epoch: int, started_ns: int, permissions: Sequence[str] = ()) -> SessionOpened:
        """Return the session's first entry; it holds everything that decides what the session will do."""
        source, state = self.loaded.source, recovered.opening_state
        return SessionOpened(
            format_version=FORMAT_VERSION,
            session_id=recovered.session,
            mode=mode,
            account=self.account,
            started_ns=started_ns,
            config=source,
            config_sha256=sha256(source).hexdigest(),
            strategies=tuple(_source_ref(slot) for slot in self.slots),
            tapes=(),
            instruments=msgspec.msgpack.encode(self.instruments),
            feed_latency="",
            order_latency="",
            response_latency="",
            seed=0,
            code_sha256=machine.code_sha256(),
            kernel_sha256=machine.code_sha256(machine.KERNELS),
            layout_sha256=layout_sha256(),
            python=machine.python_version(),
            libraries=machine.libraries(),
            cpu=machine.processor(),
            snapshot=state,
            snapshot_sha256=sha256(state).hexdigest() if state else "",
            lease_epoch=epoch,
            version_sha256=self.version.sha256,
            permissions=tuple(permissions),
        )


def set_up(loaded: LoadedConfig, toolchain: Toolchain, mode: str = "") -> Setup:
    """Return what the sessions of a configuration are made of; mode small-live holds its limits down.

    Raises:
        ConfigError: it lists no instrument, not exactly one venue (live, nothing is taken from tapes), or no breakers.
        TidegateError: a strategy cannot be loaded.
    """
    instruments = _instruments(loaded.config)
    slots = slots_of(loaded, instruments)
    version = version_of(loaded, slots)
    live = live_section(loaded)
    config = placed(loaded.config, loaded.folder)
    loaded = capped(loaded._replace(config=config, source=config_source(config, loaded)), mode)
    return Setup(
        loaded,
        live,
        config.account.name,
        instruments,
        slots,
        toolchain,
        breaker_settings(live),
        parting_plan(loaded, slots, live),
        replace_policies(loaded, slots),
        version,
    )


def version_in(loaded: LoadedConfig) -> ConfigVersion:
    """Return the version that a configuration is, with its strategies as they stand in their files.

    Raises:
        ConfigError, TidegateError: see `set_up`.
    """
    return version_of(loaded, slots_of(loaded, _instruments(loaded.config)))


def _instruments(config: Config) -> tuple[Instrument, ...]:
    if len(config.venues) != 1:
        raise ConfigError(f"A trader works at one venue, and the configuration names {len(config.venues)}; keep one under venues.")
    if not config.instruments:
        raise ConfigError("The configuration lists no instruments; live trading sees only what stands under instruments.")
    return instruments_of(config, [Instrument(index=place, symbol=i.symbol, venue=i.venue) for place, i in enumerate(config.instruments)])


def live_section(loaded: LoadedConfig) -> LiveSection:
    """Return what a configuration says of live trading."""
    live = loaded.config.live
    return live if isinstance(live, LiveSection) else LiveSection()


def parting_plan(loaded: LoadedConfig, slots: Sequence[StrategySlot], live: LiveSection) -> PartingPlan:
    """Return what is declared for working orders when the trader stops or loses its venue."""
    sections = zip(slots, loaded.config.strategies, strict=True)
    return PartingPlan(
        {slot.strategy.strategy_id: Parting(section.parting or live.parting) for slot, section in sections}, duration_ns(live.lost_after)
    )


def replace_policies(loaded: LoadedConfig, slots: Sequence[StrategySlot]) -> dict[str, ReplacePolicy]:
    """Return how the orders of each strategy are replaced."""
    sections = zip(slots, loaded.config.strategies, strict=True)
    return {slot.strategy.strategy_id: ReplacePolicy(section.replace) for slot, section in sections}


def client_settings(live: LiveSection, replacing: Mapping[str, ReplacePolicy]) -> ClientSettings:
    """Return what the venue and the data plan allow, and how orders are replaced."""
    return ClientSettings(
        trading=LimitPlan(requests=live.trading_requests_per_minute),
        data=LimitPlan(requests=live.data_requests_per_minute),
        orders=OrderPolicy(replace=dict(replacing)),
    )


def breaker_settings(live: LiveSection) -> BreakerSettings:
    """Return the thresholds of the automatic stops.

    Raises:
        ConfigError: the configuration does not state them.
    """
    stated = live.breakers
    if stated is None:
        raise ConfigError(
            "The configuration has no live.breakers; state when trouble stops trading by itself (`tidegate config keys` lists them, and "
            "docs/operating.md has values to begin with)."
        )
    return BreakerSettings(
        rate_limited_max=stated.rate_limited_max,
        rate_limited_window_ns=duration_ns(stated.rate_limited_window),
        rate_limited_cooldown_ns=duration_ns(stated.rate_limited_cooldown),
        stream_losses_max=stated.stream_losses_max,
        stream_losses_window_ns=duration_ns(stated.stream_losses_window),
        stream_losses_cooldown_ns=duration_ns(stated.stream_losses_cooldown),
        clock_skew_ns_max=duration_ns(stated.clock_skew_max),
        clock_skew_cooldown_ns=duration_ns(stated.clock_skew_cooldown),
        disk_low_percent=stated.disk_low_percent,
        disk_full_percent=stated.disk_full_percent,
        log_stall_ns_max=duration_ns(stated.log_stall_max),
        log_stall_cooldown_ns=duration_ns(stated.log_stall_cooldown),
        orders_silent_ns_max=duration_ns(stated.orders_silent_max),
        orders_silent_cooldown_ns=duration_ns(stated.orders_silent_cooldown),
    )


def _source_ref(slot: StrategySlot) -> SourceRef:
    strategy = slot.strategy
    return SourceRef(
        strategy_id=strategy.strategy_id,
        module=strategy.module,
        version=strategy.version,
        sha256=strategy.sha256,
        params=msgspec.msgpack.encode(strategy.params),
    )


def kept(live: LiveSection) -> LiveSettings:
    """Return how a trader's log is written: as everywhere, and kept for as long, and as much of it, as configured."""
    return msgspec.structs.replace(LIVE, keep_ns=duration_ns(live.log_keep), keep_bytes=(live.log_keep_mb << 20) or UNLIMITED)
