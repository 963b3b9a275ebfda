"""A public name of the package is used by more than tests, or it is dead: a second way that only tests take proves nothing of the first.

A plain count of words over the sources; what a docstring says is no use, what the texts below say is one.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from tests.rules.source import ROOT, Source, made, package, tools

TEXTS = (ROOT / "pyproject.toml", ROOT / "docs" / "api.md", *sorted((ROOT / "examples").glob("*.ipynb")))

# Used by nothing, and there all the same: the reason of each.
ALLOWED = {
    "close_all_positions": "row G3: a verb of the venue's client, which is offered whole",
    "equity_history": "row G3: likewise",
}

_WORD = re.compile(r"[^\W\d]\w*")
_Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def unused(defining: Iterable[Source], using: Iterable[Source], texts: Iterable[str] = ()) -> dict[str, str]:
    """Return the public functions, classes and methods whose word is said only where they are defined, and where that is."""
    said: Counter[str] = Counter()
    for source in using:
        said.update(_words(source.text))
        said.subtract(_words(ast.get_docstring(source.tree, clean=False) or ""))
        for node in _defined(source.tree.body):
            said.subtract([node.name, *_words(ast.get_docstring(node, clean=False) or "")])
    said.update(chain.from_iterable(map(_words, texts)))
    return {node.name: source.at(node) for source in defining for node in _public(source.tree.body) if said[node.name] <= 0}


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _defined(body: Iterable[ast.stmt]) -> Iterator[_Defined]:
    for node in body:
        if isinstance(node, _Defined):
            yield node
            yield from _defined(node.body)


def _public(body: Iterable[ast.stmt]) -> Iterator[_Defined]:
    for node in body:
        if isinstance(node, _Defined) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body)


def test_every_public_name_is_used_by_more_than_tests() -> None:
    found = unused(package(), (*package(), *tools()), [path.read_text() for path in TEXTS])
    assert {name: at for name, at in found.items() if name not in ALLOWED} == {}
    assert sorted(set(ALLOWED) - found.keys()) == [], "what is allowed is used by now, or gone: take it off the list"


def test_the_rule_catches_what_nobody_calls() -> None:
    source = made('''
class Stage:
    """What `lonely` was for."""

    def lonely(self) -> None: ...
    def called(self) -> None: ...
    def _private(self) -> None: ...

def alone() -> None:
    """Call alone if you like."""

def told(stage: Stage) -> None:
    stage.called()
''')
    assert list(unused([source], [source])) == ["lonely", "alone", "told"]
    assert unused([source], [source], ["from scripts: told, alone, lonely"]) == {}
