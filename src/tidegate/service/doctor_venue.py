"""The doctor's look at keys and at a venue's clock. No key is ever shown."""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from tidegate.clock.clock import WallClock
from tidegate.service.doctor_line import Grade, Line
from tidegate.service.keys import LIVE_NAMES, PAPER_NAMES, KeyNames
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


class UnknownPlaceError(TidegateError):
    """The doctor was asked about a mode or venue that there is not."""


def check_keys(environment: Mapping[str, str], mode: str) -> Line:
    """Return whether the keys of a mode are in the environment; of no mode: paper's, and their absence is no failure.

    Raises:
        UnknownPlaceError: there is no such mode.
    """
    if mode and mode not in (*PAPER_MODES, *LIVE_MODES):
        raise UnknownPlaceError(f"There is no mode {mode!r}; write one of {', '.join((*PAPER_MODES, *LIVE_MODES))}.")
    live = mode in LIVE_MODES
    kind, names = ("live", LIVE_NAMES) if live else ("paper", PAPER_NAMES)
    pair = _pair(environment, names)
    if pair is not None:
        wrong = environment[pair.key_id].strip().startswith("PK" if live else "AK")
        advice = f"{pair.key_id} holds a key of the other kind: name a {kind} key" if wrong else ""
        return Line(Grade.FAIL if wrong else Grade.OK, "keys", f"a {kind} key is in {pair.key_id} and {pair.secret}", advice)
    half = [name for one in names for name in one if environment.get(name, "").strip()]
    seen = f"only {half[0]} is set; a key needs both halves" if half else f"no {kind} key in the environment"
    advice = f"set {names[0].key_id} and {names[0].secret}; the system's keyring and an age file are not looked into here"
    return Line(Grade.FAIL if mode else Grade.WARN, "keys", seen, advice)


def check_skew(environment: Mapping[str, str], venue: str) -> Line:
    """Return how far this machine's clock is from a venue's; one request leaves the machine.

    Raises:
        UnknownPlaceError: it is neither paper, live nor an address on this machine.
    """
    hosts = _hosts(venue)
    names = LIVE_NAMES if hosts == LIVE_HOSTS else PAPER_NAMES
    pair = _pair(environment, names)
    if pair is None:
        return Line(Grade.FAIL, "clock", f"{venue} answers only with a key", f"set {names[0].key_id} and {names[0].secret}")
    try:
        access = _access(environment, pair, live=hosts == LIVE_HOSTS)
        skew_ns, doubt_ns = asyncio.run(asyncio.wait_for(_skew(access, hosts), _WAIT_S))
    except TimeoutError:
        return Line(Grade.FAIL, "clock", f"{venue} did not answer within {_WAIT_S:g} s", "see the network, and the venue's status page")
    except TidegateError as error:
        return Line(Grade.FAIL, "clock", f"{venue} did not tell its time", str(error))
    off_ns = max(0, abs(skew_ns) - doubt_ns)
    grade = Grade.FAIL if off_ns >= SKEW_FAIL_NS else Grade.WARN if off_ns >= SKEW_WARN_NS else Grade.OK
    seen = f"{venue} is {skew_ns / MILLISECOND_NS:+.0f} ms from this machine, give or take {doubt_ns / MILLISECOND_NS:.0f} ms"
    return Line(grade, "clock", seen, "" if grade is Grade.OK else "let the machine's clock follow NTP")


def _hosts(venue: str) -> Hosts:
    if venue in {"paper", "live"}:
        return PAPER_HOSTS if venue == "paper" else LIVE_HOSTS
    if urlsplit(venue).scheme == "http" and urlsplit(venue).hostname in _LOOPBACK:
        return local_hosts(venue.rstrip("/"))
    raise UnknownPlaceError(f"{venue!r} is no venue; write paper, live or an emulator's address such as http://127.0.0.1:8700.")


def _pair(environment: Mapping[str, str], names: tuple[KeyNames, ...]) -> KeyNames | None:
    whole = (pair for pair in names if environment.get(pair.key_id, "").strip() and environment.get(pair.secret, "").strip())
    return next(whole, None)


def _access(environment: Mapping[str, str], pair: KeyNames, *, live: bool) -> Access:
    key_id, secret = environment[pair.key_id].strip(), environment[pair.secret].strip()
    return LiveAccess(key_id, secret) if live else PaperAccess(key_id, secret)


async def _skew(access: Access, hosts: Hosts) -> tuple[int, int]:
    async with AlpacaClient(access, hosts, WallClock()) as venue:
        return await venue.reference.skew_ns()
