"""One account, two traders: the second is refused, takes over from a dead one, and a sleeper that wakes finds itself fenced off."""

import signal
import sqlite3
from contextlib import closing

import pytest

from scripts.live.books import compare, rows
from scripts.live.pair import Account, TraderProcess, Venue, wait_for
from tidegate.journal import check
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B2.2", "F1")

TAKEOVER_S = 60.0
KILL, STOP, CONTINUE = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


def newest_epoch_sends(account: Account, epoch: int) -> bool:
    return any(row.epoch == epoch and row.state.value == "answered" for row in rows(account.home / "ledger.db"))


def put_to_sleep(trader: TraderProcess, account: Account) -> None:
    """Stop a trader outside every transaction of its ledger: within one it would keep the database locked, and nobody could take over."""

    def sleeps_unlocked() -> bool:
        trader.signal(STOP)
        with closing(sqlite3.connect(account.home / "ledger.db", isolation_level=None, timeout=0.1)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                trader.signal(CONTINUE)
                return False
            other.execute("ROLLBACK")
            return True

    wait_for("the trader to sleep and leave its ledger open to others", sleeps_unlocked)


def test_a_second_trader_on_the_same_account_is_refused_with_one_sentence(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as first:
        wait_for("the first to trade", lambda: bool(venue.fills()) or not first.is_alive)
        with TraderProcess(account) as second:
            assert second.ended() == ExitCode.REFUSED
        assert first.is_alive, first.said()
        assert first.stop() == 0
    _, sentence = second.err
    assert sentence.startswith("Account mill is traded by ")
    assert sentence.endswith("stop that trader first, or use another account.\n")


def test_the_account_of_a_killed_trader_is_taken_over_within_a_minute(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as first:
        wait_for("the first to trade", lambda: bool(venue.fills()) or not first.is_alive)
        with TraderProcess(account, "--patient") as second:
            wait_for("the second to wait", lambda: any("waits for" in line for line in second.err) or not second.is_alive)
            first.kill()
            took_s = wait_for("orders of the second", lambda: newest_epoch_sends(account, 2) or not second.is_alive)
            assert second.is_alive, second.said()
            assert took_s <= TAKEOVER_S
            assert second.stop() == 0, second.said()
    found = compare(account.home, venue)
    assert found.is_clean, found


def test_a_holder_that_sleeps_through_a_takeover_sends_at_most_one_request_and_stops(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as sleeper:
        wait_for("the first to trade", lambda: bool(venue.fills()) or not sleeper.is_alive)
        put_to_sleep(sleeper, account)
        asleep = {order["client_order_id"] for order in venue.orders()}
        with TraderProcess(account, "--patient") as second:
            wait_for("the second to follow its orders", lambda: venue.state()["trading_streams"] == 2 or not second.is_alive)
            assert second.is_alive, second.said()
            sleeper.signal(CONTINUE)
            assert sleeper.ended() == ExitCode.REFUSED, sleeper.said()
            wait_for("orders of the second", lambda: newest_epoch_sends(account, 2) or not second.is_alive)
            assert second.is_alive, second.said()
            assert second.stop() == 0, second.said()
    escaped = {order["client_order_id"] for order in venue.orders() if order["client_order_id"].startswith("1-")} - asleep
    assert len(escaped) <= 1
    assert "was taken over by another trader" in sleeper.said()
    found = compare(account.home, venue)
    assert [*found.duplicates, *found.unknown, *found.lost_fills] == []
    assert check(account.home / "log") is None, "what the sleeper wrote after it woke is no part of the log"


def test_a_trader_that_waits_for_the_account_stops_when_asked_to(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as first:
        wait_for("the first to trade", lambda: bool(venue.fills()) or not first.is_alive)
        with TraderProcess(account, "--patient") as second:
            wait_for("the second to wait", lambda: any("waits for" in line for line in second.err) or not second.is_alive)
            assert second.stop() == 0, second.said()
        assert first.is_alive
        assert first.stop() == 0
    assert "Stopped." in second.said()
