"""Where a trader keeps what is its own: one folder, for one user alone."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

from tidegate.config.paths import expanded
from tidegate.values.errors import ExitCode, TidegateError

HOME_VARIABLE: Final = "TIDEGATE_HOME"
PRIVATE: Final = 0o700
OTHERS: Final = 0o077


class HomeUnusableError(TidegateError):
    """The home folder is missing where it must be there, is not ours, or is open to other users of the machine."""

    exit_code = ExitCode.ENVIRONMENT


@final
class Home:
    """The places below a home folder. Naming one makes nothing."""

    __slots__ = ("root",)

    def __init__(self, root: Path) -> None:
        self.root = expanded(root).absolute()

    @property
    def log(self) -> Path:
        """The folder of the golden log."""
        return self.root / "log"

    @property
    def ledger(self) -> Path:
        """The ledger's file, where it is no server."""
        return self.root / "ledger.db"

    @property
    def config(self) -> Path:
        """The folder of configurations."""
        return self.root / "config"

    @property
    def socket(self) -> Path:
        """The trader's socket."""
        return self.root / "trader.sock"

    @property
    def kill(self) -> Path:
        """The kill file; see `service.sentinel`."""
        return self.root / "kill"

    @property
    def audit(self) -> Path:
        """The folder of the audit chain's key and anchors."""
        return self.root / "audit"

    def make(self) -> None:
        """Make the folder for this user alone; one that is there is checked and left as it is.

        Raises:
            HomeUnusableError: it cannot be made, is not ours, or others may enter it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        except OSError as error:
            raise HomeUnusableError(
                f"The home folder {self.root} cannot be made ({error.strerror}); give the right, or name another with --home."
            ) from error
        self.check()

    def check(self) -> None:
        """Refuse a folder that others may enter: who can is able to put a socket of his own in place of the trader's.

        Raises:
            HomeUnusableError: it is missing, not ours, or open to others.
        """
        try:
            found = self.root.stat()
        except OSError as error:
            raise HomeUnusableError(
                f"There is no home folder {self.root} ({error.strerror}); name the trader's with --home or {HOME_VARIABLE}."
            ) from error
        if not self.root.is_dir():
            raise HomeUnusableError(f"{self.root} is no folder; name the trader's with --home or {HOME_VARIABLE}.")
        if found.st_uid not in {os.geteuid(), 0}:
            raise HomeUnusableError(f"The home folder {self.root} belongs to another user; name your own with --home.")
        if found.st_mode & OTHERS:
            raise HomeUnusableError(f"The home folder {self.root} is open to other users of this machine; run chmod 700 {self.root}.")

    def __repr__(self) -> str:
        return f"Home({str(self.root)!r})"


def default_home(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the home folder where none is named: TIDEGATE_HOME, else a folder of the user's own data.

    Raises:
        HomeUnusableError: the user has no folder of his own, as in many a container.
    """
    named = environment.get(HOME_VARIABLE, "")
    if named:
        return Path(named)
    named = environment.get("XDG_DATA_HOME", "") if platform != "darwin" else ""
    if named:
        return Path(named) / "tidegate"
    own = expanded("~")
    if not own.is_absolute():
        raise HomeUnusableError(f"This user has no home folder; name the trader's with --home or {HOME_VARIABLE}.")
    return own / ("Library/Application Support/tidegate" if platform == "darwin" else ".local/share/tidegate")
