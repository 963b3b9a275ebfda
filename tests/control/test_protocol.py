"""Frames and messages: what goes in comes out, and whatever else comes is refused in a sentence."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.control.errors import BadFrameError, UnknownRequestError
from tidegate.control.frames import HEADER, REQUEST_BYTES_MAX, frame, length_of
from tidegate.control.hiding import HIDDEN, SECRET_FIELDS
from tidegate.control.protocol import (
    AddUser,
    AnyRequest,
    Ask,
    ChangeUser,
    FirstAdmin,
    Health,
    ListOrders,
    ListUsers,
    Login,
    Logout,
    Probe,
    Status,
    Whoami,
    decode_reply,
    decode_request,
    encode,
)
from tidegate.control.replies import CheckLine, HealthReply, Refused
from tidegate.values.enums import GateScope, RequestVerb, Role

pytestmark = pytest.mark.req("D2.1")

ASKS = st.builds(
    Ask,
    request_id=st.text(max_size=40),
    verb=st.sampled_from(RequestVerb),
    scope=st.sampled_from(GateScope),
    key=st.text(max_size=40),
    reason=st.text(max_size=200),
    order_id=st.text(max_size=40),
    proof=st.text(max_size=80),
)
WORDS = st.text(max_size=60)
IDENTITY = st.one_of(
    st.builds(Login, name=WORDS, password=WORDS, code=WORDS),
    st.builds(Logout, proof=WORDS),
    st.builds(Whoami, proof=WORDS),
    st.builds(FirstAdmin, token=WORDS, name=WORDS, password=WORDS),
    st.builds(AddUser, proof=WORDS, name=WORDS, role=st.sampled_from(Role), password=WORDS),
    st.builds(
        ChangeUser,
        proof=WORDS,
        name=WORDS,
        role=st.none() | st.sampled_from(Role),
        disabled=st.none() | st.booleans(),
        password=WORDS,
        new_second_factor=st.booleans(),
    ),
    st.builds(ListUsers, proof=WORDS),
)


@given(ASKS | st.builds(Health, probe=st.sampled_from(Probe)) | st.builds(ListOrders, finished_max=st.integers(0, 1_000)) | IDENTITY)
def test_a_request_comes_out_as_it_went_in(request: AnyRequest) -> None:
    data = frame(encode(request), REQUEST_BYTES_MAX)
    length = length_of(data[: HEADER.size], REQUEST_BYTES_MAX)
    assert len(data) == HEADER.size + length
    assert decode_request(data[HEADER.size :]) == request


@given(st.binary(max_size=300))
def test_garbage_is_no_request_and_no_reply(garbage: bytes) -> None:
    with pytest.raises(UnknownRequestError):
        decode_request(garbage)
    with pytest.raises(BadFrameError):
        decode_reply(garbage)


@given(ASKS, st.data())
def test_a_cut_request_is_refused_whole(request: Ask, data: st.DataObject) -> None:
    body = encode(request)
    with pytest.raises(UnknownRequestError):
        decode_request(body[: data.draw(st.integers(0, len(body) - 1))])


@given(st.binary(max_size=8), st.integers(1, 1 << 20))
def test_a_header_announces_what_is_taken_or_is_refused(header: bytes, bytes_max: int) -> None:
    whole = len(header) == HEADER.size and 0 < struct.unpack(">I", header)[0] <= bytes_max
    if whole:
        assert length_of(header, bytes_max) == struct.unpack(">I", header)[0]
        return
    with pytest.raises(BadFrameError):
        length_of(header, bytes_max)


def test_nothing_empty_and_nothing_too_long_is_framed() -> None:
    for body in (b"", b"x" * 11):
        with pytest.raises(BadFrameError):
            frame(body, 10)


def test_an_unknown_word_or_field_of_a_request_is_refused_and_says_what_to_do() -> None:
    for text in (
        b'{"ask":"ask","request_id":"1","verb":"explode","scope":"global"}',
        b'{"ask":"ask","request_id":"1","verb":"kill","scope":"global","but_not":"AAPL"}',
        b'{"ask":"sell_everything"}',
        b'{"ask":"orders","finished_max":1000000}',
        b'{"ask":"explain","identifier":"' + b"x" * 200 + b'"}',
        b"[]",
    ):
        with pytest.raises(UnknownRequestError, match="use the client of its own version"):
            decode_request(text)


def test_a_reply_of_a_newer_trader_is_read_as_far_as_it_is_known() -> None:
    assert decode_reply(b'{"reply":"health","ok":true,"checks":[{"name":"loop","ok":true,"seen":"s","more":1}],"new":2}') == HealthReply(
        ok=True, checks=(CheckLine(name="loop", ok=True, seen="s"),)
    )
    assert decode_reply(encode(Refused(sentence="No.", exit_code=4))) == Refused(sentence="No.", exit_code=4)


def test_a_request_reads_as_the_manual_shows_it() -> None:
    assert encode(Status()) == b'{"ask":"status"}'
    assert encode(Health(probe=Probe.READY)) == b'{"ask":"health","probe":"ready"}'


@pytest.mark.req("E2")
@given(ASKS | IDENTITY)
def test_a_request_prints_itself_without_its_secrets(request: AnyRequest) -> None:
    told = dict(request.__rich_repr__())
    assert set(told) == set(request.__struct_fields__)
    for name, value in told.items():
        given: object = getattr(request, name)
        assert value == (HIDDEN if given and name in SECRET_FIELDS else given)
    assert repr(request) == f"{type(request).__name__}({', '.join(f'{name}={value!r}' for name, value in told.items())})"
