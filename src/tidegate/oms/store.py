"""All orders as bytes and back.

Live orders are sorted by id; finished ones stay in the order in which they will be forgotten.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from tidegate.events.acts import TradeIntent
from tidegate.oms.order import Execution, Order


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """Money as text: attos do not fit 64 bits."""

    order: Order
    filled_cost_attos: str
    fees_attos: str
    anonymous_cost_attos: str
    anonymous_fees_attos: str
    executions: list[tuple[str, Execution]]


class _State(msgspec.Struct, frozen=True, array_like=True):
    account: str
    live: list[_Row]
    finished: list[_Row]
    approved: list[tuple[str, TradeIntent]]


class Contents(NamedTuple):
    """What `Orders` keeps."""

    account: str
    live: dict[str, Order]
    finished: dict[str, Order]
    executions: dict[str, dict[str, Execution]]
    approved: dict[str, TradeIntent]


_decoder: Final = msgspec.msgpack.Decoder(_State)


def encode(contents: Contents) -> bytes:
    """Return the state as bytes."""
    executions = contents.executions
    live = [contents.live[key] for key in sorted(contents.live)]
    return msgspec.msgpack.encode(
        _State(
            contents.account,
            _rows(live, executions),
            _rows(contents.finished.values(), executions),
            sorted(contents.approved.items()),
        )
    )


def decode(data: bytes) -> Contents:
    """Return the state of these bytes."""
    state = _decoder.decode(data)
    executions = {row.order.client_order_id: dict(row.executions) for row in (*state.live, *state.finished) if row.executions}
    return Contents(state.account, _orders(state.live), _orders(state.finished), executions, dict(state.approved))


def _rows(orders: Iterable[Order], executions: Mapping[str, Mapping[str, Execution]]) -> list[_Row]:
    return [
        _Row(
            replace(order, filled_cost_attos=0, fees_attos=0, anonymous_cost_attos=0, anonymous_fees_attos=0),
            str(order.filled_cost_attos),
            str(order.fees_attos),
            str(order.anonymous_cost_attos),
            str(order.anonymous_fees_attos),
            sorted(executions.get(order.client_order_id, {}).items()),
        )
        for order in orders
    ]


def _orders(rows: list[_Row]) -> dict[str, Order]:
    return {
        row.order.client_order_id: replace(
            row.order,
            filled_cost_attos=int(row.filled_cost_attos),
            fees_attos=int(row.fees_attos),
            anonymous_cost_attos=int(row.anonymous_cost_attos),
            anonymous_fees_attos=int(row.anonymous_fees_attos),
        )
        for row in rows
    }
