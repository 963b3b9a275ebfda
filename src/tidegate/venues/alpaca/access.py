"""Keys of Alpaca: paper and live are different types, none of them ever shows itself, and none goes to a wrong host.

What a key opens is read only where a request is made. `repr`, `str`, errors, pickles and copies hold nothing of it.
"""

from typing import Final, NoReturn, TypeAlias, final
from urllib.parse import urlsplit

import msgspec

from tidegate.values.errors import ExitCode, TidegateError

_LIVE_PREFIX: Final = "AK"
_PAPER_PREFIX: Final = "PK"
OAUTH: Final = "oauth"  # as a key id, that its secret is an OAuth token: the venue's own convention on its data streams
REHEARSAL_PREFIX: Final = "AKEMULATOR"  # of the emulators' own live keys, which open nothing at Alpaca
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class AccessError(TidegateError):
    """A key is missing, of the other kind, or about to go to a host that it does not belong to."""

    exit_code = ExitCode.ENVIRONMENT


class _Secret:
    """Text that cannot be printed, pickled or compared by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; call it only where a request is made."""
        return self._text

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise AccessError("A key cannot be copied out of the process that holds it.")


class _Access:
    """A key pair, or an OAuth token in place of one, also as the pair of OAUTH and the token. See `PaperAccess` and `LiveAccess`."""

    __slots__ = ("_key", "_secret", "_token")

    def __init__(self, key: str = "", secret: str = "", *, token: str = "") -> None:
        if key.strip() == OAUTH and not token:
            key, secret, token = "", "", secret
        if bool(key and secret) == bool(token) or bool(key) != bool(secret):
            raise AccessError("Give either a key with its secret or an OAuth token, and only one of the two.")
        self._check_kind(key)
        self._key = _Secret(key.strip())
        self._secret = _Secret(secret.strip())
        self._token = _Secret(token.strip())

    def _check_kind(self, key: str) -> None:
        """Refuse a key that is known to be of the other kind."""
        raise NotImplementedError

    def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        token = self._token.reveal()
        if token:
            return {"Authorization": f"Bearer {token}"}
        return {"APCA-API-KEY-ID": self._key.reveal(), "APCA-API-SECRET-KEY": self._secret.reveal()}

    def trading_login(self) -> bytes:
        """Return the first message on the trading stream."""
        token = self._token.reveal()
        data = {"oauth_token": token} if token else {"key_id": self._key.reveal(), "secret_key": self._secret.reveal()}
        return msgspec.json.encode({"action": "authenticate", "data": data})

    def market_login(self) -> bytes:
        """Return the first message on a market data stream, as msgpack."""
        token = self._token.reveal()
        key, secret = (OAUTH, token) if token else (self._key.reveal(), self._secret.reveal())
        return msgspec.msgpack.encode({"action": "auth", "key": key, "secret": secret})

    def hides(self, text: str) -> str:
        """Return a text with every secret in it blotted out, for words that came from outside."""
        for secret in (self._secret, self._token, self._key):
            if secret.reveal():
                text = text.replace(secret.reveal(), "<hidden>")
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<hidden>)"


@final
class PaperAccess(_Access):
    """Access to a paper account, and to emulators on this machine."""

    __slots__ = ()

    def _check_kind(self, key: str) -> None:
        if key.startswith(_LIVE_PREFIX):
            raise AccessError("A live key was given where a paper key belongs; set the paper key, or choose a live mode.")


@final
class LiveAccess(_Access):
    """Access to a live account: real money."""

    __slots__ = ()

    def _check_kind(self, key: str) -> None:
        if key.startswith(_PAPER_PREFIX):
            raise AccessError("A paper key was given where a live key belongs; set the live key, or choose paper mode.")

    @property
    def is_rehearsal(self) -> bool:
        """Tell whether it is a key of an emulator that plays the live side."""
        return self._key.reveal().startswith(REHEARSAL_PREFIX)


Access: TypeAlias = PaperAccess | LiveAccess


class Hosts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Alpaca is: origins of REST, whole addresses of streams up to their path."""

    trading: str
    data: str = "https://data.alpaca.markets"
    trading_stream: str
    data_stream: str = "wss://stream.data.alpaca.markets"


PAPER_HOSTS: Final = Hosts(trading="https://paper-api.alpaca.markets", trading_stream="wss://paper-api.alpaca.markets/stream")
LIVE_HOSTS: Final = Hosts(trading="https://api.alpaca.markets", trading_stream="wss://api.alpaca.markets/stream")


def local_hosts(origin: str) -> Hosts:
    """Return the hosts of an emulator, such as `http://127.0.0.1:8100`, that serves everything at one origin."""
    stream = origin.replace("http", "ws", 1)
    return Hosts(trading=origin, data=origin, trading_stream=f"{stream}/stream", data_stream=stream)


def check_hosts(access: Access, hosts: Hosts) -> None:
    """Refuse hosts that a key must not be sent to.

    Raises:
        AccessError: a live key for anything but the live hosts, a paper key for anything but paper or this machine, a key of an
            emulator's live side for anything but this machine.
    """
    local = all(urlsplit(address).hostname in _LOOPBACK for address in (hosts.trading, hosts.data, hosts.trading_stream, hosts.data_stream))
    if isinstance(access, LiveAccess):
        if access.is_rehearsal:
            if not local:
                raise AccessError("The key of an emulator goes to an emulator on this machine only; set your own live key.")
        elif hosts != LIVE_HOSTS:
            raise AccessError("A live key goes to Alpaca's live hosts only; use a paper key for anything else.")
        return
    if hosts != PAPER_HOSTS and not local:
        raise AccessError("A paper key goes to Alpaca's paper hosts or to an emulator on this machine only.")
