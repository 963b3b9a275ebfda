"""A real trader's audit chain: it proves itself while it is written, after a proper end and after a kill -9."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.live.pair import Account, TraderProcess, Venue, environment, wait_for
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import CommandKind

pytestmark = pytest.mark.req("D2.3")


def call(home: Path, *words: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", *words, "--home", str(home), "--json"],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def verified(home: Path) -> dict[str, Any]:
    code, said = call(home, "audit", "verify")
    assert (code, said["ok"]) == (0, True), said
    (account,) = said["accounts"]
    assert isinstance(account, dict)
    return account


def found(home: Path, *words: str) -> list[dict[str, Any]]:
    code, said = call(home, "audit", "search", *words, "--limit", "10000")
    assert code == 0
    records: list[dict[str, Any]] = said["records"]
    return records


def test_everything_that_happened_is_in_a_chain_that_proves_itself(venue: Venue, account: Account) -> None:
    home = account.home
    with TraderProcess(account) as trader:
        wait_for("fills", lambda: len(venue.fills()) >= 3 or not trader.is_alive)
        assert trader.is_alive, trader.said()
        running = verified(home)
        assert running["sealed_seq"] > 0
        code, _ = call(home, "pause", "--reason", "a test")
        assert code == 0
        wait_for("the request", lambda: bool(found(home, "--type", "request")))
        trader.popen.kill()  # no proper end
        trader.popen.wait()
    killed = verified(home)
    assert killed["records"] >= running["records"]
    with TraderProcess(account) as trader:
        wait_for("a start", lambda: len(found(home, "--type", "trader_started")) == 2 or not trader.is_alive)
        assert trader.is_alive, trader.said()
        assert trader.stop() == 0, trader.said()
    ended = verified(home)
    assert ended["open_records"] == 0
    assert found(home)[0]["type"] == "trader_stopped"
    assert [record["type"] for record in found(home, "--type", "chain_doubted")] == []
    (asked,) = [record for record in found(home, "--type", "request") if '"verb":"pause"' in record["body"]]
    assert '"reason":"a test"' in asked["body"]
    sent = {record["subject"]: record["ts_ns"] for record in found(home, "--type", "order_sent")}
    store = SqlLedger(home / "ledger.db")
    orders = {row.client_order_id for row in store.outbox(account_of(home), tuple(OutboxState)) if row.kind is CommandKind.SUBMIT}
    store.close()
    assert orders
    assert orders <= set(sent)
    calls = found(home, "--type", "venue_call")
    assert any(json.loads(record["body"])["method"] == "POST" and json.loads(record["body"])["status"] == 200 for record in calls)
    assert (home / "audit" / "key.pem").stat().st_mode & 0o077 == 0


def account_of(home: Path) -> str:
    return str(found(home, "--type", "lease_taken")[0]["account"])
