"""What the venue refuses, with its own status, code and words."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.emulators.alpaca.kit import CALL, CLOSE_S, Emulator
from tidegate.emulators.alpaca.settings import KEY, SECRET, AccountSettings, EmulatorSettings

pytestmark = pytest.mark.req("X3", "G1", "G2")

PLAIN: dict[str, Any] = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
LIMIT = PLAIN | {"type": "limit", "limit_price": "99"}
BRACKET = LIMIT | {"order_class": "bracket", "take_profit": {"limit_price": "105"}, "stop_loss": {"stop_price": "95"}}
OPTION = PLAIN | {"symbol": CALL.symbol}

CASES: list[tuple[dict[str, Any], int, int, str]] = [
    (PLAIN | {"qty": None}, 422, 40010001, "qty or notional is required"),
    (PLAIN | {"notional": 5}, 422, 40010001, "only one of qty or notional is accepted"),
    (PLAIN | {"qty": "0"}, 422, 40010001, "qty must be > 0"),
    (PLAIN | {"qty": "many"}, 422, 40010001, "invalid qty"),
    (PLAIN | {"symbol": "NOPE"}, 422, 42210000, 'asset "NOPE" not found'),
    (PLAIN | {"type": "odd"}, 422, 40010001, "invalid order type"),
    (PLAIN | {"side": "both"}, 422, 40010001, "invalid side"),
    (PLAIN | {"time_in_force": "week"}, 422, 40010001, "invalid time_in_force"),
    (PLAIN | {"order_class": "odd"}, 422, 40010001, "invalid order_class"),
    (PLAIN | {"limit_price": 9}, 422, 40010001, "market orders require no stop or limit price"),
    (PLAIN | {"type": "limit"}, 422, 40010001, "limit orders require a limit price"),
    (PLAIN | {"type": "stop"}, 422, 40010001, "stop orders require a stop price"),
    (PLAIN | {"type": "stop_limit", "stop_price": 9}, 422, 40010001, "stop limit orders require both stop and limit price"),
    (PLAIN | {"type": "trailing_stop"}, 422, 40010001, "trailing stop orders must specify one of trail_price or trail_percent"),
    (PLAIN | {"type": "trailing_stop", "trail_percent": 0.05}, 422, 42210000, "trail_percent must be >= 0.1"),
    (PLAIN | {"client_order_id": "x" * 129}, 422, 40010001, "client_order_id must be no more than 128 characters"),
    (LIMIT | {"limit_price": "99.123"}, 422, 42210000, "sub-penny increment does not fulfill minimum pricing criteria"),
    (LIMIT | {"limit_price": "0.99999"}, 422, 42210000, "sub-penny increment"),
    (PLAIN | {"qty": None, "notional": "0.5"}, 422, 42210000, "notional must be >= 1.00"),
    (PLAIN | {"qty": "0.5", "time_in_force": "gtc"}, 422, 42210000, "fractional orders must be DAY orders"),
    (PLAIN | {"extended_hours": True}, 422, 42210000, "extended hours order must be DAY or GTC limit orders"),
    (LIMIT | {"extended_hours": True, "time_in_force": "ioc"}, 422, 42210000, "extended hours order must be DAY or GTC limit orders"),
    (PLAIN | {"type": "stop", "stop_price": 101, "extended_hours": True}, 422, 42210000, "stop orders are not eligible"),
    (PLAIN | {"type": "stop", "stop_price": 101, "time_in_force": "ioc"}, 422, 42210000, "invalid time_in_force"),
    (PLAIN | {"time_in_force": "opg"}, 403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am"),
    (PLAIN | {"time_in_force": "cls"}, 403, 40310000, "cls orders must be submitted after 7:00pm"),
    (PLAIN | {"type": "stop", "stop_price": 99}, 422, 42210000, "stop price must be greater than current price"),
    (PLAIN | {"position_intent": "buy_to_close"}, 422, 42210000, "position intent mismatch, inferred: buy_to_open"),
    (PLAIN | {"qty": "5000"}, 403, 40310000, "insufficient buying power"),
    (PLAIN | {"side": "sell", "qty": "0.5"}, 403, 40310000, "fractional orders cannot be sold short"),
    (BRACKET | {"take_profit": {}}, 422, 42210000, "bracket orders require take_profit.limit_price"),
    (BRACKET | {"stop_loss": None}, 422, 42210000, "bracket orders require stop_loss.stop_price"),
    (BRACKET | {"stop_loss": {"stop_price": 106}}, 422, 42210000, "take_profit.limit_price must be > stop_loss.stop_price"),
    (BRACKET | {"stop_loss": {"stop_price": 99}}, 422, 42210000, "stop_loss.stop_price must be <= base_price - 0.01"),
    (BRACKET | {"order_class": "oto"}, 422, 42210000, "oto orders require exactly one of take_profit or stop_loss"),
    (BRACKET | {"order_class": "oco", "side": "sell"}, 422, 42210000, "oco orders must be exit orders"),
    (BRACKET | {"extended_hours": True}, 422, 42210000, "without extended hours"),
    (OPTION | {"qty": "0.5"}, 422, 42210000, "qty must be integer for options trading"),
    (OPTION | {"time_in_force": "ioc"}, 422, 42210000, "not supported for options trading"),
    (OPTION | {"side": "sell"}, 403, 40310000, "insufficient underlying qty available for covered call"),
    (BRACKET | {"symbol": CALL.symbol}, 422, 42210000, "complex orders not supported for options trading"),
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as started:
        started.step_to(5)
        yield started


@pytest.mark.parametrize(("body", "http", "code", "words"), CASES)
def test_a_wrong_order_is_refused_in_the_venues_words(emulator: Emulator, body: dict[str, Any], http: int, code: int, words: str) -> None:
    answer = emulator.call("POST", "/v2/orders", json=body)
    told = answer.json()
    assert words in told["message"]
    assert (answer.status_code, told["code"]) == (http, code)
    assert emulator.state()["accounts"]["PKEMULATOR"]["open_orders"] == []


def test_numbers_may_be_text_or_numbers(emulator: Emulator) -> None:
    for body in (LIMIT, LIMIT | {"qty": 1.0, "limit_price": 99.25}):
        answer = emulator.call("POST", "/v2/orders", json=body)
        assert answer.status_code == 200
        assert emulator.call("DELETE", f"/v2/orders/{answer.json()['id']}").status_code == 204


def test_a_body_that_is_no_json_is_refused(emulator: Emulator) -> None:
    answer = emulator.call("POST", "/v2/orders", json=["a", "list"])
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)


def fresh(emulator: Emulator, body: dict[str, Any]) -> dict[str, Any]:
    answer = emulator.call("POST", "/v2/orders", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_client_id_is_used_once_for_ever() -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        made = fresh(emulator, LIMIT | {"client_order_id": "once"})
        emulator.call("DELETE", f"/v2/orders/{made['id']}")
        answer = emulator.call("POST", "/v2/orders", json=LIMIT | {"client_order_id": "once"})
        assert (answer.status_code, answer.json()) == (422, {"code": 40010001, "message": "client_order_id must be unique"})


def test_wash_trades_are_refused_except_in_complex_orders() -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        fresh(emulator, PLAIN | {"qty": "10"})
        stop = fresh(emulator, PLAIN | {"side": "sell", "type": "stop", "stop_price": "98"})
        answer = emulator.call("POST", "/v2/orders", json=LIMIT)
        assert answer.status_code == 403
        assert answer.json() == {
            "code": 40310000,
            "message": "potential wash trade detected. use complex orders",
            "existing_order_id": stop["id"],
            "reject_reason": "opposite side market/stop order exists",
        }
        emulator.call("DELETE", f"/v2/orders/{stop['id']}")
        fresh(emulator, LIMIT | {"side": "sell", "limit_price": "105"})
        fresh(emulator, LIMIT | {"limit_price": "104.99", "qty": "0.1"} | {"limit_price": "90"})
        crossing = emulator.call("POST", "/v2/orders", json=LIMIT | {"limit_price": "105"})
        assert "use complex/limit/stop_limit orders" in crossing.json()["reject_reason"]
        fresh(emulator, BRACKET)


def test_shares_held_by_open_sells_cannot_be_sold_again() -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        fresh(emulator, PLAIN | {"qty": "10"})
        fresh(emulator, LIMIT | {"side": "sell", "limit_price": "110", "qty": "8"})
        answer = emulator.call("POST", "/v2/orders", json=PLAIN | {"side": "sell", "qty": "5"})
        assert answer.status_code == 403
        assert answer.json() == {
            "code": 40310000,
            "message": "insufficient qty available for order (requested: 5, available: 2)",
            "symbol": "AAPL",
            "existing_qty": "10",
            "held_for_orders": "8",
            "available": "2",
        }


def test_shorting_has_its_conditions() -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        resting = fresh(emulator, LIMIT)
        short = PLAIN | {"side": "sell", "type": "limit", "limit_price": "110"}
        answer = emulator.call("POST", "/v2/orders", json=short)
        assert answer.json()["message"] == "cannot open a short sell while a long buy order is open"
        emulator.call("DELETE", f"/v2/orders/{resting['id']}")
        emulator.call("PATCH", "/v2/account/configurations", json={"no_shorting": True})
        assert emulator.call("POST", "/v2/orders", json=short).json()["message"] == "account is not allowed to short"
        emulator.call("PATCH", "/v2/account/configurations", json={"no_shorting": False})
        fresh(emulator, PLAIN | {"side": "sell", "qty": "10"})
        flip = emulator.call("POST", "/v2/orders", json=PLAIN | {"qty": "11"})
        assert (flip.status_code, flip.json()["available"]) == (403, "10")


def test_a_small_account_is_lent_nothing_and_open_orders_reserve_money() -> None:
    poor = EmulatorSettings(accounts=(AccountSettings(cash_usd="1500"),), trading_calls_per_minute=0)
    with Emulator(settings=poor) as emulator:
        emulator.step_to(5)
        fresh(emulator, LIMIT | {"qty": "10"})
        answer = emulator.call("POST", "/v2/orders", json=LIMIT | {"qty": "6", "limit_price": "98"})
        assert answer.json()["message"] == "insufficient buying power"
        assert (answer.json()["buying_power"], answer.json()["cost_basis"]) == ("510", "588")
        emulator.call("DELETE", "/v2/orders")
        short = emulator.call("POST", "/v2/orders", json=PLAIN | {"side": "sell"})
        assert short.json()["message"] == "account is not allowed to short"


def test_suspended_trading_refuses_every_new_order_and_no_cancel() -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        resting = fresh(emulator, LIMIT)
        emulator.call("PATCH", "/v2/account/configurations", json={"suspend_trade": True})
        answer = emulator.call("POST", "/v2/orders", json=PLAIN)
        assert (answer.status_code, answer.json()["message"]) == (403, "new orders are rejected by user request")
        assert emulator.call("GET", "/v2/account").json()["trade_suspended_by_user"] is True
        assert emulator.call("DELETE", f"/v2/orders/{resting['id']}").status_code == 204


def test_option_market_orders_need_an_open_market() -> None:
    with Emulator() as emulator:
        emulator.step_to(CLOSE_S + 1)
        answer = emulator.call("POST", "/v2/orders", json=OPTION)
        assert answer.json()["message"] == "options market orders are only allowed during market hours"


CHANGES: list[tuple[dict[str, Any], dict[str, Any], int, str]] = [
    (LIMIT, {"qty": "1000000"}, 403, "insufficient buying power"),
    (LIMIT | {"side": "sell", "limit_price": "105", "qty": "10"}, {"qty": "11"}, 403, "insufficient qty available for order"),
    (LIMIT, {"time_in_force": "opg"}, 403, "opg orders must be submitted after 7:00pm"),
    (LIMIT | {"extended_hours": True}, {"time_in_force": "ioc"}, 422, "extended hours order must be DAY or GTC limit orders"),
    (BRACKET, {"time_in_force": "fok"}, 422, "bracket orders must be DAY or GTC orders"),
    (PLAIN | {"type": "stop", "stop_price": "101"}, {"time_in_force": "ioc"}, 422, "invalid time_in_force"),
    (PLAIN | {"type": "stop", "stop_price": "101"}, {"stop_price": "99"}, 422, "stop price must be greater than current price"),
]


@pytest.mark.parametrize(("body", "change", "http", "words"), CHANGES)
def test_a_replacement_that_could_be_no_order_is_refused_and_changes_nothing(
    body: dict[str, Any], change: dict[str, Any], http: int, words: str
) -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        fresh(emulator, PLAIN | {"qty": "10"})
        made = fresh(emulator, body)
        answer = emulator.call("PATCH", f"/v2/orders/{made['id']}", json=change)
        assert words in answer.text
        assert answer.status_code == http
        after = emulator.call("GET", f"/v2/orders/{made['id']}").json()
        assert (after["status"], after["replaced_by"]) == ("new", None)


def test_a_replacement_that_would_cross_an_own_order_is_a_wash_trade() -> None:
    with Emulator() as emulator:
        emulator.step_to(5)
        fresh(emulator, PLAIN | {"qty": "10"})
        sell = fresh(emulator, LIMIT | {"side": "sell", "limit_price": "105"})
        buy = fresh(emulator, LIMIT)
        answer = emulator.call("PATCH", f"/v2/orders/{buy['id']}", json={"limit_price": "105"})
        assert (answer.status_code, answer.json()["existing_order_id"]) == (403, sell["id"])


def test_a_rest_may_take_the_place_of_itself() -> None:
    """What an order holds itself does not stand against its replacement."""
    with Emulator() as emulator:
        emulator.step_to(5)
        fresh(emulator, PLAIN | {"qty": "10"})
        sell = fresh(emulator, LIMIT | {"side": "sell", "limit_price": "105", "qty": "10"})
        large = fresh(emulator, LIMIT | {"qty": "4000", "limit_price": "90"})
        assert emulator.call("PATCH", f"/v2/orders/{sell['id']}", json={"limit_price": "106"}).status_code == 200
        assert emulator.call("PATCH", f"/v2/orders/{large['id']}", json={"limit_price": "91"}).status_code == 200


def test_bytes_that_are_no_text_are_refused(emulator: Emulator) -> None:
    headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
    answer = requests.post(emulator.addresses.rest + "/v2/orders", data=b'{"symbol": "\xff"}', headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)
