"""The folder of one account: where its trader keeps everything it must find again."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from tidegate.values.errors import ExitCode, TidegateError

_PRIVATE: Final = 0o700


class HomeError(TidegateError):
    """The home folder cannot be used."""

    exit_code = ExitCode.ENVIRONMENT


class Home(NamedTuple):
    """A home folder. Nothing of it is made before `prepare`."""

    folder: Path

    @property
    def log(self) -> Path:
        """The golden log."""
        return self.folder / "log"

    @property
    def ledger(self) -> Path:
        """The ledger, unless it is on a server."""
        return self.folder / "ledger.db"

    @property
    def socket(self) -> Path:
        """The trader's control socket."""
        return self.folder / "trader.sock"

    def prepare(self) -> None:
        """Make the folder, for this user alone.

        Raises:
            HomeError: it cannot be made, or not be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            self.folder.chmod(_PRIVATE)
        except OSError as error:
            raise HomeError(f"The home folder {self.folder} cannot be made ({error.strerror}); name another with --home.") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise HomeError(f"The home folder {self.folder} cannot be written to; give this user the right, or name another with --home.")
