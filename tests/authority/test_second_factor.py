"""A code is good for one login, half a minute early or late, and never again."""

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.authority.second_factor import DECOY, enrolment, new_secret, step_of, used_step
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("E2")

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW_NS = 1_800_000_015 * SECOND_NS


def code(steps_ahead: int, secret: str = SECRET) -> str:
    """What an authenticator shows so many half minutes from now."""
    return pyotp.TOTP(secret).at(NOW_NS // SECOND_NS + 30 * steps_ahead)


@pytest.mark.parametrize("aside", [-1, 0, 1])
def test_the_code_of_now_and_of_the_steps_beside_it_is_good(aside: int) -> None:
    assert used_step(SECRET, code(aside), NOW_NS, 0) == step_of(NOW_NS) + aside


@pytest.mark.parametrize("aside", [-3, -2, 2, 3])
def test_older_and_newer_codes_are_not(aside: int) -> None:
    assert used_step(SECRET, code(aside), NOW_NS, 0) is None


@given(st.integers(-1, 1), st.integers(-3, 3))
def test_a_step_is_good_once_and_none_before_it_any_more(aside: int, used: int) -> None:
    last = step_of(NOW_NS) + used
    found = used_step(SECRET, code(aside), NOW_NS, last)
    assert found == (step_of(NOW_NS) + aside if aside > used else None)


@given(st.text(max_size=12))
def test_any_other_text_is_no_code(text: str) -> None:
    good = {code(aside) for aside in (-1, 0, 1)}
    assert (used_step(SECRET, text, NOW_NS, 0) is not None) == (text.replace(" ", "") in good)


def test_a_code_may_be_typed_with_a_space() -> None:
    assert used_step(SECRET, f"{code(0)[:3]} {code(0)[3:]}", NOW_NS, 0) == step_of(NOW_NS)


def test_a_code_of_another_secret_is_wrong() -> None:
    assert code(0, DECOY) != code(0)
    assert used_step(SECRET, code(0, DECOY), NOW_NS, 0) is None


def test_an_authenticator_reads_the_enrolment() -> None:
    secret = new_secret()
    read = pyotp.parse_uri(enrolment("ann", secret))
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer, read.digits, read.interval) == (secret, "ann", "tidegate", 6, 30)
    assert read.at(NOW_NS // SECOND_NS) == pyotp.TOTP(secret).at(NOW_NS // SECOND_NS)
    assert len(secret) == 32
    assert new_secret() != secret
