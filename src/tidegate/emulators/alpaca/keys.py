"""Keys and secrets: who a request or a connection is from, and one market-data connection per endpoint and key."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final, final

from tidegate.emulators.alpaca.settings import AccountSettings

KEY_HEADER: Final = "APCA-API-KEY-ID"
SECRET_HEADER: Final = "APCA-API-SECRET-KEY"  # noqa: S105 - a header's name
_OAUTH: Final = "oauth"


@final
class Keys:
    """The accounts' keys."""

    def __init__(self, accounts: Sequence[AccountSettings]) -> None:
        self._secrets: Final = {account.key: account.secret for account in accounts}
        self._tokens: Final = {account.oauth_token: account.key for account in accounts if account.oauth_token}
        self._connected: dict[tuple[str, str], object] = {}

    def of_pair(self, key: str, secret: str) -> str | None:
        """Return the key of a pair that fits; a token may stand as the secret of the key `oauth`. None: unknown."""
        if key == _OAUTH:
            return self._tokens.get(secret)
        return key if key and self._secrets.get(key) == secret else None

    def of_token(self, token: str) -> str | None:
        """Return the key of the account that a token stands for."""
        return self._tokens.get(token)

    def has_any(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request brings any credentials."""
        return KEY_HEADER in headers or SECRET_HEADER in headers or "Authorization" in headers

    def of_headers(self, headers: Mapping[str, str]) -> str | None:
        """Return the key a request's headers prove: the two headers, Basic or Bearer."""
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.of_token(given)
        if scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(given).decode().partition(":")
            except (ValueError, binascii.Error):
                return None
            return self.of_pair(key, secret)
        return self.of_pair(headers.get(KEY_HEADER, ""), headers.get(SECRET_HEADER, ""))

    def connect(self, key: str, endpoint: str, connection: object) -> bool:
        """Note a market-data connection; False while the key has another one at the endpoint."""
        return self._connected.setdefault((key, endpoint), connection) is connection

    def disconnect(self, key: str, endpoint: str, connection: object) -> None:
        """Forget a connection that has ended."""
        if self._connected.get((key, endpoint)) is connection:
            del self._connected[key, endpoint]
