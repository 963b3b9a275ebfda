"""Versions and their steps: written under the lease, once, and never changed by anybody."""

import pytest

from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, batch, claim
from tests.service.ledger.test_schema import told
from tidegate.config.stages import Stage, Step
from tidegate.service.ledger.errors import StaleEpochError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import StageRow, VersionRow
from tidegate.service.ledger.sql import SqlLedger

pytestmark = pytest.mark.req("D2.2")


def version(name: str = "a", *, added_ns: int = START_NS, account: str = ACCOUNT, actor: str = "ann") -> VersionRow:
    return VersionRow(
        account=account,
        sha256=name * 64,
        parent="",
        config=b"account: {}\n",
        limits=b"\x00\xff",
        strategies=b"",
        tidegate="1.2",
        actor=actor,
        added_ns=added_ns,
    )


def step(name: str = "a", *, after: Stage = Stage.PAPER, account: str = ACCOUNT, strategy_id: str = "") -> StageRow:
    return StageRow(
        account=account,
        version_sha256=name * 64,
        strategy_id=strategy_id,
        permission_sha256="p" if strategy_id else "",
        step=Step.PROMOTED,
        before=Stage.SHADOW,
        after=after,
        actor="ann",
        approver="",
        reason="it held",
        evidence='{"fills":3}',
        at_ns=START_NS,
    )


def test_versions_and_steps_come_back_as_they_were_in_order(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(versions=(version("b", added_ns=START_NS + 1),), stages=(step("b"), step("b", strategy_id="one"))))
    ledger.write(batch(versions=(version("a"),), stages=(step("a", after=Stage.LIVE),)))
    assert ledger.versions(ACCOUNT) == [version("a"), version("b", added_ns=START_NS + 1)]
    rows = ledger.stages(ACCOUNT)
    assert [(row.version_sha256[0], row.strategy_id, row.after) for row in rows] == [
        ("b", "", Stage.PAPER),
        ("b", "one", Stage.PAPER),
        ("a", "", Stage.LIVE),
    ]
    assert [row.sequence for row in rows] == [1, 2, 3]


def test_a_version_that_is_known_stays_as_it_was_added(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(versions=(version("a"),)))
    ledger.write(batch(versions=(version("a", added_ns=START_NS + 9, actor="bob"), version("a", actor="eve"))))
    assert ledger.versions(ACCOUNT) == [version("a")]


def test_accounts_do_not_see_each_others(ledger: Ledger) -> None:
    ledger.take_lease(claim(account="other"))
    ledger.write(batch(account="other", versions=(version(account="other"),), stages=(step(account="other"),)))
    assert (ledger.versions(ACCOUNT), ledger.stages(ACCOUNT)) == ([], [])


def test_a_stale_holder_neither_adds_nor_moves(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    for stale in (batch(versions=(version(),)), batch(stages=(step(),))):
        with pytest.raises(StaleEpochError):
            ledger.write(stale)
    assert (ledger.versions(ACCOUNT), ledger.stages(ACCOUNT)) == ([], [])


INSERT = (
    "INSERT INTO config_stages (account, version_sha256, strategy_id, permission_sha256, step, before, after, actor, approver, reason, "
    f"evidence, at_ns, writer_epoch) VALUES ('{ACCOUNT}', 'a', '', '', 'promoted', 'shadow', 'live', 'eve', '', '', '', 0, 9)"
)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (INSERT, "stale epoch"),
        ("UPDATE config_stages SET after = 'live'", "a version stays"),
        ("DELETE FROM config_stages", "a version stays"),
        ("UPDATE config_versions SET config = ''", "a version stays"),
        ("DELETE FROM config_versions", "a version stays"),
    ],
)
def test_the_database_itself_lets_nothing_be_changed(location: str, statement: str, says: str) -> None:
    ledger = SqlLedger(location)
    ledger.take_lease(claim())
    ledger.write(batch(versions=(version(),), stages=(step(),)))
    ledger.close()
    assert says in told(location, statement)
