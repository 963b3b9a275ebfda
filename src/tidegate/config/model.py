"""Every key a configuration may have, with its meaning: the manual's page of keys is made from these classes.

Human units: durations as `5s`, money and quantities as exact decimals, averages by half-life. `config.build` turns them into what
the engine takes. A value is parsed once, at the door; nothing behind it reads a file or the environment.
"""

from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

_DURATION = r"^(0|\d+(\.\d+)?(ns|us|ms|s|m|h|d))$"
Regimes: TypeAlias = Literal["CHOP", "TREND", "VOL_EXPANSION"]
ParameterValue: TypeAlias = bool | int | str  # decimals stay exact text until the strategy's own types read them
LimitValue: TypeAlias = int | str | tuple[str, ...] | None  # likewise


def _duration(text: str) -> Meta:
    return Meta(pattern=_DURATION, description=text, extra={"unit": "duration"})


def _duration_or_none(text: str) -> Meta:
    return Meta(pattern=f"^$|{_DURATION}", description=text, extra={"unit": "duration"})


def _positive(text: str, unit: str) -> Meta:
    return Meta(gt=0, description=text, extra={"unit": unit})


def _count(text: str, least: int = 0) -> Meta:
    return Meta(ge=least, description=text, extra={"unit": "count"})


def _text(text: str, unit: str = "text") -> Meta:
    return Meta(description=text, extra={"unit": unit})


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of keys."""


class AccountSection(Section, frozen=True, kw_only=True):
    """Whose money it is."""

    name: Annotated[str, Meta(min_length=1, description="Name of the account in logs and reports", extra={"unit": "text"})]
    cash_usd: Annotated[Decimal, _text("Cash at the start, exact", "usd")]


class VenueSection(Section, frozen=True, kw_only=True):
    """Where orders go, and when it is open."""

    name: Annotated[str, Meta(min_length=1, description="Name that instruments refer to", extra={"unit": "text"})]
    calendar: Annotated[
        Literal["XNYS", "always"], _text("XNYS: New York stock exchange, holidays and early closes known; always: never closed")
    ]


class InstrumentFacts(Section, frozen=True, kw_only=True):
    """What is known of an instrument besides its symbol."""

    venue: Annotated[str, _text("A name under `venues`")]
    kind: Annotated[Literal["stock", "index"], _text("stock, or index: watched, never traded")] = "stock"
    sector: Annotated[str, _text("Sector whose exposure it counts in")] = "unclassified"
    event_cluster: Annotated[str, _text("Markets settled by one fact share a cluster; empty: none")] = ""
    market_group: Annotated[str, _text("A name under `groups`, whose regime covers it; empty: none")] = ""
    ticks: Annotated[Literal["us_stocks"], _text("Price grid: us_stocks is $0.01, and $0.0001 below $1 (Reg NMS 612)")] = "us_stocks"
    lot: Annotated[Decimal, _text("Smallest quantity step, above 0", "quantity")] = Decimal(1)
    multiplier: Annotated[int, _count("Units of the underlying in one contract", 1)] = 1
    bars_from_trades: Annotated[bool, _text("Bars from trades instead of mids: an index without quotes", "true/false")] = False
    stale: Annotated[str, _duration_or_none("Without a quote for so long it is untradeable; empty: as `market.stale` says")] = ""


class InstrumentSection(InstrumentFacts, frozen=True, kw_only=True):
    """One instrument by symbol."""

    symbol: Annotated[str, Meta(min_length=1, description="Symbol as the tapes write it", extra={"unit": "text"})]


class GroupSection(Section, frozen=True, kw_only=True):
    """Symbols whose market regime is judged together."""

    name: Annotated[str, Meta(min_length=1, description="Name that instruments refer to", extra={"unit": "text"})]
    index_symbol: Annotated[str, _text("Instrument that stands for the market; empty, or not on the tapes: breadth alone")] = ""


class MarketSection(Section, frozen=True, kw_only=True):
    """When data may not be entered on."""

    wide_bps: Annotated[float, _positive("A wider spread blocks entries", "bps")] = 50.0
    spike_bps: Annotated[float, _positive("A mid further from the last accepted one is a spike and not accepted", "bps")] = 100.0
    spikes_max: Annotated[int, _count("So many spikes in a row are a new price level, which counts as a gap", 1)] = 5
    gap: Annotated[str, _duration("Silence after which features start again")] = "60s"
    future: Annotated[str, _duration("How much later than its receipt a quote may be stamped")] = "1s"
    stale: Annotated[str, _duration("Without a quote for so long a symbol is untradeable")] = "15s"


class FeatureSection(Section, frozen=True, kw_only=True):
    """How fast rolling numbers forget, and when they count."""

    ema_fast: Annotated[str, _duration("Half-life of the fast average of second closes")] = "10s"
    ema_slow: Annotated[str, _duration("Half-life of the slow average of second closes")] = "60s"
    volatility_short: Annotated[str, _duration("Half-life of short volatility")] = "30s"
    volatility_long: Annotated[str, _duration("Half-life of long volatility, what is usual for the symbol")] = "15m"
    trend: Annotated[str, _duration("Half-life of the returns whose direction is the trend")] = "60s"
    atr_minutes: Annotated[int, _count("Minutes of Wilder's average true range", 1)] = 14
    spread_quotes: Annotated[float, _positive("Half-life of the usual spread, in accepted quotes", "quotes")] = 1000.0
    volume_short: Annotated[str, _duration("Half-life of recent volume")] = "30s"
    volume_long: Annotated[str, _duration("Half-life of usual volume")] = "15m"
    range_minutes: Annotated[int, Meta(ge=1, le=64, description="Minutes of the high-low range", extra={"unit": "count"})] = 15
    warm_seconds: Annotated[int, _count("Second bars before features count", 2)] = 300
    warm_minutes: Annotated[int, _count("Minute bars before features count", 1)] = 15
    shock_volume: Annotated[float, _positive("Recent over usual volume that is a shock", "ratio")] = 12.0
    shock: Annotated[str, _duration("How long a gap, a volume shock or news keeps a symbol newsy")] = "2m"


class RegimeSection(Section, frozen=True, kw_only=True):
    """When a symbol or a market counts as what. Leaving a label takes less than entering it, so that it does not flap."""

    expansion_enter: Annotated[float, _positive("Short over long volatility to enter VOL_EXPANSION", "ratio")] = 1.5
    expansion_leave: Annotated[float, _positive("Short over long volatility to leave it", "ratio")] = 1.2
    trend_enter: Annotated[float, _positive("Trend strength, 0 to 1, to enter TREND", "ratio")] = 0.4
    trend_leave: Annotated[float, _positive("Trend strength to leave it", "ratio")] = 0.25
    spread_enter: Annotated[float, _positive("Spread above its mean, in deviations, to become UNTRADEABLE", "deviations")] = 10.0
    spread_leave: Annotated[float, _positive("Spread above its mean to leave that again", "deviations")] = 5.0
    confirmations_min: Annotated[int, _count("Evaluations in a row that a new label must hold", 1)] = 3
    breadth_enter: Annotated[float, _positive("Share of the group's members in a label for the group to enter it", "share")] = 0.6
    breadth_leave: Annotated[float, _positive("Share to leave it", "share")] = 0.4
    readable_min: Annotated[float, _positive("Share of members that must be readable", "share")] = 0.5
    evaluate: Annotated[str, _duration("How often groups are evaluated")] = "5s"


class NoTradeSection(Section, frozen=True, kw_only=True):
    """When entries are off by the clock."""

    after_open: Annotated[str, _duration("No entries for so long after the open")] = "5m"
    before_close: Annotated[str, _duration("No entries for so long before the close")] = "10m"
    before_event: Annotated[str, _duration("No entries for so long before a listed event")] = "0"
    after_event: Annotated[str, _duration("No entries for so long after a listed event")] = "0"


class EventSection(Section, frozen=True, kw_only=True):
    """A listed event: no entries between its start and its end."""

    symbol: Annotated[str, _text("Whom it concerns; empty: the whole market")] = ""
    starts: Annotated[str, _text("ISO time with zone, such as 2013-10-07T14:00:00Z", "time")]
    ends: Annotated[str, _text("Likewise, later", "time")]
    title: Annotated[str, _text("What it is, for logs")]


class EligibleSection(Section, frozen=True, kw_only=True):
    """One row of a strategy's matrix: where it may enter. What no row names may not be entered."""

    symbol: Annotated[tuple[Regimes, ...], _text("Regimes of the symbol", "regimes")]
    market: Annotated[tuple[Regimes, ...], _text("Regimes of its market; CHOP where it has no group", "regimes")]
    spread_bps_max: Annotated[float, _positive("Widest spread to enter on", "bps")]


class StrategySection(Section, frozen=True, kw_only=True):
    """One strategy at work. Its place in the list is its precedence."""

    strategy: Annotated[str, _text("A shipped or installed name, or the path of a .py file, from the configuration's folder")]
    id: Annotated[str, _text("What orders and reports call it; empty: the strategy's own name")] = ""
    params: Annotated[dict[str, ParameterValue], _text("Its parameters; the others keep their defaults", "numbers")] = {}
    symbols: Annotated[tuple[str, ...], _text("What it watches; `*`: every instrument that is no index", "symbols")] = ("*",)
    eligible: Annotated[tuple[EligibleSection, ...], _text("Where it may enter; nowhere when empty", "rows")]
    parting: Annotated[
        Literal["", "cancel_working", "leave_working"],
        _text("cancel_working or leave_working, when a trader stops or has lost the venue; empty: as `live.parting` says"),
    ] = ""
    replace: Annotated[
        Literal["cancel_first", "venue"],
        _text("How a live venue replaces its orders: cancel_first (cancel, confirm, place anew) or venue (its own replacement, at once)"),
    ] = "cancel_first"


class ScopedLimitsSection(Section, frozen=True, kw_only=True):
    """Narrower limits of one strategy, symbol or sector. Exactly one of the three is named."""

    strategy: Annotated[str, _text("Whose orders; its losses are then its own", "strategy")] = ""
    symbol: Annotated[str, _text("Orders in this symbol", "symbol")] = ""
    sector: Annotated[str, _text("Orders in symbols of this sector", "sector")] = ""
    limits: Annotated[dict[str, LimitValue], _text("Keys of the limits file, none looser than the account's", "section")]


class OrdersSection(Section, frozen=True, kw_only=True):
    """Rules about orders whose outcome is in doubt."""

    valid: Annotated[str, _duration("An order that was not sent by then is not sent any more")] = "5s"
    answer: Annotated[str, _duration("Without an answer for so long an order is looked up")] = "10s"
    lookup_grace: Annotated[str, _duration("How long the venue may need to show an order")] = "10s"
    lookup_spacing: Annotated[str, _duration("Time between two lookups of one order")] = "5s"
    lookups_missed_min: Annotated[int, _count("Lookups that must miss an order to prove it absent", 2)] = 2
    cancel_retry: Annotated[str, _duration("Time after which a cancel without effect is sent again")] = "5s"
    cancels_refused_max: Annotated[int, _count("Refused cancels after which the symbol is halted", 1)] = 3


class SimulatorSection(Section, frozen=True, kw_only=True):
    """How the simulated venue behaves, and how far away it is. Latencies: `0`, `0.5ms` or `lognormal:0.5ms,0.3`."""

    feed_latency: Annotated[str, _text("Replaces the tapes' receive times; empty: they stand", "latency")] = ""
    order_latency: Annotated[str, _text("From us to the venue", "latency")] = "0.5ms"
    response_latency: Annotated[str, _text("From the venue to us", "latency")] = "0.5ms"
    seed: Annotated[int, _count("Seed of drawn latencies")] = 0
    fees: Annotated[Literal["alpaca", "none"], _text("Fee schedule, dated; none: no fees")] = "alpaca"
    acknowledge: Annotated[
        Literal["always", "resting"],
        _text("always: every order is acknowledged first; resting: one that ends on arrival is answered by its end alone"),
    ] = "always"
    short_selling: Annotated[bool, _text("Whether it lets an account sell what it does not hold", "true/false")] = True
    outside_hours: Annotated[Literal["queue", "reject"], _text("Orders while closed; queue: wait for the open, reject: rejected")] = "queue"
    buy_stop_collar: Annotated[bool, _text("Buy stops become stop-limits above their stop, as at Alpaca", "true/false")] = True
    orders_max: Annotated[int, Meta(ge=1, le=1_000_000, description="Orders open at once", extra={"unit": "count"})] = 1_024


class BreakersSection(Section, frozen=True, kw_only=True):
    """When trouble at our own edges stops entries by itself. Nothing has a default. A cooldown of 0: only a person opens again."""

    rate_limited_max: Annotated[int, _count("Answers 429 of the venue within the window that are still borne", 0)]
    rate_limited_window: Annotated[str, _duration("That window")]
    rate_limited_cooldown: Annotated[str, _duration("Opens by itself after so long without")]
    stream_losses_max: Annotated[int, _count("Losses of a stream within the window that are still borne", 0)]
    stream_losses_window: Annotated[str, _duration("That window")]
    stream_losses_cooldown: Annotated[str, _duration("Opens by itself after so long without")]
    clock_skew_max: Annotated[str, _duration("How far this machine's clock may be from the venue's")]
    clock_skew_cooldown: Annotated[str, _duration("Opens by itself once it has been right for so long")]
    disk_low_percent: Annotated[int, _count("Free space of the log's disk below which a person is told", 1)]
    disk_full_percent: Annotated[int, _count("Free space below which everything is halted; a person opens", 1)]
    log_stall_max: Annotated[str, _duration("How long the log may wait for its disk")]
    log_stall_cooldown: Annotated[str, _duration("Opens by itself once it has not waited for so long")]
    orders_silent_max: Annotated[str, _duration("How long the order stream may be away, or owe news of an order that the venue has taken")]
    orders_silent_cooldown: Annotated[str, _duration("Opens by itself once it has told everything for so long")]


class LiveSection(Section, frozen=True, kw_only=True):
    """Trading at the venue itself; replays do not look at it."""

    feed: Annotated[Literal["iex", "sip", "delayed_sip"], _text("Market data feed of the venue")] = "iex"
    symbols_max: Annotated[int, _count("Symbols that the data plan lets one stream have; 0: any number", 0)] = 30
    origin: Annotated[str, _text("Address of an emulator on this machine; empty: the venue's own, paper or live by the mode")] = ""
    parting: Annotated[
        Literal["cancel_working", "leave_working"],
        _text("cancel_working or leave_working, when the trader stops or has lost the venue, for strategies that do not say"),
    ] = "cancel_working"
    lost_after: Annotated[str, _duration("Without one of its streams for so long the venue counts as lost; 0: never")] = "1m"
    trading_requests_per_minute: Annotated[int, _count("Requests a minute that the venue allows the account", 2)] = 200
    data_requests_per_minute: Annotated[int, _count("Data requests a minute that the data plan allows", 2)] = 200
    ledger: Annotated[str, _text("postgresql:// address of the ledger; empty: a file in the home folder")] = ""
    audit_anchors: Annotated[
        str, _text("File outside the ledger for the signed heads of the audit chain, on another disk perhaps; empty: in the home folder")
    ] = ""
    news: Annotated[bool, _text("News of the venue make the symbols that they name newsy for features.shock", "true/false")] = True
    status_page: Annotated[
        str, _text("Address of the venue's public status page, in the format of Statuspage; empty: only its clock is asked")
    ] = "https://status.alpaca.markets/api/v2/summary.json"
    snapshot_inputs: Annotated[int, _count("A snapshot of the engine is kept every so many inputs", 1_000)] = 200_000
    log_keep: Annotated[str, _duration("Segments of the golden log that are older are dropped")] = "30d"
    log_keep_mb: Annotated[int, _count("The oldest segments beyond so many MiB of log are dropped; 0: age alone counts", 0)] = 0
    breakers: Annotated[BreakersSection | None, _text("Automatic stops; a trader does not start without them", "section")] = None


class WebhookSection(Section, frozen=True, kw_only=True):
    """An address that is told what happened. Its secret stands in no configuration; see the manual's page of webhooks."""

    name: Annotated[
        str, _text("Name in files and logs: small letters, digits and hyphens; its secret is TIDEGATE_WEBHOOK_ and it in capitals")
    ]
    url: Annotated[str, _text("Where to post to: https, or http on this machine")]
    events: Annotated[
        tuple[Literal["fills", "trips", "unknown", "approvals", "venue"], ...],
        _text("Any of fills, trips (gates and kills), unknown (orders in doubt), approvals (orders that wait), venue (how it is)", "words"),
    ]


class ApprovalSection(Section, frozen=True, kw_only=True):
    """Entries that a person has to approve, besides those above the limits. What is left empty restricts nothing."""

    name: Annotated[str, Meta(min_length=1, description="Name of the rule in verdicts", extra={"unit": "text"})]
    sentence: Annotated[str, Meta(min_length=1, description="Why a person is asked, for whoever is", extra={"unit": "text"})]
    strategy: Annotated[str, _text("Only entries of this strategy, by its id")] = ""
    symbol: Annotated[str, _text("Only entries in this symbol")] = ""
    side: Annotated[Literal["", "buy", "sell"], _text("Only entries on this side, buy or sell")] = ""
    quantity_above: Annotated[Decimal | None, _text("Only whole entries of more than this", "quantity")] = None
    notional_usd_above: Annotated[Decimal | None, _text("Only whole entries worth more than this", "usd")] = None


class SmallLiveSection(Section, frozen=True, kw_only=True):
    """Caps of mode small-live. Beside each limit of the same thing the smaller one holds; complete, or the mode does not start."""

    order_notional_usd_max: Annotated[Decimal, _text("Price x quantity of one order, above 0", "usd")]
    position_notional_usd_max: Annotated[Decimal, _text("Worst position of one symbol, above 0", "usd")]
    total_exposure_usd_max: Annotated[Decimal, _text("All symbols together: positions, and gross exposure; above 0", "usd")]
    daily_loss_usd_max: Annotated[Decimal, _text("Loss of a trading day, above 0", "usd")]


class QuietCriteria(Section, frozen=True, kw_only=True):
    """What sessions that need send nothing must show. Nothing has a default."""

    trading_days_min: Annotated[int, _count("Days with decisions", 1)]
    decisions_min: Annotated[int, _count("Verdicts on what it wanted", 1)]
    drift_findings_max: Annotated[int, _count("Differences between our books and the venue's that no event explained")]
    trips_max: Annotated[int, _count("Gates that a rule closed")]


class TradingCriteria(Section, frozen=True, kw_only=True):
    """What sessions that trade must show, and go on showing. Nothing has a default."""

    trading_days_min: Annotated[int, _count("Days with fills", 1)]
    fills_min: Annotated[int, _count("Fills", 1)]
    orders_min: Annotated[int, _count("Orders; a running trader's reject rate and slippage are judged from so many on", 1)]
    reject_rate_bps_max: Annotated[int, _count("Orders that the venue rejected, of all sent; 100 is 1 %")]
    drift_findings_max: Annotated[int, _count("Differences between our books and the venue's that no event explained")]
    trips_max: Annotated[int, _count("Gates that a rule closed")]
    slippage_bps_max: Annotated[Decimal, _text("Average fill price beyond the simulated venue's; below 0 it was better", "bps")]
    drawdown_bps_max: Annotated[int, _count("Deepest fall of the account from its peak; 100 is 1 %")]


class PromotionSection(Section, frozen=True, kw_only=True):
    """What a version must have shown to be promoted, by the stage it is to reach."""

    paper: Annotated[QuietCriteria, _text("From shadow, by sessions in dry-run, shadow or paper", "section")]
    small_live: Annotated[TradingCriteria, _text("From paper, by sessions in paper", "section")]
    live: Annotated[TradingCriteria, _text("From small_live, by sessions in small-live", "section")]


class Config(Section, frozen=True, kw_only=True):
    """The whole file."""

    account: Annotated[AccountSection, _text("Whose money", "section")]
    venues: Annotated[tuple[VenueSection, ...], _text("Where orders go", "list")]
    instruments: Annotated[tuple[InstrumentSection, ...], _text("What may be seen and traded, in this order", "list")] = ()
    other_instruments: Annotated[
        InstrumentFacts | None,
        _text("Facts of symbols on the tapes that `instruments` lacks; without it they are refused", "section"),
    ] = None
    groups: Annotated[tuple[GroupSection, ...], _text("Market groups", "list")] = ()
    market: Annotated[MarketSection, _text("Data quality", "section")] = MarketSection()
    features: Annotated[FeatureSection, _text("Rolling numbers", "section")] = FeatureSection()
    regime: Annotated[RegimeSection, _text("Regimes", "section")] = RegimeSection()
    no_trade: Annotated[NoTradeSection, _text("Times without entries", "section")] = NoTradeSection()
    events: Annotated[tuple[EventSection, ...], _text("Listed events", "list")] = ()
    strategies: Annotated[tuple[StrategySection, ...], _text("Strategies at work, in order of precedence", "list")] = ()
    other_strategies: Annotated[
        tuple[EligibleSection, ...], _text("Where strategies may enter that only the command line names", "rows")
    ] = ()
    limits_file: Annotated[str, _text("Shipped limits by name, or the path of a file, from the configuration's folder")] = ""
    limits: Annotated[dict[str, LimitValue] | None, _text("The limits themselves, instead of a file; complete", "section")] = None
    scoped_limits: Annotated[
        tuple[ScopedLimitsSection, ...], _text("Narrower limits of single strategies, symbols and sectors", "list")
    ] = ()
    soft_limits: Annotated[tuple[str, ...], _text("Refusals that ask for a person instead: names from the page of refusals", "names")] = ()
    approvals: Annotated[
        tuple[ApprovalSection, ...], _text("Entries that a person has to approve, besides those above the limits", "list")
    ] = ()
    orders: Annotated[OrdersSection, _text("Orders in doubt", "section")] = OrdersSection()
    symbols_shared: Annotated[
        bool, _text("Whether several strategies may hold one symbol at a time; else the first to enter owns it", "true/false")
    ] = False
    symbol_cooldown: Annotated[str, _duration("Pause of every strategy in a symbol after a closed position")] = "0"
    valuation: Annotated[str, _duration("How often the account is valued; 0: never")] = "1m"
    simulator: Annotated[SimulatorSection, _text("The simulated venue", "section")] = SimulatorSection()
    live: Annotated[LiveSection | msgspec.UnsetType, _text("Trading at the venue itself", "section")] = msgspec.UNSET
    webhooks: Annotated[
        tuple[WebhookSection, ...] | msgspec.UnsetType, _text("Who is told of fills and trips; replays do not look at it", "list")
    ] = msgspec.UNSET
    small_live: Annotated[SmallLiveSection | msgspec.UnsetType, _text("Caps of mode small-live", "section")] = msgspec.UNSET
    promotion: Annotated[
        PromotionSection | msgspec.UnsetType, _text("What a version must show to be promoted; without it none is", "section")
    ] = msgspec.UNSET
