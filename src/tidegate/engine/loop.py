"""The senses' loop: records in, until one deserves attention, time is up, or a tick is due. Kernel code.

Every record is taken in completely before the kernel stops, so the cursor is a record index and nothing else.
"""

from typing import Any

from tidegate.engine import layout
from tidegate.events import records
from tidegate.features.update import on_minute, on_quote, on_second, on_trade, start_again
from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at, row_count
from tidegate.kernel.trigger import call_trigger
from tidegate.market import rows as market
from tidegate.market.bars import add_volume, close, extend, is_over
from tidegate.market.book import take_quote, take_status, take_trade
from tidegate.regime import rows as regimes
from tidegate.regime.classify import classify_group, classify_symbol, is_stale, stale_due_ns, untradeable_why
from tidegate.strategies import rows as strategies
from tidegate.strategies.watch import entry_mask, exit_wanted, may_exit
from tidegate.values.time import MINUTE_NS, NEVER_NS, SECOND_NS

_DOLLARS = 1e9


@kernel
def run(senses: Any, tape: Any, start: int, stop: int, horizon_ns: int) -> int:
    """Take records in from start; return the index of the first one not taken.

    Stops before the first record at or past the horizon or at or past what is due, and after one that raised attentions.
    """
    cursor = senses.cursor
    header = senses.header
    cursor.attentions = 0
    cursor.bad_record = 0
    i = start
    while i < stop:
        record = tape[i]
        now_ns = record.ts_recv
        if now_ns >= horizon_ns:
            break
        if now_ns >= cursor.due_bound_ns:
            cursor.due_bound_ns = next_due(senses)
            if now_ns >= cursor.due_bound_ns:
                break
        cursor.bad_record = fault(senses, record, now_ns)
        if cursor.bad_record != 0:
            break
        header.now_ns = now_ns
        header.n += 1
        i += 1
        take_record(senses, record, now_ns)
        if cursor.attentions != 0:
            break
    return i


@kernel
def fault(senses: Any, record: Any, now_ns: int) -> int:
    """Return what is wrong with a record that enters here, 0 if nothing is."""
    if now_ns < senses.header.now_ns:
        return layout.BAD_ORDER
    if not 0 <= record.instrument < row_count(senses.symbols):
        return layout.BAD_INSTRUMENT
    return 0 if records.QUOTE <= record.kind <= records.BAR_CLOSE else layout.BAD_KIND


@kernel
def take_record(senses: Any, record: Any, now_ns: int) -> None:
    """Take one record in: bars that ended, market groups, then what the record says."""
    header = senses.header
    settings = senses.settings
    if now_ns >= header.next_group_ns:
        evaluate_groups(senses, now_ns)
    place = record.instrument
    symbol = row_at(senses.symbols, place)
    symbol.seen_ns = now_ns
    close_bars(senses, place, now_ns)
    kind = record.kind
    if kind == records.QUOTE:
        if take_quote(symbol, record, settings):
            _count_quote(senses, place, now_ns)
            watch(senses, place, now_ns)
            attend_quote(senses, place)
    elif kind == records.TRADE:
        said = take_trade(symbol, record, settings)
        if said != market.PRINT_IGNORED:
            _count_trade(senses, place, record, said)
            watch(senses, place, now_ns)
    elif kind == records.STATUS:
        take_status(symbol, record)
        if record.a == records.STATUS_NEWS:
            symbol.shock_until_ns = now_ns + settings.shock_ns
        reclassify(senses, place, now_ns)


@kernel
def _count_quote(senses: Any, place: int, now_ns: int) -> None:
    symbol = row_at(senses.symbols, place)
    if symbol.quality & market.GAP != 0:
        _after_gap(senses, place, now_ns)
    on_quote(symbol, senses.settings)
    if symbol.bars_from_trades == 0:
        extend(symbol.second, now_ns, SECOND_NS, symbol.mid)
        extend(symbol.minute, now_ns, MINUTE_NS, symbol.mid)


@kernel
def _after_gap(senses: Any, place: int, now_ns: int) -> None:
    """Start features again; the label follows at once, not with the next second bar."""
    start_again(row_at(senses.symbols, place), now_ns, senses.settings)
    reclassify(senses, place, now_ns)


@kernel
def _count_trade(senses: Any, place: int, record: Any, said: int) -> None:
    symbol = row_at(senses.symbols, place)
    now_ns = record.ts_recv
    price = symbol.last_trade
    size = record.b / _DOLLARS
    on_trade(symbol, price, size)
    if symbol.bars_from_trades == 1:
        if said == market.PRINT_AFTER_GAP:
            _after_gap(senses, place, now_ns)
        extend(symbol.second, now_ns, SECOND_NS, price)
        extend(symbol.minute, now_ns, MINUTE_NS, price)
    elif symbol.quote_ns == 0:
        return  # its bars are of mids, and there is none yet
    add_volume(symbol.second, now_ns, SECOND_NS, symbol.mid, size)
    add_volume(symbol.minute, now_ns, MINUTE_NS, symbol.mid, size)


@kernel
def close_bars(senses: Any, place: int, now_ns: int) -> None:
    """Close what has ended of one symbol; features and the regime follow."""
    symbol = row_at(senses.symbols, place)
    settings = senses.settings
    if is_over(symbol.minute, now_ns, MINUTE_NS):
        close(symbol.minute, symbol.last_minute)
        on_minute(symbol, settings)
        _attend_bar(senses, place, MINUTE_NS)
    if is_over(symbol.second, now_ns, SECOND_NS):
        close(symbol.second, symbol.last_second)
        on_second(symbol, settings)
        reclassify(senses, place, now_ns)
        _attend_bar(senses, place, SECOND_NS)


@kernel
def reclassify(senses: Any, place: int, now_ns: int) -> None:
    """Evaluate a symbol's regime and say so when its label changed; a readable one is looked at again when it has fallen silent."""
    regime = row_at(senses.regimes, place)
    symbol = row_at(senses.symbols, place)
    before = regime.label
    if not classify_symbol(symbol, regime, senses.settings, now_ns):
        return
    if regime.label != regimes.UNTRADEABLE:
        senses.cursor.due_bound_ns = min(senses.cursor.due_bound_ns, stale_due_ns(symbol, senses.settings))
    if senses.header.regime_attention == 1:
        attend(senses, layout.ATTEND_REGIME, -1, place, 0).before = before


@kernel
def evaluate_groups(senses: Any, now_ns: int) -> None:
    """Evaluate the symbols that fell silent, then every market group, and hand its label to its members."""
    header = senses.header
    settings = senses.settings
    header.next_group_ns = now_ns - now_ns % settings.evaluate_ns + settings.evaluate_ns
    for place in range(row_count(senses.symbols)):
        if row_at(senses.regimes, place).label != regimes.UNTRADEABLE and is_stale(row_at(senses.symbols, place), settings, now_ns):
            reclassify(senses, place, now_ns)
    for place in range(row_count(senses.groups)):
        group = row_at(senses.groups, place)
        before = group.label
        if classify_group(group, place, senses.symbols, senses.regimes, settings, now_ns) and header.regime_attention == 1:
            attend(senses, layout.ATTEND_GROUP, -1, place, 0).before = before
    for i in range(row_count(senses.symbols)):
        place = row_at(senses.symbols, i).group
        if place >= 0:
            row_at(senses.regimes, i).market_label = row_at(senses.groups, place).label
            row_at(senses.regimes, i).breadth = row_at(senses.groups, place).breadth


@kernel
def watch(senses: Any, place: int, now_ns: int) -> None:
    """After an accepted record: exits and triggers of every strategy that watches the symbol."""
    symbol = row_at(senses.symbols, place)
    regime = row_at(senses.regimes, place)
    symbols = row_count(senses.symbols)
    for s in range(row_count(senses.strategies)):
        own = row_at(senses.own, s * symbols + place)
        if own.active == 0:
            continue
        strategy = row_at(senses.strategies, s)
        if own.position_nanos != 0:
            own.age_ns = now_ns - own.opened_ns
            own.age_events += 1
            check_exit(senses, s, place, now_ns)
        if strategy.has_trigger == 1:
            said = call_trigger(senses.triggers, row_at(senses.addresses, s).code, symbol, regime, own, row_at(senses.params, s))
            if said != strategies.NONE:
                _take_trigger(senses, s, place, said, now_ns)


@kernel
def attend_quote(senses: Any, place: int) -> None:
    """Ask the strategies that want every accepted quote of their symbols."""
    symbols = row_count(senses.symbols)
    for s in range(row_count(senses.strategies)):
        if row_at(senses.strategies, s).wants_quotes == 1 and row_at(senses.own, s * symbols + place).active == 1:
            attend(senses, layout.ATTEND_QUOTE, s, place, 0)


@kernel
def _take_trigger(senses: Any, s: int, place: int, said: int, now_ns: int) -> None:
    own = row_at(senses.own, s * row_count(senses.symbols) + place)
    strategy = row_at(senses.strategies, s)
    if said == strategies.EXIT:
        if own.position_nanos != 0 and may_exit(own, now_ns):
            own.exit_level_nanos = 0
            _attend_exit(senses, s, place, strategies.EXIT_TRIGGER, now_ns)
        return
    symbol = row_at(senses.symbols, place)
    mask = entry_mask(own, symbol, row_at(senses.regimes, place), strategy, row_at(senses.sessions, symbol.session), now_ns)
    if mask < 0 and untradeable_why(symbol, senses.settings, now_ns) != 0:
        mask = strategies.MASK_REGIME  # the label is as old as the last second bar
    if mask >= 0:
        own.masked[mask] += 1
        return
    own.armed_at_ns = NEVER_NS  # edge-triggered: the re-entry rule arms it again
    attend(senses, layout.ATTEND_ENTRY, s, place, said)


@kernel
def check_exit(senses: Any, s: int, place: int, now_ns: int) -> None:
    """Raise an exit attention if a level of this pair is hit and its throttle is over."""
    own = row_at(senses.own, s * row_count(senses.symbols) + place)
    reason = exit_wanted(own, row_at(senses.symbols, place), now_ns)
    own.exit_reason = reason
    if reason == strategies.EXIT_NONE:
        return
    if may_exit(own, now_ns):
        _attend_exit(senses, s, place, reason, now_ns)
    senses.cursor.due_bound_ns = min(senses.cursor.due_bound_ns, own.exit_next_ns)


@kernel
def _attend_exit(senses: Any, s: int, place: int, reason: int, now_ns: int) -> None:
    own = row_at(senses.own, s * row_count(senses.symbols) + place)
    own.exit_next_ns = now_ns + row_at(senses.strategies, s).exit_retry_ns
    seen = attend(senses, layout.ATTEND_EXIT, s, place, strategies.SELL if own.position_nanos > 0 else strategies.BUY)
    seen.reason = reason
    seen.level_nanos = own.exit_level_nanos


@kernel
def _attend_bar(senses: Any, place: int, length_ns: int) -> None:
    symbols = row_count(senses.symbols)
    for s in range(row_count(senses.strategies)):
        strategy = row_at(senses.strategies, s)
        wanted = strategy.wants_minutes if length_ns == MINUTE_NS else strategy.wants_seconds
        if wanted == 1 and row_at(senses.own, s * symbols + place).active == 1:
            attend(senses, layout.ATTEND_BAR, s, place, 0).length_ns = length_ns


@kernel
def attend(senses: Any, kind: int, strategy: int, place: int, side: int) -> Any:
    """Add an attention of the record in hand and return its row."""
    cursor = senses.cursor
    seen = row_at(senses.attentions, cursor.attentions)
    cursor.attentions += 1
    seen.kind = kind
    seen.strategy = strategy
    seen.instrument = place
    seen.side = side
    seen.reason = 0
    seen.level_nanos = 0
    seen.length_ns = 0
    seen.before = 0
    return seen


@kernel
def tick(senses: Any, now_ns: int) -> None:
    """Time has passed to something due: bars with subscribers, market groups, exit levels that need no record."""
    header = senses.header
    header.n += 1
    header.now_ns = now_ns
    senses.cursor.attentions = 0
    senses.cursor.due_bound_ns = 0
    if now_ns >= header.next_group_ns:
        evaluate_groups(senses, now_ns)
    if now_ns >= header.next_second_ns or now_ns >= header.next_minute_ns:
        for place in range(row_count(senses.symbols)):
            close_bars(senses, place, now_ns)
        if header.next_second_ns != NEVER_NS:
            header.next_second_ns = now_ns - now_ns % SECOND_NS + SECOND_NS
        if header.next_minute_ns != NEVER_NS:
            header.next_minute_ns = now_ns - now_ns % MINUTE_NS + MINUTE_NS
    symbols = row_count(senses.symbols)
    for pair in range(row_count(senses.own)):
        own = row_at(senses.own, pair)
        if own.active == 1 and own.position_nanos != 0:
            own.age_ns = now_ns - own.opened_ns
            check_exit(senses, pair // symbols, pair % symbols, now_ns)


@kernel
def after_order(senses: Any, s: int, place: int, now_ns: int) -> None:
    """An order event of this pair was folded: its exit levels are looked at again."""
    senses.cursor.attentions = 0
    own = row_at(senses.own, s * row_count(senses.symbols) + place)
    if own.active == 1 and own.position_nanos != 0:
        own.age_ns = now_ns - own.opened_ns
        check_exit(senses, s, place, now_ns)


@kernel
def next_due(senses: Any) -> int:
    """Return when something is due that no record brings: timers, subscribed bars, time stops, throttled exits, symbols gone silent."""
    header = senses.header
    due_ns = min(header.timer_due_ns, header.next_second_ns, header.next_minute_ns)
    for place in range(row_count(senses.symbols)):
        if row_at(senses.regimes, place).label != regimes.UNTRADEABLE:
            due_ns = min(due_ns, stale_due_ns(row_at(senses.symbols, place), senses.settings))
    for pair in range(row_count(senses.own)):
        own = row_at(senses.own, pair)
        if own.position_nanos == 0 or own.position_nanos + own.working_exit_nanos == 0:
            continue
        wake_ns = NEVER_NS
        if own.exit_reason != strategies.EXIT_NONE:
            wake_ns = own.exit_next_ns
        elif own.time_stop_at_ns != 0:
            wake_ns = max(own.time_stop_at_ns, own.exit_next_ns)
        due_ns = min(due_ns, wake_ns)
    return due_ns
