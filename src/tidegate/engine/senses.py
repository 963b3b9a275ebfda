"""The senses as the engine holds them: the buffer, the way to run the loop on it, and quick access to single cells.

The buffer is the truth between calls in every mode. Pure and strict modes load it into row objects, run the same source, and dump it.
Each field is 8 bytes, so one cell is read or written through a memoryview in tens of nanoseconds.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from tidegate.engine import entries
from tidegate.engine.layout import ATTENTION, Counts, Senses, senses_layout
from tidegate.engine.toolchain import Toolchain
from tidegate.events.records import RECORD
from tidegate.kernel.layout import CELL_BYTES, U8
from tidegate.kernel.mode import Mode
from tidegate.kernel.rows import RowTable, load_row
from tidegate.strategies.strategy import Strategy, Trigger

_ATTENTION_CELLS: Final = ATTENTION.itemsize // CELL_BYTES


@final
class SensesHost:
    """One run's senses. `integers` and `floats` are the buffer's cells as either type."""

    def __init__(self, counts: Counts, strategies: Sequence[Strategy], toolchain: Toolchain) -> None:
        self.layout = senses_layout(counts)
        self.counts = counts
        self.buffer: U8 = self.layout.new_buffer()
        self.integers = self.buffer.data.cast("B").cast("q")
        self.floats = self.buffer.data.cast("B").cast("d")
        self.mode = toolchain.mode
        self._params = tuple(toolchain.params_row(strategy) for strategy in strategies)
        self._triggers: tuple[Trigger | None, ...] = tuple(strategy.trigger for strategy in strategies)
        self._write_params(strategies)
        self._act: Callable[..., int] = toolchain.act if self.mode is Mode.COMPILED else self._act_pure
        self._codes = tuple(toolchain.trigger_code(strategy, place) for place, strategy in enumerate(strategies))
        self._bounds = self.layout.bounds
        self._no_tape: U8 = np.zeros(0, np.uint8)
        self._attentions_cell = self.layout.cell_of("cursor", 0, "attentions")
        self._first_attention_cell = self.layout.cell_of("attentions", 0, "kind")
        self.due_bound_cell: Final = self.layout.cell_of("cursor", 0, "due_bound_ns")
        self.bad_record_cell: Final = self.layout.cell_of("cursor", 0, "bad_record")
        self.bind()

    def bind(self) -> None:
        """Write what no snapshot holds: the triggers' addresses; what is due is found out anew."""
        for place, code in enumerate(self._codes):
            self.integers[self.layout.cell_of("addresses", place, "code")] = code
        self.integers[self.due_bound_cell] = 0
        self.integers[self._attentions_cell] = 0

    # The verbs of the loop.

    def run(self, tape: U8, start: int, stop: int, horizon_ns: int) -> int:
        """Take records in; return the index of the first one not taken. See `engine.loop.run`."""
        return self._act(self.buffer, self._bounds, tape, entries.RUN, start, stop, horizon_ns)

    def tick(self, now_ns: int) -> None:
        """See `engine.loop.tick`."""
        self._act(self.buffer, self._bounds, self._no_tape, entries.TICK, now_ns, 0, 0)

    def after_order(self, strategy: int, place: int, now_ns: int) -> None:
        """See `engine.loop.after_order`."""
        self._act(self.buffer, self._bounds, self._no_tape, entries.AFTER_ORDER, strategy, place, now_ns)

    def next_due(self) -> int:
        """See `engine.loop.next_due`."""
        return self._act(self.buffer, self._bounds, self._no_tape, entries.NEXT_DUE, 0, 0, 0)

    def attentions(self) -> list[list[int]]:
        """Return the attentions of the last verb, each as the cells of its row, in the order in which they are judged."""
        count = self.integers[self._attentions_cell]
        if count == 0:
            return []
        at = self._first_attention_cell
        cells = self.integers[at : at + count * _ATTENTION_CELLS].tolist()
        if count == 1:
            return [cells]
        return in_order([cells[i : i + _ATTENTION_CELLS] for i in range(0, len(cells), _ATTENTION_CELLS)])

    def forget_attentions(self) -> None:
        """Make `attentions` empty: a verb that is not called raises none."""
        self.integers[self._attentions_cell] = 0

    # Rows.

    def table(self, name: str) -> NDArray[np.void]:
        """Return a table as a numpy view of the buffer, for setting up and for tests."""
        return self.layout.table(self.buffer, name)

    def pair(self, strategy: int, place: int) -> int:
        """Return the row of a pair of strategy and symbol in `own`."""
        return strategy * self.counts.symbols + place

    def durable(self) -> bytes:
        """Return what a snapshot holds and a state hash covers."""
        return self.buffer[: self.layout.durable_size].tobytes()

    def restore(self, durable: bytes) -> None:
        """Take a snapshot's bytes back; they have this layout's size."""
        assert len(durable) == self.layout.durable_size, "a snapshot of another layout"
        self.buffer[: self.layout.durable_size] = np.frombuffer(durable, np.uint8)
        self.bind()

    def _write_params(self, strategies: Sequence[Strategy]) -> None:
        table = self.layout.table(self.buffer, "params")
        for place, (strategy, dtype) in enumerate(zip(strategies, self._params, strict=True)):
            if not dtype.names:
                continue
            cells = table[place : place + 1].view(np.uint8)[: dtype.itemsize].view(dtype)
            cells[0] = tuple(getattr(strategy.params, name) for name in dtype.names)

    def _act_pure(self, buffer: U8, _bounds: object, tape: U8, verb: int, *numbers: int) -> int:
        strict = self.mode is Mode.STRICT
        tables = {t.name: RowTable(self.layout.table(buffer, t.name), strict=strict) for t in self.layout.tables}
        records = tape.view(RECORD)
        senses = Senses(
            header=tables["header"][0],
            settings=tables["settings"][0],
            sessions=tables["sessions"],
            symbols=tables["symbols"],
            regimes=tables["regimes"],
            groups=tables["groups"],
            strategies=tables["strategies"],
            own=tables["own"],
            params=self._pure_params(buffer),
            cursor=tables["cursor"][0],
            addresses=tables["addresses"],
            attentions=tables["attentions"],
            triggers=self._triggers,
        )
        answer = entries.perform(senses, _PureTape(records), verb, *numbers)
        for table in tables.values():
            table.dump()
        return answer

    def _pure_params(self, buffer: U8) -> list[Any]:
        table = self.layout.table(buffer, "params")
        return [load_row(dtype, _cells(table, place, dtype), strict=True) for place, dtype in enumerate(self._params)]


def _cells(table: NDArray[np.void], place: int, dtype: np.dtype[np.void]) -> Any:
    """Return a strategy's parameters; numpy has no view of a row without fields."""
    if not dtype.names:
        return ()
    return table[place : place + 1].view(np.uint8)[: dtype.itemsize].view(dtype)[0].tolist()


def in_order(attentions: list[list[int]]) -> list[list[int]]:
    """Sort by strategy's place, instrument, exit before entry; equal ones stay in the order in which they were raised."""
    if len(attentions) > 1:
        attentions.sort(key=lambda row: (row[1], row[2], row[0]))
    return attentions


class _PureTape:
    """Market records as row objects, loaded one at a time."""

    def __init__(self, records: NDArray[np.void]) -> None:
        self._records = records

    def __getitem__(self, index: int) -> Any:
        return load_row(RECORD, self._records[index].tolist(), strict=False)
