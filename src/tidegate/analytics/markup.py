"""Small pieces of HTML. Text is escaped here and nowhere else; what is called `body` is HTML already."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple, final


@final
class Cell(NamedTuple):
    """One cell of a table: its text, its CSS classes, its tooltip."""

    text: str
    style: str = ""
    title: str = ""


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], *, style: str = "") -> str:
    """Return a table; a row of one cell spans all columns and heads those below it."""
    top = "".join(_cell("th", cell) for cell in head)
    lines = (_row(row, len(head)) for row in rows)
    return f'<table class="{style}"><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def panel(body: str, heading: str = "") -> str:
    """Return a framed part."""
    return f'<div class="panel">{f"<h3>{escape(heading)}</h3>" if heading else ""}{body}</div>'


def section(name: str, heading: str) -> str:
    """Return a heading that links can point to."""
    return f'<h2 id="{escape(name)}">{escape(heading)}</h2>'


def details(summary: str, body: str) -> str:
    """Return a part that opens on demand."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def tabs(name: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return parts (label, body) of which one is shown at a time, chosen by buttons; one alone needs none."""
    if len(parts) == 1:
        return parts[0][1]
    buttons, bodies = [], []
    for index, (label, body) in enumerate(parts):
        chosen = "true" if index == 0 else "false"
        target = f"{name}-{index}"
        role = f'role="tab" aria-selected="{chosen}" aria-controls="{target}"'
        buttons.append(f'<button type="button" {role}>{escape(label)}</button>')
        bodies.append(f'<div id="{target}" role="tabpanel"{" hidden" if index else ""}>{body}</div>')
    return f'<div class="tabs" role="tablist" data-tabs>{"".join(buttons)}</div>{"".join(bodies)}'


def figure(name: str, height: int) -> str:
    """Return the place where the page's script draws a figure."""
    return f'<div data-figure="{escape(name)}" style="min-height:{height}px"></div>'


def empty(text: str) -> str:
    """Return what stands where there is nothing to show."""
    return f'<p class="empty">{escape(text)}</p>'


def note(text: str) -> str:
    """Return a remark below a table or figure; nothing if it is empty."""
    return f'<p class="note">{escape(text)}</p>' if text else ""


def _row(cells: Sequence[Cell], width: int) -> str:
    if len(cells) == 1 < width:
        return f'<tr class="family"><td colspan="{width}">{escape(cells[0].text)}</td></tr>'
    return f"<tr>{''.join(_cell('td', cell) for cell in cells)}</tr>"


def _cell(tag: str, cell: Cell) -> str:
    style = f' class="{escape(cell.style)}"' if cell.style else ""
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    return f"<{tag}{style}{title}>{escape(cell.text)}</{tag}>"
