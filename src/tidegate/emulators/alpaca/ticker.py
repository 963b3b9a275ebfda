"""Market records as the venue's data messages, for streams and REST alike."""

from collections.abc import Sequence
from typing import Final, final

from tidegate.emulators.alpaca.floor import Floor
from tidegate.emulators.alpaca.hub import ALL, Hub, Told
from tidegate.emulators.alpaca.market import DOUBTED, Row
from tidegate.emulators.alpaca.wire import Body, number
from tidegate.events import records
from tidegate.values.time import iso_utc

EXCHANGE: Final = "V"
TAPE: Final = "C"
_HALTED: Final = {"sc": "H", "sm": "Trading Halt", "rc": "LUDP", "rm": "Volatility Trading Pause"}
_RESUMED: Final = {"sc": "T", "sm": "Trading Resumption", "rc": "LUDP", "rm": "Volatility Trading Pause"}
_CHANNELS: Final = {records.QUOTE: ("quotes",), records.TRADE: ("trades",), records.STATUS: ("statuses", "lulds")}
_STATUSES: Final = {records.STATUS_HALT: _HALTED, records.STATUS_RESUME: _RESUMED}


def quote_body(row: Row, *, option: bool = False) -> Body:
    """Return a quote without its time."""
    condition = "R" if not row.flags & records.SLOW_QUOTE else "H"
    body: Body = {
        "ax": EXCHANGE,
        "ap": number(row.b),
        "as": _size(row.d),
        "bx": EXCHANGE,
        "bp": number(row.a),
        "bs": _size(row.c),
    }
    return body | ({"c": condition} if option else {"c": [condition], "z": TAPE})


def trade_body(row: Row, *, option: bool = False) -> Body:
    """Return a print without its time."""
    body: Body = {"x": "D" if row.flags & records.OFF_EXCHANGE else EXCHANGE, "p": number(row.a), "s": _size(row.b)}
    return body | ({"c": "a"} if option else {"c": conditions(row.flags), "i": row.c or row.venue_seq, "z": TAPE})


def conditions(flags: int) -> list[str]:
    """Return the condition codes of a print on tape C; `I` for one that sets no price."""
    if flags & records.OPENING:
        return ["@", "O"]
    if flags & records.CLOSING:
        return ["@", "6"]
    return ["@"] if flags & records.REGULAR and not flags & DOUBTED else ["@", "I"]


def _size(nanos: int) -> float | int:
    shares = number(nanos)
    return int(shares) if shares.is_integer() else shares


@final
class Ticker:
    """Turns what is played into messages for whoever listens."""

    def __init__(self, floor: Floor, hub: Hub) -> None:
        self._floor: Final = floor
        self._hub: Final = hub
        market = floor.market
        self._options: Final = frozenset(one.symbol for place, one in enumerate(market.instruments) if market.is_option(place))

    def take(self, rows: list[Row]) -> None:
        """Publish records that have just been played."""
        if not self._hub.subscribers:
            return
        wanted = {kind: self._wanted(channels) for kind, channels in _CHANNELS.items()}
        nobody: set[int] = set()
        made = (self._message(row) for row in rows if row.instrument in wanted.get(row.kind, nobody))
        told = [message for message in made if message is not None]
        if told:
            self._hub.publish(told, option_symbols=self._options)

    def _wanted(self, channels: Sequence[str]) -> set[int]:
        """Return the places of the symbols that anybody wants on any of some channels."""
        symbols = set().union(*(self._hub.wanted_symbols(channel) for channel in channels))
        places = self._floor.market.places
        return set(places.values()) if ALL in symbols else {places[symbol] for symbol in symbols if symbol in places}

    def publish(self, kind: str, symbol: str, body: Body, shown_ns: int) -> None:
        """Publish one message made elsewhere."""
        self._hub.publish([self._told({"T": kind, "S": symbol} | body, shown_ns)], option_symbols=self._options)

    def _message(self, row: Row) -> Told | None:
        market = self._floor.market
        symbol = market.instruments[row.instrument].symbol
        option = market.is_option(row.instrument)
        shown_ns = self._floor.timeline.shown(row.ts_event)
        if row.kind == records.QUOTE:
            return self._told({"T": "q", "S": symbol} | quote_body(row, option=option), shown_ns)
        if row.kind == records.TRADE:
            return (
                None if row.flags & records.CORRECTION else self._told({"T": "t", "S": symbol} | trade_body(row, option=option), shown_ns)
            )
        if row.kind != records.STATUS:
            return None
        if row.a == records.STATUS_LIMIT_BANDS:
            return self._told({"T": "l", "S": symbol, "u": number(row.c), "d": number(row.b), "i": "B", "z": TAPE}, shown_ns)
        words = _STATUSES.get(row.a)
        return None if words is None else self._told({"T": "s", "S": symbol, "z": TAPE} | words, shown_ns)

    @staticmethod
    def _told(fields: Body, shown_ns: int) -> Told:
        return Told(fields | {"t": shown_ns}, iso_utc(shown_ns))
