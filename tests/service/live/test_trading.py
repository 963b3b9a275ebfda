"""The trader trades at the emulated venue over real sockets, and what it wrote can be decided again, byte for byte."""

import os
import sys
from pathlib import Path

import pytest

from scripts.live.books import compare, messages, rows
from scripts.live.killing import tidegate
from scripts.live.pair import KEY, Account, Fault, TraderProcess, Venue, wait_for
from tidegate.events.acts import OrderChanged, OrderCommand
from tidegate.events.inputs import EventListed, StreamChanged
from tidegate.kernel.mode import Mode
from tidegate.replay.verify import verify_log
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import CommandKind, OrderState
from tidegate.values.time import SECOND_NS
from tidegate.venues.alpaca.mapping.times import parse_ns

FILLS = 12
QUICK = 60.0  # tape seconds a second
QUIET_NS = 5 * 60 * SECOND_NS  # a stream without data is left after a minute while data is due
WATCHED = 4_000  # records by which the strategies have traded where no event is listed
FAULTS: list[Fault] = [
    {"kind": "lost_ack", "method": "POST", "path": "/v2/orders", "skip": 2, "count": 2},
    {"kind": "lost_request", "method": "POST", "path": "/v2/orders", "skip": 3, "count": 2},
    {"kind": "truncated_json", "method": "POST", "path": "/v2/orders", "skip": 5, "count": 2},
    {"kind": "truncated_json", "method": "GET", "path": "/v2/", "skip": 20, "count": 3},
    {"kind": "rate_limited", "method": "POST", "path": "/v2/orders", "retry_after": "1", "skip": 8, "count": 1},
    {"kind": "rate_limited", "method": "GET", "path": "/v2/", "retry_after": "-1", "skip": 30, "count": 2},
    {"kind": "server_error", "method": "POST", "path": "/v2/orders", "status": 500, "skip": 10, "count": 1},
    {"kind": "server_error", "method": "POST", "path": "/v2/orders", "status": 503, "processed": True, "skip": 11, "count": 1},
    {"kind": "server_error", "method": "GET", "path": "/v2/", "status": 502, "skip": 40, "count": 3},
    {"kind": "late_event", "event": "fill", "delay_ms": 8000, "skip": 1, "count": 3},
    {"kind": "duplicate_event", "event": "fill", "skip": 3, "count": 5},
    {"kind": "disconnect", "stream": "trading", "after_frames": 6, "skip": 0, "count": 2},
    {"kind": "disconnect", "stream": "data", "after_frames": 400, "count": 2},
]


def events(log: Path, state: OrderState) -> int:
    return sum(isinstance(message, OrderChanged) and message.after is state for message in messages(log))


def assert_verified(log: Path) -> None:
    verdict = verify_log(log, tapes=[], mode=Mode.COMPILED)
    assert verdict.match is True, verdict


@pytest.mark.req("B1.3", "X1", "X3", "F1", "G1")
def test_it_trades_and_verify_matches_what_it_wrote(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as trader:
        wait_for("fills", lambda: len(venue.fills()) >= FILLS or not trader.is_alive)
        wait_for("a resting order", lambda: _rests(venue) or not trader.is_alive)
        wait_for("an order that followed the market", lambda: bool(_ended_as(venue, "replaced")) or not trader.is_alive)
        wait_for("the venue's clock", lambda: not trader.is_alive or _venue_lines(account) == [("clock", "ok")])
        assert trader.is_alive, trader.said()
        assert trader.stop() == 0, trader.said()
    assert ", as configured (cancel_working)." in trader.said()
    assert "All of them are canceled." in trader.said()
    assert set(venue.state()["accounts"][KEY]["open_orders"]) == _protective(venue), "what is left protects what is held"
    found = compare(account.home, venue)
    assert found.is_clean, found
    assert found.fills >= FILLS
    assert_verified(account.home / "log")


@pytest.mark.req("G1")
def test_where_cancels_come_first_orders_follow_the_market_and_none_is_replaced(
    venue: Venue, account: Account, canceling_config: Path
) -> None:
    with TraderProcess(Account(account.home, venue.origin, canceling_config)) as trader:
        wait_for("fills", lambda: len(venue.fills()) > 0 or not trader.is_alive)
        wait_for("orders that followed", lambda: len(_followed(venue, account.home / "log")) >= 3 or not trader.is_alive)
        assert trader.stop() == 0, trader.said()
    assert _ended_as(venue, "replaced") == []
    found = compare(account.home, venue)
    assert found.is_clean, found
    assert_verified(account.home / "log")


@pytest.mark.req("B2.2", "B2.3", "B1.3", "X3")
def test_with_faults_on_nothing_is_doubled_or_lost_and_verify_matches(venue: Venue, account: Account) -> None:
    venue.arm(FAULTS)
    with TraderProcess(account) as trader:
        wait_for("every fault", lambda: all(one["is_over"] for one in venue.state()["faults"]) or not trader.is_alive)
        assert trader.is_alive, trader.said()
        venue.arm([])
        fills = len(venue.fills())
        wait_for("trading to go on", lambda: len(venue.fills()) > fills + FILLS or not trader.is_alive)
        wait_for("every outcome", lambda: not _unsure(account) or not trader.is_alive)
        assert trader.stop() == 0, trader.said()
    found = compare(account.home, venue)
    assert found.is_clean, found
    assert events(account.home / "log", OrderState.UNKNOWN) >= 3, "the faults were to leave outcomes open"
    assert_verified(account.home / "log")
    _assert_unsteady(account.home)


def _assert_unsteady(home: Path) -> None:
    """The report of a session with faults tells them: two lost connections of each stream, 429s, 5xx, lost and broken answers."""
    code, report, _ = tidegate("report", str(home / "log"), str(home / "report.html"))
    assert code == 0
    total = report["metrics"]["total"]
    assert 0.1 < total["stream_uptime"] < 1.0
    assert total["stream_losses"] >= 4
    assert total["stream_returns"] >= 3
    assert total["stream_outage_longest_seconds"] > 0
    assert total["venue_throttled"] >= 3
    assert total["venue_unanswered"] >= 4
    assert 0.0 < total["venue_error_rate"] < 0.5
    assert total["venue_calls"] > 100
    assert 0 < total["venue_answer_mean_ms"] <= total["venue_answer_worst_ms"]


def _venue_lines(account: Account) -> list[tuple[str, str]]:
    """Return what `tidegate status` tells of the venue: its clock alone, an emulator has no page."""
    _, status, _ = tidegate("status", "--home", str(account.home))
    return [(line["source"], line["level"]) for line in status["venue_status"]]


def _ended_as(venue: Venue, status: str) -> list[str]:
    return [order["client_order_id"] for order in venue.orders() if order["status"] == status]


def _followed(venue: Venue, log: Path) -> list[str]:
    """Return the orders at the venue that took the place of others."""
    asked = {m.client_order_id for m in messages(log) if isinstance(m, OrderCommand) and m.kind is CommandKind.REPLACE}
    return [order["client_order_id"] for order in venue.orders() if order["client_order_id"] in asked]


def _unsure(account: Account) -> list[str]:
    return [str(row.client_order_id) for row in rows(account.home / "ledger.db") if row.state is OutboxState.UNSURE]


@pytest.mark.req("F1")
def test_working_orders_are_left_where_that_is_configured(venue: Venue, account: Account, leaving_config: Path) -> None:
    leaving = Account(account.home, venue.origin, leaving_config)
    with TraderProcess(leaving) as trader:
        wait_for("a resting order", lambda: _rests(venue) or not trader.is_alive)
        assert trader.stop() == 0, trader.said()
    assert ", as configured (leave_working)." in trader.said()
    assert _rests(venue)


@pytest.mark.req("A1.3")
def test_while_a_listed_event_is_under_way_nothing_enters(venue: Venue, account: Account, eventful_config: Path) -> None:
    with TraderProcess(Account(account.home, venue.origin, eventful_config)) as trader:
        wait_for("a market that was watched", lambda: not trader.is_alive or _taken_in(account) > WATCHED)
        assert trader.is_alive, trader.said()
        assert trader.stop() == 0, trader.said()
    assert venue.orders() == []
    assert [message.title for message in messages(account.home / "log") if isinstance(message, EventListed)] == ["a day of news"]
    assert_verified(account.home / "log")


@pytest.mark.req("B4.1", "B4.3", "C2.4")
def test_a_closed_market_that_is_silent_breaks_no_stream(tape: Path, tmp_path: Path) -> None:
    with Venue(tape, speed=QUICK, begin="15:59") as venue:
        account = Account(tmp_path / "home", venue.origin)
        with TraderProcess(account) as trader:
            wait_for("a session", lambda: _taken_in(account) > 0 or not trader.is_alive)
            until_ns = max(int(venue.state()["now_ns"]), _closed_ns(venue)) + QUIET_NS
            wait_for("the evening", lambda: int(venue.state()["now_ns"]) > until_ns or not trader.is_alive)
            assert trader.is_alive, trader.said()
            assert trader.stop() == 0, trader.said()
    told = [(message.up, message.reason) for message in messages(account.home / "log") if isinstance(message, StreamChanged)]
    assert [reason for up, reason in told if not up and "no data" in reason] == []


def _closed_ns(venue: Venue) -> int:
    """Return when the session that is on closes; 0 when none is."""
    clock = venue.ask("GET", "/v2/clock")
    return parse_ns(clock["next_close"]) if clock["is_open"] else 0


def _taken_in(account: Account) -> int:
    """Return how many inputs a running trader has taken in; 0 before it answers."""
    code, status, _ = tidegate("status", "--home", str(account.home))
    return int(status["log"]["n"]) if code == 0 else 0


def _protective(venue: Venue) -> set[str]:
    """Return the stops that rest for a position, each as large as what is held."""
    held = {position["symbol"]: position["qty"] for position in venue.ask("GET", "/v2/positions")}
    stops = [order for order in venue.orders() if order["type"] == "stop"]
    assert stops, "none was ever placed"
    resting = [order for order in stops if order["status"] == "new"]
    assert all(order["qty"] == held[order["symbol"]] for order in resting)
    return {order["id"] for order in resting}


def _rests(venue: Venue) -> bool:
    """Tell whether an order stands where nothing comes by."""
    return any(order["symbol"] == "G04" and order["status"] == "new" for order in venue.orders())


@pytest.mark.req("B1.3", "B3.4")
@pytest.mark.parametrize("mode", ["dry-run", "shadow"])
def test_a_dry_run_decides_and_sends_nothing(venue: Venue, account: Account, mode: str) -> None:
    with TraderProcess(account, "--mode", mode) as trader:
        wait_for("decisions", lambda: trader.is_alive is False or _decided(account) >= 3)
        assert trader.stop() == 0, trader.said()
    assert venue.orders() == []
    assert {row.state for row in rows(account.home / "ledger.db")} == {OutboxState.ABANDONED}
    assert_verified(account.home / "log")


def _decided(account: Account) -> int:
    return len(rows(account.home / "ledger.db")) if (account.home / "ledger.db").exists() else 0


@pytest.mark.req("E1")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is told of Linux")
def test_the_keys_are_in_no_file_word_argument_or_environment_of_the_trader(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as trader:
        wait_for("a fill", lambda: bool(venue.fills()) or not trader.is_alive)
        environ = Path(f"/proc/{trader.pid}/environ").read_bytes() if os.getuid() == 0 else b""
        command = Path(f"/proc/{trader.pid}/cmdline").read_bytes()
        owner = Path(f"/proc/{trader.pid}/environ").stat().st_uid
        assert trader.stop() == 0, trader.said()
    assert owner == 0, "what a process holds is closed to its own user"
    places = {str(path): path.read_bytes() for path in account.home.rglob("*") if path.is_file()}
    places |= {"environ": environ, "command": command, "words": trader.said().encode()}
    for secret in (b"emulator-secret", KEY.encode()):
        assert [name for name, content in places.items() if secret in content] == []
