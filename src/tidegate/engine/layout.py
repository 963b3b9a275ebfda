"""The senses' buffer: each layer's rows, put together, with counts chosen per run."""

from functools import cache
from typing import Any, Final, NamedTuple

from tidegate.features import rows as features
from tidegate.kernel.layout import Layout, Table, row
from tidegate.market import rows as market
from tidegate.regime import rows as regime
from tidegate.strategies import rows as strategies

SYMBOL = row([*market.SYMBOL_FIELDS, *features.SYMBOL_FIELDS])
SETTINGS = row([*market.SETTINGS_FIELDS, *features.SETTINGS_FIELDS, *regime.SETTINGS_FIELDS])

HEADER = row(
    [
        ("now_ns", "<i8"),  # receive time of the last input
        ("n", "<i8"),  # inputs taken in so far
        ("next_group_ns", "<i8"),  # when market groups are evaluated next
        ("next_second_ns", "<i8"),  # bar ticks, NEVER where nobody subscribes
        ("next_minute_ns", "<i8"),
        ("timer_due_ns", "<i8"),  # earliest timer of the judgement layers, written by the engine
        ("regime_attention", "<i8"),  # 1: a changed label stops the kernel
    ]
)

ATTENTION = row(
    [
        ("kind", "<i8"),
        ("strategy", "<i8"),  # -1: the engine itself
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("reason", "<i8"),
        ("level_nanos", "<i8"),
        ("length_ns", "<i8"),
        ("before", "<i8"),
    ]
)

CURSOR = row(
    [
        ("due_bound_ns", "<i8"),  # nothing is due before this; a cache of what follows from the rest
        ("attentions", "<i8"),  # raised by the record in hand
        ("bad_record", "<i8"),  # why the kernel refused the record in hand
    ]
)

# Kinds of attention in the kernel, in the order in which those of one pair are judged.
ATTEND_REGIME: Final = 0
ATTEND_GROUP: Final = 1
ATTEND_EXIT: Final = 2
ATTEND_ENTRY: Final = 3
ATTEND_BAR: Final = 4
ATTEND_QUOTE: Final = 5
ATTEND_TIMER: Final = 6  # raised by the engine, not by the kernel

BAD_ORDER: Final = 1  # receive time goes backwards
BAD_INSTRUMENT: Final = 2
BAD_KIND: Final = 3


class Senses(NamedTuple):
    """The tables as the kernel sees them: compiled views or pure rows."""

    header: Any
    settings: Any
    sessions: Any
    symbols: Any
    regimes: Any
    groups: Any
    strategies: Any
    own: Any
    params: Any
    cursor: Any
    addresses: Any
    attentions: Any
    triggers: Any


class Counts(NamedTuple):
    """How many rows of each table a run needs."""

    symbols: int
    groups: int
    strategies: int
    sessions: int


ADDRESS = row([("code", "<i8")])


def senses_layout(counts: Counts) -> Layout:
    """Return the layout of a run. Every attention one record can raise has a place, so the kernel never overflows."""
    pairs = counts.symbols * counts.strategies
    attentions_max = 6 * pairs + counts.symbols + counts.groups + 1
    return Layout(
        (
            Table("header", HEADER, 1),
            Table("settings", SETTINGS, 1),
            Table("sessions", market.SESSION, counts.sessions),
            Table("symbols", SYMBOL, counts.symbols),
            Table("regimes", regime.REGIME, counts.symbols),
            Table("groups", regime.GROUP, counts.groups),
            Table("strategies", strategies.STRATEGY, counts.strategies),
            Table("own", strategies.OWN, pairs),
            Table("params", strategies.PARAMS_BLOB, counts.strategies),
            Table("cursor", CURSOR, 1, volatile=True),
            Table("addresses", ADDRESS, counts.strategies, volatile=True),
            Table("attentions", ATTENTION, attentions_max, volatile=True),
        )
    )


@cache
def layout_sha256() -> str:
    """Return the hash of every row and field, counts left out: snapshots of another layout cannot be continued."""
    return senses_layout(Counts(1, 1, 1, 1)).sha256()
