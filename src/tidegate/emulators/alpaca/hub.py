"""Who listens to which symbols on the market-data streams, and what a connection is sent."""

from collections.abc import Iterable
from typing import Final, final

import msgspec
from aiohttp import web

from tidegate.emulators.alpaca.outbox import Outbox
from tidegate.emulators.alpaca.wire import timestamp

ALL: Final = "*"
CHANNELS: Final = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
FOLLOWING: Final = ("corrections", "cancelErrors")  # they follow the trades
_CHANNEL_OF: Final = {"t": "trades", "q": "quotes", "b": "bars", "d": "dailyBars", "u": "updatedBars", "s": "statuses", "l": "lulds"}

_JSON: Final = msgspec.json.Encoder()
_MSGPACK: Final = msgspec.msgpack.Encoder()


class Told:
    """One message in both encodings, each made when first needed. `t` holds shown ns until it is encoded."""

    __slots__ = ("_json", "_packed", "channel", "fields", "symbol", "text_time")

    def __init__(self, fields: dict[str, object], text_time: str) -> None:
        self.fields: Final = fields
        self.symbol: Final = str(fields["S"])
        self.channel: Final = _CHANNEL_OF[str(fields["T"])]
        self.text_time: Final = text_time
        self._json = b""
        self._packed = b""

    def json(self) -> bytes:
        """Return it as JSON, times as text."""
        if not self._json:
            self._json = _JSON.encode(self.fields | {"t": self.text_time})
        return self._json

    def packed(self) -> bytes:
        """Return it as msgpack, times as the timestamp extension."""
        if not self._packed:
            moment = self.fields["t"]
            assert isinstance(moment, int)
            self._packed = _MSGPACK.encode(self.fields | {"t": timestamp(moment)})
        return self._packed


@final
class Subscriber(Outbox):
    """One market-data connection as the hub sees it: what it wants, and its outgoing frames."""

    def __init__(self, request: web.BaseRequest, *, packs: bool, options: bool) -> None:
        super().__init__(request, as_text=not packs)
        self.packs: Final = packs
        self.options: Final = options
        self.wanted: dict[str, set[str]] = {channel: set() for channel in CHANNELS}

    def wants(self, told: Told) -> bool:
        """Tell whether a message is for this connection."""
        wanted = self.wanted[told.channel]
        return told.symbol in wanted or ALL in wanted

    def say(self, messages: Iterable[dict[str, object]]) -> None:
        """Queue a control message."""
        encode = _MSGPACK.encode if self.packs else _JSON.encode
        self.queue(encode(list(messages)))

    def send(self, messages: list[Told]) -> None:
        """Queue market data as one array."""
        if self.packs:
            self.queue(_array_head(len(messages)) + b"".join([told.packed() for told in messages]), is_data=True)
        else:
            self.queue(b"[" + b",".join([told.json() for told in messages]) + b"]", is_data=True)


@final
class Hub:
    """All subscribers. Messages go out in the order in which they come, as one frame for each subscriber and batch."""

    def __init__(self) -> None:
        self.subscribers: list[Subscriber] = []

    def wanted_symbols(self, channel: str) -> set[str]:
        """Return the symbols that anybody wants on a channel; with `ALL` among them, every symbol."""
        return set().union(*(subscriber.wanted[channel] for subscriber in self.subscribers))

    def publish(self, messages: list[Told], *, option_symbols: frozenset[str]) -> None:
        """Send each subscriber what it wants."""
        for subscriber in self.subscribers:
            mine = [told for told in messages if (told.symbol in option_symbols) is subscriber.options and subscriber.wants(told)]
            if mine:
                subscriber.send(mine)


_FIX_ARRAY: Final = 0x90
_ARRAY_16: Final = 0xDC
_FIX_MAX: Final = 15


def _array_head(length: int) -> bytes:
    """Return msgpack's head of an array."""
    if length <= _FIX_MAX:
        return bytes([_FIX_ARRAY | length])
    return bytes([_ARRAY_16]) + length.to_bytes(2)
