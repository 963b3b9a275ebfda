"""Row types that share a beginning: numba takes the longer for a kind of the shorter, warns, and may pick the wrong compiled form."""

import itertools
from types import ModuleType

import numpy as np
import pytest

from tidegate.engine import layout
from tidegate.events import records
from tidegate.features import rows as features
from tidegate.market import rows as market
from tidegate.regime import rows as regime
from tidegate.strategies import rows as strategies
from tidegate.venues.sim import rows as sim

pytestmark = pytest.mark.req("B1.3")

MODULES: tuple[ModuleType, ...] = (layout, records, features, market, regime, strategies, sim)


def test_no_row_type_is_the_beginning_of_another() -> None:
    found = {f"{m.__name__}.{n}": v for m in MODULES for n, v in vars(m).items() if isinstance(v, np.dtype) and v.names}
    assert len(found) > 15
    fields = {name: [*(dtype.fields or {}).items()] for name, dtype in found.items()}
    pairs = itertools.permutations(found, 2)
    assert [(a, b) for a, b in pairs if found[a] != found[b] and fields[b][: len(fields[a])] == fields[a]] == []
