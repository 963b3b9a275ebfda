"""What a log that broke off leaves half done: attentions, intents and approvals of its last input that its acts do not finish.

An input's acts follow it in the log, so only the last input's can be incomplete. An exit that broke off after its features is not
told: exits are level-triggered and come again.
"""

from typing import Final, NamedTuple, final

from tidegate.engine import layout
from tidegate.engine.core import BrokenOff, Core
from tidegate.events.acts import AttentionRaised, FeatureSnapshot, Lapse, NothingDone, RegimeChanged, StrategyFaulted, TradeIntent
from tidegate.events.base import Act
from tidegate.values.enums import ApprovalState, AttentionKind, LapseKind

_KINDS: Final = {
    layout.ATTEND_REGIME: AttentionKind.REGIME,
    layout.ATTEND_GROUP: AttentionKind.REGIME,
    layout.ATTEND_EXIT: AttentionKind.EXIT,
    layout.ATTEND_ENTRY: AttentionKind.ENTRY,
    layout.ATTEND_BAR: AttentionKind.BAR,
    layout.ATTEND_QUOTE: AttentionKind.QUOTE,
    layout.ATTEND_TIMER: AttentionKind.TIMER,
}
_ANSWERS: Final = (NothingDone, StrategyFaulted, TradeIntent)


class LogEnd(NamedTuple):
    """Where a recorded session ends, and up to which input its acts are known to be complete."""

    session: str
    last_n: int
    judged_to: int


@final
class Lapsing:
    """Watches recorded inputs and acts while they are folded."""

    def __init__(self, core: Core) -> None:
        self._core: Final = core
        self._raised: list[Lapse] = []  # by the last input, without their act yet
        self._asked: dict[str, Lapse] = {}  # with their act, by correlation id, without an answer yet

    def input(self, rows: list[list[int]]) -> None:
        """Take the attentions that a recorded input has raised; those of the input before are finished."""
        self._raised = [self._lapse(row) for row in rows]
        self._asked = {}

    def act(self, act: Act) -> None:
        """Take a recorded act."""
        if isinstance(act, AttentionRaised | RegimeChanged):
            kind = act.kind if isinstance(act, AttentionRaised) else AttentionKind.REGIME
            lapse = Lapse(kind=LapseKind.ATTENTION, symbol=act.symbol, strategy_id=act.strategy_id, attention=kind)
            if lapse in self._raised:
                self._raised.remove(lapse)
            if isinstance(act, AttentionRaised):
                self._asked[act.correlation_id] = lapse
        elif isinstance(act, _ANSWERS) or (isinstance(act, FeatureSnapshot) and self._is_exit(act.correlation_id)):
            self._asked.pop(act.correlation_id, None)

    def broken_off(self, end: LogEnd) -> BrokenOff | None:
        """Return what is half done at the end of the log; None where nothing is."""
        core = self._core
        if end.judged_to >= end.last_n:
            return None
        intents = [*core.intents.values()]
        approved = [core.orders.approved[decision] for decision in sorted(core.orders.approved)]
        granted = [approval.intent for approval in core.approvals.open.values() if approval.state is ApprovalState.GRANTED]
        lapsed = (
            *self._raised,
            *self._asked.values(),
            *(Lapse(kind=LapseKind.INTENT, symbol=i.symbol, strategy_id=i.strategy_id) for i in intents),
            *(Lapse(kind=LapseKind.APPROVAL, symbol=i.symbol, strategy_id=i.strategy_id) for i in approved),
            *(Lapse(kind=LapseKind.REQUEST, symbol=i.symbol, strategy_id=i.strategy_id) for i in core.approvals.asking.values()),
            *(Lapse(kind=LapseKind.GRANT, symbol=i.symbol, strategy_id=i.strategy_id) for i in granted),
        )
        if not lapsed:
            return None
        return BrokenOff(session=end.session, judged_to=end.judged_to, taken_to=end.last_n, lapsed=lapsed)

    def _is_exit(self, correlation_id: str) -> bool:
        asked = self._asked.get(correlation_id)
        return asked is not None and asked.attention is AttentionKind.EXIT

    def _lapse(self, row: list[int]) -> Lapse:
        core, (kind, strategy, place) = self._core, row[:3]
        return Lapse(
            kind=LapseKind.ATTENTION,
            symbol="" if kind == layout.ATTEND_GROUP else core.by_place[place].symbol,
            strategy_id=core.strategies[strategy].strategy_id if strategy >= 0 else "",
            attention=_KINDS[kind],
        )
