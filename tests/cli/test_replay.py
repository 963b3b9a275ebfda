import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tests.tapes.making import quotes, symbols
from tidegate.replay import stuck
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.writer import write_tape

pytestmark = pytest.mark.req("B1.4")

KEYS = [
    "session",
    "events",
    "seconds",
    "events_per_second",
    "orders",
    "fills",
    "rejected",
    "pnl",
    "fees",
    "commands_sha256",
    "state_sha256",
    "log",
    "report",
    "faults",
]
STRATEGY = '''
import msgspec
from tidegate import ExitRule, Intent, NoState, Nothing, Plan, Side, Subscription, bps

NAME = "bad"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """None."""


def plan(params):
    return Plan(signal="every minute", exits=ExitRule(stop=bps(10.0)), subscribe=Subscription(minute_bars=True))


def decide(view, state, attention):
    BODY
'''


def strategy(folder: Path, *body: str) -> Path:
    path = folder / "bad.py"
    path.write_text(STRATEGY.replace("BODY", "\n    ".join(body)))
    return path


def test_a_replay_prints_table_log_report_and_how_to_go_on(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    log, report = tmp_path / "log", tmp_path / "r.html"
    said = tidegate("replay", tape, "--log", log, "--report", report)
    assert said.code == 0
    assert "Closed trades" in said.out
    assert f"report: {report}" in said.out
    why = next(line for line in said.out.splitlines() if line.startswith("why:"))
    story = tidegate(*why.split("tidegate ", 1)[1].split())
    assert story.code == 0
    assert story.out.startswith("Order ")
    assert "configuration: generated" in said.err
    assert report.read_text().startswith("<!doctype html>")
    assert tidegate("verify", log).code == 0


def test_json_is_one_object_with_the_promised_keys(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    log = tmp_path / "log"
    found = tidegate("replay", tape, "--log", log, "--json").document
    assert list(found) == KEYS
    assert found["events"] == 60_000
    assert found["fills"] > 0
    assert found["log"] == str(log)
    assert (found["report"], found["faults"]) == (None, [])


def test_batch_size_and_mode_change_no_act_and_latencies_do(tape: Path, short: Path, tidegate: Tidegate) -> None:
    def commands(*options: object, market: Path = tape) -> tuple[str, str, str]:
        found = tidegate("replay", market, "--json", "--strategy", "mean_reversion:entry_z=1.5", *options).document
        return found["commands_sha256"], found["session"], found["state_sha256"]

    usual = commands()
    assert commands("--batch", 777) == usual
    assert commands("--pure", market=short) == commands("--strict", market=short) == commands(market=short)
    slow = commands("--feed-latency", "1ms", "--order-latency", "lognormal:80ms,0.5", "--response-latency", "9ms")
    assert slow[1] != usual[1]
    assert commands("--seed", 3)[1] != usual[1]


def test_without_a_log_it_is_said_how_to_get_one(tape: Path, tidegate: Tidegate) -> None:
    said = tidegate("replay", tape, "--config", "generated")
    assert said.code == 0
    assert "--log DIR" in said.err
    assert "log:" not in said.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--strategy", "mean_revesion"), "did you mean mean_reversion?"),
        (("--strategy", "./gone.py"), "no strategy file"),
        (("--strategy", "breakout:volme=2"), "volme"),
        (("--strategy", "breakout:volume=much"), "much"),
        (("--strategy", "breakout:volume"), "is no parameter"),
        (("--strategy", "breakout", "--strategy", "breakout"), "asked for twice"),
        (("--config", "us-stonks"), "us-stocks"),
        (("--order-latency", "soon"), "soon"),
        (("--seed", str(2**64)), "--seed"),
        (("--report", "report.pdf"), "does not end in .html"),
        (("--report", "no/such/folder/r.html"), "name a folder"),
    ],
    ids=lambda value: "_".join(value).strip("-") if isinstance(value, tuple) else "",
)
def test_a_wrong_wish_is_one_sentence(options: tuple[str, ...], words: str, tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    log = tmp_path / "log"
    said = tidegate("replay", tape, "--log", log, *options)
    assert said.code == 2
    assert words in said.sentence
    assert said.out == ""
    assert not log.exists()


def test_a_log_without_a_name_is_not_written_where_one_is(
    short: Path, tmp_path: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = tidegate("replay", short, "--log", "")
    assert said.code == 2
    assert "it is empty" in said.sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (("global seen", "return state, Nothing(reason='no')"), "global"),
        (("decide.seen = 1", "return state, Nothing(reason='no')"), "decide.seen"),
        (("while True:", "    pass"), "while"),
        (("import os", "return state, Nothing(reason='no')"), "imports os"),
    ],
    ids=["global", "attribute", "while", "import"],
)
def test_a_file_that_could_remember_or_ask_is_refused_at_load(
    body: tuple[str, ...], words: str, tape: Path, tmp_path: Path, tidegate: Tidegate
) -> None:
    log = tmp_path / "log"
    said = tidegate("replay", tape, "--config", "generated", "--strategy", strategy(tmp_path, *body), "--log", log)
    assert said.code == 4
    assert words in said.sentence
    assert "bad.py:" in said.sentence
    assert not log.exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (("return state, 1 / 0",), "ZeroDivisionError"),
        (("return 'buy'",), "decide returned 'buy'"),
        (("return state, Intent(side='buy', reason='x')",), "side='buy'"),
        (("return state, Intent(side=Side.BUY, reason='x', quantity=-1.0)",), "quantity=-1.0"),
    ],
    ids=["raises", "text", "side", "quantity"],
)
def test_a_strategy_that_fails_is_held_to_its_exits_and_named(
    body: tuple[str, ...], words: str, tape: Path, tmp_path: Path, tidegate: Tidegate
) -> None:
    log = tmp_path / "log"
    call = ("replay", tape, "--config", "generated", "--strategy", strategy(tmp_path, *body), "--log", log)
    said = tidegate(*call, "--json")
    assert said.code == 4
    assert words in said.sentence
    assert said.sentence.startswith("bad failed on G01")
    assert said.document["faults"] != []
    assert tidegate("verify", log).code == 0, "the session is whole, and so is its log"


def test_a_strategy_that_does_not_come_back_is_stopped(
    tape: Path, tmp_path: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "DECIDE_SECONDS_MAX", 1)
    file = strategy(tmp_path, "for _ in range(10**15):", "    pass", "return state, Nothing(reason='never')")
    log = tmp_path / "log"
    said = tidegate("replay", tape, "--config", "generated", "--strategy", file, "--log", log)
    assert said.code == 4
    assert "did not return from decide" in said.sentence
    assert said.out == ""
    assert tidegate("log", "recover", log).code == 0


def test_a_strategy_may_have_no_parameters(short: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    file = strategy(tmp_path, "return state, Nothing(reason='never')")
    compiled, pure = (
        tidegate("replay", short, "--config", "generated", "--strategy", file, "--json", *mode).document for mode in ((), ("--pure",))
    )
    assert compiled["faults"] == []
    assert compiled["state_sha256"] == pure["state_sha256"]


def test_a_log_is_never_written_over(tape: Path, log: Path, tidegate: Tidegate) -> None:
    before = {path: path.read_bytes() for path in log.iterdir()}
    said = tidegate("replay", tape, "--config", "generated", "--log", log)
    assert said.code == 2
    assert str(log) in said.sentence
    assert {path: path.read_bytes() for path in log.iterdir()} == before


def test_a_tape_given_twice_is_refused(short: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    shutil.copy(short, tmp_path / "other.tape")
    said = tidegate("replay", short, tmp_path / "other.tape", "--config", "generated")
    assert (said.code, said.sentence) == (
        2,
        f"The tape {tmp_path / 'other.tape'} is given twice, perhaps under another name; give it once.",
    )


def test_a_changed_tape_is_refused(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    copy = tmp_path / "changed.tape"
    shutil.copy(tape, copy)
    data = bytearray(copy.read_bytes())
    data[-40] ^= 1
    copy.write_bytes(data)
    said = tidegate("replay", copy)
    assert said.code == 2
    assert "changed.tape" in said.sentence


def test_an_unsorted_tape_is_refused_with_the_record_named(tmp_path: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "u.tape"
    meta = TapeMeta(symbols=symbols("AIG"), source="test", receive_time="given", importer="test 1")
    with monkeypatch.context() as careless:
        careless.setattr("tidegate.tapes.writer.check_records", lambda *_, **__: 0)
        write_tape(path, chunks=(quotes([0, 2, 1, 3]),), meta=meta)
    said = tidegate("replay", path, "--config", "us-stocks", "--log", tmp_path / "log")
    assert said.code == 2
    assert said.sentence.startswith(f"{path}: Record 2 is received")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("order_notional_usd_max", "order_notional_usd_maximum"), "unknown limit"),
        (("cash_usd: 100000", "cash_usd: lots"), "cash_usd"),
        (("cash_usd: 100000", ""), "cash_usd"),
        (("fees: alpaca", "fees: none\n  feees: alpaca"), "feees"),
    ],
    ids=["limit", "kind", "missing", "unknown"],
)
def test_a_wrong_configuration_is_one_sentence(change: tuple[str, str], words: str, tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    from tidegate.config.reading import LIMITS, PRESETS

    limits = (LIMITS / "day-trading.yaml").read_text()
    (tmp_path / "limits.yaml").write_text(limits.replace(*change))
    text = (PRESETS / "generated.yaml").read_text().replace("limits_file: day-trading", "limits_file: limits.yaml")
    (tmp_path / "mine.yaml").write_text(text.replace(*change))
    assert limits + text != (limits + text).replace(*change), "the change must bite"
    said = tidegate("replay", tape, "--config", tmp_path / "mine.yaml")
    assert said.code == 2
    assert words in said.sentence
    assert ".yaml" in said.sentence
