"""Versions while no trader runs: a ledger with users asks for a login and a role, and all that changes something is in the audit chain."""

from pathlib import Path

import msgspec
import pytest

from tests.service.people import START_NS, Door, password_of
from tests.service.test_promoting import BASE, LOOSER, measured
from tidegate.authority.errors import AuthorityError, DeniedError, LoginFailedError, LoginNeededError
from tidegate.clock.clock import ManualClock
from tidegate.config.stages import Stage
from tidegate.control.home import Home
from tidegate.control.protocol import AddVersion, ListVersions, Login, MoveVersion, VersionVerb
from tidegate.control.version_replies import VersionReply, VersionsReply
from tidegate.journal.audit.record import AuditType
from tidegate.service.beside import ask_ledger
from tidegate.service.ledger.rows import Batch, LeaseClaim
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.promoting import PromotionRefusedError
from tidegate.service.version_verbs import VersionRequest
from tidegate.values.enums import Role
from tidegate.values.time import MINUTE_NS, SECOND_NS

pytestmark = pytest.mark.req("E2", "D2.2")

ACCOUNT = "drill"
NAMES = {"olga": Role.RISK_OFFICER, "otto": Role.RISK_OFFICER, "cat": Role.APPROVER, "dan": Role.OPERATOR}
PROMOTE = MoveVersion(version=BASE.sha256, verb=VersionVerb.PROMOTE, stage="paper", measured=measured(BASE, Stage.PAPER))


class Stopped:
    """A home whose trader has ended, with the users that were made at its door."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.make()
        self.door = Door()
        admin = self.door.first()
        for name, role in NAMES.items():
            self.door.add(admin, name, role)
        self.clock = ManualClock(self.door.clock.now_ns())
        store = SqlLedger(self.home.ledger)
        lease = store.take_lease(LeaseClaim(account=ACCOUNT, holder="me", now_ns=START_NS, ttl_ns=SECOND_NS))
        store.write(Batch(account=ACCOUNT, epoch=lease.epoch, users=tuple(self.door.ledger.users(ACCOUNT))))
        store.release(lease)
        store.close()

    def login(self, name: str) -> Login:
        self.clock.advance(MINUTE_NS)
        self.door.clock.advance(self.clock.now_ns() - self.door.clock.now_ns())
        return Login(name=name, password=password_of(name), code=self.door.code(name))

    def ask(self, request: VersionRequest, name: str = "", login: Login | None = None) -> VersionReply | VersionsReply:
        asked = login or (self.login(name) if name else None)
        return ask_ledger(self.home, "", ACCOUNT, request, "owner", self.clock, login=asked)

    def audit(self) -> list[tuple[str, str, str]]:
        store = SqlLedger(self.home.ledger)
        try:
            return [(one.type, one.actor, one.subject) for one in store.audit(ACCOUNT)]
        finally:
            store.close()


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    return Stopped(tmp_path / "home")


def test_a_ledger_with_users_lets_nobody_change_versions_without_a_login(stopped: Stopped) -> None:
    stopped.ask(AddVersion(version=BASE), "dan")
    rollback = MoveVersion(version=BASE.sha256, verb=VersionVerb.ROLLBACK)
    for request in (AddVersion(version=LOOSER), PROMOTE, rollback):
        with pytest.raises(LoginNeededError, match=r"--user NAME\.$"):
            stopped.ask(request)
    listed = stopped.ask(ListVersions())
    assert isinstance(listed, VersionsReply)
    assert [(line.sha256, line.stage, line.actor) for line in listed.versions] == [(BASE.sha256, "shadow", "dan")]


@pytest.mark.parametrize(("name", "verb"), [("dan", VersionVerb.PROMOTE), ("cat", VersionVerb.PROMOTE), ("cat", VersionVerb.ROLLBACK)])
def test_the_roles_are_those_that_a_trader_asks_for(stopped: Stopped, name: str, verb: VersionVerb) -> None:
    stopped.ask(AddVersion(version=BASE), "olga")
    with pytest.raises(DeniedError, match=r"^Only a risk officer may promote config"):
        stopped.ask(msgspec.structs.replace(PROMOTE, verb=verb), name)
    with pytest.raises(DeniedError, match=r"^Only an operator or a risk officer may stage config"):
        stopped.ask(AddVersion(version=LOOSER), "cat")


def test_two_users_promote_to_real_money_and_a_code_is_good_once(stopped: Stopped) -> None:
    login = stopped.login("olga")
    stopped.ask(AddVersion(version=BASE), login=login)
    with pytest.raises(LoginFailedError):
        stopped.ask(PROMOTE, login=login)
    stopped.ask(PROMOTE, "olga")
    figures = measured(BASE, Stage.SMALL_LIVE)
    further = msgspec.structs.replace(PROMOTE, stage="small_live", measured=figures)
    approval = msgspec.structs.replace(further, verb=VersionVerb.APPROVE)
    stopped.ask(further, "olga")
    with pytest.raises(PromotionRefusedError, match="somebody else must approve"):
        stopped.ask(approval, "olga")
    reply = stopped.ask(approval, "cat")
    assert isinstance(reply, VersionReply)
    assert reply.stage == "small_live"
    store = SqlLedger(stopped.home.ledger)
    last = store.stages(ACCOUNT)[-1]
    store.close()
    assert (last.actor, last.approver) == ("olga", "cat")


def test_a_wrong_password_moves_nothing_and_is_recorded(stopped: Stopped) -> None:
    stopped.ask(AddVersion(version=BASE), "olga")
    with pytest.raises(AuthorityError):
        stopped.ask(PROMOTE, login=msgspec.structs.replace(stopped.login("olga"), password="a wrong long password"))
    stopped.ask(PROMOTE, "olga")
    assert [one for one in stopped.audit() if one[0] == AuditType.CONFIG_CHANGED] == [
        (AuditType.CONFIG_CHANGED, "olga", BASE.sha256),
        (AuditType.CONFIG_CHANGED, "olga", BASE.sha256),
    ]
    assert [kind for kind, _, _ in stopped.audit()].count(AuditType.LOGIN) == 3


def test_without_users_the_home_is_enough_and_it_is_recorded(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    clock = ManualClock(START_NS)
    ask_ledger(home, "", ACCOUNT, AddVersion(version=BASE), "owner", clock)
    ask_ledger(home, "", ACCOUNT, PROMOTE, "owner", clock)
    store = SqlLedger(home.ledger)
    records = store.audit(ACCOUNT)
    store.close()
    assert [(one.type, one.actor) for one in records] == [(AuditType.CONFIG_CHANGED, "owner")] * 2
