"""Positions, the account in its old and new shape, its configuration, activities and history."""

import msgspec

from tidegate.venues.alpaca.wire.base import Flag, Number, Text


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A position; quantity and market value of a short are negative."""

    asset_id: Text = None
    symbol: Text = None
    exchange: Text = None
    asset_class: Text = None
    asset_marginable: Flag = None
    qty: Number = None
    qty_available: Number = None
    avg_entry_price: Number = None
    side: Text = None
    market_value: Number = None
    cost_basis: Number = None
    unrealized_pl: Number = None
    current_price: Number = None
    lastday_price: Number = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account. The four fields of the old day-trade rule left the answers on 2026-07-06."""

    id: Text = None
    account_number: Text = None
    status: Text = None
    currency: Text = None
    cash: Number = None
    equity: Number = None
    last_equity: Number = None
    buying_power: Number = None
    options_buying_power: Number = None
    initial_margin: Number = None
    maintenance_margin: Number = None
    multiplier: Number = None
    shorting_enabled: Flag = None
    options_trading_level: Number = None
    trading_blocked: Flag = None
    account_blocked: Flag = None
    transfers_blocked: Flag = None
    trade_suspended_by_user: Flag = None
    pattern_day_trader: Flag = None
    daytrade_count: Number = None
    daytrading_buying_power: Number = None
    bod_dtbp: Number = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The account's settings."""

    suspend_trade: Flag = None
    no_shorting: Flag = None
    fractional_trading: Flag = None
    max_margin_multiplier: Number = None
    max_options_trading_level: Number = None
    trade_confirm_email: Text = None
    ptp_no_exception_entry: Flag = None
    disable_overnight_trading: Flag = None
    pdt_check: Text = None
    dtbp_check: Text = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A fill or anything else that moved cash or shares."""

    activity_type: Text = None
    activity_sub_type: Text = None
    id: Text = None
    type: Text = None
    transaction_time: Text = None
    date: Text = None
    created_at: Text = None
    price: Number = None
    qty: Number = None
    side: Text = None
    symbol: Text = None
    contract_symbol: Text = None
    leaves_qty: Number = None
    cum_qty: Number = None
    order_id: Text = None
    order_status: Text = None
    net_amount: Number = None
    per_share_amount: Number = None
    description: Text = None
    status: Text = None
    group_id: Text = None
    currency: Text = None


class PortfolioHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Equity over time; any number may be null."""

    timestamp: list[int] = []
    equity: list[Number] = []
    profit_loss: list[Number] = []
    profit_loss_pct: list[Number] = []
    base_value: Number = None
    timeframe: Text = None
