"""The readable view of one market record, for people and exports. The kernel never sees it."""

import numpy as np

from tidegate.events import records
from tidegate.events.base import Input
from tidegate.values.errors import ExitCode, TidegateError


class UnknownRecordKindError(TidegateError):
    """A record's kind is not one this version knows."""

    exit_code = ExitCode.ENVIRONMENT


class MarketEvent(Input, frozen=True, kw_only=True, tag="market", gc=False):
    """One market record in words. Payload fields keep the record's meaning by kind (see `events.records`)."""

    kind: str
    ts_event: int
    venue_seq: int
    flags: int
    a: int
    b: int
    c: int
    d: int


def market_event(record: np.void, *, event_id: str, symbol: str) -> MarketEvent:
    """Return the readable view of a record.

    Raises:
        UnknownRecordKindError: written by a newer version.
    """
    code = int(record["kind"])
    kind = records.KIND_NAMES.get(code)
    if kind is None:
        raise UnknownRecordKindError(f"Market record kind {code} is unknown; upgrade tidegate to read this file.")
    return MarketEvent(
        event_id=event_id,
        timestamp=int(record["ts_recv"]),
        symbol=symbol,
        strategy_id="",
        correlation_id=event_id,
        kind=kind,
        ts_event=int(record["ts_event"]),
        venue_seq=int(record["venue_seq"]),
        flags=int(record["flags"]),
        a=int(record["a"]),
        b=int(record["b"]),
        c=int(record["c"]),
        d=int(record["d"]),
    )
