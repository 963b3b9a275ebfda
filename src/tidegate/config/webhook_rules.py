"""Where a webhook may go, and under which name its secret is looked for."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from tidegate.config.model import Config, WebhookSection

WEBHOOKS_MAX: Final = 16
SECRET_PREFIX: Final = "TIDEGATE_WEBHOOK_"  # noqa: S105 - the name of a secret is none
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_URL_LENGTH_MAX: Final = 2_048
_VISIBLE: Final = re.compile(r"[!-~]+")


def webhooks_of(config: Config) -> tuple[WebhookSection, ...]:
    """Return the webhooks of a configuration; none where it has no such section."""
    return config.webhooks if isinstance(config.webhooks, tuple) else ()


def secret_name(name: str) -> str:
    """Return the name of the variable, credential file or keyring entry that holds a webhook's secret."""
    return SECRET_PREFIX + name.upper().replace("-", "_")


def webhook_faults(webhooks: Sequence[WebhookSection]) -> Iterator[str]:
    """Yield what is wrong, each with its place; an address is never repeated, since it may hold a token."""
    if len(webhooks) > WEBHOOKS_MAX:
        yield f"webhooks has {len(webhooks)} entries; keep {WEBHOOKS_MAX} at most"
    names = [hook.name for hook in webhooks]
    for place, hook in enumerate(webhooks, start=1):
        if not _NAME.fullmatch(hook.name):
            yield f"webhooks[{place}].name must be small letters, digits and hyphens, at most 32, and begin with a letter"
        if names.count(hook.name) > 1:
            yield f"webhooks {hook.name} stands twice; give one another name"
        if not hook.events:
            yield f"webhooks[{place}].events is empty; name what it is told of"
        fault = address_fault(hook.url)
        if fault:
            yield f"webhooks[{place}].url {fault}"


def address_fault(url: str) -> str:
    """Return what is wrong with an address; empty: nothing."""
    if len(url) > _URL_LENGTH_MAX or not _VISIBLE.fullmatch(url):
        return f"must be an address of at most {_URL_LENGTH_MAX:,} letters without spaces"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address; write https://host/path"
    if parts.scheme not in {"https", "http"} or not host:
        return "must begin with https:// and name a host"
    return _part_fault(parts, host)


def _part_fault(parts: SplitResult, host: str) -> str:
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password; what is sent is signed"
    if parts.fragment or "\\" in parts.geturl():
        return "must not have a fragment or a backslash"
    if parts.scheme == "http" and not is_loopback(host):
        return "must begin with https://; http goes to this machine alone"
    return ""


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine by its name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
