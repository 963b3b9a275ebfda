"""Paths as people write them. What cannot be is a path with no file, which whoever opens it says; `pathlib` raises errors of its own."""

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Return a path with ~ and ~user written out; as it stands where there is no such user, or he has no folder."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises there


def resolved(path: str | Path) -> Path:
    """Return a path from the root without links; with those that lead in a circle as they stand."""
    return Path(os.path.realpath(expanded(path)))
