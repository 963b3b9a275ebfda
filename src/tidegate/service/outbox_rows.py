"""What the sender keeps of a command on its way, and the row that an order gets in the ledger before it may leave."""

from typing import NamedTuple

import msgspec

from tidegate.events.codec import encode
from tidegate.oms.order import Order
from tidegate.service.ledger.rows import OutboxRow
from tidegate.service.ledger.states import OutboxState
from tidegate.service.ports import Commanded
from tidegate.service.stages import Stage
from tidegate.values.ids import ClientOrderId, EventId, SessionId


class Entry(msgspec.Struct, kw_only=True, gc=False):
    """One command on its way."""

    commanded: Commanded
    stage: Stage = Stage.DECIDED
    taken_ns: int = 0  # monotonic
    durable_ns: int = 0
    sent_mono_ns: int = 0
    swept: bool = False  # its cancel went with all others in one request, and is not answered


class Whence(NamedTuple):
    """Who writes a row: account, lease epoch, session, and the (n, k) of the row before it."""

    account: str
    epoch: int
    session: SessionId
    previous: tuple[int, int]


def row_of(commanded: Commanded, order: Order, whence: Whence, *, now_ns: int) -> OutboxRow:
    """Return the row of an order's command, written as SENT: it is let go only once the row is durable."""
    n, k, command = commanded
    return OutboxRow(
        command_id=EventId(command.event_id),
        client_order_id=ClientOrderId(command.client_order_id),
        kind=command.kind,
        account=whence.account,
        epoch=whence.epoch,
        session=whence.session,
        n=n,
        k=k,
        intent_id=order.intent_id,
        decision_id=command.decision_id,
        command=encode(command),
        recorded_ns=now_ns,
        previous_n=whence.previous[0],
        previous_k=whence.previous[1],
        state=OutboxState.SENT,
        sent_ns=now_ns,
    )
