"""What all accounts of an emulator share: settings, time, market, calendar, the tape's player."""

from typing import Final, NamedTuple

from tidegate.emulators.alpaca.agenda import Agenda
from tidegate.emulators.alpaca.assets import Assets
from tidegate.emulators.alpaca.market import Market
from tidegate.emulators.alpaca.orders import Life
from tidegate.emulators.alpaca.player import Player
from tidegate.emulators.alpaca.schedule import Schedule
from tidegate.emulators.alpaca.settings import EmulatorSettings
from tidegate.emulators.alpaca.timeline import Timeline
from tidegate.emulators.alpaca.wire import midnight_ns, new_york
from tidegate.kernel.compile import Compiler
from tidegate.values.fees import FeeSchedule
from tidegate.values.latency import Latency
from tidegate.values.time import DAY_NS, MINUTE_NS
from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity, SimSettings, TradingHours
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import SimVenue

VENUE: Final = "alpaca"
GTC_DAYS: Final = 90
_AGED_AT_NS: Final = (16 * 60 + 15) * MINUTE_NS  # New York's clock


class Floor(NamedTuple):
    """The shared parts. `compiler` None: the simulated venues run as plain Python."""

    settings: EmulatorSettings
    timeline: Timeline
    schedule: Schedule
    market: Market
    agenda: Agenda
    player: Player
    assets: Assets
    compiler: Compiler | None

    def now_ns(self) -> int:
        """Return shown time as far as the tape has been played."""
        return self.timeline.shown(self.player.now_ns)

    def is_open(self, *, extended: bool = False) -> bool:
        """Tell whether the market trades now."""
        return self.schedule.is_open(self.player.now_ns, extended=extended)

    def expiry_ns(self, life: Life, *, extended: bool = False) -> int:
        """Return when an order that comes now ends by itself, in shown time; 0: at once."""
        if life is Life.DAY:
            day = self.schedule.next_day(self.player.now_ns, extended=extended)
            return self.timeline.shown(day.post_close_ns if extended else day.close_ns)
        if life is Life.GTC:
            return midnight_ns(new_york(self.now_ns() + GTC_DAYS * DAY_NS).date()) + _AGED_AT_NS
        return 0

    def new_venue(self, hours: tuple[TradingHours, ...]) -> SimVenue:
        """Return a simulated venue over the tape. Each account has its own: nobody takes liquidity from another."""
        settings = self.settings
        return SimVenue(
            [Stream(*stream) for stream in self.market.streams()],
            self.market.instruments,
            settings=SimSettings(
                hours=hours,
                outside_hours=OutsideHours.QUEUE,
                replace_quantity=ReplaceQuantity.TOTAL,
                orders_max=settings.orders_max,
            ),
            fees=FeeSchedule.none(),
            order_latency=Latency.parse(settings.order_latency),
            response_latency=Latency.parse(settings.response_latency),
            seed=settings.seed,
            compiler=self.compiler,
        )
