"""The market's fields of a symbol row and its settings. Ints are nanos or ns; floats are dollars and shares."""

from typing import Final

from tidegate.kernel.layout import row

# Quality flags of a symbol: why its last quote may not be entered on. Bits.
CROSSED: Final = 1
LOCKED: Final = 2
ONE_SIDED: Final = 4  # a side has no price or no size
WIDE: Final = 8
SPIKE: Final = 16  # mid too far from the last accepted mid, or a print too far from what its bars are made of
GAP: Final = 32  # the feed was silent for too long; features start again
FUTURE: Final = 64  # stamped later than it was received, beyond tolerance
SUSPICIOUS: Final = 128  # the source itself doubts it
HALTED: Final = 256
FEED_DOWN: Final = 512
SLOW_QUOTE: Final = 1024  # the venue marks a side as not firm
NO_QUOTE: Final = 2048  # nothing seen yet

QUALITY_NAMES: Final = {
    CROSSED: "crossed",
    LOCKED: "locked",
    ONE_SIDED: "one-sided",
    WIDE: "wide",
    SPIKE: "price spike",
    GAP: "feed gap",
    FUTURE: "future timestamp",
    SUSPICIOUS: "suspicious",
    HALTED: "halted",
    FEED_DOWN: "feed down",
    SLOW_QUOTE: "slow quote",
    NO_QUOTE: "no quote",
}
NOT_ACCEPTED: Final = CROSSED | ONE_SIDED | SPIKE | FUTURE | SUSPICIOUS  # these quotes move neither book nor features

# What a trade does.
PRINT_IGNORED: Final = 0
PRINT_COUNTS: Final = 1
PRINT_AFTER_GAP: Final = 2  # the first after silence, or a row of spikes proved to be the new price

BAR = row(
    [
        ("start_ns", "<i8"),  # 0: no bar is being built
        ("trades", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<f8"),  # shares of regular trades
    ]
)

SYMBOL_FIELDS: Final[list[tuple[object, ...]]] = [
    ("bid_nanos", "<i8"),  # last accepted quote
    ("ask_nanos", "<i8"),
    ("bid_size_nanos", "<i8"),
    ("ask_size_nanos", "<i8"),
    ("quote_ns", "<i8"),  # receive time of the last accepted quote; 0: none
    ("last_trade_nanos", "<i8"),  # last regular trade
    ("trade_ns", "<i8"),
    ("quality", "<i8"),  # flags of the last quote, accepted or not, and of the feed
    ("spikes", "<i8"),  # rejected in a row as spikes
    ("print_spikes", "<i8"),  # regular prints in a row that were spikes
    ("seen_ns", "<i8"),  # receive time of the last record of any kind
    ("bid", "<f8"),
    ("ask", "<f8"),
    ("mid", "<f8"),
    ("bid_size", "<f8"),
    ("ask_size", "<f8"),
    ("spread_bps", "<f8"),
    ("last_trade", "<f8"),
    ("session", "<i8"),  # row of the venue's trading session
    ("group", "<i8"),  # row of the market group; -1: none
    ("bars_from_trades", "<i8"),
    ("stale_ns", "<i8"),  # of this symbol alone; 0: as the settings say
    ("newsy_until_ns", "<i8"),
    ("newsy_from_ns", "<i8"),
    ("cooldown_until_ns", "<i8"),  # per-symbol cooldown, written by the engine
    ("quotes", "<i8"),  # counters
    ("trades", "<i8"),
    ("rejected", "<i8"),
    ("gaps", "<i8"),
    ("second", BAR),  # being built
    ("minute", BAR),
    ("last_second", BAR),  # last closed
    ("last_minute", BAR),
]

SESSION = row(
    [
        ("open_ns", "<i8"),
        ("close_ns", "<i8"),
        ("entries_from_ns", "<i8"),  # open plus the no-trade window after it
        ("entries_until_ns", "<i8"),  # close less the no-trade window before it
    ]
)

SETTINGS_FIELDS: Final[list[tuple[object, ...]]] = [
    ("wide_bps", "<f8"),
    ("spike_bps", "<f8"),
    ("spikes_max", "<i8"),  # so many in a row are a new price level, not a bad print
    ("gap_ns", "<i8"),
    ("future_ns", "<i8"),
    ("stale_ns", "<i8"),
]
