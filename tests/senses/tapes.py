"""Random market records that a venue might send: mostly sound quotes and prints, now and then everything that goes wrong."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.senses.making import CENT, START_NS, record, tape
from tidegate.events import records
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

SYMBOLS = 3
PAUSES = (0, MILLISECOND_NS, 300 * MILLISECOND_NS, SECOND_NS, SECOND_NS + 1, 3 * SECOND_NS, 20 * SECOND_NS, 61 * SECOND_NS)
SILENCES = (100 * SECOND_NS, 100 * SECOND_NS + 1, 600 * SECOND_NS)
STATUSES = tuple(range(records.STATUS_HALT, records.STATUS_NEWS + 1))
TROUBLES = ("far print", "crossed", "locked", "no bid", "no size", "future", "suspicious", "slow", "spike", "wide", "status", "silence")


class Step(NamedTuple):
    pause_ns: int
    symbol: int
    what: str
    move: int  # cents
    size: int  # shares
    choice: int


STEPS = st.lists(
    st.builds(
        Step,
        pause_ns=st.sampled_from(PAUSES),
        symbol=st.integers(0, SYMBOLS - 1),
        what=st.sampled_from(["quote"] * 14 + ["trade"] * 6 + ["odd trade", *TROUBLES]),
        move=st.integers(-6, 6),
        size=st.integers(1, 900),
        choice=st.integers(0, 11),
    ),
    min_size=1,
    max_size=60,
)


def lively(steps: list[Step], *, from_trades: tuple[int, ...] = ()) -> NDArray[np.void]:
    """The tape of some steps, after a minute and a half of quotes and prints that warm every symbol up."""
    warming = [
        Step(1_700 * MILLISECOND_NS, place % SYMBOLS, "trade" if place % 7 == 3 or place % SYMBOLS in from_trades else "quote",
             (place * 5) % 7 - 3, 100, 0)
        for place in range(54)
    ]  # fmt: skip
    now_ns = START_NS
    cents = [2_000 + 1_500 * place for place in range(SYMBOLS)]
    made = []
    for step in warming + steps:
        now_ns += SILENCES[step.choice % 3] if step.what == "silence" else step.pause_ns
        cents[step.symbol] = max(50, cents[step.symbol] + step.move)
        made.append(_record(step, now_ns, cents[step.symbol]))
    return tape(made)


def _record(step: Step, now_ns: int, cents: int) -> Any:
    bid, ask = cents * CENT, (cents + 1 + step.choice // 3) * CENT
    size = step.size * NANOS
    if step.what == "status":
        return record(records.STATUS, now_ns, STATUSES[step.choice % len(STATUSES)], instrument=step.symbol)
    if step.what == "far print":
        return record(records.TRADE, now_ns, bid * (110 + step.choice) // 100, size, instrument=step.symbol, flags=records.REGULAR)
    if step.what in {"trade", "odd trade"}:
        odd = (0, records.REGULAR | records.SUSPICIOUS, records.REGULAR | records.CORRECTION, records.OFF_EXCHANGE)
        flags = records.REGULAR if step.what == "trade" else odd[step.choice % 4]
        return record(records.TRADE, now_ns, bid, size, instrument=step.symbol, flags=flags)
    wrong = {
        "crossed": (ask, bid),
        "locked": (bid, bid),
        "no bid": (0, ask),
        "spike": (2 * bid, 2 * ask),
        "wide": (bid, ask * 102 // 100),
    }
    bid, ask = wrong.get(step.what, (bid, ask))
    bid_size = 0 if step.what == "no size" else size
    flags = {"suspicious": records.SUSPICIOUS, "slow": records.SLOW_QUOTE}.get(step.what, 0)
    event = now_ns + SECOND_NS + step.choice % 2 if step.what == "future" else now_ns - MILLISECOND_NS
    return record(records.QUOTE, now_ns, bid, ask, bid_size, size, instrument=step.symbol, flags=flags, event_ns=event)
