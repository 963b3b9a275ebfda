"""The manual's page of webhooks says the figures, the topics and the fields of the code."""

import re

import msgspec
import pytest

from tests.conftest import ROOT
from tidegate.config.webhook_rules import WEBHOOKS_MAX
from tidegate.service.webhooks.reading import WAITING_BYTES_MAX, WAITING_MAX
from tidegate.service.webhooks.rules import Patience
from tidegate.service.webhooks.secrets import SECRET_LENGTH_MIN
from tidegate.service.webhooks.signature import TOLERANCE_S
from tidegate.service.webhooks.standing import FAILURES_KEPT, Standing
from tidegate.service.webhooks.telling import BODY_BYTES_MAX, Topic
from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

pytestmark = pytest.mark.req("I6")

PAGE = (ROOT / "docs" / "webhooks.md").read_text()


def test_each_topic_has_a_row() -> None:
    told = PAGE.partition("## What is told")[2].partition("\n## ")[0]
    assert re.findall(r"\n\| `(\w+)` \|", told) == list(Topic)


def test_each_field_of_a_receivers_file_has_a_row() -> None:
    table = PAGE.rpartition("| field | meaning |")[2].partition("\n\n")[0]
    fields = {field.name for field in msgspec.structs.fields(Standing)} - {"name"}  # the file's own name
    assert {word for row in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", row.split("|")[1])} == fields


def test_the_figures_are_those_of_the_code() -> None:
    patience = Patience()
    for words in (
        f"At most {WEBHOOKS_MAX} receivers",
        f"at least {SECRET_LENGTH_MIN} letters",
        f"would exceed {BODY_BYTES_MAX >> 10} KiB",
        f"within {patience.answer_ns // SECOND_NS} s;",
        f"more than {TOLERANCE_S} s from now",
        f"tried again for {patience.give_up_ns // HOUR_NS} hours",
        f"tried again for {patience.refused_ns // MINUTE_NS} minutes",
        f"from {patience.pause_first_ns // SECOND_NS} s to {patience.pause_max_ns // MINUTE_NS} minutes",
        f"At most {WAITING_MAX:,} deliveries ({WAITING_BYTES_MAX >> 20} MiB)",
        f"the newest {FAILURES_KEPT} with",
    ):
        assert words in PAGE, words
