"""Logins end when they should, whatever is done in whatever order: compared with a list so plain that it can be seen to be right."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tidegate.authority.moments import Moment
from tidegate.authority.sessions import PROOF_PREFIX, Sessions, SessionSettings, new_token, token_hash
from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

pytestmark = pytest.mark.req("E2")

START = Moment(1_800_000_000 * SECOND_NS, 5 * SECOND_NS)
NAMES = st.sampled_from(["ann", "bob"])


class SessionMachine(RuleBasedStateMachine):
    proofs = Bundle("proofs")

    def __init__(self) -> None:
        super().__init__()
        self.settings = SessionSettings(alive_ns_max=HOUR_NS, idle_ns_max=10 * MINUTE_NS, of_one_user_max=2)
        self.sessions = Sessions(self.settings)
        self.now = START
        self.count = 0
        self.twin: list[list[object]] = []  # proof, name, stamp, minutes alive, minutes idle; oldest first

    @rule(minutes=st.sampled_from([0, 1, 4, 9, 30]), wall=st.sampled_from([0, 0, 0, -5, 7]))
    def time_passes(self, minutes: int, wall: int) -> None:
        """The wall may be set by hand as well; time that seems to go back prolongs nothing."""
        self.now = Moment(self.now.wall_ns + (minutes + wall) * MINUTE_NS, self.now.monotonic_ns + minutes * MINUTE_NS)

    @rule(target=proofs, name=NAMES, stamp=st.integers(0, 2))
    def begin(self, name: str, stamp: int) -> str:
        self.count += 1
        proof = f"proof {self.count}"
        self.sessions.begin(name, stamp, proof, self.now)
        self.twin = [one for one in self.twin if self.lives(one)]
        own = [one for one in self.twin if one[1] == name]
        for one in own[: max(0, len(own) - 1)]:
            self.twin.remove(one)
        self.twin.append([proof, name, stamp, self.now, self.now])
        return proof

    @rule(proof=proofs | st.just("never given"))
    def use(self, proof: str) -> None:
        found = self.sessions.holder(proof, self.now)
        of_twin = [one for one in self.twin if one[0] == proof and self.lives(one)]
        assert (None if found is None else (found.name, found.stamp)) == ((of_twin[0][1], of_twin[0][2]) if of_twin else None)
        if of_twin:
            of_twin[0][4] = self.now
        else:
            self.twin = [one for one in self.twin if one[0] != proof]

    @rule(proof=proofs)
    def end(self, proof: str) -> None:
        known = [one for one in self.twin if one[0] == proof]
        assert self.sessions.end(proof) is bool(known)
        self.twin = [one for one in self.twin if one[0] != proof]

    def lives(self, one: list[object]) -> bool:
        begun, used = one[3], one[4]
        assert isinstance(begun, Moment)
        assert isinstance(used, Moment)
        alive = max(self.now.wall_ns - begun.wall_ns, self.now.monotonic_ns - begun.monotonic_ns)
        idle = max(self.now.wall_ns - used.wall_ns, self.now.monotonic_ns - used.monotonic_ns)
        return alive < 60 * MINUTE_NS and idle < 10 * MINUTE_NS

    @invariant()
    def nothing_piles_up(self) -> None:
        assert len(self.sessions) == len(self.twin)
        for name in ("ann", "bob"):
            assert sum(one[1] == name for one in self.twin) <= 2


def test_sessions_do_what_the_twin_does() -> None:
    run_state_machine_as_test(SessionMachine, settings=settings(max_examples=200, stateful_step_count=40, deadline=None))


def test_only_the_hash_of_a_proof_is_kept() -> None:
    sessions = Sessions()
    proof = new_token(lambda count: b"\xab" * count, PROOF_PREFIX)
    assert proof == "tgp_" + "ab" * 32
    sessions.begin("ann", 1, proof, START)
    assert proof not in repr(vars(sessions))
    assert list(sessions._by_hash) == [token_hash(proof)]
    assert sessions.holder(proof[:-1] + "c", START) is None


def test_a_login_is_fresh_for_five_minutes_and_using_it_does_not_renew_that() -> None:
    sessions = Sessions()
    sessions.begin("ann", 1, "p", START)
    later = Moment(START.wall_ns + 5 * MINUTE_NS, START.monotonic_ns + 5 * MINUTE_NS)
    held = sessions.holder("p", later)
    assert held is not None
    assert sessions.is_fresh(held, later)
    assert not sessions.is_fresh(held, later._replace(monotonic_ns=later.monotonic_ns + 1))


def test_a_machine_that_slept_has_logged_everybody_out() -> None:
    sessions = Sessions()
    sessions.begin("ann", 1, "p", START)
    assert sessions.holder("p", START._replace(wall_ns=START.wall_ns + 9 * HOUR_NS)) is None
