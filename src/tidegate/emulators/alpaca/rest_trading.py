"""The endpoints of the trading host."""

from collections.abc import Mapping
from typing import Final

from tidegate.emulators.alpaca import exercise, positions, trading
from tidegate.emulators.alpaca.assets import refuse_unknown
from tidegate.emulators.alpaca.calls import Call, Reply, Route
from tidegate.emulators.alpaca.data import contracts_page
from tidegate.emulators.alpaca.errors import malformed
from tidegate.emulators.alpaca.history import portfolio_history
from tidegate.emulators.alpaca.orders import Order, OrderClass, body_of
from tidegate.emulators.alpaca.wire import Body, read_flag

NO_CONTENT: Final = 204
MANY: Final = 207


def create_order(call: Call) -> Reply:
    """POST /v2/orders."""
    return Reply(trading.create(call.desk, call.body))


def list_orders(call: Call) -> Reply:
    """GET /v2/orders."""
    nested = _nested(call.query)
    found = call.desk.blotter.listed(call.query, nested=nested)
    return Reply([body_of(order, nested=nested) for order in found if not _is_inner(order)])


def get_order(call: Call) -> Reply:
    """GET /v2/orders/{id}."""
    return Reply(body_of(call.desk.blotter.get(call.parts["id"]), nested=_nested(call.query)))


def get_by_client_id(call: Call) -> Reply:
    """GET /v2/orders:by_client_order_id."""
    return Reply(body_of(call.desk.blotter.by_client_id(call.query.get("client_order_id", "")), nested=_nested(call.query)))


def replace_order(call: Call) -> Reply:
    """PATCH /v2/orders/{id}."""
    return Reply(trading.replace(call.desk, call.parts["id"], call.body))


def cancel_order(call: Call) -> Reply:
    """DELETE /v2/orders/{id}."""
    trading.cancel(call.desk, call.parts["id"])
    return Reply(None, NO_CONTENT)


def cancel_orders(call: Call) -> Reply:
    """DELETE /v2/orders."""
    return Reply(trading.cancel_all(call.desk), MANY)


def list_positions(call: Call) -> Reply:
    """GET /v2/positions."""
    return Reply(positions.listed(call.desk, call.world.faults.fills_behind()))


def get_position(call: Call) -> Reply:
    """GET /v2/positions/{symbol}."""
    return Reply(positions.one(call.desk, call.parts["symbol"], call.world.faults.fills_behind()))


def close_position(call: Call) -> Reply:
    """DELETE /v2/positions/{symbol}."""
    return Reply(trading.close_position(call.desk, call.parts["symbol"], dict(call.query)))


def close_positions(call: Call) -> Reply:
    """DELETE /v2/positions."""
    return Reply(trading.close_all(call.desk, cancel_orders=read_flag(call.query.get("cancel_orders"))), MANY)


def exercise_position(call: Call) -> Reply:
    """POST /v2/positions/{symbol}/exercise."""
    exercise.exercise(call.desk, call.parts["symbol"])
    return Reply(None)


def keep_position(call: Call) -> Reply:
    """POST /v2/positions/{symbol}/do-not-exercise."""
    exercise.do_not_exercise(call.desk, call.parts["symbol"])
    return Reply(None)


def get_account(call: Call) -> Reply:
    """GET /v2/account."""
    return Reply(positions.account_body(call.desk))


def get_configuration(call: Call) -> Reply:
    """GET /v2/account/configurations."""
    return Reply(call.desk.account.configuration)


def set_configuration(call: Call) -> Reply:
    """PATCH /v2/account/configurations."""
    return Reply(positions.configure(call.desk.account, call.body))


def list_activities(call: Call) -> Reply:
    """GET /v2/account/activities and /v2/account/activities/{type}."""
    kinds = [call.parts["type"].upper()] if "type" in call.parts else []
    return Reply(positions.activities(call.desk.account, call.query, kinds))


def get_history(call: Call) -> Reply:
    """GET /v2/account/portfolio/history."""
    return Reply(portfolio_history(call.desk, call.query))


def list_assets(call: Call) -> Reply:
    """GET /v2/assets."""
    return Reply(call.world.floor.assets.listed(call.query))


def get_asset(call: Call) -> Reply:
    """GET /v2/assets/{symbol}."""
    assets = call.world.floor.assets
    symbol = assets.find(call.parts["symbol"])
    if symbol is None:
        raise refuse_unknown(call.parts["symbol"])
    return Reply(assets.body(symbol))


def get_clock(call: Call) -> Reply:
    """GET /v2/clock."""
    return Reply(call.world.floor.schedule.clock())


def get_calendar(call: Call) -> Reply:
    """GET /v2/calendar."""
    return Reply(call.world.floor.schedule.calendar(call.query.get("start", ""), call.query.get("end", "")))


def list_contracts(call: Call) -> Reply:
    """GET /v2/options/contracts."""
    return Reply(contracts_page(call.world.floor, call.query))


def get_contract(call: Call) -> Reply:
    """GET /v2/options/contracts/{symbol}."""
    return Reply(call.world.floor.assets.contract(call.parts["symbol"]))


def announcements(call: Call) -> Reply:
    """GET /v2/corporate_actions/announcements: deprecated, and empty here."""
    if not call.query.get("since") or not call.query.get("until"):
        raise malformed("since and until are required")
    return Reply([])


def _nested(query: Mapping[str, str]) -> bool:
    return read_flag(query.get("nested"))


def _is_inner(order: Order) -> bool:
    """Legs of a multi-leg order are shown inside it alone."""
    return order.is_leg and order.order_class is OrderClass.MLEG


def empty_list(_call: Call) -> Reply:
    """Watchlists: there are none."""
    nothing: list[Body] = []
    return Reply(nothing)


ROUTES: Final = (
    Route("POST", "/v2/orders", create_order),
    Route("GET", "/v2/orders", list_orders),
    Route("DELETE", "/v2/orders", cancel_orders),
    Route("GET", "/v2/orders:by_client_order_id", get_by_client_id),
    Route("GET", "/v2/orders/{id}", get_order),
    Route("PATCH", "/v2/orders/{id}", replace_order),
    Route("DELETE", "/v2/orders/{id}", cancel_order),
    Route("GET", "/v2/positions", list_positions),
    Route("DELETE", "/v2/positions", close_positions),
    Route("GET", "/v2/positions/{symbol}", get_position),
    Route("DELETE", "/v2/positions/{symbol}", close_position),
    Route("POST", "/v2/positions/{symbol}/exercise", exercise_position),
    Route("POST", "/v2/positions/{symbol}/do-not-exercise", keep_position),
    Route("GET", "/v2/account", get_account),
    Route("GET", "/v2/account/configurations", get_configuration),
    Route("PATCH", "/v2/account/configurations", set_configuration),
    Route("GET", "/v2/account/activities", list_activities),
    Route("GET", "/v2/account/activities/{type}", list_activities),
    Route("GET", "/v2/account/portfolio/history", get_history),
    Route("GET", "/v2/assets", list_assets),
    Route("GET", "/v2/assets/{symbol}", get_asset),
    Route("GET", "/v2/clock", get_clock),
    Route("GET", "/v2/calendar", get_calendar),
    Route("GET", "/v2/options/contracts", list_contracts),
    Route("GET", "/v2/options/contracts/{symbol}", get_contract),
    Route("GET", "/v2/corporate_actions/announcements", announcements),
    Route("GET", "/v2/watchlists", empty_list),
)
