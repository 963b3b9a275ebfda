"""Structured events: each input and act of a log but market records and what only times the loop."""

from collections.abc import Iterator
from typing import Final

from tidegate.analytics.journal.cells import place
from tidegate.analytics.journal.columns import Kind, Row, full
from tidegate.analytics.journal.source import Told
from tidegate.analytics.journal.words import sentence
from tidegate.events.inputs import ClockAnchored, LagMeasured, Tick
from tidegate.journal.evidence import OrderStages
from tidegate.journal.rows import message_body

_LEFT_OUT: Final = (Tick, LagMeasured, ClockAnchored)  # `tidegate log show` has these


def event_rows(source: Iterator[Told]) -> Iterator[Row]:
    """Yield a row for each event."""
    for told in source:
        message = told.message
        if isinstance(message, (OrderStages, *_LEFT_OUT)):
            continue
        yield full(
            Kind.EVENTS,
            place(told, message)
            | {
                "type": message.__struct_config__.tag,
                "client_order_id": getattr(message, "client_order_id", ""),
                "sentence": sentence(message, told.n, told.k),
                "body": message_body(message),
            },
        )
