import pytest

from tidegate.clock.clock import ManualClock, ScaledClock, WallClock
from tidegate.values.time import DAY_NS, SECOND_NS

pytestmark = pytest.mark.req("B1.3")


def test_the_wall_clock_moves_and_never_backwards() -> None:
    clock = WallClock()
    wall, monotonic = clock.now_ns(), clock.monotonic_ns()
    clock.sleep(1_000)
    clock.sleep(0)
    clock.sleep(-5)
    assert wall > 1_700_000_000 * SECOND_NS
    assert clock.monotonic_ns() > monotonic


def test_a_manual_clock_stands_still_until_moved() -> None:
    clock = ManualClock(now_ns=100)
    assert (clock.now_ns(), clock.monotonic_ns()) == (100, 0)
    clock.sleep(7)
    clock.sleep(-7)
    assert (clock.now_ns(), clock.monotonic_ns()) == (107, 7)


def test_setting_the_wall_is_not_seen_by_monotonic_time() -> None:
    clock = ManualClock(now_ns=DAY_NS)
    clock.set_wall(5)
    assert (clock.now_ns(), clock.monotonic_ns()) == (5, 0)


def test_a_manual_clock_refuses_to_go_back() -> None:
    with pytest.raises(AssertionError, match="does not go back"):
        ManualClock().advance(-1)


def test_a_scaled_clock_runs_at_its_speed_from_its_own_start() -> None:
    base = ManualClock(now_ns=5)
    clock = ScaledClock(base, start_ns=1_000, speed=10.0)
    base.advance(3)
    assert (clock.now_ns(), clock.monotonic_ns()) == (1_030, 30)
    clock.sleep(100)
    assert base.monotonic_ns() == 13


def test_setting_the_wall_does_not_make_a_scaled_clock_jump() -> None:
    base = ManualClock(now_ns=5)
    clock = ScaledClock(base, start_ns=0, speed=1.0)
    base.set_wall(DAY_NS)
    assert clock.now_ns() == 0
