"""The endpoints of the data host."""

from typing import Final

from tidegate.emulators.alpaca import data
from tidegate.emulators.alpaca.calls import Call, Handler, Reply, Route
from tidegate.emulators.alpaca.errors import malformed, not_found
from tidegate.emulators.alpaca.wire import read_count, words_of

KINDS: Final = ("bars", "quotes", "trades")
_SINGLE: Final = {"bars": "bar", "quotes": "quote", "trades": "trade"}
_TOP: Final = 10
_TOP_MAX: Final = 100


def _symbols(call: Call) -> tuple[str, ...]:
    one = call.parts.get("symbol")
    if one is not None:
        return (one,)
    symbols = words_of(call.query, "symbols")
    if not symbols:
        raise malformed("symbols is required")
    return symbols


def _many(kind: str) -> Handler:
    return lambda call: Reply(data.series(call.world.floor, kind, call.query, _symbols(call)))


def _one(kind: str) -> Handler:
    def handle(call: Call) -> Reply:
        found = data.series(call.world.floor, kind, call.query, _symbols(call))
        return Reply(
            {"symbol": call.parts["symbol"], kind: found[kind].get(call.parts["symbol"], []), "next_page_token": found["next_page_token"]}
        )

    return handle


def _latest(kind: str) -> Handler:
    return lambda call: Reply({kind: data.latest(call.world.floor, kind, _symbols(call))})


def _latest_one(kind: str) -> Handler:
    def handle(call: Call) -> Reply:
        symbol = call.parts["symbol"]
        found = data.latest(call.world.floor, kind, (symbol,))
        if symbol not in found:
            raise not_found(f"no {_SINGLE[kind]} found for {symbol}")
        return Reply({"symbol": symbol, _SINGLE[kind]: found[symbol]})

    return handle


def snapshots(call: Call) -> Reply:
    """GET /v2/stocks/snapshots: no wrapper."""
    return Reply(data.snapshots(call.world.floor, _symbols(call)))


def snapshot(call: Call) -> Reply:
    """GET /v2/stocks/{symbol}/snapshot."""
    symbol = call.parts["symbol"]
    found = data.snapshots(call.world.floor, (symbol,))
    if symbol not in found:
        raise not_found(f"no snapshot found for {symbol}")
    return Reply({"symbol": symbol} | (found[symbol] or {}))


def option_snapshots(call: Call) -> Reply:
    """GET /v1beta1/options/snapshots."""
    return Reply({"snapshots": data.snapshots(call.world.floor, _symbols(call)), "next_page_token": None})


def option_chain(call: Call) -> Reply:
    """GET /v1beta1/options/snapshots/{underlying}."""
    return Reply(data.chain(call.world.floor, call.query, call.parts["underlying"]))


def news(_call: Call) -> Reply:
    """GET /v1beta1/news: a tape has none."""
    return Reply({"news": [], "next_page_token": None})


def actions(call: Call) -> Reply:
    """GET /v1/corporate-actions."""
    return Reply(data.corporate_actions(call.world.floor, call.query))


def most_active(call: Call) -> Reply:
    """GET /v1beta1/screener/stocks/most-actives."""
    return Reply(data.most_active(call.world.floor, read_count(call.query, "top", default=_TOP, most=_TOP_MAX)))


def exchanges(_call: Call) -> Reply:
    """GET …/meta/exchanges."""
    return Reply({"V": "IEX", "D": "FINRA ADF"})


def conditions(_call: Call) -> Reply:
    """GET …/meta/conditions/{ticktype}."""
    return Reply({"@": "Regular Sale", "I": "Odd Lot Trade", "O": "Opening Prints", "6": "Closing Prints", "R": "Regular", "H": "Slow"})


def _routes() -> tuple[Route, ...]:
    routes = []
    for kind in KINDS:
        routes += [
            Route("GET", f"/v2/stocks/{kind}", _many(kind), is_data=True),
            Route("GET", f"/v2/stocks/{kind}/latest", _latest(kind), is_data=True),
            Route("GET", f"/v2/stocks/{{symbol}}/{kind}", _one(kind), is_data=True),
            Route("GET", f"/v2/stocks/{{symbol}}/{kind}/latest", _latest_one(kind), is_data=True),
            Route("GET", f"/v1beta1/options/{kind}/latest", _latest(kind), is_data=True),
        ]
    routes += [Route("GET", f"/v1beta1/options/{kind}", _many(kind), is_data=True) for kind in ("bars", "trades")]
    rest = {
        "/v2/stocks/snapshots": snapshots,
        "/v2/stocks/{symbol}/snapshot": snapshot,
        "/v2/stocks/meta/exchanges": exchanges,
        "/v2/stocks/meta/conditions/{ticktype}": conditions,
        "/v1beta1/options/meta/exchanges": exchanges,
        "/v1beta1/options/meta/conditions/{ticktype}": conditions,
        "/v1beta1/options/snapshots": option_snapshots,
        "/v1beta1/options/snapshots/{underlying}": option_chain,
        "/v1beta1/news": news,
        "/v1/corporate-actions": actions,
        "/v1beta1/screener/stocks/most-actives": most_active,
    }
    return (*(Route("GET", path, handler, is_data=True) for path, handler in rest.items()), *routes)


ROUTES: Final = _routes()
