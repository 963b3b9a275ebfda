"""Where keys come from: environment, a folder of files, the system's keyring, an age file. Each gives a value by name, as a `Secret`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from tidegate.service.keys import ALL_NAMES, KeySourceError
from tidegate.service.secrecy import Secret, wipe_environment

KEYRING_SERVICE: Final = "tidegate"
CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"  # set by systemd for a unit with LoadCredential
CONTAINER_SECRETS: Final = Path("/run/secrets")
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
        data, opener = path.read_bytes(), _opener(identity.read_text())
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
