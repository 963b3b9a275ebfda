"""The features' fields of a symbol row and their settings.

Volatility is the standard deviation of log returns per square root of a second. EW = exponentially weighted.
"""

from typing import Final

RANGE_MINUTES_MAX: Final = 64

SYMBOL_FIELDS: Final[list[tuple[object, ...]]] = [
    ("warm_seconds", "<i8"),  # closed second bars since the start or the last gap
    ("warm_minutes", "<i8"),
    ("valid", "<i8"),  # 1: every feature below is warm
    ("ema_fast", "<f8"),  # EW of second closes
    ("ema_slow", "<f8"),
    ("previous_second_close", "<f8"),
    ("previous_second_ns", "<i8"),
    ("previous_minute_close", "<f8"),
    ("variance_short", "<f8"),  # EW of squared log returns per second
    ("variance_long", "<f8"),
    ("volatility_short", "<f8"),
    ("volatility_long", "<f8"),
    ("return_mean", "<f8"),  # EW of log returns
    ("return_size", "<f8"),  # EW of absolute log returns
    ("trend_strength", "<f8"),  # |mean| / size, 0 to 1 (an EW form of Kaufman's efficiency ratio, 1995)
    ("trend_direction", "<f8"),  # -1, 0, +1
    ("atr", "<f8"),  # Wilder's average true range of minute bars, dollars (Wilder 1978)
    ("spread_quotes", "<i8"),  # accepted quotes since the start or the last gap
    ("spread_mean", "<f8"),  # EW over accepted quotes, bps
    ("spread_deviation", "<f8"),  # EW of absolute deviations, bps
    ("spread_anomaly", "<f8"),  # (spread - mean) / deviation
    ("volume_short", "<f8"),  # EW of second volumes, shares
    ("volume_long", "<f8"),
    ("volume_anomaly", "<f8"),  # short / long; 1 is normal
    ("range_high", "<f8"),  # highest high of the last closed minutes (Donchian)
    ("range_low", "<f8"),
    ("vwap", "<f8"),  # of regular trades since the session's first record
    ("vwap_notional", "<f8"),
    ("vwap_volume", "<f8"),
    ("shock_until_ns", "<i8"),  # newsy: a gap or volume shock happened within the configured time
    ("highs", "<f8", (RANGE_MINUTES_MAX,)),
    ("lows", "<f8", (RANGE_MINUTES_MAX,)),
]

SETTINGS_FIELDS: Final[list[tuple[object, ...]]] = [
    ("ema_fast_weight", "<f8"),
    ("ema_slow_weight", "<f8"),
    ("variance_short_weight", "<f8"),
    ("variance_long_weight", "<f8"),
    ("trend_weight", "<f8"),
    ("atr_weight", "<f8"),
    ("spread_weight", "<f8"),
    ("volume_short_weight", "<f8"),
    ("volume_long_weight", "<f8"),
    ("range_minutes", "<i8"),
    ("warm_seconds_min", "<i8"),
    ("warm_minutes_min", "<i8"),
    ("shock_volume", "<f8"),  # volume anomaly at or above this is a shock
    ("shock_ns", "<i8"),
]
