"""A configuration and the symbols at hand become what the engine is built from."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tidegate.config.calendar import sessions
from tidegate.config.errors import ConfigError, known
from tidegate.config.loading import load_strategy, split_request
from tidegate.config.model import Config, EligibleSection, InstrumentFacts, ParameterValue, StrategySection
from tidegate.config.paths import expanded, resolved
from tidegate.config.reading import LoadedConfig
from tidegate.config.settings import approval_rules, feature_settings, market_settings, oms_policy, regime_settings
from tidegate.config.units import EVERY, duration_ns, moment_ns
from tidegate.engine.spec import EligibleCell, EngineSpec, MarketGroup, NoTradeWindow, StrategySlot
from tidegate.events.inputs import EventListed, SessionChanged
from tidegate.values.enums import InstrumentKind, Regime
from tidegate.values.instruments import US_STOCK_TICKS, Instrument
from tidegate.values.money import attos, nanos
from tidegate.values.time import NEVER_NS

_TICKS = {"us_stocks": US_STOCK_TICKS}


def with_strategies(config: Config, requests: Sequence[str]) -> Config:
    """Return the configuration with these strategies, `NAME[:param=value,...]`, in place of its own; none: its own.

    A strategy that the configuration lists keeps its place in the market from there, any other takes `other_strategies`.

    Raises:
        BadParameterError: a request cannot be read.
        ConfigError: two requests of one name.
    """
    if not requests:
        return config
    listed = {entry.strategy: entry for entry in config.strategies} | {e.id: e for e in config.strategies if e.id}
    entries = []
    for request in requests:
        name, given = split_request(request)
        params: dict[str, ParameterValue] = dict(given)
        if name in listed:
            entry = msgspec.structs.replace(listed[name], params=listed[name].params | params)
        else:
            path = str(resolved(name)) if _is_path(name) else name
            entry = StrategySection(strategy=path, params=params, eligible=config.other_strategies)
        entries.append(entry)
    ids = [entry.id or entry.strategy for entry in entries]
    for name in ids:
        if ids.count(name) > 1:
            raise ConfigError(f"Strategy {name} is asked for twice; list it in the configuration with two ids instead.")
    return msgspec.structs.replace(config, strategies=tuple(entries))


def instruments_of(config: Config, tape_symbols: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """Return what the session sees: the configured instruments that are on the tapes, in their order, then the tapes' others.

    Raises:
        ConfigError: a symbol on the tapes that the configuration does not know, or nothing is left.
    """
    given = {instrument.symbol: instrument for instrument in tape_symbols}
    listed = {instrument.symbol: instrument for instrument in config.instruments}
    found = [_instrument(symbol, facts) for symbol, facts in listed.items() if symbol in given]
    for symbol, on_tape in given.items():
        if symbol in listed:
            continue
        if config.other_instruments is None:
            raise ConfigError(
                f"Symbol {symbol} is on a tape but not among the configuration's instruments; {known(symbol, listed)}; "
                "add it there, or set other_instruments."
            )
        found.append(_as_on_tape(_instrument(symbol, config.other_instruments), on_tape))
    if not found:
        raise ConfigError("The tapes hold no symbol; there is nothing to see.")
    return tuple(msgspec.structs.replace(instrument, index=place) for place, instrument in enumerate(found))


def slots_of(loaded: LoadedConfig, instruments: Sequence[Instrument]) -> tuple[StrategySlot, ...]:
    """Load every strategy of a configuration; paths count from its folder.

    Raises:
        UnknownStrategyError, BadParameterError, StrategyFileError, BadPlanError: see `load_strategy`.
        ConfigError: two strategies end up with one id.
    """
    slots = [_slot(entry, instruments, loaded.folder) for entry in loaded.config.strategies]
    ids = [slot.strategy.strategy_id for slot in slots]
    for name in ids:
        if ids.count(name) > 1:
            raise ConfigError(f"Two strategies are called {name}; give one an id of its own.")
    return tuple(slots)


def engine_spec(
    loaded: LoadedConfig, *, session_id: str, instruments: tuple[Instrument, ...], slots: tuple[StrategySlot, ...]
) -> EngineSpec:
    """Return what an engine is built from."""
    config = loaded.config
    symbols = {instrument.symbol for instrument in instruments}
    valuation_ns = duration_ns(config.valuation)
    return EngineSpec(
        session_id=session_id,
        account=config.account.name,
        cash_attos=attos(config.account.cash_usd),
        instruments=instruments,
        groups=tuple(
            MarketGroup(name=group.name, index_symbol=group.index_symbol if group.index_symbol in symbols else "")
            for group in config.groups
        ),
        market=market_settings(config.market),
        features=feature_settings(config.features),
        regime=regime_settings(config.regime),
        no_trade=NoTradeWindow(
            after_open_ns=duration_ns(config.no_trade.after_open), before_close_ns=duration_ns(config.no_trade.before_close)
        ),
        strategies=slots,
        limits=loaded.limits,
        scoped=loaded.scoped,
        soft=tuple(sorted(config.soft_limits)),
        orders=oms_policy(config.orders),
        approval_rules=approval_rules(config.approvals),
        symbols_shared=config.symbols_shared,
        symbol_cooldown_ns=duration_ns(config.symbol_cooldown),
        valuation_ns=valuation_ns or NEVER_NS,
        command_valid_ns=duration_ns(config.orders.valid),
        stale_ns=_stale_ns(config, instruments),
    )


def _stale_ns(config: Config, instruments: Sequence[Instrument]) -> dict[str, int]:
    """Return the staleness of the symbols that have one of their own."""
    listed: dict[str, InstrumentFacts] = {facts.symbol: facts for facts in config.instruments}
    facts_of = {instrument.symbol: listed.get(instrument.symbol, config.other_instruments) for instrument in instruments}
    return {symbol: duration_ns(facts.stale) for symbol, facts in facts_of.items() if facts is not None and facts.stale}


def scheduled_inputs(config: Config, *, first_ns: int, last_ns: int) -> tuple[SessionChanged | EventListed, ...]:
    """Return what is known beforehand of a stretch of time: trading sessions and listed events, in order of time.

    Each comes when it can first matter: a session at the start of its day, an event at its own start, none before `first_ns`.
    Ids are empty; the loop numbers inputs.

    Raises:
        ConfigError: a calendar does not cover the time.
    """
    found: list[SessionChanged | EventListed] = [*listed_events(config, first_ns, last_ns)]
    for venue in config.venues:
        found += sessions(venue.name, venue.calendar, first_ns=first_ns, last_ns=last_ns)
    return tuple(sorted(found, key=lambda message: message.timestamp))


def listed_events(config: Config, first_ns: int, last_ns: int) -> list[EventListed]:
    """Return the listed events whose windows touch a stretch of time; each is due when its window begins, none before first_ns."""
    before_ns, after_ns = duration_ns(config.no_trade.before_event), duration_ns(config.no_trade.after_event)
    found = []
    for event in config.events:
        from_ns, until_ns = moment_ns(event.starts) - before_ns, moment_ns(event.ends) + after_ns
        if until_ns < first_ns or from_ns > last_ns:
            continue
        found.append(
            EventListed(
                event_id="",
                timestamp=max(from_ns, first_ns),
                symbol=event.symbol,
                strategy_id="",
                correlation_id="",
                from_ns=from_ns,
                until_ns=until_ns,
                title=event.title,
            )
        )
    return found


def _instrument(symbol: str, facts: InstrumentFacts) -> Instrument:
    return Instrument(
        index=0,
        symbol=symbol,
        venue=facts.venue,
        kind=InstrumentKind(facts.kind),
        tick_bands=_TICKS[facts.ticks],
        lot_nanos=nanos(facts.lot),
        multiplier=facts.multiplier,
        sector=facts.sector,
        event_cluster=facts.event_cluster,
        market_group=facts.market_group,
        bars_from_trades=facts.bars_from_trades,
    )


def _as_on_tape(instrument: Instrument, on_tape: Instrument) -> Instrument:
    """A symbol that nobody listed is an index where its tape says so: it must not be traded."""
    if on_tape.kind is not InstrumentKind.INDEX:
        return instrument
    return msgspec.structs.replace(instrument, kind=InstrumentKind.INDEX, bars_from_trades=on_tape.bars_from_trades)


def placed(config: Config, folder: Path) -> Config:
    """Return a configuration whose strategy files are named from the root: whoever reads the log may stand elsewhere."""
    strategies = tuple(
        msgspec.structs.replace(entry, strategy=str(resolved(folder / expanded(entry.strategy)))) if _is_path(entry.strategy) else entry
        for entry in config.strategies
    )
    return msgspec.structs.replace(config, strategies=strategies)


def _slot(entry: StrategySection, instruments: Sequence[Instrument], folder: Path) -> StrategySlot:
    name = str(folder / expanded(entry.strategy)) if _is_path(entry.strategy) else entry.strategy
    tradable = tuple(i.symbol for i in instruments if i.kind is not InstrumentKind.INDEX)
    symbols = tradable if EVERY in entry.symbols else tuple(symbol for symbol in entry.symbols if symbol in tradable)
    return StrategySlot(
        strategy=load_strategy(name, entry.params, entry.id or None),
        symbols=symbols,
        eligible=tuple(cell for row in entry.eligible for cell in _cells(row)),
    )


def _cells(row: EligibleSection) -> list[EligibleCell]:
    return [
        EligibleCell(symbol_regime=Regime[symbol], market_regime=Regime[market], spread_bps_max=row.spread_bps_max)
        for symbol in row.symbol
        for market in row.market
    ]


def _is_path(name: str) -> bool:
    return name.endswith(".py") or "/" in name
