"""The manual's table of what a trader may be asked has every request with every field, and every word of an answer."""

import re
from typing import get_args

import msgspec
import pytest

from tests.conftest import ROOT
from tidegate.control.frames import REPLY_BYTES_MAX, REQUEST_BYTES_MAX
from tidegate.control.protocol import AnyRequest, Probe, VersionVerb
from tidegate.control.replies import AnyReply

pytestmark = pytest.mark.req("D2.1")

PAGE = (ROOT / "docs" / "operating.md").read_text()
WIRE = PAGE.partition("\n## The wire\n")[2].partition("\n## ")[0]
WORD = re.compile(r"`(\w+)`")
VALUES = {*Probe, *VersionVerb}  # what a field may say, told beside it
REQUESTS: dict[str, set[str]] = {
    str(kind.__struct_config__.tag): {field.encode_name for field in msgspec.structs.fields(kind)} for kind in get_args(AnyRequest)
}


def rows() -> dict[str, set[str]]:
    """What each request is said to have."""
    cells = [line.split("|")[1:3] for line in WIRE.splitlines() if line.startswith("| `")]
    return {word: set(WORD.findall(fields)) for asks, fields in cells for word in WORD.findall(asks)}


def test_the_table_has_each_request_with_its_fields() -> None:
    assert {word: fields - (VALUES - REQUESTS[word]) for word, fields in rows().items()} == REQUESTS


def test_the_page_names_each_answer() -> None:
    tags = {str(kind.__struct_config__.tag) for kind in get_args(AnyReply)}
    assert tags - set(WORD.findall(WIRE)) == set()


def test_the_sizes_of_frames_are_those_of_the_code() -> None:
    assert f"at most {REQUEST_BYTES_MAX >> 10} KiB to the trader, {REPLY_BYTES_MAX >> 20} MiB from it" in WIRE
