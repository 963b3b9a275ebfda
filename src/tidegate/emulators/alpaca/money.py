"""Checks of an order against account and market: shares, buying power, shorting, wash trades, stops behind the market."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

from tidegate.emulators.alpaca.accounts import Account
from tidegate.emulators.alpaca.assets import OPTION
from tidegate.emulators.alpaca.errors import forbidden, unprocessable
from tidegate.emulators.alpaca.floor import Floor
from tidegate.emulators.alpaca.intake import Ticket
from tidegate.emulators.alpaca.orders import COMPLEX, STOPS, Intent, Order, OrderClass, Status, dollars
from tidegate.values.enums import OrderType, Side
from tidegate.values.money import ATTOS, NANOS, nanos_text

MARGIN_EQUITY: Final = 2_000 * ATTOS  # below it nothing is lent and nothing sold short
_SHORT_MARK_UP: Final = (103, 100)
_CROSSING: Final = STOPS | {OrderType.MARKET}
_OPENS: Final = {(Side.BUY, True): Intent.BUY_TO_OPEN, (Side.BUY, False): Intent.BUY_TO_CLOSE}
_SELLS: Final = {(Side.SELL, True): Intent.SELL_TO_OPEN, (Side.SELL, False): Intent.SELL_TO_CLOSE}


def equity_attos(account: Account, floor: Floor) -> int:
    """Return cash and positions at their marks."""
    return account.cash_attos + sum(value_attos(account, floor, symbol) for symbol in account.positions)


def value_attos(account: Account, floor: Floor, symbol: str) -> int:
    """Return what a position is worth now; at cost where the symbol has no price yet."""
    holding = account.positions[symbol]
    mark = floor.market.top(symbol).mark_nanos
    return holding.quantity_nanos * mark * holding.multiplier if mark else holding.cost_attos


def multiplier_of(account: Account, equity: int) -> int:
    """Return how many times its equity an account may buy: less than $2,000 is not lent on."""
    if equity < MARGIN_EQUITY:
        return 1
    return min(account.settings.multiplier, int(account.configuration["max_margin_multiplier"]))


def buying_power_attos(account: Account, floor: Floor, working: Sequence[Order], *, times: int = 0) -> int:
    """Return what may still be bought: equity times the multiplier, less positions and what open orders may cost."""
    equity = equity_attos(account, floor)
    used = sum(abs(value_attos(account, floor, symbol)) for symbol in account.positions)
    reserved = sum(reserved_attos(account, floor, order) for order in working)
    return max(equity * (times or multiplier_of(account, equity)) - used - reserved, 0)


def reserved_attos(account: Account, floor: Floor, order: Order) -> int:
    """Return what an open order keeps back: buys and short sells at their price; what closes a position nothing."""
    if order.side is None or order.status is Status.HELD or order.is_leg or order.order_class is OrderClass.OCO:
        return 0
    position = account.holding(order.symbol).quantity_nanos
    if position * order.side.sign < 0:
        return 0
    return order.rest_nanos * _price(floor, order.symbol, order.side, order.limit_nanos or order.stop_nanos) * order.multiplier


def _price(floor: Floor, symbol: str, side: Side, limit_nanos: int) -> int:
    """Return the price an order is charged at before it fills."""
    if side is Side.BUY:
        return limit_nanos or floor.market.top(symbol).price_for(Side.BUY, is_open=floor.is_open())
    ask = floor.market.top(symbol).price_for(Side.BUY, is_open=floor.is_open())
    return max(limit_nanos, ask * _SHORT_MARK_UP[0] // _SHORT_MARK_UP[1])


def check_gates(account: Account) -> None:
    """Refuse new orders of an account whose owner has suspended trading.

    Raises:
        WireRefusal: see above.
    """
    if account.configuration["suspend_trade"]:
        raise forbidden("new orders are rejected by user request")


def quantity_of(ticket: Ticket, floor: Floor) -> int:
    """Return the shares of a ticket: its own, or what its dollars buy at the current price.

    Raises:
        WireRefusal: dollars, and no price to divide by.
    """
    if ticket.quantity_nanos is not None:
        return ticket.quantity_nanos
    assert ticket.notional is not None
    price = floor.market.top(ticket.symbol).price_for(ticket.side, is_open=floor.is_open())
    if not price:
        raise unprocessable(f"no price is known for {ticket.symbol}; notional orders need one")
    shares = int(ticket.notional * NANOS * NANOS) // price
    if shares <= 0:
        raise unprocessable("notional is too small for one billionth of a share")
    return shares


def check_hours(ticket: Ticket, floor: Floor) -> None:
    """Refuse market orders for options while the market is closed.

    Raises:
        WireRefusal: see above.
    """
    if ticket.asset["class"] == OPTION and ticket.order_type is OrderType.MARKET and not floor.is_open():
        raise unprocessable("options market orders are only allowed during market hours")


def check_stop(ticket: Ticket, floor: Floor) -> None:
    """Refuse a stop that the market has passed already.

    Raises:
        WireRefusal: with the market price and the stop.
    """
    if ticket.order_type not in STOPS:
        return
    mark = floor.market.top(ticket.symbol).mark_nanos
    stop = ticket.prices.stop_nanos
    told = {"market_price": nanos_text(mark), "stop_price": nanos_text(stop)}
    if mark and ticket.side is Side.SELL and stop >= mark:
        raise unprocessable("stop price must be less than current price", told)
    if mark and ticket.side is Side.BUY and stop <= mark:
        raise unprocessable("stop price must be greater than current price", told)


def check_intent(ticket: Ticket, account: Account) -> Intent:
    """Return what an order does to the position; refuse a wrong word for it.

    Raises:
        WireRefusal: the client expected something else.
    """
    opens = account.holding(ticket.symbol).quantity_nanos * ticket.side.sign >= 0
    inferred = (_OPENS | _SELLS)[ticket.side, opens]
    if ticket.intent not in (None, inferred):
        raise unprocessable(f"position intent mismatch, inferred: {inferred.value}, specified: {ticket.intent}")
    return inferred


def check_wash(ticket: Ticket, working: Sequence[Order]) -> None:
    """Refuse an order that could trade with an open order of the same account.

    Raises:
        WireRefusal: naming the other order.
    """
    if ticket.order_class in COMPLEX or ticket.order_type is OrderType.TRAILING_STOP:
        return
    for other in working:
        if other.symbol != ticket.symbol or other.side is ticket.side or other.order_class in COMPLEX:
            continue
        if other.order_type is OrderType.TRAILING_STOP or other.order_type is None:
            continue
        reason = _wash(ticket, other)
        if reason:
            raise forbidden("potential wash trade detected. use complex orders", {"existing_order_id": other.id, "reject_reason": reason})


def _wash(ticket: Ticket, other: Order) -> str:
    if ticket.order_type in {OrderType.MARKET, OrderType.STOP} or other.order_type in {OrderType.MARKET, OrderType.STOP}:
        return "opposite side market/stop order exists"
    mine, theirs = ticket.prices.limit_nanos, other.limit_nanos
    buys, sells = (mine, theirs) if ticket.side is Side.BUY else (theirs, mine)
    return "opposite side limit order exists. use complex/limit/stop_limit orders" if buys >= sells else ""


def check_shares(ticket: Ticket, quantity: int, account: Account, working: Sequence[Order]) -> bool:
    """Refuse what an account cannot sell, or buy back; True where the order opens a position, which then costs buying power.

    Raises:
        WireRefusal: shares are held by other orders, or the order would go through zero.
    """
    position = account.holding(ticket.symbol).quantity_nanos
    if position * ticket.side.sign >= 0:
        return True
    held = held_nanos(account, ticket.symbol, working)
    available = max(abs(position) - held, 0)
    if quantity > available:
        raise forbidden(
            f"insufficient qty available for order (requested: {nanos_text(quantity)}, available: {nanos_text(available)})",
            {
                "symbol": ticket.symbol,
                "existing_qty": nanos_text(abs(position)),
                "held_for_orders": nanos_text(held),
                "available": nanos_text(available),
            },
        )
    return False


def held_nanos(account: Account, symbol: str, working: Sequence[Order]) -> int:
    """Return what of a position open closing orders hold; a waiting leg holds nothing beside its sibling."""
    sign = account.holding(symbol).quantity_nanos
    closing = (
        order
        for order in working
        if order.symbol == symbol and order.side is not None and order.side.sign * sign < 0 and order.status is not Status.HELD
    )
    return sum(order.rest_nanos for order in closing)


def check_short(ticket: Ticket, account: Account, floor: Floor, working: Sequence[Order]) -> None:
    """Refuse a short sale that the account may not make.

    Raises:
        WireRefusal: shorting is off, the asset cannot be borrowed, a part of a share, or a long buy is open.
    """
    if ticket.side is Side.BUY:
        return
    if ticket.asset["class"] == OPTION:
        _check_cover(ticket, account, floor)
        return
    allowed = ticket.asset["shortable"] and not account.configuration["no_shorting"]
    if not allowed or equity_attos(account, floor) < MARGIN_EQUITY:
        raise forbidden("account is not allowed to short")
    if ticket.is_fractional:
        raise forbidden("fractional orders cannot be sold short")
    if any(order.symbol == ticket.symbol and order.side is Side.BUY for order in working):
        raise forbidden("cannot open a short sell while a long buy order is open")


def _check_cover(ticket: Ticket, account: Account, floor: Floor) -> None:
    """An option sold to open needs its shares (a call) or its cash (a put)."""
    option = floor.market.instruments[floor.market.places[ticket.symbol]]
    needed = (ticket.quantity_nanos or 0) * option.multiplier
    if account.settings.options_level < 1:
        raise forbidden("account not eligible to trade uncovered option contracts")
    if option.right == "call":
        available = account.holding(option.underlying).quantity_nanos
        if available < needed:
            shown = f"(required: {nanos_text(needed)}, available: {nanos_text(max(available, 0))})"
            raise forbidden(f"insufficient underlying qty available for covered call {shown}")
    elif account.cash_attos < needed * option.strike_nanos:
        shown = f"(required: {dollars(needed * option.strike_nanos)}, available: {dollars(account.cash_attos)})"
        raise forbidden(f"insufficient options buying power for cash-secured put {shown}")


def check_funds(ticket: Ticket, quantity: int, account: Account, floor: Floor, working: Sequence[Order]) -> None:
    """Refuse what the account cannot pay for.

    Raises:
        WireRefusal: with buying power and cost.
    """
    power = buying_power_attos(account, floor, working)
    limit = ticket.prices.limit_nanos or ticket.prices.stop_nanos
    price = _price(floor, ticket.symbol, ticket.side, limit)
    multiplier = floor.market.instruments[floor.market.places[ticket.symbol]].multiplier
    cost = quantity * price * multiplier if ticket.notional is None else int(ticket.notional * ATTOS)
    if cost > power:
        told = {"buying_power": dollars(power), "cost_basis": dollars(cost)}
        raise forbidden("insufficient buying power", told)


def shares_for(percentage: Decimal, quantity_nanos: int) -> int:
    """Return a part of a position, in percent, up to the next billionth of a share."""
    return int((quantity_nanos * percentage / 100).to_integral_value(rounding=ROUND_CEILING))
