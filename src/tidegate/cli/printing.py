"""What the command line says: answers on stdout, everything else on stderr."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.table import Table

Counted = Callable[[int, int], None]  # done, of how many

_WIDTH_WITHOUT_TERMINAL: Final = 120
_KEPT: Final = "\n\t"
_COMMANDS: Final = {  # what a terminal obeys instead of showing it: control characters, and those that turn the direction of writing
    number: f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"  # noqa: PLR2004 - as Python writes them
    for number in (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
    if chr(number) not in _KEPT
}


def document(value: Mapping[str, object]) -> None:
    """Print the one JSON object of a verb."""
    sys.stdout.write(_json(value) + "\n")
    sys.stdout.flush()  # whoever reads it through a pipe waits for it while the verb runs on


def lines(texts: Iterable[str]) -> None:
    """Print lines of an answer as they come."""
    for text in texts:
        sys.stdout.write(_shown(text) + "\n")


def note(text: str) -> None:
    """Say something that is not the answer. Where stderr takes nothing, nobody hears it, and whoever said it goes on."""
    sys.stdout.flush()  # so that both read in order where both go to one place
    with suppress(OSError):
        sys.stderr.write(_shown(text) + "\n")
        sys.stderr.flush()


def table(value: "Table") -> None:
    """Print a table of an answer."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    console = Console(width=width, highlight=False)
    with console.capture() as drawn:  # rich's own writing ends the process where a reader has gone
        console.print(value)
    sys.stdout.write(drawn.get())


def grid(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows under headings, columns as wide as they need to be; nothing is cut or wrapped."""
    texts = [[str(column) for column in columns], *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        lines(["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()])


@contextmanager
def progress(label: str) -> Iterator[Counted]:
    """Show a bar on stderr while the block runs, where somebody can see it."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _shown(text: str) -> str:
    """Return a text without commands to the terminal: names of files, and words of a venue or of other persons, may hold some."""
    return text.translate(_COMMANDS)


def _json(value: Mapping[str, object]) -> str:
    import msgspec

    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:  # the name of a file need not be UTF-8; what is not stands as \\udc.., from which it can be read back
        import json

        return json.dumps(msgspec.to_builtins(value, enc_hook=str))


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""
