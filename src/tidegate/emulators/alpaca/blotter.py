"""All orders of an account: found by id or client id, listed as the venue lists them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, final

from tidegate.emulators.alpaca.errors import malformed, not_found
from tidegate.emulators.alpaca.orders import Order, OrderClass
from tidegate.emulators.alpaca.wire import moment, read_count, words_of
from tidegate.values.enums import Side

LISTED: Final = 50
LISTED_MAX: Final = 500


@final
class Blotter:
    """Orders in the order of their arrival; legs stand behind their parents. Grows with orders, nothing is forgotten."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._client_ids: dict[str, Order] = {}

    def add(self, order: Order) -> None:
        """Take an order in; adding it again changes nothing."""
        self._orders[order.id] = order
        self._client_ids[order.client_order_id] = order

    def knows(self, client_order_id: str) -> bool:
        """Tell whether a client id has been used."""
        return client_order_id in self._client_ids

    def get(self, order_id: str) -> Order:
        """Return an order by id, dashes or not.

        Raises:
            WireRefusal: there is none.
        """
        found = self._orders.get(order_id) or self._orders.get(_dashed(order_id))
        if found is None:
            raise not_found(f"order not found for {order_id}")
        return found

    def by_client_id(self, client_order_id: str) -> Order:
        """Return an order by the id its client gave it.

        Raises:
            WireRefusal: there is none.
        """
        if not client_order_id:
            raise malformed("client_order_id is missing")
        found = self._client_ids.get(client_order_id)
        if found is None:
            raise not_found(f"order not found for {client_order_id}")
        return found

    def open(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that have not ended, oldest first."""
        return [order for order in self._orders.values() if not order.is_over and symbol in (None, order.symbol)]

    def __iter__(self) -> Iterator[Order]:
        return iter(tuple(self._orders.values()))

    def listed(self, query: Mapping[str, str], *, nested: bool) -> list[Order]:
        """Return the orders of a list query: newest first unless asked otherwise, at most `limit` of them.

        Raises:
            WireRefusal: a word or a number of the query is wrong.
        """
        limit = read_count(query, "limit", default=LISTED, most=LISTED_MAX)
        keep = _filters(query, nested=nested)
        found = [order for order in self._orders.values() if all(test(order) for test in keep)]
        found = self._between(found, query)
        if query.get("direction", "desc") not in {"asc", "desc"}:
            raise malformed(f"invalid direction: {query['direction']}")
        if query.get("direction", "desc") != "asc":
            found.reverse()
        return found[:limit]

    def _between(self, found: list[Order], query: Mapping[str, str]) -> list[Order]:
        """Cut at the cursors, which are exclusive."""
        before, after = query.get("before_order_id", ""), query.get("after_order_id", "")
        if before and after:
            raise malformed("before_order_id and after_order_id are mutually exclusive")
        if (before or after) and (query.get("after") or query.get("until")):
            raise malformed("order id cursors cannot be combined with after or until")
        if not before and not after:
            return found
        ids = list(self._orders)
        place = ids.index(self.get(before or after).id)
        kept = set(ids[:place] if before else ids[place + 1 :])
        return [order for order in found if order.id in kept]


def _filters(query: Mapping[str, str], *, nested: bool) -> list[Callable[[Order], bool]]:
    """Return the tests an order passes to be listed."""
    tests = [_of_status(query.get("status") or "open", nested=nested)]
    symbols, sides, classes = set(words_of(query, "symbols")), query.get("side"), set(words_of(query, "asset_class"))
    if nested:
        tests.append(lambda order: not order.is_leg)
    if symbols:
        tests.append(lambda order: bool(symbols & _names(order)))
    if sides:
        side = _side(sides)
        tests.append(lambda order: order.side is side)
    if classes and "all" not in classes:
        tests.append(lambda order: order.asset_class in classes or (order.order_class is OrderClass.MLEG and "us_option" in classes))
    if query.get("after"):
        after_ns = moment(query["after"], "after")
        tests.append(lambda order: order.submitted_ns > after_ns)
    if query.get("until"):
        until_ns = moment(query["until"], "until", end_of_day=True)
        tests.append(lambda order: order.submitted_ns < until_ns)
    return tests


def _of_status(status: str, *, nested: bool) -> Callable[[Order], bool]:
    tests: dict[str, Callable[[Order], bool]] = {
        "open": lambda order: not order.is_over or (nested and any(not leg.is_over for leg in order.legs)),
        "closed": lambda order: order.is_over,
        "all": lambda _: True,
    }
    if status not in tests:
        raise malformed(f"invalid status: {status}")
    return tests[status]


def _names(order: Order) -> set[str]:
    """Return the symbols under which an order is found: its own, those of its legs, and the underlying of an option."""
    names = {order.symbol, *(leg.symbol for leg in order.legs)}
    return names | {name[:-15] for name in names if len(name) > 15}  # noqa: PLR2004 - what follows the root of an OCC symbol


def _side(text: str) -> Side:
    try:
        return Side(text.lower())
    except ValueError:
        raise malformed(f"invalid side: {text}") from None


def _dashed(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
