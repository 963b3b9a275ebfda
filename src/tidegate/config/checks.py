"""What no single key can say: names refer to something, nothing stands twice, thresholds are in order."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tidegate.config.errors import ConfigError, ended, known
from tidegate.config.model import Config, EventSection, InstrumentFacts, SmallLiveSection, StrategySection
from tidegate.config.settings import oms_policy
from tidegate.config.units import EVERY, HALF_LIVES, duration_ns, moment_ns
from tidegate.values.errors import TidegateError
from tidegate.values.latency import Latency
from tidegate.values.money import attos, nanos


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
    yield from _simulator_faults(config)
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


def _twice(names: Sequence[str], place: str, advice: str) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{place} has {name!r} twice; {advice}"
