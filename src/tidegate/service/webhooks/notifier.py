"""The process behind `tidegate notify`: one task for each receiver, beside the trader and never in its way.

It opens no ledger, holds no key of a venue and writes nothing but its own small files. A second one in the same home is refused, so
that nobody is told everything twice.
"""

import asyncio
import fcntl
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from tidegate.clock.clock import WallClock
from tidegate.config.reading import read_config
from tidegate.config.webhook_rules import secret_name, webhooks_of
from tidegate.control.home import Home
from tidegate.service.keys import ALL_NAMES
from tidegate.service.log_lines import set_up_log
from tidegate.service.secrecy import close_memory, wipe_environment
from tidegate.service.webhooks.receiver import Hook, Receiver, Surroundings
from tidegate.service.webhooks.secrets import read_secrets, sources
from tidegate.service.webhooks.standing import FOLDER, BadStandingError
from tidegate.values.errors import ExitCode, TidegateError

LOCK_FILE: Final = "notify.lock"
_END_S: Final = 5.0  # what is there may still be told in this time
_ALONE_S: Final = 1.0  # how often it is looked whether the supervisor lives


class NoWebhooksError(TidegateError):
    """The configuration names nobody to be told."""


class NotifierRunsError(TidegateError):
    """Another `tidegate notify` works in this home; a second one would tell everything twice."""

    exit_code = ExitCode.ENVIRONMENT


def notify(config: str, home: Home, keys_fd: int | None = None) -> None:
    """Tell the receivers of a configuration until SIGINT or SIGTERM, or until the supervisor is gone that has started it (`keys_fd`).

    Raises:
        ConfigError: the configuration cannot be read.
        NoWebhooksError: it has no webhooks.
        MissingKeyError, WrongKeyError, KeySourceError: a webhook has no secret of its own.
        NotifierRunsError, HomeUnusableError: the home is in use, or cannot be used.
    """
    close_memory()
    wipe_environment(ALL_NAMES)  # keys of venues are none of this process's business
    sections = webhooks_of(read_config(config).config)
    if not sections:
        raise NoWebhooksError(f"{config} has no webhooks; name a receiver there, see the manual's page of webhooks.")
    secrets = read_secrets(sections, sources([secret_name(section.name) for section in sections], keys_fd))
    set_up_log(tuple(secrets.values()))
    home.make()
    lock = _lock(home.root)
    try:
        hooks = [Hook(section, secrets[secret_name(section.name)]) for section in sections]
        asyncio.run(_tell(hooks, home, supervised=keys_fd is not None))
    finally:
        os.close(lock)


async def _tell(hooks: Sequence[Hook], home: Home, *, supervised: bool) -> None:
    stopping = asyncio.Event()
    orphaned = asyncio.create_task(_left_alone(os.getppid(), stopping)) if supervised else None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    around = Surroundings(home.root, home.log, WallClock(), random.SystemRandom().random, _say, stopping)
    receivers = [receiver for hook in hooks if (receiver := _receiver(hook, around)) is not None]
    running = [asyncio.create_task(receiver.run()) for receiver in receivers]
    stop = asyncio.create_task(stopping.wait())
    while not stop.done():
        done, _ = await asyncio.wait({stop, *running}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop}:
            task.result()  # a bug of ours: everything is started again
    left = set(running)
    if left:
        _, late = await asyncio.wait(left, timeout=_END_S)
        for task in late:
            task.cancel()
        await asyncio.wait(left)
    if orphaned is not None:
        orphaned.cancel()


async def _left_alone(parent: int, stopping: asyncio.Event) -> None:
    """Stop once the supervisor is gone: the one that comes after it starts a notifier of its own."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells a process that its parent has died
        await asyncio.sleep(_ALONE_S)
    _say("", "it stops", "its supervisor is gone")
    stopping.set()


def _receiver(hook: Hook, around: Surroundings) -> Receiver | None:
    """Return the receiver, or None if its own file is unreadable: the others are told nevertheless."""
    try:
        return Receiver(hook, around)
    except (BadStandingError, OSError) as error:
        _say(hook.section.name, "it is not told anything", str(error))
        return None


def _lock(home: Path) -> int:
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise NotifierRunsError(f"Another `tidegate notify` works in {home}; stop it, or name another --home.") from None
    return handle


def _say(name: str, happened: str, why: str) -> None:
    structlog.get_logger("notify").warning(f"webhook {name}: {happened}", name=name, reason=why)
