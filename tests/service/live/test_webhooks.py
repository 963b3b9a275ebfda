"""The whole way with real processes: emulated venue, `tidegate up`, its notifier, and the receiver of the examples; asked while it runs."""

import csv
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.live.books import messages
from scripts.live.pair import CONFIG, Venue, environment, wait_for
from tests.conftest import ROOT
from tidegate.events.inputs import OrderEvent
from tidegate.service.webhooks.standing import read_standing
from tidegate.values.enums import OrderEventKind

pytestmark = pytest.mark.req("I5", "I6", "X1")

FILLS = 6
NAME, SECRET = "TIDEGATE_WEBHOOK_OPS", "thirty-two letters of a live test"


@contextmanager
def process(said: Path, *words: str, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    with said.open("wb") as out:
        running = subprocess.Popen([sys.executable, *words], stdout=out, stderr=out, env=environment() | more, cwd=ROOT)
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()
            running.wait()


def told(said: Path, *events: str) -> list[str]:
    """The lines that the receiver printed about some events."""
    lines = said.read_text().splitlines()
    return [line for line in lines if line.split()[1:2] and line.split()[1] in events]


def asked(home: Path, *words: str) -> str:
    command = [sys.executable, "-m", "tidegate", *words, "--home", str(home), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment()).stdout


def test_fills_and_a_kill_reach_a_receiver_and_the_journal_is_read_while_it_trades(venue: Venue, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    config, home, said, up_said = tmp_path / "mill.yaml", tmp_path / "home", tmp_path / "receiver", tmp_path / "up"
    text = CONFIG.read_text().replace("strategy: mill.py", f"strategy: {CONFIG.parent / 'mill.py'}")
    hooks = f"webhooks:\n  - {{name: ops, url: 'http://127.0.0.1:{port}/', events: [fills, trips, unknown]}}\n"
    placed = text.replace("  feed: iex\n", f"  feed: iex\n  origin: '{venue.origin}'\n")
    assert placed != text, "nothing goes to the venue itself"
    config.write_text(placed + hooks)
    receiver = process(said, str(ROOT / "examples" / "receive_webhook.py"), port, **{NAME: SECRET})
    service = process(up_said, "-m", "tidegate", "up", "--config", str(config), "--home", str(home), **{NAME: SECRET})
    with receiver, service as up:
        wait_for("fills at the receiver", lambda: len(told(said, "fill")) >= FILLS or up.poll() is not None)
        assert up.poll() is None, up_said.read_text()
        rows = json.loads(asked(home, "journal", "orders"))["rows"]
        filled = [row for row in rows if row["state"] == "filled"]
        assert filled
        assert all(row["received_ns"] <= row["durable_ns"] <= row["sent_ns"] <= row["done_ns"] for row in filled)
        asked(home, "journal", "export", "decisions", str(tmp_path / "decisions.csv"))
        with (tmp_path / "decisions.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) >= len(filled)
        asked(home, "kill", "--yes", "--reason", "a test of webhooks")
        wait_for("the kill at the receiver", lambda: bool(told(said, "kill") and told(said, "gate")))
        up.send_signal(signal.SIGINT)
        assert up.wait(120) == 0, up_said.read_text()
        standing = read_standing(home, "ops")
    assert standing is not None
    assert (standing.failed, standing.unread) == (0, 0)
    kinds = {OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED}
    events = [one for one in messages(home / "log") if isinstance(one, OrderEvent) and one.kind in kinds]
    assert len(told(said, "fill")) == len({(one.client_order_id, one.execution_id) for one in events})
    assert "a test of webhooks" in told(said, "kill")[0]
    assert SECRET not in up_said.read_text()
