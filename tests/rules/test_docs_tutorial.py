"""The tutorial is followed from top to bottom, in an empty folder, as a reader would."""

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tidegate.analytics.collect import Run
from tidegate.cli.main import main
from tidegate.replay.reading import read_log

pytestmark = pytest.mark.req("A2.3", "B1.4")

PAGE = (ROOT / "docs" / "first-strategy.md").read_text()
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def an_order(run: Run) -> str:
    return str(run.orders["client_order_id"][0])


def test_the_tutorial_works_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(PAGE)
    (strategy,) = (text for kind, text in blocks if kind == "python" and "def trigger" in text)
    Path("first_trigger.py").write_text(strategy)
    ran = 0
    for kind, text in blocks:
        if kind == "console":
            for line in text.splitlines():
                words = shlex.split(line)
                assert words[0] == "tidegate"
                arguments = [an_order(read_log("log")) if word == "ID" else word for word in words[1:]]
                assert main(arguments) == 0, (line, capsys.readouterr().err)
                ran += 1
        elif text != strategy:
            exec(compile(text, "docs/first-strategy.md", "exec"), {"__name__": "page"})
    assert ran >= 8
    assert Path("report.html").is_file()
    assert "orders, " in capsys.readouterr().out
