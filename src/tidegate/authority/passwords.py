"""Passwords: argon2id, never kept, never shown. One check takes about a tenth of a second, so it belongs on a thread."""

import unicodedata
from typing import Final, final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tidegate.authority.errors import BadUserError

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256
DIFFERENT_MIN: Final = 5

_DECOY: Final = "nobody has this password"


@final
class Passwords:
    """Makes and checks hashes with one set of parameters: far above what OWASP asks for at least, and on one core.

    The library's own parameters would spread each check over four cores, those of the trading loop among them.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher: Final = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
        self._decoy: Final = self._hasher.hash(_DECOY)

    def hashed(self, password: str) -> str:
        """Return a password's hash, salted anew.

        Raises:
            BadUserError: it is too short, too long or too uniform.
        """
        check_password(password)
        return self._hasher.hash(_plain(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Tell whether a password is the one of a hash. None: nobody has this name; it takes as long and is wrong."""
        try:
            self._hasher.verify(password_hash or self._decoy, _plain(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters, and should be made anew while the password is at hand."""
        return self._hasher.check_needs_rehash(password_hash)


def check_password(password: str) -> None:
    """Refuse a password that is guessed too soon.

    Raises:
        BadUserError: it is too short, too long or too uniform.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise BadUserError(f"Choose a password of {LENGTH_MIN} to {LENGTH_MAX} letters; a few words are good.")
    if len(set(password)) < DIFFERENT_MIN:
        raise BadUserError(f"Choose a password of at least {DIFFERENT_MIN} different letters; a few words are good.")


def _plain(password: str) -> str:
    """Return a password as all keyboards spell it: an accent may come as one letter or as two."""
    return unicodedata.normalize("NFKC", password)
