"""What a trader is asked to run, and at which pace."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tidegate.clock.clock import Clock
from tidegate.control.home import Home
from tidegate.service.desk import DeskSettings
from tidegate.service.outbox import OutboxSettings
from tidegate.service.parting import PartingPlan
from tidegate.service.reconcile import ReconcileSettings
from tidegate.service.setup import Setup
from tidegate.venues.alpaca.access import Access, Hosts
from tidegate.venues.alpaca.streams import Feed, MarketWish
from tidegate.venues.lifeline import Timing
from tidegate.venues.waiting import Wait


class Time(NamedTuple):
    """Clocks of a trader: the machine's for the lease, the venue's pace for everything else (an emulator may run fast)."""

    wall: Clock
    clock: Clock
    wait: Wait
    speed: float


class Wish(NamedTuple):
    """What to run. mode: one of `starting.MODES`; patient: wait for another trader to go."""

    home: Home
    setup: Setup
    mode: str
    access: Access
    hosts: Hosts
    time: Time
    patient: bool = False
    beat: int | None = None  # the supervisor's pipe for the heartbeat; None: nobody watches


Tell = Callable[[str], None]  # one line for the operator


def paced(speed: float, parting: PartingPlan) -> DeskSettings:
    """Return settings whose waits for our disk, our loop, a former holder and a lost stream last as long as on the machine's clock."""
    outbox, reconcile = OutboxSettings(), ReconcileSettings()
    replace = msgspec.structs.replace
    return DeskSettings(
        outbox=replace(outbox, answer_ns=int(outbox.answer_ns * speed), cancel_patience_ns=int(outbox.cancel_patience_ns * speed)),
        reconcile=replace(reconcile, trust_ns=int(reconcile.trust_ns * speed), blind_ns=int(reconcile.blind_ns * speed)),
        parting=parting._replace(lost_after_ns=int(parting.lost_after_ns * speed)),
    )


def stream_timing(speed: float) -> Timing:
    """Return how patient a market stream is: a former trader's connection ends in the machine's time, not in the venue's."""
    timing = MarketWish(feed=Feed.IEX).timing
    return msgspec.structs.replace(timing, owned_ns_max=int(timing.owned_ns_max * speed))
