from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.config.errors import ConfigError
from tidegate.config.yaml_text import DOCUMENT_BYTES_MAX, Node, read_documents

pytestmark = pytest.mark.req("F4")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("1_000", 1_000),
        ("1.50", Decimal("1.50")),
        ("0.1", Decimal("0.1")),
        ("1e5", Decimal("1e5")),
        (".5", Decimal("0.5")),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("ON", "ON"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("True", "True"),
        ("10:30", "10:30"),
        ("2013-10-07", "2013-10-07"),
        ("2026-02", "2026-02"),
        ("012", "012"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("5s", "5s"),
        ("'1'", "1"),
        ("[1, 2.5]", [1, Decimal("2.5")]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)
def test_a_word_is_what_it_looks_like(text: str, value: Node) -> None:
    found = read_documents(f"key: {text}\n".encode(), "x")
    assert found == [{"key": value}]
    assert repr(found) == repr([{"key": value}])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "x:4: this is not YAML: c stands here twice"),
        (b"a: [", "x:1: this is not YAML"),
        (b"a: b: c", "x:1: this is not YAML"),
        (b"\xff\xfe", "x is not UTF-8 text"),
        (b"a: &b {c: *b}", "recursive"),
        (b"a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        (b"a: !!timestamp 2013-10-07", "could not determine a constructor"),
        (b"a: !!int x", "x is not YAML"),
        (b"a: !!float x", "x is no number"),
        (b"a: !!bool x", "x is not YAML"),
        (b"a: \x00", "x is not YAML"),
        (b"#" * (DOCUMENT_BYTES_MAX + 1), "that is no configuration"),
        (b"[" * 5_000, "x is not YAML"),
    ],
)
def test_what_is_no_yaml_is_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_documents(data, "x")
    assert why in str(refused.value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("0.000001"), max_value=10**15, places=6))
def test_money_arrives_exactly(amount: Decimal) -> None:
    assert read_documents(f"cash: {amount:f}\n".encode(), "x") == [{"cash": amount}]


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers()))
def test_integers_arrive_exactly(numbers: dict[str, int]) -> None:
    text = "\n".join(f"{key}: {value}" for key, value in numbers.items())
    assert (read_documents(text.encode(), "x") or [{}])[0] == (numbers or {})
