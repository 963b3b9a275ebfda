"""Every verb keeps the contract: help with an example, --json, one sentence for a wrong call, a fast start."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from scripts.cli_page import PAGE, page, verbs
from tests.cli.conftest import Tidegate

pytestmark = pytest.mark.req("B1.4")

VERBS = sorted(verbs())
LATER = ("research", "gateway", "frobnicate")
HEAVY = {"numba", "numpy", "polars", "pyarrow", "plotly", "pandas", "msgspec", "yaml"}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_with_an_example_and_takes_json(verb: str, tidegate: Tidegate) -> None:
    said = tidegate(*verb.split(), "--help")
    assert said.code == 0
    assert f"  tidegate {verb}" in said.out.partition("Example:")[2]
    assert "--json" in said.out


def test_what_is_taken_more_than_once_says_so(tidegate: Tidegate) -> None:
    for verb in ("replay", "tape import", "strategies"):
        assert "..." in tidegate(*verb.split(), "--help").out.splitlines()[0]


def test_the_other_name_of_config_add_is_the_same_verb(tidegate: Tidegate) -> None:
    one, other = (tidegate("config", word, "--help").out.partition("Example:")[0] for word in ("add", "stage"))
    assert other == one.replace("config add", "config stage", 1)
    assert "`config stage`" in one


def test_verbs_that_help_leaves_out_stand_once_on_the_page(tidegate: Tidegate) -> None:
    assert "\n## tidegate trader\n" in page()
    assert "## tidegate config stage" not in page()
    assert tidegate("trader", "--help").out.strip() in page()


@pytest.mark.parametrize("words", [(), ("tape",), ("log",), ("new",), ("config",), ("audit",), ("approvals",)])
def test_a_group_alone_lists_its_verbs(words: tuple[str, ...], tidegate: Tidegate) -> None:
    said = tidegate(*words)
    assert said.code == 0
    assert "Commands:" in said.out


@pytest.mark.parametrize("word", LATER)
def test_an_unknown_command_is_one_sentence(word: str, tidegate: Tidegate) -> None:
    said = tidegate(word)
    assert said.code == 2
    assert said.sentence.startswith(f"No such command '{word}'")
    assert said.sentence.endswith("ee `tidegate --help`.")
    assert said.out == ""


def test_a_wrong_call_names_the_verb_to_ask(tidegate: Tidegate) -> None:
    for arguments, what in (
        (("tape", "head"), "Missing argument 'FILE'"),
        (("tape", "head", "x", "--count", "0"), "Invalid value for '--count'"),
        (("tape", "head", "x", "--cuont", "1"), "No such option: --cuont"),
        (("tape", "head", "x", "y"), "unexpected extra argument"),
    ):
        said = tidegate(*arguments)
        assert said.code == 2
        assert what in said.sentence
        assert said.sentence.endswith("see `tidegate tape head --help`.")


def test_with_json_an_error_is_one_object_too(tidegate: Tidegate) -> None:
    said = tidegate("tape", "info", "nowhere.tape", "--json")
    assert said.code == 2
    assert said.document == {"error": said.sentence, "exit_code": 2}


def test_the_version_is_that_of_the_package(tidegate: Tidegate) -> None:
    assert tidegate("--version").out == f"tidegate {version('tidegate')}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tidegate.cli.main import main; code = main(['replay', '--help']); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code_and_modules = done.stderr.split()
    assert code_and_modules[0] == "0"
    assert {name.partition(".")[0] for name in code_and_modules} & HEAVY == set()


def test_the_page_of_the_manual_is_what_help_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run scripts/cli_page.py and commit docs/cli.md"
