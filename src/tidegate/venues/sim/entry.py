"""The one entry point of the compiled simulator: it carves the buffer and does what the desk row asks for."""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.venues.sim import rows
from tidegate.venues.sim.act import obey
from tidegate.venues.sim.forecast import END_NS, begin, conclude
from tidegate.venues.sim.rows import Tables
from tidegate.venues.sim.walk import walk

HEAD, SYMBOL, ORDER, STREAM = rows.HEAD, rows.SYMBOL, rows.ORDER, rows.STREAM
SOURCE, MAP, HOURS, TAKEN, EVENT, DESK = rows.SOURCE, rows.MAP, rows.HOURS, rows.TAKEN, rows.EVENT, rows.DESK


def act(state: Any, at: Any) -> int:
    """Do what the desk asks; `at` holds start and end of each table in the order of `rows.sim_layout`, then the row counts."""
    count = at[28:]
    hours = (state[at[8] : at[9]].view(HOURS)[0], count[4])
    sources = (state[at[18] : at[19]].view(SOURCE)[0], count[9])
    maps = (state[at[20] : at[21]].view(MAP)[0], count[10])
    taken = (state[at[22] : at[23]].view(TAKEN)[0], count[11])
    events = (state[at[24] : at[25]].view(EVENT)[0], count[12])
    desk = state[at[26] : at[27]].view(DESK)[0]
    own = Tables(
        state[at[0] : at[1]].view(HEAD)[0],
        (state[at[2] : at[3]].view(SYMBOL)[0], count[1]),
        (state[at[4] : at[5]].view(ORDER)[0], count[2]),
        (state[at[6] : at[7]].view(STREAM)[0], count[3]),
        sources,
        maps,
        hours,
        taken,
        events,
        desk,
        0,
    )
    scratch = Tables(
        state[at[10] : at[11]].view(HEAD)[0],
        (state[at[12] : at[13]].view(SYMBOL)[0], count[6]),
        (state[at[14] : at[15]].view(ORDER)[0], count[7]),
        (state[at[16] : at[17]].view(STREAM)[0], count[8]),
        sources,
        maps,
        hours,
        taken,
        events,
        desk,
        0,
    )
    return perform(own, scratch)


@kernel
def perform(own: Any, scratch: Any) -> int:
    """Do the desk's verb; shared by the compiled and the pure simulator. Returns OUTCOMES x event rows written + outcome."""
    desk = own.desk
    desk.events = 0
    desk.scanning = 1 if desk.verb >= rows.FORECAST else 0
    if desk.verb == rows.FORECAST:
        begin(own, scratch)
    tables = scratch if desk.scanning == 1 else own
    until_ns = END_NS if desk.scanning == 1 else desk.until_ns
    walk(tables, until_ns)
    if desk.scanning == 1:
        conclude(tables)
    elif desk.outcome == rows.DONE:
        obey(own)
    return rows.OUTCOMES * desk.events + desk.outcome
