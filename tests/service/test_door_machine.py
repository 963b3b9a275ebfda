"""Whatever people do at the door in whatever order, restarts included, it sees them as the plainest book-keeping does."""

from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from tests.service.people import ACCOUNT, OWNER, STEP_S, Door
from tidegate.authority.errors import BadUserError, LoginFailedError, TooManyFailedError
from tidegate.authority.second_factor import step_of
from tidegate.control.identity_replies import LoginReply, UserReply, WhoamiReply
from tidegate.control.protocol import AddUser, ChangeUser, Login, Logout, Whoami
from tidegate.values.enums import Role
from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

pytestmark = pytest.mark.req("E2")

NAMES = st.sampled_from(["ann", "bob"])
OTHERS = st.sampled_from([role for role in Role if role is not Role.ADMIN])


class Held(NamedTuple):
    """A proof that was given out."""

    name: str
    begun_ns: int
    used_ns: int
    version: int


class DoorMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.door = Door()
        self.roles: dict[str, Role] = {}
        self.disabled: set[str] = set()
        self.passwords: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.last_steps: dict[str, int] = {}
        self.held: dict[str, Held] = {}
        self.door.first()

    @property
    def now_ns(self) -> int:
        return self.door.clock.monotonic_ns()

    def admin(self) -> str:
        """A proof of the admin's that nobody else has and the twin does not follow."""
        return self.door.login("root")

    @rule(name=NAMES, role=OTHERS)
    def add(self, name: str, role: Role) -> None:
        request = AddUser(proof=self.admin(), name=name, role=role, password=f"the first word of {name}")
        if name in self.roles:
            with pytest.raises(BadUserError):
                self.door.ask(request)
            return
        self.door.enroll(request)
        self.roles[name], self.passwords[name], self.versions[name], self.last_steps[name] = role, request.password, 0, 0

    @rule(
        name=NAMES,
        role=st.none() | OTHERS,
        disabled=st.none() | st.booleans(),
        anew=st.sampled_from(["", "another word of mine"]),
        factor=st.booleans(),
    )
    def change(self, *, name: str, role: Role | None, disabled: bool | None, anew: str, factor: bool) -> None:
        request = ChangeUser(proof=self.admin(), name=name, role=role, disabled=disabled, password=anew, new_second_factor=factor)
        if name not in self.roles or (role is None and disabled is None and not anew and not factor):
            with pytest.raises(BadUserError):
                self.door.ask(request)
            return
        reply = self.door.ask(request)
        assert isinstance(reply, UserReply)
        assert bool(reply.secret) is factor
        if factor:
            self.door.secrets[name] = reply.secret
        self.roles[name] = role or self.roles[name]
        self.passwords[name] = anew or self.passwords[name]
        self.versions[name] += 1
        if disabled is not None:
            self.disabled = self.disabled | {name} if disabled else self.disabled - {name}

    @rule(name=NAMES, wait=st.booleans(), spoilt=st.sampled_from(["", "", "", "password", "code"]))
    def log_in(self, *, name: str, wait: bool, spoilt: str) -> None:
        if wait:
            self.door.pass_s(STEP_S)
        step = step_of(self.door.clock.now_ns())
        code = self.door.code(name) if name in self.roles else "123456"
        request = Login(name=name, password=self.passwords.get(name, "whatever it is"), code=code)
        if spoilt == "password":
            request = replace(request, password=request.password + "!")
        elif spoilt:
            request = replace(request, code=code[::-1] + "0")
        right = name in self.roles and name not in self.disabled and not spoilt and step > self.last_steps[name]
        try:
            reply = self.door.ask(request)
        except TooManyFailedError:
            self.door.pass_s(300)
            return
        except LoginFailedError:
            assert not right
            return
        assert right
        assert isinstance(reply, LoginReply)
        assert reply.role is self.roles[name]
        self.last_steps[name] = step
        self.held[reply.proof] = Held(name, self.now_ns, self.now_ns, self.versions[name])
        mine = [proof for proof, one in self.held.items() if one.name == name and self.lives(one)]
        for proof in mine[: max(0, len(mine) - 5)]:
            del self.held[proof]

    @rule(which=st.integers(0, 9))
    def log_out(self, which: int) -> None:
        if self.held:
            proof = list(self.held)[which % len(self.held)]
            self.door.ask(Logout(proof=proof))
            del self.held[proof]

    @rule(minutes=st.sampled_from([1, 4, 14, 15, 200]))
    def time_passes(self, minutes: int) -> None:
        self.door.clock.advance(minutes * MINUTE_NS)

    @rule()
    def restart(self) -> None:
        old = self.door
        self.door = Door(ledger=old.ledger)
        self.door.secrets.update(old.secrets)
        self.door.pass_s(old.clock.monotonic_ns() / SECOND_NS)
        self.held = {proof: one._replace(version=-1) for proof, one in self.held.items()}
        assert self.door.identity.first_token() is None

    def lives(self, one: Held) -> bool:
        young = self.now_ns - one.begun_ns < 12 * HOUR_NS and self.now_ns - one.used_ns < 15 * MINUTE_NS
        return young and one.version == self.versions[one.name] and one.name not in self.disabled

    @invariant()
    def everybody_is_who_he_is(self) -> None:
        for proof, one in list(self.held.items()):
            found = self.door.ask(Whoami(proof=proof))
            assert isinstance(found, WhoamiReply)
            assert (found.name, found.role) == ((one.name, self.roles[one.name]) if self.lives(one) else (OWNER, None))
            if self.lives(one):
                self.held[proof] = one._replace(used_ns=self.now_ns)
            else:
                del self.held[proof]

    @invariant()
    def the_ledger_has_what_the_trader_sees(self) -> None:
        kept = {user.name: user for user in self.door.ledger.users(ACCOUNT)}
        assert kept == dict(self.door.book.users)
        assert {name: user.role for name, user in kept.items() if name != "root"} == self.roles
        assert {name for name, user in kept.items() if user.disabled} == self.disabled


def test_the_door_does_what_the_twin_does() -> None:
    run_state_machine_as_test(DoorMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
