"""What can go wrong with a venue, sorted by what the caller must do next. Each leaf's docstring is its handling rule.

Nothing here ever holds a key: words come from the venue's answers, never from our request's headers.
"""

from enum import StrEnum

from tidegate.values.errors import ExitCode, TidegateError


class DeclineReason(StrEnum):
    """What a refusal means for the caller; the venue's own words stand beside it."""

    DUPLICATE_ID = "duplicate_id"  # the id is taken: look the order up, never send another under a new id
    INSUFFICIENT_FUNDS = "insufficient_funds"  # money, shares or options level: size anew, or wait for what is held
    WASH_TRADE = "wash_trade"  # an own order stands on the other side: cancel it first
    NOT_FOUND = "not_found"  # no such order, position or asset under this id
    NOT_CANCELABLE = "not_cancelable"  # it has ended, or is being replaced: read it, do not repeat
    NOT_REPLACEABLE = "not_replaceable"  # cancel, confirm, and ask the gate for a new order
    RATE_LIMITED = "rate_limited"  # refused unread; the limiter waits, the caller may ask again
    UNAUTHORIZED = "unauthorized"  # the key is wrong or was replaced: stop, and call a person
    SUSPENDED = "suspended"  # the account or its owner's switch forbids new orders
    INVALID = "invalid"  # the order breaks a rule of the venue: a bug of ours or a stale picture of it
    OTHER = "other"  # a no that none of the above explains


class VenueError(TidegateError):
    """Root of venue errors; never raised itself."""

    exit_code = ExitCode.ENVIRONMENT


class Unreachable(VenueError):  # noqa: N818 - named after what is known, as `Declined` and `OutcomeUnsure` are
    """Nothing was sent, or nothing was changed by it. Trying again is safe."""


class Declined(VenueError):  # noqa: N818 - likewise
    """Understood and refused. Trying again gives the same no.

    Attributes:
        reason: what the caller must do.
        words: what the venue said, cut to a line; empty if it said nothing.
        status: HTTP status; 0 where none belongs to it.
    """

    exit_code = ExitCode.ANSWER_IS_NO

    def __init__(self, reason: DeclineReason, words: str, *, status: int = 0) -> None:
        self.reason = reason
        self.words = words
        self.status = status
        super().__init__(f"The venue declined ({reason.value}): {words or 'it gave no reason'}.")


class OutcomeUnsure(VenueError):  # noqa: N818 - likewise
    """Sent, no answer. Never resend: ask the venue about our order id first."""


class UnknownWordError(VenueError):
    """A venue used a word that is in none of our tables. It is quarantined and told; nothing is guessed from it.

    Attributes:
        field: where it stood, such as `order.status`.
        word: the word, cut to 80 characters.
    """

    def __init__(self, field: str, word: str) -> None:
        self.field = field
        self.word = word[:80]
        super().__init__(f"The venue said {self.word!r} for {field}, which is no word we know; upgrade tidegate or report it.")


class UnreadableAnswerError(Unreachable):
    """A read was answered, but not in the form the venue promises. Nothing was changed by it; ask again later."""


class TurnTooLateError(Unreachable):
    """The venue's rate limit left no turn while the request was still of use. Nothing was sent; decide anew."""

    exit_code = ExitCode.REFUSED


class QueueFullError(Unreachable):
    """Too many requests wait for the venue already. Nothing was sent; slow down."""

    exit_code = ExitCode.REFUSED


class StreamOwnedElsewhereError(VenueError):
    """Another connection of the same key holds this stream. Find the other program; two traders must not share an account."""

    exit_code = ExitCode.REFUSED


class SubscriptionLimitError(VenueError):
    """The data plan allows fewer symbols on one stream. Watch fewer, or change the plan."""

    exit_code = ExitCode.USAGE
