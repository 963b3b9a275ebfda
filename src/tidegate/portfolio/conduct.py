"""How a strategy's orders fare: refusals by the venue, cancels, repetition, slippage, and how long answers take.

Facts only; what is too much is a limit's matter (`risk.breakers`). Rates are taken over the last so many orders; slippage and delays of
the last few are laid beside what was usual before. Whole numbers throughout, so that every machine counts the same.
"""

from bisect import bisect_right
from collections import defaultdict
from typing import Final, NamedTuple, Protocol, final

import msgspec

from tidegate.portfolio.positions import Fill
from tidegate.values.enums import OrderState, Purpose, Side
from tidegate.values.time import HOUR_NS

ORDERS_MAX: Final = 1_024  # a rate cannot be taken over more
REPEATS_MAX: Final = 65_536  # entries of an hour in one symbol that are counted
RECENT: Final = 10  # the last samples, laid beside those before them
HISTORY_MIN: Final = 30  # samples before there is a usual
HISTORY_MAX: Final = 1_000  # then each counts half: what was usual long ago fades
MILLI_BPS_MAX: Final = 1_000_000  # a worse slippage counts as this: a tenth of the price
DELAY_MAX: Final = 600_000  # likewise a delay: a minute
TENTH_MS_NS: Final = 100_000  # the unit of delays
MILLI_BPS: Final = 10_000_000  # thousandths of a basis point in one

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_REJECTED: Final = OrderState.REJECTED
_CANCELED: Final = OrderState.CANCELED
_UNANSWERED: Final = frozenset({OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN})
_NO_ANSWER: Final = _UNANSWERED | {OrderState.NOT_SENT, OrderState.ABSENT}


class ConductOrder(Protocol):
    """What is read of an order: `oms.order.Order` is one."""

    @property
    def strategy_id(self) -> str:
        """Who owns it; empty: an order that is not ours."""

    @property
    def symbol(self) -> str:
        """What it trades."""

    @property
    def purpose(self) -> Purpose:
        """Whether it may add risk."""

    @property
    def state(self) -> OrderState:
        """Where it stands."""

    @property
    def working(self) -> bool:
        """False once it is proved that nothing of it works."""

    @property
    def filled_nanos(self) -> int:
        """What has filled."""

    @property
    def cancel_ns(self) -> int:
        """When its cancel was last commanded; 0: never, or refused."""

    @property
    def submitted_ns(self) -> int:
        """When it was commanded."""

    @property
    def reference_price_nanos(self) -> int:
        """The side of the book it was priced against; 0: none was seen."""

    @property
    def is_protective(self) -> bool:
        """A stop that waits at the venue: its fills tell nothing of the way there."""


class Recent(NamedTuple):
    """The last samples beside those before: means, and the square of the usual deviation. None: too few."""

    mean: int
    usual: int | None
    variance: int


@final
class Series(msgspec.Struct, array_like=True, gc=False):
    """Samples of one figure: the last few one by one, those before as sums."""

    recent: list[int] = msgspec.field(default_factory=list)
    count: int = 0
    total: int = 0
    squares: int = 0

    def add(self, sample: int) -> None:
        """Take a sample in; the oldest of the recent ones becomes history."""
        recent = self.recent
        recent.append(sample)
        if len(recent) <= RECENT:
            return
        oldest = recent.pop(0)
        self.count += 1
        self.total += oldest
        self.squares += oldest * oldest
        if self.count >= HISTORY_MAX:
            self.count, self.total, self.squares = self.count // 2, self.total // 2, self.squares // 2

    def is_calm(self, limit: int, floor: int) -> bool:
        """Tell whether the recent samples lie neither above a limit nor more than floor above the usual: how wide that is matters not.

        So it is nearly always, after every order, and quickly found.
        """
        recent = self.recent
        if len(recent) < RECENT:
            return True
        mean = sum(recent) // RECENT
        return mean <= limit and (self.count < HISTORY_MIN or mean - self.total // self.count <= floor)

    def seen(self) -> Recent | None:
        """Return the recent samples beside the usual; None while there are too few recent ones."""
        if len(self.recent) < RECENT:
            return None
        mean = sum(self.recent) // RECENT
        if self.count < HISTORY_MIN:
            return Recent(mean, None, 0)
        usual = self.total // self.count
        return Recent(mean, usual, max(0, self.squares // self.count - usual * usual))


@final
class Outcomes(msgspec.Struct, array_like=True, gc=False):
    """What became of the last orders, yes or no: the numbers of those with a yes, so that a share is counted without walking them."""

    count: int = 0
    yes: list[int] = msgspec.field(default_factory=list)  # ascending; the first order is number 1

    def add(self, *, told: bool) -> None:
        """Take the next order's outcome in."""
        self.count += 1
        if told:
            self.yes.append(self.count)
        if self.yes and self.yes[0] <= self.count - ORDERS_MAX:
            del self.yes[0]

    def among_last(self, orders: int) -> int:
        """Return how many of the last so many, at most ORDERS_MAX, were a yes; 0 while there are fewer."""
        if not self.yes or self.count < orders:
            return 0
        return len(self.yes) - bisect_right(self.yes, self.count - orders)

    def clear(self) -> None:
        """Count anew."""
        self.count = 0
        self.yes.clear()


@final
class Conduct(msgspec.Struct, kw_only=True):
    """One strategy's record."""

    answered: Outcomes = msgspec.field(default_factory=Outcomes)  # did the venue refuse it
    ended: Outcomes = msgspec.field(default_factory=Outcomes)  # of those that ended: did we cancel it before it filled at all
    rejects_in_row: int = 0
    entries_ns: dict[str, list[int]] = msgspec.field(default_factory=dict)  # by symbol: entries of the last hour
    slippage: Series = msgspec.field(default_factory=Series)  # thousandths of a basis point against the price decided on; worse is more
    delay: Series = msgspec.field(default_factory=Series)  # tenths of a millisecond from the command to the venue's first word


@final
class ConductBook:
    """The records of all strategies. Changed by folding only."""

    __slots__ = ("strategies",)

    def __init__(self) -> None:
        self.strategies: defaultdict[str, Conduct] = defaultdict(Conduct)

    def of(self, strategy_id: str) -> Conduct:
        """Return a strategy's record."""
        return self.strategies[strategy_id]

    def entries_of(self, strategy_id: str, symbol: str, now_ns: int) -> int:
        """Return how many entries of a strategy in a symbol were commanded in the hour that ends now; asking forgets nothing."""
        conduct = self.strategies.get(strategy_id)
        times = conduct.entries_ns.get(symbol) if conduct is not None else None
        if not times:
            return 0
        return len(times) if times[0] > now_ns - HOUR_NS else len(times) - bisect_right(times, now_ns - HOUR_NS)

    def fold_entry(self, strategy_id: str, symbol: str, now_ns: int) -> None:
        """Count an entry that was commanded."""
        times = self.strategies[strategy_id].entries_ns.setdefault(symbol, [])
        while times and times[0] <= now_ns - HOUR_NS:
            times.pop(0)
        if len(times) < REPEATS_MAX:
            times.append(now_ns)

    def fold_change(self, order: ConductOrder, before: OrderState, fills: tuple[Fill, ...], now_ns: int, multiplier: int) -> None:
        """Take in what an event did to one of our orders."""
        if not order.strategy_id:
            return
        conduct, after = self.strategies[order.strategy_id], order.state
        if before in _UNANSWERED and after not in _NO_ANSWER:
            _answered(conduct, order, now_ns)
        if not order.working and after is not before:
            conduct.ended.add(told=after is _CANCELED and order.cancel_ns > 0 and not order.filled_nanos)
        if fills and order.reference_price_nanos > 0 and not order.is_protective:
            for fill in fills:
                _slipped(conduct, order, fill, multiplier)

    def fold_tripped(self, strategy_id: str, *, by_person: bool) -> None:
        """Forget what a breaker has acted on: it counts anew. What is usual stays.

        The entries of the last hour are forgotten by a person alone: what opens again by itself would count them anew every cooldown.
        """
        conduct = self.strategies[strategy_id]
        conduct.answered.clear()
        conduct.ended.clear()
        conduct.rejects_in_row = 0
        if by_person:
            conduct.entries_ns.clear()
        conduct.slippage.recent.clear()
        conduct.delay.recent.clear()


def _answered(conduct: Conduct, order: ConductOrder, now_ns: int) -> None:
    rejected = order.state is _REJECTED
    conduct.answered.add(told=rejected)
    conduct.rejects_in_row = conduct.rejects_in_row + 1 if rejected else 0
    conduct.delay.add(min(DELAY_MAX, max(0, now_ns - order.submitted_ns) // TENTH_MS_NS))


def _slipped(conduct: Conduct, order: ConductOrder, fill: Fill, multiplier: int) -> None:
    sign = 1 if fill.side is _BUY else -1
    filled = sign * fill.quantity_nanos
    if filled <= 0:
        return  # a reversal, or a restatement of an earlier one
    reference = filled * multiplier * order.reference_price_nanos
    worse = sign * (abs(fill.cost_attos) - reference)
    conduct.slippage.add(max(-MILLI_BPS_MAX, min(MILLI_BPS_MAX, worse * MILLI_BPS // reference)))
