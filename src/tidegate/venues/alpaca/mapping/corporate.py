"""Corporate actions of every kind as one shape: what becomes of a holding, and from which day.

Prices and open stops are restated on the ex day, never on the payable day, which may be a day earlier.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from tidegate.venues.alpaca.mapping.reading import Reader
from tidegate.venues.alpaca.wire.base import Number
from tidegate.venues.alpaca.wire.reference import CorporateAction, CorporateActions


class ActionKind(StrEnum):
    """What kind of corporate action it is."""

    FORWARD_SPLIT = "forward_split"
    REVERSE_SPLIT = "reverse_split"
    UNIT_SPLIT = "unit_split"
    STOCK_DIVIDEND = "stock_dividend"
    CASH_DIVIDEND = "cash_dividend"
    SPIN_OFF = "spin_off"
    CASH_MERGER = "cash_merger"
    STOCK_MERGER = "stock_merger"
    STOCK_AND_CASH_MERGER = "stock_and_cash_merger"
    REDEMPTION = "redemption"
    NAME_CHANGE = "name_change"
    WORTHLESS_REMOVAL = "worthless_removal"
    RIGHTS_DISTRIBUTION = "rights_distribution"
    PARTIAL_CALL = "partial_call"
    REORGANIZATION = "reorganization"


class VenueAction(msgspec.Struct, frozen=True, kw_only=True):
    """One corporate action: what a holding of q shares of `symbol` brings.

    q x new_rate / old_rate shares, of `new_symbol` if named. Splits, unit splits, name changes and mergers replace the
    holding; spin-offs, stock dividends and rights come on top of it. Rates are exact decimal text, "" where the kind has
    none; `cash_usd` is paid for each old share.
    """

    action_id: str
    kind: ActionKind
    symbol: str
    new_symbol: str
    old_rate: str
    new_rate: str
    cash_usd: str
    ex_day: str  # ISO; "" where the kind has none: then the process day counts
    process_day: str
    doubts: tuple[str, ...] = ()

    @property
    def restates_on(self) -> str:
        """Return the ISO day from which prices and quantities are new."""
        return self.ex_day or self.process_day


KINDS: Final[Mapping[str, ActionKind]] = {f"{kind.value}s": kind for kind in ActionKind}  # the page's keys are plurals


def venue_actions(page: CorporateActions) -> tuple[list[VenueAction], list[str]]:
    """Return the actions of a page, and the kinds that are not known, which somebody must look at."""
    found: list[VenueAction] = []
    unknown: list[str] = []
    for name, rows in (page.corporate_actions or {}).items():
        kind = KINDS.get(name)
        if kind is None:
            unknown.append(name)
            continue
        found += [_action(kind, row) for row in rows or ()]
    return found, unknown


def _action(kind: ActionKind, row: CorporateAction) -> VenueAction:
    read = Reader()
    merger = kind in {ActionKind.STOCK_MERGER, ActionKind.STOCK_AND_CASH_MERGER, ActionKind.CASH_MERGER}
    old, new = (row.acquiree_rate, row.acquirer_rate) if merger else (row.source_rate or row.old_rate, row.new_rate)
    shares_are_rate = kind in {ActionKind.STOCK_DIVIDEND, ActionKind.RIGHTS_DISTRIBUTION}
    cash: Number = row.cash_rate if row.cash_rate is not None else None if shares_are_rate else row.rate
    symbol = row.acquiree_symbol if merger else row.symbol or row.source_symbol or row.old_symbol
    if not symbol:
        read.doubt("symbol", "nothing")
    return VenueAction(
        action_id=row.id or "",
        kind=kind,
        symbol=symbol or "",
        new_symbol=(row.acquirer_symbol if merger else row.new_symbol) or "",
        old_rate=("1" if shares_are_rate else read.money(old, "old_rate")),
        new_rate=read.money(row.rate if shares_are_rate else new, "new_rate"),
        cash_usd=read.money(cash, "rate"),
        ex_day=row.ex_date or "",
        process_day=row.process_date or row.effective_date or "",
        doubts=tuple(read.doubts),
    )
