"""The smallest trader that keeps its promises, and two that do not: what the kill harness is proved with.

`python -m tests.service.small_trader HOME ORIGIN [BUG]`: lease, row, order, mark, executions, again; at its start it settles what the last
one left open. Bugs: `resend` sends again what has no answer; `forget` takes in no execution of an earlier process.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from tidegate.clock.clock import WallClock
from tidegate.emulators.alpaca.settings import KEY, SECRET
from tidegate.events.acts import OrderCommand
from tidegate.events.codec import encode
from tidegate.events.inputs import OrderEvent
from tidegate.service.ledger.errors import LeaseHeldError
from tidegate.service.ledger.rows import Batch, ExecutionRow, Lease, LeaseClaim, Mark, OutboxRow
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import CommandKind, OrderEventKind, OrderType, Side, TimeInForce
from tidegate.values.ids import ClientOrderId, EventId, ExecutionId, SessionId
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS
from tidegate.venues.alpaca.access import PaperAccess, local_hosts
from tidegate.venues.alpaca.client import AlpacaClient
from tidegate.venues.errors import Declined, OutcomeUnsure, Unreachable
from tidegate.venues.port import VenueExecution

ACCOUNT = "paper"
LEASE_NS = 300 * MILLISECOND_NS
OPEN_STATES = (OutboxState.PENDING, OutboxState.SENT, OutboxState.UNSURE)


class SmallTrader:
    def __init__(self, home: Path, venue: AlpacaClient, bug: str) -> None:
        self.ledger = SqlLedger(home / "ledger.db")
        self.venue = venue
        self.bug = bug
        self.lease = self.take_lease()
        self.n = 0

    def take_lease(self) -> Lease:
        """Wait the last one out; its process is dead, so its lease only has to end."""
        while True:
            wish = LeaseClaim(account=ACCOUNT, holder=f"{os.getpid()}", now_ns=time.time_ns(), ttl_ns=LEASE_NS)
            try:
                return self.ledger.take_lease(wish)
            except LeaseHeldError:
                time.sleep(0.02)

    def write(self, **parts: object) -> None:
        self.lease = self.ledger.renew(self.lease, time.time_ns())
        self.ledger.write(Batch(account=ACCOUNT, epoch=self.lease.epoch, **parts))  # type: ignore[arg-type]

    async def settle(self) -> None:
        """Account for every row that the last process left open."""
        for row in self.ledger.outbox(ACCOUNT, OPEN_STATES):
            if self.bug == "resend" and row.state is not OutboxState.PENDING:
                await self.trade(row.decision_id)
            seen = await self.venue.find(row.client_order_id)
            state = OutboxState.ANSWERED if seen is not None else OutboxState.ABSENT
            if row.state is OutboxState.PENDING:
                self.mark(row.command_id, OutboxState.ABANDONED, "nothing had left")
                continue
            self.mark(row.command_id, OutboxState.UNSURE, "asked")
            self.mark(row.command_id, state, "looked up")
        if self.bug == "forget":
            self.known = {execution.execution_id for execution in await self.venue.executions(0)}
        else:
            self.known = {execution.execution_id for execution in self.ledger.executions(ACCOUNT)}

    async def trade(self, decision: str = "") -> None:
        self.n += 1
        order_id = ClientOrderId(f"{self.lease.epoch}-small{self.n}")
        command = _command(order_id, Side.BUY if self.n % 3 else Side.SELL)
        row = self._row(order_id, command, decision or f"decision-{order_id}")
        self.write(rows=(row,))
        self.mark(row.command_id, OutboxState.SENT, "")
        try:
            await self.venue.submit(command)
        except Declined as error:
            self.mark(row.command_id, OutboxState.ANSWERED, error.words)
        except Unreachable:
            self.mark(row.command_id, OutboxState.ABANDONED, "never left")
        except OutcomeUnsure:
            self.mark(row.command_id, OutboxState.UNSURE, "no answer")
        else:
            self.mark(row.command_id, OutboxState.ANSWERED, "")

    async def take_in_executions(self) -> None:
        new = [execution for execution in await self.venue.executions(0) if execution.execution_id not in self.known]
        if new:
            self.write(executions=tuple(map(_execution_row, new)))
            self.known |= {execution.execution_id for execution in new}

    def mark(self, command_id: EventId, state: OutboxState, note: str) -> None:
        self.write(marks=(Mark(command_id=command_id, state=state, at_ns=time.time_ns(), note=note),))

    def _row(self, order_id: ClientOrderId, command: OrderCommand, decision: str) -> OutboxRow:
        epoch = self.lease.epoch
        return OutboxRow(
            command_id=EventId(f"small-{epoch}-{self.n}"),
            client_order_id=order_id, kind=CommandKind.SUBMIT, account=ACCOUNT, epoch=epoch,
            session=SessionId(f"small-{epoch}"), n=self.n, k=1, intent_id=f"intent-{decision}", decision_id=decision,
            command=encode(command), recorded_ns=time.time_ns(), previous_n=self.n - 1,
        )  # fmt: skip


def _command(order_id: str, side: Side) -> OrderCommand:
    return OrderCommand(
        event_id=f"event-{order_id}", timestamp=1, symbol="AAPL", strategy_id="small", correlation_id="c", kind=CommandKind.SUBMIT,
        client_order_id=order_id, venue="alpaca", account=ACCOUNT, side=side, order_type=OrderType.MARKET, time_in_force=TimeInForce.DAY,
        quantity_nanos=NANOS, limit_price_nanos=0, stop_price_nanos=0, trail_nanos=0, valid_until_ns=1 << 62, decision_id="d",
    )  # fmt: skip


def _execution_row(seen: VenueExecution) -> ExecutionRow:
    event = OrderEvent(
        event_id="", timestamp=0, symbol=seen.symbol, strategy_id="small", correlation_id="", client_order_id=seen.client_order_id,
        venue_order_id=seen.venue_order_id, kind=OrderEventKind.FILLED, side=seen.side, ts_venue=seen.ts_ns,
        execution_id=seen.execution_id, last_quantity_nanos=seen.quantity_nanos, last_price_nanos=seen.price_nanos,
    )  # fmt: skip
    return ExecutionRow(
        account=ACCOUNT, execution_id=ExecutionId(seen.execution_id), client_order_id=ClientOrderId(seen.client_order_id),
        event=encode(event), recorded_ns=time.time_ns(),
    )  # fmt: skip


async def main() -> None:
    home, origin, bug = Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with AlpacaClient(PaperAccess(KEY, SECRET), local_hosts(origin), WallClock()) as venue:
        trader = SmallTrader(home, venue, bug)
        await trader.settle()
        await trader.take_in_executions()
        (home / "settled").write_text(str(os.getpid()))
        while not ended.is_set():
            await trader.trade()
            await trader.take_in_executions()
            await asyncio.sleep(0.01)
        trader.ledger.release(trader.lease)


if __name__ == "__main__":
    asyncio.run(main())
