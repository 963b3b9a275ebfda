"""What was sent lately: counts per minute and the last identical orders.

Bounded, and changed only by folding commands.
"""

from collections import OrderedDict, defaultdict, deque
from typing import Final, final

from tidegate.events.acts import TradeIntent
from tidegate.values.enums import Purpose, Side
from tidegate.values.time import MINUTE_NS

MESSAGES_MAX: Final = 65_536  # per window; a limit above it could not be measured
SIGNATURES_MAX: Final = 4_096

Signature = tuple[str, str, Side, Purpose, int, int]  # strategy, symbol, side, purpose, quantity, limit price


def signature_of(intent: TradeIntent) -> Signature:
    """Return what makes two orders the same order; slices count as the whole they are cut from."""
    return (
        intent.strategy_id,
        intent.symbol,
        intent.side,
        intent.purpose,
        intent.whole_quantity_nanos or intent.quantity_nanos,
        intent.limit_price_nanos,
    )


@final
class MinuteCount:
    """Times of the last minute's messages."""

    __slots__ = ("times",)

    def __init__(self, times: list[int] | None = None) -> None:
        self.times: deque[int] = deque(times or (), MESSAGES_MAX)

    def add(self, now_ns: int) -> None:
        """Count a message and forget those older than a minute."""
        times = self.times
        oldest_ns = now_ns - MINUTE_NS
        while times and times[0] <= oldest_ns:
            times.popleft()
        times.append(now_ns)

    def within_minute(self, now_ns: int) -> int:
        """Return how many were sent in the minute that ends now; asking forgets nothing."""
        times = self.times
        oldest_ns = now_ns - MINUTE_NS
        if not times or times[0] > oldest_ns:
            return len(times)
        stale = 0
        for sent_ns in times:
            if sent_ns > oldest_ns:
                break
            stale += 1
        return len(times) - stale


@final
class Activity:
    """The last minute's orders and messages per symbol, and when each kind of order was last sent."""

    __slots__ = ("by_symbol", "orders", "signatures")

    def __init__(self) -> None:
        self.orders = MinuteCount()
        self.by_symbol: defaultdict[str, MinuteCount] = defaultdict(MinuteCount)
        self.signatures: OrderedDict[Signature, int] = OrderedDict()

    def fold_message(self, symbol: str, now_ns: int) -> None:
        """Count any message about a symbol: order, replace or cancel."""
        self.by_symbol[symbol].add(now_ns)

    def fold_order(self, signature: Signature, now_ns: int) -> None:
        """Count an order and remember what it looked like."""
        self.orders.add(now_ns)
        signatures = self.signatures
        signatures[signature] = now_ns
        signatures.move_to_end(signature)
        if len(signatures) > SIGNATURES_MAX:
            signatures.popitem(last=False)

    def messages_of(self, symbol: str, now_ns: int) -> int:
        """Return how many messages about a symbol were sent in the last minute."""
        count = self.by_symbol.get(symbol)
        return 0 if count is None else count.within_minute(now_ns)
