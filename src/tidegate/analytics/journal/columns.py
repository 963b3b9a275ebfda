"""The columns of each kind of journal row, with their types and units; the names are promised to users, and the manual shows them.

A value that is not known is null, never zero and never empty text. Money, prices and quantities are exact decimal text.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

Row = dict[str, Any]  # one value for each column of its kind; JSON columns hold lists and objects


class Kind(StrEnum):
    """What rows there are."""

    EVENTS = "events"
    ORDERS = "orders"
    RISK = "risk"
    DECISIONS = "decisions"


class Type(StrEnum):
    """What a column holds. In CSV and Parquet a JSON column is its text."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    JSON = "json"


class Column(NamedTuple):
    """One column."""

    name: str
    type: Type
    unit: str
    meaning: str


_TEXT, _INT, _FLOAT, _JSON = Type.TEXT, Type.INT, Type.FLOAT, Type.JSON


def _text(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, _TEXT, unit, meaning)


def _ns(name: str, meaning: str) -> Column:
    return Column(name, _INT, "ns UTC", meaning)


def _exact(name: str, meaning: str, unit: str) -> Column:
    return Column(name, _TEXT, f"{unit}, exact decimal", meaning)


_PLACE: Final = (
    _text("session", "Session of the log"),
    Column("n", _INT, "count", "Number of the input in its session"),
    Column("k", _INT, "count", "Number of the act of that input; 0: the input itself"),
    _text("at", "When, the engine's clock", "ISO 8601 UTC"),
    _ns("at_ns", "The same"),
)
_ABOUT: Final = (_text("strategy_id", "Strategy that it concerns"), _text("symbol", "Symbol that it concerns"))
_IDS: Final = (
    _text("event_id", "Id of the message"),
    _text("correlation_id", "Story that it belongs to: the event_id of the message that began it"),
)
_TERMS: Final = (
    _text("purpose", "entry or exit"),
    _text("side", "buy or sell"),
    _exact("quantity", "Quantity", "units"),
    _text("order_type", "Order type"),
    _text("time_in_force", "Time in force"),
    _exact("limit_price", "Limit price", "USD"),
    _exact("stop_price", "Stop price", "USD"),
    _exact("trail", "Distance of a trailing stop", "USD"),
    _exact("reference_price", "Side of the book that the intent was priced against", "USD"),
)
_WHY: Final = (
    _text("exit_reason", "What asked for an exit; none: an entry"),
    _text("reason", "The strategy's own words"),
    _text("sizing", "How the quantity came about"),
    _text("symbol_regime", "Regime of the symbol then"),
    _text("market_regime", "Regime of its market then"),
)

EVENTS: Final = (
    *_PLACE,
    _text("type", "Type of the message"),
    *_ABOUT,
    _text("client_order_id", "Order that it concerns"),
    _text("sentence", "What it says, in words"),
    Column("body", _JSON, "", "The message's own fields by their full names, defaults included"),
    *_IDS,
)
ORDERS: Final = (
    *_PLACE,
    _text("client_order_id", "Id by which the venue knows the order"),
    *_ABOUT,
    _text("venue", "Venue that it went to"),
    _text("account", "Account"),
    *_TERMS,
    *_WHY,
    _text("verdict", "The gate's verdict on the intent"),
    _text("verdict_sentence", "The verdict in words"),
    _text("state", "Where it stands, or how it ended"),
    _text("note", "What was said of it last"),
    _exact("filled", "Quantity filled", "units"),
    _exact("average_price", "Mean price of its fills, rounded to 1e-9", "USD"),
    _exact("fees_usd", "Fees of its fills; negative: a rebate", "USD"),
    Column("slippage_reference_bps", _FLOAT, "bps", "How much worse than the reference price it filled; negative: better"),
    Column("slippage_mid_bps", _FLOAT, "bps", "How much worse than the middle of the book then"),
    _ns("received_ns", "The input that caused it was received"),
    _ns("decided_ns", "The engine gave the command out, where that was measured"),
    _ns("durable_ns", "Its cause and its row were on the disk"),
    _ns("sent_ns", "Its first byte left"),
    _ns("acked_ns", "The venue's first answer was read, where that was measured"),
    _ns("accepted_ns", "The venue said that it works"),
    _ns("first_fill_ns", "First fill"),
    _ns("last_fill_ns", "Last fill"),
    _ns("done_ns", "It ended"),
    Column("fills", _JSON, "", "Each execution once: execution_id, at, at_ns, quantity, price, fee_usd, liquidity"),
    Column("life", _JSON, "", "What happened to it, in order: n, k, at, at_ns, topic, text"),
    _text("replaces", "Order whose rest this one asks for"),
    _text("sentence", "The order and its end in words"),
    _text("intent_id", "Id of its intent"),
    _text("decision_id", "Id of the verdict"),
    _text("correlation_id", "Story that it belongs to"),
)
RISK: Final = (
    *_PLACE,
    _text("kind", "refusal, approval, gate, trip, request, doubt, difference, fault or stream"),
    *_ABOUT,
    _text("client_order_id", "Order that it concerns"),
    _text("check", "Check that failed; of a difference or a request: its kind"),
    Column("limit", _INT, "see unit", "Limit of the check"),
    Column("observed", _INT, "see unit", "What was observed; null: it could not be seen"),
    _text("unit", "Unit of both: dollars in millionths, quantities and prices in 1e-9, durations and times in ns"),
    _text("limit_text", "The limit with its unit, for people"),
    _text("observed_text", "What was observed, likewise"),
    _text("scope", "Scope of a gate: global, venue, account, strategy or symbol"),
    _text("key", "What the scope names"),
    _text("before", "State before"),
    _text("after", "State after"),
    _text("actor", "Who did it: a person, or rule:… for a rule of our own"),
    _text("sentence", "What happened and why, in words"),
    *_IDS,
)
DECISIONS: Final = (
    *_PLACE,
    *_ABOUT,
    _text("verdict", "approved, refused, needs_approval, or nothing: the strategy declined"),
    _text("asked_by", "Kind of the attention that asked"),
    *_TERMS,
    *_WHY,
    _text("sentence", "Why, in one sentence"),
    Column("refusals", _JSON, "", "Names of the checks that failed, in order of precedence"),
    Column("checks", _JSON, "", "Every check that ran: check, passed, limit, observed, unit, sentence"),
    Column("features", _JSON, "", "All that could be seen of the symbol then, by the names of the message `features`"),
    _text("intent_id", "Id of the intent"),
    *_IDS,
)

COLUMNS: Final[Mapping[Kind, tuple[Column, ...]]] = MappingProxyType(
    {Kind.EVENTS: EVENTS, Kind.ORDERS: ORDERS, Kind.RISK: RISK, Kind.DECISIONS: DECISIONS}
)


def full(kind: Kind, cells: Row) -> Row:
    """Return a whole row from the cells that are known; empty text is not known."""
    return {column.name: None if cells.get(column.name) == "" else cells.get(column.name) for column in COLUMNS[kind]}
