"""Ids are derived: the same parts give the same id, other parts another one, and they fit what venues allow."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.ids import (
    CLIENT_ORDER_ID_LENGTH_MAX,
    EventId,
    SessionId,
    client_order_id,
    event_id,
    letters_of,
    session_id,
)

pytestmark = pytest.mark.req("B1.1")

TEXT = st.text(max_size=12)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 40))
def test_letters_are_the_low_five_of_every_six_bits_in_the_alphabet_of_rfc_4648(digest: bytes, count: int) -> None:
    bits = "".join(f"{byte:08b}" for byte in digest)
    fives = [int(bits[at + 1 : at + 6], 2) for at in range(0, 6 * count, 6)]
    assert letters_of(digest, count) == "".join("abcdefghijklmnopqrstuvwxyz234567"[five] for five in fives)


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
    assert rest == letters_of(digest, 26)


def test_each_place_in_a_chain_has_an_id_of_its_own() -> None:
    names = {client_order_id(account="a", event=EventId("s-1-2"), chain=chain, epoch=epoch) for chain in range(20) for epoch in range(3)}
    assert len(names) == 60
