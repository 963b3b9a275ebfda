"""The signature: what it proves, what it refuses, and that a receiver needs no more than the manual says."""

import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidegate
from tidegate.service.webhooks.signature import SIGNATURE, TOLERANCE_S, WebhookRefusedError, signature_of, verify_webhook

pytestmark = pytest.mark.req("I6")

SECRET = "a secret of thirty-two letters ok"
BODY = b'{"id":"one-7-0"}'
NOW = 1_772_461_800


def headers(body: bytes = BODY, at_s: int = NOW, secret: str = SECRET) -> dict[str, str]:
    return {"Content-Type": "application/json", SIGNATURE: signature_of(secret, body, at_s)}


def test_what_was_signed_is_proved_and_returned() -> None:
    assert verify_webhook(SECRET, headers(), BODY, now_s=NOW) == {"id": "one-7-0"}
    upper = {name.upper(): value for name, value in headers().items()}
    assert verify_webhook(SECRET, upper, BODY, now_s=NOW + TOLERANCE_S) == {"id": "one-7-0"}
    assert tidegate.verify_webhook(SECRET, headers(at_s=int(time.time())), BODY) == {"id": "one-7-0"}


def test_the_signature_is_the_one_of_the_manual() -> None:
    mac = hmac.new(SECRET.encode(), f"{NOW}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert signature_of(SECRET, BODY, NOW) == f"t={NOW},v1={mac}"


@given(st.data())
def test_one_changed_byte_of_body_time_signature_or_secret_is_refused(data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=1, max_size=200))
    signed = signature_of(SECRET, body, NOW)
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytes([*body[:place], body[place] ^ data.draw(st.integers(1, 255)), *body[place + 1 :]])
    other = signed.replace(f"t={NOW}", f"t={NOW + 1}")
    for secret, header, given_body in (
        (SECRET, signed, changed),
        (SECRET, other, body),
        (SECRET, signed[:-1] + ("0" if signed[-1] != "0" else "1"), body),
        (SECRET[:-1], signed, body),
    ):
        with pytest.raises(WebhookRefusedError, match="not of this body and secret"):
            verify_webhook(secret, {SIGNATURE: header}, given_body, now_s=NOW)


@pytest.mark.parametrize("late_s", [TOLERANCE_S + 1, -TOLERANCE_S - 1, 10**9])
def test_a_delivery_of_another_time_is_refused(late_s: int) -> None:
    with pytest.raises(WebhookRefusedError, match="more than 300 s from now"):
        verify_webhook(SECRET, headers(), BODY, now_s=NOW + late_s)
    assert verify_webhook(SECRET, headers(), BODY, now_s=NOW + late_s, tolerance_s=10**10)


@pytest.mark.parametrize(
    "header",
    ["", "t=1", "v1=ab", "t=,v1=ab", "t=x,v1=ab", "t=1,t=2,v1=ab", "v0=ab,t=1", "t=²,v1=ab", "t=-1,v1=ab", "t=1,v1=é", "," * 5_000],
)
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(WebhookRefusedError, match="no t= and v1="):
        verify_webhook(SECRET, {SIGNATURE: header}, BODY, now_s=1)
    with pytest.raises(WebhookRefusedError):
        verify_webhook(SECRET, {}, BODY, now_s=1)


def test_while_a_secret_changes_one_right_signature_of_several_is_enough() -> None:
    both = f"{signature_of('the old one', BODY, NOW)},{signature_of(SECRET, BODY, NOW).partition(',')[2]}"
    assert verify_webhook(SECRET, {SIGNATURE: both}, BODY, now_s=NOW)
    assert verify_webhook("the old one", {SIGNATURE: both}, BODY, now_s=NOW)
    many = f"t={NOW}," + ",".join(["v1=00"] * 8) + f",v1={signature_of(SECRET, BODY, NOW).partition('v1=')[2]}"
    with pytest.raises(WebhookRefusedError):
        verify_webhook(SECRET, {SIGNATURE: many}, BODY, now_s=NOW)


def test_a_signed_body_that_is_no_object_is_refused() -> None:
    for body in (b"[1]", b"\xff", b""):
        with pytest.raises(WebhookRefusedError, match="no JSON object"):
            verify_webhook(SECRET, headers(body), body, now_s=NOW)


def test_an_error_holds_neither_secret_nor_body() -> None:
    with pytest.raises(WebhookRefusedError) as caught:
        verify_webhook(SECRET, headers(secret="other"), BODY, now_s=NOW)
    assert SECRET not in str(caught.value)
    assert "one-7-0" not in str(caught.value)
