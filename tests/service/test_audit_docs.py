"""The manual's page of the audit chain says what the code says."""

import pytest

from tests.conftest import ROOT
from tidegate.journal.audit.record import BODY_MAX, WORDS_MAX, AuditType
from tidegate.service.auditing import AuditSettings
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("D2.3")

PAGE = (ROOT / "docs" / "audit.md").read_text()


def test_each_type_is_told() -> None:
    table = PAGE.partition("## What is recorded")[2].partition("\n## ")[0]
    assert [kind.value for kind in AuditType if f"`{kind.value}`" not in table] == []


def test_the_figures_are_those_of_the_code() -> None:
    settings = AuditSettings()
    assert f"after {settings.head_records:,} records, {settings.head_ns // SECOND_NS} s after" in PAGE
    assert f"Up to {settings.waiting_max:,} entries wait, and {settings.urgent_max:,} more" in PAGE
    assert f"up to {WORDS_MAX} letters" in PAGE
    assert f"above {BODY_MAX // 1024} KiB" in PAGE
