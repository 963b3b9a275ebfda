"""The verbs of a running trader, over a real socket to a real desk: what people read, what scripts read, how each ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tests.control.asking import Scripted, other_trader, private, serving
from tests.service.living import Living, setting
from tidegate.control.errors import UnknownRequestError
from tidegate.control.protocol import AnyRequest
from tidegate.control.replies import AnyReply
from tidegate.service.sentinel import read_kills
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.enums import GateScope, GateState

pytestmark = pytest.mark.req("B2.4", "B3.6", "D2.1", "F1")

READS = (("status",), ("orders",), ("positions",), ("limits",), ("status", "--probe", "ready"))


@pytest.fixture(scope="module")
def shared() -> Setting:
    return setting()


@pytest.fixture
def trader(shared: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """A trader that holds something, works something and answers, in the home that the environment names."""
    living = Living(shared, tmp_path / "home")
    living.until_busy()
    monkeypatch.setenv("TIDEGATE_HOME", str(living.home.root))
    with serving(living.home, living.answering):
        yield living


@pytest.mark.usefixtures("trader")
@pytest.mark.parametrize("verb", READS, ids=" ".join)
def test_each_read_has_an_answer_for_people_and_one_for_scripts(verb: tuple[str, ...], tidegate: Tidegate) -> None:
    for_people, for_scripts = tidegate(*verb), tidegate(*verb, "--json")
    assert (for_people.code, for_people.err) == (0, "")
    assert for_people.out.strip()
    assert (for_scripts.code, for_scripts.err) == (0, "")
    assert "reply" not in for_scripts.document


@pytest.mark.usefixtures("trader")
def test_status_reads_at_a_glance(tidegate: Tidegate) -> None:
    lines = tidegate("status").out.splitlines()
    topics = {line[:12].strip() for line in lines}
    assert {"trader", "trading", "gates", "stream", "reconciled", "equity", "orders", "log", "ledger", "lease", "lag"} <= topics
    assert lines[0].startswith("trader      paper, account drill at sim, up ")
    assert lines[1] == "trading     yes"


def test_orders_and_positions_name_what_is_there(trader: Living, tidegate: Tidegate) -> None:
    order = trader.desk.engine.books.working_orders()[0]
    assert order.client_order_id in tidegate("orders").out
    assert re.search(r"acked\n", tidegate("orders").out)
    positions = tidegate("positions").out
    assert "account drill" in positions
    assert re.search(r"equity \$\d+", positions)


@pytest.mark.usefixtures("trader")
def test_limits_that_are_written_as_durations_are_not_called_ns(tidegate: Tidegate) -> None:
    lines = {line["name"]: (line["unit"], line["limit"]) for line in tidegate("limits", "--json").document["limits"]}
    assert lines["breaker_cooldown"] == ("duration", "4 s")
    assert "ns" not in {unit for unit, _ in lines.values()}


def test_pause_and_resume_of_a_strategy(trader: Living, tidegate: Tidegate) -> None:
    said = tidegate("pause", "--strategy", "resting", "--reason", "lunch")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("pause resting: taken\n")
    trader.pass_s(1)
    gate = tidegate("status", "--json").document["gates"][0]
    assert (gate["scope"], gate["key"], gate["state"], gate["reason"]) == ("strategy", "resting", "reduce_only", "lunch")
    assert tidegate("resume", "--strategy", "resting", "--reason", "back").code == 0
    trader.pass_s(1)
    assert tidegate("status", "--json").document["gates"] == []


def test_disable_and_enable_of_a_symbol(trader: Living, tidegate: Tidegate) -> None:
    assert tidegate("disable", "AAA").code == 0
    trader.pass_s(1)
    assert trader.desk.engine.books.gate(GateScope.SYMBOL, "AAA") is GateState.REDUCE_ONLY
    assert tidegate("enable", "AAA").code == 0
    trader.pass_s(1)
    assert trader.desk.engine.books.gate(GateScope.SYMBOL, "AAA") is GateState.ACTIVE


def test_a_kill_that_the_trader_confirms(trader: Living, tidegate: Tidegate) -> None:
    said = tidegate("kill", "--reason", "wrong sizes", "--wait", "0", "--json")
    assert said.code == 0
    told = said.document
    assert told["confirmed"] is True
    assert told["kill_file"] == str(trader.home.kill)
    assert told["answer"]["request_id"] == read_kills(trader.home)[0].request_id
    trader.pass_s(1)
    status = tidegate("status")
    assert "trading     no" in status.out
    assert re.search(r"gate        global is halted, by \w+: wrong sizes", status.out)
    trader.pass_s(2)
    assert tidegate("resume", "--reason", "sizes are right again").code == 0
    trader.pass_s(1)
    assert not trader.home.kill.exists()
    assert tidegate("status", "--json").document["trading"] is True


@pytest.mark.usefixtures("trader")
def test_a_flatten_wants_a_yes_where_nobody_can_be_asked(tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    said = tidegate("flatten")
    assert said.code == 2
    assert "--yes" in said.sentence
    assert tidegate("flatten", "--yes", "--json").document["verb"] == "flatten"


@pytest.mark.parametrize(("typed", "code"), [("everything", 0), ("yes", 1), ("", 1)])
def test_a_person_types_what_is_meant(typed: str, code: int, trader: Living, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    prompts: list[str] = []

    def prompt(text: str, **_: object) -> str:
        prompts.append(text)
        return typed

    monkeypatch.setattr("typer.prompt", prompt)
    said = tidegate("kill", "--wait", "0")
    assert said.code == code
    assert prompts == ["Type everything to kill it"]
    assert trader.home.kill.exists() is (code == 0)
    if code:
        assert said.sentence == "That is not everything; nothing was done."


def test_what_is_refused_keeps_its_code_and_its_sentence(trader: Living, tidegate: Tidegate) -> None:
    typo = tidegate("pause", "--symbol", "ZZZ")
    assert typo.code == 2
    assert "here are: AAA, BBB" in typo.sentence
    both = tidegate("pause", "--symbol", "AAA", "--strategy", "resting")
    assert both.code == 2
    assert tidegate("resume").code == 2
    assert tidegate("resume", "--reason", " ").code == 4
    killed = tidegate("kill", "--strategy", "nobody", "--json")
    assert killed.code == 2
    assert killed.document["exit_code"] == 2
    assert not trader.home.kill.exists()


def test_a_probe_ends_with_its_answer(trader: Living, tidegate: Tidegate) -> None:
    assert tidegate("status", "--probe", "live").code == 0
    trader.desk.reconciler.stream_down("the stream went silent")
    trader.node.turn()
    trader.around.turned(trader.desk)
    said = tidegate("status", "--probe", "ready")
    assert said.code == 1
    assert said.out.startswith("ready: no\n")
    trader.desk.reconciler.stream_up()
    trader.pass_s(3)
    assert tidegate("status", "--probe", "ready").code == 0


# Without a trader that answers.


@pytest.mark.parametrize("verb", [*READS, ("pause",), ("resume", "--reason", "x"), ("disable", "AAA"), ("flatten", "--yes")], ids=" ".join)
def test_without_a_trader_each_verb_is_one_sentence(verb: tuple[str, ...], tidegate: Tidegate, tmp_path: Path) -> None:
    said = tidegate(*verb, "--home", tmp_path)
    assert said.code == 3
    assert said.sentence.startswith(f"No trader listens at {tmp_path}/trader.sock; start one with `tidegate up`")


def test_a_kill_works_without_a_trader_and_says_that_nobody_confirmed(tidegate: Tidegate, tmp_path: Path) -> None:
    home = private(tmp_path / "home")
    said = tidegate("kill", "--symbol", "AAPL", "--reason", "why not", "--home", home.root)
    assert said.code == 1
    assert said.out.startswith("kill AAPL: NOT confirmed\n")
    assert str(home.kill) in said.out
    (kill,) = read_kills(home)
    assert (kill.scope, kill.key, kill.reason) == (GateScope.SYMBOL, "AAPL", "why not")


def test_a_kill_works_with_the_trader_hung(tidegate: Tidegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.cli.home.TIMEOUT_S", 0.1)
    home = private(tmp_path / "home")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(home.socket))
        deaf.listen(1)
        said = tidegate("kill", "--home", home.root, "--json")
    assert said.code == 1
    assert said.document["confirmed"] is False
    assert "may hang" in said.document["why"]
    assert read_kills(home)


def test_a_kill_as_a_process_of_its_own_against_a_stopped_process(tmp_path: Path) -> None:
    home = private(tmp_path / "home")
    with other_trader(home) as process:
        process.send_signal(signal.SIGSTOP)
        command = [sys.executable, "-m", "tidegate", "kill", "--home", str(home.root), "--reason", "it hangs"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("kill everything: NOT confirmed\n")
    assert "may hang" in done.stdout
    assert [kill.reason for kill in read_kills(home)] == ["it hangs"]


def test_the_doctor_takes_a_mode(tidegate: Tidegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPACA_PAPER_API_KEY", raising=False)
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    monkeypatch.setattr("tidegate.service.doctor_venue.close_memory", lambda: None)
    assert tidegate("doctor", "--home", tmp_path / "none", "--mode", "paper").code == 1
    assert tidegate("doctor", "--home", tmp_path / "none", "--mode", "papr").code == 2


@pytest.mark.usefixtures("trader")
def test_a_kill_asks_the_trader_even_where_no_file_can_be_written(tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: object, *_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("tidegate.service.sentinel.os.link", full)
        said = tidegate("kill", "--wait", "0", "--json")
    assert said.code == 0
    assert "No space left" in said.err
    assert said.document["kill_file"] is None
    assert said.document["confirmed"] is True


def test_a_kill_that_an_older_trader_does_not_know_stands_by_its_file(tidegate: Tidegate, tmp_path: Path) -> None:
    async def unknown(_request: AnyRequest, _uid: int) -> AnyReply:
        raise UnknownRequestError("The trader does not know this request; use the client of its own version.")

    home = private(tmp_path / "home")
    with serving(home, Scripted(unknown)):
        said = tidegate("kill", "--home", home.root)
    assert said.code == 1
    assert "NOT confirmed" in said.out
    assert "its own version" in said.out
    assert read_kills(home)


def test_a_reason_too_long_to_be_kept_is_a_wrong_call(tidegate: Tidegate, tmp_path: Path) -> None:
    home = private(tmp_path / "home")
    assert tidegate("kill", "--home", home.root, "--reason", "x" * 2_001).code == 2
    assert not home.kill.exists()


def test_a_kill_in_no_home_at_all_is_one_sentence(tidegate: Tidegate, tmp_path: Path) -> None:
    said = tidegate("kill", "--home", tmp_path / "nowhere")
    assert said.code == 3
    assert "name the trader's home" in said.sentence


def test_explain_reads_the_traders_own_log_where_none_is_named(log: Path, tidegate: Tidegate, tmp_path: Path) -> None:
    home = private(tmp_path / "home")
    home.log.symlink_to(log)
    named = tidegate("explain", "1-1", "--log", log)
    found = tidegate("explain", "1-1", "--home", home.root)
    assert (found.code, found.out, found.err) == (named.code, named.out, named.err.replace(str(log), str(home.log)))


def test_the_doctor_ends_with_what_it_found(trader: Living, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.service.doctor_venue.close_memory", lambda: None)
    fine = tidegate("doctor", "--json")
    assert fine.code == 0
    assert fine.document["ok"] is True
    trader.home.root.chmod(0o755)
    said = tidegate("doctor")
    trader.home.root.chmod(0o700)
    assert said.code == 1
    assert re.search(r"^fail  home ", said.out, re.MULTILINE)
    assert "chmod 700" in said.out
    assert re.search(r"^\d+ checks: 1 failed", said.out, re.MULTILINE)


def test_help_of_the_verbs_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tidegate.cli.main import main; main(['kill', '--help']); "
        "print(*[name for name in ('msgspec', 'numba', 'numpy', 'aiohttp', 'sqlalchemy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stderr.strip() == ""


def test_the_report_of_a_kill_is_read_later_by_its_id(trader: Living, tidegate: Tidegate) -> None:
    killed = tidegate("kill", "--reason", "wrong sizes", "--wait", "0", "--request-id", "k1", "--json").document
    assert killed["report"] is None
    early = tidegate("status", "--request", "k1")
    assert "gate        not known to be closed" in early.out
    trader.pass_s(5)
    told = tidegate("status", "--request", "k1", "--json").document
    assert (told["verb"], told["done"], told["late"], told["switch"]) == ("kill", True, [], "switch_set")
    assert told["found"] == told["ended"] >= 1
    lines = tidegate("status", "--request", "k1").out.splitlines()
    assert lines[0].startswith("kill everything by ")
    assert lines[0].endswith(": wrong sizes")
    assert re.fullmatch(r"  gate        nothing could leave \d+\.\d ms after the request came in", lines[1])
    assert lines[-1] == "  state       through: nothing of it is under way"
    assert tidegate("status", "--request", "nobody").code in {1, 2, 3}


def test_a_kill_that_is_not_through_in_time_says_so_and_ends_with_1(trader: Living, tidegate: Tidegate) -> None:
    working = len(trader.desk.engine.books.working_orders())
    assert working
    said = tidegate("kill", "--wait", "0.2")
    assert said.code == 1
    assert "NOT through yet" in said.out
    assert "confirmed by the trader" in said.out


def test_a_kill_waits_for_its_end_and_tells_how_far_it_is(trader: Living, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(_seconds: float) -> None:
        trader.pass_s(1)

    monkeypatch.setattr("tidegate.cli.reporting.time.sleep", sleep)
    said = tidegate("kill", "--strategy", "resting", "--wait", "30")
    assert said.code == 0, said.out
    assert "state       through" in said.out
    assert re.search(r"gate closed, \d+ of \d+ orders ended", said.err)


@pytest.mark.parametrize("scope", ["--account", "--venue"])
def test_an_account_and_a_venue_are_killed_by_name(scope: str, trader: Living, tidegate: Tidegate) -> None:
    name = {"--account": "drill", "--venue": "sim"}[scope]
    assert tidegate("kill", scope, name, "--wait", "0").code == 0
    trader.pass_s(1)
    assert trader.desk.engine.books.gate(GateScope(scope[2:]), name) is GateState.HALTED
    assert tidegate("kill", "--account", "drill", "--symbol", "AAA").code == 2
