"""Exercise of long options: all contracts of a position at once, at the strike, with the activities that tell of it."""

from typing import Final

from tidegate.emulators.alpaca.accounts import Execution, activity_id
from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.errors import FORBIDDEN, WireRefusal, forbidden, not_found, unprocessable
from tidegate.emulators.alpaca.orders import dollars
from tidegate.emulators.alpaca.wire import Body, iso, new_york
from tidegate.values.enums import Side
from tidegate.values.instruments import Instrument
from tidegate.values.money import nanos_text

CALL: Final = "call"
_SHORT: Final = FORBIDDEN + 1


def exercise(desk: Desk, symbol_or_id: str) -> None:
    """Turn all contracts of a long position into shares, bought (a call) or sold (a put) at the strike.

    Raises:
        WireRefusal: no such position, a short one, after the close, or no money or shares for it.
    """
    option, quantity = _long_position(desk, symbol_or_id, "exercise short position")
    floor, account = desk.floor, desk.account
    if not floor.is_open():
        raise forbidden("exercise requests are not accepted after market close until midnight")
    shares, side = quantity * option.multiplier, Side.BUY if option.right == CALL else Side.SELL
    cost = shares * option.strike_nanos
    if side is Side.BUY and cost > account.cash_attos:
        raise forbidden(f"insufficient cash available (required: {dollars(cost)}, available: {dollars(account.cash_attos)})")
    if side is Side.SELL and account.holding(option.underlying).quantity_nanos < shares:
        raise forbidden("insufficient underlying qty available for exercise")
    now_ns, seed = floor.now_ns(), floor.settings.seed
    for symbol, kind, way, amount, price in (
        (option.symbol, "OPEXC", Side.SELL, quantity, 0),
        (option.underlying, "OPTRD", side, shares, option.strike_nanos),
    ):
        done = Execution(account.next_execution_id(seed), now_ns, symbol, way, amount, price)
        account.book(done, floor.player.now_ns)
        account.activities.append(_activity(done, kind))


def do_not_exercise(desk: Desk, symbol_or_id: str) -> None:
    """Take note that an expiring long position is not to be exercised; nothing is exercised by itself here.

    Raises:
        WireRefusal: no such position, a short one, or not its last day.
    """
    option, _ = _long_position(desk, symbol_or_id, "submit DNE for short position")
    if option.expiry != new_york(desk.floor.player.now_ns).date().isoformat():
        raise forbidden("do-not-exercise requests are only accepted on expiration day")


def _long_position(desk: Desk, symbol_or_id: str, refused: str) -> tuple[Instrument, int]:
    symbol = desk.floor.assets.find(symbol_or_id)
    if symbol is None:
        raise unprocessable("invalid symbol")
    quantity = desk.account.holding(symbol).quantity_nanos
    option = desk.floor.market.instruments[desk.floor.market.places[symbol]]
    if not quantity or not option.strike_nanos:
        raise not_found("long position not found")
    if quantity < 0:
        raise WireRefusal(403, _SHORT, f"cannot {refused}")
    return option, quantity


def _activity(done: Execution, kind: str) -> Body:
    signed = done.quantity_nanos * done.side.sign
    return {
        "activity_type": kind,
        "id": activity_id(done.ns, done.id),
        "date": new_york(done.ns).date().isoformat(),
        "created_at": iso(done.ns),
        "net_amount": dollars(-signed * done.price_nanos),
        "description": "Option Exercise",
        "symbol": done.symbol,
        "qty": nanos_text(signed),
        "price": nanos_text(done.price_nanos),
        "status": "executed",
        "currency": "USD",
    }
