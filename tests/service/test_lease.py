"""When a holder may send, to the nanosecond, and what no clock may do to two of them."""

from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.ledger.making import ACCOUNT, START_NS
from tidegate.engine.engine import Engine
from tidegate.service.gatekeeper import LEASE_MARGIN_NS, Gatekeeper
from tidegate.service.lease import RENEW_NS, REQUEST_NS, TTL_NS, HeldLease, LeaseStep, LeaseWatch
from tidegate.service.ledger.errors import LeaseHeldError, StaleEpochError
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Lease, LeaseClaim
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B2.2")

ASKED_NS = 50 * SECOND_NS


def lease(*, epoch: int = 1, taken_from: str = "", expires_ns: int = START_NS + TTL_NS) -> Lease:
    return Lease(account=ACCOUNT, holder="one", epoch=epoch, expires_ns=expires_ns, ttl_ns=TTL_NS, taken_from=taken_from)


class Holding:
    """A lease as a trader keeps it: renewed by the one, counted by the gatekeeper that every order passes."""

    def __init__(self, taken: Lease, asked_ns: int) -> None:
        self.held = HeldLease(taken, asked_ns)
        self.gatekeeper = Gatekeeper(cast("Engine", None))  # the time of a lease is no matter of the engine
        self.gatekeeper.hold(taken, asked_ns=asked_ns)

    def renewed(self, taken: Lease, asked_ns: int) -> None:
        self.held.renewed(taken)
        self.gatekeeper.hold(taken, asked_ns=asked_ns)

    def lost(self) -> None:
        self.held.lost()
        self.gatekeeper.lose()

    def may_enter(self, now_ns: int) -> bool:
        """An entry waits until the former holder is waited out, since reconciling begins then."""
        return self.held.quiet_until_ns <= now_ns and self.gatekeeper.holds(now_ns)


def test_sending_stops_a_margin_before_the_lease_ends() -> None:
    holding = Holding(lease(), ASKED_NS)
    assert holding.gatekeeper.holds(ASKED_NS)
    assert holding.gatekeeper.holds(ASKED_NS + TTL_NS - LEASE_MARGIN_NS - 1)
    assert not holding.gatekeeper.holds(ASKED_NS + TTL_NS - LEASE_MARGIN_NS)


def test_a_renewal_is_due_every_third_second_and_asked_for_once() -> None:
    held = HeldLease(lease(), ASKED_NS)
    assert held.step(ASKED_NS + RENEW_NS - 1) is LeaseStep.WAIT
    assert held.due_ns() == ASKED_NS + RENEW_NS
    assert held.step(ASKED_NS + RENEW_NS) is LeaseStep.RENEW
    assert held.step(ASKED_NS + 2 * RENEW_NS) is LeaseStep.WAIT  # the answer is still out
    held.renewed(lease(expires_ns=START_NS + RENEW_NS + TTL_NS))
    assert held.lease.expires_ns == START_NS + RENEW_NS + TTL_NS
    assert held.step(ASKED_NS + 2 * RENEW_NS) is LeaseStep.RENEW


def test_a_renewal_counts_from_when_it_was_asked_for() -> None:
    holding = Holding(lease(), ASKED_NS)
    holding.held.step(ASKED_NS + RENEW_NS)
    holding.renewed(lease(), ASKED_NS + RENEW_NS)  # whenever that was
    assert holding.gatekeeper.holds(ASKED_NS + RENEW_NS + TTL_NS - LEASE_MARGIN_NS - 1)
    assert not holding.gatekeeper.holds(ASKED_NS + RENEW_NS + TTL_NS - LEASE_MARGIN_NS)


def test_a_ledger_that_cannot_be_asked_lets_the_time_run_out() -> None:
    holding = Holding(lease(), ASKED_NS)
    for turn in (1, 2):
        assert holding.held.step(ASKED_NS + turn * RENEW_NS) is LeaseStep.RENEW
        holding.held.failed()
    assert not holding.gatekeeper.holds(ASKED_NS + TTL_NS - LEASE_MARGIN_NS)
    assert holding.held.step(ASKED_NS + 3 * RENEW_NS) is LeaseStep.RENEW  # and is asked again all the same
    holding.renewed(lease(), ASKED_NS + 3 * RENEW_NS)
    assert holding.gatekeeper.holds(ASKED_NS + 3 * RENEW_NS)


def test_a_lost_lease_never_comes_back() -> None:
    holding = Holding(lease(), ASKED_NS)
    holding.held.step(ASKED_NS + RENEW_NS)
    holding.lost()
    assert not holding.gatekeeper.holds(ASKED_NS + RENEW_NS)
    assert holding.held.step(ASKED_NS + 100 * RENEW_NS) is LeaseStep.LOST


def test_a_holder_that_slept_through_its_lease_may_not_send_when_it_wakes() -> None:
    assert not Holding(lease(), ASKED_NS).gatekeeper.holds(ASKED_NS + 60 * SECOND_NS)


def test_a_takeover_waits_until_the_old_holders_last_request_has_ended() -> None:
    holding = Holding(lease(epoch=2, taken_from="zero"), ASKED_NS)
    assert holding.held.quiet_until_ns == ASKED_NS + TTL_NS + REQUEST_NS
    now_ns = ASKED_NS
    while now_ns < holding.held.quiet_until_ns:
        assert not holding.may_enter(now_ns)
        if holding.held.step(now_ns) is LeaseStep.RENEW:
            holding.renewed(lease(epoch=2), now_ns)
        now_ns += SECOND_NS
    assert holding.may_enter(holding.held.quiet_until_ns)


def test_a_lease_given_back_needs_no_waiting() -> None:
    assert HeldLease(lease(epoch=2), ASKED_NS).quiet_until_ns == ASKED_NS


def test_a_renewal_of_another_epoch_or_unasked_is_a_bug() -> None:
    held = HeldLease(lease(), ASKED_NS)
    with pytest.raises(AssertionError):
        held.renewed(lease())
    held.step(ASKED_NS + RENEW_NS)
    with pytest.raises(AssertionError):
        held.renewed(lease(epoch=2))


def test_a_lease_is_waited_out_when_it_stood_unchanged_for_its_whole_time() -> None:
    watch = LeaseWatch()
    assert watch.waited_out(ASKED_NS) is None
    watch.saw(lease(), ASKED_NS)
    watch.saw(lease(), ASKED_NS + 4 * SECOND_NS)
    assert watch.waited_out(ASKED_NS + TTL_NS - 1) is None
    assert watch.waited_out(ASKED_NS + TTL_NS) == lease()
    renewed = msgspec.structs.replace(lease(), expires_ns=START_NS + 2 * TTL_NS)
    watch.saw(renewed, ASKED_NS + TTL_NS)
    assert watch.waited_out(ASKED_NS + 2 * TTL_NS - 1) is None
    assert watch.waited_out(ASKED_NS + 2 * TTL_NS) == renewed


class Trader:
    """One process of a small world: a wall clock of its own, and the same monotonic time as all."""

    def __init__(self, name: str, skew_ns: int) -> None:
        self.name, self.skew_ns = name, skew_ns
        self.holding: Holding | None = None
        self.watch = LeaseWatch()

    def act(self, ledger: MemoryLedger, now_ns: int) -> None:
        if self.holding is None:
            self._claim(ledger, now_ns)
        elif self.holding.held.step(now_ns) is LeaseStep.RENEW:
            try:
                self.holding.renewed(ledger.renew(self.holding.held.lease, self._wall(now_ns)), now_ns)
            except StaleEpochError:
                self.holding.lost()

    def may_enter(self, now_ns: int) -> bool:
        return self.holding is not None and self.holding.may_enter(now_ns)

    def _wall(self, now_ns: int) -> int:
        return START_NS + now_ns + self.skew_ns

    def _claim(self, ledger: MemoryLedger, now_ns: int) -> None:
        claim = LeaseClaim(
            account=ACCOUNT,
            holder=self.name,
            now_ns=self._wall(now_ns),
            ttl_ns=TTL_NS,
            waited_out=self.watch.waited_out(now_ns),
        )
        try:
            self.holding = Holding(ledger.take_lease(claim), now_ns)
        except LeaseHeldError as refused:
            self.watch.saw(refused.lease, now_ns)


@pytest.mark.req("B2.2")
@given(
    skews=st.tuples(*[st.integers(-3_600, 3_600)] * 2),
    turns=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=20, max_size=150),
)
def test_two_traders_never_both_may_enter_whatever_their_clocks_say_and_whenever_they_sleep(
    skews: tuple[int, int], turns: list[tuple[int, int]]
) -> None:
    ledger = MemoryLedger()
    traders = [Trader("one", skews[0] * SECOND_NS), Trader("two", skews[1] * SECOND_NS)]
    now_ns = 0
    for who, passed_s in turns:
        now_ns += passed_s * SECOND_NS
        traders[who].act(ledger, now_ns)
        assert sum(trader.may_enter(now_ns) for trader in traders) <= 1


def test_a_dead_holder_is_replaced_even_by_a_trader_whose_clock_is_an_hour_behind() -> None:
    ledger = MemoryLedger()
    dead, heir = Trader("dead", 0), Trader("heir", -3_600 * SECOND_NS)
    dead.act(ledger, 0)
    now_ns = 0
    while not heir.may_enter(now_ns):
        now_ns += SECOND_NS
        heir.act(ledger, now_ns)
    assert now_ns <= 60 * SECOND_NS
    assert now_ns > TTL_NS + REQUEST_NS
