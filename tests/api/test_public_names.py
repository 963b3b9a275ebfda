"""The public names are exactly those promised; each is imported when it is first used, and not before."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tidegate
from tests.conftest import ROOT
from tidegate.config.file_rules import PUBLIC

pytestmark = pytest.mark.req("B1.4")

PROMISED = (
    # replays and logs
    *("run_replay", "Options", "Latencies", "Mode", "Replay", "Summary", "read_config"),
    *("read_log", "log_entries", "read_journal", "export_journal", "JournalFilter", "verify_log", "Verdict", "Tape"),
    # what a run tells
    *("Run", "Story", "explain", "metrics_table", "report_json", "write_report"),
    # the words of strategy files, and trying one by hand
    *("load_strategy", "quiet_rows", "quiet_view", "entry_attention", "Strategy"),
    *("BUY", "SELL", "EXIT", "NONE", "Attention", "Bar", "Intent", "NoState", "Nothing", "View", "Purpose", "Side"),
    *(
        "Plan",
        "EntryRule",
        "EntryStyle",
        "ExitAt",
        "ExitRule",
        "SizingRule",
        "SizingMethod",
        "ReentryRule",
        "PartialFillRule",
        "Subscription",
    ),
    *("atr", "bps", "dollars"),
    # webhooks
    *("verify_webhook", "WebhookRefusedError"),
    # errors
    *("ExitCode", "TidegateError"),
)


def test_the_public_names_are_exactly_those_promised() -> None:
    assert sorted(tidegate.__all__) == sorted(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_each_name_is_there_and_documented(name: str) -> None:
    value = getattr(tidegate, name)
    assert isinstance(value, int) or (value.__doc__ and value.__doc__.strip())
    assert name in dir(tidegate)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        assert tidegate.nonsense


def test_the_words_of_strategy_files_are_public_names() -> None:
    assert set(tidegate.__all__) >= PUBLIC


def test_type_checkers_see_what_the_interpreter_gives() -> None:
    tree = ast.parse(Path(tidegate.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    lines = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.asname: f"{line.module}.{alias.name}" for line in lines for alias in line.names}
    homes = {name: f"tidegate.{home}.{name}" for name, home in tidegate._HOMES.items()}
    assert seen == homes


def test_importing_tidegate_loads_nothing() -> None:
    code = "import sys, tidegate; print(*[name for name in sys.modules if name.startswith('tidegate.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_stands_in_the_manual() -> None:
    manual = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [name for name in PROMISED if f"`{name}" not in manual] == []
