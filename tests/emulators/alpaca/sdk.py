"""The venue's own client, imported in one place: its WebSocket library says at import that it is old, which is no news to us."""

import asyncio
import threading
import warnings
from collections.abc import Callable
from typing import Any, Self

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical.corporate_actions import CorporateActionsClient
    from alpaca.data.historical.news import NewsClient
    from alpaca.data.historical.option import OptionHistoricalDataClient
    from alpaca.data.historical.screener import ScreenerClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.data.live.news import NewsDataStream
    from alpaca.data.live.option import OptionDataStream
    from alpaca.data.live.stock import StockDataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.stream import TradingStream

__all__ = [
    "APIError",
    "CorporateActionsClient",
    "NewsClient",
    "NewsDataStream",
    "OptionDataStream",
    "OptionHistoricalDataClient",
    "Running",
    "ScreenerClient",
    "StockDataStream",
    "StockHistoricalDataClient",
    "TradingClient",
    "TradingStream",
]

WAIT_S = 20.0


class Running:
    """A stream of the venue's client in a thread of its own; it ends with the block. `cut` drops its connection, which ends its wait."""

    def __init__(self, stream: Any, cut: Callable[[], None]) -> None:
        stream._reconnect_min_backoff = stream._reconnect_max_backoff = 0.01
        self.stream = stream
        self._cut = cut
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self.stream._run_forever())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.stop()
        self._cut()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
