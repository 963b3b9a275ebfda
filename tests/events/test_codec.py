"""Messages survive their bytes, and what is not a message of this version is refused with one sentence."""

import types
from enum import Enum
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.events.examples import example_of, tag_of
from tidegate.events.codec import (
    AnyMessage,
    UnreadableMessageError,
    decode,
    decode_opening,
    encode,
    encode_opening,
)
from tidegate.events.inputs import Tick
from tidegate.events.session import SessionOpened
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.1")

_SIMPLE = {
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),  # state and messages hold no NaN
    str: st.text(),
    bytes: st.binary(),
    bool: st.booleans(),
    types.NoneType: st.none(),
}


def anything_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for any value a field of this type can take."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return st.one_of([anything_of(part) for part in parts])
    if origin is tuple and Ellipsis in parts:
        return st.lists(anything_of(parts[0]), max_size=4).map(tuple)
    if origin is tuple:
        return st.tuples(*[anything_of(part) for part in parts])
    if issubclass(kind, msgspec.Struct):
        fields = {field.name: anything_of(field.type) for field in msgspec.structs.fields(kind)}
        return st.fixed_dictionaries(fields).map(lambda values: kind(**values))
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return _SIMPLE[kind]


@pytest.mark.parametrize("message", get_args(AnyMessage), ids=tag_of)
@given(data=st.data())
def test_any_message_comes_back_equal_and_with_the_same_bytes(message, data):
    original = data.draw(anything_of(message))
    read = decode(encode(original))
    assert read == original
    assert type(read) is type(original)
    assert encode(read) == encode(original)
    assert decode(memoryview(encode(original))) == original


@given(anything_of(SessionOpened))
def test_any_opening_comes_back_equal(opening):
    assert decode_opening(encode_opening(opening)) == opening
    assert decode_opening(memoryview(encode_opening(opening))) == opening


def changed(message: type[msgspec.Struct], **changes: object) -> bytes:
    raw = msgspec.msgpack.decode(msgspec.msgpack.encode(example_of(message)))
    return msgspec.msgpack.encode({**raw, **changes})


REFUSED = {
    "unknown tag": {"type": "no_such_message"},
    "unknown field": {"added_in_a_later_version": 1},
    "wrong type": {"timestamp": "noon", "seed": "noon"},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_a_message_of_another_version_is_refused_with_one_sentence(changes):
    for read, message in ((decode, Tick), (decode_opening, SessionOpened)):
        fields = {field.name for field in msgspec.structs.fields(message)}
        known = {key: value for key, value in changes.items() if key not in {"timestamp", "seed"} or key in fields}
        with pytest.raises(UnreadableMessageError, match=r"cannot be read .*\.$") as caught:
            read(changed(message, **known))
        assert caught.value.exit_code is ExitCode.ENVIRONMENT


@given(st.binary(max_size=40))
@example(data=b"\x81\xa1\x80")  # a name that is no text
@example(data=b"\x81\xa4type\xa1\x80")  # a tag that is none
def test_bytes_that_are_no_message_are_refused(data):
    for read in (decode, decode_opening):
        with pytest.raises(UnreadableMessageError):
            read(data)


@pytest.mark.parametrize("message", get_args(AnyMessage), ids=tag_of)
def test_a_message_cut_anywhere_is_refused(message):
    whole = encode(example_of(message))
    for length in range(len(whole)):
        with pytest.raises(UnreadableMessageError):
            decode(whole[:length])
