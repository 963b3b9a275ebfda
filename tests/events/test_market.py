"""The readable view of market records."""

import numpy as np
import pytest

from tidegate.events import records
from tidegate.events.market import UnknownRecordKindError, market_event
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.1")


def a_record(kind):
    made = np.array([(11, 12, 13, 14, kind, 16, 17, 18, 19, 20)], records.RECORD)
    return made[0]


@pytest.mark.parametrize(("code", "name"), records.KIND_NAMES.items())
def test_every_kind_of_record_is_shown_field_by_field(code, name):
    event = market_event(a_record(code), event_id="s-7-0", symbol="BAC")
    assert (event.event_id, event.correlation_id, event.symbol, event.strategy_id) == (
        "s-7-0",
        "s-7-0",
        "BAC",
        "",
    )
    assert (event.kind, event.ts_event, event.timestamp, event.venue_seq, event.flags) == (
        name,
        11,
        12,
        13,
        16,
    )
    assert (event.a, event.b, event.c, event.d) == (17, 18, 19, 20)


def test_a_record_of_an_unknown_kind_is_refused_with_what_to_do():
    with pytest.raises(UnknownRecordKindError, match="kind 99 is unknown; upgrade tidegate") as caught:
        market_event(a_record(99), event_id="s-7-0", symbol="BAC")
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_flags_of_records_are_single_bits_and_none_is_used_twice():
    flags = [
        records.MADE_RECV,
        records.SUSPICIOUS,
        records.ONE_SIDED,
        records.LOCKED,
        records.CROSSED,
        records.SLOW_QUOTE,
        records.REGULAR,
        records.OFF_EXCHANGE,
        records.OPENING,
        records.CLOSING,
        records.CORRECTION,
    ]
    assert flags == [1 << bit for bit in range(len(flags))]


def test_every_kind_has_one_name():
    assert sorted(records.KIND_NAMES) == [1, 2, 3, 4, 5, 6]
    assert len(set(records.KIND_NAMES.values())) == len(records.KIND_NAMES)
