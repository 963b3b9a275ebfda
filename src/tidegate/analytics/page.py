"""The report's page: one HTML file with its style and script inside, which asks the network for nothing.

A content security policy in the page forbids every request, so that it stays so. Colors follow the reader's
light or dark setting (CSS `light-dark()`); figures take text and grid colors from the page when drawn and
when it changes.
"""

from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs


def page(*, title: str, links: str, body: str, footer: str, figures: bytes) -> str:
    """Return the whole page. Every part is HTML already; `figures` is JSON by name."""
    assets = files("tidegate.analytics") / "assets"
    return Template((assets / "report.html").read_text("utf-8")).substitute(
        title=title,
        style=(assets / "report.css").read_text("utf-8"),
        links=links,
        body=body,
        footer=footer,
        figures=figures.decode().replace("<", "\\u003c"),  # a `</script>` in a text must not end the element
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        script=(assets / "report.js").read_text("utf-8"),
    )
