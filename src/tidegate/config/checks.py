"""What no single key can say: names refer to something, nothing stands twice, thresholds are in order."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from tidegate.config.errors import ConfigError, ended, known
from tidegate.config.model import Config, EventSection, InstrumentFacts, LiveSection, SmallLiveSection, StrategySection
from tidegate.config.settings import approval_rules, oms_policy
from tidegate.config.units import EVERY, HALF_LIVES, duration_ns, moment_ns
from tidegate.config.webhook_rules import webhook_faults, webhooks_of
from tidegate.risk.checks import MAY_BE_SOFT
from tidegate.values.errors import TidegateError
from tidegate.values.latency import Latency
from tidegate.values.money import attos, nanos

_PERCENT: Final = 100
_EVENTS_MAX: Final = 1_024  # so many are counted


def check_config(config: Config, name: str) -> None:
    """Refuse a configuration that contradicts itself.

    Raises:
        ConfigError: the first contradiction, with its place.
    """
    for sentence in _faults(config):
        raise ConfigError(ended(f"{name}: {sentence}"))


def _faults(config: Config) -> Iterator[str]:
    yield from _account_faults(config)
    yield from _name_faults(config)
    yield from _threshold_faults(config)
    for place, event in enumerate(config.events, start=1):
        yield from _event_faults(config, event, f"events[{place}]")
    for place, entry in enumerate(config.strategies, start=1):
        yield from _strategy_faults(config, entry, f"strategies[{place}]")
    ids = [entry.id or entry.strategy for entry in config.strategies]
    yield from _twice(ids, "strategies", "give one an id of its own")
    yield from _scope_faults(config)
    yield from _soft_faults(config)
    yield from _simulator_faults(config)
    yield from _breaker_faults(config)
    yield from webhook_faults(webhooks_of(config))
    yield from _approval_faults(config)
    yield from _cap_faults(config)
    try:
        oms_policy(config.orders)
    except ValueError as error:
        yield f"orders: {str(error).rstrip('.')}"


def _account_faults(config: Config) -> Iterator[str]:
    try:
        cash = attos(config.account.cash_usd)
    except TidegateError as error:
        yield f"account.cash_usd: {str(error).rstrip('.')}"
        return
    if cash < 0:
        yield "account.cash_usd is below 0"


def _name_faults(config: Config) -> Iterator[str]:
    venues = [venue.name for venue in config.venues]
    groups = [group.name for group in config.groups]
    symbols = [instrument.symbol for instrument in config.instruments]
    for names, place in ((venues, "venues"), (groups, "groups"), (symbols, "instruments")):
        yield from _twice(names, place, "keep one")
    for instrument in config.instruments:
        yield from _fact_faults(instrument, venues, groups, f"instruments {instrument.symbol}")
    if config.other_instruments is not None:
        yield from _fact_faults(config.other_instruments, venues, groups, "other_instruments")
        return
    for group in config.groups:
        if group.index_symbol and group.index_symbol not in symbols:
            yield f"groups {group.name}: index_symbol {group.index_symbol} is not among the instruments"


def _fact_faults(facts: InstrumentFacts, venues: list[str], groups: list[str], place: str) -> Iterator[str]:
    if facts.venue not in venues:
        yield f"{place}: unknown venue {facts.venue!r}; {known(facts.venue, venues)}"
    if facts.market_group and facts.market_group not in groups:
        yield f"{place}: unknown market_group {facts.market_group!r}; {known(facts.market_group, groups)}"
    if facts.stale and duration_ns(facts.stale) == 0:
        yield f"{place}: stale is 0; it must be longer, or left out"
    yield from _lot_faults(facts.lot, place)


def _lot_faults(lot: Decimal, place: str) -> Iterator[str]:
    try:
        if nanos(lot) > 0:
            return
    except TidegateError as error:
        yield f"{place}: lot: {str(error).rstrip('.')}"
        return
    yield f"{place}: lot is {lot}, but must be above 0"


def _threshold_faults(config: Config) -> Iterator[str]:
    regime, features = config.regime, config.features
    pairs = (
        ("expansion", regime.expansion_enter, regime.expansion_leave),
        ("trend", regime.trend_enter, regime.trend_leave),
        ("spread", regime.spread_enter, regime.spread_leave),
        ("breadth", regime.breadth_enter, regime.breadth_leave),
    )
    for word, enter, leave in pairs:
        if leave > enter:
            yield f"regime.{word}_leave is {leave:g}, above {word}_enter {enter:g}; leaving takes less than entering"
    if features.range_minutes > features.warm_minutes:
        yield f"features.warm_minutes is {features.warm_minutes}; the range needs {features.range_minutes} minutes to be whole"
    for name in HALF_LIVES:
        if duration_ns(str(getattr(features, name))) == 0:
            yield f"features.{name} is 0; a half-life must be longer"
    for place, text in (
        ("regime.evaluate", regime.evaluate),
        ("market.gap", config.market.gap),
        ("market.stale", config.market.stale),
    ):
        if duration_ns(text) == 0:
            yield f"{place} is 0; it must be longer"


def _event_faults(config: Config, event: EventSection, place: str) -> Iterator[str]:
    for key, text in (("starts", event.starts), ("ends", event.ends)):
        try:
            moment_ns(text)
        except ValueError as error:
            yield f"{place}.{key} is {text!r}: {error}; write a time such as 2013-10-07T14:00:00Z"
            return
    if moment_ns(event.ends) <= moment_ns(event.starts):
        yield f"{place} ends before it starts"
    symbols = [instrument.symbol for instrument in config.instruments]
    if event.symbol and event.symbol not in symbols and config.other_instruments is None:
        yield f"{place}: unknown symbol {event.symbol!r}; {known(event.symbol, symbols)}"


def _strategy_faults(config: Config, entry: StrategySection, place: str) -> Iterator[str]:
    symbols = [instrument.symbol for instrument in config.instruments]
    for symbol in entry.symbols:
        if symbol != EVERY and symbol not in symbols and config.other_instruments is None:
            yield f"{place}: unknown symbol {symbol!r}; {known(symbol, symbols)}"
    yield from _twice(entry.symbols, f"{place}.symbols", "keep one")
    cells = [(symbol, market) for row in entry.eligible for symbol in row.symbol for market in row.market]
    yield from _twice([f"{symbol} in {market}" for symbol, market in cells], f"{place}.eligible", "keep one row")


def _soft_faults(config: Config) -> Iterator[str]:
    yield from _twice(config.soft_limits, "soft_limits", "keep one")
    for name in config.soft_limits:
        if name not in MAY_BE_SOFT:
            yield f"soft_limits: {name!r} cannot be soft; {known(name, sorted(MAY_BE_SOFT))}"


def _scope_faults(config: Config) -> Iterator[str]:
    """A scope that names nothing would narrow nothing, unseen."""
    others = config.other_instruments
    symbols = [instrument.symbol for instrument in config.instruments]
    sectors = [instrument.sector for instrument in config.instruments] + ([others.sector] if others else [])
    strategies = [entry.id or entry.strategy for entry in config.strategies]
    for place, section in enumerate(config.scoped_limits, start=1):
        for kind, name, names in (
            ("strategy", section.strategy, strategies),
            ("symbol", section.symbol, [] if others else symbols),
            ("sector", section.sector, sectors),
        ):
            if name and names and name not in names:
                yield f"scoped_limits[{place}]: unknown {kind} {name!r}; {known(name, names)}"


def _approval_faults(config: Config) -> Iterator[str]:
    symbols = [instrument.symbol for instrument in config.instruments]
    ids = [entry.id or entry.strategy for entry in config.strategies]
    yield from _twice([rule.name for rule in config.approvals], "approvals", "give each rule a name of its own")
    for rule in config.approvals:
        place = f"approvals {rule.name}"
        if rule.symbol and rule.symbol not in symbols and config.other_instruments is None:
            yield f"{place}: unknown symbol {rule.symbol!r}; {known(rule.symbol, symbols)}"
        if rule.strategy and ids and rule.strategy not in ids:
            yield f"{place}: unknown strategy {rule.strategy!r}; {known(rule.strategy, ids)}"
    try:
        approval_rules(config.approvals)
    except (ValueError, TidegateError) as error:
        yield f"approvals: {str(error).rstrip('.')}"


def _cap_faults(config: Config) -> Iterator[str]:
    if not isinstance(config.small_live, SmallLiveSection):
        return
    for name in config.small_live.__struct_fields__:
        try:
            if attos(getattr(config.small_live, name)) <= 0:
                yield f"small_live.{name} is not above 0; to trade nothing, leave the mode"
        except TidegateError as error:
            yield f"small_live.{name}: {str(error).rstrip('.')}"


def _simulator_faults(config: Config) -> Iterator[str]:
    simulator = config.simulator
    latencies = (
        ("feed_latency", simulator.feed_latency or "0"),
        ("order_latency", simulator.order_latency),
        ("response_latency", simulator.response_latency),
    )
    for key, text in latencies:
        try:
            Latency.parse(text)
        except TidegateError as error:
            yield f"simulator.{key}: {str(error).rstrip('.')}"


def _breaker_faults(config: Config) -> Iterator[str]:
    breakers = config.live.breakers if isinstance(config.live, LiveSection) else None
    if breakers is None:
        return
    if not breakers.disk_full_percent < breakers.disk_low_percent <= _PERCENT:
        yield "live.breakers: disk_full_percent must be below disk_low_percent, and that at most 100"
    for name in ("rate_limited_window", "stream_losses_window", "clock_skew_max", "log_stall_max", "orders_silent_max"):
        if duration_ns(str(getattr(breakers, name))) == 0:
            yield f"live.breakers.{name} is 0; it must be longer"
    for name in ("rate_limited_max", "stream_losses_max"):
        if getattr(breakers, name) >= _EVENTS_MAX:
            yield f"live.breakers.{name} must be below {_EVENTS_MAX}"


def _twice(names: Sequence[str], place: str, advice: str) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{place} has {name!r} twice; {advice}"
