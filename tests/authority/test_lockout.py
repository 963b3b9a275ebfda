"""The pause grows, ends, is the same for every name, and its memory is bounded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tidegate.authority.lockout import BUCKETS, KEY_BYTES, Lockout
from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

pytestmark = pytest.mark.req("E2")

KEY = b"k" * KEY_BYTES
PAUSES_S = [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]  # after the first, second, third … failure


def test_the_pauses_after_each_failure_are_these() -> None:
    lockout, now_ns = Lockout(KEY), 0
    for pause_s in PAUSES_S:
        assert lockout.attempt("ann", now_ns) == 0
        told_ns = lockout.attempt("ann", now_ns) if pause_s else 0
        assert told_ns == pause_s * SECOND_NS
        now_ns += pause_s * SECOND_NS


def test_asking_during_a_pause_does_not_lengthen_it() -> None:
    lockout = Lockout(KEY)
    for _ in range(3):
        assert lockout.attempt("ann", 0) == 0
    for at_ns in range(0, SECOND_NS, SECOND_NS // 10):
        assert lockout.attempt("ann", at_ns) == SECOND_NS - at_ns
    assert lockout.attempt("ann", SECOND_NS) == 0


def test_many_at_once_are_counted_before_any_has_failed() -> None:
    lockout = Lockout(KEY)
    assert [bool(lockout.attempt("ann", 0)) for _ in range(20)] == [False] * 3 + [True] * 17


def test_after_an_hour_without_a_failure_all_is_forgotten() -> None:
    lockout = Lockout(KEY)
    for at_s in (0, 0, 0, 1, 3):
        assert lockout.attempt("ann", at_s * SECOND_NS) == 0
    assert lockout.attempt("ann", 3 * SECOND_NS + HOUR_NS) == 0
    assert lockout.attempt("ann", 3 * SECOND_NS + HOUR_NS) == 0


@settings(max_examples=20, deadline=None)
@given(st.sets(st.text(max_size=20), min_size=200, max_size=400))
def test_any_number_of_names_takes_bounded_memory_and_pushes_nobody_out(names: set[str]) -> None:
    lockout = Lockout(KEY)
    for _ in range(3):
        lockout.attempt("ann", 0)
    for name in names - {"ann"}:
        lockout.attempt(name, 0)
    assert len(lockout._buckets) <= min(len(names) + 1, BUCKETS)
    assert lockout.attempt("ann", 0) > 0


def test_the_buckets_are_bounded_and_another_key_spreads_names_otherwise() -> None:
    one, other = Lockout(KEY), Lockout(b"o" * KEY_BYTES)
    for number in range(20_000):
        one.attempt(f"n{number}", 0)
    assert len(one._buckets) <= BUCKETS
    assert any(one._place(name) != other._place(name) for name in ("ann", "bob", "eve"))


class LockoutMachine(RuleBasedStateMachine):
    """Compared with a plain count for each of three names that share no bucket."""

    def __init__(self) -> None:
        super().__init__()
        self.lockout = Lockout(KEY)
        self.now_ns = 0
        self.twin: dict[str, tuple[int, int, int]] = {}
        assert len({self.lockout._place(name) for name in ("ann", "bob", "nobody")}) == 3

    @rule(seconds=st.sampled_from([1, 1, 3, 20, 290, 3_600]))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * SECOND_NS

    @rule(name=st.sampled_from(["ann", "bob", "nobody"]), times=st.integers(1, 4))
    def attempt(self, name: str, times: int) -> None:
        for _ in range(times):
            failures, last_ns, until_ns = self.twin.get(name, (0, 0, 0))
            if self.now_ns - last_ns >= HOUR_NS:
                failures, until_ns = 0, 0
            waited_ns = self.lockout.attempt(name, self.now_ns)
            assert waited_ns == max(0, until_ns - self.now_ns)
            if waited_ns:
                continue
            pause_s = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
            self.twin[name] = (failures + 1, self.now_ns, self.now_ns + pause_s * SECOND_NS)

    @rule(name=st.sampled_from(["ann", "bob", "nobody"]))
    def succeed(self, name: str) -> None:
        self.lockout.succeeded(name)
        self.twin.pop(name, None)

    @invariant()
    def nobody_waits_longer_than_five_minutes(self) -> None:
        assert all(bucket.until_ns - self.now_ns <= 5 * MINUTE_NS for bucket in self.lockout._buckets.values())


def test_pauses_do_what_the_twin_does() -> None:
    run_state_machine_as_test(LockoutMachine, settings=settings(max_examples=150, stateful_step_count=40, deadline=None))
