"""How a check of the doctor reads."""

from enum import StrEnum
from typing import NamedTuple


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Line(NamedTuple):
    """One check: what was seen, and what to do about it (empty: nothing)."""

    grade: Grade
    name: str
    seen: str
    advice: str = ""
