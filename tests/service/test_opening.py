"""What opens something is held to the table and to what was closed last: versions that move, kills that nobody has met yet."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.service.living import Living, setting
from tests.service.people import OWNER, UID
from tidegate.authority.actions import TradingStage
from tidegate.authority.errors import DeniedError, LoginNeededError
from tidegate.control.protocol import Ask, MoveVersion, VersionVerb
from tidegate.control.version_replies import VersionReply
from tidegate.service.sentinel import Kill, KillWatch, read_kills, write_kill
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.enums import GateScope, GateState, RequestVerb, Role


@pytest.fixture(scope="module")
def shared() -> Setting:
    return setting()


@pytest.mark.req("E2", "D2.2")
@pytest.mark.parametrize("mode", [TradingStage.PAPER, TradingStage.LIVE])
def test_who_may_only_confirm_neither_asks_for_a_promotion_nor_rolls_back(shared: Setting, tmp_path: Path, mode: TradingStage) -> None:
    living = Living(shared, tmp_path / "home", mode=mode)
    done: list[tuple[str, VersionVerb]] = []

    async def answer(request: MoveVersion, person: str, *, to_paper_only: bool) -> VersionReply:
        assert not to_paper_only
        done.append((person, request.verb))
        return VersionReply(sha256="v", stage="live", lines=())

    living.around.versions = SimpleNamespace(answer=answer)  # type: ignore[assignment]  # what a version is does not matter here
    admin = living.people.first()
    for name, role in (("ann", Role.RISK_OFFICER), ("cat", Role.APPROVER), ("dan", Role.OPERATOR)):
        living.people.add(admin, name, role)
    for name in ("ann", "cat", "dan"):
        proof = living.people.login(name)
        for verb in VersionVerb:
            request = MoveVersion(version="v", verb=verb, proof=proof)
            may = name == "ann" or (name == "cat" and mode is TradingStage.LIVE and verb is VersionVerb.APPROVE)
            if may:
                asyncio.run(living.answering.answer(request, UID))
                assert done[-1] == (name, verb)
                continue
            with pytest.raises(DeniedError, match=r"^Only a risk officer may promote config"):
                asyncio.run(living.answering.answer(request, UID))
    assert {name for name, _ in done} == ({"ann", "cat"} if mode is TradingStage.LIVE else {"ann"})


@pytest.mark.req("E2", "D2.2")
@pytest.mark.parametrize("mode", [TradingStage.PAPER, TradingStage.LIVE])
def test_without_users_the_owner_promotes_where_no_real_money_is_and_is_named_so(
    shared: Setting, tmp_path: Path, mode: TradingStage
) -> None:
    living = Living(shared, tmp_path / "home", mode=mode)
    done: list[tuple[str, bool]] = []

    async def answer(_request: MoveVersion, person: str, *, to_paper_only: bool) -> VersionReply:
        done.append((person, to_paper_only))
        return VersionReply(sha256="v", stage="paper", lines=())

    living.around.versions = SimpleNamespace(answer=answer)  # type: ignore[assignment]
    asked = living.answering.answer(MoveVersion(version="v", verb=VersionVerb.PROMOTE), UID)
    if mode is TradingStage.PAPER:
        asyncio.run(asked)
        assert done == [(f"{OWNER}, without users", True)]
        return
    with pytest.raises(LoginNeededError, match="this trader has no user yet"):
        asyncio.run(asked)
    assert not done


@pytest.mark.req("B3.6")
def test_a_resume_leaves_a_kill_that_came_since_the_loop_last_looked(shared: Setting, tmp_path: Path) -> None:
    living = Living(shared, tmp_path / "home")
    watch = KillWatch(living.home)
    living.around.kill_seen = watch.has_seen
    write_kill(living.home, kill("k1"))
    heed(living, watch)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED
    write_kill(living.home, kill("k2"))
    resume = Ask(request_id="r1", verb=RequestVerb.RESUME, scope=GateScope.GLOBAL, reason="the first one is over")
    asyncio.run(living.answering.answer(resume, UID))
    assert [found.request_id for found in read_kills(living.home)] == ["k2"]
    heed(living, watch)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED


def heed(living: Living, watch: KillWatch) -> None:
    """What the trader's loop does in each turn."""
    for found in watch.poll():
        assert living.desk.request(found.request())
    living.pass_s(3)


def kill(name: str) -> Kill:
    return Kill(request_id=name, scope=GateScope.GLOBAL, key="", actor="ann", reason="", at_ns=1)
