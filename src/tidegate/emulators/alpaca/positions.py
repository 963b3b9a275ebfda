"""Positions, account and activities as clients see them."""

from collections.abc import Mapping, Sequence
from typing import Final

from tidegate.emulators.alpaca import money
from tidegate.emulators.alpaca.accounts import CONFIGURATION, Account, Holding, percent
from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.errors import malformed, not_found, unprocessable
from tidegate.emulators.alpaca.floor import Floor
from tidegate.emulators.alpaca.orders import dollars
from tidegate.emulators.alpaca.wire import Body, decimal_text, iso, moment, new_york, read_count, words_of
from tidegate.events import records
from tidegate.values.money import nanos_text

PAGE: Final = 100
_INITIAL: Final = (1, 2)  # of a position's worth, by regulation T
_MAINTENANCE: Final = (3, 10)
_RATIO_PLACES: Final = 16
_WORDS: Final = {"all", "none"}


def position_body(desk: Desk, symbol: str, holding: Holding) -> Body:
    """Return a position as clients see it."""
    floor, asset = desk.floor, desk.floor.assets.body(symbol)
    mark = floor.market.top(symbol).mark_nanos
    quantity = holding.quantity_nanos
    value = quantity * mark * holding.multiplier
    profit = value - holding.cost_attos
    last_day = _last_day_nanos(floor, symbol)
    held_overnight = holding.since_ns < floor.schedule.day_of(floor.player.now_ns).pre_open_ns
    base = quantity * last_day * holding.multiplier if held_overnight and last_day else holding.cost_attos
    held = money.held_nanos(desk.account, symbol, desk.blotter.open())
    return {
        "asset_id": asset["id"],
        "symbol": symbol,
        "exchange": asset["exchange"],
        "asset_class": asset["class"],
        "asset_marginable": asset["marginable"],
        "qty": nanos_text(quantity),
        "qty_available": nanos_text((1 if quantity > 0 else -1) * max(abs(quantity) - held, 0)),
        "avg_entry_price": decimal_text(
            percent(holding.cost_attos, quantity * holding.multiplier) * (1 if quantity > 0 else -1) / 10**9, 9
        ),
        "side": "long" if quantity > 0 else "short",
        "market_value": dollars(value) if mark else None,
        "cost_basis": dollars(holding.cost_attos),
        "unrealized_pl": dollars(profit) if mark else None,
        "unrealized_plpc": decimal_text(percent(profit, holding.cost_attos), _RATIO_PLACES) if mark else None,
        "unrealized_intraday_pl": dollars(value - base) if mark else None,
        "unrealized_intraday_plpc": decimal_text(percent(value - base, base), _RATIO_PLACES) if mark else None,
        "current_price": nanos_text(mark) if mark else None,
        "lastday_price": nanos_text(last_day) if last_day else None,
        "change_today": decimal_text(percent(mark - last_day, last_day), _RATIO_PLACES) if last_day and mark else None,
    }


def _last_day_nanos(floor: Floor, symbol: str) -> int:
    """Return the last sale before today; 0: none is on the tape."""
    today = floor.schedule.day_of(floor.player.now_ns)
    rows = floor.market.played(floor.market.places[symbol], records.TRADE, today.pre_open_ns - 1)
    return int(rows["a"][-1]) if len(rows) else 0


def listed(desk: Desk, behind: int) -> list[Body]:
    """Return all positions, as they were some fills ago."""
    return [position_body(desk, symbol, holding) for symbol, holding in desk.account.past(behind).items()]


def one(desk: Desk, symbol_or_id: str, behind: int) -> Body:
    """Return one position.

    Raises:
        WireRefusal: there is none.
    """
    symbol = desk.floor.assets.find(symbol_or_id)
    if symbol is None:
        raise not_found(f"symbol not found: {symbol_or_id}")
    holding = desk.account.past(behind).get(symbol)
    if holding is None:
        raise not_found("position does not exist")
    return position_body(desk, symbol, holding)


def account_body(desk: Desk) -> Body:
    """Return the account, in the venue's shape since July 2026."""
    account, floor = desk.account, desk.floor
    values = [money.value_attos(account, floor, symbol) for symbol in account.positions]
    long_value, short_value = sum(value for value in values if value > 0), sum(value for value in values if value < 0)
    gross = long_value - short_value
    equity = account.cash_attos + long_value + short_value
    working = desk.blotter.open()
    power = dollars(money.buying_power_attos(account, floor, working))
    initial, maintenance = gross * _INITIAL[0] // _INITIAL[1], gross * _MAINTENANCE[0] // _MAINTENANCE[1]
    return {
        "id": account.id,
        "account_number": account.number,
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": dollars(account.cash_attos),
        "buying_power": power,
        "regt_buying_power": dollars(money.buying_power_attos(account, floor, working, times=min(2, account.settings.multiplier))),
        "effective_buying_power": power,
        "non_marginable_buying_power": dollars(money.buying_power_attos(account, floor, working, times=1)),
        "options_buying_power": dollars(max(equity - initial, 0)),
        "options_approved_level": account.settings.options_level,
        "options_trading_level": min(account.settings.options_level, account.configuration["max_options_trading_level"]),
        "equity": dollars(equity),
        "last_equity": dollars(account.last_equity_attos),
        "portfolio_value": dollars(equity),
        "long_market_value": dollars(long_value),
        "short_market_value": dollars(short_value),
        "position_market_value": dollars(long_value + short_value),
        "initial_margin": dollars(initial),
        "maintenance_margin": dollars(maintenance),
        "last_maintenance_margin": "0",
        "sma": dollars(max(equity - initial, 0)),
        "multiplier": str(money.multiplier_of(account, equity)),
        "accrued_fees": "0",
        "pending_reg_taf_fees": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "intraday_adjustments": "0",
        "balance_asof": new_york(floor.now_ns()).date().isoformat(),
        "created_at": iso(account.created_ns),
        "shorting_enabled": equity >= money.MARGIN_EQUITY and not account.configuration["no_shorting"],
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": account.configuration["suspend_trade"],
        "admin_configurations": {},
        "user_configurations": None,
    }


def configure(account: Account, body: Body) -> Body:
    """Change the configuration; nulls, which alpaca-py sends for what it does not set, change nothing.

    Raises:
        WireRefusal: a value that a field cannot have.
    """
    given = {name: value for name, value in body.items() if name in CONFIGURATION and value is not None}
    for name, value in given.items():
        if isinstance(CONFIGURATION[name], bool) and not isinstance(value, bool):
            raise malformed(f"invalid {name}")
    if str(given.get("max_margin_multiplier", "1")) not in {"1", "2", "4"}:
        raise unprocessable("invalid max_margin_multiplier")
    if given.get("max_options_trading_level", 0) not in {0, 1, 2, 3}:
        raise unprocessable("invalid max_options_trading_level")
    if given.get("trade_confirm_email", "all") not in _WORDS:
        raise unprocessable("invalid trade_confirm_email")
    if "max_margin_multiplier" in given:
        given["max_margin_multiplier"] = str(given["max_margin_multiplier"])
    account.configuration |= given
    return account.configuration


def activities(account: Account, query: Mapping[str, str], kinds: Sequence[str]) -> list[Body]:
    """Return a page of activities: newest first unless asked otherwise, after the item that `page_token` names.

    Raises:
        WireRefusal: a word, time or number of the query is wrong.
    """
    wanted = set(kinds) | set(words_of(query, "activity_types"))
    category = query.get("category", "")
    if category and wanted:
        raise malformed("category cannot be combined with activity_types")
    rows = [row for row in account.activities if (not wanted or row["activity_type"] in wanted) and _in_category(row, category)]
    rows = _in_time(rows, query)
    if query.get("order_id"):
        rows = [row for row in rows if row.get("order_id") == query["order_id"]]
    if query.get("direction", "desc") != "asc":
        rows.reverse()
    token = query.get("page_token")
    if token:
        places = [place for place, row in enumerate(rows) if row["id"] == token]
        rows = rows[places[0] + 1 :] if places else []
    most = max(len(rows), PAGE) if query.get("date") else PAGE
    return rows[: read_count(query, "page_size", default=most, most=most)]


def _in_category(row: Body, category: str) -> bool:
    is_trade = row["activity_type"] == "FILL"
    return not category or is_trade == (category == "trade_activity")


def _in_time(rows: list[Body], query: Mapping[str, str]) -> list[Body]:
    after = moment(query["after"], "after") if query.get("after") else None
    until = moment(query["until"], "until", end_of_day=True) if query.get("until") else None
    kept = [row for row in rows if (after is None or _ns(row) > after) and (until is None or _ns(row) < until)]
    day = query.get("date")
    return [row for row in kept if new_york(_ns(row)).date().isoformat() == day] if day else kept


def _ns(row: Body) -> int:
    return moment(str(row.get("transaction_time") or row["created_at"]), "time")
