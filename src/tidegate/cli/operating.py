"""`tidegate status`, `orders`, `positions`, `limits`: what a running trader says of itself, over its local socket."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.home import HomeFolder, client_of, home_of
from tidegate.cli.words import Json
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.control.replies import LimitsReply, OrderLine, OrdersReply, PositionsReply
    from tidegate.control.reply_roots import Reply

_FINISHED: Final = 10
_MILLION: Final = 1_000_000


class Asked(StrEnum):
    """What `tidegate status --probe` looks at."""

    LIVE = "live"
    READY = "ready"


def status(
    *,
    home: HomeFolder = None,
    probe: Annotated[
        Asked | None,
        typer.Option("--probe", help="Only whether it lives, or is ready to trade: exit code 0 or 1.", show_default=False),
    ] = None,
    request: Annotated[
        str, typer.Option("--request", metavar="ID", help="The report of a kill or a flatten, of an earlier one too.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Tell how the running trader stands.

    Mode, account, gates and who closed them, streams, reconciliation, orders of unknown outcome, log and
    ledger, lease, requests under way. With --request: what that request found and did; from the log where no
    trader runs.
    """
    if request:
        _report(home, request, as_json=as_json)
        return
    if probe is not None:
        _probe(home, probe, as_json=as_json)
        return
    from tidegate.cli.showing import status_lines
    from tidegate.control.protocol import Status
    from tidegate.control.replies import StatusReply

    reply = client_of(home_of(home)).ask(Status(), StatusReply)
    if as_json:
        _document(reply)
    else:
        printing.lines(status_lines(reply))


def orders(
    *,
    home: HomeFolder = None,
    finished: Annotated[int, typer.Option(min=0, max=1_024, metavar="N", help="How many of the finished ones.")] = _FINISHED,
    as_json: Json = False,
) -> None:
    """List working orders, and the newest finished ones.

    With the time each stage took: from the input that caused the order to the decision, to the disk, to the
    wire, to the venue's answer.
    """
    from tidegate.control.protocol import ListOrders
    from tidegate.control.replies import OrdersReply

    reply = client_of(home_of(home)).ask(ListOrders(finished_max=finished), OrdersReply)
    if as_json:
        _document(reply)
    else:
        _show_orders(reply)


def positions(*, home: HomeFolder = None, as_json: Json = False) -> None:
    """List what is held, by strategy and for the account.

    Marks are the prices at which a position could be closed now; profit and loss are exact.
    """
    from tidegate.control.protocol import ListPositions
    from tidegate.control.replies import PositionsReply

    reply = client_of(home_of(home)).ask(ListPositions(), PositionsReply)
    if as_json:
        _document(reply)
    else:
        _show_positions(reply)


def limits(*, home: HomeFolder = None, as_json: Json = False) -> None:
    """List every limit and how much of it is used.

    Where a limit holds for each symbol or sector, the one that uses most of it is named. A dash: it is
    counted for each order alone.
    """
    from tidegate.control.protocol import ShowLimits
    from tidegate.control.replies import LimitsReply

    reply = client_of(home_of(home)).ask(ShowLimits(), LimitsReply)
    if as_json:
        _document(reply)
    else:
        _show_limits(reply)


def _report(home: HomeFolder, request_id: str, *, as_json: bool) -> None:
    from tidegate.cli.reporting import find_report, report_lines

    reply = find_report(home_of(home), request_id)
    if as_json:
        _document(reply)
    else:
        printing.lines([f"{reply.verb.value} {reply.key or 'everything'} by {reply.requester}: {reply.reason or 'without a reason'}"])
        printing.lines(report_lines(reply))


def _probe(home: HomeFolder, probe: Asked, *, as_json: bool) -> None:
    from tidegate.control.protocol import Health, Probe
    from tidegate.control.replies import HealthReply

    reply = client_of(home_of(home)).ask(Health(probe=Probe(probe.value)), HealthReply)
    if as_json:
        _document(reply)
    else:
        printing.lines([f"{probe.value}: {'yes' if reply.ok else 'no'}"])
        printing.grid(("", "check", "seen"), (("ok" if c.ok else "no", c.name, c.seen) for c in reply.checks))
    if not reply.ok:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _document(reply: "Reply") -> None:
    import msgspec

    found = msgspec.to_builtins(reply)
    del found["reply"]
    printing.document(found)


def _show_orders(reply: "OrdersReply") -> None:
    from tidegate.cli.showing import moment
    from tidegate.values.enums import TimeInForce

    if not reply.working and not reply.finished:
        printing.lines(["No order works, and none finished lately."])
        return
    columns = ("order", "strategy", "symbol", "side", "quantity", "limit", "state", "filled", "decided", "durable", "sent", "acked")
    printing.lines([f"{len(reply.working)} working, {len(reply.finished)} finished lately; stages in ms after the input that caused it"])
    printing.grid(columns, (_order_row(order) for order in (*reply.working, *reply.finished)))
    lasting = [order for order in reply.working if order.time_in_force is TimeInForce.GTC and order.expires_ns]
    printing.lines(
        [f"The venue itself ends {order.client_order_id}, good till canceled, on {moment(order.expires_ns)}." for order in lasting]
    )


def _order_row(order: "OrderLine") -> tuple[object, ...]:
    times = order.times
    stages = (times.decided_ns, times.durable_ns, times.sent_ns, times.acked_ns)
    return (
        order.client_order_id,
        order.strategy_id or "(not ours)",
        order.symbol,
        order.side.value,
        order.quantity,
        order.limit_price or "market",
        order.state.value,
        order.filled,
        *(f"{(at_ns - times.received_ns) / _MILLION:.2f}" if at_ns else "-" for at_ns in stages),
    )


def _show_positions(reply: "PositionsReply") -> None:
    held = [line for line in reply.holdings if line.quantity != "0" or line.realized_usd != "0"]
    if held:
        columns = ("strategy", "symbol", "quantity", "cost", "mark", "value", "unrealized", "realized", "fees")
        printing.grid(
            columns,
            (
                (
                    line.strategy_id or "(not ours)",
                    line.symbol,
                    line.quantity,
                    line.cost_basis_usd,
                    line.mark or "-",
                    line.value_usd or "-",
                    line.unrealized_usd or "-",
                    line.realized_usd,
                    line.fees_usd,
                )
                for line in held
            ),
        )
    else:
        printing.lines(["Nothing is held, and nothing was."])
    if reply.net:
        printing.lines(["", f"account {reply.account}"])
        printing.grid(
            ("symbol", "net", "buys working", "sells working", "worst case", "mark", "value"),
            (
                (line.symbol, line.net, line.working_buys, line.working_sells, line.worst, line.mark or "-", line.value_usd or "-")
                for line in reply.net
            ),
        )
    unseen = "unknown: something held has no price"
    worth = f"equity {_usd(reply.equity_usd, unseen)}   cash {_usd(reply.cash_usd)}   unrealized {_usd(reply.unrealized_usd)}"
    printing.lines(["", f"{worth}   realized {_usd(reply.realized_usd)}   fees {_usd(reply.fees_usd)}"])


def _usd(text: str | None, unseen: str = "-") -> str:
    if text is None:
        return unseen
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def _show_limits(reply: "LimitsReply") -> None:
    printing.grid(
        ("limit", "unit", "allowed", "used", "share", "by"),
        (
            (line.name, line.unit, line.limit, line.used or "-", "-" if line.used_percent is None else f"{line.used_percent:g}%", line.of)
            for line in reply.limits
        ),
    )
