"""What a new configuration no longer names: a position that nobody would watch, and an order that could still become one."""

import pytest
from msgspec.structs import replace

from tests.engine.scene import Scene, only
from tests.engine.test_exiting import BUY, entered
from tidegate.engine.engine import Engine
from tidegate.engine.spec import StrategySlot
from tidegate.engine.toolchain import Toolchain
from tidegate.engine.warming import GoneError
from tidegate.kernel.mode import Mode
from tidegate.values.enums import CommandKind

pytestmark = pytest.mark.req("A2.1", "B1.3", "D2.2")


def taken_over(scene: Scene, *slots: StrategySlot) -> Engine:
    """An engine of other strategies that takes the scene's books over."""
    engine = Engine(replace(scene.plan.spec, session_id="later", strategies=slots), Toolchain(Mode.PURE))
    engine.warming.adopt(scene.engine.snapshot())
    engine.warming.begin()
    return engine


def test_a_position_in_a_symbol_that_its_strategy_no_longer_watches_keeps_the_trader_from_starting() -> None:
    scene = entered()
    (slot,) = scene.plan.spec.strategies
    with pytest.raises(GoneError, match="nobody would watch its exits"):
        taken_over(scene, replace(slot, symbols=()))
    assert taken_over(scene, slot).books.net_nanos("AAA") > 0


@pytest.mark.parametrize("stays", [True, False])
def test_an_entry_that_may_still_fill_needs_its_strategy(*, stays: bool) -> None:
    scene = Scene(seconds=True, rival=True)
    scene.answers(BUY)
    only(scene.quote(7_000), CommandKind.SUBMIT)
    one, two = scene.plan.spec.strategies
    with pytest.raises(GoneError, match="may still fill"):
        taken_over(scene, *([replace(one, symbols=()), two] if stays else [two]))
