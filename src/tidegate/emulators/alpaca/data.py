"""Market-data REST: bars, quotes and trades with pages, latest values, snapshots, chains, corporate actions, empty news."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from tidegate.emulators.alpaca.bars import Frame, bar_body, bars_of, day_bar, read_frame
from tidegate.emulators.alpaca.errors import malformed
from tidegate.emulators.alpaca.floor import Floor
from tidegate.emulators.alpaca.market import Row, Rows
from tidegate.emulators.alpaca.ticker import quote_body, trade_body
from tidegate.emulators.alpaca.wire import Body, iso, moment, new_york, read_count, read_decimal, read_flag, words_of
from tidegate.events import records
from tidegate.values.instruments import Instrument
from tidegate.values.money import nanos_text
from tidegate.values.time import MINUTE_NS

PAGE: Final = 1_000
PAGE_MAX: Final = 10_000
CHAIN_PAGE: Final = 100
CHAIN_PAGE_MAX: Final = 1_000
OCC_TAIL: Final = 15  # what follows the root of an option's symbol
_KINDS: Final = {"quotes": records.QUOTE, "trades": records.TRADE}


class Item(NamedTuple):
    """One value of a series: where it stands in it, its shown time, and what it says."""

    place: int
    shown_ns: int
    body: Body


class Span(NamedTuple):
    """What is asked of a series. Shown times, both included."""

    start_ns: int
    end_ns: int
    descending: bool


def series(floor: Floor, kind: str, query: Mapping[str, str], symbols: Sequence[str]) -> Body:
    """Return a page of bars, quotes or trades: sorted by symbol, then time; the limit counts all symbols together.

    Raises:
        WireRefusal: a time, number, timeframe or token that cannot be read.
    """
    limit = read_count(query, "limit", default=PAGE, most=PAGE_MAX)
    span = _span(floor, query)
    frame = read_frame(query.get("timeframe", "")) if kind == "bars" else None
    page: dict[str, list[Body]] = {}
    token = _read_token(query.get("page_token", ""))
    taken = 0
    for symbol in sorted(set(symbols) & set(floor.market.places)):
        if token is not None and symbol < token[0]:
            continue
        after = token[1] if token is not None and symbol == token[0] else None
        for item in _items(floor, kind, symbol, span, frame):
            if after is not None and (item.place >= after if span.descending else item.place <= after):
                continue
            if taken == limit:
                return {kind: page, "next_page_token": _token(page)}
            page.setdefault(symbol, []).append({"t": iso(item.shown_ns), "": item.place} | item.body)
            taken += 1
    _strip(page)
    return {kind: page, "next_page_token": None}


def _token(page: dict[str, list[Body]]) -> str:
    """Return what a client sends for the next page: the last item's symbol and place."""
    symbol = next(reversed(page))
    place = page[symbol][-1][""]
    _strip(page)
    return base64.urlsafe_b64encode(f"{symbol}|{place}".encode()).decode()


def _strip(page: dict[str, list[Body]]) -> None:
    for bodies in page.values():
        for body in bodies:
            del body[""]


def _read_token(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        symbol, _, place = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        return symbol, int(place)
    except (ValueError, binascii.Error):
        raise malformed("invalid page_token") from None


def _span(floor: Floor, query: Mapping[str, str]) -> Span:
    now_ns = floor.now_ns()
    today_ns = floor.schedule.shown_midnight_ns(floor.schedule.day_of(floor.player.now_ns))
    start_ns = moment(query["start"], "start") if query.get("start") else min(today_ns, now_ns)
    end_ns = moment(query["end"], "end", end_of_day=True) if query.get("end") else now_ns
    if end_ns < start_ns:
        raise malformed("end should not be before start")
    sort = query.get("sort", "asc")
    if sort not in {"asc", "desc"}:
        raise malformed(f"invalid sort: {sort}")
    return Span(start_ns, end_ns, sort == "desc")


def _items(floor: Floor, kind: str, symbol: str, span: Span, frame: Frame | None) -> Iterator[Item]:
    place = floor.market.places[symbol]
    if frame is not None:
        found = [
            Item(number, bar.start_ns, bar.body)
            for number, bar in enumerate(bars_of(floor, place, frame))
            if span.start_ns <= bar.start_ns <= span.end_ns
        ]
        yield from reversed(found) if span.descending else found
        return
    rows = floor.market.played(place, _KINDS[kind], floor.player.now_ns)
    shown = rows["ts_event"] + floor.timeline.shift_ns
    inside = np.flatnonzero((shown >= span.start_ns) & (shown <= span.end_ns))
    if kind == "trades":
        inside = inside[(rows["flags"][inside] & records.CORRECTION) == 0]
    render = _renderer(floor, place, kind)
    for number in (inside[::-1] if span.descending else inside).tolist():
        yield Item(number, int(shown[number]), render(_row(rows, number)))


def _renderer(floor: Floor, place: int, kind: str) -> Callable[[Row], Body]:
    option = floor.market.is_option(place)
    render = quote_body if kind == "quotes" else trade_body
    return lambda row: render(row, option=option)


def _row(rows: Rows, number: int) -> Row:
    return Row(*rows[number].tolist())


# Latest values.


def latest(floor: Floor, kind: str, symbols: Sequence[str]) -> dict[str, Body]:
    """Return the newest bar, quote or trade of each symbol that has one."""
    find = {"bars": _latest_bar, "quotes": _latest_quote, "trades": _latest_trade}[kind]
    found = ((symbol, find(floor, floor.market.places[symbol])) for symbol in symbols if symbol in floor.market.places)
    return {symbol: body for symbol, body in found if body is not None}


def _latest_quote(floor: Floor, place: int) -> Body | None:
    row = floor.market.tops[place].quote
    return None if row is None else {"t": iso(floor.timeline.shown(row.ts_event))} | quote_body(row, option=floor.market.is_option(place))


def _latest_trade(floor: Floor, place: int) -> Body | None:
    row = floor.market.tops[place].trade
    return None if row is None else {"t": iso(floor.timeline.shown(row.ts_event))} | trade_body(row, option=floor.market.is_option(place))


def _latest_bar(floor: Floor, place: int) -> Body | None:
    rows = floor.market.played(place, records.TRADE, floor.player.now_ns)
    now_ns = floor.player.now_ns // MINUTE_NS * MINUTE_NS
    whole = rows[rows["ts_event"] < now_ns]
    while len(whole):
        start_ns = int(whole["ts_event"][-1]) // MINUTE_NS * MINUTE_NS
        body = bar_body(whole[whole["ts_event"] >= start_ns])
        if body is not None:
            return {"t": iso(floor.timeline.shown(start_ns))} | body
        whole = whole[whole["ts_event"] < start_ns]
    return None


def snapshots(floor: Floor, symbols: Sequence[str]) -> dict[str, Body | None]:
    """Return latest trade and quote, bars of the minute, the day and the day before; what there is of it."""
    return {symbol: _snapshot(floor, floor.market.places[symbol]) for symbol in symbols if symbol in floor.market.places}


def _snapshot(floor: Floor, place: int) -> Body:
    day = floor.schedule.day_of(floor.player.now_ns)
    before = floor.schedule.day_before(day)
    found: Body = {
        "latestTrade": _latest_trade(floor, place),
        "latestQuote": _latest_quote(floor, place),
        "minuteBar": _latest_bar(floor, place),
    }
    for name, one in (("dailyBar", day), ("prevDailyBar", before)):
        body = day_bar(floor, place, one.pre_open_ns, one.post_close_ns)
        found[name] = None if body is None else {"t": iso(floor.schedule.shown_midnight_ns(one))} | body
    return {name: body for name, body in found.items() if body is not None}


def chain(floor: Floor, query: Mapping[str, str], underlying: str) -> Body:
    """Return a page of snapshots of an underlying's options, without Greeks: the tape holds prices alone.

    Raises:
        WireRefusal: a number of the query cannot be read.
    """
    limit = read_count(query, "limit", default=CHAIN_PAGE, most=CHAIN_PAGE_MAX)
    options = sorted(one.symbol for one in floor.market.instruments if one.underlying == underlying and floor.market.is_option(one.index))
    terms = {symbol: _terms(floor.market.instruments[floor.market.places[symbol]]) for symbol in options}
    given = {name: query[name] for name in _CHAIN_FIELDS if query.get(name)}
    kept = [
        symbol
        for symbol, row in terms.items()
        if all(row[name] == value for name, value in given.items()) and _expires_in(row, query, "") and _strikes_in(row, query)
    ]
    return _paged("snapshots", {symbol: _snapshot(floor, floor.market.places[symbol]) for symbol in kept}, limit, query)


_CHAIN_FIELDS: Final = ("type", "root_symbol", "expiration_date")


def _terms(option: Instrument) -> Body:
    """Return the terms of an option of the tape by which chains are filtered."""
    return {
        "type": option.right,
        "root_symbol": option.symbol[:-OCC_TAIL],
        "expiration_date": option.expiry,
        "strike_price": nanos_text(option.strike_nanos),
    }


def _paged(name: str, found: Mapping[str, Body], limit: int, query: Mapping[str, str]) -> Body:
    token = _read_token(query.get("page_token", ""))
    names = [key for key in found if token is None or key > token[0]]
    page = names[:limit]
    more = base64.urlsafe_b64encode(f"{page[-1]}|0".encode()).decode() if len(names) > limit else None
    return {name: {key: found[key] for key in page}, "next_page_token": more}


def corporate_actions(floor: Floor, query: Mapping[str, str]) -> Body:
    """Return a page of the corporate actions of the reference file, by type; the dates of the file are shown dates.

    Raises:
        WireRefusal: a number or a token that cannot be read.
    """
    limit = read_count(query, "limit", default=CHAIN_PAGE, most=CHAIN_PAGE_MAX)
    token = _read_token(query.get("page_token", ""))
    rows = [
        (kind, row) for kind, some in floor.assets.reference.corporate_actions.items() for row in some if _is_asked(kind, row, floor, query)
    ]
    start = token[1] if token is not None else 0
    page: dict[str, list[Body]] = {}
    for kind, row in rows[start : start + limit]:
        page.setdefault(kind, []).append(row)
    end = start + limit
    more = base64.urlsafe_b64encode(f"|{end}".encode()).decode() if end < len(rows) else None
    return {"corporate_actions": page, "next_page_token": more}


def _is_asked(kind: str, row: Body, floor: Floor, query: Mapping[str, str]) -> bool:
    ids = words_of(query, "ids")
    if ids:
        return row.get("id") in ids
    today = new_york(floor.now_ns()).date().isoformat()
    day = str(row.get("process_date", ""))
    kinds, symbols = words_of(query, "types"), set(words_of(query, "symbols"))
    of_kind = not kinds or kind in {f"{name}s" for name in kinds} | set(kinds)
    named = not symbols or bool(symbols & {str(value) for name, value in row.items() if name.endswith("symbol")})
    return of_kind and named and (query.get("start") or today)[:10] <= day <= (query.get("end") or today)[:10]


def most_active(floor: Floor, top: int) -> Body:
    """Return the symbols with the largest volume today."""
    day = floor.schedule.day_of(floor.player.now_ns)
    bars = ((one.symbol, day_bar(floor, place, day.pre_open_ns, day.post_close_ns)) for place, one in enumerate(floor.market.instruments))
    rows = [{"symbol": symbol, "volume": body["v"], "trade_count": body["n"]} for symbol, body in bars if body is not None]
    rows.sort(key=lambda row: -int(row["volume"]))
    return {"most_actives": rows[:top], "last_updated": iso(floor.now_ns())}


def contracts_page(floor: Floor, query: Mapping[str, str]) -> Body:
    """Return a page of the reference file's option contracts, by symbol.

    Raises:
        WireRefusal: a number or a token that cannot be read.
    """
    limit = read_count(query, "limit", default=CHAIN_PAGE, most=PAGE_MAX)
    keep = {field: query[name] for name, field in _CONTRACT_FIELDS.items() if query.get(name)}
    until = "" if any(query.get(name) for name in _EXPIRIES) else _next_weekend(floor)
    rows = [
        row for row in floor.assets.contracts({"status": "active"} | keep) if _expires_in(row, query, until) and _strikes_in(row, query)
    ]
    if not read_flag(query.get("show_deliverables")):
        rows = [{name: value for name, value in row.items() if name != "deliverables"} for row in rows]
    found = _paged("option_contracts", {str(row["symbol"]): row for row in rows}, limit, query)
    return found | {"option_contracts": list(found["option_contracts"].values())}


_EXPIRIES: Final = ("expiration_date", "expiration_date_gte", "expiration_date_lte")
_CONTRACT_FIELDS: Final = {
    "underlying_symbols": "underlying_symbol",
    "status": "status",
    "expiration_date": "expiration_date",
    "root_symbol": "root_symbol",
    "type": "type",
    "style": "style",
}


def _next_weekend(floor: Floor) -> str:
    """Return the Sunday up to which contracts are shown where no expiry is asked for."""
    today = new_york(floor.now_ns()).date()
    return (today + timedelta(days=7 - (today.weekday() + 1) % 7)).isoformat()


def _expires_in(row: Body, query: Mapping[str, str], until: str) -> bool:
    day = str(row.get("expiration_date", ""))
    return query.get("expiration_date_gte", "") <= day <= (query.get("expiration_date_lte") or until or "9999")


def _strikes_in(row: Body, query: Mapping[str, str]) -> bool:
    strike = Decimal(str(row.get("strike_price", 0)))
    least, most = read_decimal(query, "strike_price_gte"), read_decimal(query, "strike_price_lte")
    return (least is None or least <= strike) and (most is None or strike <= most)
