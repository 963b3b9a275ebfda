"""A version is its bytes: the same bytes are the same version, and any edit is another one."""

from importlib.metadata import packages_distributions, version
from pathlib import Path

import msgspec
import pytest

from tidegate.config import versions
from tidegate.config.caps import CAPS, capped
from tidegate.config.errors import ConfigError
from tidegate.config.model import SmallLiveSection
from tidegate.config.reading import LoadedConfig, read_config
from tidegate.config.versions import ConfigVersion, declared_imports, name_of, read_version
from tidegate.service.setup import version_in
from tidegate.values.money import attos

pytestmark = pytest.mark.req("D2.2")

PLAIN = read_config("us-stocks")


def written(folder: Path, text: str = "", *, edit: tuple[str, str] = ("", ""), strategy: str = "") -> LoadedConfig:
    """Return a configuration of one strategy file, read from disk."""
    folder.mkdir(exist_ok=True)
    source = Path(PLAIN.folder / "us-stocks.yaml").read_text().replace("strategy: mean_reversion", "strategy: mine.py")
    mine = Path(versions.__file__).parents[1] / "strategies" / "mean_reversion.py"
    (folder / "mine.py").write_text(mine.read_text().replace('NAME = "mean_reversion"', 'NAME = "mine"') + strategy)
    (folder / "config.yaml").write_text(source.replace(*edit) + text)
    return read_config(str(folder / "config.yaml"))


def permission(version: ConfigVersion, name: str = "mine") -> str:
    return version.permissions[name]


def test_the_same_bytes_are_the_same_version_wherever_they_lie(tmp_path: Path) -> None:
    one, other = version_in(written(tmp_path / "a")), version_in(written(tmp_path / "b"))
    assert one == other
    assert name_of(one) == one.sha256


@pytest.mark.parametrize(
    ("edit", "voids"),
    [
        (("cash_usd: 100000", "cash_usd: 100001"), False),
        (("account:\n", "# a remark\naccount:\n"), False),
        (("sector: financials, market_group: us_stocks}\n  - {symbol: AIG", "sector: x, market_group: us_stocks}\n  - {symbol: AIG"), True),
        (
            (
                "spread_bps_max: 10}\n      - {symbol: [CHOP], market: [TREND]",
                "spread_bps_max: 9}\n      - {symbol: [CHOP], market: [TREND]",
            ),
            True,
        ),
        (("symbol: [TREND], market: [CHOP, TREND]", "symbol: [TREND], market: [CHOP]"), False),  # another strategy's row
    ],
)
def test_any_edit_is_another_version_and_what_a_strategy_rests_on_another_permission(
    tmp_path: Path, edit: tuple[str, str], *, voids: bool
) -> None:
    before, after = version_in(written(tmp_path / "a")), version_in(written(tmp_path / "b", edit=edit))
    assert before.sha256 != after.sha256
    assert (permission(before) != permission(after)) is voids


def test_an_edited_strategy_file_voids_its_own_permission_alone(tmp_path: Path) -> None:
    before, after = version_in(written(tmp_path / "a")), version_in(written(tmp_path / "b", strategy="\n# one more line\n"))
    assert before.sha256 != after.sha256
    assert permission(before) != permission(after)
    assert permission(before, "breakout") == permission(after, "breakout")


def test_another_limit_voids_every_permission(tmp_path: Path) -> None:
    loaded = written(tmp_path / "a")
    other = loaded._replace(limits=msgspec.structs.replace(loaded.limits, orders_per_minute_max=1))
    before, after = version_in(loaded), version_in(other)
    assert not set(before.permissions.values()) & set(after.permissions.values())


def test_another_minor_version_of_tidegate_is_another_version_and_a_repair_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = written(tmp_path / "a")
    names = []
    for number in ("1.4.0", "1.4.7", "1.5.0"):
        monkeypatch.setattr(versions, "version", lambda package, number=number: number if package == "tidegate" else "2.2.1")
        found = version_in(loaded)
        names.append((found.sha256, permission(found)))
    assert names[0] == names[1]
    assert names[0][0] != names[2][0]
    assert names[0][1] != names[2][1]


def test_a_version_says_what_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version", lambda _package: "2.2.1")
    source = b"import math\nimport numpy as np\nfrom tidegate.values.enums import Side\n"
    assert declared_imports(source) == ("math", "numpy==2.2", "tidegate.values.enums")


def test_a_module_has_the_version_of_the_package_it_is_of_whatever_that_is_called() -> None:
    whose = packages_distributions()
    for module in ("msgspec", "numpy", "yaml", "google_crc32c"):
        (package,) = set(whose[module])
        assert declared_imports(f"import {module}".encode()) == (f"{module}=={'.'.join(version(package).split('.')[:2])}",)
    assert declared_imports(b"import no_such_package, enum") == ("enum", "no_such_package")


def test_a_version_reads_again_from_its_bytes(tmp_path: Path) -> None:
    loaded = written(tmp_path / "a")
    again = read_version(version_in(loaded))
    assert (again.config, again.limits) == (loaded.config, loaded.limits)


def test_limits_written_in_the_configuration_are_part_of_it(tmp_path: Path) -> None:
    text = "limits:\n" + "".join(
        f"  {line}\n" for line in Path(PLAIN.folder.parent / "limits" / "2026-02.yaml").read_text().splitlines() if not line.startswith("#")
    )
    loaded = written(tmp_path / "a", text, edit=("limits_file: 2026-02\n", ""))
    version = version_in(loaded)
    assert version.limits == b""
    assert read_version(version).limits == loaded.limits


# Mode small-live.


def test_small_live_holds_every_limit_of_the_same_thing_to_its_cap_and_loosens_none() -> None:
    caps = PLAIN.config.small_live
    assert isinstance(caps, SmallLiveSection)
    found = capped(PLAIN, "small-live").limits
    for cap, limits in CAPS.items():
        for limit in limits:
            if limit in found.__struct_fields__:
                assert getattr(found, limit) == min(attos(getattr(caps, cap)), getattr(PLAIN.limits, limit))
    held = {limit for limits in CAPS.values() for limit in limits}
    changed = {name for name in found.__struct_fields__ if getattr(found, name) != getattr(PLAIN.limits, name)}
    assert changed
    assert changed <= held
    assert set(CAPS) == set(caps.__struct_fields__)


def test_each_cap_has_a_limit_to_hold_down() -> None:
    """Only the daily loss may be without one, as long as no limit is of it."""
    unbound = {cap for cap, limits in CAPS.items() if not set(limits) & set(PLAIN.limits.__struct_fields__)}
    of_loss = [name for name in PLAIN.limits.__struct_fields__ if "daily_loss" in name]
    assert unbound == (set() if of_loss else {"daily_loss_usd_max"})


def test_a_cap_above_the_limit_does_not_loosen_it() -> None:
    tight = PLAIN._replace(limits=msgspec.structs.replace(PLAIN.limits, order_notional_attos_max=1))
    assert capped(tight, "small-live").limits.order_notional_attos_max == 1


@pytest.mark.parametrize("mode", ["paper", "live", "shadow", "replay", ""])
def test_other_modes_take_the_limits_as_they_are(mode: str) -> None:
    assert capped(PLAIN, mode) is PLAIN


def test_without_caps_small_live_does_not_start() -> None:
    bare = PLAIN._replace(config=msgspec.structs.replace(PLAIN.config, small_live=msgspec.UNSET))
    with pytest.raises(ConfigError, match="order_notional_usd_max"):
        capped(bare, "small-live")


@pytest.mark.parametrize("line", ["order_notional_usd_max: 0", "order_notional_usd_max: -1"])
def test_a_cap_of_nothing_and_half_a_section_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        written(tmp_path / "a", edit=("order_notional_usd_max: 500", line))
    with pytest.raises(ConfigError, match="daily_loss_usd_max"):
        written(tmp_path / "b", edit=("  daily_loss_usd_max: 100\n", ""))
    with pytest.raises(ConfigError, match="fills_min"):
        written(tmp_path / "c", edit=("    fills_min: 50\n", ""))
