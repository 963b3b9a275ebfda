"""Restates our books when a split has restated the venue's: by what corporate actions announce, once its positions show it.

An announced split alone moves nothing, since venues book it in the night before the ex day at a time of their own; a position that has
become other by itself is no split. Both together are, while no order works that may have filled: then every holding, its exit levels and
its entry's plan are in new units, and the reconciliation that follows finds no difference. What else corporate actions bring (dividends,
spin-offs, mergers, other symbols) is found by reconciliation, and a person looks.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple, Protocol

from tidegate.clock.clock import Clock
from tidegate.engine.books import Books
from tidegate.events.inputs import PositionRestated
from tidegate.values.money import NANOS
from tidegate.values.time import HOUR_NS, MINUTE_NS, utc_date
from tidegate.venues.alpaca.mapping.corporate import ActionKind, VenueAction
from tidegate.venues.errors import UnknownWordError, VenueError
from tidegate.venues.port import VenuePosition
from tidegate.venues.waiting import Wait, wait_out

BACK: Final = timedelta(days=10)  # a trader that was away for so long finds its positions restated
EVERY_NS: Final = HOUR_NS
RETRY_NS: Final = MINUTE_NS
_TERM_MAX: Final = 10**9  # of a factor: more is no split that anybody makes
_SPLITS: Final = frozenset({ActionKind.FORWARD_SPLIT, ActionKind.REVERSE_SPLIT, ActionKind.STOCK_DIVIDEND})


class Announced(Protocol):
    """What can be asked for corporate actions."""

    def corporate_actions(self, symbols: Sequence[str], first_day: str, last_day: str) -> AsyncIterator[VenueAction]:
        """See `ReferenceDesk.corporate_actions`."""


class Split(NamedTuple):
    """A holding of q shares becomes q x factor on a day (ISO)."""

    symbol: str
    factor: Fraction
    day: str
    kind: ActionKind


def split_of(action: VenueAction) -> Split | None:
    """Return what an action does to a holding by a factor alone; None: it is none of this kind, or not whole."""
    if action.kind not in _SPLITS or action.doubts or action.new_symbol not in ("", action.symbol):
        return None
    if not action.restates_on or not action.old_rate or not action.new_rate:
        return None
    old, new = Fraction(Decimal(action.old_rate)), Fraction(Decimal(action.new_rate))
    if old <= 0 or new <= 0:
        return None
    factor = 1 + new / old if action.kind is ActionKind.STOCK_DIVIDEND else new / old
    if factor == 1 or max(factor.as_integer_ratio()) > _TERM_MAX:
        return None
    return Split(action.symbol, factor, action.restates_on, action.kind)


def restated(splits: Sequence[Split], books: Books, positions: Sequence[VenuePosition]) -> list[tuple[Split, PositionRestated]]:
    """Return the splits that the venue's positions show and our books do not: a fraction of a share may be paid out.

    One that was booked must not be asked for again: a position that has grown by as much since is another difference.
    """
    held = {position.symbol: position.quantity_nanos for position in positions}
    working = {order.symbol for order in books.working_orders()}
    found = []
    for split in splits:
        ours, theirs = books.net_nanos(split.symbol), held.get(split.symbol, 0)
        if split.symbol not in working and ours and theirs != ours and abs(theirs - ours * split.factor) < NANOS:
            found.append((split, _message(split)))
    return found


def _message(split: Split) -> PositionRestated:
    return PositionRestated(
        event_id="",
        timestamp=0,
        symbol=split.symbol,
        strategy_id="",
        correlation_id="",
        numerator=split.factor.numerator,
        denominator=split.factor.denominator,
        reason=f"{split.kind.value.replace('_', ' ')} of {split.day}",
    )


async def follow_splits(venue: Announced, symbols: Sequence[str], know: Callable[[list[Split]], None], clock: Clock, wait: Wait) -> None:
    """Ask for the splits of the last days and of today, at once and then every hour. For ever."""
    while True:
        wait_ns = EVERY_NS
        today = utc_date(clock.now_ns())
        found: list[Split] = []
        try:
            async for action in venue.corporate_actions(symbols, (today - BACK).isoformat(), today.isoformat()):
                if (split := split_of(action)) is not None and split.day <= today.isoformat():
                    found.append(split)  # noqa: PERF401 - those before an unknown kind count
        except UnknownWordError:
            know(found)
        except VenueError:
            wait_ns = RETRY_NS  # and what was known stays
        else:
            know(found)
        await wait_out(wait_ns, clock, wait)
