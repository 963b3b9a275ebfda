"""Boxes and arrows as SVG that reads in light and dark, for the manual's pictures. Places are of centers, in pixels."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

_STYLE: Final = """
  text { font: 13px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; fill: #1a2230; }
  .small { font-size: 11px; fill: #5b6676; }
  .strong { font-weight: 600; }
  .box { fill: #ffffff; stroke: #8a96a8; stroke-width: 1.2; }
  .accent { fill: #e8efff; stroke: #3b66d1; stroke-width: 1.4; }
  .guard { fill: #fff1e0; stroke: #c2670c; stroke-width: 1.6; }
  .frame { fill: #f5f7fa; stroke: #c3cbd6; stroke-width: 1; stroke-dasharray: 5 4; }
  .edge { fill: none; stroke: #5b6676; stroke-width: 1.3; }
  .head { fill: #5b6676; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9aa4b2; }
    .box { fill: #1b212b; stroke: #6b7686; }
    .accent { fill: #1b2a4d; stroke: #6ea8fe; }
    .guard { fill: #3b2a14; stroke: #f0a04b; }
    .frame { fill: #141922; stroke: #3b4452; }
    .edge { stroke: #9aa4b2; }
    .head { fill: #9aa4b2; }
  }
"""


class Box(NamedTuple):
    """A box with lines of text: the first strong, the others small. `kind` is a class of the style."""

    x: float
    y: float
    lines: Sequence[str]
    width: float = 112
    height: float = 34
    kind: str = "box"
    radius: float = 3


class Frame(NamedTuple):
    """A dashed frame with a caption in its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    caption: str


class Arrow(NamedTuple):
    """An arrow along points. `bend` moves the middle of a two-point arrow to its left, seen from its start."""

    points: Sequence[tuple[float, float]]
    bend: float = 0.0
    words: Sequence[str] = ()


def picture(
    size: tuple[int, int],
    *,
    title: str,
    frames: Sequence[Frame] = (),
    boxes: Sequence[Box] = (),
    arrows: Sequence[Arrow] = (),
    notes: Sequence[tuple[float, float, str]] = (),
) -> str:
    """Return a picture: frames behind, then arrows, then boxes, then words."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
        ),
        *map(_frame, frames),
        *map(_arrow, arrows),
        *map(_box, boxes),
        *(f'<text class="small" x="{x:g}" y="{y:g}">{escape(words)}</text>' for x, y, words in notes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def between(start: Box, end: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where a straight line between two boxes leaves the one and meets the other."""
    return _border(start, end), _border(end, start)


def _border(box: Box, other: Box) -> tuple[float, float]:
    across, down = other.x - box.x, other.y - box.y
    reach = max(abs(across) / (box.width / 2), abs(down) / (box.height / 2))
    return box.x + across / reach, box.y + down / reach


def _frame(frame: Frame) -> str:
    return (
        f'<rect class="frame" x="{frame.x:g}" y="{frame.y:g}" width="{frame.width:g}" height="{frame.height:g}" rx="8"/>'
        f'<text class="small" x="{frame.x + 10:g}" y="{frame.y + 17:g}">{escape(frame.caption)}</text>'
    )


def _box(box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    found = [f'<rect class="{box.kind}" x="{left:g}" y="{top:g}" width="{box.width:g}" height="{box.height:g}" rx="{box.radius:g}"/>']
    line = box.y + 4.5 - 8 * (len(box.lines) - 1)
    for place, words in enumerate(box.lines):
        kind = "small" if place else "strong"
        found.append(f'<text class="{kind}" text-anchor="middle" x="{box.x:g}" y="{line:g}">{escape(words)}</text>')
        line += 16
    return "".join(found)


def _arrow(arrow: Arrow) -> str:
    (x1, y1), (x2, y2) = arrow.points[0], arrow.points[-1]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
    middle_x = (x1 + x2) / 2 + (y2 - y1) / length * arrow.bend
    middle_y = (y1 + y2) / 2 - (x2 - x1) / length * arrow.bend
    if arrow.bend:
        way = f"M{x1:g} {y1:g} Q{middle_x:.1f} {middle_y:.1f} {x2:g} {y2:g}"
    else:
        way = "M" + " L".join(f"{x:g} {y:g}" for x, y in arrow.points)
    found = [f'<path class="edge" d="{way}" marker-end="url(#head)"/>']
    top = (middle_y + (y1 + y2) / 2) / 2 - 6 - 12 * (len(arrow.words) - 1)
    for place, words in enumerate(arrow.words):
        across = (middle_x + (x1 + x2) / 2) / 2
        found.append(f'<text class="small" text-anchor="middle" x="{across:g}" y="{top + 12 * place:.1f}">{escape(words)}</text>')
    return "".join(found)
