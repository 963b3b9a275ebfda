"""A desk in the words of the socket: orders, positions, limits, status. Reads only; exact numbers as text."""

from collections.abc import Callable
from typing import Final

from tidegate.control.replies import (
    GateLine,
    HoldingLine,
    LimitLine,
    LimitsReply,
    NetLine,
    OrderLine,
    OrdersReply,
    OrderTimesLine,
    PositionsReply,
    RequestLine,
    VenueLine,
)
from tidegate.engine.books import Held, Net
from tidegate.engine.usage import LimitUse
from tidegate.oms.order import Order
from tidegate.risk.sentences import duration
from tidegate.service.desk import Desk
from tidegate.service.order_times import StageTimes
from tidegate.service.status_page import StatusMonitor
from tidegate.values.money import attos_text, nanos_text

_ATTOS: Final = "usd"
_NS: Final = "ns"
_UNIT_SHOWN: Final = {_NS: "duration"}  # 5 s is written out, as in the manual
_AS_TEXT: Final[dict[str, Callable[[int], str]]] = {
    _ATTOS: attos_text,
    "quantity": nanos_text,
    _NS: duration,
    "bps": str,
    "count": str,
}


def order_line(order: Order, times: StageTimes, expires_ns: int = 0) -> OrderLine:
    """Return one order. expires_ns: when the venue itself ends it; 0: not told."""
    return OrderLine(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        purpose=order.purpose,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        state=order.state,
        working=order.working,
        quantity=nanos_text(order.quantity_nanos),
        filled=nanos_text(order.filled_nanos),
        limit_price=nanos_text(order.limit_price_nanos) if order.limit_price_nanos else None,
        filled_cost_usd=attos_text(order.filled_cost_attos),
        fees_usd=attos_text(order.fees_attos),
        commanded_ns=order.submitted_ns,
        heard_ns=order.event_ns,
        doubtful_since_ns=order.unknown_ns,
        cancel_wanted=order.cancel_wanted,
        external=order.external,
        chain=order.chain,
        times=OrderTimesLine(
            received_ns=times.received_ns,
            decided_ns=times.decided_ns,
            durable_ns=times.durable_ns,
            sent_ns=times.sent_ns,
            acked_ns=times.acked_ns,
        ),
        expires_ns=expires_ns,
    )


def orders(desk: Desk, finished_max: int) -> OrdersReply:
    """Return working orders, and the newest that finished."""
    books, times = desk.engine.books, desk.outbox.times
    finished = books.finished_orders()[-finished_max:] if finished_max > 0 else []
    return OrdersReply(
        now_ns=desk.sequencer.now_ns(),
        working=tuple(
            order_line(order, times.of(order.client_order_id), desk.expiries.get(order.client_order_id, 0))
            for order in books.working_orders()
        ),
        finished=tuple(order_line(order, times.of(order.client_order_id)) for order in reversed(finished)),
    )


def positions(desk: Desk) -> PositionsReply:
    """Return what is held and what it is worth."""
    books = desk.engine.books
    money = books.money()
    value = money.value
    return PositionsReply(
        now_ns=desk.sequencer.now_ns(),
        account=desk.place.account,
        holdings=tuple(map(_holding, books.holdings())),
        net=tuple(map(_net, books.nets())),
        cash_usd=attos_text(money.cash_attos),
        realized_usd=attos_text(money.realized_attos),
        fees_usd=attos_text(money.fees_attos),
        equity_usd=None if value is None else attos_text(value.equity_attos),
        unrealized_usd=None if value is None else attos_text(value.unrealized_attos),
        gross_usd=None if value is None else attos_text(value.gross_attos),
        net_usd=None if value is None else attos_text(value.net_attos),
    )


def limits(desk: Desk) -> LimitsReply:
    """Return every limit and how much of it is used."""
    now_ns = desk.sequencer.now_ns()
    return LimitsReply(now_ns=now_ns, limits=tuple(map(_limit, desk.engine.books.limits_use(now_ns))))


def gates(desk: Desk) -> tuple[GateLine, ...]:
    """Return every gate that is not open."""
    return tuple(
        GateLine(scope=gate.scope, key=gate.key, state=gate.state, reason=gate.reason, actor=actor)
        for gate, actor in desk.engine.books.closed_gates()
    )


def requests(desk: Desk) -> tuple[RequestLine, ...]:
    """Return every request that is not done."""
    return tuple(
        RequestLine(
            request_id=job.request_id,
            verb=job.verb,
            scope=job.scope,
            key=job.key,
            stage=job.stage,
            tries=job.tries,
            requester=job.requester,
            reason=job.reason,
            begun_ns=job.begun_ns,
        )
        for job in desk.engine.books.requests()
    )


def _holding(held: Held) -> HoldingLine:
    return HoldingLine(
        strategy_id=held.strategy_id,
        symbol=held.symbol,
        quantity=nanos_text(held.quantity_nanos),
        working_exits=nanos_text(held.exits_nanos),
        cost_basis_usd=attos_text(held.basis_attos),
        mark=None if held.mark_nanos is None else nanos_text(held.mark_nanos),
        value_usd=None if held.value_attos is None else attos_text(held.value_attos),
        unrealized_usd=_unrealized(held),
        realized_usd=attos_text(held.realized_attos),
        fees_usd=attos_text(held.fees_attos),
    )


def _unrealized(held: Held) -> str | None:
    if held.value_attos is None:
        return None if held.quantity_nanos else attos_text(0)
    return attos_text(held.value_attos - held.basis_attos)


def _net(net: Net) -> NetLine:
    return NetLine(
        symbol=net.symbol,
        net=nanos_text(net.net_nanos),
        working_buys=nanos_text(net.buys_nanos),
        working_sells=nanos_text(net.sells_nanos),
        worst=nanos_text(net.worst_nanos),
        mark=None if net.mark_nanos is None else nanos_text(net.mark_nanos),
        value_usd=None if net.value_attos is None else attos_text(net.value_attos),
    )


def _limit(use: LimitUse) -> LimitLine:
    name, unit, meaning = use.field
    text = _AS_TEXT.get(unit, str)
    return LimitLine(
        name=name.replace("_attos", "_usd").replace("_nanos", "").replace("_ns", ""),
        unit=_UNIT_SHOWN.get(unit, unit),
        meaning=meaning,
        limit=text(use.limit) if isinstance(use.limit, int) else _listed(use.limit),
        used=None if use.used is None else text(use.used),
        of=use.of,
        used_percent=_percent(use),
    )


def _percent(use: LimitUse) -> float | None:
    if use.used is None or not isinstance(use.limit, int):
        return None
    if use.limit == 0:
        return 0.0 if use.used == 0 else None
    return round(100 * use.used / use.limit, 1)


def _listed(value: object) -> str:
    if value is None:
        return "any"
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)


def venue_status(monitor: StatusMonitor | None) -> tuple[VenueLine, ...]:
    """Return how the venue is by each source that is asked."""
    if monitor is None:
        return ()
    asked = ((source, monitor.response_times(source)) for source in monitor.sources)
    return tuple(
        VenueLine(
            source=source,
            level=monitor.levels[source],
            words=monitor.words[source],
            answers=times.answers,
            median_ns=times.median_ns,
            worst_ns=times.worst_ns,
        )
        for source, times in asked
    )
