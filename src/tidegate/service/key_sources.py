"""Where keys come from: environment, a folder of files, an age file, the system's keyring. Each gives a value by name, as a `Secret`.

Which of them there are is told by the environment alone, never by a configuration: a configuration is kept, shown and promoted as it
stands, and may be proposed by people who have no business with keys.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from tidegate.config.paths import expanded
from tidegate.service.keys import ALL_NAMES, KeySource, KeySourceError
from tidegate.service.secrecy import Secret, wipe_environment

KEYRING_SERVICE: Final = "tidegate"
CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"  # set by systemd for a unit with LoadCredential
CONTAINER_SECRETS: Final = Path("/run/secrets")
KEYS_FILE_VARIABLE: Final = "TIDEGATE_KEYS_FILE"  # an age file, and what opens it: paths, so neither is a secret
KEYS_IDENTITY_VARIABLE: Final = "TIDEGATE_KEYS_IDENTITY"
_OTHERS: Final = 0o077


@final
class EnvironmentKeys:
    """The process's environment, read once: every known name is taken out of it at once, of the other kind too."""

    def __init__(self, names: Sequence[str] = ALL_NAMES) -> None:
        found = {name: _secret(os.environ.get(name, "")) for name in names}
        self._values = {name: value for name, value in found.items() if value is not None}
        wipe_environment(names)

    def describe(self) -> str:
        """See `KeySource`."""
        return "environment"

    def get(self, name: str) -> Secret | None:
        """See `KeySource`."""
        return self._values.get(name)


@final
class FolderKeys:
    """A folder with one file for each name: systemd's credentials, a container's secrets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> str:
        """See `KeySource`."""
        return f"folder {self._folder}"

    def get(self, name: str) -> Secret | None:
        """See `KeySource`."""
        try:
            return _secret((self._folder / name).read_text())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            # Without its cause: what a decoder complains about may be the secret itself.
            raise KeySourceError(f"The key file {self._folder / name} cannot be read; give this user the right, or replace it.") from None


def folders_of_keys() -> list[FolderKeys]:
    """Return the folders in which systemd and containers put secrets, those that are there."""
    folders = [Path(os.environ[CREDENTIALS_VARIABLE])] if os.environ.get(CREDENTIALS_VARIABLE) else []
    return [FolderKeys(folder) for folder in (*folders, CONTAINER_SECRETS) if folder.is_dir()]


@final
class KeyringKeys:
    """The keyring of the operating system; a machine without one has no keys there."""

    def describe(self) -> str:
        """See `KeySource`."""
        return "keyring"

    def get(self, name: str) -> Secret | None:
        """See `KeySource`."""
        try:
            import keyring  # noqa: PLC0415 - an extra, and slow to import
            from keyring.errors import KeyringError, NoKeyringError  # noqa: PLC0415 - likewise
        except ModuleNotFoundError as error:
            raise KeySourceError("The keyring needs its library; run pip install 'tidegate[secrets]'.") from error
        try:
            return _secret(keyring.get_password(KEYRING_SERVICE, name) or "")
        except NoKeyringError:
            return None
        except KeyringError as error:
            raise KeySourceError("The keyring cannot be read; unlock it, or use another source of keys.") from error


@final
class AgeFileKeys:
    """A file encrypted with age: lines NAME=VALUE, opened with an identity file that nobody else may read."""

    def __init__(self, path: Path, identity: Path) -> None:
        """Decrypt the file.

        Args:
            path: the encrypted file.
            identity: the file with the AGE-SECRET-KEY line.

        Raises:
            KeySourceError: one of the files cannot be read, is open to others, or does not fit the other.
        """
        self._path = path
        self._values = {name: Secret(value) for name, value in _lines(_decrypted(path, identity)) if value}

    def describe(self) -> str:
        """See `KeySource`."""
        return f"file {self._path}"

    def get(self, name: str) -> Secret | None:
        """See `KeySource`."""
        return self._values.get(name)


def sources_of(origin: str = "", names: Sequence[str] = ALL_NAMES) -> list[KeySource]:
    """Return the places that may hold keys, in the order in which they are asked; the first that has a key gives it.

    Args:
        origin: of an emulator on this machine, for which the environment alone counts: it must not get the venue's keys; empty: the
            venue itself.
        names: what is looked for. The environment is read once and wiped of them, unless another place cannot be read.

    Raises:
        KeySourceError: of the age file and its identity only one is named, or the file cannot be opened.
    """
    lasting: list[KeySource] = [] if origin else [*folders_of_keys(), *_named_file(), KeyringKeys()]
    return [EnvironmentKeys(names), *lasting]


def _named_file() -> list[AgeFileKeys]:
    path, identity = os.environ.get(KEYS_FILE_VARIABLE, ""), os.environ.get(KEYS_IDENTITY_VARIABLE, "")
    if path and identity:
        return [AgeFileKeys(expanded(path), expanded(identity))]
    if not path and not identity:
        return []
    have, lack = (KEYS_FILE_VARIABLE, KEYS_IDENTITY_VARIABLE) if path else (KEYS_IDENTITY_VARIABLE, KEYS_FILE_VARIABLE)
    raise KeySourceError(f"{have} is set and {lack} is not; an age file of keys needs both: name the other as well, or neither.")


def _secret(text: str) -> Secret | None:
    return Secret(text.strip()) if text.strip() else None


def _decrypted(path: Path, identity: Path) -> Secret:
    try:
        import pyrage  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise KeySourceError("An age file needs its library; run pip install 'tidegate[secrets]'.") from error
    try:
        if identity.stat().st_mode & _OTHERS:
            raise KeySourceError(f"The identity {identity} can be read by others; run chmod 600 on it.")
        data, opener = path.read_bytes(), _opener(identity.read_text(errors="replace"))  # it may be the other file, which is no text
    except OSError as error:
        raise KeySourceError(f"The key file {error.filename} cannot be read ({error.strerror}); name another or give the right.") from error
    if opener is None:
        raise KeySourceError(f"The identity {identity} has no line that begins with AGE-SECRET-KEY; make one with age-keygen.")
    try:
        return Secret(pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(opener.reveal())]).decode() or "\n")
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError):
        # Without its cause: what a decoder complains about may be the secret itself.
        raise KeySourceError(f"The key file {path} cannot be opened with {identity}; encrypt it for this identity.") from None


def _opener(text: str) -> Secret | None:
    lines = [line.strip() for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
    return Secret(lines[0]) if lines else None


def _lines(text: Secret) -> list[tuple[str, str]]:
    """Return the pairs of the lines; comments and lines without a sign of equality are passed over."""
    pairs = [line.partition("=") for line in text.reveal().splitlines() if not line.lstrip().startswith("#")]
    return [(name.strip(), value.strip()) for name, sign, value in pairs if sign]
