"""Write docs/cli.md from the help of every verb, or check it.

scripts/cli_page.py           write the page
scripts/cli_page.py --check   exit 1 when it is out of date
"""

import os
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from typer.main import get_command

from tidegate.cli.main import app, main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
HEAD = """# The command line

Made from `--help` of every verb by `scripts/cli_page.py`; do not edit.

The command line is a contract. Every verb has `--help` with an example. With `--json` it prints exactly one object on
stdout, errors included (`{"error": …, "exit_code": …}`); progress and remarks go to stderr. An error is one sentence that
says what to do.

| exit code | meaning |
|---|---|
| 0 | ok |
| 1 | the answer is no: `verify` found a difference or damage, nothing has the id |
| 2 | usage: the call, a file or a configuration is wrong |
| 3 | environment: disk full, no permission, no memory, a newer format |
| 4 | refused by a safety rule, such as a strategy file that breaks one |
| 70 | a bug of tidegate; `TIDEGATE_TRACEBACK=1` or `tidegate --traceback …` shows where |
| 130 | interrupted by Ctrl-C, SIGTERM or SIGHUP; a log is whole up to its last block |
| 141 | whoever read the output went away, as in `tidegate log show LOG \\| head` |
"""


def verbs() -> list[str]:
    """Return every verb as a person types it; `up` alone types the hidden ones."""
    found = []
    commands: dict[str, object] = getattr(get_command(app), "commands", {})
    for name, command in commands.items():
        below = getattr(command, "commands", None)
        if not getattr(command, "hidden", False):
            found += [f"{name} {verb}" for verb in below] if below else [name]
    return found


def page() -> str:
    """Return the page as it should be."""
    parts = [HEAD, *(f"\n## tidegate {verb}\n\n```text\n{help_of(verb)}\n```\n" for verb in verbs())]
    return "".join(parts)


def help_of(verb: str) -> str:
    """Return what --help prints, at a width that does not depend on the terminal."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with redirect_stdout(StringIO()) as said:
            assert main([*verb.split(), "--help"]) == 0
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return said.getvalue().rstrip()


def write_or_check() -> int:
    """Write or check the page."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("docs/cli.md is out of date; run scripts/cli_page.py and commit it.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(write_or_check())
