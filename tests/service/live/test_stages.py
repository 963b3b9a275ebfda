"""Real money, played by an emulator: who may start, with which key, at which host, under which caps, and what is written of it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from scripts.live.books import messages
from scripts.live.pair import CONFIG, LIVE_KEY, Account, TraderProcess, Venue, environment, wait_for
from tests.service.live.people import three_persons
from tests.service.live.test_refusing import refused
from tidegate.config.promotion import Measured, StrategyMeasured
from tidegate.config.reading import read_config
from tidegate.config.stages import EVIDENCE_MODES, Stage
from tidegate.config.versions import ConfigVersion, short
from tidegate.control.home import Home
from tidegate.control.protocol import AddVersion, MoveVersion, VersionVerb
from tidegate.events.acts import OrderCommand, RiskDecision
from tidegate.events.inputs import GateSet, PermissionSet
from tidegate.journal import read
from tidegate.kernel.mode import Mode
from tidegate.replay.verify import verify_log
from tidegate.service.beside import ask_ledger
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.setup import version_in
from tidegate.service.version_verbs import VersionRequest
from tidegate.values.enums import CommandKind, GateScope, GateState, Purpose, Verdict
from tidegate.values.errors import ExitCode
from tidegate.values.money import NANOS

pytestmark = [pytest.mark.req("D2.2"), pytest.mark.req("E1")]

CAP_USD = Decimal(300)
SECTIONS = f"""
small_live: {{order_notional_usd_max: {CAP_USD}, position_notional_usd_max: 900, total_exposure_usd_max: 2000, daily_loss_usd_max: 500}}
promotion:
  paper: {{trading_days_min: 1, decisions_min: 1, drift_findings_max: 0, trips_max: 0}}
  small_live: &trades
    trading_days_min: 1
    fills_min: 1
    orders_min: 1
    reject_rate_bps_max: 0
    drift_findings_max: 0
    trips_max: 0
    slippage_bps_max: 5
    drawdown_bps_max: 100
  live: *trades
"""


# Asks for so little that a minute of trading shows it.
EASY = {
    "reject_rate_bps_max: 0": "reject_rate_bps_max: 10000",
    "slippage_bps_max: 5": "slippage_bps_max: 1000",
    "drawdown_bps_max: 100": "drawdown_bps_max: 10000",
    "drift_findings_max: 0": "drift_findings_max: 1000",
    "trips_max: 0": "trips_max: 1000",
}


class TestClock:
    __test__ = False

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return written(tmp_path / "staged.yaml")


def written(path: Path, *, edit: tuple[str, str] = ("", ""), sections: Sequence[tuple[str, str]] = ()) -> Path:
    text = CONFIG.read_text().replace("strategy: mill.py", f"strategy: {CONFIG.parent / 'mill.py'}")
    more = SECTIONS
    for old, new in sections:
        assert old in more
        more = more.replace(old, new)
    path.write_text(text.replace(*edit) + more)
    return path


def typed(*arguments: str, home: Path, code: int = 0) -> str:
    """Return what a command said that came to `code`."""
    command = [sys.executable, "-m", "tidegate", *arguments, "--home", str(home)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert ran.returncode == code, ran.stderr
    return ran.stderr if code else ran.stdout


@pytest.fixture(scope="module")
def live_venue(tape: Path) -> "object":
    with Venue(tape, speed=20.0, live=True) as running:
        yield running


def ask(home: Path, request: VersionRequest, person: str = "ann") -> object:
    return ask_ledger(Home(home), "", "mill", request, person, TestClock())  # type: ignore[arg-type]


def climb(home: Path, config: Path, to: Stage) -> ConfigVersion:
    """Take a configuration up in a home, with made-up figures and two persons."""
    version = version_in(read_config(str(config)))
    ask(home, AddVersion(version=version))
    part = {"days_decided": 9, "days_filled": 9, "decisions": 9, "orders": 9, "fills": 9, "slippage_bps": "0.10"}
    parts = tuple(StrategyMeasured(strategy_id=one.strategy_id, **part) for one in version.strategies)  # type: ignore[arg-type]
    for stage in list(Stage)[1 : list(Stage).index(to) + 1]:
        figures = Measured(
            version_sha256=version.sha256, sessions=("s",), modes=(min(EVIDENCE_MODES[stage]),), strategies=parts,
            drift_findings=0, trips=0, drawdown_bps=0,
        )  # fmt: skip
        ask(home, MoveVersion(version=version.sha256, verb=VersionVerb.PROMOTE, stage=stage.value, measured=figures))
        if stage is not Stage.PAPER:
            ask(home, MoveVersion(version=version.sha256, verb=VersionVerb.APPROVE, stage=stage.value, measured=figures), "bob")
    return version


@pytest.mark.parametrize(("mode", "stage"), [("small-live", "small_live"), ("live", "live")])
def test_a_version_that_does_not_hold_the_stage_is_refused_and_the_account_given_back(
    live_venue: Venue, config: Path, tmp_path: Path, mode: str, stage: str
) -> None:
    account = Account(tmp_path / "home", live_venue.origin, config)
    code, said = refused(TraderProcess(account, "--mode", mode, key=LIVE_KEY, live=True))
    assert code == ExitCode.REFUSED
    assert f"needs a configuration that holds stage {stage}" in said
    store = SqlLedger(account.home / "ledger.db")
    lease = store.lease("mill")
    store.close()
    assert lease is not None
    assert lease.released
    assert live_venue.ask("GET", "/v2/orders?status=all") == []


def test_a_promoted_version_trades_under_its_caps_and_says_so_everywhere(tape: Path, config: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    version = climb(home, config, Stage.SMALL_LIVE)
    with (
        Venue(tape, speed=20.0, live=True) as venue,
        TraderProcess(Account(home, venue.origin, config), "--mode", "small-live", key=LIVE_KEY, live=True) as trader,
    ):
        wait_for("fills", lambda: len(venue.fills()) >= 4 or not trader.is_alive)
        assert trader.is_alive, trader.said()
        told, listed = typed("status", home=home), typed("config", "history", home=home)
        tighter = written(tmp_path / "tighter.yaml", edit=("order_quantity_max: 1000", "order_quantity_max: 999"))
        added = typed("config", "add", str(tighter), home=home, code=4)
        assert trader.stop() == 0, trader.said()
    assert "may stage config, and this trader has no user yet" in added, "with real money it takes a person with a login"
    assert f"{short(version.sha256)}, holds stage small_live" in told
    assert "small-live, account mill" in told
    assert f"{short(version.sha256)}*" in listed
    opening = read(home / "log").sessions[-1].opening
    assert (opening.mode, opening.version_sha256) == ("small-live", version.sha256)
    assert all("may trade" in line for line in opening.permissions)
    assert len(opening.permissions) == 3
    seen = list(messages(home / "log"))
    permissions = [message for message in seen if isinstance(message, PermissionSet)]
    assert [(p.strategy_id, p.permitted, p.stage) for p in permissions] == [
        (name, True, "small_live") for name in ("crossing", "resting", "waiting")
    ]
    sent = [message for message in seen if isinstance(message, OrderCommand) and message.kind is CommandKind.SUBMIT]
    assert sent
    assert all(_notional(order) <= CAP_USD for order in sent), "a cap of small_live was passed"
    assert verify_log(home / "log", tapes=[], mode=Mode.COMPILED).match is True


@pytest.mark.req("E2")
def test_two_persons_promote_by_figures_measured_from_the_log_of_a_trader_that_trades(tape: Path, tmp_path: Path) -> None:
    config = written(tmp_path / "easy.yaml", sections=[*EASY.items()])
    for quiet in ("resting: true, away_bps: 500, live_for_s: 600", "resting: true"):  # each has to show fills
        config.write_text(config.read_text().replace(quiet, "stop_bps: 30"))
    name = short(version_in(read_config(str(config))).sha256)
    with Venue(tape, speed=20.0) as venue:
        account = Account(tmp_path / "home", venue.origin, config)
        with TraderProcess(account) as trader:
            ann, olga, otto = three_persons(account, trader, tmp_path)
            wait_for("fills", lambda: len(venue.fills()) >= 4 or not trader.is_alive)
            up = olga.call("config", "promote", name)
            wait_for("each strategy to trade", lambda: olga.call("config", "promote", name)[0] == 0 or not trader.is_alive)
            assert trader.is_alive, trader.said()
            alone = olga.call("config", "promote", name, "--approve")
            both = otto.call("config", "promote", name, "--approve")
            _, listed = ann.call("config", "history")
            assert trader.stop() == 0, trader.said()
    assert [(code, answer["refused"]) for code, answer in (up, both)] == [(0, False), (0, False)]
    assert alone[0] == ExitCode.REFUSED, "nobody approves what he asked for"
    (found,) = [line for line in listed["versions"] if line["sha256"].startswith(name)]
    assert (found["stage"], found["running"]) == ("small_live", True)
    step = listed["steps"][-1]
    assert (step["actor"], step["approver"], step["after"]) == ("olga", "otto", "small_live")
    slipped = next(one for one in both[1]["criteria"] if one["name"] == "slippage_bps_max")
    assert slipped["met"]
    assert float(slipped["measured"]) < 1_000, "the simulator fills what the emulator filled"


def test_a_version_that_falls_short_is_taken_down_while_it_trades(tape: Path, tmp_path: Path) -> None:
    """Its account may not fall at all, and pays spreads: the gate, the permissions and the ledger follow in the same run."""
    home = tmp_path / "home"
    config = written(tmp_path / "strict.yaml", sections=[("drawdown_bps_max: 100", "drawdown_bps_max: 0")])
    version = climb(home, config, Stage.SMALL_LIVE)
    with Venue(tape, speed=20.0, live=True) as venue:
        account = Account(home, venue.origin, config)
        with TraderProcess(account, "--mode", "small-live", key=LIVE_KEY, live=True) as trader:
            wait_for("the socket", lambda: (home / "trader.sock").exists() or not trader.is_alive)
            wait_for("the demotion", lambda: stage_of(home, version) == "paper" or not trader.is_alive)
            assert trader.is_alive, "it goes on for its exits"
            told = typed("status", home=home)
            assert trader.stop() == 0, trader.said()
        orders = len(venue.orders())
        with TraderProcess(account, "--mode", "small-live", key=LIVE_KEY, live=True) as again:  # what it held may have to be left
            wait_for("why nothing enters", lambda: again.said().count("enters nothing") == 3 or not again.is_alive)
            wait_for("an answer", lambda: (home / "trader.sock").exists() or not again.is_alive)
            assert again.stop() == 0, again.said()
        assert len(venue.orders()) == orders
    assert "exits go on, nothing enters" in again.said()
    assert "holds paper" in again.said()
    assert "rule:demotion" in told
    seen = list(messages(home / "log"))
    gates = [(place, message) for place, message in enumerate(seen) if isinstance(message, GateSet) and message.actor == "rule:demotion"]
    closed, gate = gates[0]
    assert (gate.scope, gate.state) == (GateScope.ACCOUNT, GateState.REDUCE_ONLY)
    after = [message for message in seen[closed:] if isinstance(message, RiskDecision) and message.purpose is Purpose.ENTRY]
    assert all(message.verdict is Verdict.REFUSED for message in after)
    assert verify_log(home / "log", tapes=[], mode=Mode.COMPILED).match is True


def stage_of(home: Path, version: ConfigVersion) -> str:
    """Return the stage that a version holds, as anybody is told."""
    lines = json.loads(typed("config", "history", "--json", home=home))["versions"]
    return next((line["stage"] for line in lines if line["sha256"] == version.sha256), "")


def entries_judged(home: Path, strategy: str) -> list[RiskDecision]:
    """Return what was decided of a strategy's entries so far."""
    decisions = [message for message in messages(home / "log") if isinstance(message, RiskDecision) and message.strategy_id == strategy]
    return [decision for decision in decisions if decision.purpose is Purpose.ENTRY]


def test_an_edited_strategy_lets_no_entry_out_and_the_others_trade_on(tape: Path, config: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    climb(home, config, Stage.LIVE)
    edited = written(tmp_path / "edited.yaml", edit=("params: {stop_bps: 30}", "params: {stop_bps: 31}"))
    with (
        Venue(tape, speed=20.0, live=True) as venue,
        TraderProcess(Account(home, venue.origin, edited), "--mode", "live", key=LIVE_KEY, live=True) as trader,
    ):
        wait_for("orders of the others", lambda: len(venue.orders()) >= 3 or not trader.is_alive)
        wait_for("an entry that is judged", lambda: bool(entries_judged(home, "crossing")) or not trader.is_alive)
        assert trader.is_alive, trader.said()
        assert trader.stop() == 0, trader.said()
    seen = list(messages(home / "log"))
    entries = entries_judged(home, "crossing")
    assert entries
    assert all("permitted" in message.refusals for message in entries)
    assert {message.strategy_id for message in seen if isinstance(message, OrderCommand)} <= {"resting", "waiting"}
    assert verify_log(home / "log", tapes=[], mode=Mode.COMPILED).match is True


def test_paper_books_do_not_become_books_of_real_money(live_venue: Venue, venue: Venue, config: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with TraderProcess(Account(home, venue.origin, config)) as trader:
        wait_for("the socket", lambda: (home / "trader.sock").exists() or not trader.is_alive)
        assert trader.stop() == 0, trader.said()
    climb(home, config, Stage.LIVE)
    code, said = refused(TraderProcess(Account(home, live_venue.origin, config), "--mode", "live", key=LIVE_KEY, live=True))
    assert code == ExitCode.REFUSED
    assert "another kind of money" in said


# Keys and hosts.


def test_a_paper_key_does_not_open_real_money(live_venue: Venue, config: Path, tmp_path: Path) -> None:
    climb(tmp_path / "home", config, Stage.LIVE)
    account = Account(tmp_path / "home", live_venue.origin, config)
    code, said = refused(TraderProcess(account, "--mode", "live", key="PKPAPER", secret="of-a-paper-key", live=True))
    assert code == ExitCode.REFUSED
    assert "of-a-paper-key" not in said
    code, said = refused(TraderProcess(account, "--mode", "live"))  # only a paper key is there
    assert code == ExitCode.ENVIRONMENT
    assert "ALPACA_API_KEY" in said


def test_a_persons_live_key_does_not_go_to_a_process_of_this_machine(live_venue: Venue, config: Path, tmp_path: Path) -> None:
    climb(tmp_path / "home", config, Stage.LIVE)
    account = Account(tmp_path / "home", live_venue.origin, config)
    code, said = refused(TraderProcess(account, "--mode", "live", key="AKREALMONEY", secret="of-a-live-key", live=True))
    assert code == ExitCode.ENVIRONMENT
    assert "live hosts only" in said
    assert "of-a-live-key" not in said


def test_without_assertions_there_is_no_real_money(live_venue: Venue, config: Path, tmp_path: Path) -> None:
    account = Account(tmp_path / "home", live_venue.origin, config)
    code, said = refused(TraderProcess(account, "--mode", "live", key=LIVE_KEY, live=True, program=("-O", "-m", "tidegate")))
    assert code == ExitCode.REFUSED
    assert "python -O" in said


def _notional(order: OrderCommand) -> Decimal:
    price = order.limit_price_nanos or order.stop_price_nanos
    return Decimal(price) * order.quantity_nanos / NANOS / NANOS


def test_the_whole_service_trades_a_promoted_version_and_no_other(tape: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Venue(tape, speed=20.0, live=True) as venue:
        config = written(tmp_path / "up.yaml", edit=("  feed: iex\n", f"  feed: iex\n  origin: '{venue.origin}'\n"))
        words = [sys.executable, "-m", "tidegate", "up", "--mode", "small-live", "--config", str(config), "--home", str(home)]
        named = environment(LIVE_KEY, live=True)
        refusal = subprocess.run(words, capture_output=True, text=True, check=False, env=named)
        assert refusal.returncode == ExitCode.REFUSED
        assert len(refusal.stderr.strip().splitlines()) == 1
        assert not home.exists()
        version = climb(home, config, Stage.SMALL_LIVE)
        with (tmp_path / "said").open("w") as said:
            service = subprocess.Popen(words, stdout=said, stderr=said, env=named)
            try:
                wait_for("fills", lambda: len(venue.fills()) >= 2 or service.poll() is not None)
                service.send_signal(signal.SIGINT)
                assert service.wait(120) == 0, (tmp_path / "said").read_text()
            finally:
                if service.poll() is None:
                    service.kill()
                    service.wait()
    assert read(home / "log").sessions[-1].opening.version_sha256 == version.sha256
    assert "emulator-secret" not in (tmp_path / "said").read_text()
