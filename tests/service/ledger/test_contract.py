"""What every form of the ledger promises: unique, fenced, whole batches or nothing."""

import msgspec
import pytest

from tests.service.ledger.making import (
    ACCOUNT,
    START_NS,
    TTL_NS,
    batch,
    claim,
    everything,
    execution,
    kill,
    mark,
    row,
    user,
)
from tidegate.service.ledger.errors import (
    DuplicateOrderError,
    LeaseHeldError,
    LedgerUnavailableError,
    MarkRefusedError,
    StaleEpochError,
)
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Written
from tidegate.service.ledger.states import OPEN, OutboxState
from tidegate.values.enums import CommandKind, GateScope, GateState, Role
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B2.2", "F3")


def test_the_first_holder_gets_epoch_one(ledger: Ledger) -> None:
    assert ledger.lease(ACCOUNT) is None
    lease = ledger.take_lease(claim("one"))
    assert (lease.epoch, lease.holder, lease.expires_ns, lease.taken_from) == (1, "one", START_NS + TTL_NS, "")
    assert ledger.lease(ACCOUNT) == lease


def test_a_running_lease_is_not_given_to_another_nor_to_its_holder_again(ledger: Ledger) -> None:
    lease = ledger.take_lease(claim("one"))
    for holder in ("two", "one"):
        with pytest.raises(LeaseHeldError, match=r"held by one \(epoch 1\) until 2027-01-15T08:00:10") as refused:
            ledger.take_lease(claim(holder, at_ns=START_NS + TTL_NS - 1))
        assert refused.value.lease == lease
        assert refused.value.exit_code is ExitCode.REFUSED
    assert ledger.lease(ACCOUNT) == lease


def test_a_lease_that_ran_out_is_taken_over_and_says_from_whom(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    lease = ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    assert (lease.epoch, lease.holder, lease.taken_from) == (2, "two", "one")


def test_a_lease_given_back_is_free_at_once_and_nobody_needs_to_be_waited_out(ledger: Ledger) -> None:
    ledger.release(ledger.take_lease(claim("one")))
    lease = ledger.take_lease(claim("two"))
    assert (lease.epoch, lease.taken_from) == (2, "")


def test_renewing_moves_the_end_and_keeps_the_epoch(ledger: Ledger) -> None:
    lease = ledger.renew(ledger.take_lease(claim("one")), START_NS + 3)
    assert (lease.epoch, lease.expires_ns) == (1, START_NS + 3 + TTL_NS)
    assert ledger.lease(ACCOUNT) == lease
    with pytest.raises(LeaseHeldError):
        ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS + 2))


def test_a_lease_that_ran_out_but_was_not_taken_can_be_renewed(ledger: Ledger) -> None:
    lease = ledger.renew(ledger.take_lease(claim("one")), START_NS + 5 * TTL_NS)
    ledger.write(batch(epoch=lease.epoch, rows=(row(1),)))


def test_a_lease_watched_until_it_ran_out_is_taken_whatever_the_wall_clocks_say(ledger: Ledger) -> None:
    held = ledger.take_lease(claim("one", at_ns=START_NS + 1_000 * TTL_NS))  # its clock is far ahead of ours
    assert ledger.take_lease(claim("two", waited_out=held)).epoch == 2


def test_a_lease_that_was_renewed_while_it_was_watched_is_not_taken(ledger: Ledger) -> None:
    held = ledger.take_lease(claim("one"))
    ledger.renew(held, START_NS + 1)
    with pytest.raises(LeaseHeldError):
        ledger.take_lease(claim("two", waited_out=held))


def test_a_lease_taken_over_or_given_back_can_not_be_renewed(ledger: Ledger) -> None:
    old = ledger.take_lease(claim("one"))
    new = ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    with pytest.raises(StaleEpochError, match="Epoch 1 does not hold the account paper") as refused:
        ledger.renew(old, START_NS + TTL_NS)
    assert refused.value.exit_code is ExitCode.REFUSED
    ledger.release(old)  # too late: it is not his
    assert ledger.lease(ACCOUNT) == new
    ledger.release(new)
    with pytest.raises(StaleEpochError):
        ledger.renew(new, START_NS + TTL_NS)


def test_accounts_have_leases_of_their_own(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    assert ledger.take_lease(claim("two", account="other")).epoch == 1
    ledger.write(batch(account="other", rows=(row(1, account="other"),)))
    assert ledger.outbox(ACCOUNT, OPEN) == []


def test_a_lease_keeps_the_hashes_of_what_runs(ledger: Ledger) -> None:
    lease = ledger.take_lease(msgspec.structs.replace(claim(), code_sha256="c0de", config_sha256="c0f1"))
    assert ledger.lease(ACCOUNT) == lease
    assert (lease.code_sha256, lease.config_sha256) == ("c0de", "c0f1")


def test_what_is_written_is_read_back_to_the_byte(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    rows = (
        row(1),
        row(2, kind=CommandKind.REPLACE, state=OutboxState.SENT),
        row(3, kind=CommandKind.CANCEL, order=1),
        row(4, kind=CommandKind.LOOKUP, order=1),
    )
    assert ledger.write(batch(rows=rows)) == Written()
    assert ledger.outbox(ACCOUNT, OPEN) == list(rows)
    assert [ledger.command(one.command_id) for one in rows] == list(rows)
    assert ledger.order(rows[0].client_order_id) == rows[0]
    assert ledger.order(rows[1].client_order_id) == rows[1]
    assert ledger.order(row(9).client_order_id) is None
    assert ledger.command(row(9).command_id) is None


def test_the_outbox_can_be_asked_by_state_and_session(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1), row(2)), marks=(mark(2, OutboxState.SENT),)))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    ledger.write(batch(epoch=2, rows=(row(3, epoch=2),)))
    assert [found.n for found in ledger.outbox(ACCOUNT, [OutboxState.PENDING])] == [1, 3]
    assert [found.n for found in ledger.outbox(ACCOUNT, [OutboxState.SENT])] == [2]
    assert [found.n for found in ledger.outbox(ACCOUNT, OPEN, row(1).session)] == [1, 2]
    assert ledger.outbox(ACCOUNT, []) == []


def test_the_newest_order_that_left_is_told_whatever_was_recorded_and_dropped_after_it(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    rows = tuple(row(number, state=OutboxState.SENT) for number in range(1, 7))
    ledger.write(batch(rows=rows))
    assert ledger.last_let_go(ACCOUNT) is None, "recorded is not let go"
    ledger.write(batch(marks=(mark(5, OutboxState.ABANDONED), mark(2, OutboxState.ANSWERED))))
    assert ledger.last_let_go(ACCOUNT) == ledger.command(row(2).command_id)
    for number, state in ((3, OutboxState.UNSURE), (4, OutboxState.ANSWERED)):
        ledger.write(batch(marks=(mark(number, state),)))
        assert ledger.last_let_go(ACCOUNT) == ledger.command(row(number).command_id)
    assert ledger.last_let_go("another") is None


@pytest.mark.parametrize("again", [CommandKind.SUBMIT, CommandKind.REPLACE])
def test_an_order_id_makes_one_order(ledger: Ledger, again: CommandKind) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    held = everything(ledger)
    with pytest.raises(DuplicateOrderError, match="order 1-paper-1 is recorded already") as refused:
        ledger.write(batch(rows=(row(2, kind=again, order=1),)))
    assert refused.value.exit_code is ExitCode.REFUSED
    assert everything(ledger) == held


def test_a_command_is_recorded_once_whatever_it_is_about(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1), row(2, kind=CommandKind.CANCEL, order=1))))
    for twice in (row(1), row(2, kind=CommandKind.CANCEL, order=1), row(2, kind=CommandKind.CANCEL, order=7)):
        with pytest.raises(DuplicateOrderError):
            ledger.write(batch(rows=(twice,)))
    ledger.write(batch(rows=(row(3, kind=CommandKind.CANCEL, order=1),)))  # asking twice for a cancel is two commands


def test_a_batch_that_repeats_itself_is_refused_whole(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    for rows in ((row(1), row(1)), (row(1), row(2, order=1))):
        with pytest.raises(DuplicateOrderError):
            ledger.write(batch(rows=rows))
    assert ledger.outbox(ACCOUNT, OPEN) == []


@pytest.mark.parametrize(
    "bad",
    [
        batch(rows=(row(2), row(1)), executions=(execution(1),), kills=(kill(),), users=(user(),)),
        batch(rows=(row(2),), marks=(mark(1, OutboxState.ANSWERED),), executions=(execution(1),), kills=(kill(),), users=(user(),)),
        batch(rows=(row(2),), marks=(mark(9, OutboxState.SENT),), executions=(execution(1),), kills=(kill(),), users=(user(),)),
        batch(marks=(mark(1, OutboxState.SENT), mark(1, OutboxState.SENT)), executions=(execution(1),), kills=(kill(),), users=(user(),)),
        batch(epoch=2, rows=(row(2, epoch=2),), executions=(execution(1),), kills=(kill(),), users=(user(),)),
    ],
    ids=["known command", "no such transition", "unknown command", "released twice", "another epoch"],
)
def test_a_refused_batch_leaves_nothing_behind(ledger: Ledger, bad: Batch) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    held = everything(ledger)
    with pytest.raises((DuplicateOrderError, MarkRefusedError, StaleEpochError)):
        ledger.write(bad)
    assert everything(ledger) == held


def test_a_row_may_be_recorded_and_released_by_one_transaction(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1), row(2, state=OutboxState.SENT)), marks=(mark(1, OutboxState.SENT, at_ns=START_NS + 1),)))
    assert [found.sent_ns for found in ledger.outbox(ACCOUNT, [OutboxState.SENT])] == [START_NS + 1, START_NS + 2]
    with pytest.raises(MarkRefusedError):
        ledger.write(batch(marks=(mark(2, OutboxState.SENT),)))


def test_a_stale_epoch_can_write_nothing_of_any_kind(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    ledger.write(batch(rows=(row(1),)))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    held = everything(ledger)
    for late in (
        batch(rows=(row(2),)),
        batch(marks=(mark(1, OutboxState.SENT),)),
        batch(marks=(mark(1, OutboxState.ABANDONED),)),
        batch(executions=(execution(1),)),
        batch(kills=(kill(),)),
        batch(users=(user(),)),
        batch(),
    ):
        with pytest.raises(StaleEpochError):
            ledger.write(late)
    assert everything(ledger) == held


@pytest.mark.parametrize("epoch", [0, 2])
def test_an_epoch_that_was_never_given_is_stale(ledger: Ledger, epoch: int) -> None:
    with pytest.raises(StaleEpochError):
        ledger.write(batch(epoch=epoch))
    ledger.take_lease(claim())
    with pytest.raises(StaleEpochError):
        ledger.write(batch(epoch=epoch, rows=(row(1, epoch=epoch),)))


def test_nothing_is_written_after_the_lease_was_given_back(ledger: Ledger) -> None:
    lease = ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),)))
    ledger.release(lease)
    with pytest.raises(StaleEpochError):
        ledger.write(batch(marks=(mark(1, OutboxState.SENT),)))


def test_a_new_holder_settles_the_rows_of_the_old_one_but_never_releases_them(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    ledger.write(batch(rows=(row(1), row(2, state=OutboxState.SENT))))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    with pytest.raises(MarkRefusedError, match="of epoch 1 is pending and cannot be marked sent here"):
        ledger.write(batch(epoch=2, marks=(mark(1, OutboxState.SENT),)))
    ledger.write(batch(epoch=2, marks=(mark(1, OutboxState.ABANDONED, note="never sent"), mark(2, OutboxState.UNSURE))))
    assert [found.note for found in ledger.outbox(ACCOUNT, [OutboxState.ABANDONED])] == ["never sent"]
    assert ledger.outbox(ACCOUNT, [OutboxState.PENDING, OutboxState.SENT]) == []


def test_a_mark_of_another_account_is_refused(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    ledger.write(batch(rows=(row(1),)))
    ledger.take_lease(claim("two", account="other"))
    with pytest.raises(MarkRefusedError):
        ledger.write(batch(account="other", marks=(mark(1, OutboxState.ABANDONED),)))


def test_an_execution_counts_once(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    assert ledger.write(batch(executions=(execution(1), execution(2)))).new_executions == ("execution-1", "execution-2")
    again = ledger.write(batch(executions=(execution(2), execution(3), execution(3), execution(1))))
    assert again.new_executions == ("execution-3",)
    kept = ledger.executions(ACCOUNT)
    assert [found.execution_id for found in kept] == ["execution-1", "execution-2", "execution-3"]
    assert [msgspec.structs.replace(found, sequence=0) for found in kept] == [execution(1), execution(2), execution(3)]
    assert [found.sequence for found in kept] == sorted({found.sequence for found in kept})
    assert ledger.executions(ACCOUNT, kept[1].sequence) == kept[2:]


def test_of_many_executions_those_recorded_are_named(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(executions=(execution(1), execution(900))))
    asked = {f"execution-{number}" for number in range(1_200)}
    assert ledger.known_executions(ACCOUNT, asked) == {"execution-1", "execution-900"}
    assert ledger.known_executions("other", asked) == ledger.known_executions(ACCOUNT, ()) == set()


def test_the_executions_of_some_orders_are_found_in_the_order_in_which_they_were_recorded(ledger: Ledger) -> None:
    for account in (ACCOUNT, "other"):
        ledger.take_lease(claim(account=account))
    ledger.write(batch(account="other", executions=(execution(1, account="other"),)))
    ledger.write(batch(executions=tuple(execution(number) for number in (700, 1, 3, 2))))
    kept = ledger.executions(ACCOUNT)
    asked = {row.client_order_id for row in kept if row.execution_id != "execution-3"} | {f"nobody-{number}" for number in range(900)}
    assert ledger.executions_of(ACCOUNT, asked) == [row for row in kept if row.execution_id != "execution-3"]
    assert ledger.executions_of(ACCOUNT, ()) == ledger.executions_of("third", asked) == []


def test_executions_of_two_accounts_may_share_an_id(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.take_lease(claim(account="other"))
    ledger.write(batch(executions=(execution(1),)))
    assert ledger.write(batch(account="other", executions=(execution(1, account="other"),))).new_executions == ("execution-1",)
    assert len(ledger.executions(ACCOUNT)) == 1


def test_the_last_gate_state_of_each_scope_is_kept(ledger: Ledger) -> None:
    lease = ledger.take_lease(claim())
    ledger.write(batch(kills=(kill(), kill(scope=GateScope.SYMBOL, key="ABC"), kill(scope=GateScope.SYMBOL, key="AAA"))))
    ledger.write(batch(kills=(kill(GateState.ACTIVE, reason="looked at it"),)))
    ledger.release(lease)
    ledger.take_lease(claim("two"))
    assert [(found.scope, found.key, found.state, found.reason) for found in ledger.kills(ACCOUNT)] == [
        (GateScope.GLOBAL, "", GateState.ACTIVE, "looked at it"),
        (GateScope.SYMBOL, "AAA", GateState.HALTED, "why"),
        (GateScope.SYMBOL, "ABC", GateState.HALTED, "why"),
    ]
    assert ledger.kills("other") == []


def test_of_several_batches_each_is_whole_or_refused_alone(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.take_lease(claim(account="other"))
    outcomes = ledger.write_all(
        [
            batch(rows=(row(1), row(2)), executions=(execution(1),)),
            batch(rows=(row(3), row(1)), executions=(execution(2),)),
            batch(epoch=2, rows=(row(4, epoch=2),)),
            batch(account="other", rows=(row(1, account="other"),)),
            batch(marks=(mark(1, OutboxState.SENT), mark(2, OutboxState.ANSWERED))),
            batch(marks=(mark(1, OutboxState.SENT),), executions=(execution(1), execution(3))),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [
        Written,
        DuplicateOrderError,
        StaleEpochError,
        Written,
        MarkRefusedError,
        Written,
    ]
    assert outcomes[-1] == Written(new_executions=(execution(3).execution_id,))
    assert [(found.n, found.state) for found in ledger.outbox(ACCOUNT, OPEN)] == [(1, OutboxState.SENT), (2, OutboxState.PENDING)]
    assert ledger.write_all([]) == []


def test_rows_that_no_caller_may_build_are_not_built() -> None:
    with pytest.raises(AssertionError, match="no order without an approval"):
        msgspec.structs.replace(row(1), decision_id="")
    for wrong in (row(1, epoch=2), row(1, account="other"), msgspec.structs.replace(row(1), state=OutboxState.ANSWERED)):
        with pytest.raises(AssertionError):
            batch(rows=(wrong,))
    with pytest.raises(AssertionError):
        batch(executions=(execution(1, account="other"),))
    assert msgspec.structs.replace(row(1, kind=CommandKind.CANCEL), decision_id="").decision_id == ""


@pytest.mark.req("E2")
def test_a_user_is_kept_as_last_written_and_knows_when_he_was_made(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.take_lease(claim(account="other"))
    assert ledger.users(ACCOUNT) == []
    ledger.write(batch(users=(user("bo"), user("ada", role=Role.ADMIN, last_step=3))))
    ledger.write(batch(account="other", users=(user("bo", account="other", role=Role.AGENT),)))
    changed = msgspec.structs.replace(user("bo", role=Role.OPERATOR, last_step=9, disabled=True), changed_ns=START_NS + 5)
    ledger.write(batch(users=(changed,)))
    assert ledger.users(ACCOUNT) == [user("ada", role=Role.ADMIN, last_step=3), changed]
    assert ledger.users("other") == [user("bo", account="other", role=Role.AGENT)]


@pytest.mark.req("E2")
def test_a_user_shows_no_secret_in_print() -> None:
    told = f"{user()!r} {user()!s} {user()}" + repr(batch(users=(user(),)))
    assert "hash of" not in told
    assert "secret of" not in told


@pytest.mark.req("E2")
def test_the_last_used_code_of_a_user_is_never_forgotten(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(users=(user(last_step=7), user("bo", last_step=1))))
    held = everything(ledger)
    with pytest.raises(LedgerUnavailableError, match=r"; nothing was changed, report it\.|by a rule of its own .*; report it\."):
        ledger.write(batch(rows=(row(1),), users=(user("bo", last_step=2), user(last_step=6))))
    assert everything(ledger) == held
    ledger.write(batch(users=(user(last_step=7, disabled=True),)))
    assert ledger.users(ACCOUNT)[0].disabled
