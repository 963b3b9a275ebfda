"""Messages never change after creation, and old logs open for ever: flags on each class, tags used once."""

import ast

from tests.rules.source import Source, made, package

ROOT_STRUCTS = {"msgspec.Struct", "Struct"}


def message_classes(sources: list[Source]) -> list[tuple[Source, ast.ClassDef]]:
    """Return every class of the sources that is a msgspec struct, directly or through another of them."""
    classes = [(source, node) for source in sources for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    structs = set(ROOT_STRUCTS)
    for _ in classes:  # as deep as a chain of bases can be
        structs |= {node.name for _, node in classes if any(ast.unparse(base) in structs for base in node.bases)}
    return [(source, node) for source, node in classes if node.name in structs]


def loose(sources: list[Source]) -> list[str]:
    """Name each message that does not say frozen and kw_only itself: msgspec inherits only the one."""
    found = []
    for source, node in message_classes(sources):
        said = {keyword.arg for keyword in node.keywords if ast.unparse(keyword.value) == "True"}
        found += [f"{source.at(node)} {node.name} without {flag}" for flag in ("frozen", "kw_only") if flag not in said]
    return found


def reused_tags(sources: list[Source]) -> list[str]:
    tags = [ast.unparse(keyword.value) for _, node in message_classes(sources) for keyword in node.keywords if keyword.arg == "tag"]
    return sorted({tag for tag in tags if tags.count(tag) > 1})


def events() -> list[Source]:
    return [source for source in package() if source.layer == "events"]


def test_messages_are_frozen_and_take_names_only() -> None:
    assert message_classes(events()) != []
    assert loose(events()) == []


def test_each_tag_means_one_message() -> None:
    assert reused_tags(events()) == []


def test_the_rules_catch_a_loose_message_and_a_tag_used_twice() -> None:
    base = "class Base(msgspec.Struct, frozen=True, kw_only=True): ...\n"
    leaf = "class Leaf(Base, frozen=True, kw_only=True, tag='a'): ...\n"
    assert loose([made(base + leaf)]) == []
    assert loose([made(base + "class Leaf(Base, frozen=True): ...")]) != []
    assert loose([made(base + "class Leaf(Base, kw_only=True, frozen=False): ...")]) != []
    assert reused_tags([made(base + leaf + "class Other(Base, tag='a'): ...")]) == ["'a'"]
