"""What the account has lost today, this week and this month, and how far it stands below its peaks.

Worth is cash plus positions at the side they would be closed against, fees paid: realized and unrealized together. It is compared
with the worth at the last valuation before the period began, so that an overnight gap counts to the day that it opens. Money
that is paid in or out moves what worth is compared with, and is neither gain nor loss. Money in attos.
"""

from typing import Annotated, final

import msgspec

from tidegate.portfolio.periods import Period
from tidegate.portfolio.valuation import MICRO

BPS = 10_000


@final
class LossBook:
    """Changed by folding only: valuations, transfers, and the beginning of periods."""

    __slots__ = ("day_peak", "opened", "peak", "seen", "unpriced_ns", "worth")

    def __init__(self, worth_attos: int) -> None:
        self.worth = worth_attos  # at the last valuation, at its worst where something has had no price for too long
        self.seen = worth_attos  # when everything had a price last: a worst case begins no period
        self.opened = dict.fromkeys(Period, worth_attos)  # worth when each period began
        self.day_peak = worth_attos
        self.peak = worth_attos  # of all time
        self.unpriced_ns = 0  # since when something held has no price; 0: all have one

    def fold_valued(self, now_ns: int, worth_attos: int | None) -> None:
        """Take a valuation in; None: something held has no price, and what was known stays."""
        if worth_attos is None:
            self.unpriced_ns = self.unpriced_ns or now_ns
            return
        self.unpriced_ns = 0
        self.seen = worth_attos
        self._put(worth_attos)

    def fold_worst(self, worth_attos: int) -> None:
        """Take in what the account is worth if what has no price comes out at its worst; it still has no price."""
        self._put(worth_attos)

    def fold_begun(self, begun: tuple[Period, ...]) -> None:
        """Begin periods where the account stood when all of it was last valued."""
        for period in begun:
            self.opened[period] = self.seen
        if Period.DAY in begun:
            self.day_peak = self.seen

    def fold_transfer(self, change_attos: int) -> None:
        """Take in money or holdings that came or went without a trade of ours."""
        self.worth += change_attos
        self.seen += change_attos
        self.day_peak += change_attos
        self.peak += change_attos
        for period in self.opened:
            self.opened[period] += change_attos

    def lost_micros(self, period: Period, worth_attos: int) -> int:
        """Return the loss of a period in millionths of a dollar, rounded up; 0 where there is none."""
        opened = self.opened[period]
        return 0 if worth_attos >= opened else -((worth_attos - opened) // MICRO)

    def day_drawdown_bps(self, worth_attos: int) -> int:
        """Return how far worth lies below its peak of the day, rounded up."""
        return _below(self.day_peak, worth_attos)

    def drawdown_bps(self, worth_attos: int) -> int:
        """Return how far worth lies below its peak of all time, rounded up."""
        return _below(self.peak, worth_attos)

    def rows(self) -> "LossRows":
        """Return the state as a value."""
        return LossRows(
            worth=str(self.worth),
            opened=[str(self.opened[period]) for period in Period],
            day_peak=str(self.day_peak),
            peak=str(self.peak),
            unpriced_ns=self.unpriced_ns,
            seen=str(self.seen),
        )

    def restore(self, rows: "LossRows") -> None:
        """Become the state of a value."""
        self.worth = int(rows.worth)
        self.seen = int(rows.seen or rows.worth)
        self.opened = dict(zip(Period, map(int, rows.opened), strict=True))
        self.day_peak, self.peak = int(rows.day_peak), int(rows.peak)
        self.unpriced_ns = rows.unpriced_ns

    def _put(self, worth_attos: int) -> None:
        self.worth = worth_attos
        self.day_peak = max(self.day_peak, worth_attos)
        self.peak = max(self.peak, worth_attos)


class LossRows(msgspec.Struct, frozen=True, array_like=True):
    """A loss book as a snapshot keeps it; money as text, since 64 bits do not hold it."""

    worth: str
    opened: Annotated[list[str], msgspec.Meta(min_length=len(Period), max_length=len(Period))]
    day_peak: str
    peak: str
    unpriced_ns: int
    seen: str = ""  # empty: of a version that did not keep it


def _below(peak_attos: int, worth_attos: int) -> int:
    """Return the share of a peak that is gone, in basis points; all of it where the peak itself was nothing."""
    gone = peak_attos - worth_attos
    if gone <= 0:
        return 0
    return BPS if peak_attos <= 0 else -(-gone * BPS // peak_attos)
