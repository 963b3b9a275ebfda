"""The keys of a service: read once by the supervisor, handed to the trader through a pipe, kept for the watchdog alone.

Close the process's memory (`secrecy.close_memory`) before they are read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tidegate.service.keys import (
    LIVE_NAMES,
    LIVE_WATCHDOG_NAMES,
    PAPER_NAMES,
    PAPER_WATCHDOG_NAMES,
    KeyNames,
    KeySource,
    LiveKey,
    PaperKey,
    read_live_key,
    read_paper_key,
)
from tidegate.service.secrecy import Secret
from tidegate.venues.alpaca.access import Access, LiveAccess, PaperAccess


class UpKeys(NamedTuple):
    """What the trader reads from its pipe, the watchdog's credential, and all that no line may show."""

    trader: Mapping[str, Secret]
    watchdog: Access
    secrets: tuple[Secret, ...]


def paper_up_keys(sources: Sequence[KeySource]) -> UpKeys:
    """Return the paper keys; the watchdog's own where there is one, the trader's where not.

    Raises:
        MissingKeyError, WrongKeyError, KeySourceError: see `read_paper_key`.
    """
    trader, watchdog = read_paper_key(sources), read_paper_key(sources, PAPER_WATCHDOG_NAMES)
    access = PaperAccess(watchdog.key_id.reveal(), watchdog.secret.reveal())
    return UpKeys(_named(PAPER_NAMES[0], trader), access, (*trader.secrets, *watchdog.secrets))


def live_up_keys(sources: Sequence[KeySource]) -> UpKeys:
    """Return the live keys; otherwise as `paper_up_keys`."""
    trader, watchdog = read_live_key(sources), read_live_key(sources, LIVE_WATCHDOG_NAMES)
    access = LiveAccess(watchdog.key_id.reveal(), watchdog.secret.reveal())
    return UpKeys(_named(LIVE_NAMES[0], trader), access, (*trader.secrets, *watchdog.secrets))


def _named(names: KeyNames, key: PaperKey | LiveKey) -> Mapping[str, Secret]:
    return {names.key_id: key.key_id, names.secret: key.secret}
