"""The protocol of Alpaca's trading stream: JSON in text frames (live) or in binary ones (paper)."""

from collections.abc import Sequence
from typing import Final, final

import msgspec

from tidegate.venues.alpaca.access import Access
from tidegate.venues.alpaca.ids import IdBook
from tidegate.venues.alpaca.mapping.updates import order_update
from tidegate.venues.alpaca.wire.orders import Authorization, StreamHead, TradeUpdate
from tidegate.venues.lifeline import Signal
from tidegate.venues.port import OrderNews, Resynced
from tidegate.venues.stream import Frame, Heard

UPDATES: Final = "trade_updates"
_LISTEN: Final = msgspec.json.encode({"action": "listen", "data": {"streams": [UPDATES]}}).decode()
_AUTHORIZED: Final = "authorized"
_UPDATE_START: Final = b'{"stream":"trade_updates"'
_TAKEN: Final = b"connection limit exceeded"

OrderStreamItem = OrderNews | Resynced


@final
class OrderDialect:
    """What the trading stream says. Every message about orders is given out as it came, with what it means."""

    def __init__(self, access: Access, ids: IdBook) -> None:
        self._access = access
        self._ids = ids
        self._heads = msgspec.json.Decoder(StreamHead)
        self._updates = msgspec.json.Decoder(TradeUpdate | None)
        self._words = msgspec.json.Decoder(Authorization)

    def opened(self) -> Sequence[Frame]:
        """See `stream.Dialect`: the key goes first."""
        return [self._access.trading_login().decode()]

    def subscription(self) -> Sequence[Frame]:
        """See `stream.Dialect`."""
        return [_LISTEN]

    def changes(self) -> Sequence[Frame]:
        """See `stream.Dialect`: there is one subscription and it never changes."""
        return []

    def flush(self) -> Sequence[OrderStreamItem]:
        """See `stream.Dialect`: nothing is held back."""
        return []

    def hear(self, frame: Frame, recv_ns: int) -> Heard[OrderStreamItem]:
        """See `stream.Dialect`."""
        payload = frame.encode() if isinstance(frame, str) else frame
        try:
            head = self._heads.decode(payload)
            if head.stream == UPDATES:
                return self._update(head, payload, recv_ns)
            if head.stream == "authorization":
                return _login(self._words.decode(head.data))
            if head.stream == "listening":
                return _listening(self._words.decode(head.data))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _doubt(payload, recv_ns, f"message={error}")
        return _doubt(payload, recv_ns, f"stream={head.stream or 'nothing'}")

    def _update(self, head: StreamHead, payload: bytes, recv_ns: int) -> Heard[OrderStreamItem]:
        data = self._updates.decode(head.data)
        if data is None:  # the venue has been seen to send an empty one
            return Heard(data=True)
        update = order_update(data, self._ids.client_id)
        if update.order is not None:
            self._ids.see(update.order)
        news = OrderNews(payload=payload, recv_ns=recv_ns, events=update.events, order=update.order, doubts=update.doubts)
        return Heard(items=(news,), data=True)


def _login(said: Authorization) -> Heard[OrderStreamItem]:
    if said.status == _AUTHORIZED:
        return Heard(signal=Signal.AUTHORIZED)
    if said.action == "listen":
        return Heard(signal=Signal.LOST, reason="it was asked to listen before it knew the key")
    return Heard(signal=Signal.FATAL, reason="Alpaca does not accept the key; it was replaced, or belongs to the other kind of account")


def _listening(said: Authorization) -> Heard[OrderStreamItem]:
    if UPDATES in (said.streams or ()):
        return Heard(signal=Signal.SUBSCRIBED)
    return Heard(signal=Signal.LOST, reason="Alpaca did not subscribe the trade updates")


def _doubt(payload: bytes, recv_ns: int, doubt: str) -> Heard[OrderStreamItem]:
    """Return a message that is none about an order and was not understood, as evidence; one says that the stream is taken."""
    if _TAKEN in payload and not payload.startswith(_UPDATE_START):
        return Heard(signal=Signal.OWNED, reason="another connection of this key holds the trading stream; find the other program")
    return Heard(items=(OrderNews(payload=payload, recv_ns=recv_ns, events=(), order=None, doubts=(doubt,)),))
