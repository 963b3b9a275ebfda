"""`tidegate kill` at a real trader with orders at a real (emulated) venue: what comes in late, what is reported, what a restart keeps."""

from pathlib import Path

import pytest

from scripts.live.killing import filled_up, gate_times_ms, locked, resumed, strike, tidegate
from scripts.live.many import Size, open_orders, write_config
from scripts.live.pair import Account, TraderProcess, Venue, wait_for
from tests.service.live.conftest import SPEED
from tidegate.control.home import Home
from tidegate.service.sentinel import read_kills

pytestmark = pytest.mark.req("B3.6", "D2.1")

SIZE = Size(strategies=4, symbols=3)  # and one more symbol: the tape has four
GATES = 20
GATE_MS_MAX = 1_000.0  # of a test machine that is busy with other tests; the drill holds the promise of 100 ms
OUT_MS_MAX = 3_000.0  # likewise; the promise is 1 s


@pytest.fixture
def account(venue: Venue, tmp_path: Path) -> Account:
    """A trader with many resting orders, and some that come and go."""
    return Account(tmp_path / "home", venue.origin, write_config(tmp_path / "many.yaml", SIZE))


def test_a_kill_with_the_ledger_locked_cancels_all_reports_it_and_stands_after_a_restart(venue: Venue, account: Account) -> None:
    home = ("--home", str(account.home))
    with TraderProcess(account) as trader:
        filled_up(venue, SIZE, lambda: trader.is_alive)
        assert trader.is_alive, trader.said()
        narrow = strike(venue, account, SPEED, scope=("strategy", "s01"), expected=SIZE.symbols)
        assert (narrow.found, narrow.not_ended, narrow.code) == (SIZE.symbols, 0, 0), narrow
        assert max(gate_times_ms(account, GATES)) < GATE_MS_MAX
        resumed(account, "--strategy", "s01")
        filled_up(venue, SIZE, lambda: trader.is_alive)
        with locked(account.home / "ledger.db"):
            struck = strike(venue, account, SPEED)
        assert struck.found >= SIZE.orders, struck
        assert (struck.not_ended, struck.late, struck.late_by_report, struck.code) == (0, [], [], 0), struck
        assert struck.gate_ms is not None
        assert struck.gate_ms < GATE_MS_MAX
        assert struck.cancels_out_ms is not None
        assert struck.cancels_out_ms < OUT_MS_MAX
        assert struck.switch == "switch_set"
        request_id = read_kills(Home(account.home))[-1].request_id
        _, living, _ = tidegate("status", "--request", request_id, *home)
        trader.stop()
    assert open_orders(venue) == 0
    code, dead, _ = tidegate("status", "--request", request_id, *home)
    assert code == 0
    assert dead == living, "the log alone tells the same"
    assert tidegate("status", "--request", "nobody", *home)[0] == 1
    orders = len(venue.orders())
    with TraderProcess(account) as again:
        wait_for("an answer", lambda: not again.is_alive or tidegate("status", *home)[0] == 0)
        _, status, _ = tidegate("status", *home)
        assert ("global", "halted") in [(gate["scope"], gate["state"]) for gate in status["gates"]]
        _, later, _ = tidegate("status", "--request", request_id, *home)
        assert later == dead
        again.stop()
    assert len(venue.orders()) == orders
