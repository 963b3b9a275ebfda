"""The one place where the kernel calls a user's code."""

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.kernel.mode import kernel


@kernel
def call_trigger(triggers: Sequence[Callable[..., int]], address: int, symbol: Any, regime: Any, own: Any, params: Any) -> int:
    """Run a trigger on its rows. Pure mode: `address` is a place in `triggers`; compiled, it is a code address."""
    return triggers[address](symbol, regime, own, params)
