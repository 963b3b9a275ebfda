import sys
from hashlib import sha256
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from tests.config.making import DECIDE, HEAD, PLAN, SOUND, strategy_file
from tidegate.config import finding
from tidegate.config.errors import StrategyFileError, UnknownStrategyError
from tidegate.config.finding import SHIPPED, strategy_names
from tidegate.config.loading import SOURCE_BYTES_MAX, load_strategy
from tidegate.strategies.plan import BadPlanError, Plan
from tidegate.strategies.strategy import NoState
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("A2.3")


def test_a_file_becomes_a_strategy_with_all_its_parts(tmp_path: Path) -> None:
    path = strategy_file(tmp_path)
    loaded = load_strategy(path, {})
    assert (loaded.name, loaded.version, loaded.strategy_id, loaded.module) == ("made_up", 3, "made_up", "made_up")
    assert loaded.source == Path(path).read_bytes()
    assert loaded.sha256 == sha256(loaded.source).hexdigest()
    assert isinstance(loaded.plan, Plan)
    assert loaded.state == NoState()
    assert loaded.trigger is not None


def test_a_strategy_may_go_by_another_id(tmp_path: Path) -> None:
    assert load_strategy(strategy_file(tmp_path), {}, "second").strategy_id == "second"


def test_a_strategy_needs_no_trigger(tmp_path: Path) -> None:
    assert load_strategy(strategy_file(tmp_path, HEAD + PLAN + DECIDE), {}).trigger is None


def test_a_declared_state_is_opened(tmp_path: Path) -> None:
    state = (
        "\nclass Seen(msgspec.Struct, frozen=True):\n    price: float = 0.0\n\n\n"
        "class State(msgspec.Struct, frozen=True):\n    last: Seen = Seen()\n    all: tuple[Seen, ...] = ()\n"
        "    pair: tuple[int, str] = (1, '')\n    maybe: float | None = None\n"
    )
    loaded = load_strategy(strategy_file(tmp_path, SOUND + state), {})
    assert type(loaded.state).__name__ == "State"
    assert msgspec.structs.asdict(loaded.state)["pair"] == (1, "")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("class State(msgspec.Struct, frozen=True):\n    seen: list[int] = msgspec.field(default_factory=list)", "may change"),
        ("class State(msgspec.Struct, frozen=True):\n    seen: dict[str, int] | None = None", "holds a dict"),
        ("class State(msgspec.Struct, frozen=True):\n    seen: tuple[list[int], ...] = ()", "holds a list"),
        ("class State(msgspec.Struct, frozen=True):\n    seen: object = None", "holds a custom"),
        ("class State(msgspec.Struct, frozen=True):\n    seen: int", "State cannot be made"),
        ("State = 3", "State must be"),
    ],
)
def test_a_state_that_could_change_unseen_is_refused(state: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match=why):
        load_strategy(strategy_file(tmp_path, f"{SOUND}\n\n{state}\n"), {})


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('NAME = "made_up"', "", "NAME is missing"),
        ('NAME = "made_up"', "NAME = 3", "NAME is missing"),
        ('NAME = "made_up"', 'NAME = "Made up"', "NAME is missing"),
        ("VERSION = 3", "", "VERSION is missing"),
        ("VERSION = 3", "VERSION = 0", "VERSION is missing"),
        ("VERSION = 3", "VERSION = True", "VERSION is missing"),
        ("def plan(params)", "def plans(params)", "plan is missing"),
        ("def plan(params)", "def plan()", "plan is missing"),
        ("def decide(view, state, attention)", "def decided(view, state, attention)", "decide is missing"),
        ("def decide(view, state, attention)", "def decide(view, state)", "decide is missing"),
        ("def decide(view, state, attention)", "def decide(view, state, attention, *, more)", "decide is missing"),
        ("return Plan(signal", "return dict(signal", "returned"),
        ("return Plan(", "return 1 / 0 + Plan(", "ZeroDivisionError"),
        ("return Plan(signal", "return Plan(signl", "TypeError"),
        ("import math", "import math, numpyy", "imports numpyy"),
        ("import math", "from math import nothing_there", "ImportError"),
        ("VERSION = 3", "VERSION = THREE", "NameError"),
        ("VERSION = 3", "VERSION = 3 // 0", "ZeroDivisionError"),
        ("def plan(params):", "def plan(params:", "this is not Python"),
        ("VERSION = 3", "VERSION = '\x00'", "this is not Python"),
    ],
)
def test_a_file_that_lacks_a_part_or_fails_is_refused(before: str, after: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError) as refused:
        load_strategy(strategy_file(tmp_path, SOUND.replace(before, after)), {})
    assert why in str(refused.value)
    assert "made_up.py" in str(refused.value)
    assert refused.value.exit_code is ExitCode.REFUSED
    assert "\n" not in str(refused.value)


def test_a_plan_that_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPlanError, match=r"made_up\.py: A plan sized by risk needs exits\.stop"):
        load_strategy(strategy_file(tmp_path, SOUND.replace("ExitRule(stop=bps(10.0))", "ExitRule()")), {})


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match=r"made_up\.py:3: this is not Python"):
        load_strategy(strategy_file(tmp_path, "x = 1\ny = 2\nz = = 3\n"), {})


def test_a_loading_error_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match=r"made_up\.py:2: loading fails: NameError"):
        load_strategy(strategy_file(tmp_path, "x = 1\ny = missing\n"), {})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mean_revresion", "did you mean mean_reversion?"),
        ("", "known: breakout, mean_reversion, trend_following"),
        ("nothing/there.py", "tidegate new strategy"),
        ("there.py", "tidegate new strategy"),
    ],
)
def test_a_strategy_that_is_not_there_is_one_sentence(name: str, why: str) -> None:
    with pytest.raises(UnknownStrategyError) as refused:
        load_strategy(name, {})
    assert why in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE


def test_a_folder_is_no_strategy(tmp_path: Path) -> None:
    (tmp_path / "made_up.py").mkdir()
    with pytest.raises(UnknownStrategyError, match="no strategy file"):
        load_strategy(str(tmp_path / "made_up.py"), {})


def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = strategy_file(tmp_path)

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnknownStrategyError, match="cannot be read"):
        load_strategy(path, {})


def test_an_endless_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match="one readable file"):
        load_strategy(strategy_file(tmp_path, SOUND + "#" * SOURCE_BYTES_MAX), {})


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    for text in (SOUND, SOUND.replace("NAME =", "NAMES ="), SOUND + "\nimport os\n"):
        path = strategy_file(tmp_path, text)
        try:
            load_strategy(path, {})
        except StrategyFileError:
            continue
    assert set(sys.modules) == before
    assert [file.name for file in tmp_path.iterdir()] == ["made_up.py"]


def test_the_bytes_that_were_judged_are_the_bytes_that_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = strategy_file(tmp_path)
    read = Path.read_bytes

    def read_and_change(file: Path) -> bytes:
        found = read(file)
        file.write_text(SOUND.replace("VERSION = 3", "VERSION = 4"))
        return found

    monkeypatch.setattr(Path, "read_bytes", read_and_change)
    loaded = load_strategy(path, {})
    assert loaded.version == 3
    assert loaded.sha256 == sha256(SOUND.encode()).hexdigest()


def announce(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = tuple(EntryPoint(name=name, value=value, group=finding.GROUP) for name, value in points)
    monkeypatch.setattr(finding, "entry_points", lambda group: found if group == finding.GROUP else ())


def test_an_installed_package_announces_its_strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy_file(tmp_path, name="from_a_package")
    monkeypatch.syspath_prepend(tmp_path)
    announce(monkeypatch, ("made_up", "from_a_package"))
    loaded = load_strategy("made_up", {})
    assert (loaded.name, loaded.module) == ("made_up", "from_a_package")
    assert "from_a_package" not in sys.modules
    assert strategy_names() == ("breakout", "made_up", "mean_reversion", "trend_following")


def test_two_packages_with_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    announce(monkeypatch, ("made_up", "one"), ("made_up", "two"))
    with pytest.raises(UnknownStrategyError, match="announced by one and two"):
        load_strategy("made_up", {})


@pytest.mark.parametrize("module", ["not_installed_anywhere", "not_installed.anywhere", "math"])
def test_an_announced_module_that_is_no_file_is_refused(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(monkeypatch, ("made_up", module))
    with pytest.raises(UnknownStrategyError, match="reinstall its package"):
        load_strategy("made_up", {})


def test_the_shipped_strategies_may_announce_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    announce(monkeypatch, *((name, f"tidegate.strategies.{name}") for name in SHIPPED))
    assert strategy_names() == SHIPPED
