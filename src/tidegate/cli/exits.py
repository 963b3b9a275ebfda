"""How a verb ends: an exit code and at most one sentence. The one place where any error may arrive.

| code | meaning |
|---|---|
| 0 | ok |
| 1 | the answer is no |
| 2 | usage: the call, a file or a configuration is wrong |
| 3 | environment: no key, no trader, disk full, a newer format, no permission, no memory |
| 4 | refused by a safety rule |
| 70 | a bug of tidegate |
| 130 | interrupted by Ctrl-C, SIGTERM or SIGHUP |
| 141 | whoever read the output went away |
"""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TextIO, TypeAlias, final

import typer

from tidegate.cli import printing
from tidegate.values.errors import ExitCode, TidegateError

BUG: Final = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it
NO_READER: Final = 141  # 128 + SIGPIPE, likewise
TRACEBACK: Final = "--traceback"
TRACEBACK_VARIABLE: Final = "TIDEGATE_TRACEBACK"

NOTHING_LEFT: Final = "Interrupted; nothing is left half written."
NOT_TEXT: Final = "A word of this call, or a name on this machine, is not UTF-8 text; write it so, or rename the file."
NO_MEMORY: Final = "There is not enough memory; ask for less at once, such as fewer or shorter tapes."

_LETTERS_MAX: Final = 8_000  # of a sentence: a cell of a table, or a value of a file, may be millions
_LETTERS_KEPT: Final = 1_500  # at either end, where it says what is wrong and what to do
_WRONG_CALL: Final = typer.BadParameter.__bases__  # the root of Typer's usage errors, which it does not export


class Ending(NamedTuple):
    """What the process tells its caller, and the sentence for people; empty: nothing needs saying."""

    code: int
    sentence: str


class UsageProblemError(TidegateError):
    """The call cannot mean what it says."""


class InterruptedRunError(TidegateError):
    """A person pressed Ctrl-C; says what stays behind."""


@final
class Guard:
    """Ends a verb: whatever is raised inside becomes `code`, and nobody meets a traceback unasked."""

    def __init__(self, arguments: list[str]) -> None:
        self.code: int = ExitCode.OK
        self._as_json = "--json" in arguments
        self._traceback = TRACEBACK in arguments or os.environ.get(TRACEBACK_VARIABLE, "0") not in {"", "0"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is not None:
            self._end(error)
        try:
            sys.stdout.flush()
        except OSError as unwritten:
            if self.code in {ExitCode.OK, ExitCode.ANSWER_IS_NO}:  # an answer that nobody has is none
                self._end(unwritten)
            _drop(sys.stdout)
        try:
            sys.stderr.flush()
        except OSError:
            _drop(sys.stderr)
        return True

    def _end(self, error: BaseException) -> None:
        ending = ending_of(error)
        self.code = ending.code
        if self._traceback and not isinstance(error, typer.Exit):
            with suppress(OSError):
                traceback.print_exception(error, file=sys.stderr)
        try:
            if self._as_json and ending.sentence:
                printing.document({"error": ending.sentence, "exit_code": ending.code})
            sys.stdout.flush()
        except OSError:  # the sentence below still has somewhere to go
            _drop(sys.stdout)
        if ending.sentence:
            printing.note(ending.sentence)


def ending_of(error: BaseException) -> Ending:
    """Return how an error ends the process: the first kind that fits."""
    return next(end(error) for kinds, end in _ENDINGS if isinstance(error, kinds))


def _call_sentence(error: typer.BadParameter) -> str:
    verb = error.ctx.command_path if error.ctx else "tidegate"
    what = _one_line(error.format_message()).rstrip(".")
    return f"{what}{' See' if what.endswith('?') else '; see'} `{verb} --help`."


def _os_sentence(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return _one_line(f"{place}{error.strerror or error}; make room, or check the path and its permissions.")


def _bug_sentence(error: BaseException) -> str:
    what = _one_line(f"{type(error).__name__}: {error}")
    return (
        f"This is a bug in tidegate ({what}); please report it to the project's issue tracker with what "
        f"{TRACEBACK_VARIABLE}=1 and the same command print."
    )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LETTERS_MAX else f"{line[:_LETTERS_KEPT]} … {line[-_LETTERS_KEPT:]}"


def _drop(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not complain at its end."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


_Rule: TypeAlias = tuple[tuple[type[BaseException], ...], Callable[[Any], Ending]]
_ENDINGS: Final[tuple[_Rule, ...]] = (
    ((typer.Exit,), lambda error: Ending(error.exit_code, "")),
    (
        (KeyboardInterrupt, typer.Abort),
        lambda _: Ending(INTERRUPTED, NOTHING_LEFT),
    ),
    ((InterruptedRunError,), lambda error: Ending(INTERRUPTED, _one_line(str(error)))),
    ((TidegateError,), lambda error: Ending(error.exit_code, _one_line(str(error)))),
    ((BrokenPipeError,), lambda _: Ending(NO_READER, "")),
    ((MemoryError,), lambda _: Ending(ExitCode.ENVIRONMENT, NO_MEMORY)),
    ((OSError,), lambda error: Ending(ExitCode.ENVIRONMENT, _os_sentence(error))),
    ((UnicodeEncodeError,), lambda _: Ending(ExitCode.USAGE, NOT_TEXT)),
    (_WRONG_CALL, lambda error: Ending(ExitCode.USAGE, _call_sentence(error))),
    ((BaseException,), lambda error: Ending(BUG, _bug_sentence(error))),
)
