"""Assets, option contracts, clock and calendar."""

from datetime import date, timedelta
from typing import Final

from tidegate.values.enums import InstrumentKind
from tidegate.values.time import MINUTE_NS
from tidegate.venues.alpaca.mapping import words
from tidegate.venues.alpaca.mapping.reading import Reader
from tidegate.venues.alpaca.mapping.times import new_york_ns, parse_ns
from tidegate.venues.alpaca.wire.reference import Asset, CalendarDay, Clock, OptionContract
from tidegate.venues.errors import UnreadableAnswerError
from tidegate.venues.port import TradingDay, VenueAsset, VenueClock

_REGULAR_NS: Final = 390 * MINUTE_NS  # 9:30 to 16:00
_RIGHTS = {"call": "call", "put": "put"}
_EASY = {"easy_to_borrow": True, "hard_to_borrow": False}
_STANDARD_SHARES = 100


def venue_asset(asset: Asset) -> VenueAsset:
    """Return a stock; `easy_to_borrow` left the answers in 2026, `borrow_status` says the same."""
    read = Reader()
    easy = asset.easy_to_borrow
    if asset.borrow_status:
        easy = read.word(_EASY, asset.borrow_status, "borrow_status")
    return VenueAsset(
        symbol=asset.symbol or "",
        asset_id=asset.id or "",
        kind=read.word(words.KINDS, asset.asset_class, "class"),
        tradable=bool(asset.tradable) and asset.status in words.LISTED,
        name=asset.name or "",
        exchange=asset.exchange or "",
        shortable=bool(asset.shortable),
        easy_to_borrow=easy,
        marginable=bool(asset.marginable),
        fractionable=bool(asset.fractionable),
        attributes=tuple(asset.attributes or ()),
        doubts=tuple(read.doubts),
    )


def venue_contract(contract: OptionContract) -> VenueAsset:
    """Return an option contract; adjusted ones (another root, another deliverable) are marked as not standard."""
    read = Reader()
    multiplier = read.count(contract.multiplier, "multiplier")
    if not multiplier:
        read.doubt("multiplier", "nothing")
    deliverables = contract.deliverables or ()
    standard = contract.root_symbol == contract.underlying_symbol and all(
        read.count(part.amount, "amount") == _STANDARD_SHARES and part.type == "equity" for part in deliverables
    )
    return VenueAsset(
        symbol=contract.symbol or "",
        asset_id=contract.id or "",
        kind=InstrumentKind.OPTION,
        tradable=bool(contract.tradable) and contract.status in words.LISTED,
        name=contract.name or "",
        underlying=contract.underlying_symbol or "",
        expiry=contract.expiration_date or "",
        strike_nanos=read.nanos(contract.strike_price, "strike_price"),
        right=read.word(_RIGHTS, contract.type, "type") or "",
        multiplier=multiplier,
        open_interest=None if contract.open_interest is None else read.count(contract.open_interest, "open_interest"),
        standard=standard and len(deliverables) <= 1,
        attributes=("penny_program",) if contract.ppind else (),
        doubts=tuple(read.doubts),
    )


def venue_clock(clock: Clock) -> VenueClock:
    """Return the venue's time.

    Raises:
        UnreadableAnswerError: a part is missing or is no time.
    """
    try:
        return VenueClock(
            now_ns=parse_ns(clock.timestamp or ""),
            is_open=bool(clock.is_open),
            next_open_ns=parse_ns(clock.next_open or ""),
            next_close_ns=parse_ns(clock.next_close or ""),
        )
    except ValueError as error:
        raise UnreadableAnswerError(f"Alpaca's clock cannot be read ({error}).") from error


def trading_day(day: CalendarDay) -> TradingDay:
    """Return the hours of a day; without extended hours they are the regular ones.

    The day is that of the open. A time out of turn is of the day beside it: a close that comes before the open is the next day's.

    Raises:
        UnreadableAnswerError: a part is missing or is no time, or the session is longer than a regular one: then nothing is open.
    """
    name, opens, closes = day.date or "", day.open or "", day.close or ""
    try:
        open_ns = new_york_ns(name, opens)
        close_ns = _close_ns(open_ns, name, closes)
        pre_open_ns = new_york_ns(name, day.session_open or opens)
        return TradingDay(
            day=name,
            pre_open_ns=pre_open_ns if pre_open_ns <= open_ns else new_york_ns(_days_on(name, -1), day.session_open or opens),
            open_ns=open_ns,
            close_ns=close_ns,
            post_close_ns=_not_before(close_ns, name, day.session_close or closes),
            early_close=close_ns - open_ns < _REGULAR_NS,
        )
    except ValueError as error:
        raise UnreadableAnswerError(f"Alpaca's calendar cannot be read ({error}).") from error


def _close_ns(open_ns: int, day: str, closes: str) -> int:
    close_ns = _not_before(open_ns, day, closes)
    if close_ns - open_ns > _REGULAR_NS:
        raise ValueError(f"the session of {day} goes on until {closes}, longer than a regular one")
    return close_ns


def _not_before(ns: int, day: str, clock: str) -> int:
    same_day_ns = new_york_ns(day, clock)
    return same_day_ns if same_day_ns >= ns else new_york_ns(_days_on(day, 1), clock)


def _days_on(day: str, count: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=count)).isoformat()
