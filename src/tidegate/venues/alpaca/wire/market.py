"""Market data: stream messages (JSON and msgpack alike) and pages of history.

Times are kept raw, since a datetime would cut their nanoseconds: text in JSON, the timestamp extension in msgpack. Conditions
(`c`: a list on stocks, one text on options) are kept raw too: there are few different ones, and a list for each quote would
keep the garbage collector busy.
"""

from typing import TypeAlias

import msgspec

from tidegate.venues.alpaca.wire.base import Text

Amount: TypeAlias = float | None
TradeId: TypeAlias = int | str | None

NULL = msgspec.Raw(b"null")
NO_CODES = msgspec.Raw(b"")


class Trade(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="t", gc=False):
    """A print."""

    S: str
    t: msgspec.Raw
    p: Amount = None
    s: Amount = None
    i: TradeId = None
    x: Text = None
    c: msgspec.Raw = NO_CODES
    z: Text = None


class Quote(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="q", gc=False):
    """The best bid and ask; price 0: no side."""

    S: str
    t: msgspec.Raw
    bp: Amount = None
    bs: Amount = None
    ap: Amount = None
    # `as` is a word of Python
    ask_size: Amount = msgspec.field(name="as", default=None)
    bx: Text = None
    ax: Text = None
    c: msgspec.Raw = NO_CODES
    z: Text = None


class Bar(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="b", gc=False):
    """A minute bar; t is its left edge."""

    S: str
    t: msgspec.Raw
    o: Amount = None
    h: Amount = None
    l: Amount = None  # noqa: E741 - the venue's name for the low
    c: Amount = None
    v: Amount = None
    n: Amount = None
    vw: Amount = None


class DailyBar(Bar, frozen=True, kw_only=True, tag_field="T", tag="d", gc=False):
    """The bar of the day so far."""


class UpdatedBar(Bar, frozen=True, kw_only=True, tag_field="T", tag="u", gc=False):
    """A minute bar again, after late trades."""


class Status(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="s", gc=False):
    """A halt, a resumption, or another change of a symbol's trading state."""

    S: str
    t: msgspec.Raw
    sc: Text = None
    sm: Text = None
    rc: Text = None
    rm: Text = None
    z: Text = None


class Bands(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="l", gc=False):
    """Limit-up limit-down bands."""

    S: str
    t: msgspec.Raw
    u: Amount = None
    d: Amount = None
    i: Text = None
    z: Text = None


class Correction(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="c", gc=False):
    """A print that was reported wrongly: the old numbers (o) and the right ones (c)."""

    S: str
    t: msgspec.Raw
    x: Text = None
    oi: TradeId = None
    op: Amount = None
    os: Amount = None
    oc: msgspec.Raw = NO_CODES
    ci: TradeId = None
    cp: Amount = None
    cs: Amount = None
    cc: msgspec.Raw = NO_CODES
    z: Text = None


class CancelError(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="x", gc=False):
    """A print that never should have been."""

    S: str
    t: msgspec.Raw
    i: TradeId = None
    x: Text = None
    p: Amount = None
    s: Amount = None
    a: Text = None
    z: Text = None


class Imbalance(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="i", gc=False):
    """An order imbalance."""

    S: str
    t: msgspec.Raw = NULL
    p: Amount = None
    z: Text = None


class News(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="n"):
    """A piece of news, as the stream gives it."""

    id: TradeId = None
    headline: Text = None
    summary: Text = None
    created_at: msgspec.Raw = NULL
    updated_at: msgspec.Raw = NULL
    url: Text = None
    symbols: list[str] | None = None
    source: Text = None


class Success(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="success"):
    """Connected or authenticated."""

    msg: Text = None


class Error(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="error"):
    """A request was refused."""

    code: int | None = None
    msg: Text = None


class Subscription(msgspec.Struct, frozen=True, kw_only=True, tag_field="T", tag="subscription"):
    """Everything that this connection is subscribed to."""

    trades: list[str] | None = None
    quotes: list[str] | None = None
    bars: list[str] | None = None
    updatedBars: list[str] | None = None  # noqa: N815 - the venue's name
    dailyBars: list[str] | None = None  # noqa: N815 - likewise
    statuses: list[str] | None = None
    lulds: list[str] | None = None
    news: list[str] | None = None


Message: TypeAlias = (
    Trade
    | Quote
    | Bar
    | DailyBar
    | UpdatedBar
    | Status
    | Bands
    | Correction
    | CancelError
    | Imbalance
    | News
    | Success
    | Error
    | Subscription
)


class OldTrade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A print in a page of history; the symbol is the page's key. `u`: canceled, incorrect or corrected."""

    t: msgspec.Raw
    p: Amount = None
    s: Amount = None
    i: TradeId = None
    x: Text = None
    c: msgspec.Raw = NO_CODES
    z: Text = None
    u: Text = None


class OldQuote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A quote in a page of history, or a latest one."""

    t: msgspec.Raw
    bp: Amount = None
    bs: Amount = None
    ap: Amount = None
    ask_size: Amount = msgspec.field(name="as", default=None)
    bx: Text = None
    ax: Text = None
    c: msgspec.Raw = NO_CODES
    z: Text = None


class OldBar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bar in a page of history."""

    t: msgspec.Raw
    o: Amount = None
    h: Amount = None
    l: Amount = None  # noqa: E741 - the venue's name for the low
    c: Amount = None
    v: Amount = None
    n: Amount = None
    vw: Amount = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of history of one kind, by symbol; the keys of the other kinds are absent."""

    trades: dict[str, list[OldTrade] | None] | None = None
    quotes: dict[str, list[OldQuote] | None] | None = None
    bars: dict[str, list[OldBar] | None] | None = None
    next_page_token: Text = None


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """The latest quotes or trades, by symbol."""

    quotes: dict[str, OldQuote | None] | None = None
    trades: dict[str, OldTrade | None] | None = None


class Greeks(msgspec.Struct, frozen=True, kw_only=True):
    """Sensitivities; absent where the venue could not compute them."""

    delta: Amount = None
    gamma: Amount = None
    theta: Amount = None
    vega: Amount = None
    rho: Amount = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What was last seen of one symbol; any part may be missing."""

    latestTrade: OldTrade | None = None  # noqa: N815 - the venue's name
    latestQuote: OldQuote | None = None  # noqa: N815 - likewise
    minuteBar: OldBar | None = None  # noqa: N815 - likewise
    dailyBar: OldBar | None = None  # noqa: N815 - likewise
    prevDailyBar: OldBar | None = None  # noqa: N815 - likewise
    impliedVolatility: Amount = None  # noqa: N815 - likewise
    greeks: Greeks | None = None


class OptionSnapshots(msgspec.Struct, frozen=True, kw_only=True):
    """A page of option snapshots."""

    snapshots: dict[str, Snapshot | None] | None = None
    next_page_token: Text = None
