"""A symbol that falls silent: its regime says so when its time is over, by one tick where no record comes, the same in every mode."""

from typing import Any

import numpy as np
import pytest

from tests.contract.kit import PLAIN_MILL, Ran, configuration, run, strategy
from tests.contract.markets import CENT, START_NS
from tidegate.engine.toolchain import Toolchain
from tidegate.events import records as r
from tidegate.events.acts import RegimeChanged
from tidegate.events.inputs import Tick
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.replay.prepare import assemble
from tidegate.tapes.format import Tape
from tidegate.values.enums import Regime
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("A1.1", "B4.2")

SPOKE_S, SILENT_S, ENDS_S = 0.4, 90, 200
FACTS: dict[str, Any] = {"venue": "sim", "market_group": "all"}


def quotes() -> Tape:
    """Both symbols quote for ninety seconds; then BBB alone, to the end."""
    times = [(second + SPOKE_S, place) for second in range(ENDS_S) for place in (0, 1) if place == 1 or second < SILENT_S]
    rows = np.zeros(len(times), r.RECORD)
    for number, (at_s, place) in enumerate(times):
        at_ns = START_NS + round(at_s * SECOND_NS)
        bid = (2_000 + number % 2) * CENT
        rows[number] = (at_ns, at_ns, number, place, r.QUOTE, 0, bid, bid + CENT, 100 * NANOS, 100 * NANOS)
    return Tape.of(rows, symbols=tuple(Instrument(index=i, symbol=s, venue="sim") for i, s in enumerate(("AAA", "BBB"))), name="t")


def ran(toolchain: Toolchain, **of_aaa: str) -> Ran:
    instruments = [{"symbol": "AAA", **FACTS, **of_aaa}, {"symbol": "BBB", **FACTS}]
    loaded = configuration([strategy(PLAIN_MILL, "sleeper", minutes=True)], instruments=instruments, valuation="0")
    return run(assemble(loaded, (quotes(),)), toolchain)


def went_stale(ran: Ran, symbol: str) -> list[tuple[int, float]]:
    """When (input, seconds) the regime said so."""
    return [
        (entry.n, (message.timestamp - START_NS) / SECOND_NS)
        for entry in ran.entries
        if entry.kind == "act"
        and isinstance(message := entry.message, RegimeChanged)
        and (message.symbol, message.after, message.why) == (symbol, Regime.UNTRADEABLE, "stale")
    ]


def test_a_silent_symbol_is_untradeable_once_its_time_is_over_by_one_tick_of_its_own(compiled: Toolchain) -> None:
    seen = ran(compiled)
    (n, at_s), *more = went_stale(seen, "AAA")
    assert more == []
    assert at_s == SILENT_S - 1 + 30 + 1, "the last quote, as long as it may be old, and the next whole evaluation"
    ticks = {entry.n for entry in seen.entries if entry.kind == "input" and isinstance(entry.message, Tick)}
    assert n in ticks
    assert went_stale(seen, "BBB") == []


def test_a_symbol_may_have_a_staleness_of_its_own(compiled: Toolchain) -> None:
    assert [at_s for _, at_s in went_stale(ran(compiled, stale="7s"), "AAA")] == [SILENT_S - 1 + 7 + 1]
    assert went_stale(ran(compiled, stale="5m"), "AAA") == []


@pytest.mark.parametrize("mode", [Mode.PURE, Mode.STRICT])
def test_silence_is_the_same_in_every_mode(compiled: Toolchain, mode: Mode) -> None:
    assert ran(make_toolchain(mode), stale="7s").same == ran(compiled, stale="7s").same
