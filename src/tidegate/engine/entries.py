"""Entry points of the compiled senses: the only functions with a signature. They carve the buffer and call the loop."""

from typing import Any

from tidegate.engine import layout
from tidegate.engine.layout import Senses
from tidegate.engine.loop import after_order, next_due, run, tick
from tidegate.events.records import RECORD
from tidegate.kernel.mode import kernel
from tidegate.market import rows as market
from tidegate.regime import rows as regime
from tidegate.strategies import rows as strategies

HEADER, SETTINGS, SYMBOL = layout.HEADER, layout.SETTINGS, layout.SYMBOL
CURSOR, ADDRESS, ATTENTION = layout.CURSOR, layout.ADDRESS, layout.ATTENTION
SESSION, REGIME, GROUP = market.SESSION, regime.REGIME, regime.GROUP
STRATEGY, OWN, PARAMS_BLOB = strategies.STRATEGY, strategies.OWN, strategies.PARAMS_BLOB


RUN, TICK, AFTER_ORDER, NEXT_DUE = 0, 1, 2, 3


def act(  # noqa: PLR0913, PLR0917 - one entry point for all verbs, called with plain numbers
    state: Any, at: Any, tape: Any, verb: int, a: int, b: int, c: int
) -> int:
    """Do one verb of `engine.loop` on a buffer: one entry point, so the senses are compiled once.

    `at` holds start and end of each table in the order of `engine.layout`, then the row counts; tape is the bytes of market records,
    used by RUN alone; a, b and c are the verb's own numbers.
    """
    rows = at[24:]
    senses = Senses(
        state[at[0] : at[1]].view(HEADER)[0],
        state[at[2] : at[3]].view(SETTINGS)[0],
        (state[at[4] : at[5]].view(SESSION)[0], rows[2]),
        (state[at[6] : at[7]].view(SYMBOL)[0], rows[3]),
        (state[at[8] : at[9]].view(REGIME)[0], rows[4]),
        (state[at[10] : at[11]].view(GROUP)[0], rows[5]),
        (state[at[12] : at[13]].view(STRATEGY)[0], rows[6]),
        (state[at[14] : at[15]].view(OWN)[0], rows[7]),
        (state[at[16] : at[17]].view(PARAMS_BLOB)[0], rows[8]),
        state[at[18] : at[19]].view(CURSOR)[0],
        (state[at[20] : at[21]].view(ADDRESS)[0], rows[10]),
        (state[at[22] : at[23]].view(ATTENTION)[0], rows[11]),
        0,
    )
    return perform(senses, tape.view(RECORD), verb, a, b, c)


@kernel
def perform(senses: Senses, tape: Any, verb: int, a: int, b: int, c: int) -> int:
    """Call the verb; shared by the compiled and the pure senses."""
    if verb == RUN:
        return run(senses, tape, a, b, c)
    if verb == TICK:
        tick(senses, a)
    elif verb == AFTER_ORDER:
        after_order(senses, a, b, c)
    elif verb == NEXT_DUE:
        return next_due(senses)
    return 0
