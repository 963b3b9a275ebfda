"""A call says what it passes: no `**kwargs`; `Any` only for rows of compiled state and foreign libraries."""

from tests.rules.source import Source, functions, imports, made, package

# Messages, money and judgement have neither rows nor foreign libraries, so nothing there is of unknown type.
FULLY_TYPED = ("values", "events", "portfolio", "risk", "oms", "config", "clock")


def open_ended(source: Source) -> list[str]:
    return [f"{source.at(node)} {node.name}" for node in functions(source.tree) if node.args.kwarg is not None]


def untyped(source: Source) -> list[str]:
    return [f"{source.at(node)} imports Any" for node, name in imports(source) if name == "typing.Any"]


def test_no_function_takes_whatever_comes() -> None:
    assert [line for source in package() for line in open_ended(source)] == []


def test_messages_and_judgement_have_no_any() -> None:
    assert [line for source in package() if source.layer in FULLY_TYPED for line in untyped(source)] == []


def test_the_rules_catch_open_arguments_and_any() -> None:
    assert open_ended(made("def f(*, a, **rest): ...")) != []
    assert open_ended(made("def f(*parts): g(**parts[0])")) == []
    assert untyped(made("from typing import Any, final")) != []
