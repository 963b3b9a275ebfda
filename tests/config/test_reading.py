from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.making import CONFIG, SHIPPED
from tidegate.config.errors import ConfigError
from tidegate.config.reading import LIMITS, LoadedConfig, limits_names, parse_config, read_config
from tidegate.config.writing import config_source
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("F4")


def parsed(text: str, folder: Path = Path()) -> LoadedConfig:
    return parse_config(text.encode(), name="test.yaml", folder=folder)


def test_a_configuration_is_one_frozen_value() -> None:
    loaded = parsed(CONFIG)
    assert loaded.config.account.cash_usd == Decimal("100000.50")
    assert loaded.config.instruments[1].bars_from_trades
    assert loaded.config.strategies[0].params == {"entry_z": "2.25", "short": False}
    assert loaded.config.market.stale == "15s"
    assert loaded.limits == read_config("us-stocks").limits
    assert hash(loaded.config.market)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_configurations_are_complete(name: str) -> None:
    loaded = read_config(name)
    assert len(loaded.config.strategies) == 3
    assert all(entry.eligible for entry in loaded.config.strategies)


def test_the_shipped_names_are_known() -> None:
    assert SHIPPED == ("demo-generated", "demo-recorded", "generated", "us-stocks")
    assert limits_names() == ("2026-02", "day-trading")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("limits_file: 2026-02", "limits_fiel: 2026-02", "unknown key 'limits_fiel' at the top; did you mean limits_file"),
        (
            "account: {name: test,",
            "account: {nam: test,",
            "unknown key 'nam' in account; did you mean name? known: name, cash_usd",
        ),
        ("account: {name: test, ", "account: {", "key 'name' is missing in account: Name of the account"),
        ("calendar: XNYS", "calender: XNYS", "unknown key 'calender' in venues[1]; did you mean calendar?"),
        (
            "spread_bps_max: 8",
            "spread_max: 8",
            "unknown key 'spread_max' in strategies[1].eligible[1]; did you mean spread_bps_max?",
        ),
        (
            "limits_file: 2026-02",
            "limits_file: 2026-02\nmarket: {stale_after: 3s}",
            "unknown key 'stale_after' in market; did you mean stale",
        ),
        ("calendar: XNYS", "calendar: XLON", "venues[1].calendar: cannot be 'XLON'"),
        ("[CHOP],", "[UNTRADEABLE],", "strategies[1].eligible[1].symbol[1]: cannot be 'UNTRADEABLE'"),
        ("spread_bps_max: 8", "spread_bps_max: 0", "strategies[1].eligible[1].spread_bps_max: must be float > 0.0"),
        ("spread_bps_max: 8", "spread_bps_max: wide", "spread_bps_max: must be float, got str"),
        ('"100000.50"', "lots", "account.cash_usd: invalid decimal string"),
        (
            "limits_file: 2026-02",
            "limits_file: 2026-02\nvaluation: 1 minute",
            "valuation must be a duration such as 500ms, 5s or 2m",
        ),
        ("limits_file: 2026-02", "limits_file: 2026-02\nmarket: 3", "market must have keys and values: wide_bps"),
        (
            "limits_file: 2026-02",
            "limits_file: 2026-02\nother_instruments: {venu: sim}",
            "unknown key 'venu' in other_instruments",
        ),
        ("limits_file: 2026-02", "limits_file: 2026-20", "There is no limits file '2026-20'; did you mean 2026-02?"),
        ("limits_file: 2026-02", "limits_file: my/limits.yaml", "There is no limits file"),
        ("limits_file: 2026-02", "", "has no limits: set limits_file to 2026-02 or day-trading"),
        ("limits_file: 2026-02", "limits_file: 2026-02\nlimits: {}", "has limits and a limits_file; keep one"),
        ("limits_file: 2026-02", "limits: {}", "limit 'symbols_allowed' is missing"),
        ("limits_file: 2026-02", "limits_file: 2026-02\n---\n{}\n---\n{}", "holds 3 documents"),
        ("bars_from_trades: true", "bars_from_trades: yes", "instruments[2].bars_from_trades: must be bool, got str"),
        ("account:", "account: {}\naccount:", "account stands here twice"),
        ("limits_file: 2026-02", "limits_file: [", "this is not YAML"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_place(before: str, after: str, why: str) -> None:
    assert before in CONFIG
    with pytest.raises(ConfigError) as refused:
        parsed(CONFIG.replace(before, after))
    assert why in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "- 1", "3", "null"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"test\.yaml"):
        parsed(text)


def test_a_file_is_found_by_name_or_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CONFIG)
    assert read_config(str(path)).folder == tmp_path
    with pytest.raises(ConfigError, match="did you mean us-stocks"):
        read_config("us-stock")
    with pytest.raises(ConfigError, match="There is no configuration"):
        read_config(str(tmp_path / "other.yaml"))


def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CONFIG)

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(str(path))


def test_a_limits_file_counts_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    limits = (LIMITS / "2026-02.yaml").read_text().replace("order_quantity_max: 1000", "order_quantity_max: 7")
    (tmp_path / "tight.yaml").write_text(limits)
    loaded = parsed(CONFIG.replace("limits_file: 2026-02", "limits_file: tight.yaml"), tmp_path)
    assert loaded.limits.order_quantity_nanos_max == 7_000_000_000
    (tmp_path / "tight.yaml").write_text(f"{limits}---\n{{}}\n")
    with pytest.raises(ConfigError, match="a limits file is one"):
        parsed(CONFIG.replace("limits_file: 2026-02", "limits_file: tight.yaml"), tmp_path)


def test_limits_may_stand_in_the_configuration() -> None:
    inline = "limits:\n" + "".join(f"  {line}\n" for line in (LIMITS / "2026-02.yaml").read_text().splitlines())
    loaded = parsed(CONFIG.replace("limits_file: 2026-02", inline))
    assert loaded.limits == parsed(CONFIG).limits


def test_what_was_read_reads_the_same_again_without_any_file() -> None:
    loaded = parsed(CONFIG)
    again = parse_config(loaded.source, name="log", folder=Path("/nowhere"))
    assert (again.config, again.limits, again.source) == (loaded.config, loaded.limits, loaded.source)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_written_reads_the_same_again(name: str) -> None:
    loaded = read_config(name)
    again = parse_config(config_source(loaded.config, loaded), name="log", folder=loaded.folder)
    assert (again.config, again.limits) == (loaded.config, loaded.limits)


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_one_sentence(text: str) -> None:
    with pytest.raises(ConfigError):
        parsed(text)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_configuration_or_one_sentence(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_config(data, name="test.yaml", folder=Path())


@given(cut=st.integers(0, len(CONFIG)), put=st.text(alphabet="{}[]:,-&*!|>'\"\n #a0", max_size=5))
def test_a_damaged_configuration_is_read_or_one_sentence(cut: int, put: str) -> None:
    try:
        loaded = parsed(CONFIG[:cut] + put + CONFIG[cut:])
    except ConfigError as error:
        sentence = str(error)
    else:
        sentence = loaded.config.limits_file and "test.yaml"
    assert "test.yaml" in sentence or "limits file" in sentence


def test_a_sentence_that_asks_has_no_full_stop_behind_its_question() -> None:
    with pytest.raises(ConfigError, match=r"did you mean account\?$"):
        parse_config(b"acount: {name: a}", name="c", folder=Path())
