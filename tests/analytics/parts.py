"""What scripted sessions are made of: a session, its trading day, checks that held, an order being told."""

from dataclasses import dataclass
from typing import TypedDict

from tidegate.events.acts import CheckResult
from tidegate.events.inputs import SessionChanged
from tidegate.values.enums import OrderState, Side
from tidegate.values.ids import SessionId, event_id
from tidegate.values.time import MILLISECOND_NS, MINUTE_NS, SECOND_NS

Quote = tuple[str, str]  # bid, ask

SESSION = SessionId("testsession12345")
OPEN_NS = 1_381_152_600 * SECOND_NS  # 2013-10-07 13:30 UTC, the opening of that day in New York
CLOSE_NS = OPEN_NS + 390 * MINUTE_NS
PASSED: tuple[CheckResult, ...] = (
    ("quote_age", True, 2 * SECOND_NS, 12 * MILLISECOND_NS),
    ("spread", True, 10, 2),
    ("order_notional", True, 25_000_000_000, 9_840_000_000),
)


class Head(TypedDict):
    """What every message carries."""

    event_id: str
    timestamp: int
    symbol: str
    strategy_id: str
    correlation_id: str


@dataclass
class Order:
    """What the script must remember of an order it sent."""

    client_id: str
    strategy: str
    symbol: str
    side: Side
    quantity: int
    story: str
    state: OrderState = OrderState.SUBMITTED
    filled: int = 0


def trading_hours(n: int, now_ns: int) -> SessionChanged:
    """Return the hours of that day in New York."""
    return SessionChanged(
        event_id=event_id(SESSION, n, 0),
        timestamp=now_ns,
        symbol="",
        strategy_id="",
        correlation_id=event_id(SESSION, n, 0),
        venue="sim",
        day="2013-10-07",
        pre_open_ns=OPEN_NS - 330 * MINUTE_NS,
        open_ns=OPEN_NS,
        close_ns=CLOSE_NS,
        post_close_ns=CLOSE_NS + 240 * MINUTE_NS,
    )
