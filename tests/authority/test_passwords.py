"""Passwords are hashed with argon2id, take as long for nobody as for somebody, and are made anew when the parameters change."""

import re
from typing import Literal

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.authority.errors import BadUserError
from tidegate.authority.passwords import LENGTH_MAX, LENGTH_MIN, Passwords, check_password

pytestmark = pytest.mark.req("E2")

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD = "correct horse battery"


def test_the_parameters_are_argon2id_and_above_the_floor() -> None:
    made = Passwords().hashed(GOOD)
    found = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$.+", made)
    assert found
    memory_kib, passes, lanes = map(int, found.groups())
    assert memory_kib >= 64 * 1024
    assert passes >= 3
    assert lanes == 1, "a check takes one core, not those of the trading loop as well"


def test_the_right_password_matches_and_no_other_does() -> None:
    passwords = Passwords(QUICK)
    made = passwords.hashed(GOOD)
    assert passwords.matches(made, GOOD)
    assert not passwords.matches(made, GOOD + " ")
    assert not passwords.matches(made, "")
    assert passwords.hashed(GOOD) != made, "each hash has its own salt"


def test_nobody_has_a_password_and_a_damaged_hash_matches_nothing() -> None:
    passwords = Passwords(QUICK)
    for password in (GOOD, "nobody has this password"):
        assert not passwords.matches(None, password)
    assert not passwords.matches("not a hash", GOOD)
    assert not passwords.matches("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$", GOOD)


def test_a_check_for_nobody_hashes_as_well() -> None:
    asked: list[str] = []

    class Spy(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's word
            asked.append(str(hash))
            return super().verify(hash, password)

    passwords = Passwords(Spy(time_cost=1, memory_cost=8, parallelism=1))
    passwords.matches(None, GOOD)
    assert len(asked) == 1
    assert asked[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_an_accent_is_the_same_however_it_is_typed() -> None:
    passwords = Passwords(QUICK)
    assert passwords.matches(passwords.hashed("caf\u00e9 au lait noir"), "cafe\u0301 au lait noir")


def test_a_hash_of_other_parameters_is_outdated() -> None:
    old = Passwords(QUICK).hashed(GOOD)
    assert Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)).outdated(old)
    assert not Passwords(QUICK).outdated(old)


@pytest.mark.parametrize("password", ["", "x" * 40, "short words", "ab" * 6, "a" * (LENGTH_MAX + 1), "12" * 200])
def test_a_password_that_is_guessed_too_soon_is_refused(password: str) -> None:
    with pytest.raises(BadUserError) as refused:
        check_password(password)
    assert not password or password not in str(refused.value)


@settings(deadline=None)
@given(st.text("abcdefghijk é", min_size=LENGTH_MIN, max_size=40).filter(lambda text: len(set(text)) >= 5))
def test_what_is_taken_matches_itself(password: str) -> None:
    passwords = Passwords(QUICK)
    assert passwords.matches(passwords.hashed(password), password)
