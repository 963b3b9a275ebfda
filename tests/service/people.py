"""A trader's door without a trader: users in a ledger in memory, a clock moved by hand, quick hashes, authenticators."""

import asyncio
import os
from typing import Final

import pyotp
from argon2 import PasswordHasher

from tidegate.authority.actions import TradingStage
from tidegate.authority.facts import AnyFact
from tidegate.authority.passwords import Passwords
from tidegate.authority.users import User
from tidegate.clock.clock import ManualClock
from tidegate.control.identity_replies import LoginReply, UserReply
from tidegate.control.peers import user_name
from tidegate.control.protocol import AddUser, AnyIdentity, FirstAdmin, Login
from tidegate.control.reply_roots import Reply
from tidegate.service.admission import Admission
from tidegate.service.identity import Identity
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Batch, LeaseClaim
from tidegate.service.logins import Hashing
from tidegate.service.user_book import UserBook
from tidegate.values.enums import Role
from tidegate.values.time import SECOND_NS

ACCOUNT: Final = "drill"
UID: Final = os.geteuid()
OWNER: Final = user_name(UID)
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # what is slow on purpose would only be slow here
START_NS: Final = 1_800_000_000 * SECOND_NS
STEP_S: Final = 30


def password_of(name: str) -> str:
    """The password that each of these users has."""
    return f"{name} has a long password"


class People:
    """Persons before a trader's door, each with a password and an authenticator. The first one is the admin `root`."""

    def __init__(self, identity: Identity, clock: ManualClock) -> None:
        self.identity: Final = identity
        self.clock: Final = clock
        self.secrets: Final[dict[str, str]] = {}

    def ask(self, request: AnyIdentity) -> Reply:
        """Ask, and return the answer."""
        return asyncio.run(self.identity.answer(request, UID))

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(int(seconds * SECOND_NS))

    def code(self, name: str) -> str:
        """What the authenticator of a user shows now."""
        return pyotp.TOTP(self.secrets[name]).at(self.clock.now_ns() // SECOND_NS)

    def login_request(self, name: str) -> Login:
        """All that is right."""
        return Login(name=name, password=password_of(name), code=self.code(name))

    def login(self, name: str) -> str:
        """Log in with the next code, and return the proof."""
        self.pass_s(STEP_S)
        reply = self.ask(self.login_request(name))
        assert isinstance(reply, LoginReply)
        return reply.proof

    def first(self, name: str = "root") -> str:
        """Make the first admin, log him in, and return his proof."""
        token = self.identity.first_token()
        assert token is not None
        self.enroll(FirstAdmin(token=token, name=name, password=password_of(name)))
        return self.login(name)

    def add(self, admin: str, name: str, role: Role) -> None:
        """Have a user made by an admin's proof."""
        self.enroll(AddUser(proof=admin, name=name, role=role, password=password_of(name)))

    def enroll(self, request: AnyIdentity) -> UserReply:
        """Ask for a user, and put his second factor into his authenticator."""
        reply = self.ask(request)
        assert isinstance(reply, UserReply)
        self.secrets[reply.user.name] = reply.secret
        return reply

    def people(self) -> dict[str, str]:
        """Make one user of each role, log all in, and return their proofs by role; the admin is `root`."""
        admin = self.first()
        others = [role for role in Role if role is not Role.ADMIN]
        for role in others:
            self.add(admin, f"a-{role.value}".replace("_", "-"), role)
        proofs = {role.value: self.login(f"a-{role.value}".replace("_", "-")) for role in others}
        return {**proofs, Role.ADMIN.value: admin}


class Door(People):
    """The door of a trader in some mode, and who stands before it."""

    def __init__(self, mode: TradingStage = TradingStage.PAPER, ledger: MemoryLedger | None = None) -> None:
        self.ledger: Final = ledger or MemoryLedger()
        self.facts: Final[list[AnyFact]] = []
        self.writes: Final[list[tuple[User, ...]]] = []
        self.stuck: asyncio.Event | None = None  # a disk that lets nothing through until it is set
        if self.ledger.lease(ACCOUNT) is None:
            self.ledger.take_lease(LeaseClaim(account=ACCOUNT, holder="me", now_ns=START_NS, ttl_ns=SECOND_NS))
        clock = ManualClock(START_NS)
        self.book: Final = UserBook(self.ledger.users(ACCOUNT), self._write)
        self.admission: Final = Admission(mode, OWNER, self.book, clock, self.facts.append)
        super().__init__(Identity(ACCOUNT, self.admission, Hashing(Passwords(QUICK)), os.urandom), clock)

    async def _write(self, users: tuple[User, ...]) -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        self.writes.append(users)
        self.ledger.write(Batch(account=ACCOUNT, epoch=1, users=users))
