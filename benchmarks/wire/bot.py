"""The bare bot beside the trader: alpaca-py, the same trigger, no risk check, no log, no ledger: `bot.py ORIGIN KEY SECRET`."""

import sys
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.data.live.stock import StockDataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest

LEVEL_USD = 100.095


def main(origin: str, key: str, secret: str) -> None:
    """Trade until killed."""
    client = TradingClient(key, secret, url_override=origin)
    stream = StockDataStream(key, secret, url_override=origin.replace("http", "ws", 1) + "/v2/iex")

    async def on_quote(quote: Any) -> None:
        if quote.bid_price > LEVEL_USD:
            order = LimitOrderRequest(
                symbol="WIRE", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.IOC, limit_price=round(quote.ask_price + 0.01, 2)
            )
            client.submit_order(order)

    stream.subscribe_quotes(on_quote, "WIRE")
    stream.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
