"""The ladder as people and rules may climb it: criteria, two persons, no skipped rung, inheritance, rollback, demotion."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tidegate.config.promotion import Measured, StrategyMeasured
from tidegate.config.reading import LoadedConfig, read_config
from tidegate.config.stages import EVIDENCE_MODES, REAL_MONEY, STAGE_OF_MODE, Stage, Step, rung
from tidegate.config.versions import ConfigVersion, short
from tidegate.service import promoting
from tidegate.service.ledger.rows import VersionRow
from tidegate.service.promoting import Moved, PromotionRefusedError, Who
from tidegate.service.setup import version_in
from tidegate.service.stage_book import NotPromotedError, StageBook, UnknownVersionError
from tidegate.values.time import DAY_NS

pytestmark = pytest.mark.req("D2.2")

ACCOUNT = "paper"
NAMES = ("mean_reversion", "trend_following", "breakout")
PLAIN = read_config("us-stocks")


def changed(**limits: int) -> ConfigVersion:
    """Return the shipped configuration as a version, with some limits changed in its bytes."""
    text = Path(PLAIN.folder.parent / "limits" / "2026-02.yaml").read_text()
    for name, value in limits.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
        text = text.replace(line, f"{name}: {value}")
    config, _, _ = PLAIN.source.partition(b"\n---\n")
    return version_in(_parsed(config + b"\n---\n" + text.encode()))


def _parsed(source: bytes) -> LoadedConfig:
    from tidegate.config.reading import parse_config

    return parse_config(source, name="a test", folder=PLAIN.folder)


BASE = changed()
TIGHTER = changed(orders_per_minute_max=20)
LOOSER = changed(orders_per_minute_max=40)
TIGHTEST = changed(orders_per_minute_max=10)


def other_breakout(version: ConfigVersion) -> ConfigVersion:
    """Return a version whose breakout is another file."""
    parts = tuple(
        msgspec.structs.replace(part, sha256="other", permission_sha256="other") if part.strategy_id == "breakout" else part
        for part in version.strategies
    )
    return msgspec.structs.replace(version, sha256="0ther" + version.sha256[5:], strategies=parts)


def measured(version: ConfigVersion, to: Stage, names: tuple[str, ...] = NAMES, **changes: Any) -> Measured:
    """Return figures that meet every criterion."""
    part: dict[str, Any] = {"days_decided": 30, "days_filled": 30, "decisions": 500, "orders": 300, "fills": 300, "slippage_bps": "1.20"}
    strategies = tuple(StrategyMeasured(strategy_id=name, **part) for name in names)
    given: dict[str, Any] = {"drift_findings": 0, "trips": 0, "drawdown_bps": 10, "strategies": strategies} | changes
    return Measured(version_sha256=version.sha256, sessions=("s",), modes=(min(EVIDENCE_MODES[to]),), **given)


class Desk:
    """One account's book, moved by verbs as the ledger would be."""

    def __init__(self) -> None:
        self.book = StageBook((), ())
        self.now_ns = 1_800_000_000_000_000_000

    def who(self, person: str = "ann", reason: str = "because") -> Who:
        self.now_ns += 1
        return Who(person, self.now_ns, reason)

    def take(self, moved: Moved) -> Moved:
        self.book = self.book.after(moved.versions, moved.rows)
        return moved

    def add(self, version: ConfigVersion, parent: str = "") -> Moved:
        return self.take(promoting.added(self.book, ACCOUNT, version, self.who(), parent=parent))

    def row(self, version: ConfigVersion) -> VersionRow:
        return self.book.versions[version.sha256]

    def promote(self, version: ConfigVersion, to: Stage, person: str = "ann", *, approves: bool = False, **changes: Any) -> Moved:
        figures = measured(version, to, **changes)
        return self.take(promoting.promoted(self.book, self.row(version), to, figures, self.who(person), approves=approves))

    def climb(self, version: ConfigVersion, to: Stage) -> None:
        for stage in list(Stage)[rung(self.book.stage(version.sha256)) + 1 : rung(to) + 1]:
            self.promote(version, stage)
            if stage in REAL_MONEY:
                self.promote(version, stage, "bob", approves=True)

    def demote(self, version: ConfigVersion, strategy_id: str = "") -> None:
        permission = version.permissions.get(strategy_id, "")
        rows = promoting.demoted(
            self.book, self.row(version), self.who("rule:demotion"), strategy_id=strategy_id, permission_sha256=permission
        )
        self.take(Moved(rows=rows))

    def may_run(self, version: ConfigVersion, mode: str) -> bool:
        try:
            self.book.check_mode(version, mode)
        except NotPromotedError:
            return False
        return True

    def permitted(self, version: ConfigVersion, mode: str) -> dict[str, bool]:
        return {p.strategy_id: p.permitted for p in self.book.permissions(version, mode)}


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    found.add(BASE)
    return found


def test_everything_begins_at_shadow_and_runs_in_the_modes_that_earn_a_stage(desk: Desk) -> None:
    assert desk.book.stage(BASE.sha256) is Stage.SHADOW
    assert [mode for mode in ("dry-run", "shadow", "paper", "small-live", "live") if desk.may_run(BASE, mode)] == [
        "dry-run",
        "shadow",
        "paper",
    ]
    assert set(desk.permitted(BASE, "paper").values()) == {True}
    assert set(desk.permitted(BASE, "live").values()) == {False}


def test_the_way_up(desk: Desk) -> None:
    desk.promote(BASE, Stage.PAPER)
    assert desk.book.stage(BASE.sha256) is Stage.PAPER
    asked = desk.promote(BASE, Stage.SMALL_LIVE)
    assert desk.book.stage(BASE.sha256) is Stage.PAPER
    assert "--approve" in asked.lines[0]
    desk.promote(BASE, Stage.SMALL_LIVE, "bob", approves=True)
    assert desk.may_run(BASE, "small-live")
    assert not desk.may_run(BASE, "live")
    assert set(desk.permitted(BASE, "small-live").values()) == {True}
    last = [row for row in desk.book.rows if not row.permission_sha256][-1]
    assert (last.step, last.actor, last.approver) == (Step.PROMOTED, "ann", "bob")
    assert json.loads(last.evidence)["measured"]["sessions"] == ["s"]
    desk.climb(BASE, Stage.LIVE)
    assert desk.may_run(BASE, "live")
    assert desk.may_run(BASE, "small-live")
    with pytest.raises(PromotionRefusedError, match="nothing above"):
        promoting.next_stage(desk.book, desk.row(BASE))


def test_no_rung_is_skipped(desk: Desk) -> None:
    with pytest.raises(PromotionRefusedError, match="promote to paper first"):
        desk.promote(BASE, Stage.SMALL_LIVE)


@pytest.mark.parametrize(
    ("to", "changes", "named"),
    [
        (Stage.PAPER, {"drift_findings": 1}, "drift_findings_max"),
        (Stage.PAPER, {"trips": 1}, "trips_max"),
        (Stage.PAPER, {"names": NAMES[:2]}, "trading_days_min (breakout)"),
        (Stage.SMALL_LIVE, {"drawdown_bps": 501}, "drawdown_bps_max"),
        (Stage.SMALL_LIVE, {"drawdown_bps": None}, "drawdown_bps_max is not measured"),
        (Stage.SMALL_LIVE, {"names": NAMES[1:]}, "(mean_reversion)"),
    ],
)
def test_a_criterion_that_is_not_met_moves_nothing_and_is_named(desk: Desk, to: Stage, changes: dict[str, Any], named: str) -> None:
    desk.climb(BASE, list(Stage)[rung(to) - 1])
    before = desk.book.rows
    moved = desk.promote(BASE, to, **changes)
    assert moved.is_refused
    assert desk.book.rows == before
    assert named in moved.lines[0]
    assert not all(one.met for one in moved.criteria)
    assert len(moved.criteria) == (4 if to is Stage.PAPER else 8)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"rejected": 7}, "reject_rate_bps_max"),
        ({"slippage_bps": "5.01"}, "slippage_bps_max"),
        ({"slippage_bps": ""}, "slippage_bps_max"),
        ({"fills": 49}, "fills_min"),
        ({"orders": 29}, "orders_min"),
        ({"days_filled": 9}, "trading_days_min"),
    ],
)
def test_the_strategy_that_is_furthest_from_a_criterion_counts(desk: Desk, part: dict[str, Any], name: str) -> None:
    desk.climb(BASE, Stage.PAPER)
    good = measured(BASE, Stage.SMALL_LIVE).strategies
    figures = (good[0], msgspec.structs.replace(good[1], **part), good[2])
    moved = desk.promote(BASE, Stage.SMALL_LIVE, strategies=figures)
    assert {(one.name, one.strategy_id) for one in moved.criteria if not one.met} == {(name, "trend_following")}


def test_at_the_bound_a_criterion_is_met(desk: Desk) -> None:
    desk.climb(BASE, Stage.PAPER)
    at = {"days_decided": 1, "days_filled": 10, "decisions": 1, "orders": 50, "rejected": 1, "fills": 50, "slippage_bps": "5.00"}
    figures = tuple(StrategyMeasured(strategy_id=name, **at) for name in NAMES)  # type: ignore[arg-type]
    moved = desk.promote(BASE, Stage.SMALL_LIVE, strategies=figures, drawdown_bps=500)
    assert not moved.is_refused


def test_figures_of_another_version_or_mode_do_not_count(desk: Desk) -> None:
    for wrong, why in (
        (measured(TIGHTER, Stage.PAPER), "are of version"),
        (msgspec.structs.replace(measured(BASE, Stage.PAPER), modes=("replay",)), "do not count"),
    ):
        with pytest.raises(PromotionRefusedError, match=why):
            promoting.promoted(desk.book, desk.row(BASE), Stage.PAPER, wrong, desk.who(), approves=False)


def test_a_version_that_asks_for_nothing_cannot_be_promoted() -> None:
    desk = Desk()
    config, _, limits = PLAIN.source.partition(b"\n---\n")
    bare = version_in(_parsed(config[: config.index(b"# What a version must have shown")] + b"\n---\n" + limits))
    desk.add(bare)
    with pytest.raises(Exception, match="says nothing under promotion"):
        desk.promote(bare, Stage.PAPER)


# Two persons.


def test_real_money_takes_two_persons(desk: Desk) -> None:
    desk.climb(BASE, Stage.PAPER)
    with pytest.raises(PromotionRefusedError, match="Nobody asked"):
        desk.promote(BASE, Stage.SMALL_LIVE, "bob", approves=True)
    desk.promote(BASE, Stage.SMALL_LIVE, "ann")
    with pytest.raises(PromotionRefusedError, match="somebody else"):
        desk.promote(BASE, Stage.SMALL_LIVE, "ann", approves=True)
    assert desk.book.stage(BASE.sha256) is Stage.PAPER


@pytest.mark.req("E2")
def test_who_may_only_approve_moves_nothing_that_takes_one_person(desk: Desk) -> None:
    desk.add(BASE)
    with pytest.raises(PromotionRefusedError, match="there is nothing to approve"):
        desk.promote(BASE, Stage.PAPER, "bob", approves=True)
    assert desk.book.stage(BASE.sha256) is Stage.SHADOW


def test_a_request_is_good_for_a_day_and_for_one_promotion(desk: Desk) -> None:
    desk.climb(BASE, Stage.PAPER)
    desk.promote(BASE, Stage.SMALL_LIVE)
    desk.now_ns += DAY_NS
    with pytest.raises(PromotionRefusedError, match="older than a day"):
        desk.promote(BASE, Stage.SMALL_LIVE, "bob", approves=True)
    desk.promote(BASE, Stage.SMALL_LIVE)
    desk.promote(BASE, Stage.SMALL_LIVE, "bob", approves=True)
    with pytest.raises(PromotionRefusedError, match="holds small_live already"):
        desk.promote(BASE, Stage.SMALL_LIVE, "bob", approves=True)
    with pytest.raises(PromotionRefusedError, match="Nobody asked"):
        desk.promote(BASE, Stage.LIVE, "bob", approves=True)


def test_an_approval_is_judged_as_new(desk: Desk) -> None:
    desk.climb(BASE, Stage.PAPER)
    desk.promote(BASE, Stage.SMALL_LIVE)
    assert desk.promote(BASE, Stage.SMALL_LIVE, "bob", approves=True, trips=1).is_refused
    assert desk.book.stage(BASE.sha256) is Stage.PAPER


def test_what_happens_to_a_version_meanwhile_voids_the_request(desk: Desk) -> None:
    desk.climb(BASE, Stage.SMALL_LIVE)
    desk.promote(BASE, Stage.LIVE)
    desk.demote(BASE, "breakout")
    with pytest.raises(PromotionRefusedError):
        desk.promote(BASE, Stage.LIVE, "bob", approves=True)


# Children.


def test_a_tighter_child_holds_its_parents_stage_at_once_and_takes_its_place(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    moved = desk.add(TIGHTER)
    assert "holds live at once" in moved.lines[0]
    assert desk.may_run(TIGHTER, "live")
    assert set(desk.permitted(TIGHTER, "live").values()) == {True}
    assert not desk.may_run(BASE, "live"), "the looser one does not come back by itself"
    assert not desk.may_run(BASE, "small-live")


def test_a_looser_child_begins_at_shadow_and_changes_nothing(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    moved = desk.add(LOOSER)
    assert "loosens limits.orders_per_minute_max" in moved.lines[0]
    assert not desk.may_run(LOOSER, "small-live")
    assert set(desk.permitted(LOOSER, "live").values()) == {False}
    assert desk.may_run(BASE, "live")


def test_a_child_cannot_inherit_from_an_old_looser_parent(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    desk.add(TIGHTEST)
    desk.add(TIGHTER, parent=short(BASE.sha256))  # tighter than BASE, looser than what is in force
    assert desk.book.stage(TIGHTER.sha256) is Stage.PAPER
    assert not desk.may_run(TIGHTER, "small-live")
    assert desk.may_run(TIGHTEST, "live")


def test_a_permission_that_a_rule_took_down_is_not_lifted_by_a_child_of_an_older_version(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    desk.add(TIGHTER)
    desk.demote(TIGHTER, "breakout")
    desk.take(promoting.rolled_back(desk.book, desk.row(BASE), desk.who("eve")))
    retold = msgspec.structs.replace(TIGHTER, sha256="0ther" + TIGHTER.sha256[5:])  # the same in other words
    moved = desk.add(retold)
    assert "breakout changed and must be promoted anew" in moved.lines[0]
    assert desk.permitted(retold, "live") == {"mean_reversion": True, "trend_following": True, "breakout": False}


def test_an_edited_strategy_is_void_and_the_others_trade_on(desk: Desk) -> None:
    desk.climb(BASE, Stage.SMALL_LIVE)
    edited = other_breakout(BASE)
    moved = desk.add(edited)
    assert "breakout changed" in moved.lines[0]
    assert desk.may_run(edited, "small-live")
    assert desk.permitted(edited, "small-live") == {"mean_reversion": True, "trend_following": True, "breakout": False}
    assert promoting.next_stage(desk.book, desk.row(edited)) is Stage.PAPER


def test_one_strategy_climbs_alone_by_its_own_figures_and_puts_nothing_in_force(desk: Desk) -> None:
    desk.climb(BASE, Stage.SMALL_LIVE)
    edited = other_breakout(BASE)
    desk.add(edited)
    desk.add(TIGHTER, parent=edited.sha256)
    assert desk.book.in_force(Stage.SMALL_LIVE) == TIGHTER.sha256
    assert desk.promote(edited, Stage.PAPER, names=NAMES[:2]).is_refused
    desk.promote(edited, Stage.PAPER, names=("breakout",))
    assert desk.book.in_force(Stage.SMALL_LIVE) == TIGHTER.sha256
    desk.promote(edited, Stage.SMALL_LIVE, names=("breakout",))
    desk.promote(edited, Stage.SMALL_LIVE, "bob", approves=True, names=("breakout",))
    assert desk.book.permission("other") is Stage.SMALL_LIVE
    assert set(desk.permitted(edited, "small-live").values()) == {False}, "it is not in force"
    desk.take(promoting.rolled_back(desk.book, desk.row(edited), desk.who()))
    assert set(desk.permitted(edited, "small-live").values()) == {True}


def test_a_parent_that_cannot_be_read_hands_nothing_down(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    broken = msgspec.structs.replace(desk.row(BASE), config=b"an_old_key: 1\n")
    desk.book = StageBook((broken,), desk.book.rows)
    assert "cannot be read any more" in desk.add(TIGHTER).lines[0]
    assert desk.book.stage(TIGHTER.sha256) is Stage.SHADOW


# Rollback and demotion.


def test_a_rollback_puts_an_old_version_in_force_by_one_persons_word(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    desk.add(TIGHTER)
    desk.take(promoting.rolled_back(desk.book, desk.row(BASE), desk.who("eve", "too tight")))
    assert desk.may_run(BASE, "live")
    assert not desk.may_run(TIGHTER, "live")
    assert desk.book.rows[-1].step is Step.ROLLED_BACK
    with pytest.raises(PromotionRefusedError, match="in force at live already"):
        promoting.rolled_back(desk.book, desk.row(BASE), desk.who())


def test_a_version_that_never_held_real_money_or_lost_it_is_not_rolled_back_to(desk: Desk) -> None:
    with pytest.raises(PromotionRefusedError, match="never came further"):
        promoting.rolled_back(desk.book, desk.row(BASE), desk.who())
    desk.climb(BASE, Stage.SMALL_LIVE)
    desk.add(TIGHTER)
    desk.demote(BASE)
    with pytest.raises(PromotionRefusedError, match="was demoted"):
        promoting.rolled_back(desk.book, desk.row(BASE), desk.who())


def test_a_demotion_takes_one_stage_and_a_strategys_takes_that_strategys(desk: Desk) -> None:
    desk.climb(BASE, Stage.LIVE)
    desk.demote(BASE, "breakout")
    assert desk.may_run(BASE, "live")
    assert desk.permitted(BASE, "live") == {"mean_reversion": True, "trend_following": True, "breakout": False}
    assert desk.permitted(BASE, "small-live")["breakout"]
    desk.demote(BASE)
    assert not desk.may_run(BASE, "live")
    assert desk.may_run(BASE, "small-live")
    for _ in range(5):
        desk.demote(BASE)
    assert desk.book.stage(BASE.sha256) is Stage.SHADOW
    desk.add(TIGHTER)
    assert desk.book.stage(TIGHTER.sha256) is Stage.SHADOW


def test_a_hash_is_found_by_its_beginning_when_it_is_clear(desk: Desk) -> None:
    assert desk.book.find(BASE.sha256[:7]).sha256 == BASE.sha256
    with pytest.raises(UnknownVersionError, match="no version"):
        desk.book.find("zzz")
    with pytest.raises(UnknownVersionError):
        desk.book.find("")


VERSIONS = (BASE, TIGHTER, LOOSER, TIGHTEST, other_breakout(BASE))
ORDERS_MAX = {TIGHTEST.sha256: 10, TIGHTER.sha256: 20, BASE.sha256: 30, LOOSER.sha256: 40, other_breakout(BASE).sha256: 30}


class Ladder(RuleBasedStateMachine):
    """Whatever people and rules do, nothing climbs by itself and real money always has two names behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()

    @rule(version=st.sampled_from(VERSIONS))
    def add(self, version: ConfigVersion) -> None:
        before = {mode: self.desk.book.in_force(stage) for mode, stage in STAGE_OF_MODE.items()}
        self.desk.add(version)
        for mode, stage in STAGE_OF_MODE.items():
            now = self.desk.book.in_force(stage)
            assert now == before[mode] or ORDERS_MAX[now] <= ORDERS_MAX[before[mode]], "nobody was asked, and it is looser"

    @rule(
        version=st.sampled_from(VERSIONS),
        to=st.sampled_from(list(Stage)[1:]),
        person=st.sampled_from(["ann", "bob"]),
        approves=st.booleans(),
    )
    def promote(self, version: ConfigVersion, to: Stage, person: str, approves: bool) -> None:  # noqa: FBT001 - drawn
        if version.sha256 in self.desk.book.versions:
            try:
                self.desk.promote(version, to, person, approves=approves)
            except PromotionRefusedError:
                return

    @rule(version=st.sampled_from(VERSIONS), to=st.sampled_from(list(Stage)[1:]))
    def climb(self, version: ConfigVersion, to: Stage) -> None:
        if version.sha256 in self.desk.book.versions:
            try:
                self.desk.climb(version, to)
            except PromotionRefusedError:
                return

    @rule(version=st.sampled_from(VERSIONS), strategy=st.sampled_from(["", *NAMES]))
    def demote(self, version: ConfigVersion, strategy: str) -> None:
        if version.sha256 in self.desk.book.versions:
            before = self.desk.book.stage(version.sha256)
            self.desk.demote(version, strategy)
            assert rung(self.desk.book.stage(version.sha256)) <= rung(before)

    @rule(version=st.sampled_from(VERSIONS))
    def roll_back(self, version: ConfigVersion) -> None:
        if version.sha256 in self.desk.book.versions:
            try:
                self.desk.take(promoting.rolled_back(self.desk.book, self.desk.row(version), self.desk.who("eve")))
            except PromotionRefusedError:
                return

    @invariant()
    def one_version_at_a_time_is_in_force(self) -> None:
        for mode in STAGE_OF_MODE:
            assert sum(self.desk.may_run(version, mode) for version in VERSIONS) <= 1

    @invariant()
    def nothing_rises_but_by_two_persons_or_from_a_parent_that_stood_there(self) -> None:
        held: dict[str, Stage] = {}
        for row in self.desk.book.rows:
            if row.step in {Step.RAN, Step.REQUESTED}:
                continue
            subject = row.permission_sha256 or row.version_sha256
            before = held.get(subject, Stage.SHADOW)
            assert row.before is before
            held[subject] = row.after
            if rung(row.after) > rung(before) and row.after in REAL_MONEY:
                two = row.step is Step.PROMOTED and row.actor != row.approver != ""
                assert two or row.step is Step.INHERITED
                assert rung(row.after) - rung(before) == 1 or row.step is Step.INHERITED
            if row.step is Step.DEMOTED:
                assert rung(row.after) == rung(before) - 1

    @invariant()
    def what_may_trade_holds_the_stage_twice(self) -> None:
        for version in VERSIONS:
            for permission in self.desk.book.permissions(version, "live"):
                both = (self.desk.book.stage(version.sha256), self.desk.book.permission(permission.sha256))
                in_force = self.desk.book.in_force(Stage.LIVE) == version.sha256
                assert permission.permitted is (in_force and both == (Stage.LIVE, Stage.LIVE))


TestLadder = Ladder.TestCase
TestLadder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
