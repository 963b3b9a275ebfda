"""Proofs of a login: random tokens that users carry. The trader keeps their SHA-256 alone, and in memory: a restart ends all.

A session ends by logout, when it was idle or alive for too long, when anything of its user changes (role, password, second factor, being
disabled: each gives him a new stamp), and when he has begun too many others. Who holds a session is looked up by the hash: no comparison
takes a time that says something.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple, final

from tidegate.authority.moments import Moment
from tidegate.values.time import HOUR_NS, MINUTE_NS

TOKEN_BYTES: Final = 32
PROOF_PREFIX: Final = "tgp_"  # says what it is to whoever finds it, a scanner for secrets perhaps
FIRST_PREFIX: Final = "tgf_"  # of the one-time token for the first admin

Draw = Callable[[int], bytes]


class SessionSettings(NamedTuple):
    """How long a login lasts, and how many a user may have."""

    alive_ns_max: int = 12 * HOUR_NS
    idle_ns_max: int = 15 * MINUTE_NS
    fresh_ns_max: int = 5 * MINUTE_NS  # for what real money asks a new login
    of_one_user_max: int = 5


class Session(NamedTuple):
    """One login. stamp: when its user was last changed before it; one who has changed since has to log in anew."""

    name: str
    stamp: int
    begun: Moment
    used: Moment


def new_token(draw: Draw, prefix: str) -> str:
    """Return a new token of 256 random bits. `draw` gives random bytes."""
    return prefix + draw(TOKEN_BYTES).hex()


def token_hash(token: str) -> bytes:
    """Return what is kept of a token."""
    return sha256(token.encode()).digest()


@final
class Sessions:
    """All logins of a trader. At most so many as users may have; time is handed in."""

    def __init__(self, settings: SessionSettings = SessionSettings()) -> None:  # noqa: B008 - frozen
        self.settings: Final = settings
        self._by_hash: Final[dict[bytes, Session]] = {}

    def begin(self, name: str, stamp: int, proof: str, now: Moment) -> None:
        """Take a login down; the oldest of the same user end where he has too many."""
        self.sweep(now)
        own = [key for key, session in self._by_hash.items() if session.name == name]  # in the order in which they were begun
        for key in own[: max(0, len(own) + 1 - self.settings.of_one_user_max)]:
            del self._by_hash[key]
        self._by_hash[token_hash(proof)] = Session(name, stamp, begun=now, used=now)

    def holder(self, proof: str, now: Moment) -> Session | None:
        """Return whose proof it is, and count it as used; None: it is nobody's, or has ended."""
        key = token_hash(proof)
        found = self._by_hash.get(key)
        if found is None or self._ended(found, now):
            self._by_hash.pop(key, None)
            return None
        self._by_hash[key] = found._replace(used=now)
        return found

    def is_fresh(self, session: Session, now: Moment) -> bool:
        """Tell whether a login is so new that it counts as one just made."""
        return now.passed_ns(session.begun) <= self.settings.fresh_ns_max

    def end(self, proof: str) -> bool:
        """End the session of a proof; False: there is none."""
        return self._by_hash.pop(token_hash(proof), None) is not None

    def sweep(self, now: Moment) -> None:
        """Forget what has ended by itself."""
        for key in [key for key, session in self._by_hash.items() if self._ended(session, now)]:
            del self._by_hash[key]

    def __len__(self) -> int:
        return len(self._by_hash)

    def _ended(self, session: Session, now: Moment) -> bool:
        settings = self.settings
        return now.passed_ns(session.begun) >= settings.alive_ns_max or now.passed_ns(session.used) >= settings.idle_ns_max
