"""Watches how the venue is, beside a running trader.

Every change goes into the log, and from there to webhooks and the journal; one for the worse, and its end, are also a line for the
operator. A hint: nothing here opens or closes a gate.
"""

from collections.abc import Callable

from tidegate.clock.clock import Clock
from tidegate.events.inputs import VenueStatusChanged
from tidegate.service.desk import Desk
from tidegate.service.status_page import StatusChanged, StatusMonitor, StatusSettings, is_local
from tidegate.service.status_polling import Asked, StatusPolling
from tidegate.service.wish import Tell
from tidegate.values.enums import StatusLevel
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, Hosts
from tidegate.venues.alpaca.client import AlpacaClient

_QUIET = frozenset({StatusLevel.UNKNOWN, StatusLevel.OK})


def status_settings(page_url: str, hosts: Hosts) -> StatusSettings:
    """Return what is asked: an emulator on this machine has no public page, unless one on this machine is named.

    Raises:
        BadStatusSettingsError: the address cannot be one.
    """
    settings = StatusSettings(page_url=page_url)
    settings.check()
    is_venue = hosts in (PAPER_HOSTS, LIVE_HOSTS)
    return settings if is_venue or is_local(page_url) else StatusSettings(page_url="")


def watching(
    monitor: StatusMonitor, desk: Desk, client: AlpacaClient, clock: Clock, *, wake: Callable[[], None], tell: Tell
) -> StatusPolling:
    """Return what asks the venue for ever. clock: the machine's, as the monitor's."""

    def changed(change: StatusChanged) -> None:
        desk.sequencer.offer(
            VenueStatusChanged(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                venue=desk.place.venue,
                source=change.source,
                before=change.before,
                after=change.after,
                words=change.words,
            )
        )
        wake()
        if not {change.before, change.after} <= _QUIET:
            tell(f"The venue by its {change.source.value} is {change.after.value}: {change.words}.")

    return StatusPolling(monitor, Asked(client.clock, (changed,)), clock)
