"""Closed words. An unknown word is an error at the edge that met it, never a new member made on the fly."""

from enum import IntEnum, StrEnum


class Side(StrEnum):
    """Which way an order moves the position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """Return the other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order may fill. A marketable limit is a LIMIT whose price crosses the spread."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order lives."""

    DAY = "day"  # until the close
    GTC = "gtc"  # until it is canceled
    IOC = "ioc"  # what does not fill at once is canceled
    FOK = "fok"  # all of it at once, or nothing


class PartialFillPolicy(StrEnum):
    """What becomes of the rest of a partly filled order."""

    KEEP = "keep"  # it works on
    CANCEL_REST = "cancel_rest"  # it is canceled
    CHASE = "chase"  # cancel, and once that is confirmed ask the gate for the rest at a new price


class Purpose(StrEnum):
    """What an intent does to risk: an entry may add to it, an exit must reduce it."""

    ENTRY = "entry"
    EXIT = "exit"


class OrderState(StrEnum):
    """Where an order stands. UNKNOWN is a state, not a failure; see `oms.transitions`."""

    NEW = "new"  # decided, not yet handed over
    SUBMITTED = "submitted"  # handed over, no answer yet
    ACCEPTED = "accepted"  # working at the venue
    PARTIAL = "partial"  # working, partly filled
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REPLACED = "replaced"  # a successor in the chain works instead
    UNKNOWN = "unknown"  # sent, outcome not proved; counts at full size
    ABSENT = "absent"  # complete lookups past the venue's grace did not find it
    NOT_SENT = "not_sent"  # provably never left the process


class OrderEventKind(StrEnum):
    """What the venue, or our own edge, says happened to an order."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCEL_REJECTED = "cancel_rejected"
    REPLACE_REJECTED = "replace_rejected"
    NOT_SENT = "not_sent"
    OUTCOME_UNKNOWN = "outcome_unknown"
    FOUND_WORKING = "found_working"  # a lookup by client id found it open
    LOOKUP_MISSED = "lookup_missed"  # one complete lookup did not find it
    FILL_CORRECTED = "fill_corrected"
    FILL_BUSTED = "fill_busted"


class CommandKind(StrEnum):
    """What we ask of a venue."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    REPLACE = "replace"
    LOOKUP = "lookup"  # ask by client order id over open, closed and fills


class Verdict(StrEnum):
    """The gate's answer."""

    APPROVED = "approved"
    REFUSED = "refused"
    NEEDS_APPROVAL = "needs_approval"


class GateState(StrEnum):
    """What a scope may do. The strictest of all scopes that cover an order wins."""

    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"
    HALTED = "halted"


class GateScope(StrEnum):
    """What a gate state covers."""

    GLOBAL = "global"
    VENUE = "venue"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    SYMBOL = "symbol"


class InstrumentKind(StrEnum):
    """What is traded."""

    STOCK = "stock"
    OPTION = "option"
    EVENT_CONTRACT = "event_contract"
    INDEX = "index"  # watched, never traded


class Liquidity(StrEnum):
    """Whether a fill took resting orders or was one."""

    TAKER = "taker"
    MAKER = "maker"


class AttentionKind(StrEnum):
    """Why the senses stopped and asked for judgement."""

    ENTRY = "entry"  # a trigger fired
    EXIT = "exit"  # an exit level was hit, or the trigger said EXIT
    BAR = "bar"  # a bar a strategy subscribes to has closed
    QUOTE = "quote"  # a strategy that subscribes to every quote
    TIMER = "timer"  # a strategy's own timer is due
    REGIME = "regime"  # a regime label changed


class LapseKind(StrEnum):
    """What a session that broke off left half done."""

    ATTENTION = "attention"  # raised, and not answered
    INTENT = "intent"  # wanted, and not judged
    APPROVAL = "approval"  # approved, and not ordered
    REQUEST = "request"  # needs a person's approval, and was not asked for
    GRANT = "grant"  # approved by a person, and not released


class ExitReason(StrEnum):
    """Which exit level asked for the exit."""

    NONE = "none"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_STOP = "time_stop"
    SPREAD_KILL = "spread_kill"
    TRIGGER = "trigger"
    STRATEGY = "strategy"
    OPERATOR = "operator"


class Regime(IntEnum):
    """A symbol's or a market group's state. UNTRADEABLE is 0: what was never classified may not be entered."""

    UNTRADEABLE = 0
    CHOP = 1
    TREND = 2
    VOL_EXPANSION = 3


class ReportCause(StrEnum):
    """Why the venue was asked what it holds."""

    AT_START = "at_start"
    RECONNECTED = "reconnected"
    PERIODIC = "periodic"
    READ_BACK = "read_back"  # soon after an order was sent
    CONFIRMING = "confirming"  # again, because the last answer differed


class Difference(StrEnum):
    """What can differ between our books and what a venue reports. Each is explained in the manual."""

    ORDER_CONFIRMED = "order_confirmed"  # it works there, and we did not know yet
    ORDER_FILLED_MORE = "order_filled_more"
    ORDER_FILLED_LESS = "order_filled_less"
    ORDER_NOT_OPEN = "order_not_open"
    ORDER_ALIVE = "order_alive"  # it works there, and we hold it for ended
    ORDER_OTHER_TERMS = "order_other_terms"
    ORDER_FOREIGN = "order_foreign"
    ORDER_OURS_UNKNOWN = "order_ours_unknown"
    FILL_UNSEEN = "fill_unseen"
    FILL_FOREIGN = "fill_foreign"
    POSITION_DIFFERS = "position_differs"
    POSITION_FOREIGN = "position_foreign"
    POSITIONS_EMPTY = "positions_empty"
    INSTRUMENT_UNKNOWN = "instrument_unknown"
    CASH_DIFFERS = "cash_differs"


class Resolution(StrEnum):
    """What becomes of a difference."""

    TAKEN_IN = "taken_in"  # the venue's word is folded like any event of the order
    ASKED = "asked"  # the order is looked up by its id
    AWAITED = "awaited"  # nothing moves until a second read, or a matching fill, says the same
    ADOPTED = "adopted"  # ours becomes theirs, and a gate tightens where the table says so
    STOPPED = "stopped"  # a gate closes; a person looks


class RequestVerb(StrEnum):
    """What a person, or a rule on a person's behalf, asks of the trader."""

    PAUSE = "pause"  # no entries; working entries are canceled
    RESUME = "resume"
    DISABLE = "disable"  # a symbol: as pause
    ENABLE = "enable"
    CANCEL = "cancel"
    FLATTEN = "flatten"
    KILL = "kill"


class RequestStage(StrEnum):
    """Where a request stands."""

    TAKEN = "taken"
    REPEATED = "repeated"  # its id was seen before: nothing happens a second time
    CANCELING = "canceling"
    LIQUIDATING = "liquidating"
    DONE = "done"
    STUCK = "stuck"  # what is left cannot be priced or is refused; tried on, and a person is told


class Role(StrEnum):
    """What a user is to the trader. Which role may do what is one table: `authority.permissions`."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    RISK_OFFICER = "risk_officer"
    ADMIN = "admin"
    AGENT = "agent"  # a program; it may propose and kill, and opens or approves nothing


class RequestNote(StrEnum):
    """What our own edge notes of a kill or a flatten besides what the engine knows."""

    LATCHED = "latched"  # nothing of its scope leaves from here on
    CANCELS_LEFT = "cancels_left"  # handed to the venue's client, each by itself
    CANCEL_ALL_LEFT = "cancel_all_left"  # the same in one request
    CANCELS_TAKEN = "cancels_taken"  # the venue has taken them; a canceled order says so itself
    CANCEL_FAILED = "cancel_failed"  # refused, not answered, or it did not leave
    SWITCH_SET = "switch_set"  # the venue refuses every new order
    SWITCH_LIFTED = "switch_lifted"
    SWITCH_FAILED = "switch_failed"
    SETTLED = "settled"  # nothing of it is under way any more


class ApprovalState(StrEnum):
    """Where a request for a person's approval stands; see `risk.approval_states`."""

    WAITING = "waiting"
    HALF_GRANTED = "half_granted"  # one of two persons has approved it
    GRANTED = "granted"  # approved, and about to be judged as new in the same step
    USED = "used"  # its order went out; it cannot be used again
    REFUSED = "refused"  # a person said no
    EXPIRED = "expired"  # nobody answered in time
    LAPSED = "lapsed"  # approved, and then not let out: the gate refused it as new, or the configuration had changed


class StatusSource(StrEnum):
    """Where news of how a venue is comes from."""

    PAGE = "status page"
    CLOCK = "clock"  # the venue's own, asked with our key


class StatusLevel(StrEnum):
    """How well a venue is, from best to worst. UNKNOWN: nothing is known, which is not good news."""

    OK = "ok"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    DOWN = "down"


class CallKind(StrEnum):
    """What a request to a venue is for."""

    CHANGES = "changes"  # places, replaces and cancels orders, and changes settings
    READS = "reads"
