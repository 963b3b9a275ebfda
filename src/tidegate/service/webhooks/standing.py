"""Where a receiver stands: its place in the log, what it got, what it did not get; one small file each, replaced whole.

The file is the cursor and the status in one, so they cannot disagree. What it says was delivered was: it is written after the answer.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from tidegate.journal.chain import sync_directory
from tidegate.journal.following import Place
from tidegate.values.errors import ExitCode, TidegateError

FOLDER: Final = "webhooks"
FAILURES_KEPT: Final = 20


class BadStandingError(TidegateError):
    """The file with a receiver's place in the log cannot be read."""

    exit_code = ExitCode.ENVIRONMENT


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery that was given up."""

    id: str
    event: str
    at: str  # when it was given up, UTC
    tries: int
    why: str


class Standing(msgspec.Struct, kw_only=True):
    """What the file holds. Times are UTC text, empty where there is none."""

    name: str
    place: Place
    gates: dict[str, str] = {}  # states of gates that it was told of, less open ones
    delivered: int = 0
    failed: int = 0
    unread: int = 0  # times that a part of the log could not be read for it
    delivered_last: str = ""
    failing_since: str = ""
    why: str = ""  # of the newest try that failed, or what stood in the way of reading
    failures: list[Failure] = []  # the newest


def standing_path(home: Path, name: str) -> Path:
    """Return the file of a receiver."""
    return home / FOLDER / f"{name}.json"


def read_standing(home: Path, name: str) -> Standing | None:
    """Return where a receiver stands; None where it was never told anything.

    Raises:
        BadStandingError: the file is there and cannot be read.
    """
    path = standing_path(home, name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Standing)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise BadStandingError(
            f"{path} says what the webhook {name} was told and cannot be read ({type(error).__name__}); mend it, or remove it to begin "
            "with what comes from now on."
        ) from error


def read_standings(home: Path) -> list[Standing]:
    """Return where every receiver of a home stands that ever was told something, by name.

    Raises:
        BadStandingError: a file is there and cannot be read.
    """
    found = (read_standing(home, path.stem) for path in sorted((home / FOLDER).glob("*.json")))
    return [standing for standing in found if standing is not None]


def write_standing(home: Path, standing: Standing) -> None:
    """Put a new file in the place of the old one, durably; after a crash either is there, whole.

    Raises:
        OSError: the disk refuses.
    """
    path = standing_path(home, standing.name)
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(standing) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)
