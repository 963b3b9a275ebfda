"""Order events on their way to the trading stream: to whoever listens to the account, through the faults."""

from collections.abc import Callable
from typing import Final, final

import msgspec
from aiohttp import web

from tidegate.emulators.alpaca.accounts import Account
from tidegate.emulators.alpaca.agenda import Agenda
from tidegate.emulators.alpaca.faults import FaultKind, Faults
from tidegate.emulators.alpaca.outbox import Outbox
from tidegate.emulators.alpaca.wire import Body
from tidegate.values.time import MILLISECOND_NS

STREAM: Final = "trade_updates"


@final
class Listener(Outbox):
    """One trading-stream connection after it said what it listens to."""

    def __init__(self, request: web.BaseRequest, *, packs: bool) -> None:
        super().__init__(request, as_text=False)
        self.key = ""  # until it has proved one
        self.packs: Final = packs
        self.listens = False

    def say(self, message: Body, *, is_data: bool = False) -> None:
        """Queue a message in the connection's framing."""
        encode = msgspec.msgpack.encode if self.packs else msgspec.json.encode
        self.queue(encode(message), is_data=is_data)


@final
class Updates:
    """Publishes order events."""

    def __init__(self, faults: Faults, agenda: Agenda, now_ns: Callable[[], int]) -> None:
        self.listeners: list[Listener] = []
        self._faults: Final = faults
        self._agenda: Final = agenda
        self._now_ns: Final = now_ns
        self._behind: list[tuple[str, Body]] = []  # events that wait for the one that follows them

    def publish(self, account: Account, update: Body) -> None:
        """Send an event of an account's order, or do to it what a fault says."""
        key = account.settings.key
        fault = self._faults.on_event(str(update["event"]), str(update["order"]["symbol"]))
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.MISSING_EVENT:
            return
        if kind is FaultKind.REORDERED_EVENT:
            self._behind.append((key, update))
            return
        if kind is FaultKind.LATE_EVENT and fault is not None:
            self._agenda.at(self._now_ns() + fault.delay_ms * MILLISECOND_NS, lambda: self._send(key, update))
            return
        self._send(key, update)
        if kind is FaultKind.DUPLICATE_EVENT:
            self._send(key, update)
        late, self._behind = [one for one in self._behind if one[0] == key], [one for one in self._behind if one[0] != key]
        for _, held in late:
            self._send(key, held)

    def _send(self, key: str, update: Body) -> None:
        for listener in self.listeners:
            if listener.key == key and listener.listens:
                listener.say({"stream": STREAM, "data": update}, is_data=True)
