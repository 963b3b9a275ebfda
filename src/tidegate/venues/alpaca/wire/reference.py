"""Assets, clock, calendar, option contracts, corporate actions, news."""

import msgspec

from tidegate.venues.alpaca.wire.base import Flag, Number, Text


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Something listed."""

    id: Text = None
    asset_class: Text = msgspec.field(name="class", default=None)
    exchange: Text = None
    symbol: Text = None
    name: Text = None
    status: Text = None
    tradable: Flag = None
    marginable: Flag = None
    shortable: Flag = None
    easy_to_borrow: Flag = None
    borrow_status: Text = None
    fractionable: Flag = None
    attributes: list[str] | None = None


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's time, with New York's offset."""

    timestamp: Text = None
    is_open: Flag = None
    next_open: Text = None
    next_close: Text = None


class CalendarDay(msgspec.Struct, frozen=True, kw_only=True):
    """A trading day; times are New York's, with or without a colon."""

    date: Text = None
    open: Text = None
    close: Text = None
    session_open: Text = None
    session_close: Text = None
    settlement_date: Text = None


class Deliverable(msgspec.Struct, frozen=True, kw_only=True):
    """What a contract delivers, or one part of it."""

    type: Text = None
    symbol: Text = None
    amount: Number = None
    delayed_settlement: Flag = None


class OptionContract(msgspec.Struct, frozen=True, kw_only=True):
    """An option contract."""

    id: Text = None
    symbol: Text = None
    name: Text = None
    status: Text = None
    tradable: Flag = None
    expiration_date: Text = None
    root_symbol: Text = None
    underlying_symbol: Text = None
    type: Text = None
    style: Text = None
    strike_price: Number = None
    multiplier: Number = None
    open_interest: Number = None
    close_price: Number = None
    ppind: Flag = None
    deliverables: list[Deliverable] | None = None


class OptionContracts(msgspec.Struct, frozen=True, kw_only=True):
    """A page of contracts."""

    option_contracts: list[OptionContract] | None = None
    next_page_token: Text = None


class StockMovement(msgspec.Struct, frozen=True, kw_only=True):
    """One stock leg of a reorganization."""

    symbol: Text = None
    new_rate: Number = None
    source_rate: Number = None


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True):
    """A row of any kind of corporate action: the union of their fields."""

    id: Text = None
    symbol: Text = None
    old_symbol: Text = None
    new_symbol: Text = None
    source_symbol: Text = None
    acquirer_symbol: Text = None
    acquiree_symbol: Text = None
    alternate_symbol: Text = None
    old_rate: Number = None
    new_rate: Number = None
    source_rate: Number = None
    acquirer_rate: Number = None
    acquiree_rate: Number = None
    alternate_rate: Number = None
    rate: Number = None
    cash_rate: Number = None
    price: Number = None
    special: Flag = None
    process_date: Text = None
    ex_date: Text = None
    effective_date: Text = None
    record_date: Text = None
    payable_date: Text = None
    expiration_date: Text = None
    stock_movements: list[StockMovement] | None = None


class CorporateActions(msgspec.Struct, frozen=True, kw_only=True):
    """A page of corporate actions, by kind."""

    corporate_actions: dict[str, list[CorporateAction] | None] | None = None
    next_page_token: Text = None


class NewsItem(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of news, as REST gives it."""

    id: Number = None
    headline: Text = None
    summary: Text = None
    author: Text = None
    created_at: Text = None
    updated_at: Text = None
    url: Text = None
    content: Text = None
    symbols: list[str] | None = None
    source: Text = None


class NewsPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of news."""

    news: list[NewsItem] | None = None
    next_page_token: Text = None
