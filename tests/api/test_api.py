"""What the command line does, a script and a notebook can do, with DataFrames for answers."""

from pathlib import Path

import polars as pl
import pytest

import tidegate
from tidegate.simulation.generate import Wish, generate

pytestmark = pytest.mark.req("B1.4")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "market.tape"
    generate(path, Wish(seed=1, events=60_000, symbols=1), progress=lambda *_: None)
    return path


@pytest.fixture(scope="module")
def done(tape: Path) -> tidegate.Replay:
    return tidegate.run_replay(tape, config="generated", options=tidegate.Options(log=tape.with_name("log")))


@pytest.mark.parametrize("table", ["orders", "fills", "positions", "equity", "decisions", "trades"])
def test_a_run_gives_its_tables_as_polars_and_pandas(table: str, done: tidegate.Replay) -> None:
    frame = getattr(done, table)
    assert isinstance(frame, pl.DataFrame)
    assert len(frame) > 0
    assert list(frame.to_pandas().columns) == frame.columns


def test_a_log_gives_the_same_tables_as_its_replay(done: tidegate.Replay) -> None:
    assert done.summary.log is not None
    run = tidegate.read_log(done.summary.log)
    for table in ("orders", "fills", "positions", "equity", "decisions", "trades", "regimes", "nothings"):
        assert getattr(run, table).equals(getattr(done.run, table)), table
    counted_while_running = "masked_triggers"
    ours, theirs = (tidegate.metrics_table(found).drop(counted_while_running) for found in (run, done.run))
    assert ours.equals(theirs)


def test_a_log_without_its_tape_still_tells_its_orders(done: tidegate.Replay, tape: Path) -> None:
    hidden = tape.rename(tape.with_name("elsewhere.tape"))
    try:
        run = tidegate.read_log(str(done.summary.log))
        assert run.sources.prices is None
        assert run.orders.equals(done.orders)
        assert tidegate.read_log(str(done.summary.log), tapes=[hidden]).sources.prices is not None
    finally:
        hidden.rename(tape)


def test_every_entry_of_a_log_is_a_row(done: tidegate.Replay) -> None:
    entries = tidegate.log_entries(str(done.summary.log))
    decisions = entries.filter(pl.col("type") == "decision")
    assert len(decisions) == len(done.decisions)
    verdicts = decisions["body"].str.json_path_match("$.verdict")
    assert verdicts.to_list() == done.decisions["verdict"].to_list()


def test_a_story_is_told_from_a_run(done: tidegate.Replay) -> None:
    story = tidegate.explain(done.run, done.orders["client_order_id"][0])
    assert isinstance(story, tidegate.Story)
    assert story.headline.startswith("Order ")


def test_a_log_is_verified_and_a_report_written(done: tidegate.Replay, tmp_path: Path) -> None:
    verdict = tidegate.verify_log(Path(str(done.summary.log)), mode=tidegate.Mode.COMPILED)
    assert isinstance(verdict, tidegate.Verdict)
    assert verdict.match is True
    assert tidegate.write_report(done.run, tmp_path / "r.html").stat().st_size > 10_000
    assert tidegate.report_json(done.run)["session"] == done.summary.session


def test_a_strategy_is_tried_by_hand() -> None:
    strategy = tidegate.load_strategy("breakout", {})
    symbol, regime, own, params = tidegate.quiet_rows(strategy)
    assert strategy.trigger is not None
    assert strategy.trigger(symbol, regime, own, params) == tidegate.NONE
    answer = strategy.decide(tidegate.quiet_view(strategy), strategy.state, tidegate.entry_attention(tidegate.Side.BUY))[1]
    assert isinstance(answer, tidegate.Intent | tidegate.Nothing)


def test_what_is_wrong_is_one_error_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(tidegate.TidegateError, match=r"no\.tape") as caught:
        tidegate.run_replay(tmp_path / "no.tape")
    assert caught.value.exit_code is tidegate.ExitCode.USAGE


def test_paths_may_be_texts(tape: Path, tmp_path: Path) -> None:
    config = tmp_path / "named.json"
    config.write_bytes(tidegate.read_config("generated").source)
    log, page = str(tmp_path / "log"), str(tmp_path / "report.html")
    done = tidegate.run_replay(str(tape), config=config, options=tidegate.Options(log=log, report=page))
    assert (done.summary.log, done.summary.report) == (log, page)
    assert tidegate.verify_log(log, tapes=[str(tape)]).match is True
    other = str(tmp_path / "other.html")
    assert tidegate.write_report(done.run, other) == Path(other)
    assert tidegate.read_config(str(config)) == tidegate.read_config(config)
