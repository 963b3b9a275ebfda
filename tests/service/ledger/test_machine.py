"""Every form of the ledger does what its plain twin does, whatever is asked in whatever order."""

import shutil
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.service.ledger import postgres
from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, approval, batch, claim, execution, happened, kill, row, use, user
from tests.service.ledger.twin import REFUSED, Refused, Twin, makes_order
from tidegate.service.ledger.errors import LedgerError
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Lease, Mark, Written
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import ApprovalState, CommandKind, GateScope, GateState

pytestmark = pytest.mark.req("B2.2")

ACCOUNTS = (ACCOUNT, "other")
numbers = st.integers(1, 4)
rows = st.tuples(
    st.integers(1, 9),
    st.sampled_from([CommandKind.SUBMIT, CommandKind.SUBMIT, *CommandKind]),
    st.sampled_from([None, None, None, 1, 2]),  # which order it makes or is about; None: one of its own
    st.sampled_from([OutboxState.PENDING, OutboxState.PENDING, OutboxState.SENT]),
)
states = st.sampled_from([OutboxState.SENT, OutboxState.SENT, *OutboxState])
kills = st.builds(
    kill, st.sampled_from(GateState), scope=st.sampled_from([GateScope.GLOBAL, GateScope.SYMBOL]), key=st.sampled_from(["", "A"])
)
granted_mostly = st.sampled_from(
    [ApprovalState.GRANTED, ApprovalState.GRANTED, *(state for state in ApprovalState if state is not ApprovalState.USED)]
)
few = st.integers(1, 3)
approvals = st.tuples(few, granted_mostly, st.sampled_from([None, None, 9]), st.sampled_from(["", "ann", "ann\nbob"]))
uses = st.builds(use, few, order=st.sampled_from([None, None, None, 9]), at_ns=st.sampled_from([START_NS, START_NS + TTL_NS]))


@st.composite
def batches(draw: st.DrawFn, twin: Twin) -> Batch:
    """Draw what a holder might write, mostly under the lease that holds, mostly about what is there."""
    account = draw(st.sampled_from([ACCOUNT, ACCOUNT, ACCOUNT, "other"]))
    lease = twin.lease(account)
    now = lease.epoch if lease else 1
    epoch = max(1, now + draw(st.sampled_from([0, 0, 0, 0, 0, -1, 1])))
    shape = draw(st.sampled_from(["rows", "marks", "marks", "all"]))  # the more there is in a batch, the sooner it is refused
    drawn = draw(st.lists(rows, max_size=3)) if shape != "marks" else []
    known = [one.command_id for one in twin.rows] or [row(1).command_id]
    people = st.builds(
        user, st.sampled_from(["ada", "Bo"]), account=st.just(account), last_step=st.just(len(twin.users)), disabled=st.booleans()
    )
    moves = st.builds(Mark, command_id=st.sampled_from(known), state=states, at_ns=st.just(START_NS + 7), note=st.sampled_from(["", "so"]))
    moved = draw(st.lists(moves, min_size=1, max_size=2)) if shape != "rows" else []
    entries = tuple(happened(number) for number in draw(st.lists(numbers, max_size=2)))
    made = batch(
        account=account,
        epoch=epoch,
        rows=tuple(row(n, epoch=epoch, kind=kind, order=order, state=state, account=account) for n, kind, order, state in drawn),
        marks=tuple(moved),
        executions=tuple(execution(number, account=account) for number in draw(st.lists(numbers, max_size=2))),
        kills=tuple(draw(st.lists(kills, max_size=1))) if account == ACCOUNT else (),
        users=tuple(draw(st.lists(people, max_size=2))),
        approvals=tuple(approval(n, state, order=of, by=by, account=account) for n, state, of, by in draw(st.lists(approvals, max_size=2))),
        uses=tuple(draw(st.lists(uses, max_size=1))),
    )
    return msgspec.structs.replace(made, audit=entries)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.twin = Twin()
        self.now_ns = START_NS
        self.given: list[Lease] = []
        self.ledger = self.make()
        for account in ACCOUNTS:
            self.take(account, "one", None)

    def make(self) -> Ledger:
        raise NotImplementedError

    def teardown(self) -> None:
        self.ledger.close()

    @rule(seconds=st.sampled_from([1, 5, 10, 10]))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * TTL_NS // 10

    @rule(account=st.sampled_from(ACCOUNTS), holder=st.sampled_from(["one", "two"]), seen=st.none() | st.integers(0, 9))
    def take(self, account: str, holder: str, seen: int | None) -> None:
        waited_out = self.given[seen % len(self.given)] if seen is not None and self.given else None
        wish = claim(holder, at_ns=self.now_ns, account=account, waited_out=waited_out)
        if waited_out is not None and waited_out.account != account:
            return  # a claim is about one account
        try:
            told = self.twin.take(wish)
        except Refused:
            with pytest.raises(LedgerError) as refused:
                self.ledger.take_lease(wish)
            assert REFUSED[type(refused.value)] == "held"
        else:
            assert self.ledger.take_lease(wish) == told
            self.given.append(told)

    @precondition(lambda self: self.given)
    @rule(which=st.integers(0, 9))
    def renew(self, which: int) -> None:
        lease = self.given[which % len(self.given)]
        try:
            told = self.twin.renew(lease, self.now_ns)
        except Refused:
            with pytest.raises(LedgerError) as refused:
                self.ledger.renew(lease, self.now_ns)
            assert REFUSED[type(refused.value)] == "stale"
        else:
            assert self.ledger.renew(lease, self.now_ns) == told
            self.given.append(told)

    @precondition(lambda self: self.given)
    @rule(which=st.integers(0, 9), goes_on=st.sampled_from([True, True, True, False]))
    def release(self, which: int, *, goes_on: bool) -> None:
        lease = self.given[which % len(self.given)]
        self.twin.release(lease)
        self.ledger.release(lease)
        if goes_on:
            self.take(lease.account, "three", None)

    @rule(account=st.sampled_from([ACCOUNT, ACCOUNT, "other"]))
    def take_over(self, account: str) -> None:
        self.now_ns += TTL_NS
        self.take(account, "four", None)

    @rule(data=st.data(), count=st.integers(1, 3))
    def write(self, data: st.DataObject, count: int) -> None:
        group = [data.draw(batches(self.twin)) for _ in range(count)]
        told: list[object] = []
        for one in group:
            try:
                told.append(self.twin.write(one))
            except Refused as refused:
                told.append(str(refused))
        outcomes = self.ledger.write_all(group)
        assert [found.new_executions if isinstance(found, Written) else REFUSED[type(found)] for found in outcomes] == told

    @invariant()
    def both_hold_the_same(self) -> None:
        for account in ACCOUNTS:
            executions = [msgspec.structs.replace(found, sequence=0) for found in self.ledger.executions(account)]
            rows = self.ledger.outbox(account, tuple(OutboxState))
            chain = [(one.seq, one.subject, one.prev_hash, one.hash, one.epoch) for one in self.ledger.audit(account)]
            kept = (self.ledger.kills(account), self.ledger.users(account), chain, self.ledger.approvals(account))
            left = [one for one in rows if makes_order(one) and one.state in {OutboxState.ANSWERED, OutboxState.UNSURE, OutboxState.ABSENT}]
            assert self.ledger.last_let_go(account) == (left[-1] if left else None)
            assert (self.ledger.lease(account), rows, executions, *kept) == self.twin.everything(account)
        for number in range(1, 10):
            of = row(number)
            found = [one for one in self.twin.rows if one.client_order_id == of.client_order_id and makes_order(one)]
            assert self.ledger.order(of.client_order_id) == (found[0] if found else None)


def test_the_memory_form_does_what_the_twin_does() -> None:
    class InMemory(LedgerMachine):
        def make(self) -> Ledger:
            return MemoryLedger()

    run_state_machine_as_test(InMemory, settings=settings(max_examples=80, stateful_step_count=30))


def test_the_sqlite_form_does_what_the_twin_does(empty_file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:

        class InFile(LedgerMachine):
            count = 0

            def make(self) -> Ledger:
                InFile.count += 1
                return SqlLedger(Path(shutil.copy(empty_file, Path(folder) / f"{InFile.count}.db")))

        run_state_machine_as_test(InFile, settings=settings(max_examples=20, stateful_step_count=25))


def test_the_postgresql_form_does_what_the_twin_does(postgresql: postgres.Server) -> None:
    class OnServer(LedgerMachine):
        def make(self) -> Ledger:
            return SqlLedger(postgresql.emptied())

    run_state_machine_as_test(OnServer, settings=settings(max_examples=10, stateful_step_count=25))
