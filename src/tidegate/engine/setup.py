"""Writes a specification into the senses' opening state."""

import msgspec

from tidegate.engine.senses import SensesHost
from tidegate.engine.spec import EngineSpec, StrategySlot
from tidegate.market.rows import NO_QUOTE
from tidegate.oms.plans import OrderPlan
from tidegate.strategies.plan import Plan
from tidegate.values.time import NEVER_NS


def write_spec(host: SensesHost, spec: EngineSpec) -> None:
    """Fill settings, symbols, groups, strategies and watched pairs; everything else starts at zero."""
    settings = host.table("settings")[0]
    for part in (spec.market, spec.features, spec.regime):
        for name, value in msgspec.structs.asdict(part).items():
            settings[name] = value
    _write_header(host)
    venues = venues_of(spec)
    groups = [group.name for group in spec.groups]
    symbols = host.table("symbols")
    for instrument in spec.instruments:
        row = symbols[instrument.index]
        row["session"] = venues.index(instrument.venue)
        row["group"] = groups.index(instrument.market_group) if instrument.market_group else -1
        row["bars_from_trades"] = int(instrument.bars_from_trades)
        row["stale_ns"] = spec.stale_ns.get(instrument.symbol, 0)
        row["quality"] = 0 if instrument.bars_from_trades else NO_QUOTE
    places = {instrument.symbol: instrument.index for instrument in spec.instruments}
    for place, group in enumerate(spec.groups):
        host.table("groups")[place]["index_symbol"] = places[group.index_symbol] if group.index_symbol else -1
    no_group = [instrument.index for instrument in spec.instruments if not instrument.market_group]
    host.table("regimes")["market_label"][no_group] = 1  # a symbol without a market is judged in a CHOP market
    for place, slot in enumerate(spec.strategies):
        _write_strategy(host, place, slot)
        for symbol in slot.symbols:
            host.table("own")[host.pair(place, places[symbol])]["active"] = 1


def venues_of(spec: EngineSpec) -> list[str]:
    """Return the venues of the instruments in order of first appearance: the rows of trading sessions."""
    return list(dict.fromkeys(instrument.venue for instrument in spec.instruments))


def _write_header(host: SensesHost) -> None:
    header = host.table("header")[0]
    header["timer_due_ns"] = NEVER_NS
    header["next_second_ns"] = header["next_minute_ns"] = NEVER_NS  # set going with the first input
    header["regime_attention"] = 1


def _write_strategy(host: SensesHost, place: int, slot: StrategySlot) -> None:
    plan: Plan = slot.strategy.plan
    row = host.table("strategies")[place]
    row["has_trigger"] = int(slot.strategy.trigger is not None)
    row["wants_quotes"] = int(plan.subscribe.quotes)
    row["wants_seconds"] = int(plan.subscribe.second_bars)
    row["wants_minutes"] = int(plan.subscribe.minute_bars)
    row["exit_retry_ns"] = plan.exits.retry_ns
    eligible = 0
    for cell in slot.eligible:
        at = 4 * cell.symbol_regime + cell.market_regime
        eligible |= 1 << at
        row["spread_max_bps"][at] = cell.spread_bps_max
    row["eligible"] = eligible


def order_plans(spec: EngineSpec) -> dict[str, OrderPlan]:
    """Return what each strategy's plan means for its working orders."""
    return {slot.strategy.strategy_id: _order_plan(slot.strategy.plan, spec) for slot in spec.strategies}


def _order_plan(plan: Plan, spec: EngineSpec) -> OrderPlan:
    return OrderPlan(
        entry_life_ns=plan.entry.live_for_ns,
        follow_ns=plan.entry.follow_ns,
        follow_bps_max=plan.entry.follow_bps_max,
        follows_max=plan.entry.follows_max,
        partial_fill=plan.partial_fill.policy,
        partial_after_ns=plan.partial_fill.after_ns,
        chase_bps_max=plan.partial_fill.chase_bps_max,
        chases_max=plan.partial_fill.chases_max,
        valid_ns=spec.command_valid_ns,
    )
