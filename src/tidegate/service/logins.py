"""A login: password and code, checked off the trading loop, one at a time, with the same work and the same words for every name."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar, final

from msgspec.structs import replace

from tidegate.authority.errors import DoorBusyError, LoginFailedError, TooManyFailedError
from tidegate.authority.facts import LoggedIn, LoginFailed
from tidegate.authority.lockout import KEY_BYTES, Lockout
from tidegate.authority.passwords import Passwords
from tidegate.authority.second_factor import DECOY, used_step
from tidegate.authority.sessions import PROOF_PREFIX, Draw, new_token
from tidegate.authority.users import User
from tidegate.control.identity_replies import LoginReply
from tidegate.control.protocol import Login
from tidegate.service.admission import Admission
from tidegate.service.ledger.errors import LedgerError
from tidegate.values.time import SECOND_NS

WAITING_MAX: Final = 8  # hashes under way or waiting; each takes a sixth of a second of one core
_FAILED: Final = "Name, password or code is wrong, or the user is disabled; each code is good for one login. Try again with the next code."

_T = TypeVar("_T")


@final
class Hashing:
    """Runs password hashes on a thread, one after the other, and takes only so many in."""

    def __init__(self, passwords: Passwords) -> None:
        self.passwords: Final = passwords
        self._turn: Final = asyncio.Semaphore(1)
        self._waiting = 0

    def check_room(self) -> None:
        """Refuse before anything is counted.

        Raises:
            DoorBusyError: too many wait already.
        """
        if self._waiting >= WAITING_MAX:
            raise DoorBusyError(f"{WAITING_MAX} passwords are being checked already; try again in some seconds.")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what a piece of work gives.

        Raises:
            DoorBusyError: too many wait already.
        """
        self.check_room()
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


@final
class Logins:
    """Lets users in. `draw` gives random bytes."""

    def __init__(self, admission: Admission, hashing: Hashing, draw: Draw) -> None:
        self._admission: Final = admission
        self._hashing: Final = hashing
        self._draw: Final = draw
        self._lockout: Final = Lockout(draw(KEY_BYTES))

    async def login(self, asked: Login, peer: str) -> LoginReply:
        """Return the proof of a login.

        Raises:
            DoorBusyError: too many are being checked.
            TooManyFailedError: this name failed too often; nothing was checked.
            LoginFailedError: name, password or code is wrong.
            LedgerError: the used code cannot be kept, so it proves nothing.
        """
        admission = self._admission
        self._hashing.check_room()
        wait_ns = self._lockout.attempt(asked.name, admission.now().monotonic_ns)
        if wait_ns:
            self._failed(asked.name, peer, too_soon=True)
            seconds = -(-wait_ns // SECOND_NS)
            raise TooManyFailedError(f"Logins under this name failed too often; wait {seconds} s, then try again.")
        before, passwords = admission.book.users.get(asked.name), self._hashing.passwords
        matched = await self._hashing.run(lambda: passwords.matches(None if before is None else before.password_hash, asked.password))
        try:
            (user,) = await admission.book.change(lambda users: (self._proved(users, before if matched else None, asked),))
        except LoginFailedError:
            self._failed(asked.name, peer, too_soon=False)
            raise
        except LedgerError:
            self._lockout.succeeded(asked.name)  # he was right, and a disk that is full again and again must not shut him out
            raise
        self._lockout.succeeded(asked.name)
        if passwords.outdated(user.password_hash):
            with suppress(LedgerError, DoorBusyError):  # at his next login then
                await self._renew(user, asked.password)
        return self._let_in(user, peer)

    async def _renew(self, user: User, password: str) -> None:
        """Keep the hash of a right password with the parameters of today. The user counts as unchanged: his logins go on."""
        renewed = await self._hashing.run(lambda: self._hashing.passwords.hashed(password))

        def kept(users: Mapping[str, User]) -> tuple[User, ...]:
            now = users[user.name]
            return (replace(now, password_hash=renewed),) if now.password_hash == user.password_hash else ()

        await self._admission.book.change(kept)

    def _proved(self, users: Mapping[str, User], before: User | None, asked: Login) -> User:
        """Return the user with his code used up: as he stands now, for he may have been changed while the password was checked.

        before: the user whose password it was then; None: nobody's.

        Raises:
            LoginFailedError: something is wrong; which part is not said.
        """
        user = users.get(asked.name)
        secret, last_step = (DECOY, 0) if user is None else (user.totp_secret, user.last_step)
        step = used_step(secret, asked.code, self._admission.now().wall_ns, last_step)
        same = user is not None and before is not None and user.changed_ns == before.changed_ns and not user.disabled
        if user is None or not same or step is None:
            raise LoginFailedError(_FAILED)
        return replace(user, last_step=step)

    def _let_in(self, user: User, peer: str) -> LoginReply:
        admission, now = self._admission, self._admission.now()
        proof = new_token(self._draw, PROOF_PREFIX)
        admission.sessions.begin(user.name, user.changed_ns, proof, now)
        admission.tell(LoggedIn(at_ns=now.wall_ns, peer=peer, name=user.name, role=user.role))
        settings = admission.sessions.settings
        return LoginReply(
            name=user.name,
            role=user.role,
            proof=proof,
            ends_ns=now.wall_ns + settings.alive_ns_max,
            idle_ns=settings.idle_ns_max,
        )

    def _failed(self, name: str, peer: str, *, too_soon: bool) -> None:
        admission = self._admission
        known = name if name in admission.book.users else ""
        admission.tell(LoginFailed(at_ns=admission.now().wall_ns, peer=peer, name=known, too_soon=too_soon))
