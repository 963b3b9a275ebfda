"""Where webhooks may go, and that nothing secret may stand in a configuration."""

from pathlib import Path

import pytest

from tests.config.making import CONFIG
from tests.config.test_identity import identity
from tidegate.config.errors import ConfigError
from tidegate.config.model import Config
from tidegate.config.reading import parse_config
from tidegate.config.reference import reference_rows
from tidegate.config.webhook_rules import WEBHOOKS_MAX, address_fault, secret_name, webhooks_of

pytestmark = pytest.mark.req("I6", "F4")

SECTION = """
webhooks:
  - {name: ops-desk, url: "https://example.com/hook", events: [fills, trips, unknown, approvals]}
"""


def parsed(text: str) -> Config:
    return parse_config((CONFIG + text).encode(), name="test.yaml", folder=Path()).config


def test_a_list_of_webhooks_is_read_and_none_is_none() -> None:
    (hook,) = webhooks_of(parsed(SECTION))
    assert (hook.name, hook.url, hook.events) == ("ops-desk", "https://example.com/hook", ("fills", "trips", "unknown", "approvals"))
    assert webhooks_of(parsed("")) == ()
    assert secret_name("ops-desk") == "TIDEGATE_WEBHOOK_OPS_DESK"


def test_the_manual_lists_the_keys() -> None:
    rows = {row.path: row for row in reference_rows()}
    found = [path for path in rows if path.startswith("webhooks")]
    assert found == ["webhooks[]", "webhooks[].name", "webhooks[].url", "webhooks[].events[]"]
    assert rows["webhooks[]"].default == "none"


def test_webhooks_do_not_make_another_replay() -> None:
    assert identity(CONFIG + SECTION) == identity(CONFIG)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("events:", "secret: 5ecret-5ecret, events:", "unknown key 'secret' in webhooks[1]"),
        ("name: ops-desk, ", "", "key 'name' is missing in webhooks[1]"),
        ("[fills, trips", "[fill, trips", "webhooks[1].events[1]"),
        ("[fills, trips, unknown, approvals]", "[]", "webhooks[1].events is empty"),
        ("ops-desk", "Ops", "webhooks[1].name must be small letters"),
        ("ops-desk", "../ops", "webhooks[1].name must be small letters"),
        ("ops-desk", "x" * 33, "webhooks[1].name must be small letters"),
        ("https://example.com", "http://example.com", "webhooks[1].url must begin with https://; http goes to this machine alone"),
        ("\n  -", "\n  - {name: ops-desk, url: 'https://a.b', events: [fills]}\n  -", "webhooks ops-desk stands twice"),
    ],
)
def test_a_bad_webhook_is_refused_in_one_sentence(before: str, after: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(SECTION.replace(before, after, 1))
    assert why in str(caught.value)
    assert "5ecret" not in str(caught.value)


def test_there_may_be_so_many() -> None:
    many = "webhooks:\n" + "".join(f"  - {{name: h{n}, url: 'https://a.b', events: [fills]}}\n" for n in range(WEBHOOKS_MAX + 1))
    with pytest.raises(ConfigError, match=f"keep {WEBHOOKS_MAX} at most"):
        parsed(many)
    assert len(webhooks_of(parsed(many.rsplit("  -", 1)[0]))) == WEBHOOKS_MAX


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a/b?c=d",
        "https://10.0.0.1/",
        "https://[2001:db8::1]/",
        "http://localhost:8700/",
        "http://127.0.0.1:8700/x",
        "http://127.1.2.3/",
        "http://[::1]:8700/",
    ],
)
def test_an_address_that_may_be_posted_to(url: str) -> None:
    assert address_fault(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://:@example.com/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com\\@evil.com/",
        "https://example.com:99999/",
        "https://[::1",
        "http://example.com/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://127.0.0.1.evil.com/",
        "http://localhost.evil.com/",
        "http://2130706433/",
        "http://[::ffff:8.8.8.8]/",
        "https://example.com/" + "x" * 2_048,
        "https://exämple.com/",
    ],
)
def test_an_address_that_may_not(url: str) -> None:
    assert address_fault(url)
