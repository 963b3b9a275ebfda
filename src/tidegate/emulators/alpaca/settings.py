"""How an emulator behaves: accounts with their keys, budgets, limits, latencies. One frozen value."""

import msgspec

from tidegate.emulators.alpaca.errors import BadSettingsError
from tidegate.values.latency import Latency
from tidegate.values.money import attos

KEY = "PKEMULATOR"  # the first letters of a paper key, as the venue gives them
LIVE_KEY = "AKEMULATOR"  # those of a live key; `venues.alpaca.access` lets it go to this machine alone
SECRET = "emulator-secret"  # noqa: S105 - the key of a toy that listens on this machine alone
MULTIPLIERS = (1, 2, 4)
OPEN = "open"
FIRST = "first"


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account. A live one speaks text frames on the trading stream, a paper one binary frames."""

    key: str = KEY
    secret: str = SECRET
    oauth_token: str = ""
    cash_usd: str = "100000"
    multiplier: int = 4  # buying power as a multiple of equity: 1, 2 or 4
    options_level: int = 3
    live: bool = False


class EmulatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """seed makes ids; latencies are the simulator's; budgets and symbol limits are those of the venue's free plan, 0: none."""

    accounts: tuple[AccountSettings, ...] = (AccountSettings(),)
    seed: int = 0
    order_latency: str = "0"
    response_latency: str = "0"
    trading_calls_per_minute: int = 200
    data_calls_per_minute: int = 200
    limit_headers_when_refused: bool = True  # a 429 of the data host has been seen without any
    stream_symbols_max: int = 30
    option_quotes_max: int = 200
    auth_seconds: float = 10.0
    calendar: str = "XNYS"
    begin: str = OPEN  # where on the tape: at its first open, at its first record, or HH:MM of New York on its first day
    orders_max: int = 1_024

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            BadSettingsError: no account, a key used twice, a multiplier that the venue does not have.
            TidegateError: cash or latency is not a number.
        """
        keys = [account.key for account in self.accounts]
        if not keys or len(set(keys)) < len(keys):
            raise BadSettingsError("An emulator needs at least one account, each under a key of its own.")
        for account in self.accounts:
            attos(account.cash_usd)
            if account.multiplier not in MULTIPLIERS:
                raise BadSettingsError(f"Account {account.key} has multiplier {account.multiplier}; the venue has 1, 2 and 4.")
        Latency.parse(self.order_latency)
        Latency.parse(self.response_latency)
