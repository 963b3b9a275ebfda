"""Write what README and tutorial quote from other files between their marks, or check it.

python -m scripts.readme_parts           write
python -m scripts.readme_parts --check   exit 1 and name the files that are out of date

A mark is `<!-- begin: PATH -->`, ended by `<!-- end -->`. A Python or YAML file is quoted whole; of a page, the part between
`<!-- figures -->` and `<!-- /figures -->`.
"""

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = ("README.md", "docs/first-strategy.md", "docs/live-trading.md")
_MARK: Final = re.compile(r"(<!-- begin: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_KINDS: Final = {".py": "python", ".yaml": "yaml"}
_FIGURES: Final = re.compile(r"<!-- figures -->\n(.*?)<!-- /figures -->", re.DOTALL)


def as_it_should_be(text: str) -> str:
    """Return a page with every quote as its source says now."""
    return _MARK.sub(lambda mark: f"{mark[1]}{quote(mark[2])}{mark[3]}", text)


def quote(path: str) -> str:
    """Return what a page quotes of a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if (kind := _KINDS.get(Path(path).suffix)) is not None:
        return f"```{kind}\n{text}```\n"
    figures = _FIGURES.search(text)
    assert figures is not None, f"{path} has no part between the marks `figures`"
    return figures[1]


def stale() -> list[str]:
    """Return the pages whose quotes are out of date."""
    return [page for page in PAGES if as_it_should_be(text := (ROOT / page).read_text(encoding="utf-8")) != text]


def main() -> int:
    """Write or check."""
    old = stale()
    if "--check" not in sys.argv[1:]:
        for page in old:
            path = ROOT / page
            path.write_text(as_it_should_be(path.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    for page in old:
        print(f"{page} is out of date; run `python -m scripts.readme_parts` and commit it.", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
