"""The head that every message carries, and nothing else.

Messages never change after creation. Old logs open for ever: a field never changes its type or meaning, new fields get
defaults, a tag is never reused; a test freezes the bytes of one example of each. Subclasses repeat `kw_only`, since
msgspec does not inherit it and the field order, hence the bytes, would change.
"""

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", omit_defaults=True, gc=False):
    """What happened or was asked, with its identity.

    event_id is a function of (session, n, k); timestamp is the engine's now in ns UTC; correlation_id is the event_id of
    the act or input that began the story (an attention, an operator's request). Empty symbol or strategy_id: about none.
    """

    event_id: str
    timestamp: int
    symbol: str
    strategy_id: str
    correlation_id: str
    version: int = 1


class Input(Message, frozen=True, kw_only=True, gc=False):
    """Something the engine was told. It has a number n and cannot be refused."""


class Act(Message, frozen=True, kw_only=True, gc=False):
    """Something the engine did: act k of input n. Replay recomputes and compares these."""
