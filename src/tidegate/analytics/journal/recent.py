"""What came before a decision or an order in its story: kept for the stories of late, so that memory does not grow with the log."""

from collections import OrderedDict
from typing import Final, final

from tidegate.analytics.entries import Entry
from tidegate.events.acts import AttentionRaised, FeatureSnapshot, NothingDone, OrderCommand, RiskDecision, TradeIntent
from tidegate.events.codec import AnyMessage

STORIES_MAX: Final = 4_096  # a story that no message was about for so many others is over
STORY_ENTRIES_MAX: Final = 64
_KEPT: Final = AttentionRaised | FeatureSnapshot | TradeIntent | RiskDecision


@final
class Recent:
    """Attentions, features, intents and verdicts of the stories told last, by correlation id."""

    def __init__(self) -> None:
        self._stories: Final[OrderedDict[str, list[Entry]]] = OrderedDict()

    def take(self, message: AnyMessage, n: int = 0, k: int = 0) -> None:
        """Take a message in."""
        if not isinstance(message, _KEPT):
            return
        story = self._stories.setdefault(message.correlation_id, [])
        self._stories.move_to_end(message.correlation_id)
        story.append(Entry(n, k, message))
        if len(story) > STORY_ENTRIES_MAX:
            del story[1]  # the first says what began it
        if len(self._stories) > STORIES_MAX:
            self._stories.popitem(last=False)

    def attention(self, message: RiskDecision | NothingDone) -> AttentionRaised | None:
        """Return what asked."""
        story = self._stories.get(message.correlation_id, ())
        return next((entry.message for entry in story if isinstance(entry.message, AttentionRaised)), None)

    def features(self, message: RiskDecision | NothingDone) -> FeatureSnapshot | None:
        """Return what could be seen of the symbol."""
        story = reversed(self._stories.get(message.correlation_id, ()))
        seen = (entry.message for entry in story if isinstance(entry.message, FeatureSnapshot))
        return next((one for one in seen if one.symbol == message.symbol), None)

    def intent(self, decision: RiskDecision) -> TradeIntent | None:
        """Return what was judged."""
        story = reversed(self._stories.get(decision.correlation_id, ()))
        intents = (entry.message for entry in story if isinstance(entry.message, TradeIntent))
        return next((one for one in intents if one.event_id == decision.intent_id), None)

    def before(self, command: OrderCommand) -> list[Entry]:
        """Return what led to an order: attention, features, its own intent and verdict."""
        story = self._stories.get(command.correlation_id, ())
        verdict = next((entry.message for entry in story if entry.message.event_id == command.decision_id), None)
        intent_id = verdict.intent_id if isinstance(verdict, RiskDecision) else ""
        return [entry for entry in story if _led_to(entry.message, command, intent_id)]


def _led_to(message: AnyMessage, command: OrderCommand, intent_id: str) -> bool:
    match message:
        case RiskDecision():
            return message.event_id == command.decision_id
        case TradeIntent():
            return message.event_id == intent_id
        case FeatureSnapshot():
            return message.symbol == command.symbol
        case _:
            return True
