"""A file and a function fit a reader's head. There is no list of exemptions."""

from tests.rules.source import Source, functions, made, package

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


def too_long(source: Source) -> list[str]:
    lines = len(source.text.splitlines())
    found = [f"{source.name}: {lines} lines"] if lines > FILE_LINES_MAX else []
    for node in functions(source.tree):
        assert node.end_lineno is not None
        lines = node.end_lineno - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            found.append(f"{source.at(node)} {node.name}: {lines} lines")
    return found


def test_files_and_functions_are_short() -> None:
    assert [line for source in package() for line in too_long(source)] == []


def test_the_rule_catches_a_long_file_and_a_long_function() -> None:
    body = "    pass\n" * FUNCTION_LINES_MAX
    assert len(too_long(made("def f():\n" + body))) == 1
    assert too_long(made("def f():\n" + body.removesuffix("    pass\n"))) == []
    assert len(too_long(made("x = 1\n" * (FILE_LINES_MAX + 1)))) == 1
