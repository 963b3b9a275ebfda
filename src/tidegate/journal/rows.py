"""A log as flat rows, one for each entry and each market record, with every field by its full name.

What the tapes of a replay hold is not in its log: a span stays one row that says how many records it is for.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from tidegate.events.acts import StrategyStateChanged
from tidegate.events.codec import AnyMessage, decode
from tidegate.events.inputs import InstrumentDefined
from tidegate.events.market import market_event
from tidegate.events.session import SessionOpened
from tidegate.journal.layout import EntryKind
from tidegate.journal.reader import Entry, LogReader, Session
from tidegate.values.ids import SessionId, event_id
from tidegate.values.instruments import Instrument

Row = dict[str, Any]  # the keys of COLUMNS

COLUMNS = (
    "entry",  # number in the log
    "segment",
    "block",
    "session",
    "kind",  # opening, input, act, evidence, span, judged, records
    "n",
    "k",
    "type",  # of the message; market for a market record
    "time",  # engine's now, ns UTC; None where the entry has none
    "symbol",
    "strategy_id",
    "correlation_id",
    "event_id",
    "body",  # the message's own fields, defaults included
)

_TEXTS = ("symbol", "strategy_id", "correlation_id", "event_id")
_HEAD = frozenset({"timestamp", *_TEXTS})


def rows(reader: LogReader) -> Iterator[Row]:
    """Yield every entry of a log as a flat row.

    Raises:
        DamagedLogError: a block's payload changed after it was written.
        UnreadableMessageError: a message was written by a later version.
    """
    for session in reader.sessions:
        symbols = _symbols(session.opening)
        for entry in reader.entries(session.number):
            if entry.kind is EntryKind.RECORDS:
                yield from _market_rows(session, entry, reader.records(entry), symbols)
            else:
                yield _row(session, entry, symbols)


def full_names(message: msgspec.Struct) -> Row:
    """Return all fields of a message as builtins; bytes as base64 text."""
    return {field: msgspec.to_builtins(getattr(message, field)) for field in message.__struct_fields__ if field not in _HEAD}


def _symbols(opening: SessionOpened) -> dict[int, str]:
    """Which symbol each row of the senses stands for."""
    if not opening.instruments:
        return {}
    instruments = msgspec.msgpack.decode(opening.instruments, type=tuple[Instrument, ...])
    return {instrument.index: instrument.symbol for instrument in instruments}


def _row(session: Session, entry: Entry, symbols: dict[int, str]) -> Row:
    row = _bare(session, entry)
    match entry.kind:
        case EntryKind.INPUT | EntryKind.ACT:
            message = decode(entry.payload)
            if isinstance(message, InstrumentDefined):
                symbols[message.instrument.index] = message.instrument.symbol
            row |= {name: getattr(message, name) for name in _TEXTS}
            row |= {"type": message.__struct_config__.tag, "time": message.timestamp, "body": message_body(message)}
        case EntryKind.OPENING:
            row |= {"time": session.opening.started_ns, "body": _opening_body(session.opening)}
        case EntryKind.SPAN:
            row["body"] = {"count": entry.count}
        case EntryKind.EVIDENCE:
            row["body"] = {"bytes": bytes(entry.payload).decode("utf-8", errors="backslashreplace")}
        case _:
            row["body"] = {}
    return row


def message_body(message: AnyMessage) -> Row:
    """Return a message's own fields; the state of a strategy, msgpack of its own making, in words."""
    body = full_names(message)
    if isinstance(message, StrategyStateChanged):
        with suppress(msgspec.MsgspecError):
            body["state"] = msgspec.to_builtins(msgspec.msgpack.decode(message.state))
    return body


def _opening_body(opening: SessionOpened) -> Row:
    """An opening's fields; the documents among them in words, the state by its length."""
    body = full_names(opening)
    body["config"] = opening.config.decode("utf-8", errors="backslashreplace")
    body["instruments"] = msgspec.msgpack.decode(opening.instruments) if opening.instruments else []
    body["snapshot"] = f"{len(opening.snapshot)} bytes"
    return body


def _market_rows(session: Session, entry: Entry, records: np.ndarray[Any, Any], symbols: dict[int, str]) -> Iterator[Row]:
    bare = _bare(session, entry)
    for at, record in enumerate(records):
        n = entry.n + at
        identity = event_id(SessionId(session.opening.session_id), n, 0)
        event = market_event(record, event_id=identity, symbol=symbols.get(int(record["instrument"]), ""))
        yield bare | {
            "entry": entry.entry + at,
            "n": n,
            "type": "market",
            "time": event.timestamp,
            "symbol": event.symbol,
            "correlation_id": event.correlation_id,
            "event_id": identity,
            "body": full_names(event),
        }


def _bare(session: Session, entry: Entry) -> Row:
    kind = entry.kind.name.lower()
    row: Row = dict.fromkeys(COLUMNS, "")
    return row | {
        "entry": entry.entry,
        "segment": entry.segment,
        "block": entry.block,
        "session": session.opening.session_id,
        "kind": kind,
        "n": entry.n,
        "k": entry.k,
        "type": kind,
        "time": None,
    }
