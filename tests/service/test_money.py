"""Which key and which hosts a mode gets: paper hosts never see a live key, live hosts never see a paper key."""

import pytest

from tests.service.test_keys import LIVE, PAPER, Shelf
from tidegate.service.keys import MissingKeyError, WrongKeyError
from tidegate.service.starting import MODES, UnknownModeError, UnsafePythonError, access_of, check_mode
from tidegate.values.errors import ExitCode
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, AccessError, LiveAccess, PaperAccess, local_hosts

pytestmark = [pytest.mark.req("E1"), pytest.mark.req("E3")]

BOTH = Shelf(PAPER | LIVE)
REAL = ("small-live", "live")
HERE = "http://127.0.0.1:8100"
REHEARSAL = Shelf({"ALPACA_API_KEY": "AKEMULATOR", "ALPACA_API_SECRET": "s"})


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_takes_its_kind_of_key_to_its_hosts_though_both_are_there(mode: str) -> None:
    access, hosts, secrets = access_of(mode, [BOTH], "")
    shown = {secret.reveal() for secret in secrets}
    if mode in REAL:
        assert (type(access), hosts) == (LiveAccess, LIVE_HOSTS)
        assert shown == set(LIVE.values())
    else:
        assert (type(access), hosts) == (PaperAccess, PAPER_HOSTS)
        assert shown == set(PAPER.values())


@pytest.mark.parametrize(("mode", "shelf"), [(mode, Shelf(PAPER if mode in REAL else LIVE)) for mode in MODES])
def test_the_other_kind_of_key_alone_opens_nothing(mode: str, shelf: Shelf) -> None:
    with pytest.raises(MissingKeyError):
        access_of(mode, [shelf], "")


@pytest.mark.parametrize("mode", MODES)
def test_a_key_under_the_wrong_name_is_refused(mode: str) -> None:
    names, other = (LIVE, PAPER) if mode in REAL else (PAPER, LIVE)
    swapped = dict(zip(names, other.values(), strict=True))
    with pytest.raises(WrongKeyError):
        access_of(mode, [Shelf(swapped)], "")


@pytest.mark.parametrize("mode", REAL)
def test_real_money_at_an_emulator_takes_the_emulators_key_alone(mode: str) -> None:
    with pytest.raises(AccessError, match="live hosts only"):
        access_of(mode, [BOTH], HERE)
    assert access_of(mode, [REHEARSAL], HERE)[1] == local_hosts(HERE)
    with pytest.raises(AccessError, match="this machine only"):
        access_of(mode, [REHEARSAL], "")
    with pytest.raises(AccessError, match="this machine only"):
        access_of(mode, [REHEARSAL], "http://elsewhere:8100")


def test_modes_that_are_none_and_real_money_without_assertions() -> None:
    for mode in MODES:
        check_mode(mode)
        if mode in REAL:
            with pytest.raises(UnsafePythonError, match="python -O") as refused:
                check_mode(mode, asserts=False)
            assert refused.value.exit_code is ExitCode.REFUSED
        else:
            check_mode(mode, asserts=False)
    with pytest.raises(UnknownModeError, match="dry-run, shadow, paper, small-live or live"):
        check_mode("Live")
