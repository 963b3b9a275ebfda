"""What the kernel's numbers mean in the words of messages."""

from typing import Final

from tidegate.engine import layout
from tidegate.strategies.rows import BUY, EXIT_SPREAD, EXIT_STOP, EXIT_TAKE, EXIT_TIME, EXIT_TRAIL, EXIT_TRIGGER, SELL
from tidegate.values.enums import AttentionKind, ExitReason, Side

SIDES: Final = {BUY: Side.BUY, SELL: Side.SELL}
KINDS: Final = {
    layout.ATTEND_ENTRY: AttentionKind.ENTRY,
    layout.ATTEND_BAR: AttentionKind.BAR,
    layout.ATTEND_QUOTE: AttentionKind.QUOTE,
    layout.ATTEND_TIMER: AttentionKind.TIMER,
}
REASONS: Final = {
    EXIT_STOP: ExitReason.STOP_LOSS,
    EXIT_TAKE: ExitReason.TAKE_PROFIT,
    EXIT_TRAIL: ExitReason.TRAILING_STOP,
    EXIT_TIME: ExitReason.TIME_STOP,
    EXIT_SPREAD: ExitReason.SPREAD_KILL,
    EXIT_TRIGGER: ExitReason.TRIGGER,
}
EXIT_WORDS: Final = {
    ExitReason.STOP_LOSS: "stop loss reached",
    ExitReason.TAKE_PROFIT: "take profit reached",
    ExitReason.TRAILING_STOP: "trailing stop reached",
    ExitReason.TIME_STOP: "held as long as the plan allows",
    ExitReason.SPREAD_KILL: "spread wider than the plan allows while holding",
    ExitReason.TRIGGER: "the trigger said exit",
}
