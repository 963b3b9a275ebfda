"""An emulator without sockets: tape, time, accounts, and what happens at the ends of minutes and days."""

from collections.abc import Sequence
from typing import Final, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.emulators.alpaca import bars, money
from tidegate.emulators.alpaca.accounts import Account
from tidegate.emulators.alpaca.agenda import Agenda
from tidegate.emulators.alpaca.assets import Assets, Reference
from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.errors import WrongTapeError
from tidegate.emulators.alpaca.faults import Faults
from tidegate.emulators.alpaca.floor import VENUE, Floor
from tidegate.emulators.alpaca.hub import ALL, Hub
from tidegate.emulators.alpaca.market import Market
from tidegate.emulators.alpaca.orders import Life
from tidegate.emulators.alpaca.player import Player
from tidegate.emulators.alpaca.schedule import AFTER_CLOSE_NS, Schedule, begin_ns
from tidegate.emulators.alpaca.settings import EmulatorSettings
from tidegate.emulators.alpaca.ticker import Ticker
from tidegate.emulators.alpaca.timeline import Timeline
from tidegate.emulators.alpaca.updates import Updates
from tidegate.kernel.compile import Compiler
from tidegate.tapes.format import Tape
from tidegate.values.enums import InstrumentKind
from tidegate.values.instruments import Instrument
from tidegate.values.time import MINUTE_NS

TRADED: Final = frozenset({InstrumentKind.STOCK, InstrumentKind.OPTION})


@final
class World:
    """Everything that has state. One thread: whoever calls it sees the tape played up to `play`'s last time."""

    def __init__(
        self, tapes: Sequence[Tape], settings: EmulatorSettings, clock: Clock, *, reference: Reference, compiler: Compiler | None
    ) -> None:
        """Stand at the tape's beginning.

        Raises:
            WrongTapeError: nothing on the tape is traded at this venue, or no calendar knows its days.
            BadSettingsError: see `EmulatorSettings.check`.
        """
        settings.check()
        first_ns, last_ns = min(tape.meta.first_ns for tape in tapes), max(tape.meta.last_ns for tape in tapes)
        timeline = Timeline(clock, begin_ns=begin_ns(settings, first_ns=first_ns, last_ns=last_ns))
        market = Market(tapes, _instruments(tapes))
        agenda = Agenda()
        self.floor: Final = Floor(
            settings,
            timeline,
            Schedule(settings.calendar, timeline, first_ns=first_ns, last_ns=last_ns),
            market,
            agenda,
            Player(market, agenda, start_ns=first_ns),
            Assets(market.instruments, reference),
            compiler,
        )
        self.hub: Final = Hub()
        self.ticker: Final = Ticker(self.floor, self.hub)
        self.faults: Final = Faults()
        self.updates: Final = Updates(self.faults, agenda, lambda: self.floor.player.now_ns)
        now_ns = timeline.now_ns()
        self.desks: Final = {
            one.key: Desk(Account(one, seed=settings.seed, created_ns=now_ns), self.floor, self.updates.publish)
            for one in settings.accounts
        }
        self.floor.player.traders.extend(self.desks.values())
        self.floor.player.listeners.append(self.ticker.take)
        self._minute_ns = first_ns // MINUTE_NS * MINUTE_NS
        agenda.at(self._minute_ns + MINUTE_NS, self._end_minute)
        agenda.at(self.floor.schedule.next_close_ns(first_ns), self._end_day)

    def play(self) -> None:
        """Play the tape up to now."""
        self.floor.player.advance(self.floor.timeline.tape_ns())

    def settle(self) -> None:
        """Let the market answer to what has just been asked, without letting time pass."""
        self.floor.player.advance(self.floor.player.now_ns)

    def _end_minute(self) -> None:
        """Sample equities and send the minute's bars."""
        start_ns = self._minute_ns
        self._minute_ns = self._next_minute_ns(start_ns + MINUTE_NS)
        self.floor.agenda.at(self._minute_ns + MINUTE_NS, self._end_minute)
        now_ns = self.floor.now_ns()
        for desk in self.desks.values():
            desk.account.sample(now_ns, money.equity_attos(desk.account, self.floor))
        shown_ns = self.floor.timeline.shown(start_ns)
        for symbol in self._wanted("bars"):
            body = bars.minute_bar(self.floor, self.floor.market.places[symbol], start_ns)
            if body is not None:
                self.ticker.publish("b", symbol, body, shown_ns)
        self._send_days(start_ns)

    def _next_minute_ns(self, minute_ns: int) -> int:
        """Return the next minute in which anything can trade; nights are left out."""
        schedule = self.floor.schedule
        if schedule.is_open(minute_ns, extended=True):
            return minute_ns
        return max(schedule.next_day(minute_ns, extended=True).pre_open_ns, minute_ns)

    def _send_days(self, start_ns: int) -> None:
        schedule = self.floor.schedule
        if not schedule.is_open(start_ns):
            return
        day = schedule.day_of(start_ns)
        for symbol in self._wanted("dailyBars"):
            body = bars.day_bar(self.floor, self.floor.market.places[symbol], day.pre_open_ns, day.post_close_ns)
            if body is not None:
                self.ticker.publish("d", symbol, body, schedule.shown_midnight_ns(day))

    def _wanted(self, channel: str) -> list[str]:
        wanted = self.hub.wanted_symbols(channel)
        return [symbol for symbol in self.floor.market.places if symbol in wanted or ALL in wanted]

    def _end_day(self) -> None:
        """Remember the equity at the close; a little later the aged orders are canceled."""
        now_ns = self.floor.player.now_ns
        for desk in self.desks.values():
            desk.account.last_equity_attos = money.equity_attos(desk.account, self.floor)
        self.floor.agenda.at(now_ns + AFTER_CLOSE_NS, self._cancel_aged)
        following_ns = self.floor.schedule.next_close_ns(now_ns)
        if following_ns > now_ns:
            self.floor.agenda.at(following_ns, self._end_day)

    def _cancel_aged(self) -> None:
        now_ns = self.floor.now_ns()
        for desk in self.desks.values():
            for order in desk.blotter.open():
                if order.life is Life.GTC and order.expires_ns <= now_ns:
                    desk.cancel(order)


def _instruments(tapes: Sequence[Tape]) -> tuple[Instrument, ...]:
    """Return the symbols of all tapes as this venue trades them: in fractions of a share, each once.

    Raises:
        WrongTapeError: none of them is a share or an option.
    """
    symbols = {one.symbol: one for tape in tapes for one in tape.symbols}
    if not any(one.kind in TRADED for one in symbols.values()):
        raise WrongTapeError("The tape holds no share and no option contract; give one that does, or none for a generated market.")
    return tuple(
        msgspec.structs.replace(one, index=place, venue=VENUE, lot_nanos=1, sector="", market_group="")
        for place, one in enumerate(symbols.values())
    )
