"""Logins: what opens, what never does, and that nobody learns anything from being refused."""

import asyncio
import time
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from tests.service.people import ACCOUNT, OWNER, QUICK, STEP_S, UID, Door, password_of
from tidegate.authority.errors import (
    AuthorityError,
    BadTokenError,
    BadUserError,
    DeniedError,
    DoorBusyError,
    LoginFailedError,
    LoginNeededError,
    TooManyFailedError,
)
from tidegate.authority.facts import LoggedIn, LoggedOut, LoginFailed, UserChanged
from tidegate.authority.passwords import Passwords
from tidegate.control.identity_replies import LoginReply, LogoutReply, UserReply, UsersReply, WhoamiReply
from tidegate.control.protocol import AddUser, ChangeUser, FirstAdmin, ListUsers, Login, Logout, Whoami
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.logins import WAITING_MAX, Hashing, Logins
from tidegate.values.enums import Role
from tidegate.values.errors import ExitCode
from tidegate.values.time import HOUR_NS, MINUTE_NS

pytestmark = pytest.mark.req("E2")


@pytest.fixture
def door() -> Door:
    made = Door()
    made.first()
    return made


def who(door: Door, proof: str) -> tuple[str, Role | None]:
    reply = door.ask(Whoami(proof=proof))
    assert isinstance(reply, WhoamiReply)
    return reply.name, reply.role


# In.


def test_the_first_admin_comes_in_by_the_token_once(door: Door) -> None:
    fresh = Door()
    token = fresh.identity.first_token()
    assert token is not None
    request = FirstAdmin(token=token, name="ann", password=password_of("ann"))
    for wrong in (replace(request, token=token[:-1] + "x"), replace(request, token="")):
        with pytest.raises(BadTokenError):
            fresh.ask(wrong)
    for bad in (replace(request, name="Ann"), replace(request, password="short")):  # the token is still good after these
        with pytest.raises(BadUserError):
            fresh.ask(bad)
    made = fresh.enroll(request)
    assert (made.user.name, made.user.role, made.user.has_logged_in) == ("ann", Role.ADMIN, False)
    with pytest.raises(BadTokenError):
        fresh.ask(request)
    assert who(fresh, fresh.login("ann")) == ("ann", Role.ADMIN)
    assert fresh.identity.first_token() is None
    assert door.identity.first_token() is None


def test_an_admin_whose_second_factor_was_lost_on_the_way_is_made_anew_at_the_next_start() -> None:
    door = Door()
    for name in ("lost", "ann"):
        token = door.identity.first_token()
        assert token is not None
        door.enroll(FirstAdmin(token=token, name=name, password=password_of(name)))
    assert {user.name: user.disabled for user in door.ledger.users(ACCOUNT)} == {"lost": True, "ann": False}
    with pytest.raises(LoginFailedError):
        door.login("lost")
    door.login("ann")
    assert Door(ledger=door.ledger).identity.first_token() is None


def test_a_token_is_worth_nothing_once_an_admin_has_logged_in() -> None:
    door = Door()
    first, second = door.identity.first_token(), door.identity.first_token()
    assert first is not None
    assert second is not None
    with pytest.raises(BadTokenError):
        door.ask(FirstAdmin(token=first, name="eve", password=password_of("eve")))
    door.enroll(FirstAdmin(token=second, name="ann", password=password_of("ann")))
    late = door.identity.first_token()
    assert late is not None
    door.login("ann")
    with pytest.raises(BadTokenError):
        door.ask(FirstAdmin(token=late, name="eve", password=password_of("eve")))
    assert [user.name for user in door.ledger.users(ACCOUNT)] == ["ann"]


def test_the_used_code_is_on_the_disk_before_anybody_is_let_in(door: Door) -> None:
    before = door.ledger.users(ACCOUNT)[0].last_step
    proof = door.login("root")
    assert door.ledger.users(ACCOUNT)[0].last_step > before
    assert who(door, proof) == ("root", Role.ADMIN)


def test_a_ledger_that_takes_nothing_lets_nobody_in_and_the_code_is_used_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(_users: object) -> None:
        raise LedgerUnavailableError("The ledger is gone; look at its disk.")

    door.pass_s(STEP_S)
    request = door.login_request("root")
    with monkeypatch.context() as patched:
        patched.setattr(door.book, "_write", gone)
        with pytest.raises(LedgerUnavailableError):
            door.ask(request)
    assert sum(isinstance(fact, LoggedIn) for fact in door.facts) == 1
    with pytest.raises(LoginFailedError):
        door.ask(request)


def test_a_code_opens_once_also_after_a_restart_and_for_two_at_the_same_moment(door: Door) -> None:
    door.pass_s(STEP_S)
    request = door.login_request("root")

    async def both() -> list[object]:
        return await asyncio.gather(*(door.identity.answer(request, UID) for _ in range(2)), return_exceptions=True)

    kinds = sorted(type(answer).__name__ for answer in asyncio.run(both()))
    assert kinds == ["LoginFailedError", "LoginReply"]
    again = Door(ledger=door.ledger)
    again.secrets.update(door.secrets)
    again.pass_s(door.clock.monotonic_ns() / 1e9)
    with pytest.raises(LoginFailedError):
        again.ask(request)
    assert again.login("root")


def test_a_restart_ends_every_login_and_keeps_every_user(door: Door) -> None:
    proof = door.login("root")
    again = Door(ledger=door.ledger)
    assert who(again, proof) == (OWNER, None)
    with pytest.raises(LoginNeededError):
        again.ask(ListUsers(proof=proof))


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_login(door: Door) -> None:
    newer = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    logins = Logins(door.admission, Hashing(newer), lambda count: b"x" * count)
    before = door.ledger.users(ACCOUNT)[0]
    door.pass_s(STEP_S)
    reply = asyncio.run(logins.login(door.login_request("root"), OWNER))
    after = door.ledger.users(ACCOUNT)[0]
    assert after.password_hash != before.password_hash
    assert not newer.outdated(after.password_hash)
    assert newer.matches(after.password_hash, password_of("root"))
    assert after.changed_ns == before.changed_ns, "other logins of his go on"
    assert who(door, reply.proof) == ("root", Role.ADMIN)


# Not in.


def wrong_ways(door: Door) -> dict[str, Login]:
    right = door.login_request("root")
    return {
        "password": replace(right, password=right.password + "x"),
        "code": replace(right, code=f"{(int(right.code) + 1) % 1_000_000:06}"),
        "both": replace(right, password="x", code="000000x"),
        "unknown name": replace(right, name="nobody"),
        "disabled": replace(right, name="gone"),
    }


def test_every_wrong_login_gives_the_same_sentence_and_the_same_work(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = door.login("root")
    door.add(admin, "gone", Role.VIEWER)
    door.ask(ChangeUser(proof=admin, name="gone", disabled=True))
    hashed: list[str] = []
    verify = PasswordHasher.verify

    def spy(hasher: PasswordHasher, found: str | bytes, password: str | bytes) -> bool:
        hashed.append(str(found)[:20])
        return verify(hasher, found, password)

    monkeypatch.setattr(PasswordHasher, "verify", spy)
    said: set[str] = set()
    for way, request in wrong_ways(door).items():
        door.pass_s(STEP_S)
        door.clock.advance(HOUR_NS)  # failures of before are forgotten
        hashed.clear()
        with pytest.raises(LoginFailedError) as refused:
            door.ask(request)
        said.add(str(refused.value))
        assert len(hashed) == 1, way
        assert hashed[0].startswith("$argon2id$v=19$m=8,t")
        assert refused.value.exit_code is ExitCode.REFUSED
    assert len(said) == 1


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    door = Door()
    door.first()
    real = Hashing(Passwords())
    admitted = Logins(door.admission, real, lambda count: b"x" * count)
    slow = replace(door.book.users["root"], password_hash=real.passwords.hashed(password_of("root")))
    door.book._users["root"] = slow

    def best_s(name: str) -> float:
        taken = []
        for _ in range(3):
            door.clock.advance(HOUR_NS)
            began = time.perf_counter()
            with pytest.raises(LoginFailedError):
                asyncio.run(admitted.login(Login(name=name, password="a wrong password", code="000000"), OWNER))
            taken.append(time.perf_counter() - began)
        return min(taken)

    known, unknown = best_s("root"), best_s("nobody")
    assert 0.4 < known / unknown < 2.5


@pytest.mark.parametrize("name", ["root", "nobody"])
def test_failures_bring_growing_pauses_of_the_same_words_for_known_and_unknown_names(door: Door, name: str) -> None:
    wrong = Login(name=name, password="x", code="x")
    for _ in range(3):
        with pytest.raises(LoginFailedError):
            door.ask(wrong)
    with pytest.raises(TooManyFailedError, match=r"^Logins under this name failed too often; wait 1 s, then try again\.$"):
        door.ask(wrong)
    door.pass_s(1)
    with pytest.raises(LoginFailedError):
        door.ask(wrong)
    with pytest.raises(TooManyFailedError, match="wait 2 s"):
        door.ask(wrong)


def test_a_right_login_during_the_pause_waits_too_and_then_ends_the_counting(door: Door) -> None:
    for _ in range(3):
        with pytest.raises(LoginFailedError):
            door.ask(Login(name="root", password="x", code="x"))
    with pytest.raises(TooManyFailedError):
        door.ask(door.login_request("root"))
    door.login("root")
    for _ in range(3):
        with pytest.raises(LoginFailedError):
            door.ask(Login(name="root", password="x", code="x"))


def test_a_pause_ends_no_login_that_is_there(door: Door) -> None:
    proof = door.login("root")
    for _ in range(3):
        with pytest.raises(LoginFailedError):
            door.ask(Login(name="root", password="x", code="x"))
    assert who(door, proof) == ("root", Role.ADMIN)


def test_only_so_many_passwords_wait_and_the_loop_goes_on_meanwhile(door: Door) -> None:
    hashing = Hashing(Passwords(QUICK))
    turns = 0

    async def scene() -> list[BaseException | None]:
        nonlocal turns

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        counting = asyncio.create_task(count())
        found = await asyncio.gather(*(hashing.run(lambda: time.sleep(0.03)) for _ in range(WAITING_MAX + 4)), return_exceptions=True)
        counting.cancel()
        return found

    found = asyncio.run(scene())
    assert sum(isinstance(one, DoorBusyError) for one in found) == 4
    assert turns > 20, "nothing stood still while passwords were checked"
    assert asyncio.run(hashing.run(lambda: 7)) == 7
    assert door


def test_a_busy_door_counts_nothing_against_anybody(door: Door) -> None:
    door.identity._hashing._waiting = WAITING_MAX
    for _ in range(9):
        with pytest.raises(DoorBusyError):
            door.ask(Login(name="root", password="x", code="x"))
    door.identity._hashing._waiting = 0
    door.login("root")


# Out.


def test_logout_ends_this_login_and_no_other(door: Door) -> None:
    one, other = door.login("root"), door.login("root")
    assert door.ask(Logout(proof=one)) == LogoutReply(ended=True)
    assert door.ask(Logout(proof=one)) == LogoutReply(ended=False)
    assert (who(door, one), who(door, other)) == ((OWNER, None), ("root", Role.ADMIN))
    assert sum(isinstance(fact, LoggedOut) for fact in door.facts) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda admin: ChangeUser(proof=admin, name="bob", role=Role.VIEWER),
        lambda admin: ChangeUser(proof=admin, name="bob", disabled=True),
        lambda admin: ChangeUser(proof=admin, name="bob", password="another long password"),
        lambda admin: ChangeUser(proof=admin, name="bob", new_second_factor=True),
    ],
)
def test_any_change_of_a_user_ends_his_logins(door: Door, change: Callable[[str], ChangeUser]) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.OPERATOR)
    proof = door.login("bob")
    assert who(door, proof) == ("bob", Role.OPERATOR)
    door.ask(change(admin))
    assert who(door, proof) == (OWNER, None)
    assert who(door, admin) == ("root", Role.ADMIN)


def test_a_disabled_user_comes_in_no_more_and_an_enabled_one_does(door: Door) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.OPERATOR)
    old = door.login("bob")
    door.ask(ChangeUser(proof=admin, name="bob", disabled=True))
    with pytest.raises(LoginFailedError):
        door.login("bob")
    door.ask(ChangeUser(proof=admin, name="bob", disabled=False))
    assert who(door, old) == (OWNER, None), "what has ended does not begin again"
    assert who(door, door.login("bob")) == ("bob", Role.OPERATOR)


def test_a_login_ends_when_idle_and_when_old(door: Door) -> None:
    idle, used = door.login("root"), door.login("root")
    seen = []
    for _ in range(12 * 6):
        door.clock.advance(10 * MINUTE_NS)
        seen.append(who(door, used))
    assert who(door, idle) == (OWNER, None)
    assert seen[:-1] == [("root", Role.ADMIN)] * (12 * 6 - 1)
    assert seen[-1] == (OWNER, None), "twelve hours are enough"


def test_a_user_changed_while_his_password_is_checked_does_not_come_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.OPERATOR)
    door.pass_s(STEP_S)
    matches = Passwords.matches

    def slow(passwords: Passwords, found: str | None, password: str) -> bool:
        door.book._users["bob"] = replace(door.book.users["bob"], disabled=True)
        return matches(passwords, found, password)

    monkeypatch.setattr(Passwords, "matches", slow)
    with pytest.raises(LoginFailedError):
        door.ask(door.login_request("bob"))


# Users.


def test_only_an_admin_makes_and_changes_users(door: Door) -> None:
    proofs = {}
    admin = door.login("root")
    for role in Role:
        name = f"a-{role.value}".replace("_", "-")
        door.add(admin, name, role)
        proofs[role] = door.login(name)
    for role, proof in proofs.items():
        requests = (
            AddUser(proof=proof, name=f"new-{role.value[0]}", role=Role.VIEWER, password=password_of("new")),
            ChangeUser(proof=proof, name="a-viewer", password=password_of("again")) if role is not Role.VIEWER else ListUsers(proof=proof),
            ListUsers(proof=proof),
        )
        for request in requests:
            if role is Role.ADMIN:
                door.ask(request)
                continue
            with pytest.raises(DeniedError, match=r"^Only an admin may manage users; a-") as refused:
                door.ask(request)
            assert refused.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize("request_", [AddUser(proof="", name="x", role=Role.ADMIN, password=password_of("x")), ListUsers(proof="made up")])
def test_without_a_login_nothing_of_users_is_told_or_changed(door: Door, request_: AddUser | ListUsers) -> None:
    with pytest.raises(LoginNeededError, match=r"^Only an admin may manage users; run `tidegate login NAME`"):
        door.ask(request_)
    assert len(door.ledger.users(ACCOUNT)) == 1


def test_everybody_changes_his_own_password_right_after_a_login_and_nothing_else(door: Door) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.OPERATOR)
    proof = door.login("bob")
    with pytest.raises(DeniedError, match="Nobody changes his own role"):
        door.ask(ChangeUser(proof=proof, name="bob", role=Role.ADMIN))
    with pytest.raises(DeniedError):
        door.ask(ChangeUser(proof=proof, name="bob", password=password_of("x"), new_second_factor=True))
    with pytest.raises(DeniedError):
        door.ask(ChangeUser(proof=proof, name="bob", disabled=False))
    door.ask(ChangeUser(proof=proof, name="bob", password="quite another password"))
    assert who(door, proof) == (OWNER, None)
    door.pass_s(STEP_S)
    with pytest.raises(LoginFailedError):
        door.ask(door.login_request("bob"))
    door.pass_s(STEP_S)
    reply = door.ask(Login(name="bob", password="quite another password", code=door.code("bob")))
    assert isinstance(reply, LoginReply)
    door.clock.advance(5 * MINUTE_NS + 1)
    with pytest.raises(LoginNeededError, match="must not be older than 5 minutes; run `tidegate login bob`"):
        door.ask(ChangeUser(proof=reply.proof, name="bob", password=password_of("bob")))


def test_an_admin_does_not_raise_himself_and_the_last_one_stays(door: Door) -> None:
    admin = door.login("root")
    with pytest.raises(DeniedError, match="Nobody changes his own role"):
        door.ask(ChangeUser(proof=admin, name="root", role=Role.RISK_OFFICER))
    with pytest.raises(BadUserError, match="root is the last admin"):
        door.ask(ChangeUser(proof=admin, name="root", disabled=True))
    door.add(admin, "ann", Role.ADMIN)
    with pytest.raises(BadUserError, match="root is the last admin"):
        door.ask(ChangeUser(proof=admin, name="root", disabled=True))  # ann has not proved that she can log in
    ann = door.login("ann")
    door.ask(ChangeUser(proof=ann, name="root", role=Role.VIEWER))
    assert door.book.users["root"].role is Role.VIEWER


def test_what_makes_no_sense_is_refused_in_a_sentence(door: Door) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.VIEWER)
    for request, says in (
        (AddUser(proof=admin, name="bob", role=Role.VIEWER, password=password_of("bob")), "There is a user bob already"),
        (AddUser(proof=admin, name="Bob!", role=Role.VIEWER, password=password_of("bob")), "A user's name has"),
        (AddUser(proof=admin, name="carl", role=Role.VIEWER, password="short"), "Choose a password of 12 to 256 letters"),
        (ChangeUser(proof=admin, name="carl", disabled=True), "There is no user carl"),
        (ChangeUser(proof=admin, name="bob"), "Say what is to be changed of bob"),
    ):
        with pytest.raises(BadUserError, match=says) as refused:
            door.ask(request)
        assert refused.value.exit_code is ExitCode.USAGE


def test_users_are_bounded(door: Door) -> None:
    admin = door.login("root")
    bob = replace(door.book.users["root"], role=Role.VIEWER)
    door.book._users.update({f"u{number}": replace(bob, name=f"u{number}") for number in range(255)})
    with pytest.raises(BadUserError, match="256 users already"):
        door.add(admin, "bob", Role.VIEWER)


def test_an_admin_disabled_while_he_asks_changes_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.VIEWER)
    before = dict(door.book.users)
    hashed = Passwords.hashed

    def slow(passwords: Passwords, password: str) -> str:
        door.book._users["root"] = replace(before["root"], disabled=True)
        return hashed(passwords, password)

    monkeypatch.setattr(Passwords, "hashed", slow)
    for request in (
        AddUser(proof=admin, name="eve", role=Role.ADMIN, password=password_of("eve")),
        ChangeUser(proof=admin, name="bob", role=Role.ADMIN, password=password_of("eve")),
    ):
        proof = door.login("root")
        before = dict(door.book.users)
        with pytest.raises(LoginNeededError):
            door.ask(replace(request, proof=proof))
        door.book._users["root"] = before["root"]
        assert dict(door.book.users) == before


def test_a_change_is_finished_though_whoever_asked_has_gone_and_the_next_one_sees_it(door: Door) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.OPERATOR)

    async def scene() -> None:
        door.stuck = asyncio.Event()
        asked = asyncio.create_task(door.identity.answer(ChangeUser(proof=admin, name="bob", disabled=True), UID))
        await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        after = asyncio.create_task(door.identity.answer(ChangeUser(proof=admin, name="bob", role=Role.VIEWER), UID))
        await asyncio.sleep(0.01)
        assert not after.done()
        door.stuck.set()
        reply = await after
        assert isinstance(reply, UserReply)
        assert reply.user.disabled
        assert reply.user.role is Role.VIEWER

    asyncio.run(scene())
    (bob, _root) = door.ledger.users(ACCOUNT)
    assert bob.disabled
    assert bob.role is Role.VIEWER


def test_users_are_listed_with_nothing_secret(door: Door) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.AGENT)
    reply = door.ask(ListUsers(proof=admin))
    assert isinstance(reply, UsersReply)
    assert [(line.name, line.role, line.has_logged_in, line.disabled) for line in reply.users] == [
        ("bob", Role.AGENT, False, False),
        ("root", Role.ADMIN, True, False),
    ]


def test_each_step_is_told_once_for_the_audit_and_without_secrets(door: Door) -> None:
    admin = door.login("root")
    door.add(admin, "bob", Role.OPERATOR)
    with pytest.raises(AuthorityError):
        door.ask(Login(name="bob", password="my-password-slipped", code="1"))
    with pytest.raises(AuthorityError):
        door.ask(Login(name="my-password-slipped", password="x", code="1"))
    told = [fact for fact in door.facts if not isinstance(fact, LoggedIn)]
    assert [type(fact) for fact in told] == [UserChanged, UserChanged, LoginFailed, LoginFailed]
    assert [(fact.by, fact.name, fact.what) for fact in told if isinstance(fact, UserChanged)] == [
        ("root", "root", ("made",)),
        ("root", "bob", ("made",)),
    ]
    assert [fact.name for fact in told if isinstance(fact, LoginFailed)] == ["bob", ""]
    assert all(fact.peer == OWNER for fact in door.facts)
    assert "slipped" not in repr(door.facts)
