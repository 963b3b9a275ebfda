"""Versions on a ledger: what a start records, which books may be opened with which money, and whose word counts."""

import msgspec
import pytest

from tests.service.ledger.making import ACCOUNT, START_NS, claim
from tests.service.test_promoting import BASE, LOOSER, TIGHTER, measured
from tidegate.config.stages import Stage, Step
from tidegate.config.versions import name_of
from tidegate.control.protocol import AddVersion, ListVersions, MoveVersion, ShowVersion, VersionVerb
from tidegate.control.version_replies import VersionReply, VersionsReply
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Lease
from tidegate.service.promoting import PromotionRefusedError, Who
from tidegate.service.stage_book import NotPromotedError
from tidegate.service.version_verbs import Begin, NoSuchStageError, VersionRequest, book_of, carry_out, demote, register, stage_named

pytestmark = pytest.mark.req("D2.2")

ANN, BOB = Who("ann", START_NS, "because"), Who("bob", START_NS + 1, "")


class Store:
    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.lease: Lease = self.ledger.take_lease(claim())

    def ask(self, request: VersionRequest, who: Who = ANN) -> VersionReply:
        reply = carry_out(self.ledger, self.lease, request, who)
        assert isinstance(reply, VersionReply)
        return reply

    def climb(self, to: Stage) -> None:
        self.ask(AddVersion(version=BASE))
        for stage in list(Stage)[1 : list(Stage).index(to) + 1]:
            figures = measured(BASE, stage)
            self.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE, measured=figures))
            if stage is not Stage.PAPER:
                self.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.APPROVE, stage=stage.value, measured=figures), BOB)

    def begin(self, mode: str = "paper", *, rehearsed: bool = False, has_log: bool = False) -> dict[str, bool]:
        found = register(self.ledger, self.lease, BASE, Begin(mode, rehearsed=rehearsed, has_log=has_log), ANN)
        return {permission.strategy_id: permission.permitted for permission in found.permissions}

    def steps(self) -> list[Step]:
        return [row.step for row in self.ledger.stages(ACCOUNT)]


@pytest.mark.req("E2")
def test_the_owner_of_a_trader_without_users_promotes_to_paper_and_moves_nothing_of_real_money() -> None:
    store, owner = Store(), ANN._replace(to_paper_only=True)
    store.ask(AddVersion(version=BASE), owner)
    assert (
        store.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE, measured=measured(BASE, Stage.PAPER)), owner).stage == "paper"
    )
    further = MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE, measured=measured(BASE, Stage.SMALL_LIVE))
    before = store.steps()
    for request in (further, msgspec.structs.replace(further, stage="small_live", verb=VersionVerb.APPROVE)):
        with pytest.raises(PromotionRefusedError, match=r"^small_live is real money and takes users"):
            store.ask(request, owner)
    assert store.steps() == before
    store.ask(further)
    store.ask(msgspec.structs.replace(further, stage="small_live", verb=VersionVerb.APPROVE), BOB)
    with pytest.raises(PromotionRefusedError, match=r"^small_live is real money and takes users"):
        store.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.ROLLBACK), owner)


def test_a_start_adds_the_version_and_says_that_it_ran() -> None:
    store = Store()
    assert set(store.begin().values()) == {True}
    assert store.steps() == [Step.ADDED, Step.RAN]
    assert store.ledger.stages(ACCOUNT)[-1].reason == "mode paper"
    store.begin()
    assert store.steps() == [Step.ADDED, Step.RAN, Step.RAN]


def test_a_refused_start_leaves_the_version_known_and_not_run() -> None:
    store = Store()
    with pytest.raises(NotPromotedError, match="needs a configuration that holds stage small_live"):
        store.begin("small-live")
    assert store.steps() == [Step.ADDED]


def test_a_promoted_version_starts() -> None:
    store = Store()
    store.climb(Stage.LIVE)
    assert set(store.begin("live").values()) == {True}
    assert set(store.begin("small-live").values()) == {True}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Begin("paper"), Begin("live")),
        (Begin("shadow"), Begin("small-live")),
        (Begin("live"), Begin("paper")),
        (Begin("live", rehearsed=True), Begin("live")),
        (Begin("small-live"), Begin("small-live", rehearsed=True)),
    ],
)
def test_two_kinds_of_money_never_share_their_books(first: Begin, second: Begin) -> None:
    store = Store()
    store.climb(Stage.LIVE)
    register(store.ledger, store.lease, BASE, first, ANN)
    with pytest.raises(NotPromotedError, match="another kind of money"):
        register(store.ledger, store.lease, BASE, second, ANN)
    register(store.ledger, store.lease, BASE, first, ANN)


def test_a_log_of_which_nobody_knows_the_money_is_not_gone_on_with_real_money() -> None:
    store = Store()
    store.climb(Stage.LIVE)
    with pytest.raises(NotPromotedError, match="nobody recorded"):
        store.begin("live", has_log=True)
    store.begin("paper", has_log=True)


def test_a_version_whose_hash_is_not_its_own_is_not_added() -> None:
    store = Store()
    forged = msgspec.structs.replace(LOOSER, sha256=BASE.sha256)
    with pytest.raises(PromotionRefusedError, match="does not have the hash it names"):
        store.ask(AddVersion(version=forged))
    assert store.steps() == []


@pytest.mark.req("E2")
def test_a_version_that_names_permissions_of_other_strategies_is_not_added() -> None:
    store = Store()
    store.climb(Stage.LIVE)
    edited = "e" * 64  # the permission of a file that nobody promoted
    quiet = msgspec.structs.replace(BASE, config=BASE.config + b"\n# a remark\n")
    forged = msgspec.structs.replace(
        quiet,
        strategies=(msgspec.structs.replace(BASE.strategies[0], permission_sha256=edited), *BASE.strategies[1:]),
        sha256=name_of(quiet),
    )
    before = store.steps()
    with pytest.raises(PromotionRefusedError, match="permissions that its strategies do not have"):
        store.ask(AddVersion(version=forged))
    assert store.steps() == before
    assert book_of(store.ledger, ACCOUNT).permission(edited) is Stage.SHADOW


def test_what_is_shown_is_what_was_added_and_lists_say_where_all_stand() -> None:
    store = Store()
    store.climb(Stage.SMALL_LIVE)
    store.ask(AddVersion(version=TIGHTER))
    assert store.ask(ShowVersion(version=TIGHTER.sha256[:10])).version == TIGHTER
    reply = carry_out(store.ledger, store.lease, ListVersions(), ANN, running=BASE.sha256)
    assert isinstance(reply, VersionsReply)
    assert {(line.sha256, line.stage, line.in_force, line.running, line.next_stage) for line in reply.versions} == {
        (TIGHTER.sha256, "small_live", "small-live", False, "live"),
        (BASE.sha256, "small_live", "", True, "live"),
    }


def test_a_promotion_without_figures_or_to_no_stage_is_refused() -> None:
    store = Store()
    store.ask(AddVersion(version=BASE))
    with pytest.raises(PromotionRefusedError, match="needs figures"):
        store.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE))
    with pytest.raises(NoSuchStageError):
        store.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE, stage="moon"))
    assert stage_named("small-live") is Stage.SMALL_LIVE


def test_a_refused_criterion_records_nothing() -> None:
    store = Store()
    store.ask(AddVersion(version=BASE))
    reply = store.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE, measured=measured(BASE, Stage.PAPER, trips=1)))
    assert reply.refused
    assert [one.name for one in reply.criteria if not one.met] == ["trips_max"]
    assert store.steps() == [Step.ADDED]
    assert book_of(store.ledger, ACCOUNT).stage(BASE.sha256) is Stage.SHADOW


def test_what_ran_last_comes_back_for_its_exits_and_enters_nothing() -> None:
    store = Store()
    store.climb(Stage.LIVE)
    assert set(store.begin("live").values()) == {True}
    store.ask(AddVersion(version=TIGHTER))  # takes its place
    assert set(store.begin("live").values()) == {False}
    store.ask(MoveVersion(version=BASE.sha256, verb=VersionVerb.ROLLBACK))
    assert set(store.begin("live").values()) == {True}
    demote(store.ledger, store.lease, BASE.sha256, None, ANN)
    assert set(store.begin("live").values()) == {False}
    assert set(store.begin("small-live").values()) == {True}, "one stage down it may trade"
    with pytest.raises(NotPromotedError, match="holds small_live"):
        store.begin("live")  # it did not run last in this mode


def test_one_that_another_has_run_after_does_not_come_back() -> None:
    store = Store()
    store.climb(Stage.LIVE)
    store.begin("live")
    store.ask(AddVersion(version=TIGHTER))
    register(store.ledger, store.lease, TIGHTER, Begin("live"), ANN)
    with pytest.raises(NotPromotedError, match="took its place"):
        store.begin("live")
