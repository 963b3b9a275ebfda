"""Whatever clients send in whatever order: every answer is one of the venue's, and the books agree with the fills."""

from typing import Any

import pytest
from alpaca.trading.models import Order as ClientOrder
from alpaca.trading.models import Position as ClientPosition
from alpaca.trading.models import TradeAccount, TradeUpdate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulators.alpaca.kit import CALL, HIGHER_CALL, NOW_NS, market, tape
from tidegate.clock.clock import ManualClock
from tidegate.emulators.alpaca import positions, trading
from tidegate.emulators.alpaca.accounts import Account
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.errors import WireRefusal
from tidegate.emulators.alpaca.orders import Status, body_of
from tidegate.emulators.alpaca.settings import KEY, EmulatorSettings
from tidegate.emulators.alpaca.world import World
from tidegate.values.enums import Side
from tidegate.values.money import attos, nanos
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("X3", "G1", "G2", "G3")

TAPE = tape(market())
HTTP = {403, 404, 422}

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "0", "-1", "x", "1e3", "NaN", 1.5, True, [], {}, "0.0000000001", "99999999999999999999"]
)
PRICE = st.integers(9_900, 10_250).map(lambda cents: f"{cents / 100:.2f}")
NUMBER = st.one_of(PRICE, ODD)
EXIT = st.one_of(st.none(), st.fixed_dictionaries({}, optional={"limit_price": NUMBER, "stop_price": NUMBER}), ODD)
LEG = st.fixed_dictionaries(
    {"symbol": st.sampled_from([CALL.symbol, HIGHER_CALL.symbol, "AAPL"]), "ratio_qty": st.one_of(st.just("1"), ODD)},
    optional={"side": st.sampled_from(["buy", "sell"]), "position_intent": st.sampled_from(["buy_to_open", "sell_to_open", "odd"])},
)
BODY = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAPL", "AAPL", "MSFT", CALL.symbol, "NOPE"]),
        "side": st.sampled_from(["buy", "sell", "odd"]),
        "type": st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop", "odd"]),
        "time_in_force": st.sampled_from(["day", "day", "gtc", "ioc", "fok", "opg", "odd"]),
    },
    optional={
        "qty": st.one_of(st.integers(1, 900).map(str), ODD),
        "notional": ODD,
        "limit_price": NUMBER,
        "stop_price": NUMBER,
        "trail_price": NUMBER,
        "trail_percent": NUMBER,
        "extended_hours": ODD,
        "order_class": st.sampled_from(["", "simple", "bracket", "oco", "oto", "mleg", "odd"]),
        "take_profit": EXIT,
        "stop_loss": EXIT,
        "legs": st.one_of(st.lists(LEG, max_size=5), ODD),
        "client_order_id": st.sampled_from(["a", "b", "x" * 200, 5]),
        "position_intent": st.sampled_from(["buy_to_open", "sell_to_close", "odd"]),
    },
)


def sound(symbol: str, side: str, shares: int, cents: int) -> dict[str, str]:
    return {
        "symbol": symbol,
        "side": side,
        "type": "limit",
        "time_in_force": "day",
        "qty": str(shares),
        "limit_price": f"{cents / 100:.2f}",
    }


GOOD = st.builds(sound, st.just("AAPL"), st.sampled_from(["buy", "sell"]), st.integers(1, 900), st.integers(9_990, 10_200))
BRACKET = st.builds(
    lambda body, profit, loss: (
        body
        | {
            "order_class": "bracket",
            "take_profit": {"limit_price": f"{profit / 100:.2f}"},
            "stop_loss": {"stop_price": f"{loss / 100:.2f}"},
        }
    ),
    GOOD,
    st.integers(10_050, 10_250),
    st.integers(9_800, 9_989),
)
CHANGE = st.fixed_dictionaries({}, optional={"qty": st.one_of(st.integers(1, 900).map(str), ODD), "limit_price": NUMBER, "trail": ODD})
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.one_of(BODY, GOOD, GOOD, BRACKET)),
        st.tuples(st.just("replace"), CHANGE),
        st.tuples(st.just("cancel"), st.none()),
        st.tuples(st.just("cancel_all"), st.none()),
        st.tuples(
            st.just("close"), st.fixed_dictionaries({}, optional={"qty": ODD, "percentage": st.sampled_from(["50", "0", "101", "x"])})
        ),
        st.tuples(st.just("close_all"), st.booleans()),
        st.tuples(st.just("step"), st.integers(1, 90)),
        st.tuples(st.just("step"), st.integers(1, 90)),
    ),
    max_size=30,
)


class Client:
    """Sends what it is told to and keeps what it hears."""

    def __init__(self, latency: str) -> None:
        self.clock = ManualClock(NOW_NS)
        self.world = World([TAPE], EmulatorSettings(order_latency=latency), self.clock, reference=Reference(), compiler=None)
        self.desk: Desk = self.world.desks[KEY]
        self.heard: list[dict[str, Any]] = []
        self.refusals: list[WireRefusal] = []
        publish = self.desk._publish

        def hear(account: Account, update: dict[str, Any]) -> None:
            self.heard.append(update)
            publish(account, update)

        self.desk._publish = hear  # type: ignore[misc]

    def do(self, what: str, argument: Any) -> None:
        orders = list(self.desk.blotter)
        last = orders[-1].id if orders else "nothing"
        try:
            match what:
                case "create":
                    ClientOrder(**trading.create(self.desk, argument))
                case "replace":
                    ClientOrder(**trading.replace(self.desk, last, argument))
                case "cancel":
                    trading.cancel(self.desk, last)
                case "cancel_all":
                    trading.cancel_all(self.desk)
                case "close":
                    trading.close_position(self.desk, "AAPL", argument)
                case "close_all":
                    trading.close_all(self.desk, cancel_orders=argument)
                case _:
                    self.clock.advance(argument * SECOND_NS)
                    self.world.play()
        except WireRefusal as refusal:
            self.refusals.append(refusal)
        self.world.settle()


def check_books(client: Client) -> None:
    """Cash and positions follow from the fills alone; orders show them; the client can read everything."""
    desk = client.desk
    cash, shares = attos("100000"), dict.fromkeys(("AAPL", "MSFT", CALL.symbol, HIGHER_CALL.symbol), 0)
    for row in desk.account.activities:
        option = row["symbol"] in {CALL.symbol, HIGHER_CALL.symbol}
        signed = nanos(str(row["qty"])) * Side(row["side"]).sign
        cash -= signed * nanos(str(row["price"])) * (100 if option else 1)
        shares[str(row["symbol"])] += signed
    assert desk.account.cash_attos == cash
    assert {symbol: held.quantity_nanos for symbol, held in desk.account.positions.items()} == {
        symbol: held for symbol, held in shares.items() if held
    }
    for order in desk.blotter:
        assert 0 <= order.filled_nanos <= order.worked_nanos
        assert (order.status is Status.FILLED) == (order.worked_nanos > 0 and order.filled_nanos == order.worked_nanos)
        assert ClientOrder(**body_of(order, nested=True)).client_order_id == order.client_order_id
    for row in positions.listed(desk, 0):
        ClientPosition(**row)
    TradeAccount(**positions.account_body(desk))


@given(STEPS, st.sampled_from(["0", "0", "2s"]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_client_gets_answers_and_the_books_agree_with_the_fills(steps: list[tuple[str, Any]], latency: str) -> None:
    client = Client(latency)
    for what, argument in steps:
        client.do(what, argument)
    check_books(client)
    for _ in range(3):  # a fill may win over a cancel, and then the exits of its order are to be canceled as well
        client.do("cancel_all", None)
        client.do("step", 10)
    check_books(client)
    assert client.desk.blotter.open() == []
    for refusal in client.refusals:
        assert refusal.http in HTTP
        assert isinstance(refusal.body["message"], str)
        assert isinstance(refusal.body["code"], int)
    for update in client.heard:
        TradeUpdate(**update)
    assert len({update["execution_id"] for update in client.heard}) == len(client.heard)
