"""The trader asks for a proof itself: the whole grid of role, action, scope and mode over its door, and real requests to a real desk."""

import asyncio
import socket
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.authority.test_permissions import FRESH, SECOND, stated
from tests.control.asking import serving
from tests.service.living import Living, setting
from tests.service.people import OWNER, UID, Door, People, password_of
from tidegate.authority.actions import Action, TradingStage
from tidegate.authority.errors import AuthorityError, DeniedError, LoginNeededError
from tidegate.authority.facts import Denied, SecondAwaited, SecondConfirmed
from tidegate.control.client import ControlClient
from tidegate.control.errors import TraderRefusedError
from tidegate.control.frames import HEADER, REPLY_BYTES_MAX, length_of
from tidegate.control.identity_replies import LoginReply, UserReply, WhoamiReply
from tidegate.control.protocol import AnyRequest, Ask, ChangeUser, FirstAdmin, ListUsers, Login, Status, Whoami
from tidegate.control.replies import AskReply, StatusReply
from tidegate.control.reply_roots import Reply
from tidegate.service.admission import Want
from tidegate.service.answering import NotInOrderError
from tidegate.service.sentinel import Kill, read_kills, write_kill
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.enums import GateScope, GateState, RequestVerb, Role
from tidegate.values.errors import ExitCode
from tidegate.values.time import MINUTE_NS

pytestmark = pytest.mark.req("E2", "D2.1")

STAGES = list(TradingStage)
REAL = {"small-live", "live"}


@pytest.fixture(scope="module")
def shared() -> Setting:
    return setting()


# The door alone, over the whole grid.


@pytest.mark.parametrize("stage", STAGES)
def test_the_door_admits_what_is_stated_for_every_role_action_and_scope(stage: TradingStage) -> None:
    door = Door(stage)
    proofs = door.people()  # the last login is just made, the first ones are some half minutes old: all are new enough
    for role, action, scope in product(Role, Action, GateScope):
        confirms = stage.value in REAL and action.value in SECOND and role in {Role.RISK_OFFICER, Role.APPROVER}
        confirms = confirms and stated("risk_officer", action.value, scope.value)
        expected = action is Action.KILL or stated(role.value, action.value, scope.value) or confirms
        assert admitted(door, Want(action, scope, "it"), proofs[role.value]) is expected, (role, action, scope)


def admitted(door: Door, want: Want, proof: str) -> bool:
    before = len(door.facts)
    refusal = refused(door, want, proof)
    facts = door.facts[before:]
    if refusal is None:
        assert facts == []
        return True
    assert refusal.exit_code is ExitCode.REFUSED
    assert str(refusal).endswith(".")
    (fact,) = facts
    assert isinstance(fact, Denied)
    assert (fact.action, fact.scope, fact.why) == (want.action, want.scope, str(refusal))
    return False


def refused(door: Door, want: Want, proof: str) -> AuthorityError | None:
    try:
        person = door.admission.admit(want, proof, UID)
    except AuthorityError as error:
        return error
    assert person.peer == OWNER
    return None


@pytest.mark.parametrize("stage", STAGES)
def test_once_there_are_users_nothing_but_reading_and_a_kill_goes_without_a_login(stage: TradingStage) -> None:
    door = Door(stage)
    door.first()
    for action, scope, proof in product(Action, GateScope, ("", "tgp_made_up")):
        assert admitted(door, Want(action, scope), proof) is (action in {Action.READ, Action.KILL})


@pytest.mark.parametrize("stage", STAGES)
def test_one_person_without_users_acts_as_operator_and_resumes_only_where_no_real_money_is(stage: TradingStage) -> None:
    door = Door(stage)
    for action, scope in product(Action, GateScope):
        operator = stated("operator", action.value, scope.value) or action.value in {"resume", "enable", "approve", "promote_config"}
        expected = action.value in {"read", "kill", "pause", "cancel"} if stage.value in REAL else operator
        nobodys = action.value in {"disable", "enable"} and scope is not GateScope.SYMBOL
        nobodys = nobodys or (action.value in {"stage_config", "promote_config"} and scope not in {GateScope.GLOBAL, GateScope.STRATEGY})
        assert admitted(door, Want(action, scope), "") is (expected and not nobodys), (action, scope)
    named = OWNER in door.admission.rule()
    assert named is (stage.value not in REAL)


@pytest.mark.parametrize("stage", STAGES)
def test_an_older_login_is_not_enough_where_a_new_one_is_stated(stage: TradingStage) -> None:
    door = Door(stage)
    proofs = door.people()
    door.clock.advance(6 * MINUTE_NS)
    for role, action in product(Role, Action):
        if not stated(role.value, action.value, "global"):
            continue
        refusal = refused(door, Want(action), proofs[role.value])
        if stage.value not in REAL or action.value not in FRESH:
            assert refusal is None, (role, action)
            continue
        assert isinstance(refusal, LoginNeededError), (role, action)
        assert "must not be older than 5 minutes; run `tidegate login " in str(refusal)


@given(st.text(max_size=300), st.sampled_from(GateScope))
def test_a_kill_passes_whatever_is_put_for_a_proof(proof: str, scope: GateScope) -> None:
    door = DOOR_WITH_USERS
    assert door.admission.admit(Want(Action.KILL, scope, "x"), proof, UID).name == OWNER


DOOR_WITH_USERS = Door(TradingStage.LIVE)
DOOR_WITH_USERS.first()


# Two persons.


@pytest.fixture
def two() -> tuple[Door, dict[str, str]]:
    door = Door(TradingStage.LIVE)
    admin = door.first()
    for name, role in (("ann", Role.RISK_OFFICER), ("bob", Role.RISK_OFFICER), ("cat", Role.APPROVER), ("dan", Role.OPERATOR)):
        door.add(admin, name, role)
    return door, {"root": admin, **{name: door.login(name) for name in ("ann", "bob", "cat", "dan")}}


RESUME = Want(Action.RESUME, GateScope.SYMBOL, "AAA")


def settle(door: Door, proof: str, words: str = "all is well", want: Want = RESUME) -> str | None:
    return door.admission.settled(want, words, door.admission.admit(want, proof, UID))


@pytest.mark.parametrize("second", ["bob", "cat"])
def test_another_person_with_the_right_role_confirms_once(two: tuple[Door, dict[str, str]], second: str) -> None:
    door, proofs = two
    assert settle(door, proofs["ann"]) is None
    assert door.admission.line().waiting == ("ann asked to resume symbol AAA: all is well",)
    assert settle(door, proofs[second]) == f"ann, confirmed by {second}"
    assert door.admission.line().waiting == ()
    assert settle(door, proofs["ann"]) is None, "it was used"
    kinds = [type(fact) for fact in door.facts if isinstance(fact, SecondAwaited | SecondConfirmed)]
    assert kinds == [SecondAwaited, SecondConfirmed, SecondAwaited]


def test_nobody_confirms_himself_not_with_another_login_either(two: tuple[Door, dict[str, str]]) -> None:
    door, proofs = two
    assert settle(door, proofs["ann"]) is None
    assert settle(door, proofs["ann"]) is None
    assert settle(door, door.login("ann")) is None


def test_an_approver_only_confirms_and_an_operator_not_even_that(two: tuple[Door, dict[str, str]]) -> None:
    door, proofs = two
    with pytest.raises(DeniedError, match=r"^Nobody has asked to resume symbol AAA so; an approver confirms only what a risk officer has"):
        settle(door, proofs["cat"])
    assert settle(door, proofs["ann"]) is None
    for name in ("dan", "root"):
        with pytest.raises(DeniedError, match="Only a risk officer may resume symbol AAA"):
            settle(door, proofs[name])


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ("all is well!", RESUME),
        ("all is well", RESUME._replace(key="BBB")),
        ("all is well", RESUME._replace(scope=GateScope.STRATEGY)),
        ("all is well", RESUME._replace(action=Action.ENABLE)),
    ],
)
def test_what_differs_confirms_nothing(two: tuple[Door, dict[str, str]], words: str, want: Want) -> None:
    door, proofs = two
    assert settle(door, proofs["ann"]) is None
    assert settle(door, proofs["bob"], words, want) is None


def test_a_request_that_has_waited_too_long_is_confirmed_by_nobody(two: tuple[Door, dict[str, str]]) -> None:
    door, _ = two
    assert settle(door, door.login("ann")) is None
    door.clock.advance(15 * MINUTE_NS)
    assert settle(door, door.login("bob")) is None


def test_a_first_person_who_may_no_longer_ask_is_confirmed_by_nobody(two: tuple[Door, dict[str, str]]) -> None:
    door, proofs = two
    assert settle(door, proofs["ann"]) is None
    door.ask(ChangeUser(proof=proofs["root"], name="ann", role=Role.OPERATOR))
    assert settle(door, proofs["bob"]) is None
    door.ask(ChangeUser(proof=proofs["root"], name="bob", disabled=True))
    with pytest.raises(DeniedError):
        settle(door, proofs["cat"])


def test_nobody_decides_on_what_he_has_asked_for(two: tuple[Door, dict[str, str]]) -> None:
    door, proofs = two
    want = Want(Action.APPROVE, GateScope.SYMBOL, "AAA")
    cat = door.admission.admit(want, proofs["cat"], UID)
    with pytest.raises(DeniedError, match="cat has asked for this himself; another person decides on it"):
        door.admission.check_other(want, "cat", cat)
    assert isinstance(door.facts[-1], Denied)
    door.admission.check_other(want, "strategy:breakout", cat)


# Requests to a desk that trades.


def asked(living: Living, request: AnyRequest) -> Reply:
    return asyncio.run(living.answering.answer(request, UID))


def wish(verb: RequestVerb, proof: str = "", number: int = 0, reason: str = "a drill") -> Ask:
    return Ask(request_id=f"r-{verb}-{proof[-6:]}-{number}", verb=verb, scope=GateScope.GLOBAL, reason=reason, proof=proof)


def ask(living: Living, request: Ask) -> AskReply:
    reply = asked(living, request)
    assert isinstance(reply, AskReply)
    return reply


def test_with_real_money_a_resume_waits_for_the_second_person_and_leaves_the_kill_file_until_then(shared: Setting, tmp_path: Path) -> None:
    living = Living(shared, tmp_path / "home", mode=TradingStage.LIVE)
    living.until_busy()
    people = living.people
    admin = people.first()
    for name in ("ann", "bob"):
        people.add(admin, name, Role.RISK_OFFICER)
    write_kill(living.home, Kill(request_id="k", scope=GateScope.GLOBAL, key="", actor="ann", reason="", at_ns=1))
    assert ask(living, replace(wish(RequestVerb.KILL), request_id="k")).requester == OWNER
    living.pass_s(3)
    first = ask(living, wish(RequestVerb.RESUME, people.login("ann"), reason="fed again"))
    assert first.awaits_second
    living.pass_s(1)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED
    assert read_kills(living.home) != ()
    status = asked(living, Status())
    assert isinstance(status, StatusReply)
    assert status.access.waiting == ("ann asked to resume: fed again",)
    second = ask(living, wish(RequestVerb.RESUME, people.login("bob"), reason="fed again"))
    assert not second.awaits_second
    assert second.requester == "ann, confirmed by bob"
    living.pass_s(1)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE
    assert read_kills(living.home) == ()
    again = ask(living, replace(wish(RequestVerb.RESUME, people.login("bob"), reason="fed again"), request_id=second.request_id))
    assert again.repeated
    assert not again.awaits_second


@pytest.mark.parametrize("verb", [RequestVerb.KILL, RequestVerb.PAUSE, RequestVerb.FLATTEN])
def test_what_is_closed_while_a_resume_waits_is_not_opened_by_it(shared: Setting, tmp_path: Path, verb: RequestVerb) -> None:
    living = Living(shared, tmp_path / "home", mode=TradingStage.LIVE)
    people = living.people
    admin = people.first()
    for name in ("ann", "bob"):
        people.add(admin, name, Role.RISK_OFFICER)
    ask(living, wish(RequestVerb.KILL))
    living.pass_s(3)
    assert ask(living, wish(RequestVerb.RESUME, people.login("ann"))).awaits_second
    ask(living, replace(wish(verb, people.login("ann"), 2), scope=GateScope.SYMBOL, key="AAA"))
    living.pass_s(3)
    assert ask(living, wish(RequestVerb.RESUME, people.login("bob"))).awaits_second
    living.pass_s(1)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED


def test_a_kill_in_the_very_moment_of_a_resume_wins(shared: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    living = Living(shared, tmp_path / "home")
    ask(living, wish(RequestVerb.KILL))
    living.pass_s(3)

    async def scene() -> None:
        clear, began = asyncio.Event(), asyncio.Event()

        async def slow(*_: object, **__: object) -> int:
            began.set()
            await clear.wait()
            return 0

        with monkeypatch.context() as patched:
            patched.setattr("tidegate.service.answering.asyncio.to_thread", slow)
            resume = asyncio.create_task(living.answering.answer(wish(RequestVerb.RESUME), UID))
            await began.wait()
            await living.answering.answer(wish(RequestVerb.KILL, "", 2), UID)
            clear.set()
            with pytest.raises(NotInOrderError, match="something was closed in this very moment"):
                await resume

    asyncio.run(scene())
    living.pass_s(1)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED
    ask(living, wish(RequestVerb.RESUME, "", 3))
    living.pass_s(1)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE


def test_who_asked_stands_in_the_gate_and_a_kill_needs_no_login(shared: Setting, tmp_path: Path) -> None:
    living = Living(shared, tmp_path / "home")
    living.until_busy()
    proofs = living.people.people()
    working = len(living.desk.engine.books.working_orders())
    for role, proof in (("", ""), ("viewer", proofs["viewer"]), ("agent", proofs["agent"]), ("approver", proofs["approver"])):
        with pytest.raises(AuthorityError, match=r"^Only an operator, a risk officer or an admin may pause"):
            ask(living, wish(RequestVerb.PAUSE, proof))
        assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE, role
    assert len(living.desk.engine.books.working_orders()) == working
    ask(living, wish(RequestVerb.PAUSE, proofs["operator"]))
    living.pass_s(1)
    (gate,) = living.desk.engine.books.closed_gates()
    assert "a-operator" in str(gate)
    with pytest.raises(DeniedError, match="Only a risk officer may resume; a-operator is an operator"):
        ask(living, wish(RequestVerb.RESUME, proofs["operator"]))
    assert ask(living, wish(RequestVerb.KILL, proofs["agent"])).requester == "a-agent"
    assert ask(living, wish(RequestVerb.KILL, "tgp_made_up", 2)).requester == OWNER
    assert ask(living, wish(RequestVerb.KILL, "", 3)).requester == OWNER
    living.pass_s(3)
    ask(living, wish(RequestVerb.RESUME, proofs["risk_officer"]))
    living.pass_s(1)
    assert living.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE


# Over the socket.


def test_a_login_over_the_socket_opens_what_its_role_may_and_nothing_secret_comes_back(shared: Setting, tmp_path: Path) -> None:
    living = Living(shared, tmp_path / "home")
    people = living.people
    with serving(living.home, living.answering):
        client = ControlClient(living.home.socket)
        assert client.ask(Whoami(), WhoamiReply).role is None
        token = living.identity.first_token()
        assert token is not None
        made = client.ask(FirstAdmin(token=token, name="ann", password=password_of("ann")), UserReply)
        people.secrets["ann"] = made.secret
        with pytest.raises(TraderRefusedError, match="Name, password or code is wrong") as refused:
            client.ask(replace(people.login_request("ann"), code="000000"), LoginReply)
        assert refused.value.exit_code is ExitCode.REFUSED
        people.pass_s(30)
        reply = client.ask(people.login_request("ann"), LoginReply)
        assert client.ask(Whoami(proof=reply.proof), WhoamiReply).role is Role.ADMIN
        assert client.ask(wish(RequestVerb.PAUSE, reply.proof), AskReply).requester == "ann"
        with pytest.raises(TraderRefusedError, match="Only a risk officer may resume; ann is an admin"):
            client.ask(wish(RequestVerb.RESUME, reply.proof), AskReply)


CANARY = "c4n4ry+sings=in/the mine"


def test_no_password_token_or_proof_is_in_any_answer_error_fact_or_print(
    shared: Setting, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    living = Living(shared, tmp_path / "home")
    people: People = living.people
    admin = people.first()
    requests: tuple[AnyRequest, ...] = (
        Login(name="root", password=CANARY, code=CANARY),
        FirstAdmin(token=CANARY, name="eve", password=CANARY),
        FirstAdmin(token=CANARY, name="eve", password=CANARY * 20),
        ChangeUser(proof=CANARY, name="root", password=CANARY),
        ChangeUser(proof=admin, name="root", password=CANARY[:3]),
        ChangeUser(proof=admin, name="root", password=CANARY),
        ListUsers(proof=CANARY),
        wish(RequestVerb.PAUSE, CANARY),
        replace(wish(RequestVerb.KILL), proof=CANARY),
        Whoami(proof=CANARY),
    )
    mistyped = Login(name=CANARY, password=CANARY, code=CANARY)  # a password in the place of the name
    seen = [repr(requests), *(f"{request}{request!s}" for request in requests)]
    with serving(living.home, living.answering):
        seen += [raw(living, request) for request in (*requests, mistyped)]
        seen += [raw_bytes(living, b'{"ask":"login","name":"x","password":' + part) for part in (b'"%s"' % CANARY.encode(), b"1}")]
        seen.append(raw_bytes(living, b'{"ask":"login","name":"x","code":"1","password":"' + CANARY.encode() * 99 + b'"}'))
    seen += [
        repr(living.facts),
        repr(vars(living.admission)),
        repr(living.admission.book.users),
        repr(vars(living.identity)),
        *capfd.readouterr(),
    ]
    assert [text for text in seen if CANARY in text or admin in text] == []
    hashes = [user.password_hash for user in living.admission.book.users.values()]
    secrets = [user.totp_secret for user in living.admission.book.users.values()]
    assert [text for text in seen for secret in (*hashes, *secrets) if secret in text] == []


def raw(living: Living, request: AnyRequest) -> str:
    """The bytes that come back."""
    from tidegate.control.protocol import encode

    return raw_bytes(living, encode(request))


def raw_bytes(living: Living, body: bytes) -> str:
    with socket.socket(socket.AF_UNIX) as trader:
        trader.settimeout(20)
        trader.connect(str(living.home.socket))
        trader.sendall(HEADER.pack(len(body)) + body)
        header = trader.recv(HEADER.size, socket.MSG_WAITALL)
        return trader.recv(length_of(header, REPLY_BYTES_MAX), socket.MSG_WAITALL).decode()
