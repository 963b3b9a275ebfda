"""Where the proof of a login stays between two calls: a file of this user alone, one for each trader's home."""

import os
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tidegate.config.paths import expanded, resolved
from tidegate.values.errors import ExitCode, TidegateError

if TYPE_CHECKING:
    from tidegate.control.home import Home

PROOF_VARIABLE: Final = "TIDEGATE_PROOF"
_OWNER_ONLY: Final = 0o600
_PRIVATE: Final = 0o700
_OTHERS: Final = 0o077
_LONGEST: Final = 256
_PROOF: Final = re.compile(rf"\w{{1,{_LONGEST}}}", re.ASCII)


class ProofUnusableError(TidegateError):
    """The file with the proof of a login belongs to somebody else, is open to others, or cannot be written."""

    exit_code = ExitCode.ENVIRONMENT


def proof_of(home: "Home") -> str:
    """Return the proof for a trader: of the environment (TIDEGATE_PROOF), else of the last login; empty: there is none.

    Raises:
        ProofUnusableError: the file is not this user's alone.
    """
    named = os.environ.get(PROOF_VARIABLE, "").strip()
    if named:
        return _checked(named, PROOF_VARIABLE)
    path = _file(home)
    if path is None:
        return ""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ProofUnusableError(f"{path} cannot be read ({error.strerror}); take it away, and log in again.") from error
    with os.fdopen(handle, errors="replace") as file:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
            raise ProofUnusableError(f"{path} is not this user's alone; take it away, and log in again.")
        return _checked(file.read(_LONGEST + 1).strip(), str(path))


def keep_proof(home: "Home", proof: str) -> Path:
    """Keep a proof for this user alone, in place of an older one; return the file.

    Raises:
        ProofUnusableError: it cannot be written.
    """
    path = _file(home)
    if path is None:
        raise ProofUnusableError("This user has no home folder to keep a login in; name a folder for it with XDG_STATE_HOME.")
    fresh = path.with_suffix(f".{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
        with os.fdopen(handle, "w") as file:
            file.write(proof + "\n")
        fresh.replace(path)
    except OSError as error:
        raise ProofUnusableError(f"{path} cannot be written ({error.strerror}); make room, or give this user the right.") from error
    return path


def drop_proof(home: "Home") -> None:
    """Take the kept proof away."""
    path = _file(home)
    if path is not None:
        path.unlink(missing_ok=True)


def _checked(proof: str, place: str) -> str:
    if not _PROOF.fullmatch(proof):
        raise ProofUnusableError(f"What {place} holds is no proof of a login; take it away, and log in again.")
    return proof


def _file(home: "Home") -> Path | None:
    """Return the file of a home: named by a hash, since a home may lie anywhere."""
    folder = _folder()
    return folder and folder / sha256(os.fsencode(resolved(home.root))).hexdigest()[:32]


def _folder() -> Path | None:
    """Return where proofs are kept; None where the user has no folder of his own, as in many a container."""
    named = os.environ.get("XDG_STATE_HOME", "") if sys.platform != "darwin" else ""
    if named:
        return Path(named) / "tidegate" / "logins"
    own = expanded("~")
    if not own.is_absolute():
        return None
    return own / ("Library/Application Support" if sys.platform == "darwin" else ".local/state") / "tidegate" / "logins"
