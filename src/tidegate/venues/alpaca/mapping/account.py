"""Positions, account, and fills from activities."""

from collections.abc import Iterator
from decimal import Decimal

from tidegate.values.enums import Side
from tidegate.venues.alpaca.mapping import words
from tidegate.venues.alpaca.mapping.reading import Reader
from tidegate.venues.alpaca.wire.account import Account, Activity, PortfolioHistory, Position
from tidegate.venues.port import EquityPoint, VenueAccount, VenueExecution, VenuePosition


def venue_position(position: Position) -> VenuePosition:
    """Return a position; a quantity whose sign contradicts its side is named in `doubts` and left as it is."""
    read = Reader()
    quantity = read.nanos(position.qty, "qty")
    if position.qty is None or not position.symbol:
        read.doubt("position", "no symbol or no quantity")
    if position.side and (position.side == "short") != (quantity < 0) and quantity:
        read.doubt("side", position.side)
    available = quantity if position.qty_available is None else read.nanos(position.qty_available, "qty_available")
    return VenuePosition(
        symbol=position.symbol or "",
        quantity_nanos=quantity,
        available_nanos=available,
        average_price_nanos=read.rounded_nanos(position.avg_entry_price, "avg_entry_price"),
        cost_basis_usd=read.money(position.cost_basis, "cost_basis"),
        market_value_usd=read.money(position.market_value, "market_value"),
        price_nanos=read.rounded_nanos(position.current_price, "current_price"),
        kind=read.word(words.KINDS, position.asset_class, "asset_class"),
        asset_id=position.asset_id or "",
        doubts=tuple(read.doubts),
    )


def venue_account(account: Account) -> VenueAccount:
    """Return the account, in the shape before and after the end of the old day-trade rule alike."""
    read = Reader()
    return VenueAccount(
        account_id=account.account_number or account.id or "",
        status=account.status or "",
        blocks=tuple(_blocks(account)),
        currency=account.currency or "USD",
        cash_usd=read.money(account.cash, "cash"),
        equity_usd=read.money(account.equity, "equity"),
        last_equity_usd=read.money(account.last_equity, "last_equity"),
        buying_power_usd=read.money(account.buying_power, "buying_power"),
        options_buying_power_usd=read.money(account.options_buying_power, "options_buying_power"),
        initial_margin_usd=read.money(account.initial_margin, "initial_margin"),
        maintenance_margin_usd=read.money(account.maintenance_margin, "maintenance_margin"),
        multiplier=read.money(account.multiplier, "multiplier"),
        shorting_enabled=bool(account.shorting_enabled),
        options_level=read.count(account.options_trading_level, "options_trading_level"),
        suspended_by_user=bool(account.trade_suspended_by_user),
        pattern_day_trader=account.pattern_day_trader,
        day_trades=None if account.daytrade_count is None else read.count(account.daytrade_count, "daytrade_count"),
        doubts=tuple(read.doubts),
    )


def venue_execution(activity: Activity) -> VenueExecution | None:
    """Return the fill of an activity; None where it is none, or one that cannot be read whole.

    The part of the id behind `::` is the execution's; the figures before it are a time of New York.
    """
    if activity.activity_type != words.FILL_ACTIVITY:
        return None
    read = Reader()
    side: Side | None = read.word(words.SIDES, activity.side, "side")
    execution = VenueExecution(
        execution_id=(activity.id or "").rpartition("::")[2],
        venue_order_id=activity.order_id or "",
        client_order_id="",
        symbol=activity.symbol or "",
        side=side or Side.BUY,
        quantity_nanos=abs(read.nanos(activity.qty, "qty")),
        price_nanos=read.rounded_nanos(activity.price, "price"),
        cum_quantity_nanos=abs(read.nanos(activity.cum_qty, "cum_qty")),
        ts_ns=read.time(activity.transaction_time or activity.created_at, "transaction_time"),
    )
    whole = side is not None and execution.execution_id and execution.quantity_nanos and execution.ts_ns and not read.doubts
    return execution if whole else None


def equity_points(history: PortfolioHistory) -> list[EquityPoint]:
    """Return the history of equity; points without a number are left out."""
    read = Reader()
    return [
        EquityPoint(ts_ns=second * 1_000_000_000, equity_usd=read.money(equity, "equity"))
        for second, equity in zip(history.timestamp, history.equity, strict=False)
        if equity is not None
    ]


def net_amount(activity: Activity) -> Decimal | None:
    """Return the cash of an activity that stands; None where it was undone or moved none."""
    if activity.net_amount is None or activity.status in words.UNDONE:
        return None
    text = Reader().money(activity.net_amount, "net_amount")
    return Decimal(text) if text else None


def _blocks(account: Account) -> Iterator[str]:
    if account.status not in words.ACTIVE_ACCOUNT:
        yield f"status {account.status or 'unknown'}"
    if account.trading_blocked:
        yield "trading_blocked"
    if account.account_blocked:
        yield "account_blocked"
