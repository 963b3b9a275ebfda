"""The protocol of Alpaca's market data streams, in msgpack: stocks, options and news.

Whole frames are decoded at once; a frame with a message that does not fit is read again message by message, so that one
bad message costs itself alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, final

import msgspec

from tidegate.venues.alpaca.access import Access
from tidegate.venues.alpaca.mapping import market
from tidegate.venues.alpaca.mapping.batch import Batch
from tidegate.venues.alpaca.mapping.news import headline
from tidegate.venues.alpaca.wire import market as wire
from tidegate.venues.errors import SubscriptionLimitError, UnknownWordError
from tidegate.venues.lifeline import Signal
from tidegate.venues.port import Headline, MarketData, Quarantined
from tidegate.venues.stream import Frame, Heard

MarketStreamItem: TypeAlias = MarketData | Headline | Quarantined

CHANNELS: Final = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "news")
_MARKET_ONLY: Final = frozenset({wire.Quote, wire.Trade})
_ALL: Final = "*"
_SHOWN: Final = 5

_ERRORS: Final[Mapping[int, tuple[Signal, str]]] = {
    400: (Signal.REJECTED, "it found the request malformed"),
    401: (Signal.LOST, "it does not know the key yet"),
    402: (Signal.FATAL, "Alpaca does not accept the key; it was replaced, or belongs to the other kind of account"),
    404: (Signal.LOST, "it got the key too late"),
    405: (Signal.REJECTED, "the plan allows fewer symbols"),
    406: (Signal.OWNED, "another connection of this key holds this stream; find the other program"),
    407: (Signal.LOST, "we read too slowly"),
    408: (Signal.FATAL, "this stream is not enabled for the account"),
    409: (Signal.FATAL, "the plan does not include this feed; choose another feed or plan"),
    410: (Signal.REJECTED, "this feed does not have such a channel"),
    411: (Signal.FATAL, "the token does not include market data"),
    412: (Signal.FATAL, "options are sent in msgpack only"),
    413: (Signal.REJECTED, "all symbols at once are not allowed for option quotes"),
    500: (Signal.LOST, "Alpaca had an internal error"),
}
_ALREADY_AUTHENTICATED: Final = 403


@final
class MarketDialect:
    """What a market stream says, and what it is asked for."""

    def __init__(self, access: Access, index_of: Mapping[str, int], *, options: bool = False, symbols_max: int = 0) -> None:
        """Speak for symbols whose rows are in `index_of`, which its owner may extend; messages of others are left out.

        `symbols_max`: how many symbols the plan allows, 0: any number.
        """
        self._access = access
        self._index_of = index_of
        self._symbols_max = symbols_max
        self._wanted: dict[str, dict[str, None]] = {channel: {} for channel in CHANNELS}
        self._asked: dict[str, dict[str, None]] = {channel: {} for channel in CHANNELS}
        self._unanswered = 0  # requests of this connection
        self._frames: msgspec.msgpack.Decoder[list[wire.Message]] = msgspec.msgpack.Decoder(list[wire.Message])
        self._parts = msgspec.msgpack.Decoder(list[msgspec.Raw])
        self._one: msgspec.msgpack.Decoder[wire.Message] = msgspec.msgpack.Decoder(wire.Message)
        self._batch = Batch(options=options)

    def want(self, channels: Mapping[str, Sequence[str]]) -> None:
        """Add symbols by channel.

        Raises:
            SubscriptionLimitError: the plan allows fewer symbols, or there is no such channel. Nothing was added.
        """
        unknown = [channel for channel in channels if channel not in self._wanted]
        if unknown:
            raise SubscriptionLimitError(f"Alpaca has no channel {unknown[0]!r}; choose of {', '.join(CHANNELS)}.")
        symbols = dict.fromkeys(symbol for names in (*self._wanted.values(), *channels.values()) for symbol in names)
        if 0 < self._symbols_max < len(symbols):
            raise SubscriptionLimitError(
                f"The data plan allows {self._symbols_max} symbols on this stream and {len(symbols)} are wanted; watch fewer."
            )
        for channel, names in channels.items():
            self._wanted[channel].update(dict.fromkeys(names))

    def drop(self, channels: Mapping[str, Sequence[str]]) -> None:
        """Take symbols off, by channel."""
        for channel, names in channels.items():
            for name in names:
                self._wanted.get(channel, {}).pop(name, None)

    def wanted(self, channel: str) -> tuple[str, ...]:
        """Return the symbols wanted on a channel, in the order in which they were asked for."""
        return tuple(self._wanted[channel])

    def opened(self) -> Sequence[Frame]:
        """See `stream.Dialect`: the venue greets first."""
        self._asked = {channel: {} for channel in CHANNELS}
        self._unanswered = 0
        return []

    def subscription(self) -> Sequence[Frame]:
        """See `stream.Dialect`."""
        return self.changes()

    def changes(self) -> Sequence[Frame]:
        """See `stream.Dialect`."""
        more, less = _missing(self._wanted, self._asked), _missing(self._asked, self._wanted)
        self._asked = {channel: dict(names) for channel, names in self._wanted.items()}
        requests = [("unsubscribe", less), ("subscribe", more)]
        frames = [msgspec.msgpack.encode({"action": action, **names}) for action, names in requests if names]
        self._unanswered += len(frames)
        return frames

    def hear(self, frame: Frame, recv_ns: int) -> Heard[MarketStreamItem]:
        """See `stream.Dialect`."""
        data = frame.encode() if isinstance(frame, str) else frame
        out: list[MarketStreamItem] = []
        try:
            messages = self._frames.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            messages = self._one_by_one(data, recv_ns, out)
        if _MARKET_ONLY.issuperset(map(type, messages)):
            return Heard(items=out, data=self._collect(messages, recv_ns))
        heard: Heard[MarketStreamItem] = Heard()
        data_came = False
        for message in messages:
            if type(message) in _MARKET_ONLY:
                data_came |= self._collect((message,), recv_ns)
            else:
                heard = self._rare(message, recv_ns, out) or heard
        return Heard(items=out, signal=heard.signal, reason=heard.reason, replies=heard.replies, data=data_came)

    def flush(self) -> Sequence[MarketStreamItem]:
        """See `stream.Dialect`: what was heard becomes records together."""
        records, bad = self._batch.take()
        out: list[MarketStreamItem] = [] if records is None else [MarketData(records=records)]
        out += [_quarantined(one.message, one.recv_ns, one.why) for one in bad]
        return out

    def _collect(self, messages: Sequence[wire.Message], recv_ns: int) -> bool:
        """Take in quotes and prints; tell whether one of them was of a symbol that somebody watches."""
        found = [self._index_of.get(message.S, -1) for message in messages]  # type: ignore[union-attr] # both kinds have one
        batch = self._batch
        if -1 in found:
            messages = [message for message, index in zip(messages, found, strict=True) if index >= 0]
            found = [index for index in found if index >= 0]
        batch.messages += messages  # type: ignore[arg-type] # likewise
        batch.instruments += found
        batch.received += [recv_ns] * len(found)
        return bool(found)

    def _one_by_one(self, data: bytes, recv_ns: int, bad: list[MarketStreamItem]) -> list[wire.Message]:
        messages: list[wire.Message] = []
        try:
            parts = self._parts.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            bad.append(Quarantined(payload=data, recv_ns=recv_ns, doubt=f"frame: {error}"))
            return messages
        for part in parts:
            try:
                messages.append(self._one.decode(part))
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                bad.append(Quarantined(payload=bytes(part), recv_ns=recv_ns, doubt=f"message: {error}"))
        return messages

    def _rare(self, message: wire.Message, recv_ns: int, out: list[MarketStreamItem]) -> Heard[MarketStreamItem] | None:
        """Take in a message that is neither quote nor print; return what a control message means."""
        try:
            match message:
                case wire.Success() | wire.Error() | wire.Subscription():
                    heard = self._control(message, recv_ns)
                    out += heard.items
                    return heard
                case wire.News():
                    out.append(headline(message, recv_ns))
                case wire.Imbalance() | wire.Quote() | wire.Trade():
                    pass
                case _:
                    index = self._index_of.get(message.S)
                    if index is not None:
                        for row in _rare_rows(message, index, recv_ns):
                            self._batch.add_row(row)
        except (ValueError, UnknownWordError) as error:
            out.append(_quarantined(message, recv_ns, str(error)))
        return None

    def _control(self, message: wire.Success | wire.Error | wire.Subscription, recv_ns: int) -> Heard[MarketStreamItem]:
        if isinstance(message, wire.Error):
            heard = _refused(message, recv_ns)
            self._unanswered -= heard.signal is Signal.REJECTED
            return heard
        if isinstance(message, wire.Subscription):
            return self._subscribed(message, recv_ns)
        if message.msg == "connected":
            return Heard(replies=(self._access.market_login(),))
        if message.msg == "authenticated":
            return Heard(signal=Signal.AUTHORIZED)
        return Heard(items=(Quarantined(payload=(message.msg or "").encode(), recv_ns=recv_ns, doubt="success of an unknown kind"),))

    def _subscribed(self, message: wire.Subscription, recv_ns: int) -> Heard[MarketStreamItem]:
        """Compare what the venue says we get with what we asked for; what it left out is told.

        It answers each request with all that it knows by then: only the answer to the last one can be compared.
        """
        self._unanswered = max(0, self._unanswered - 1)
        out = []
        for channel in CHANNELS if not self._unanswered else ():
            granted = dict.fromkeys(getattr(message, channel) or ())
            if _ALL not in granted:
                out += [f"{channel} {name}" for name in self._asked[channel] if name not in granted]
        items: tuple[MarketStreamItem, ...] = ()
        if out:
            doubt = f"not subscribed: {', '.join(out[:_SHOWN])}{' and more' if len(out) > _SHOWN else ''}"
            items = (Quarantined(payload=msgspec.json.encode(message), recv_ns=recv_ns, doubt=doubt),)
        return Heard(items=items, signal=Signal.SUBSCRIBED)


def _rare_rows(
    message: wire.Bar | wire.Status | wire.Bands | wire.Correction | wire.CancelError, index: int, recv_ns: int
) -> Sequence[market.Row]:
    row: market.Row | None
    match message:
        case wire.Bar():
            return market.bar_rows(message, index, recv_ns, market.bar_length_ns(message))
        case wire.Status():
            row = market.status_row(message, index, recv_ns)
        case wire.Bands():
            row = market.bands_row(message, index, recv_ns)
        case wire.Correction():
            row = market.correction_row(message, index, recv_ns)
        case _:
            row = market.cancel_row(message, index, recv_ns)
    return () if row is None else (row,)


def _refused(message: wire.Error, recv_ns: int) -> Heard[MarketStreamItem]:
    code = message.code or 0
    if code == _ALREADY_AUTHENTICATED:
        return Heard()
    signal, reason = _ERRORS.get(code, (Signal.LOST, "it reported an error that we do not know"))
    words = f"{reason} ({code} {message.msg or 'without words'})"
    items: tuple[MarketStreamItem, ...] = ()
    if signal is Signal.REJECTED or code not in _ERRORS:
        items = (Quarantined(payload=msgspec.json.encode(message), recv_ns=recv_ns, doubt=words),)
    return Heard(items=items, signal=signal, reason=words)


def _missing(these: Mapping[str, Mapping[str, None]], those: Mapping[str, Mapping[str, None]]) -> dict[str, list[str]]:
    """Return what is in these and not in those, by channel; channels without any are left out."""
    found = {channel: [name for name in names if name not in those[channel]] for channel, names in these.items()}
    return {channel: names for channel, names in found.items() if names}


def _quarantined(message: wire.Message, recv_ns: int, doubt: str) -> Quarantined:
    return Quarantined(payload=msgspec.json.encode(_plain(message)), recv_ns=recv_ns, doubt=doubt)


def _plain(message: wire.Message) -> dict[str, object]:
    """Return a message as evidence: its fields, times as the bytes that came."""
    fields = msgspec.structs.asdict(message)
    return {name: bytes(value).hex() if isinstance(value, msgspec.Raw) else value for name, value in fields.items()}
