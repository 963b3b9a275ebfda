"""The kill file: a kill that needs neither the trader's loop nor its database, only a disk.

`tidegate kill` puts it down before it asks anybody. Trader and watchdog look for it, at their start too, and obey it; only a person who
resumes, with a reason, takes an entry away. Each line is one kill. A file that cannot be read, an empty one too, is a kill of everything:
`touch kill` in the home folder works.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, final

import msgspec

from tidegate.control.home import Home
from tidegate.events.inputs import OperatorRequested
from tidegate.values.enums import GateScope, RequestVerb
from tidegate.values.errors import ExitCode, TidegateError

_OWNER_ONLY: Final = 0o600
_EVERYTHING: Final = "rule:kill-file"  # the actor of a file that cannot be read
_BYTES_MAX: Final = 1 << 20
_LOCK_WAIT_S: Final = 1.0  # a kill waits no longer for whoever takes entries away
_LOCK_STEP_S: Final = 0.01


class KillFileError(TidegateError):
    """The kill file cannot be written: nothing was killed by it. Cancel at the venue itself, or stop the machine."""

    exit_code = ExitCode.ENVIRONMENT


class NoReasonError(TidegateError):
    """What a kill has closed is opened only for a reason that is said."""

    exit_code = ExitCode.REFUSED


class Kill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kill: of what, by whom, when (ns UTC), why. request_id makes it one with the request that goes over the socket."""

    request_id: str
    scope: GateScope
    key: str
    actor: str
    reason: str
    at_ns: int

    def request(self) -> OperatorRequested:
        """Return it as what the trader is asked."""
        return OperatorRequested(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            request_id=self.request_id,
            verb=RequestVerb.KILL,
            scope=self.scope,
            key=self.key,
            requester=self.actor,
            reason=self.reason,
        )


_decoder: Final = msgspec.json.Decoder(Kill)


def write_kill(home: Home, kill: Kill) -> Path:
    """Add a kill to the file of a home, on the disk when this returns; return the file.

    Raises:
        KillFileError: there is no such home, or it takes no file.
    """
    line = msgspec.json.encode(kill) + b"\n"
    try:
        with _locked(home):
            if not _create(home, line) and _EVERYTHING not in {found.actor for found in read_kills(home)}:
                _append(home.kill, line)
        _sync_folder(home.root)
    except OSError as error:
        raise KillFileError(
            f"The kill file {home.kill} cannot be written ({error.strerror}); name the trader's home with --home, or cancel at the venue."
        ) from error
    return home.kill


def read_kills(home: Home) -> tuple[Kill, ...]:
    """Return the kills that stand, oldest first; one of everything where the file cannot be read."""
    try:
        with home.kill.open("rb") as file:
            data, made_ns = file.read(_BYTES_MAX + 1), os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (_of_everything(f"cannot be read ({error.strerror})", home.kill.lstat().st_mtime_ns),)
    lines = data.splitlines()
    try:
        kills = tuple(_decoder.decode(line) for line in lines)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return (_of_everything("holds something else than kills", made_ns),)
    if not kills or len(data) > _BYTES_MAX:
        return (_of_everything("is empty" if not kills else "is too long", made_ns),)
    return kills


def clear_kills(home: Home, scope: GateScope, key: str, *, reason: str, heeded: Callable[[str], bool] | None = None) -> int:
    """Take away the kills of one scope, since a person resumed it; return how many. An unreadable file is one kill of everything.

    heeded: tells by its request's id whether a kill was obeyed; one that was not stays, for nobody meant it. None: all were.

    Raises:
        NoReasonError: no reason was given.
        KillFileError: the file cannot be changed, and its kills stand.
    """
    if not reason.strip():
        raise NoReasonError("Say why with --reason: what a kill has closed is opened only for a reason.")
    return _keep_only(home, lambda kill: (kill.scope, kill.key) != (scope, key) or not (heeded is None or heeded(kill.request_id)))


def withdraw_kill(home: Home, request_id: str) -> int:
    """Take away a kill that named nothing here, and so has closed nothing."""
    return _keep_only(home, lambda kill: kill.request_id != request_id)


@final
class KillWatch:
    """Looks whether kills came that were not seen yet. Asking costs one look at the file's times while nothing happens."""

    def __init__(self, home: Home) -> None:
        self._home: Final = home
        self._path: Final = str(home.kill)
        self._looked_at: tuple[int, int, int] | None = None
        self._seen: set[str] = set()
        self.written_ns = 0  # wall time at which the file was written last, as the newest look found it

    def has_seen(self, request_id: str) -> bool:
        """Tell whether a kill that is in the file was returned by `poll`."""
        return request_id in self._seen

    @property
    def stands(self) -> bool:
        """Tell whether there is a kill file."""
        return os.path.lexists(self._home.kill)

    def poll(self) -> tuple[Kill, ...]:
        """Return the kills that came since the last call."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - asked at every turn of the trader's loop, and a Path asks half as fast
            now = (found.st_ino, found.st_mtime_ns, found.st_size)
            self.written_ns = found.st_ctime_ns  # a new file is linked into place when it is whole
        except FileNotFoundError:
            self._looked_at, self._seen = None, set()
            return ()
        except OSError:
            now = (0, 0, 0)
        if now == self._looked_at:
            return ()
        self._looked_at = now
        kills = read_kills(self._home)
        new = tuple(kill for kill in kills if kill.request_id not in self._seen)
        self._seen = {kill.request_id for kill in kills}
        return new


def _of_everything(why: str, made_ns: int) -> Kill:
    return Kill(
        request_id=f"kill-file-{made_ns}",
        scope=GateScope.GLOBAL,
        key="",
        actor=_EVERYTHING,
        reason=f"the kill file {why}",
        at_ns=made_ns,
    )


def _keep_only(home: Home, stays: Callable[[Kill], bool]) -> int:
    try:
        with _locked(home):
            kills = read_kills(home)
            kept = [kill for kill in kills if stays(kill)]
            if len(kept) == len(kills):
                return 0
            if kept:
                _replace(home, b"".join(msgspec.json.encode(kill) + b"\n" for kill in kept))
            else:
                home.kill.unlink(missing_ok=True)
        _sync_folder(home.root)
    except OSError as error:
        raise KillFileError(f"The kill file {home.kill} cannot be changed ({error.strerror}); take it away by hand.") from error
    return len(kills) - len(kept)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Hold the file's lock, so that nothing added is lost to somebody who takes away; after a second go on without it."""
    lock = os.open(home.root / "kill.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        _own(lock, home)
        deadline = time.monotonic() + _LOCK_WAIT_S
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_LOCK_STEP_S)
        yield
    finally:
        os.close(lock)


def _create(home: Home, line: bytes) -> bool:
    """Make the file with its first line, whole from the first moment; False: it is there already."""
    whole = _written(home, line)
    try:
        os.link(whole, home.kill)
    except FileExistsError:
        return False
    finally:
        whole.unlink()
    return True


def _append(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        if os.write(handle, line) != len(line):
            raise OSError(0, "the disk is full")
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(home: Home, data: bytes) -> None:
    _written(home, data).replace(home.kill)


def _written(home: Home, data: bytes) -> Path:
    """Return a new file with these bytes, on the disk, beside the kill file."""
    path = home.root / f"kill.{os.getpid()}.new"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        _own(handle, home)
        file.write(data)
        file.flush()
        os.fsync(handle)
    return path


def _own(handle: int, home: Home) -> None:
    """Give a file that root makes to the home's own user: the trader must be able to read it."""
    if os.geteuid() == 0:
        found = home.root.stat()
        os.fchown(handle, found.st_uid, found.st_gid)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
