"""The list of layers in pyproject.toml is the architecture: imports go down it, a new folder needs a line.

import-linter holds the same list, indirect imports included, once all folders exist; this twin works before.
"""

import re

from tests.rules.source import PACKAGE, STAGES, Source, imports, made, package, settings

ORDER = [
    re.findall(r"\w+", line)
    for contract in settings()["tool"]["importlinter"]["contracts"]
    if contract["type"] == "layers"
    for line in contract["layers"]
]
RANK = {folder: rank for rank, line in enumerate(ORDER) for folder in line}


def upward(source: Source) -> list[str]:
    found = []
    for node, module in imports(source):
        parts = module.split(".")
        target = parts[1] if parts[0] == "tidegate" and len(parts) > 1 else ""
        if target in RANK and target != source.layer and RANK[target] <= RANK[source.layer]:
            found.append(f"{source.at(node)} imports {module}")
    return found


def test_folders_import_only_from_lines_below() -> None:
    assert [line for source in package() if source.layer for line in upward(source)] == []


def test_every_folder_has_a_line() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    assert sorted(folders - set(RANK)) == []


def test_the_stages_named_by_the_rules_are_those_from_values_to_engine() -> None:
    lines = ORDER[ORDER.index(["engine"]) :]
    assert sorted(STAGES) == sorted(folder for line in lines for folder in line)


def test_the_rule_catches_an_import_from_above_and_from_beside() -> None:
    assert upward(made("from tidegate.replay import session")) != []
    assert upward(made("import tidegate.oms.machine", "src/tidegate/risk/made_up.py")) != []
    assert upward(made("from tidegate import cli", "src/tidegate/replay/made_up.py")) != []
    assert upward(made("from tidegate.events import acts")) == []
