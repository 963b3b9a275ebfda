"""Old logs open for ever: the bytes of one example of each message stand in `frozen/`."""

import msgspec
import pytest

from tests.events.examples import FROZEN, MESSAGES, example_of, frozen_lines, tag_of
from tidegate.events.codec import AnyMessage, decode, decode_opening, encode, encode_opening
from tidegate.events.inputs import Tick
from tidegate.events.market import MarketEvent
from tidegate.events.records import RECORD, RECORD_BYTES
from tidegate.events.session import SessionOpened

pytestmark = pytest.mark.req("B1.1")

every_message = pytest.mark.parametrize("message", MESSAGES, ids=tag_of)
every_headed_message = pytest.mark.parametrize("message", [message for message in MESSAGES if message is not SessionOpened], ids=tag_of)


def opened(message: type[msgspec.Struct], data: bytes) -> msgspec.Struct:
    if message is SessionOpened:
        return decode_opening(data)
    if message is MarketEvent:  # a view for people, never logged as a message
        return msgspec.msgpack.decode(data, type=MarketEvent)
    return decode(data)


@every_message
def test_every_layout_a_message_ever_had_still_opens_as_that_message(message):
    lines = frozen_lines(message)
    assert lines, "freeze it: python -m tests.events.examples"
    for line in lines:
        assert type(opened(message, line)) is message


@every_message
def test_an_example_of_today_has_the_bytes_frozen_last(message):
    assert msgspec.msgpack.encode(example_of(message)) == frozen_lines(message)[-1]
    assert opened(message, frozen_lines(message)[-1]) == example_of(message)


@every_headed_message
def test_reading_and_writing_an_old_layout_again_gives_its_old_bytes(message):
    for line in frozen_lines(message):
        assert msgspec.msgpack.encode(opened(message, line)) == line


@every_message
def test_an_example_leaves_no_field_at_its_default(message):
    example = example_of(message)
    for field in msgspec.structs.fields(message):
        if field.name != "version":
            assert getattr(example, field.name) != field.default, field.name


@every_message
def test_a_message_without_its_later_fields_opens_with_their_defaults(message):
    required = {field.name for field in msgspec.structs.fields(message) if field.required}
    raw = msgspec.msgpack.decode(msgspec.msgpack.encode(example_of(message)))
    old = {name: value for name, value in raw.items() if name in required or name == "type"}
    read = opened(message, msgspec.msgpack.encode(old))
    for field in msgspec.structs.fields(message):
        if field.name not in required:
            assert getattr(read, field.name) == field.default


def test_no_frozen_file_is_left_without_its_message():
    assert {path.stem for path in FROZEN.glob("*.txt")} == {tag_of(message) for message in MESSAGES}


def test_tags_are_unique():
    tags = [tag_of(message) for message in MESSAGES]
    assert len(tags) == len(set(tags))


@every_message
def test_every_message_is_frozen_takes_keywords_only_and_refuses_unknown_fields(message):
    config = message.__struct_config__
    assert config.frozen
    assert config.forbid_unknown_fields
    assert config.tag_field == "type"
    assert set(message.__match_args__) == set(), "kw_only is not inherited: repeat it, or the bytes change"


@every_headed_message
def test_every_message_carries_the_same_head(message):
    names = [field.name for field in msgspec.structs.fields(message)][:6]
    assert names == ["event_id", "timestamp", "symbol", "strategy_id", "correlation_id", "version"]


def test_a_tick_has_these_bytes():
    tick: AnyMessage = Tick(event_id="s-1-0", timestamp=5, symbol="", strategy_id="", correlation_id="s-1-0")
    assert encode(tick) == (
        b"\x86\xa4type\xa4tick\xa8event_id\xa5s-1-0\xa9timestamp\x05\xa6symbol\xa0\xabstrategy_id\xa0\xaecorrelation_id\xa5s-1-0"
    )


def test_an_opening_is_written_with_all_its_fields():
    assert msgspec.msgpack.decode(encode_opening(example_of(SessionOpened))).keys() == {
        "type",
        *(field.name for field in msgspec.structs.fields(SessionOpened)),
    }


def test_a_market_record_keeps_its_layout():
    assert RECORD_BYTES == 64
    assert RECORD.names is not None
    assert RECORD.fields is not None
    assert [(name, *RECORD.fields[name]) for name in RECORD.names] == [
        ("ts_event", "<i8", 0),
        ("ts_recv", "<i8", 8),
        ("venue_seq", "<i8", 16),
        ("instrument", "<i4", 24),
        ("kind", "<i2", 28),
        ("flags", "<i2", 30),
        ("a", "<i8", 32),
        ("b", "<i8", 40),
        ("c", "<i8", 48),
        ("d", "<i8", 56),
    ]
