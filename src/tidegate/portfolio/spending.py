"""What entries have committed today, this week and this month: the worth of what they filled and of what they may still fill.

An entry counts in full from its command on. What of it ends unfilled is given back; what works over the beginning of a period counts
in the new one with what is left of it. Exits spend nothing. Money in attos.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Annotated, Final, Protocol, final

import msgspec

from tidegate.portfolio.periods import Period
from tidegate.values.enums import Purpose

ENDED_KEPT: Final = 1_024  # orders whose late fills are still told apart from new ones

_ENTRY: Final = Purpose.ENTRY


class SpendingOrder(Protocol):
    """What is read of an order: `oms.order.Order` is one."""

    @property
    def client_order_id(self) -> str:
        """Our id of the order."""

    @property
    def purpose(self) -> Purpose:
        """Whether it may add risk."""

    @property
    def remaining_nanos(self) -> int:
        """What may still fill; 0 when it is done."""

    @property
    def price_nanos(self) -> int:
        """What a unit of the rest is valued at."""

    @property
    def filled_cost_attos(self) -> int:
        """What the filled quantity cost, unsigned."""

    @property
    def working(self) -> bool:
        """False once it is proved that nothing of it works."""

    @property
    def external(self) -> bool:
        """Somebody else's order."""


_PERIODS: Final = tuple(Period)
_NOTHING: Final = (0,) * len(_PERIODS)


class _Counted(msgspec.Struct, gc=False):
    filled: int = 0
    ahead: int = 0  # what it may still fill
    before: tuple[int, ...] = _NOTHING  # what of it had filled when each period began


@final
class SpendBook:
    """Changed by folding only."""

    __slots__ = ("_ended", "_working", "spent")

    def __init__(self) -> None:
        self.spent = dict.fromkeys(Period, 0)
        self._working: dict[str, _Counted] = {}
        self._ended: OrderedDict[str, _Counted] = OrderedDict()

    def fold_order(self, order: SpendingOrder, multiplier: int) -> None:
        """Count an order as it stands now."""
        if order.purpose is not _ENTRY or order.external:
            return
        key, filled = order.client_order_id, order.filled_cost_attos
        ahead = order.remaining_nanos * order.price_nanos * multiplier
        counted = self._working.pop(key, None) or self._ended.pop(key, None) or _Counted()
        spent = self.spent
        if counted.before == _NOTHING:
            more = filled + ahead - counted.filled - counted.ahead
            for period in _PERIODS:
                spent[period] += more
        else:  # what is taken back of an earlier period's fill makes no room in this one
            for period, before in zip(_PERIODS, counted.before, strict=True):
                spent[period] += max(0, filled - before) + ahead - max(0, counted.filled - before) - counted.ahead
        counted.filled, counted.ahead = filled, ahead
        if order.working:
            self._working[key] = counted
        else:
            self._ended[key] = counted
            if len(self._ended) > ENDED_KEPT:
                self._ended.popitem(last=False)

    def fold_begun(self, begun: Iterable[Period]) -> None:
        """Begin periods: what was filled stays behind, what still works goes along."""
        ahead = sum(counted.ahead for counted in self._working.values())
        begun = frozenset(begun)
        for period in begun:
            self.spent[period] = ahead
        for counted in (*self._working.values(), *self._ended.values()):
            counted.before = tuple(
                counted.filled if period in begun else before for period, before in zip(_PERIODS, counted.before, strict=True)
            )

    def rows(self) -> "SpendRows":
        """Return the state as a value."""
        kept = (*sorted(self._working.items()), *self._ended.items())
        return SpendRows(
            spent=[str(self.spent[period]) for period in Period],
            working=[(key, str(c.filled + c.ahead), str(c.filled)) for key, c in sorted(self._working.items())],
            ended=[(key, str(c.filled + c.ahead)) for key, c in self._ended.items()],
            before=[(key, [str(filled) for filled in c.before]) for key, c in kept if any(c.before)],
        )

    def restore(self, rows: "SpendRows") -> None:
        """Become the state of a value."""
        self.spent = dict(zip(Period, map(int, rows.spent), strict=True))
        self._working = {key: _Counted(int(filled), int(committed) - int(filled)) for key, committed, filled in rows.working}
        self._ended = OrderedDict((key, _Counted(int(cost))) for key, cost in rows.ended)
        for key, before in rows.before:
            counted = self._working.get(key) or self._ended[key]
            counted.before = tuple(map(int, before))


class SpendRows(msgspec.Struct, frozen=True, array_like=True):
    """A spend book as a snapshot keeps it; money as text, since 64 bits do not hold it."""

    spent: Annotated[list[str], msgspec.Meta(min_length=len(Period), max_length=len(Period))]
    working: list[tuple[str, str, str]]
    ended: list[tuple[str, str]]
    before: list[tuple[str, list[str]]] = []  # of orders that had filled before a period began
