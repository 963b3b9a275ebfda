"""Prices, quantities and money are exact: what does not fit is an error, and text comes back as it went in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.errors import ExitCode
from tidegate.values.money import (
    ATTOS,
    INT64_MAX,
    NANOS,
    NotExactError,
    attos,
    attos_text,
    nanos,
    nanos_text,
    notional_attos,
)

pytestmark = pytest.mark.req("B2.5")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1", NANOS),
        ("-1.5", -1_500_000_000),
        ("0.000000001", 1),
        ("1e3", 1_000 * NANOS),
        ("251.370", 251_370_000_000),
        (Decimal("0.10"), NANOS // 10),
        (7, 7 * NANOS),
        ("1.0000000000", NANOS),
        ("9223372036.854775807", INT64_MAX),
    ],
)
def test_decimal_numbers_become_nanos(text: str | int | Decimal, value: int) -> None:
    assert nanos(text) == value


@pytest.mark.parametrize("text", ["0.0000000001", "abc", "", "NaN", "Infinity", "9223372036.854775808", "1,5"])
def test_what_is_no_number_or_does_not_fit_is_an_error(text: str) -> None:
    with pytest.raises(NotExactError) as error:
        nanos(text)
    assert error.value.exit_code is ExitCode.USAGE


def test_money_is_finer_and_has_no_upper_bound() -> None:
    assert attos("0.000000000000000001") == 1
    assert attos("1e30") == 10**48
    with pytest.raises(NotExactError, match="finer than 1e-18"):
        attos("1e-19")


@given(st.integers(-INT64_MAX, INT64_MAX))
def test_nanos_survive_the_way_to_text_and_back(value: int) -> None:
    assert nanos(nanos_text(value)) == value


@given(st.integers(-(10**40), 10**40))
def test_attos_survive_the_way_to_text_and_back(value: int) -> None:
    assert attos(attos_text(value)) == value


@given(st.integers(-INT64_MAX, INT64_MAX))
def test_text_is_the_shortest_exact_form(value: int) -> None:
    text = nanos_text(value)
    assert Decimal(text) == Decimal(value).scaleb(-9)
    assert "." not in text or not text.endswith(("0", "."))


@given(st.integers(0, INT64_MAX), st.integers(-INT64_MAX, INT64_MAX), st.integers(1, 100))
def test_a_notional_is_the_exact_product(price: int, quantity: int, multiplier: int) -> None:
    exact = Decimal(nanos_text(price)) * Decimal(nanos_text(quantity)) * multiplier
    assert notional_attos(price, quantity, multiplier) == exact * ATTOS or abs(exact) >= Decimal("1e10")
    assert notional_attos(price, quantity, multiplier) == price * quantity * multiplier
