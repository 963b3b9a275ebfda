"""After a split everything that guards a position is where it was, in new units."""

from typing import Any

import pytest

from tests.engine.scene import HEAD, Scene
from tests.engine.test_exiting import BUY
from tidegate.events.inputs import PositionRestated
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("G5", "A2.1", "B2.5")


def trailing(**params: Any) -> Scene:
    """Five shares held at $20.01, best seen $20.10."""
    scene = Scene(trigger=True, every=3, declines=0, trail_bps=100.0, stop_bps=300.0, **params)
    scene.answers(BUY)
    for at_ms in range(6_500, 7_100, 100):
        scene.quote(at_ms)
    scene.bought()
    scene.quote(7_500, 2_010, 2_011)
    return scene


def split(scene: Scene, numerator: int, denominator: int) -> None:
    head = HEAD | {"symbol": "AAA", "timestamp": scene.engine.now_ns}
    scene.tell(PositionRestated(numerator=numerator, denominator=denominator, reason="a split", **head))


def test_a_trailing_stop_keeps_the_best_price_that_it_has_seen() -> None:
    scene = trailing()
    best, trail = scene.own("trail_best_nanos"), scene.own("trail_nanos")
    assert best == 2_010 * 10_000_000
    split(scene, 2, 1)
    assert (scene.own("position_nanos"), scene.own("trail_best_nanos")) == (10 * NANOS, best // 2)
    assert scene.own("trail_nanos") == trail // 2
