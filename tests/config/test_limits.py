from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tidegate.config.errors import ConfigError
from tidegate.config.limits import limit_keys, read_limits, read_scoped
from tidegate.config.model import ScopedLimitsSection
from tidegate.config.reading import LIMITS
from tidegate.config.yaml_text import Node, read_documents
from tidegate.risk.limits import RiskLimits
from tidegate.risk.scopes import ScopedLimits
from tidegate.values.errors import ExitCode
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B3.1")


def document() -> dict[str, Node]:
    (found,) = read_documents((LIMITS / "2026-02.yaml").read_bytes(), "2026-02")
    assert isinstance(found, dict)
    return found


def test_the_limits_of_2026_02_are_what_was_decided() -> None:
    limits = read_limits(document(), "2026-02")
    assert limits.order_notional_attos_max == 10_000 * ATTOS
    assert limits.order_quantity_nanos_max == 1_000 * NANOS
    assert limits.position_notional_attos_max == 50_000 * ATTOS
    assert limits.position_quantity_nanos_max == 5_000 * NANOS
    assert limits.gross_exposure_attos_max == 200_000 * ATTOS
    assert limits.total_notional_attos_max == 200_000 * ATTOS
    assert limits.concentration_bps_max == 2_500
    assert limits.symbols_allowed is None
    assert limits.symbols_blocked == frozenset()
    assert limits.quote_age_ns_max == 2 * SECOND_NS


def test_a_limits_file_has_every_key_of_the_gate_and_a_remark_for_each_group() -> None:
    assert list(document()) == [key.key for key in limit_keys()]
    assert [key.field.name for key in limit_keys()] == list(RiskLimits.__struct_fields__)


@pytest.mark.parametrize("key", [key.key for key in limit_keys()])
def test_a_missing_limit_is_named(key: str) -> None:
    rest = {name: value for name, value in document().items() if name != key}
    with pytest.raises(ConfigError, match=f"limit '{key}' is missing: .*a limit has no default") as refused:
        read_limits(rest, "mine.yaml")
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("order_notional_max", 5, "unknown limit 'order_notional_max'; did you mean order_notional_usd_max"),
        ("order_notional_usd_max", "much", "not a decimal number"),
        ("order_notional_usd_max", Decimal("0.0000000000000000001"), "finer than 1e-18"),
        ("order_notional_usd_max", None, "must be a decimal number of dollars"),
        ("order_notional_usd_max", True, "must be a decimal number of dollars"),
        ("order_notional_usd_max", -1, "a limit is 0 or more"),
        ("order_quantity_max", [1], "must be a decimal number of shares"),
        ("order_quantity_max", 10**12, "does not fit 64 bits"),
        ("quote_age_max", 5, "must be a duration such as 5s"),
        ("quote_age_max", "5 seconds", "not a duration"),
        ("spread_bps_max", Decimal("1.5"), "must be a whole number of basis points"),
        ("spread_bps_max", True, "must be a whole number of basis points"),
        ("orders_per_minute_max", "30", "must be a whole number"),
        ("orders_per_minute_max", 10**9, "no more than"),
        ("symbols_allowed", "IBM", "must be a list of symbols"),
        ("symbols_allowed", ["IBM", 3], "must be a list of symbols"),
        ("symbols_blocked", None, "write [] to block none"),
    ],
)
def test_a_bad_limit_is_one_sentence(key: str, value: Node, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_limits(document() | {key: value}, "mine.yaml")
    assert why in str(refused.value)
    assert str(refused.value).startswith("mine.yaml: ")


def test_symbols_are_a_set() -> None:
    limits = read_limits(document() | {"symbols_allowed": ["IBM", "AIG"], "symbols_blocked": ["BAC"]}, "x")
    assert limits.symbols_allowed == frozenset({"IBM", "AIG"})
    assert limits.symbols_blocked == frozenset({"BAC"})


def test_limits_are_keys_and_values() -> None:
    with pytest.raises(ConfigError, match="must be keys and values"):
        read_limits([1], "mine.yaml")


def scoped(*sections: dict[str, Any]) -> tuple[ScopedLimits, ...]:
    read = [msgspec.convert(section, ScopedLimitsSection) for section in sections]
    return read_scoped(read, read_limits(document(), "2026-02"), "mine.yaml")


def test_narrower_limits_are_read_in_their_units() -> None:
    found = scoped(
        {"strategy": "mr", "limits": {"order_notional_usd_max": "2000.5", "daily_loss_usd_max": 500}},
        {"symbol": "AIG", "limits": {"quote_age_max": "1s", "displayed_size_min": 200}},
        {"sector": "banks", "limits": {"sector_exposure_usd_max": 5_000}},
    )
    assert [(one.scope.value, one.key) for one in found] == [("strategy", "mr"), ("symbol", "AIG"), ("sector", "banks")]
    assert found[0].limits == {"order_notional_attos_max": 4_001 * ATTOS // 2, "daily_loss_attos_max": 500 * ATTOS}
    assert found[1].limits == {"quote_age_ns_max": SECOND_NS, "displayed_size_nanos_min": 200 * NANOS}


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({"limits": {}}, r"scoped_limits\[1\] must name one strategy, symbol or sector"),
        ({"symbol": "AIG", "sector": "banks", "limits": {}}, "must name one strategy, symbol or sector"),
        ({"symbol": "AIG", "limits": {"order_notional_max": 5}}, "'order_notional_max' is no limit of a symbol; did you mean"),
        ({"symbol": "AIG", "limits": {"daily_loss_usd_max": 5}}, "'daily_loss_usd_max' is no limit of a symbol"),
        ({"strategy": "mr", "limits": {"gross_exposure_usd_max": 5}}, "is no limit of a strategy"),
        ({"symbol": "AIG", "limits": {"order_notional_usd_max": 10_001}}, "looser than the account's; a scope may only narrow"),
        ({"symbol": "AIG", "limits": {"displayed_size_min": 99}}, "looser than the account's"),
        ({"symbol": "AIG", "limits": {"order_notional_usd_max": -1}}, "looser than the account's"),
        ({"symbol": "AIG", "limits": {"order_notional_usd_max": "much"}}, "not a decimal number"),
        ({"symbol": "AIG", "limits": {"order_notional_usd_max": ["1"]}}, "must be a decimal number of dollars"),
    ],
)
def test_a_scope_that_means_nothing_is_refused(section: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        scoped(section)
