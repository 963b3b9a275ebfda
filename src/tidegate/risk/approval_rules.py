"""Rules of the configuration about entries that a person has to approve: declared data, no code."""

from typing import Annotated, Final

import msgspec

from tidegate.events.acts import TradeIntent
from tidegate.values.enums import Side

MICROS_MAX: Final = 10**18


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries that a person has to approve, as declared data. What is empty or None restricts nothing."""

    name: str
    sentence: str
    strategy_id: str = ""
    symbol: str = ""
    side: Side | None = None
    quantity_nanos_above: int | None = None  # of the whole entry
    notional_micros_above: Annotated[int, msgspec.Meta(ge=0, le=MICROS_MAX)] | None = None

    def covers(self, intent: TradeIntent, notional_micros: int | None) -> bool:
        """Tell whether the rule is about an entry; one whose worth cannot be seen counts as above."""
        if self.strategy_id not in ("", intent.strategy_id) or self.symbol not in ("", intent.symbol):
            return False
        if self.side is not None and self.side is not intent.side:
            return False
        quantity = intent.whole_quantity_nanos or intent.quantity_nanos
        if self.quantity_nanos_above is not None and quantity <= self.quantity_nanos_above:
            return False
        above = self.notional_micros_above
        return above is None or notional_micros is None or notional_micros > above
