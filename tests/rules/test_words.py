"""A status is a member of a closed enum, never text that a typo can miss; venues' words stay at the edge."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum

from tests.rules.source import Source, everything, made, package
from tidegate.values import enums

WORDS = {
    str(member).lower() for kind in vars(enums).values() if isinstance(kind, type) and issubclass(kind, StrEnum) for member in kind
} | {member.lower() for member in enums.Regime.__members__}

# Here foreign words become ours: recorded sets, and each venue's messages.
EDGES = re.compile(r"src/tidegate/(tapes/|venues/\w+/(mapping|wire)\.py)")

NOTES = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")


def status_words(source: Source) -> list[str]:
    return [f"{source.at(node)} compares with {text!r}" for node, text in _compared(source.tree) if text.lower() in WORDS]


def _compared(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for part in (node.left, *node.comparators):
                yield from _texts(part)
        elif isinstance(node, ast.MatchValue):
            yield from _texts(node.value)


def _texts(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node, node.value
    elif isinstance(node, ast.Tuple | ast.Set | ast.List):
        for part in node.elts:
            yield from _texts(part)


def unfinished(source: Source) -> list[str]:
    lines = enumerate(source.text.splitlines(), start=1)
    return [f"{source.name}:{number}" for number, line in lines if NOTES.search(line)]


def test_statuses_are_compared_as_enum_members() -> None:
    sources = [source for source in package() if not EDGES.match(source.name)]
    assert [line for source in sources for line in status_words(source)] == []


def test_nothing_is_left_to_do_in_a_comment() -> None:
    assert [line for source in everything() for line in unfinished(source)] == []


def test_no_file_is_a_place_for_whatever_fits_nowhere() -> None:
    banned = re.compile(r"/(utils?|helpers?|misc|common(?!_work))(/|\.py$|_|s\.py$)")  # the common work is what rivals are timed on
    assert [source.name for source in everything() if banned.search(source.name)] == []


def test_no_file_changes_the_meaning_of_its_own_syntax() -> None:
    assert [source.name for source in everything() if "from __future__" + " import" in source.text] == []


def test_the_rules_catch_status_words_and_notes() -> None:
    for text in (
        "x == 'filled'",
        "'FILLED' != x",
        "x in ('new', 'other')",
        "match x:\n    case 'halted':\n        pass",
    ):
        assert status_words(made(text)) != [], text
    assert status_words(made("x = 'filled'\ny == 'a free text'")) == []
    assert unfinished(made("x = 1  # TO" + "DO later")) != []
