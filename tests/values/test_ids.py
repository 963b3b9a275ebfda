"""Ids are derived: the same parts give the same id, other parts another one, and they fit what venues allow."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.ids import (
    CLIENT_ORDER_ID_LENGTH_MAX,
    EventId,
    SessionId,
    base32,
    client_order_id,
    event_id,
    session_id,
)

pytestmark = pytest.mark.req("B1.1")

TEXT = st.text(max_size=12)


def test_the_alphabet_is_that_of_rfc_4648() -> None:
    assert base32(bytes(20), 2) == "aaaa"
    assert base32(b"foobar" + bytes(14), 5) == "mzxw6ytboi"
    assert base32(b"\xff" * 20, 3) == "777777"


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_session_ids_tell_apart_what_defines_a_session(left: list[bytes], right: list[bytes]) -> None:
    assert (session_id(*left) == session_id(*right)) == (left == right)


def test_parts_cannot_flow_into_each_other() -> None:
    assert session_id(b"ab", b"c") != session_id(b"a", b"bc")
    assert len(session_id(b"x")) == 16


def test_an_event_is_named_by_session_input_and_act() -> None:
    assert event_id(SessionId("abc"), 7, 0) == "abc-7-0"


@given(TEXT, TEXT, st.integers(0, 9), st.integers(0, 10**9))
def test_client_order_ids_fit_and_repeat(account: str, event: str, chain: int, epoch: int) -> None:
    name = client_order_id(account=account, event=EventId(event), chain=chain, epoch=epoch)
    assert name == client_order_id(account=account, event=EventId(event), chain=chain, epoch=epoch)
    assert len(name) <= CLIENT_ORDER_ID_LENGTH_MAX
    prefix, _, rest = name.partition("-")
    assert prefix == str(epoch)
    digest = sha256(f"{account}|{event}|{chain}".encode()).digest()
    assert rest == base32(digest, 13)


def test_each_place_in_a_chain_has_an_id_of_its_own() -> None:
    names = {client_order_id(account="a", event=EventId("s-1-2"), chain=chain, epoch=epoch) for chain in range(20) for epoch in range(3)}
    assert len(names) == 60
