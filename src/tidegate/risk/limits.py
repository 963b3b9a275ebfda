"""The account's limits: complete or not built.

A missing limit is an error at start, never a default that widens risk. Money in attos (1e-18 dollars;
configuration files write decimal dollars), quantities in nanos (1e-9 of a share or contract), shares in basis
points (10,000 = all of it), times in ns. The manual's table is made from the metadata of each field.
"""

from typing import Annotated, Final, NamedTuple, final

import msgspec

from tidegate.portfolio.activity import MESSAGES_MAX
from tidegate.portfolio.conduct import ORDERS_MAX, REPEATS_MAX
from tidegate.portfolio.valuation import MICRO
from tidegate.values.money import ATTOS, INT64_MAX

BPS: Final = 10_000
BPS_MAX: Final = 10_000 * BPS
ATTOS_MAX: Final = 10**12 * ATTOS  # a million million dollars

_COUNTED: Final = {  # a limit above what is counted would never bind
    "orders_per_minute_max": MESSAGES_MAX,
    "symbol_messages_per_minute_max": MESSAGES_MAX,
    "entries_per_hour_max": REPEATS_MAX,
    "rate_orders_min": ORDERS_MAX,
}

_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")


def _field(unit: str, text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text, extra={"unit": unit})


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one account may do. Every field must be given.

    None in a symbol list means that the list does not restrict.
    """

    symbols_allowed: Annotated[frozenset[str] | None, _field("symbols", "Entries only in these; null: in any defined symbol")]
    symbols_blocked: Annotated[frozenset[str], _field("symbols", "No entries in these, whatever else is allowed")]

    order_notional_attos_max: Annotated[int, _field("usd", "Price x quantity of one order")]
    order_quantity_nanos_max: Annotated[int, _field("quantity", "Quantity of one order; larger exits are sliced")]
    position_notional_attos_max: Annotated[int, _field("usd", "Worst position of one symbol: held + working + UNKNOWN + reserved + this")]
    position_quantity_nanos_max: Annotated[int, _field("quantity", "The same, as a quantity")]
    total_notional_attos_max: Annotated[int, _field("usd", "Positions of all symbols + this order, absolute")]
    total_quantity_nanos_max: Annotated[int, _field("quantity", "The same, as a quantity")]
    gross_exposure_attos_max: Annotated[int, _field("usd", "Sum over symbols of the worst position, absolute")]
    net_exposure_attos_max: Annotated[int, _field("usd", "Signed sum over symbols, the worse of all buys or all sells filling")]
    sector_exposure_attos_max: Annotated[int, _field("usd", "Gross exposure within one sector")]
    cluster_exposure_attos_max: Annotated[int, _field("usd", "Gross exposure to markets settled by one fact")]
    concentration_bps_max: Annotated[int, _field("bps", "Worst position of one symbol as a share of equity")]
    buying_power_bps: Annotated[int, _field("bps", "Gross exposure as a share of equity; 10000: no borrowing")]

    daily_loss_attos_max: Annotated[int, _field("usd", "Lost since the trading day began, realized + unrealized, fees in")]
    weekly_loss_attos_max: Annotated[int, _field("usd", "The same since the week's first trading day")]
    monthly_loss_attos_max: Annotated[int, _field("usd", "The same since the month's first trading day")]
    intraday_drawdown_bps_max: Annotated[int, _field("bps", "Below the day's highest worth, as a share of it")]
    drawdown_bps_max: Annotated[int, _field("bps", "Below the highest worth of all time, as a share of it")]
    unpriced_ns_max: Annotated[int, _field("ns", "A position without a price for so long counts at its worst case")]
    daily_spend_attos_max: Annotated[int, _field("usd", "Worth of a trading day's entries, filled and working, this one included")]
    weekly_spend_attos_max: Annotated[int, _field("usd", "The same of a week")]
    monthly_spend_attos_max: Annotated[int, _field("usd", "The same of a month")]

    spread_bps_max: Annotated[int, _field("bps", "Ask - bid as a share of the mid")]
    displayed_size_nanos_min: Annotated[int, _field("quantity", "Displayed at the touch on both sides")]
    liquidity_bps_max: Annotated[int, _field("bps", "Order as a share of the displayed size it would take")]
    collar_bps_max: Annotated[int, _field("bps", "How far an entry's price may pass the far touch")]
    exit_collar_bps_max: Annotated[int, _field("bps", "How far an exit's limit may pass the far touch")]
    blind_collar_bps_max: Annotated[int, _field("bps", "How far an exit without a fresh quote may pass the last good price")]

    quote_age_ns_max: Annotated[int, _field("ns", "Older quotes are not entered on")]
    lag_ns_max: Annotated[int, _field("ns", "Entries stop when processing falls further behind receive time")]

    orders_per_minute_max: Annotated[int, _field("count", "Orders of the account in any minute")]
    symbol_messages_per_minute_max: Annotated[int, _field("count", "Orders, replaces and cancels of one symbol in any minute")]
    duplicate_window_ns: Annotated[int, _field("ns", "The same order again within this time is a duplicate")]
    exit_repeat_ns: Annotated[int, _field("ns", "Exits of one position in different stories keep this distance")]
    amend_spacing_ns: Annotated[int, _field("ns", "Replacements of one order keep this distance")]

    entries_per_hour_max: Annotated[int, _field("count", "Entries of one strategy in one symbol in an hour; then a person looks")]
    rejects_in_row_max: Annotated[int, _field("count", "Orders of a strategy that the venue refuses one after the other")]
    rate_orders_min: Annotated[int, _field("count", "Orders of a strategy that its rates are taken over")]
    reject_rate_bps_max: Annotated[int, _field("bps", "Share of these that the venue refused")]
    cancel_rate_bps_max: Annotated[int, _field("bps", "Share of these that were canceled before anything filled")]
    slippage_bps_max: Annotated[int, _field("bps", "Mean slippage of a strategy's last ten fills")]
    slippage_deviations_max: Annotated[int, _field("count", "How many usual deviations that mean may lie above what is usual")]
    delay_ns_max: Annotated[int, _field("ns", "Mean time to the venue's first word, of a strategy's last ten orders")]
    delay_deviations_max: Annotated[int, _field("count", "How many usual deviations that mean may lie above what is usual")]
    breaker_cooldown_ns: Annotated[int, _field("ns", "How long a breaker keeps a strategy's entries closed; 0: until a person opens")]
    approval_notional_attos_max: Annotated[int, _field("usd", "Whole entries worth more need a person's approval")]
    approval_loss_attos_max: Annotated[int, _field("usd", "With the account down by more, every entry needs a person's approval")]
    second_approval_notional_attos_max: Annotated[int, _field("usd", "Whole entries worth more need two persons")]
    approval_wait_ns: Annotated[int, _field("ns", "How long a request for approval waits; then it is refused")]

    def __post_init__(self) -> None:
        """Refuse limits that could not be measured.

        Raises:
            ValueError: a number below 0 or larger than a message can carry, or a rate above what is counted.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not isinstance(value, int):
                continue
            largest = ATTOS_MAX if "_attos_" in name else BPS_MAX if "_bps" in name else INT64_MAX
            if not 0 <= value <= largest:
                raise ValueError(f"{name} is {value}; give a number from 0 to {largest}.")
        for name, counted in _COUNTED.items():
            if getattr(self, name) > counted:
                raise ValueError(f"{name} is {getattr(self, name)}; no more than {counted} are counted.")

    def canonical(self) -> bytes:
        """Return bytes that are equal for equal limits (sets are sorted), for hashes."""
        return _encoder.encode({name: _portable(getattr(self, name)) for name in self.__struct_fields__})


@final
class Bounds:
    """The money limits in millionths of a dollar, rounded down.

    Worked out once, compared with at every verdict.
    """

    __slots__ = (
        "approval_loss",
        "approval_notional",
        "cluster_exposure",
        "daily_loss",
        "daily_spend",
        "gross_exposure",
        "limits",
        "monthly_loss",
        "monthly_spend",
        "net_exposure",
        "order_notional",
        "position_notional",
        "second_approval_notional",
        "sector_exposure",
        "total_notional",
        "weekly_loss",
        "weekly_spend",
    )

    approval_loss: int
    approval_notional: int
    cluster_exposure: int
    daily_loss: int
    daily_spend: int
    gross_exposure: int
    monthly_loss: int
    monthly_spend: int
    net_exposure: int
    order_notional: int
    position_notional: int
    second_approval_notional: int
    sector_exposure: int
    total_notional: int
    weekly_loss: int
    weekly_spend: int

    def __init__(self, limits: RiskLimits | None) -> None:
        self.limits = limits
        for name in self.__slots__:
            if name != "limits":
                setattr(self, name, getattr(limits, f"{name}_attos_max") // MICRO if limits else 0)


class LimitField(NamedTuple):
    """One limit as the manual shows it."""

    name: str
    unit: str
    text: str


def limit_fields() -> list[LimitField]:
    """Return every limit with its unit and meaning, in the order of the struct."""
    found = []
    for field in msgspec.structs.fields(RiskLimits):
        meta = field.type.__metadata__[0]
        found.append(LimitField(field.name, meta.extra["unit"], meta.description))
    return found


def _portable(value: int | frozenset[str] | None) -> str | frozenset[str] | None:
    """Money of any size as text: 64 bits do not hold it."""
    return str(value) if isinstance(value, int) else value
