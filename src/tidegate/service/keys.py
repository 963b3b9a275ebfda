"""The venue's keys: which kind a mode needs, where they may come from, and that one kind is never taken for the other.

Paper and live keys are different types, so a client made for one cannot be given the other; and a key id that says what it is
(`PK`: paper, `AK`: live) is refused in the wrong place.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, final

from tidegate.service.secrecy import REDACTED, Secret
from tidegate.values.errors import ExitCode, TidegateError

_PAPER_MARK: Final = "PK"
_LIVE_MARK: Final = "AK"
_SHOWN: Final = 4  # letters of a key id that tell one key from another and open nothing


class MissingKeyError(TidegateError):
    """No source has the key that the mode needs, or only half of it."""

    exit_code = ExitCode.ENVIRONMENT


class WrongKeyError(TidegateError):
    """A live key where a paper key belongs, or the other way round. Nothing was sent."""

    exit_code = ExitCode.REFUSED


class KeySourceError(TidegateError):
    """A place that holds keys cannot be read."""

    exit_code = ExitCode.ENVIRONMENT


class KeyNames(NamedTuple):
    """Under which names a source has the two halves of a key."""

    key_id: str
    secret: str


class KeyPair(NamedTuple):
    """Both halves of a key, and where they came from."""

    key_id: Secret
    secret: Secret
    origin: str


class KeySource(Protocol):
    """A place that may have keys."""

    def describe(self) -> str:
        """Return the source's name for sentences."""

    def get(self, name: str) -> Secret | None:
        """Return the value under a name.

        Raises:
            KeySourceError: the place is there and cannot be read.
        """


_EITHER: Final = KeyNames("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")  # the venue's own names, the same for both kinds
PAPER_NAMES: Final = (KeyNames("ALPACA_PAPER_API_KEY", "ALPACA_PAPER_API_SECRET"), _EITHER)
LIVE_NAMES: Final = (KeyNames("ALPACA_API_KEY", "ALPACA_API_SECRET"), _EITHER)
# The watchdog's own credential, where the account has two; its code can only suspend and cancel with either.
PAPER_WATCHDOG_NAMES: Final = (KeyNames("ALPACA_PAPER_WATCHDOG_API_KEY", "ALPACA_PAPER_WATCHDOG_API_SECRET"), *PAPER_NAMES)
LIVE_WATCHDOG_NAMES: Final = (KeyNames("ALPACA_WATCHDOG_API_KEY", "ALPACA_WATCHDOG_API_SECRET"), *LIVE_NAMES)
ALL_NAMES: Final = tuple(dict.fromkeys(name for names in (*PAPER_WATCHDOG_NAMES, *LIVE_WATCHDOG_NAMES) for name in names))


class _Key:
    """Both halves of a key, and where they came from, for people. `secrets` are what a log must never show."""

    __slots__ = ("key_id", "origin", "secret")

    def __init__(self, found: KeyPair) -> None:
        self.key_id, self.secret, self.origin = found

    @property
    def secrets(self) -> tuple[Secret, Secret]:
        """Both halves."""
        return self.key_id, self.secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key_id.reveal()[:_SHOWN]}…, {REDACTED})"


@final
class PaperKey(_Key):
    """A key that moves no money."""

    __slots__ = ()


@final
class LiveKey(_Key):
    """A key to a real account."""

    __slots__ = ()


def read_paper_key(sources: Sequence[KeySource], names: Sequence[KeyNames] = PAPER_NAMES) -> PaperKey:
    """Return the paper key of the first source that has one, under the first of the names.

    Raises:
        MissingKeyError: none has, or one has half a key.
        WrongKeyError: what stands under its name is a live key.
        KeySourceError: a source cannot be read.
    """
    found = _find(sources, names, "paper")
    if found.key_id.reveal().startswith(_LIVE_MARK):
        raise WrongKeyError(
            f"The key in {found.origin} is a live key (it begins with {_LIVE_MARK}) and this mode needs a paper key; make one in the "
            "venue's paper dashboard."
        )
    return PaperKey(found)


def read_live_key(sources: Sequence[KeySource], names: Sequence[KeyNames] = LIVE_NAMES) -> LiveKey:
    """Return the live key of the first source that has one, under the first of the names.

    Raises:
        MissingKeyError: none has, or one has half a key.
        WrongKeyError: what stands under its name is a paper key.
        KeySourceError: a source cannot be read.
    """
    found = _find(sources, names, "live")
    if found.key_id.reveal().startswith(_PAPER_MARK):
        raise WrongKeyError(
            f"The key in {found.origin} is a paper key (it begins with {_PAPER_MARK}) and this mode needs a live key; start in paper "
            "mode, or name the live key."
        )
    return LiveKey(found)


def _find(sources: Sequence[KeySource], names: Sequence[KeyNames], kind: str) -> KeyPair:
    for source in sources:
        for pair in names:
            found = _pair(source, pair)
            if found is not None:
                return found
    places = ", ".join(source.describe() for source in sources) or "no source at all"
    raise MissingKeyError(
        f"No {kind} key was found (looked in: {places}); set {names[0].key_id} and {names[0].secret}, or store both under these names."
    )


def _pair(source: KeySource, names: KeyNames) -> KeyPair | None:
    key_id, secret = source.get(names.key_id), source.get(names.secret)
    if key_id is not None and secret is not None:
        return KeyPair(key_id, secret, f"{source.describe()} ({names.key_id})")
    if key_id is None and secret is None:
        return None
    have, lack = names if secret is None else reversed(names)
    raise MissingKeyError(f"The {source.describe()} has {have} but not {lack}; a key needs both.")
