"""A trader with many orders at work, so that they can be killed: its configuration, and how the venue's own books are read."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from scripts.live.pair import CONFIG, FOLDER, Json, Venue
from tidegate.values.time import ns_of

IDLE: Final = "idle"  # a strategy without orders: what is killed where only the gate's time is asked for
FLOWING: Final = "flowing"  # one that sends orders without end, which a kill has to stop
_SYMBOLS_KEPT: Final = 30
_EVERYWHERE: Final = "[{symbol: [CHOP, TREND, VOL_EXPANSION], market: [CHOP, TREND, VOL_EXPANSION], spread_bps_max: 10000}]"


class Size(NamedTuple):
    """How many orders rest: one of each strategy in each symbol."""

    strategies: int
    symbols: int

    @property
    def orders(self) -> int:
        """How many that are."""
        return self.strategies * self.symbols

    @property
    def market_symbols(self) -> int:
        """How many symbols the market has: one more, so that orders which come and go do not meet those that rest."""
        return self.symbols + 1

    def symbol_names(self) -> list[str]:
        """Return the symbols in which orders rest."""
        return [f"G{number:02d}" for number in range(1, self.symbols + 1)]

    def flowing_symbol(self) -> str:
        """Return the symbol in which orders come and go."""
        return f"G{self.market_symbols:02d}"

    def strategy_names(self) -> list[str]:
        """Return the strategies whose orders rest."""
        return [f"s{number:02d}" for number in range(1, self.strategies + 1)]


def write_config(path: Path, size: Size, *, origin: str = "") -> Path:
    """Write the configuration of a trader with so many resting orders; origin: of an emulator, where no option names it."""
    text = CONFIG.read_text()
    head, _, rest = text.partition("instruments:\n")
    listed = "".join(
        f"  - {{symbol: {name}, venue: alpaca, sector: generated, market_group: generated}}\n"
        for name in (*size.symbol_names(), size.flowing_symbol())
    )
    index = rest[rest.index("  - {symbol: GIDX") : rest.index("strategies:\n")]
    tail = rest[rest.index("limits:\n") :]
    parts = [_strategy(name, size.symbol_names(), "resting: true, away_bps: 900, live_for_s: 100000, every: 1, shares: 1")
             for name in size.strategy_names()]  # fmt: skip
    parts += [
        _strategy(FLOWING, [size.flowing_symbol()], "every: 10, hold: 10, shares: 1"),
        _strategy(IDLE, [size.flowing_symbol()], "every: 1000000000"),
    ]
    for key, value in (("usd", "10000000"), ("quantity", "100000")):
        for name in ("position_notional", "total_notional", "gross_exposure", "net_exposure", "sector_exposure", "cluster_exposure",
                     "position", "total"):  # fmt: skip
            tail = _with(tail, f"{name}_{key}_max", value)
    tail = _with(_with(tail, "orders_per_minute_max", "60000"), "symbol_messages_per_minute_max", "60000")
    named = f"\n  origin: {origin}" if origin else ""
    tail = tail.replace("  feed: iex", f"  feed: iex\n  symbols_max: {max(_SYMBOLS_KEPT, size.market_symbols + 1)}{named}")
    path.write_text(f"{head}instruments:\n{listed}{index}symbols_shared: true\nstrategies:\n{''.join(parts)}\n{tail}")
    return path


def _strategy(name: str, symbols: Iterable[str], params: str) -> str:
    return (
        f"  - strategy: {FOLDER / 'mill.py'}\n    id: {name}\n    params: {{{params}}}\n"
        f"    symbols: [{', '.join(symbols)}]\n    eligible: {_EVERYWHERE}\n"
    )


def _with(text: str, key: str, value: str) -> str:
    """Return a section with another value of a key that it has."""
    return "".join(f"  {key}: {value}\n" if line.strip().startswith(f"{key}:") else line for line in text.splitlines(keepends=True))


# The venue's own books.


def open_orders(venue: Venue) -> int:
    """Return how many orders are open at the venue."""
    accounts: Json = venue.state()["accounts"]
    return sum(len(account["open_orders"]) for account in accounts.values())


def at_ns(order: Json, key: str) -> int:
    """Return a time of an order at the venue, ns of its own clock; 0: it has none."""
    return ns_of(datetime.fromisoformat(order[key])) if order[key] else 0


def sent_after(orders: Iterable[Json], ns: int) -> list[str]:
    """Return the orders that the venue took after a time."""
    return [order["client_order_id"] for order in orders if at_ns(order, "submitted_at") > ns]
