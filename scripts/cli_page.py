"""Write docs/cli.md from the help of every verb, or check it.

scripts/cli_page.py           write the page
scripts/cli_page.py --check   exit 1 when it is out of date
"""

import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from typer.main import get_command

from tidegate.cli.exits import BUG, INTERRUPTED, NO_READER
from tidegate.cli.main import app, main
from tidegate.values.errors import ExitCode

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
HEAD = """# The command line

Made from `--help` of every verb by `scripts/cli_page.py`; do not edit.

The command line is a contract. Every verb has `--help` with an example. With `--json` it prints exactly one object on
stdout, errors included (`{"error": …, "exit_code": …}`); progress and remarks go to stderr. An error is one sentence that
says what to do. `tidegate trader`, at the end, is the one verb without `--json`.

"""
CODES = {
    ExitCode.OK: "ok",
    ExitCode.ANSWER_IS_NO: "the answer is no: `verify` found a difference or damage, nothing has the id, a probe or a check failed",
    ExitCode.USAGE: "usage: the call, a file or a configuration is wrong",
    ExitCode.ENVIRONMENT: "environment: no key, no trader, a port that is taken, disk full, no permission, no memory, a newer format",
    ExitCode.REFUSED: "refused by a safety rule, such as a strategy file that breaks one",
    BUG: "a bug of tidegate; `TIDEGATE_TRACEBACK=1` or `tidegate --traceback …` shows where",
    INTERRUPTED: "interrupted by Ctrl-C, SIGTERM or SIGHUP; a log is whole up to its last block",
    NO_READER: "whoever read the output went away, as in `tidegate log show LOG \\| head`",
}
UNLISTED = ("trader",)  # `tidegate --help` leaves it out, since `up` starts it; the manual has uses for it alone


def verbs() -> list[str]:
    """Return every verb that help lists, as a person types it."""
    return list(_listed(get_command(app), ""))


def _listed(group: object, before: str) -> Iterator[str]:
    commands: dict[str, object] = getattr(group, "commands", {})
    for name, command in commands.items():
        if getattr(command, "hidden", False):
            continue
        if getattr(command, "commands", None):
            yield from _listed(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def page() -> str:
    """Return the page as it should be."""
    parts = [HEAD, exit_codes(), *(f"\n## tidegate {verb}\n\n```text\n{help_of(verb)}\n```\n" for verb in (*verbs(), *UNLISTED))]
    return "".join(parts)


def exit_codes() -> str:
    """Return the table of exit codes; the page of errors has it too."""
    return "".join(["| exit code | meaning |\n|---|---|\n", *(f"| {int(code)} | {words} |\n" for code, words in CODES.items())])


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
