"""When a holder may send, to the nanosecond, and what no clock may do to two of them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.ledger.making import ACCOUNT, START_NS
from tidegate.service.lease import MARGIN_NS, RENEW_NS, REQUEST_NS, TTL_NS, HeldLease, LeaseStep, LeaseWatch
from tidegate.service.ledger.errors import LeaseHeldError, StaleEpochError
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Lease, LeaseClaim
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B2.2")

ASKED_NS = 50 * SECOND_NS


def lease(*, epoch: int = 1, taken_from: str = "", expires_ns: int = START_NS + TTL_NS) -> Lease:
    return Lease(account=ACCOUNT, holder="one", epoch=epoch, expires_ns=expires_ns, ttl_ns=TTL_NS, taken_from=taken_from)


def test_sending_stops_a_margin_before_the_lease_ends() -> None:
    held = HeldLease(lease(), ASKED_NS)
    assert held.may_send(ASKED_NS)
    assert held.may_send(ASKED_NS + TTL_NS - MARGIN_NS - 1)
    assert not held.may_send(ASKED_NS + TTL_NS - MARGIN_NS)
    assert held.stop_ns == ASKED_NS + TTL_NS - MARGIN_NS


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
    held = HeldLease(lease(), ASKED_NS)
    held.step(ASKED_NS + RENEW_NS)
    held.renewed(lease())  # whenever that was
    assert held.stop_ns == ASKED_NS + RENEW_NS + TTL_NS - MARGIN_NS


def test_a_ledger_that_cannot_be_asked_lets_the_time_run_out() -> None:
    held = HeldLease(lease(), ASKED_NS)
    for turn in (1, 2):
        assert held.step(ASKED_NS + turn * RENEW_NS) is LeaseStep.RENEW
        held.failed()
    assert not held.may_send(ASKED_NS + TTL_NS - MARGIN_NS)
    assert held.step(ASKED_NS + 3 * RENEW_NS) is LeaseStep.RENEW  # and is asked again all the same
    held.renewed(lease())
    assert held.may_send(ASKED_NS + 3 * RENEW_NS)


def test_a_lost_lease_never_comes_back() -> None:
    held = HeldLease(lease(), ASKED_NS)
    held.step(ASKED_NS + RENEW_NS)
    held.lost()
    assert not held.may_send(ASKED_NS + RENEW_NS)
    assert held.step(ASKED_NS + 100 * RENEW_NS) is LeaseStep.LOST


def test_a_holder_that_slept_through_its_lease_may_not_send_when_it_wakes() -> None:
    held = HeldLease(lease(), ASKED_NS)
    assert not held.may_send(ASKED_NS + 60 * SECOND_NS)


def test_a_takeover_waits_until_the_old_holders_last_request_has_ended() -> None:
    held = HeldLease(lease(epoch=2, taken_from="zero"), ASKED_NS)
    assert held.quiet_until_ns == ASKED_NS + TTL_NS + REQUEST_NS
    now_ns = ASKED_NS
    while now_ns < held.quiet_until_ns:
        assert not held.may_send(now_ns)
        if held.step(now_ns) is LeaseStep.RENEW:
            held.renewed(lease(epoch=2))
        now_ns += SECOND_NS
    assert held.may_send(held.quiet_until_ns)


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
        self.held: HeldLease | None = None
        self.watch = LeaseWatch()

    def act(self, ledger: MemoryLedger, now_ns: int) -> None:
        if self.held is None:
            self._claim(ledger, now_ns)
        elif self.held.step(now_ns) is LeaseStep.RENEW:
            try:
                self.held.renewed(ledger.renew(self.held.lease, self._wall(now_ns)))
            except StaleEpochError:
                self.held.lost()

    def may_send(self, now_ns: int) -> bool:
        return self.held is not None and self.held.may_send(now_ns)

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
            self.held = HeldLease(ledger.take_lease(claim), now_ns)
        except LeaseHeldError as refused:
            self.watch.saw(refused.lease, now_ns)


@pytest.mark.req("B2.2")
@given(
    skews=st.tuples(*[st.integers(-3_600, 3_600)] * 2),
    turns=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=20, max_size=150),
)
def test_two_traders_never_both_may_send_whatever_their_clocks_say_and_whenever_they_sleep(
    skews: tuple[int, int], turns: list[tuple[int, int]]
) -> None:
    ledger = MemoryLedger()
    traders = [Trader("one", skews[0] * SECOND_NS), Trader("two", skews[1] * SECOND_NS)]
    now_ns = 0
    for who, passed_s in turns:
        now_ns += passed_s * SECOND_NS
        traders[who].act(ledger, now_ns)
        assert sum(trader.may_send(now_ns) for trader in traders) <= 1


def test_a_dead_holder_is_replaced_even_by_a_trader_whose_clock_is_an_hour_behind() -> None:
    ledger = MemoryLedger()
    dead, heir = Trader("dead", 0), Trader("heir", -3_600 * SECOND_NS)
    dead.act(ledger, 0)
    now_ns = 0
    while not heir.may_send(now_ns):
        now_ns += SECOND_NS
        heir.act(ledger, now_ns)
    assert now_ns <= 60 * SECOND_NS
    assert now_ns > TTL_NS + REQUEST_NS
