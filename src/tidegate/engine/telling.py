"""What is told of the senses: attentions with what could be seen, and changed regimes. Where nobody reads it, it is only numbered."""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.events.acts import AttentionRaised, RegimeChanged
from tidegate.regime.rows import WHY_NAMES
from tidegate.values.enums import AttentionKind, ExitReason, Regime, Side
from tidegate.values.ids import EventId


@final
class Telling:
    """Tells of the senses; the id of an attention is the correlation of all that follows from it."""

    def __init__(self, core: Core) -> None:
        self._core: Final = core

    def attention(self, kind: AttentionKind, strategy: int, place: int, side: Side | None, length_ns: int) -> EventId:
        """Tell of an attention that a strategy is asked about; return its id."""
        core = self._core
        event = core.next_id()
        if not core.telling:
            core.keep_to_itself()
            return event
        core.tell(
            AttentionRaised(
                event_id=event,
                timestamp=core.now_ns,
                symbol=core.by_place[place].symbol,
                strategy_id=core.strategies[strategy].strategy_id,
                correlation_id=event,
                kind=kind,
                side=side,
                bar_length_ns=length_ns,
            )
        )
        return event

    def exit(self, strategy: int, place: int, reason: ExitReason, level_nanos: int) -> EventId:
        """Tell of an exit level that was hit, and of all that could be seen then; return the attention's id."""
        core = self._core
        event = core.next_id()
        if not core.telling:
            core.keep_to_itself()
            core.keep_to_itself()
            return event
        symbol, strategy_id = core.by_place[place].symbol, core.strategies[strategy].strategy_id
        core.tell(
            AttentionRaised(
                event_id=event,
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=event,
                kind=AttentionKind.EXIT,
                exit_reason=reason,
                level_nanos=level_nanos,
            )
        )
        pair = core.host.pair(strategy, place)
        core.tell(core.reading.features(place, pair, head=(core.next_id(), core.now_ns, symbol, strategy_id, event)))
        return event

    def regime(self, place: int, before: int, *, of_group: bool) -> None:
        """Tell of the new label of a symbol, or of a market group."""
        core = self._core
        if not core.telling:
            core.keep_to_itself()
            return
        after, why = core.reading.group_cells(place) if of_group else core.reading.regime_cells(place)
        event = core.next_id()
        core.tell(
            RegimeChanged(
                event_id=event,
                timestamp=core.now_ns,
                symbol="" if of_group else core.by_place[place].symbol,
                strategy_id="",
                correlation_id=event,
                group=core.spec.groups[place].name if of_group else core.by_place[place].market_group,
                before=Regime(before),
                after=Regime(after),
                why=WHY_NAMES[why],
            )
        )
