from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.config.making import HEAD, SOUND, strategy_file
from tidegate.config.errors import BadParameterError, StrategyFileError
from tidegate.config.loading import load_strategy, parameter_cards, split_request
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("A2.1")


def test_parameters_have_defaults_and_take_texts_and_numbers(tmp_path: Path) -> None:
    path = strategy_file(tmp_path)
    assert load_strategy(path, {}).params.below_bps == 5.0
    params = load_strategy(path, {"below_bps": "2.5", "count": "-3", "short": "true"}).params
    assert (params.below_bps, params.count, params.short) == (2.5, -3, True)
    params = load_strategy(path, {"below_bps": 2, "count": 7, "short": False}).params
    assert (params.below_bps, params.count, params.short) == (2.0, 7, False)
    assert type(params.below_bps) is float


@pytest.mark.parametrize(
    ("given_params", "why"),
    [
        ({"belwo_bps": 1.0}, "no parameter 'belwo_bps'; did you mean below_bps? known: below_bps, count, short, silent"),
        ({"below_bps": "much"}, "must be a number"),
        ({"below_bps": "nan"}, "must be a number"),
        ({"below_bps": "inf"}, "must be a number"),
        ({"below_bps": True}, "must be a number"),
        ({"below_bps": 10**400}, "must be a number"),
        ({"count": "2.5"}, "must be a whole number"),
        ({"count": 2.0}, "must be a whole number"),
        ({"count": True}, "must be a whole number"),
        ({"short": "yes"}, "must be true or false"),
        ({"short": 1}, "must be true or false"),
    ],
)
def test_a_bad_parameter_is_one_sentence(given_params: dict[str, str | float], why: str, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError) as refused:
        load_strategy(strategy_file(tmp_path), given_params)
    assert why in str(refused.value)
    assert "made_up" in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE


def test_a_strategy_may_refuse_its_own_parameters(tmp_path: Path) -> None:
    checked = SOUND.replace(
        "    silent: float = 1.0\n",
        "    silent: float = 1.0\n\n    def __post_init__(self):\n"
        "        if self.count < 0:\n            raise ValueError('count is below 0')\n",
    )
    with pytest.raises(BadParameterError, match="made_up refuses its parameters: count is below 0"):
        load_strategy(strategy_file(tmp_path, checked), {"count": -1})


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (
            "class Params(msgspec.Struct, frozen=True, kw_only=True):",
            "class Other(msgspec.Struct, frozen=True):",
            "Params is missing",
        ),
        ("    count: int = 2", "    count: int", "needs a default"),
        ("    count: int = 2", "    count: str = 'x'", "must be an int, a float or a bool"),
        ("    count: int = 2", "    count: int | None = None", "must be an int, a float or a bool"),
        ("    count: int = 2", "\n".join(f"    p{i}: int = 2" for i in range(70)), "64 is the most"),
    ],
)
def test_params_are_a_frozen_struct_of_numbers(before: str, after: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match=why):
        load_strategy(strategy_file(tmp_path, SOUND.replace(before, after)), {})


def test_each_parameter_is_documented_by_its_remark(tmp_path: Path) -> None:
    cards = {card.name: card for card in parameter_cards(load_strategy(strategy_file(tmp_path), {"count": 9}))}
    assert cards["below_bps"].remark == "How far below the average it buys"
    assert (cards["count"].remark, cards["count"].kind, cards["count"].default) == ("times", "int", 2)
    assert cards["silent"].remark == ""
    assert HEAD.count("#") == 4


@pytest.mark.parametrize(
    ("text", "name", "params"),
    [
        ("breakout", "breakout", {}),
        ("breakout:volume=2", "breakout", {"volume": "2"}),
        (" breakout : volume = 2 , short=false", "breakout", {"volume": "2", "short": "false"}),
        ("./a.py:x=1", "./a.py", {"x": "1"}),
    ],
)
def test_a_request_is_a_name_and_parameters(text: str, name: str, params: dict[str, str]) -> None:
    assert split_request(text) == (name, params)


@pytest.mark.parametrize("text", ["breakout:volume", "breakout:=2", "breakout:volume=", "breakout:a=1,,b=2", "breakout:a=1,a=2"])
def test_a_request_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadParameterError, match="NAME:param=value"):
        split_request(text)


@settings(max_examples=30)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_survives_its_text(value: float) -> None:
    assert load_strategy("breakout", {"volume": repr(value)}).params.volume == value


@settings(max_examples=30)
@given(st.text(max_size=20))
def test_any_text_is_a_number_or_one_sentence(text: str) -> None:
    try:
        value = load_strategy("breakout", {"volume": text}).params.volume
    except BadParameterError as error:
        sentence = str(error)
    else:
        sentence = f"volume is {value + 0.0}"
    assert "volume" in sentence


@given(st.text(max_size=30))
def test_any_request_is_read_or_refused(text: str) -> None:
    try:
        name, _ = split_request(text)
    except BadParameterError:
        return
    assert name == text.partition(":")[0].strip()
