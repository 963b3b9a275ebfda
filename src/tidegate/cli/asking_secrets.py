"""How a person's secrets come in: typed where nobody sees them, or line by line from a pipe. Never as arguments, which everybody sees."""

import sys
from typing import Annotated

import typer

from tidegate.cli.exits import UsageProblemError

FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read what is secret from stdin, one line each, instead of asking.")]


def ask_secret(what: str, *, from_stdin: bool, twice: bool = False) -> str:
    """Return a secret. twice: have it typed a second time, since it is a new one.

    Raises:
        UsageProblemError: nobody is here to be asked, or nothing came.
    """
    if from_stdin:
        found = sys.stdin.readline().rstrip("\n")
        if not found:
            raise UsageProblemError(f"There is no line with the {what} on stdin; write the secrets one line each.")
        return found
    if not sys.stdin.isatty():
        raise UsageProblemError(f"Nobody is here to be asked for the {what}; add --password-stdin, and write it there.")
    typed: str = typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=twice, err=True)
    return typed
