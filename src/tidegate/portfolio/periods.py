"""The account's trading day, week and month: when losses and spending begin to count anew.

The engine reads no calendar. A day is what a venue's `SessionChanged` names, and begins at its pre-open, so that holidays, early
closes and changes of the clock are the venue's own. A week is the ISO week of the day's date, a month its calendar month.
"""

from datetime import date
from enum import StrEnum
from typing import final

import msgspec

from tidegate.values.time import NEVER_NS


class Period(StrEnum):
    """What a limit counts over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@final
class Periods(msgspec.Struct, kw_only=True):
    """Which day it is, and which one comes. ISO dates; empty: none was told yet."""

    day: str = ""
    next_day: str = ""
    next_ns: int = NEVER_NS  # when the next day begins

    def fold_session(self, day: str, pre_open_ns: int) -> None:
        """Take in a venue's day. Of several venues' days the latest is the account's; one that is on or over changes nothing."""
        if day > max(self.day, self.next_day):
            self.next_day, self.next_ns = day, pre_open_ns

    def roll(self, now_ns: int) -> tuple[Period, ...]:
        """Begin the next day if it is time; return the periods that begin with it."""
        if now_ns < self.next_ns:
            return ()
        before, self.day = self.day, self.next_day
        self.next_day, self.next_ns = "", NEVER_NS
        if not before:
            return ()  # the first day that is told goes on where the books stand
        was, now = date.fromisoformat(before), date.fromisoformat(self.day)
        begun = [Period.DAY]
        if was.isocalendar()[:2] != now.isocalendar()[:2]:
            begun.append(Period.WEEK)
        if (was.year, was.month) != (now.year, now.month):
            begun.append(Period.MONTH)
        return tuple(begun)
