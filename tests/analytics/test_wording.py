"""Numbers as people read them."""

import pytest

from tidegate.analytics.wording import metric_text

pytestmark = pytest.mark.req("C2.2")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "—"), (0.0, "0"), (0.01234, "0.0123"), (12.34, "12.3"), (999.4, "999"), (999.6, "1,000"), (12_345.6, "12,346")],
)
def test_milliseconds_are_told_in_digits(value: float | None, text: str) -> None:
    assert metric_text(value, "ms") == text
