"""What enters the kernel is checked where it enters: order, instrument, kind."""

import numpy as np
import pytest

from tests.senses import making
from tidegate.engine import layout
from tidegate.kernel.mode import Mode
from tidegate.values.time import NEVER_NS


@pytest.mark.req("C1.1")
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("second", "why"),
    [
        ({"kind": 99}, layout.BAD_KIND),
        ({"kind": 0}, layout.BAD_KIND),
        ({"instrument": 1_000}, layout.BAD_INSTRUMENT),
        ({"instrument": -1}, layout.BAD_INSTRUMENT),
        ({"earlier": 1}, layout.BAD_ORDER),
    ],
)
def test_a_record_that_breaks_the_contract_is_not_taken_and_named(mode: Mode, second: dict[str, int], why: int) -> None:
    senses = making.host(mode)
    good = making.record(1, 10**18, 10**9, 2 * 10**9, 10**9, 10**9)
    kind, instrument = second.get("kind", 1), second.get("instrument", 0)
    bad = making.record(kind, 10**18 - second.get("earlier", 0), 10**9, 2 * 10**9, 10**9, 10**9, instrument=instrument)
    tape = np.concatenate([good, bad])
    tape.flags.writeable = False
    assert senses.run(tape.view(np.uint8), 0, 2, NEVER_NS) == 1
    assert senses.integers[senses.bad_record_cell] == why
