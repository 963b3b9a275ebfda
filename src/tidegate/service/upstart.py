"""What `tidegate up` runs: which children, with which keys, and the watchdog's brake. Processes are `supervisor`'s."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tidegate.clock.clock import WallClock
from tidegate.config.model import Config
from tidegate.config.reading import LoadedConfig, read_config
from tidegate.config.stages import STAGE_OF_MODE
from tidegate.config.webhook_rules import secret_name, webhooks_of
from tidegate.control.home import Home
from tidegate.service.brake import Brake, alpaca_brake
from tidegate.service.children import Announced, ChildSpec
from tidegate.service.key_sources import KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE, sources_of
from tidegate.service.keys import ALL_NAMES, PAPER_NAMES
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.promoting import Who, added
from tidegate.service.restarts import RestartPolicy
from tidegate.service.secrecy import Secret, close_memory
from tidegate.service.setup import live_section, version_in
from tidegate.service.speaking import Speaker
from tidegate.service.stage_book import StageBook
from tidegate.service.supervisor import Plan, Supervisor
from tidegate.service.up_keys import live_up_keys, paper_up_keys
from tidegate.service.version_verbs import book_of
from tidegate.service.webhooks.secrets import read_secrets, sources
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, PaperAccess, check_hosts, local_hosts

TRADER: Final = "trader"
VENUE: Final = "venue"
NOTIFIER: Final = "notify"
_SUPERVISORS_OWN: Final = frozenset({*ALL_NAMES, KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE})  # variables that no child sees


class Up(NamedTuple):
    """A service that is ready to run, and what passes its lines on."""

    plan: Plan
    speaker: Speaker


class _Announcement(msgspec.Struct):
    """The emulator's first line: where it listens, and with which key."""

    rest: str
    key: str
    secret: str


def venue_plan(config: str, home: Home, *, argv: Sequence[str], mode: str, patient: bool) -> Up:
    """Return the plan of trading at the venue, or at an emulator that the configuration names.

    Raises:
        ConfigError: the configuration cannot be read.
        NotPromotedError: the mode moves real money, and the configuration's version may not run in it.
        MissingKeyError, WrongKeyError, KeySourceError: there is no key to trade with.
    """
    close_memory()
    loaded = read_config(config)
    live = live_section(loaded)
    if mode in STAGE_OF_MODE:  # before any key is asked for; the trader checks again, under its lease
        check_stage(loaded, live.ledger or home.ledger, mode)
    places = sources_of(live.origin)
    keys = live_up_keys(places) if mode in STAGE_OF_MODE else paper_up_keys(places)
    notifiers = _notifiers(loaded.config, config, home, argv)
    hosts = local_hosts(live.origin) if live.origin else LIVE_HOSTS if mode in STAGE_OF_MODE else PAPER_HOSTS
    check_hosts(keys.watchdog, hosts)
    words = [*argv, "trader", "--mode", mode, "--config", config, "--home", str(home.root), *(["--patient"] if patient else [])]
    trader = ChildSpec(TRADER, lambda _announced: words, keys=keys.trader, beats=True)
    home.make()
    return _plan(home, (*notifiers, trader), lambda _announced: alpaca_brake(keys.watchdog, hosts, WallClock()))


def check_stage(loaded: LoadedConfig, ledger: Path | str, mode: str) -> None:
    """Refuse a mode that moves real money to a configuration that may not run in it. Only looks: nothing is recorded.

    Raises:
        NotPromotedError: its version does not hold the stage, is not in force, or is not known.
        LedgerUnavailableError: the ledger cannot be read.
    """
    version, account = version_in(loaded), loaded.config.account.name
    if isinstance(ledger, Path) and not ledger.exists():
        StageBook((), ()).check_mode(version, mode)
        return
    store = SqlLedger(ledger)
    try:
        book = book_of(store, account)
    finally:
        store.close()
    moved = added(book, account, version, Who("", 0, ""))
    book.after(moved.versions, moved.rows).check_mode(version, mode)


def demo_plan(config: str, tape: Path, home: Home, *, argv: Sequence[str], mode: str, speed: float, port: int) -> Up:  # noqa: PLR0913 - what a demo is made of
    """Return the plan of the demo: an emulated venue on a tape, and a trader that trades there."""
    venue = [*argv, "emulate", "alpaca", "--tape", str(tape), "--speed", f"{speed:g}", "--port", str(port), "--json"]

    def trader(announced: Announced) -> Sequence[str]:
        return [*argv, "trader", "--mode", mode, "--config", config, "--home", str(home.root), "--origin", _said(announced).rest]

    def brake(announced: Announced) -> AbstractAsyncContextManager[Brake]:
        said = _said(announced)
        return alpaca_brake(PaperAccess(said.key, said.secret), local_hosts(said.rest), WallClock())

    keys = _toy_keys()
    home.make()
    children = (
        ChildSpec(VENUE, lambda _announced: venue, announces=True),
        ChildSpec(TRADER, trader, keys=keys, beats=True),
    )
    return _plan(home, children, brake)


def run(up: Up) -> int:
    """Run a service until it ends; return the exit code.

    Raises:
        TidegateError: see `Supervisor.run`.
    """
    try:
        return asyncio.run(Supervisor(up.plan, WallClock()).run())
    finally:
        up.speaker.close()


def _notifiers(loaded: Config, config: str, home: Home, argv: Sequence[str]) -> tuple[ChildSpec, ...]:
    """Return the child that tells the webhooks, if there are any: before the trader, so that it ends after it and tells its end."""
    webhooks = webhooks_of(loaded)
    if not webhooks:
        return ()
    secrets = read_secrets(webhooks, sources([secret_name(hook.name) for hook in webhooks], None))
    words = [*argv, "notify", "--config", config, "--home", str(home.root)]
    return (ChildSpec(NOTIFIER, lambda _announced: words, keys=secrets, policy=RestartPolicy(essential=False)),)


def _plan(home: Home, children: Sequence[ChildSpec], brake: Callable[[Announced], AbstractAsyncContextManager[Brake]]) -> Up:
    speaker = Speaker()
    return Up(Plan(home.root, children, brake, _environment(), speaker.say), speaker)


def _environment() -> Mapping[str, str]:
    """Return the environment of the children: everything but keys, and where the file of all keys lies."""
    return {name: value for name, value in os.environ.items() if name not in _SUPERVISORS_OWN}


def _said(announced: Announced) -> _Announcement:
    return msgspec.json.decode(announced[VENUE], type=_Announcement)


def _toy_keys() -> Mapping[str, Secret]:
    """Return the key of the emulated account, which opens nothing else."""
    return {PAPER_NAMES[0].key_id: Secret("PKEMULATOR"), PAPER_NAMES[0].secret: Secret("emulator-secret")}
