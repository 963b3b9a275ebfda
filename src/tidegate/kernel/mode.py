"""The three ways to run the same kernel source, and the tag that marks kernel functions."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

_TAG = "__tidegate_kernel__"

F = TypeVar("F", bound=Callable[..., object])


class Mode(StrEnum):
    """COMPILED runs through numba; PURE runs the source on row objects; STRICT also refuses a float in an int field."""

    COMPILED = "compiled"
    PURE = "pure"
    STRICT = "strict"


def kernel(function: F) -> F:
    """Tag a function as kernel code: numbers and rows only, no exceptions raised, helpers imported by name."""
    setattr(function, _TAG, True)
    return function


def is_kernel(value: object) -> bool:
    """Tell whether a value is a tagged kernel function."""
    return getattr(value, _TAG, False) is True
