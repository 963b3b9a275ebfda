"""Latencies measured from a golden log are those it was run with."""

from pathlib import Path

import pytest

from tests.contract.kit import Latencies as Away
from tests.contract.markets import Market
from tests.replay.logs import Recorded, record
from tidegate.cli.main import main
from tidegate.engine.toolchain import Toolchain
from tidegate.replay.measured import ANSWERS_MIN, LatencyNotMeasuredError, written_out
from tidegate.values.latency import Latency

pytestmark = pytest.mark.req("C1.3")


def measured(log: Path, key: str) -> Latency:
    return Latency.parse(written_out(key, f"log:{log}"))


def test_constant_latencies_come_back_exactly(recorded: Recorded) -> None:
    assert recorded.replay.summary.orders >= ANSWERS_MIN
    assert measured(recorded.log, "order_latency") == Latency.parse("5ms")
    assert measured(recorded.log, "response_latency") == Latency.parse("3ms")


def test_drawn_latencies_come_back_in_median_and_spread(tmp_path: Path, compiled: Toolchain) -> None:
    far = Away("", "lognormal:20ms,0.4", "lognormal:8ms,0.2")
    made = record(tmp_path / "far", compiled, markets=(Market(seed=5, records=4_000),), latencies=far)
    order, response = measured(made.log, "order_latency"), measured(made.log, "response_latency")
    assert order.median_ns == pytest.approx(20_000_000, rel=0.15)
    assert order.sigma == pytest.approx(0.4, abs=0.1)
    assert response.median_ns == pytest.approx(8_000_000, rel=0.1)
    assert response.sigma == pytest.approx(0.2, abs=0.06)


def test_a_latency_that_is_written_down_stays_as_it_is() -> None:
    assert written_out("feed_latency", "2ms") == "2ms"
    assert written_out("order_latency", "lognormal:1ms,0.3") == "lognormal:1ms,0.3"


def test_what_a_log_does_not_hold_is_said_in_one_sentence(tmp_path: Path, compiled: Toolchain) -> None:
    made = record(tmp_path / "short", compiled, markets=(Market(seed=5, records=60),))
    with pytest.raises(LatencyNotMeasuredError, match="holds no feed latency of its own; give a time"):
        written_out("feed_latency", f"log:{made.log}")
    with pytest.raises(LatencyNotMeasuredError, match=r"answered orders; 20 are needed"):
        written_out("response_latency", f"log:{made.log}")


def test_the_command_line_takes_them_and_says_what_they_came_to(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tape = str(recorded.tapes[0])
    config = tmp_path / "c.yaml"
    config.write_text("account: {name: a, cash_usd: 1000}\nvenues: [{name: sim, calendar: always}]\nother_instruments: {venue: sim}\n"
                      "limits_file: 2026-02\n")  # fmt: skip
    assert main(["replay", tape, "--config", str(config), "--strict", "--order-latency", f"log:{recorded.log}", "--json"]) == 0
    assert f"order latency, as in {recorded.log}: 5000000ns" in capsys.readouterr().err
    assert main(["replay", tape, "--config", str(config), "--strict", "--response-latency", f"log:{tmp_path}", "--json"]) != 0
    assert str(tmp_path) in capsys.readouterr().err
