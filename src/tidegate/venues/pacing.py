"""How often orders may be changed: a pause for each order, a number in a window for each strategy. Pure, bounded.

Cancels are not paced: nothing of ours may keep an order alive.
"""

from collections import OrderedDict, deque
from typing import Final, final

import msgspec

from tidegate.values.time import MINUTE_NS, SECOND_NS

REMEMBERED_MAX: Final = 4_096


class ChangePace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pace: `order_ns_min` between changes of one order, at most `strategy_max` changes of a strategy in `window_ns`."""

    order_ns_min: int = SECOND_NS
    strategy_max: int = 30
    window_ns: int = MINUTE_NS


@final
class Pacer:
    """Remembers when orders were changed. Every method takes monotonic ns."""

    def __init__(self, pace: ChangePace) -> None:
        self._pace = pace
        self._changed_ns: OrderedDict[str, int] = OrderedDict()  # by the id of the newest order of a chain
        self._strategies: OrderedDict[str, deque[int]] = OrderedDict()

    def wait_ns(self, order_id: str, strategy_id: str, now_ns: int) -> int:
        """Return how long a change of an order must still wait; 0: it may go."""
        waits = [0]
        changed_ns = self._changed_ns.get(order_id)
        if changed_ns is not None:
            waits.append(changed_ns + self._pace.order_ns_min - now_ns)
        recent = self._strategies.get(strategy_id)
        if recent is not None and len(recent) >= self._pace.strategy_max:
            waits.append(recent[0] + self._pace.window_ns - now_ns)
        return max(waits)

    def changed(self, successor_id: str, strategy_id: str, now_ns: int) -> None:
        """Note a change: the order goes on under its successor's id."""
        self._changed_ns[successor_id] = now_ns
        self._strategies.setdefault(strategy_id, deque(maxlen=self._pace.strategy_max)).append(now_ns)
        while len(self._changed_ns) > REMEMBERED_MAX:
            self._changed_ns.popitem(last=False)
        while len(self._strategies) > REMEMBERED_MAX:
            self._strategies.popitem(last=False)
