"""The manual's page of roles says the figures of the code; its tables are made from it (`tests/service/test_pages.py`)."""

import pytest

from tests.conftest import ROOT
from tidegate.authority.lockout import BUCKETS, LockoutSettings
from tidegate.authority.passwords import LENGTH_MAX, LENGTH_MIN
from tidegate.authority.second_person import WAITS_NS_MAX
from tidegate.authority.sessions import FIRST_PREFIX, TOKEN_BYTES, SessionSettings
from tidegate.service.keys import PAPER_NAMES, PAPER_WATCHDOG_NAMES
from tidegate.service.logins import WAITING_MAX
from tidegate.values.enums import Role
from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

PAGE = (ROOT / "docs" / "roles.md").read_text()
ROTATION = (ROOT / "docs" / "deployment.md").read_text().partition("### Rotating a key")[2].partition("\n## ")[0]
NUMBERS = {3: "three", 5: "five", 8: "eight"}


@pytest.mark.req("E2")
def test_the_figures_are_those_of_the_code() -> None:
    sessions, lockout = SessionSettings(), LockoutSettings()
    for words in (
        f"after {sessions.alive_ns_max // HOUR_NS} hours, after {sessions.idle_ns_max // MINUTE_NS} minutes without use",
        f"at most {NUMBERS[sessions.of_one_user_max]} at a time",
        f"within {NUMBERS[sessions.fresh_ns_max // MINUTE_NS]} minutes of a login",
        f"a login of the last {sessions.fresh_ns_max // MINUTE_NS} minutes",
        f"{NUMBERS[lockout.free]} are free, then the pause",
        f"doubles from a second to {NUMBERS[lockout.pause_ns_max // MINUTE_NS]} minutes; after an hour",
        f"{LENGTH_MIN} to {LENGTH_MAX} letters",
        f"within {WAITS_NS_MAX // MINUTE_NS} minutes",
        f"{8 * TOKEN_BYTES} random bits",
        f"{NUMBERS[WAITING_MAX]} may wait",
        f"once: {FIRST_PREFIX}",
    ):
        assert words in PAGE, words
    assert (lockout.pause_ns, lockout.forgotten_ns) == (SECOND_NS, HOUR_NS)
    assert f"{BUCKETS:,} buckets" in (ROOT / "docs" / "decisions" / "0016-a-login-is-the-traders-own-affair.md").read_text()


@pytest.mark.req("E2")
def test_each_role_says_what_it_is_for() -> None:
    assert [role for role in Role if f"\n| {role.value.replace('_', ' ')} | " not in PAGE] == []


@pytest.mark.req("E3")
def test_the_rotation_of_keys_names_every_place_and_both_credentials() -> None:
    names = (PAPER_NAMES[0].key_id, PAPER_WATCHDOG_NAMES[0].key_id)
    for words in (*names, "keyring set tidegate", "Age file", "Regenerate", "tidegate pause", "tidegate resume"):
        assert words in ROTATION, words
    steps = [int(line.partition(".")[0]) for line in ROTATION.splitlines() if line[:1].isdigit()]
    assert steps == list(range(1, len(steps) + 1))
