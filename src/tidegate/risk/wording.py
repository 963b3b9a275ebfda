"""What each check is about, and how its result reads.

{observed} and {limit} are filled in with their units.
"""

from typing import Final, NamedTuple


class Wording(NamedTuple):
    """What a check looks at, and its result in words when it failed and when it held."""

    what: str
    fails: str
    holds: str


WORDING: Final = {
    "gate_state": Wording(
        "the strictest gate over global, venue, account, strategy and symbol",
        "the gate is closed: {observed}",
        "the gate is open",
    ),
    "permitted": Wording(
        "the strategy's permission to trade",
        "the strategy has no permission to trade",
        "the strategy has permission to trade",
    ),
    "symbol_allowed": Wording(
        "the allowlist of symbols",
        "the symbol is not on the allowlist",
        "the symbol is allowed",
    ),
    "symbol_not_blocked": Wording(
        "the blocklist of symbols",
        "the symbol is on the blocklist",
        "the symbol is not blocked",
    ),
    "symbol_owner": Wording(
        "whether another strategy holds or works the symbol",
        "another strategy holds or works the symbol",
        "no other strategy holds or works the symbol",
    ),
    "foreign_position": Wording(
        "the symbol's position that nobody here ordered",
        "the entry goes against a position of {observed} that nobody here ordered",
        "the entry goes against no position of somebody else",
    ),
    "session_hours": Wording(
        "the venue's trading hours",
        "the market is closed at {observed} (it opens or closes at {limit})",
        "the market is open until {limit}",
    ),
    "no_trade_window": Wording(
        "declared no-trade windows",
        "a no-trade window is in force",
        "no no-trade window is in force",
    ),
    "not_halted": Wording(
        "the symbol's halt status",
        "the symbol is halted",
        "the symbol is not halted",
    ),
    "streams_up": Wording(
        "streams, and the account at the venue",
        "a market or order stream is down or not yet resynchronized, or the venue blocks the account",
        "the streams are up and the account is open",
    ),
    "store_durable": Wording(
        "log and ledger",
        "log or ledger do not take what we write",
        "log and ledger are durable",
    ),
    "processing_lag": Wording(
        "how far processing falls behind receive time",
        "processing is {observed} behind, above {limit}",
        "processing is {observed} behind, within {limit}",
    ),
    "quote_age": Wording(
        "the age of the last accepted quote",
        "the quote is {observed} old, above {limit}",
        "the quote is {observed} old, within {limit}",
    ),
    "quote_quality": Wording(
        "the last quote: crossed, locked, one-sided, wide, spike, after a gap, future, suspicious, feed down",
        "the last quote is {observed}",
        "the last quote is clean",
    ),
    "features_warm": Wording(
        "whether the features have seen enough since the last gap",
        "the features are not warm",
        "the features are warm",
    ),
    "no_news": Wording(
        "news, listed events and shocks",
        "the symbol is newsy",
        "the symbol is not newsy",
    ),
    "regime_eligible": Wording(
        "the eligibility matrix (symbol's regime / market's regime)",
        "the strategy may not enter in {observed}",
        "the strategy may enter in {observed}",
    ),
    "cooldown": Wording(
        "the symbol's cooldown",
        "the symbol cools down until {limit}",
        "no cooldown is running",
    ),
    "daily_loss": Wording(
        "what the account has lost today, realized and unrealized, fees in",
        "the account has lost {observed} today, above {limit}",
        "the account has lost {observed} today, within {limit}",
    ),
    "weekly_loss": Wording(
        "what the account has lost this week, realized and unrealized, fees in",
        "the account has lost {observed} this week, above {limit}",
        "the account has lost {observed} this week, within {limit}",
    ),
    "monthly_loss": Wording(
        "what the account has lost this month, realized and unrealized, fees in",
        "the account has lost {observed} this month, above {limit}",
        "the account has lost {observed} this month, within {limit}",
    ),
    "intraday_drawdown": Wording(
        "how far the account stands below its highest worth of the day",
        "the account stands {observed} below the day's peak, above {limit}",
        "the account stands {observed} below the day's peak, within {limit}",
    ),
    "drawdown": Wording(
        "how far the account stands below its highest worth of all time",
        "the account stands {observed} below its peak, above {limit}",
        "the account stands {observed} below its peak, within {limit}",
    ),
    "price_grid": Wording(
        "the instrument's price grid",
        "the price {observed} is not a positive multiple of the tick {limit}",
        "the price {observed} is on the grid",
    ),
    "quantity_grid": Wording(
        "the instrument's lot",
        "the quantity {observed} is not a positive number of lots of {limit}",
        "the quantity {observed} is whole lots of {limit}",
    ),
    "reducing_quantity": Wording(
        "what may be reduced: |position| - working - UNKNOWN exits, on the account's net and one's own",
        "the exit is for {observed} and only {limit} may be reduced",
        "the exit of {observed} is within the reducible {limit}",
    ),
    "exit_price": Wording(
        "how far an exit's price passes the far touch, or the last good price when there is no fresh quote",
        "the exit gives {observed} away, above {limit}",
        "the exit gives {observed} away, within {limit}",
    ),
    "exit_repeat": Wording(
        "the distance between exits of one position",
        "the last exit was {observed} ago, nearer than {limit}",
        "no other exit was sent within {limit}",
    ),
    "spread": Wording(
        "the spread",
        "the spread is {observed}, above {limit}",
        "the spread is {observed}, within {limit}",
    ),
    "displayed_size": Wording(
        "the smaller displayed size of the two sides",
        "only {observed} is displayed, below {limit}",
        "{observed} is displayed, at least {limit}",
    ),
    "liquidity": Wording(
        "the order's share of the displayed size",
        "the order takes {observed} of the displayed size, above {limit}",
        "the order takes {observed} of the displayed size, within {limit}",
    ),
    "price_collar": Wording(
        "how far the price passes the far touch",
        "the price passes the far touch by {observed}, above {limit}",
        "the price passes the far touch by {observed}, within {limit}",
    ),
    "order_quantity": Wording(
        "the order's quantity",
        "the order is for {observed}, above {limit}",
        "the order is for {observed}, within {limit}",
    ),
    "order_notional": Wording(
        "the order's notional",
        "the order is worth {observed}, above {limit}",
        "the order is worth {observed}, within {limit}",
    ),
    "duplicate_order": Wording(
        "the same order sent before",
        "the same order was sent {observed} ago, nearer than {limit}",
        "the same order was not sent within {limit}",
    ),
    "self_trade": Wording(
        "own orders on the other side (a price of 0 is a market or stop order)",
        "at {observed} it could trade with an own order at {limit}",
        "it meets no own order",
    ),
    "amend_spacing": Wording(
        "the distance between replacements of one order",
        "the order was sent {observed} ago, nearer than {limit}",
        "no order is replaced within {limit} of being sent",
    ),
    "orders_per_minute": Wording(
        "the account's orders in a minute, this one included",
        "it would be order {observed} of the minute, above {limit}",
        "it is order {observed} of the minute, within {limit}",
    ),
    "symbol_messages": Wording(
        "messages about the symbol in a minute, this one included",
        "it would be message {observed} of the minute in this symbol, above {limit}",
        "it is message {observed} of the minute in this symbol, within {limit}",
    ),
    "entries_per_hour": Wording(
        "the strategy's entries in the symbol within an hour, this one included",
        "it would be entry {observed} of the strategy in this symbol within an hour, above {limit}",
        "it is entry {observed} of the strategy in this symbol within an hour, within {limit}",
    ),
    "position_quantity": Wording(
        "the symbol's worst position: held + working + UNKNOWN + reserved + this",
        "the position could become {observed}, above {limit}",
        "the position could become {observed}, within {limit}",
    ),
    "position_notional": Wording(
        "the worth of the symbol's worst position",
        "the position could be worth {observed}, above {limit}",
        "the position could be worth {observed}, within {limit}",
    ),
    "total_quantity": Wording(
        "all positions and this order",
        "all positions with this order come to {observed}, above {limit}",
        "all positions with this order come to {observed}, within {limit}",
    ),
    "total_notional": Wording(
        "the worth of all positions and this order",
        "all positions with this order are worth {observed}, above {limit}",
        "all positions with this order are worth {observed}, within {limit}",
    ),
    "concentration": Wording(
        "the symbol's worst position against its share of equity",
        "the position could be worth {observed}, above its share of equity {limit}",
        "the position could be worth {observed}, within its share of equity {limit}",
    ),
    "sector_exposure": Wording(
        "gross exposure of the symbol's sector",
        "the sector's exposure could be {observed}, above {limit}",
        "the sector's exposure could be {observed}, within {limit}",
    ),
    "cluster_exposure": Wording(
        "gross exposure to markets settled by the same fact",
        "the event cluster's exposure could be {observed}, above {limit}",
        "the event cluster's exposure is within its limit",
    ),
    "gross_exposure": Wording(
        "gross exposure over all symbols",
        "gross exposure could be {observed}, above {limit}",
        "gross exposure could be {observed}, within {limit}",
    ),
    "net_exposure": Wording(
        "net exposure over all symbols, whichever side fills",
        "net exposure could be {observed}, above {limit}",
        "net exposure could be {observed}, within {limit}",
    ),
    "buying_power": Wording(
        "gross exposure against equity times its multiple",
        "gross exposure could be {observed}, above the buying power of {limit}",
        "gross exposure could be {observed}, within the buying power of {limit}",
    ),
    "daily_spend": Wording(
        "the worth of the day's entries, filled and working, this one included",
        "the day's entries would come to {observed}, above {limit}",
        "the day's entries come to {observed}, within {limit}",
    ),
    "weekly_spend": Wording(
        "the worth of the week's entries, filled and working, this one included",
        "the week's entries would come to {observed}, above {limit}",
        "the week's entries come to {observed}, within {limit}",
    ),
    "monthly_spend": Wording(
        "the worth of the month's entries, filled and working, this one included",
        "the month's entries would come to {observed}, above {limit}",
        "the month's entries come to {observed}, within {limit}",
    ),
    "approval_notional": Wording(
        "the notional of the whole entry, before it is cut into orders",
        "the whole entry is worth {observed}, above {limit}",
        "the whole entry is worth {observed}, within {limit}",
    ),
    "second_approval_notional": Wording(
        "whether one person may approve the whole entry alone",
        "the whole entry is worth {observed}, above {limit}, which takes two persons",
        "the whole entry is worth {observed}, within the {limit} that one person may approve",
    ),
    "approval_loss": Wording(
        "what the account is down by today",
        "the account is down by {observed}, above {limit}",
        "the account is down by {observed}, within {limit}",
    ),
    "approval_rule": Wording(
        "the configuration's rules about what a person has to approve",
        "rule {observed} of the configuration asks for it",
        "no rule of the configuration asks for it",
    ),
    "approval_part": Wording(
        "whether the entry begins by itself",
        "it needs a person's approval, and what continues an order on its way does not wait for one",
        "the entry begins by itself",
    ),
    "approval_queue": Wording(
        "the requests that wait for a person, this one included",
        "it needs a person's approval, and it would be request {observed} in the queue, above {limit}",
        "it is request {observed} in the queue, within {limit}",
    ),
}
