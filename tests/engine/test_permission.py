"""A void permission to trade lets no entry out and takes working ones back; exits go on."""

import pytest

from tests.engine.scene import HEAD, Scene, commands, of, only
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import OrderCommand, RiskDecision
from tidegate.events.base import Act
from tidegate.events.inputs import PermissionSet
from tidegate.kernel.mode import Mode
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import CommandKind, OrderEventKind, Purpose, Side, Verdict

pytestmark = pytest.mark.req("D2.2")

BUY = Intent(side=Side.BUY, reason="go", quantity=5.0)
SELL = Intent(side=Side.SELL, reason="out", quantity=5.0, purpose=Purpose.EXIT)


def permission(scene: Scene, *, permitted: bool, strategy_id: str = "one") -> list[Act]:
    head = HEAD | {"timestamp": scene.engine.now_ns, "strategy_id": strategy_id}
    return scene.tell(PermissionSet(**head, permission_sha256="ab", permitted=permitted, stage="paper", reason="holds paper"))


def test_without_a_word_every_strategy_is_permitted() -> None:
    scene = Scene(quotes=True)
    scene.answers(BUY)
    assert only(scene.quote(6_200), CommandKind.SUBMIT)
    assert scene.engine.books.not_permitted() == {}


def test_an_entry_of_a_void_permission_is_refused_and_says_so() -> None:
    scene = Scene(quotes=True)
    permission(scene, permitted=False)
    scene.answers(BUY)
    decision: RiskDecision = of(scene.quote(6_200), RiskDecision)[0]
    assert (decision.verdict, decision.refusals) == (Verdict.REFUSED, ("permitted",))
    assert "permission to trade" in decision.sentence
    permission(scene, permitted=True)
    scene.answers(BUY)
    assert only(scene.quote(12_400), CommandKind.SUBMIT)


def test_another_strategys_permission_does_not_matter() -> None:
    scene = Scene(quotes=True)
    permission(scene, permitted=False, strategy_id="two")
    scene.answers(BUY)
    assert only(scene.quote(6_200), CommandKind.SUBMIT)


def test_exits_go_on() -> None:
    scene = Scene(quotes=True)
    scene.answers(BUY)
    bought: OrderCommand = only(scene.quote(6_200), CommandKind.SUBMIT)
    scene.say(bought, OrderEventKind.FILLED, filled=5, total=5)
    permission(scene, permitted=False)
    scene.answers(SELL)
    sold: OrderCommand = only(scene.quote(6_400), CommandKind.SUBMIT)
    assert sold.side is Side.SELL


def test_a_working_entry_is_canceled_and_a_working_exit_stays() -> None:
    scene = Scene(quotes=True)
    scene.answers(BUY)
    entry: OrderCommand = only(scene.quote(6_200), CommandKind.SUBMIT)
    scene.say(entry, OrderEventKind.ACCEPTED)
    canceled = commands(permission(scene, permitted=False), CommandKind.CANCEL)
    assert [act.target_id for act in canceled] == [entry.client_order_id]

    scene = Scene(quotes=True)
    scene.answers(BUY)
    scene.say(only(scene.quote(6_200), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=5, total=5)
    scene.answers(SELL)
    exit_order: OrderCommand = only(scene.quote(6_400), CommandKind.SUBMIT)
    scene.say(exit_order, OrderEventKind.ACCEPTED)
    assert commands(permission(scene, permitted=False), CommandKind.CANCEL) == []


def test_a_snapshot_keeps_it_and_the_state_hash_sees_it() -> None:
    scene = Scene(quotes=True)
    open_hash = scene.engine.state_sha256()
    permission(scene, permitted=False)
    again = Engine(scene.plan.spec, Toolchain(Mode.PURE))
    again.restore(scene.engine.snapshot())
    assert again.books.not_permitted() == {"one": "holds paper"}
    assert again.state_sha256() == scene.engine.state_sha256() != open_hash
