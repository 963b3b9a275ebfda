"""Rows of the strategy layer: one per strategy, one per pair of strategy and symbol (`own` in a trigger)."""

from typing import Final

from tidegate.kernel.layout import row

SCRATCH_CELLS: Final = 16
PARAMETERS_MAX: Final = 64

# What a trigger returns.
NONE: Final = 0
BUY: Final = 1
SELL: Final = 2
EXIT: Final = 3

# Why a trigger's entry was masked; places in `masked`.
MASK_DISARMED: Final = 0  # after an entry, until the re-entry rule arms the pair again
MASK_COOLDOWN: Final = 1
MASK_SESSION: Final = 2  # closed, or in a no-trade window
MASK_QUALITY: Final = 3
MASK_REGIME: Final = 4
MASK_SPREAD: Final = 5
MASKS: Final = 6
MASK_NAMES: Final = ("disarmed", "symbol cooldown", "outside its trading window", "data quality", "regime", "spread")

OWN = row(
    [
        ("active", "<i8"),  # 1: this strategy watches this symbol
        ("position_nanos", "<i8"),  # written by the engine only, as are the exit levels
        ("working_exit_nanos", "<i8"),
        ("armed_at_ns", "<i8"),  # entries from here on; NEVER while an entry works or a position is open
        ("opened_ns", "<i8"),
        ("age_ns", "<i8"),  # since the position was opened; advanced by the kernel
        ("age_events", "<i8"),  # accepted records of the symbol since then
        ("stop_nanos", "<i8"),  # 0: none
        ("take_nanos", "<i8"),
        ("trail_nanos", "<i8"),  # distance
        ("trail_best_nanos", "<i8"),
        ("time_stop_at_ns", "<i8"),
        ("exit_next_ns", "<i8"),  # throttle of level-triggered exits
        ("exit_reason", "<i8"),  # of the last exit attention; 0: none wanted
        ("exit_level_nanos", "<i8"),
        ("position", "<f8"),  # shares
        ("entry_price", "<f8"),  # average, dollars
        ("spread_kill_bps", "<f8"),
        ("masked", "<i8", (MASKS,)),
        ("scratch", "<f8", (SCRATCH_CELLS,)),  # the trigger's own
    ]
)

STRATEGY = row(
    [
        ("has_trigger", "<i8"),
        ("wants_quotes", "<i8"),
        ("wants_seconds", "<i8"),
        ("wants_minutes", "<i8"),
        ("eligible", "<i8"),  # bit 4 x symbol regime + market regime
        ("exit_retry_ns", "<i8"),
        ("spread_max_bps", "<f8", (16,)),  # by the same place
    ]
)

PARAMS_BLOB = row([("cells", "<f8", (PARAMETERS_MAX,))])

# Exit reasons of the kernel; `EXIT_REASONS` puts them in words.
EXIT_NONE: Final = 0
EXIT_STOP: Final = 1
EXIT_TAKE: Final = 2
EXIT_TRAIL: Final = 3
EXIT_TIME: Final = 4
EXIT_SPREAD: Final = 5
EXIT_TRIGGER: Final = 6
