"""What a message says, in one sentence: the words of stories, and of what stories leave out."""

from tidegate.analytics.entries import Entry
from tidegate.analytics.telling import lines_of
from tidegate.analytics.wording import money_text
from tidegate.events.acts import AttentionsLapsed, DifferenceFound, PositionSnapshot, RequestMoved
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import (
    CallFigures,
    EventListed,
    OperatorRequested,
    PositionRestated,
    SessionChanged,
    VenueCallsMeasured,
    VenueStatusChanged,
)
from tidegate.values.enums import GateScope
from tidegate.values.time import iso_utc


def sentence(message: AnyMessage, n: int = 0, k: int = 0) -> str:
    """Return what a message says; empty where its fields say all there is."""
    told = "; ".join(line.text for line in lines_of(Entry(n, k, message)))
    return told or _others(message)


def _others(message: AnyMessage) -> str:
    match message:
        case OperatorRequested():
            about = message.order_id or _scope_words(message.scope, message.key)
            return f"{message.requester} asked to {message.verb.value} {about}: {message.reason}"
        case RequestMoved():
            note = f": {message.note}" if message.note else ""
            return f"the request {message.request_id} to {message.verb.value} is {message.stage.value}{note}"
        case DifferenceFound():
            said = f": {message.sentence}" if message.sentence else ""
            return f"{message.kind.value}: ours {message.ours}, theirs {message.theirs}, {message.resolution.value}{said}"
        case AttentionsLapsed():
            count = len(message.lapsed)
            return f"session {message.broken_session} broke off at input {message.taken_to}; {count} things came to nothing"
        case _:
            return _from_outside(message)


def _from_outside(message: AnyMessage) -> str:
    match message:
        case PositionSnapshot():  # of one symbol, stories tell it
            equity = "not all of it can be priced" if message.equity_usd is None else f"equity {money_text(message.equity_usd)}"
            return f"the account is valued: {equity}, cash {money_text(message.cash_usd)}"
        case SessionChanged():
            early = ", an early close" if message.early_close else ""
            return f"{message.venue} trades on {message.day} from {iso_utc(message.open_ns)} to {iso_utc(message.close_ns)}{early}"
        case EventListed():
            return f"{message.title}, from {iso_utc(message.from_ns)} to {iso_utc(message.until_ns)}"
        case PositionRestated():
            return f"every holding of {message.symbol} becomes {message.numerator}/{message.denominator} of it: {message.reason}"
        case _:
            return _of_the_venue(message)


def _of_the_venue(message: AnyMessage) -> str:
    match message:
        case VenueStatusChanged():
            return f"{message.venue} by its {message.source.value} is {message.after.value}: {message.words}"
        case VenueCallsMeasured():
            return f"{message.venue} was asked since {iso_utc(message.from_ns)}: {'; '.join(map(_calls_words, message.figures))}"
        case _:
            return ""


def _calls_words(figure: CallFigures) -> str:
    bad = ("throttled", "refused", "failed", "unanswered")
    told = [f"{count} {name}" for name in bad if (count := getattr(figure, name))]
    return f"{figure.calls} {figure.kind.value}" + (f" ({', '.join(told)})" if told else "")


def _scope_words(scope: GateScope, key: str) -> str:
    return "everything" if scope is GateScope.GLOBAL else f"{scope.value} {key}"
