"""Whether a person's request means something here, and what follows from it, in words, before anything has happened."""

from collections.abc import Callable
from typing import Final

from tidegate.control.protocol import Ask
from tidegate.engine.books import Books
from tidegate.service.desk import Desk
from tidegate.values.enums import GateScope, GateState, Purpose, RequestVerb
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import SECOND_NS

_SHOWN: Final = 8
_SYMBOL_VERBS: Final = frozenset({RequestVerb.DISABLE, RequestVerb.ENABLE})
_WHOLE: Final = frozenset({GateScope.GLOBAL, GateScope.ACCOUNT})
_NARROW: Final = frozenset({GateScope.STRATEGY, GateScope.SYMBOL})
_ENTRIES_ONLY: Final = frozenset({RequestVerb.PAUSE, RequestVerb.DISABLE})


class NothingNamedError(TidegateError):
    """A request names a strategy, symbol, venue, account or order that is not here. Nothing was done."""

    exit_code = ExitCode.USAGE


def check_ask(books: Books, ask: Ask) -> None:
    """Refuse a request that could do nothing.

    Raises:
        NothingNamedError: it has no id, its scope names nothing, or a cancel names no working order.
    """
    if not ask.request_id:
        raise NothingNamedError("A request needs an id of its own, so that it can be repeated safely; give one.")
    if ask.verb in _SYMBOL_VERBS and ask.scope is not GateScope.SYMBOL:
        raise NothingNamedError(f"{ask.verb.value} is about a symbol; name one, or use pause and resume.")
    names = books.names_in(ask.scope)
    if ask.key not in names:
        listed = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        here = f"here are: {listed}" if any(names) else "this scope takes no name"
        raise NothingNamedError(f"There is no {ask.scope.value} {ask.key!r} ({here}); nothing was done.")
    if ask.order_id and ask.order_id not in {order.client_order_id for order in books.working_orders()}:
        raise NothingNamedError(f"No order {ask.order_id} works; see `tidegate orders`. Nothing was done.")


def expected_ns(desk: Desk, scope: GateScope, key: str, cancels_ns: Callable[[int], int]) -> int:
    """Return how long the cancels of a kill or flatten take at most; 0: no more than a moment, as where one request does for all."""
    if scope not in _NARROW:
        return 0
    orders = desk.engine.books.working_orders()
    return cancels_ns(sum(key == (order.strategy_id if scope is GateScope.STRATEGY else order.symbol) for order in orders))


def expectation(span_ns: int) -> tuple[str, ...]:
    """Return the sentence about how long cancels take; none where it is no more than a moment."""
    seconds = -(-span_ns // SECOND_NS)
    return (f"The venue's limit lets the last cancel out within {seconds} s.",) if span_ns else ()


def follows(desk: Desk, ask: Ask) -> tuple[str, ...]:
    """Return what a request is about to bring about, one sentence each."""
    name = "" if ask.scope is GateScope.GLOBAL else f" for {ask.scope.value} {ask.key}"
    match ask.verb:
        case RequestVerb.KILL:
            return _kill(desk, ask, name)
        case RequestVerb.FLATTEN:
            return _flatten(desk, ask, name)
        case RequestVerb.PAUSE | RequestVerb.DISABLE:
            return (f"No entry leaves{name}; exits go on.", _canceled(desk, ask), "`tidegate status` shows who closed it.")
        case RequestVerb.RESUME | RequestVerb.ENABLE:
            return _opened(desk, ask)
        case RequestVerb.CANCEL:
            return (_canceled(desk, ask),)


def scope_name(scope: GateScope, key: str) -> str:
    """Return a scope in words."""
    return "everything" if scope is GateScope.GLOBAL else f"{scope.value} {key}"


def _kill(desk: Desk, ask: Ask, name: str) -> tuple[str, ...]:
    held = _positions(desk, ask)
    return (
        f"No order leaves{name}, exits of strategies neither; only cancels and a person's flatten.",
        _canceled(desk, ask),
        *(("Once the cancels are out, the venue is told to refuse every new order.",) if ask.scope in _WHOLE else ()),
        f"{held} {_plural(held, 'position stays', 'positions stay')} open; `tidegate flatten` closes what is held."
        if held
        else "Nothing is held there.",
        "It stays so, a restart included, until a person resumes it with a reason.",
    )


def _flatten(desk: Desk, ask: Ask, name: str) -> tuple[str, ...]:
    held = _positions(desk, ask)
    lifted = ("The venue's own switch is lifted first.",) if desk.operator.suspended else ()
    return (
        *lifted,
        f"No entry leaves{name}.",
        _canceled(desk, ask),
        f"{held} {_plural(held, 'position is', 'positions are')} closed in slices at limits that widen from round to round."
        if held
        else "Nothing is held there now; what fills meanwhile is closed.",
        "It goes on after a restart; `tidegate status` shows how far it is.",
    )


def _opened(desk: Desk, ask: Ask) -> tuple[str, ...]:
    left = [
        scope_name(gate.scope, gate.key)
        for gate, _ in desk.engine.books.closed_gates()
        if gate.state is not GateState.ACTIVE and (gate.scope, gate.key) != (ask.scope, ask.key)
    ]
    still = (f"Still closed: {', '.join(left)}; each is resumed by its own name.",) if left else ()
    return (f"Open: {scope_name(ask.scope, ask.key)}.", *still)


def _canceled(desk: Desk, ask: Ask) -> str:
    orders = [order for order in desk.engine.books.working_orders() if _covers(desk, ask, order.strategy_id, order.symbol)]
    if ask.order_id:
        orders = [order for order in orders if order.client_order_id == ask.order_id]
    kind = ""
    if ask.verb in _ENTRIES_ONLY:
        orders, kind = [order for order in orders if order.purpose is not Purpose.EXIT], " entry"
    if not orders:
        return f"No working{kind} order has to be canceled."
    return f"{len(orders)} working{kind} {_plural(len(orders), 'order is', 'orders are')} being canceled."


def _positions(desk: Desk, ask: Ask) -> int:
    return sum(bool(held.quantity_nanos) and _covers(desk, ask, held.strategy_id, held.symbol) for held in desk.engine.books.holdings())


def _covers(desk: Desk, ask: Ask, strategy_id: str, symbol: str) -> bool:
    words = {GateScope.STRATEGY: strategy_id, GateScope.SYMBOL: symbol, GateScope.VENUE: desk.place.venue}
    return ask.scope in _WHOLE or words[ask.scope] == ask.key


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
