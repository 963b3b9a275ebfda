"""The doctor's look at keys and at a venue's clock. No key is ever shown."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from tidegate.clock.clock import WallClock
from tidegate.service.doctor_line import Grade, Line
from tidegate.service.key_sources import sources_of
from tidegate.service.keys import KeySource, WrongKeyError, read_live_key, read_paper_key
from tidegate.service.secrecy import close_memory
from tidegate.values.errors import TidegateError
from tidegate.values.time import MILLISECOND_NS, SECOND_NS
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, Access, Hosts, LiveAccess, PaperAccess, local_hosts
from tidegate.venues.alpaca.client import AlpacaClient

PAPER_MODES: Final = ("dry-run", "shadow", "paper")
LIVE_MODES: Final = ("small-live", "live")
SKEW_WARN_NS: Final = 250 * MILLISECOND_NS
SKEW_FAIL_NS: Final = SECOND_NS
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_WAIT_S: Final = 20.0
Look: TypeAlias = Callable[[], Sequence[KeySource]]  # gives the places of keys, or says which of them cannot be read


class UnknownPlaceError(TidegateError):
    """The doctor was asked about a mode or venue that there is not."""


def places(origin: str) -> Sequence[KeySource]:
    """Return the places that a trader would look into, this process closed to others first.

    origin: of an emulator on this machine; empty: a venue itself.

    Raises:
        UnprotectedProcessError: the system does not let it be closed.
        KeySourceError: see `sources_of`.
    """
    close_memory()
    return sources_of(origin)


def emulator_of(venue: str) -> str:
    """Return the address of the emulator that a venue is; empty: it is a venue itself, or none.

    Raises:
        UnknownPlaceError: it is neither paper, live nor an address on this machine.
    """
    if venue in {"", "paper", "live"}:
        return ""
    if urlsplit(venue).scheme == "http" and urlsplit(venue).hostname in _LOOPBACK:
        return venue.rstrip("/")
    raise UnknownPlaceError(f"{venue!r} is no venue; write paper, live or an emulator's address such as http://127.0.0.1:8700.")


def check_keys(look: Look, mode: str) -> Line:
    """Return where the key of a mode is; of no mode: paper's, and its absence is no failure.

    Raises:
        UnknownPlaceError: there is no such mode.
    """
    if mode and mode not in (*PAPER_MODES, *LIVE_MODES):
        raise UnknownPlaceError(f"There is no mode {mode!r}; write one of {', '.join((*PAPER_MODES, *LIVE_MODES))}.")
    live = mode in LIVE_MODES
    kind = "live" if live else "paper"
    try:
        sources = look()
    except TidegateError as error:
        return Line(Grade.FAIL, "keys", "a place of keys cannot be read", str(error))
    try:
        key = read_live_key(sources) if live else read_paper_key(sources)
    except WrongKeyError as error:
        return Line(Grade.FAIL, "keys", "a key of the other kind", str(error))
    except TidegateError as error:
        return Line(Grade.FAIL if mode else Grade.WARN, "keys", f"no {kind} key", str(error))
    return Line(Grade.OK, "keys", f"a {kind} key is in {key.origin}")


def check_skew(look: Look, venue: str) -> Line:
    """Return how far this machine's clock is from a venue's; one request leaves the machine.

    Raises:
        UnknownPlaceError: it is neither paper, live nor an address on this machine.
    """
    origin = emulator_of(venue)
    hosts = local_hosts(origin) if origin else LIVE_HOSTS if venue == "live" else PAPER_HOSTS
    try:
        access = _access(look(), live=venue == "live")
    except TidegateError as error:
        return Line(Grade.FAIL, "clock", f"{venue} answers only with a key", str(error))
    try:
        skew_ns, doubt_ns = asyncio.run(asyncio.wait_for(_skew(access, hosts), _WAIT_S))
    except TimeoutError:
        return Line(Grade.FAIL, "clock", f"{venue} did not answer within {_WAIT_S:g} s", "see the network, and the venue's status page")
    except TidegateError as error:
        return Line(
            Grade.FAIL,
            "clock",
            f"{venue} did not tell its time: {error}".rstrip("."),
            "see the key, the network and the venue's status page",
        )
    off_ns = max(0, abs(skew_ns) - doubt_ns)
    grade = Grade.FAIL if off_ns >= SKEW_FAIL_NS else Grade.WARN if off_ns >= SKEW_WARN_NS else Grade.OK
    seen = f"{venue} is {skew_ns / MILLISECOND_NS:+.0f} ms from this machine, give or take {doubt_ns / MILLISECOND_NS:.0f} ms"
    return Line(grade, "clock", seen, "" if grade is Grade.OK else "let the machine's clock follow NTP")


def _access(sources: Sequence[KeySource], *, live: bool) -> Access:
    if live:
        key = read_live_key(sources)
        return LiveAccess(key.key_id.reveal(), key.secret.reveal())
    paper = read_paper_key(sources)
    return PaperAccess(paper.key_id.reveal(), paper.secret.reveal())


async def _skew(access: Access, hosts: Hosts) -> tuple[int, int]:
    async with AlpacaClient(access, hosts, WallClock()) as venue:
        return await venue.reference.skew_ns()
