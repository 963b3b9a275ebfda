"""Take the README's pictures from a report, light and dark, with a Chromium that is on the machine.

tidegate tape generate market.tape --seed 1 --events 1000000 --symbols 4
tidegate replay market.tape --report report.html
python -m scripts.report_pictures report.html docs/assets
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

BYTES_MAX: Final = 200_000
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_STYLE: Final = """<style>
.bar, footer, main > *, .js-plotly-plot .modebar { display: none !important; }
main > .kept { display: block !important; } main > .cards.kept { display: grid !important; }
main { padding-top: 10px !important; } .panel { margin-bottom: 10px; }
</style>"""
_SCRIPT: Final = """<script>
for (const name of %s) document.querySelectorAll(name).forEach((found) => {
  let box = found; while (box.parentElement.tagName !== "MAIN") box = box.parentElement; box.classList.add("kept");
});
</script>"""


class Picture(NamedTuple):
    """A part of the report: which elements, how large."""

    name: str
    parts: tuple[str, ...]
    width: int
    height: int


PICTURES: Final = (
    Picture("report-summary", ("h1", ".lead", ".cards"), 1100, 446),
    Picture("report-equity", ("[data-figure=equity]",), 1100, 482),
    Picture("report-trades", ("[data-figure=price-G02]",), 1100, 560),
    Picture("report-regimes", ("[data-figure=regimes]",), 1100, 372),
)


def take(report: str, picture: Picture, out: Path, *, dark: bool) -> None:
    """Take one picture."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.exit(f"None of {', '.join(_BROWSERS)} is on this machine; install one.")
    names = str(list(picture.parts))
    theme = "dark" if dark else "light"
    head = report.replace("<html", f'<html data-theme="{theme}"', 1).replace("</head>", f"{_STYLE}</head>", 1)
    before, mark, after = head.partition('<div id="probe"')
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(before + _SCRIPT % names + mark + after, encoding="utf-8")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=8000"]
        size = f"--window-size={picture.width},{picture.height}"
        place = [f"--user-data-dir={folder}/profile", f"--screenshot={out}", page.as_uri()]
        command = [browser, *options, size, *place]
        subprocess.run(command, check=True, timeout=120, capture_output=True)  # noqa: S603 - a browser of this machine, a page of ours
    if out.stat().st_size > BYTES_MAX:
        sys.exit(f"{out} has {out.stat().st_size} bytes, more than {BYTES_MAX}; make it smaller.")


def main() -> int:
    """Take all pictures of a report."""
    report, folder = Path(sys.argv[1]).read_text(encoding="utf-8"), Path(sys.argv[2])
    for picture in PICTURES:
        for dark in (False, True):
            take(report, picture, folder / f"{picture.name}{'-dark' if dark else ''}.png", dark=dark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
