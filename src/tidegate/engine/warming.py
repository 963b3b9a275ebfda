"""Warming up under other code, another layout or another configuration: senses from logged records, judgement from facts.

Nothing is decided. Recorded records go through the senses of today; what they raise comes to nothing, since their acts are recorded.
Entries stay off in each symbol by themselves until its features are warm: the gate refuses what cannot be seen.
"""

from typing import Final, final

from tidegate.engine import snapshots
from tidegate.engine.core import Core
from tidegate.engine.lapsing import Lapsing
from tidegate.kernel.layout import U8
from tidegate.values.enums import Purpose
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import NEVER_NS


class GoneError(TidegateError):
    """Something that is held or was ordered has no place in the new configuration."""

    exit_code = ExitCode.REFUSED


@final
class Warming:
    """The verbs of warming up; they belong before a session's first input."""

    def __init__(self, core: Core, lapsing: Lapsing) -> None:
        self._core: Final = core
        self._lapsing: Final = lapsing

    def adopt(self, data: bytes) -> tuple[str, ...]:
        """Take over what judgement knows from a snapshot of any layout; return the strategies that begin with a new State.

        Raises:
            WrongSnapshotError: it cannot be read without its own code.
        """
        return snapshots.adopt(self._core, data)

    def records(self, tape: U8, start: int, stop: int) -> None:
        """Take recorded market records into the senses; ticks that today's code would wait for are not missed.

        Records that are out of order or of an unknown instrument must have been left out.
        """
        core = self._core
        host = core.host
        at = start
        while at < stop:
            host.integers[host.due_bound_cell] = NEVER_NS
            after = host.run(tape, at, stop, NEVER_NS)
            assert after > at, "the caller leaves out what this session cannot take"
            at = after
            self._lapsing.input(host.attentions())
        core.begin()

    def pass_time(self, now_ns: int) -> None:
        """Note the time of records that are not taken in: what follows them is judged by it."""
        cell = self._core.reading.now_cell
        self._core.host.integers[cell] = max(self._core.host.integers[cell], now_ns)
        self._core.begin()
        self._lapsing.input([])

    def begin(self) -> None:
        """Make what was warmed up the beginning of a session.

        Raises:
            GoneError: a position or working order has no place in this configuration.
        """
        core = self._core
        watched = {(slot.strategy.strategy_id, symbol) for slot in core.spec.strategies for symbol in slot.symbols}
        for (strategy_id, symbol), holding in core.portfolio.holdings.items():
            if holding.quantity_nanos and (symbol not in core.instruments or (strategy_id and (strategy_id, symbol) not in watched)):
                raise GoneError(
                    f"Strategy {strategy_id or '(none)'} holds {symbol}, and the configuration no longer names both together: nobody would "
                    "watch its exits; keep the strategy and the symbol among its symbols until the position is closed."
                )
        for order in core.orders.live.values():
            if order.symbol not in core.instruments:
                raise GoneError(f"Order {order.client_order_id} works in {order.symbol}; keep it in the configuration until it has ended.")
            if order.strategy_id and order.purpose is Purpose.ENTRY and (order.strategy_id, order.symbol) not in watched:
                raise GoneError(
                    f"Order {order.client_order_id} of {order.strategy_id} works in {order.symbol} and may still fill: nobody would "
                    "watch the position; keep the strategy and the symbol among its symbols until the order has ended."
                )
        snapshots.begin_anew(core)
