"""Who caused what: from an order back to its decision, intent, features and attention, by their ids."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self, final

from tidegate.analytics.entries import Entry
from tidegate.events.acts import AttentionRaised, FeatureSnapshot, OrderCommand, RiskDecision, TradeIntent
from tidegate.values.enums import CommandKind


@final
@dataclass
class Links:
    """Indexes over one session's messages; features belong to the next intents of their story and symbol."""

    attentions: dict[str, AttentionRaised] = field(default_factory=dict)  # by event_id
    intents: dict[str, TradeIntent] = field(default_factory=dict)  # by event_id
    decisions: dict[str, RiskDecision] = field(default_factory=dict)  # by event_id
    verdicts: dict[str, RiskDecision] = field(default_factory=dict)  # by intent id
    features: dict[str, FeatureSnapshot] = field(default_factory=dict)  # by intent id
    orders: dict[str, OrderCommand] = field(default_factory=dict)  # the submit or replace that made it, by client id

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Return the indexes, read in one pass in log order."""
        links = cls()
        seen: dict[tuple[str, str], FeatureSnapshot] = {}
        for _, _, message in entries:
            match message:
                case AttentionRaised():
                    links.attentions[message.event_id] = message
                case FeatureSnapshot():
                    seen[message.correlation_id, message.symbol] = message
                case TradeIntent():
                    links.intents[message.event_id] = message
                    found = seen.get((message.correlation_id, message.symbol))
                    if found is not None:
                        links.features[message.event_id] = found
                case RiskDecision():
                    links.decisions[message.event_id] = message
                    links.verdicts[message.intent_id] = message
                case OrderCommand(kind=CommandKind.SUBMIT | CommandKind.REPLACE):
                    links.orders.setdefault(message.client_order_id, message)
                case _:
                    pass
        return links

    def intent_of(self, command: OrderCommand) -> TradeIntent | None:
        """Return the intent a command carries out; None for one that needed no approval."""
        decision = self.decisions.get(command.decision_id)
        return None if decision is None else self.intents.get(decision.intent_id)
