"""What the simulated venue makes of the orders that a session sent: the same commands at the same times, met by the log's own market.

Only the market around each order's life is read, so that memory follows the orders and not the length of the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from tidegate.analytics.collect import Run
from tidegate.analytics.promotion import Filled
from tidegate.config.reading import parse_config
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import SessionChanged
from tidegate.events.records import RECORD
from tidegate.events.session import SessionOpened
from tidegate.recovery.specs import recorded_instruments
from tidegate.replay.prepare import simulated_venue
from tidegate.values.enums import CommandKind
from tidegate.values.time import MINUTE_NS, NEVER_NS
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import SimVenue

AROUND_NS: Final = MINUTE_NS  # of market before and after an order's life: the touch stands by then, and answers were on their way
_SENT: Final = frozenset({CommandKind.SUBMIT, CommandKind.REPLACE, CommandKind.CANCEL})

Block = tuple[int, NDArray[np.void]]  # market records, and the number of the first among the session's inputs


class _Sent(NamedTuple):
    n: int
    command: OrderCommand


def simulated_fills(opening: SessionOpened, run: Run, blocks: Iterable[Block], toolchain: Toolchain) -> dict[str, Filled]:
    """Return what the simulator fills of each order of a session, by client order id; an order that is missing was not filled.

    Latencies and rules are those of the session's own configuration.

    Args:
        opening: the session's first entry.
        run: what it was told and did.
        blocks: its market records, in their order.
        toolchain: compiles the simulator.
    """
    sent = _sent(run)
    if not sent:
        return {}
    numbers, records = _around(opening, run, blocks)
    instruments = recorded_instruments(opening)
    loaded = parse_config(opening.config, name=f"session {opening.session_id} (configuration)", folder=Path())
    hours = [entry.message for entry in run.entries if isinstance(entry.message, SessionChanged)]
    stream = Stream(records, np.arange(len(instruments)))
    venue = simulated_venue(loaded, [stream], instruments, hours, toolchain)
    for n, command in sent:
        venue.command(command, sent_ns=command.timestamp, taken=[int(np.searchsorted(numbers, n, "right"))])
    return _filled(venue)


def _sent(run: Run) -> list[_Sent]:
    """Return the commands that may have left, in their order."""
    kept = {row.client_order_id for row in run.order_rows if not row.was_sent}
    commands = [_Sent(entry.n, entry.message) for entry in run.entries if isinstance(entry.message, OrderCommand)]
    return [one for one in commands if one.command.kind in _SENT and one.command.client_order_id not in kept]


def _around(opening: SessionOpened, run: Run, blocks: Iterable[Block]) -> tuple[NDArray[np.int64], NDArray[np.void]]:
    """Return the records around the life of each order in its symbol, and their numbers."""
    places = {instrument.symbol: place for place, instrument in enumerate(recorded_instruments(opening))}
    spans: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in run.order_rows:
        until_ns = NEVER_NS if row.done_ns is None else row.done_ns + AROUND_NS
        spans[places[row.command.symbol]].append((row.command.timestamp - AROUND_NS, until_ns))
    windows = {place: _Windows(found) for place, found in spans.items()}
    numbers: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    records: list[NDArray[np.void]] = [np.empty(0, RECORD)]
    for n, block in blocks:
        kept = np.zeros(len(block), np.bool_)
        for place, window in windows.items():
            kept |= (block["instrument"] == place) & window.hold(block["ts_recv"])
        numbers.append(n + np.flatnonzero(kept))
        records.append(block[kept])
    return np.concatenate(numbers), np.concatenate(records)


@final
class _Windows:
    """Spans of time, laid together where they meet."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._from: Final[list[int]] = []
        self._until: Final[list[int]] = []
        for from_ns, until_ns in sorted(spans):
            if self._until and from_ns <= self._until[-1]:
                self._until[-1] = max(self._until[-1], until_ns)
            else:
                self._from.append(from_ns)
                self._until.append(until_ns)

    def hold(self, times: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which times lie within a span."""
        at = np.searchsorted(self._from, times, "right") - 1
        return (at >= 0) & (times <= np.take(self._until, at, mode="clip"))


def _filled(venue: SimVenue) -> dict[str, Filled]:
    quantities: defaultdict[str, int] = defaultdict(int)
    costs: defaultdict[str, int] = defaultdict(int)
    for name, quantity, price in _executions(venue):
        quantities[name] += quantity
        costs[name] += quantity * price
    return {name: Filled(quantity, costs[name]) for name, quantity in quantities.items()}


def _executions(venue: SimVenue) -> Iterator[tuple[str, int, int]]:
    """Yield every execution until nothing can come any more."""
    while venue.next_response_ns() < NEVER_NS:
        if venue.response_known:
            response = venue.next_response()
            if response.last_quantity_nanos:
                yield response.client_order_id, response.last_quantity_nanos, response.last_price_nanos
