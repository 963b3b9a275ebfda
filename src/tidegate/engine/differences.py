"""Every difference between our books and a venue's report, and what becomes of it. The manual's table is made from this one.

Broker is truth for what is, the log for why: what a venue says of orders and fills is folded like any news of it, what it
says of positions and cash is believed only when it says it twice, in calm, and later than our own last fill.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tidegate.values.enums import Difference, GateScope, GateState, Resolution
from tidegate.values.time import SECOND_NS

POSITION_GRACE_NS: Final = 35 * SECOND_NS  # a venue's positions may lag its fills by 30 s
CONFIRM_NS: Final = 5 * SECOND_NS  # between two reads that count as two


class Rule(NamedTuple):
    """One row of the table: what it means, what becomes of it, in words, and the gate it closes (None: none)."""

    what: str
    resolution: Resolution
    words: str
    scope: GateScope | None = None
    state: GateState = GateState.REDUCE_ONLY


TABLE: Final[Mapping[Difference, Rule]] = {
    Difference.FILL_UNSEEN: Rule(
        "The venue's history holds an execution of one of our orders that never reached us.",
        Resolution.TAKEN_IN,
        "It is booked under its id; should the stream bring it later, it is known.",
    ),
    Difference.FILL_FOREIGN: Rule(
        "The venue's history holds an execution of an order that nobody here placed: a person, another program, a liquidation.",
        Resolution.ADOPTED,
        "It is booked; what it closes is taken from the strategies that held it. The symbol is reduce-only until a person resumes it.",
        GateScope.SYMBOL,
    ),
    Difference.ORDER_CONFIRMED: Rule(
        "An order whose outcome was not proved works at the venue.",
        Resolution.TAKEN_IN,
        "It counts as accepted, with what the venue says it filled.",
    ),
    Difference.ORDER_FILLED_MORE: Rule(
        "An order filled more at the venue than we were told.",
        Resolution.TAKEN_IN,
        "The venue's running total is booked at once; the executions explain it when they come.",
    ),
    Difference.ORDER_FILLED_LESS: Rule(
        "The venue shows less filled than the executions it told us.",
        Resolution.AWAITED,
        "Nothing moves: only a correction takes a fill back. The order is looked up.",
    ),
    Difference.ORDER_NOT_OPEN: Rule(
        "An order that works in our books is not among the venue's open orders.",
        Resolution.ASKED,
        "It is looked up by its id over open, closed and fills, and counts in full until the answer.",
    ),
    Difference.ORDER_ALIVE: Rule(
        "An order that we hold for ended is open at the venue.",
        Resolution.ASKED,
        "One that was proved absent, refused or unsent is taken back, canceled, and its symbol halted; any other is looked up.",
    ),
    Difference.ORDER_OTHER_TERMS: Rule(
        "An open order of ours has another quantity or limit at the venue.",
        Resolution.STOPPED,
        "Nothing is guessed: the symbol is reduce-only until a person has looked.",
        GateScope.SYMBOL,
    ),
    Difference.ORDER_FOREIGN: Rule(
        "An open order that nobody here placed.",
        Resolution.ADOPTED,
        "It is followed and its fills are counted; the symbol is reduce-only until a person resumes it.",
        GateScope.SYMBOL,
    ),
    Difference.ORDER_OURS_UNKNOWN: Rule(
        "An order whose id looks like ours and that neither log nor ledger knows: a second trader may run on this account.",
        Resolution.STOPPED,
        "Everything is halted until a person has found where it comes from.",
        GateScope.GLOBAL,
        GateState.HALTED,
    ),
    Difference.POSITION_DIFFERS: Rule(
        "The venue holds another quantity of a symbol than our fills add up to.",
        Resolution.ADOPTED,
        "After two equal reads, both later than our last fill by the venue's own delay, ours becomes theirs; the symbol is reduce-only.",
        GateScope.SYMBOL,
    ),
    Difference.POSITION_FOREIGN: Rule(
        "The venue holds a position in a symbol in which we hold nothing.",
        Resolution.ADOPTED,
        "As above; it belongs to no strategy, and only a person's flatten touches it.",
        GateScope.SYMBOL,
    ),
    Difference.POSITIONS_EMPTY: Rule(
        "The venue's list of positions is empty while we hold something. Empty is not flat.",
        Resolution.STOPPED,
        "Nothing is restated by an empty list; everything is reduce-only until fills explain it or a person has looked.",
        GateScope.GLOBAL,
    ),
    Difference.INSTRUMENT_UNKNOWN: Rule(
        "An order, fill or position of a symbol that the configuration does not define.",
        Resolution.STOPPED,
        "It cannot be booked: everything is reduce-only until the symbol is defined.",
        GateScope.GLOBAL,
    ),
    Difference.CASH_DIFFERS: Rule(
        "The venue's cash is not what our fills and fees make of it: interest, a dividend, a transfer, a fee that no execution told.",
        Resolution.ADOPTED,
        "After two equal reads in calm ours becomes theirs, and the difference is kept as an adjustment.",
    ),
}
