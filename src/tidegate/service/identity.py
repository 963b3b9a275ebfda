"""What is asked about users and logins: the first admin, users made and changed, logins begun and ended."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Final, final

from msgspec.structs import replace

from tidegate.authority.actions import Action
from tidegate.authority.errors import BadTokenError, BadUserError, DeniedError, LoginNeededError
from tidegate.authority.facts import LoggedOut, UserChanged
from tidegate.authority.passwords import check_password
from tidegate.authority.second_factor import enrolment, new_secret
from tidegate.authority.sessions import FIRST_PREFIX, Draw, new_token, token_hash
from tidegate.authority.users import USERS_MAX, User, check_admin_left, check_name, has_admin
from tidegate.control.identity_replies import AnyIdentityReply, LogoutReply, UserLine, UserReply, UsersReply, WhoamiReply
from tidegate.control.peers import user_name
from tidegate.control.protocol import AddUser, AnyIdentity, ChangeUser, FirstAdmin, ListUsers, Login, Logout, Whoami
from tidegate.service.admission import Admission, Person, Want
from tidegate.service.logins import Hashing, Logins
from tidegate.values.enums import Role

_MANAGE: Final = Want(Action.MANAGE_USERS)
_TOKEN_WRONG: Final = "This one-time token is not the one that the trader printed at its start, or there is an admin already."  # noqa: S105


@final
class Identity:
    """Answers the requests of `control.protocol.AnyIdentity` for the users of one account. `draw` gives random bytes."""

    def __init__(self, account: str, admission: Admission, hashing: Hashing, draw: Draw) -> None:
        self.admission: Final = admission
        self._account: Final = account
        self._hashing: Final = hashing
        self._draw: Final = draw
        self._logins: Final = Logins(admission, hashing, draw)
        self._first_hash: bytes | None = None

    def first_token(self) -> str | None:
        """Return a new one-time token for the first admin, of which only the hash stays; None: there is an admin who has logged in."""
        if has_admin(self.admission.book.users):
            return None
        token = new_token(self._draw, FIRST_PREFIX)
        self._first_hash = token_hash(token)
        return token

    async def answer(self, request: AnyIdentity, peer_uid: int) -> AnyIdentityReply:
        """Return the answer to a request.

        Raises:
            AuthorityError: no, and why.
            LedgerError: the ledger does not take it; nothing was changed.
        """
        peer = user_name(peer_uid)
        match request:
            case Login():
                return await self._logins.login(request, peer)
            case Logout() | Whoami():
                return self._logout(request.proof, peer) if isinstance(request, Logout) else self._whoami(request.proof, peer)
            case FirstAdmin():
                return await self._first_admin(request, peer)
            case AddUser():
                return await self._add(request, peer_uid)
            case ChangeUser():
                return await self._change(request, peer_uid)
            case ListUsers():
                self.admission.admit(_MANAGE, request.proof, peer_uid)
                return UsersReply(users=tuple(_line(user) for _, user in sorted(self.admission.book.users.items())))

    def _logout(self, proof: str, peer: str) -> LogoutReply:
        found = self.admission.login_of(proof)
        ended = self.admission.sessions.end(proof)
        if found is not None:
            self.admission.tell(LoggedOut(at_ns=self.admission.now().wall_ns, peer=peer, name=found[1].name))
        return LogoutReply(ended=ended)

    def _whoami(self, proof: str, peer: str) -> WhoamiReply:
        found = self.admission.login_of(proof)
        if found is None:
            return WhoamiReply(name=peer, role=None, rule=self.admission.rule())
        return WhoamiReply(name=found[1].name, role=found[1].role, rule=self.admission.rule())

    async def _first_admin(self, asked: FirstAdmin, peer: str) -> UserReply:
        """Make the admin; one who was made so before and never logged in is replaced, for his second factor may be lost."""
        check_name(asked.name)
        check_password(asked.password)
        self._hashing.check_room()  # before the token is used up
        self._use_token(asked.token)
        hashed = await self._hashed(asked.password)

        def made(users: Mapping[str, User]) -> tuple[User, ...]:
            if has_admin(users):
                raise BadTokenError(_TOKEN_WRONG)
            stale = (user for user in users.values() if user.role is Role.ADMIN and not user.disabled and user.name != asked.name)
            others = tuple(replace(user, disabled=True, changed_ns=self._changed_ns(user)) for user in stale)
            return (self._new(users.get(asked.name), asked.name, Role.ADMIN, hashed), *others)

        user, *_ = await self.admission.book.change(made)
        self._tell(user, Person(asked.name, Role.ADMIN, peer), ("made",))
        return _enrolled(user)

    def _use_token(self, token: str) -> None:
        """Use the token up before anything is waited for: it is good once."""
        first = self._first_hash
        if first is None or not compare_digest(token_hash(token), first):
            raise BadTokenError(_TOKEN_WRONG)
        self._first_hash = None

    async def _add(self, asked: AddUser, peer_uid: int) -> UserReply:
        person = self.admission.admit(_MANAGE, asked.proof, peer_uid)
        check_name(asked.name)
        hashed = await self._hashed(asked.password)

        def made(users: Mapping[str, User]) -> tuple[User, ...]:
            self.admission.admit(_MANAGE, asked.proof, peer_uid)  # still: much may have happened meanwhile
            if asked.name in users:
                raise BadUserError(f"There is a user {asked.name} already; change that one, or take another name.")
            if len(users) >= USERS_MAX:
                raise BadUserError(f"There are {USERS_MAX} users already, and a trader keeps no more; give a disabled one a new role.")
            return (self._new(None, asked.name, asked.role, hashed),)

        (user,) = await self.admission.book.change(made)
        self._tell(user, person, ("made",))
        return _enrolled(user)

    async def _change(self, asked: ChangeUser, peer_uid: int) -> UserReply:
        person = self._may_change(asked, peer_uid)
        what = tuple(
            name
            for name, meant in (
                ("role", asked.role is not None),
                ("disabled", asked.disabled is not None),
                ("password", bool(asked.password)),
                ("second_factor", asked.new_second_factor),
            )
            if meant
        )
        if not what:
            raise BadUserError(f"Say what is to be changed of {asked.name}: role, password, second factor, or whether he is disabled.")
        hashed = await self._hashed(asked.password) if asked.password else ""

        def changed(users: Mapping[str, User]) -> tuple[User, ...]:
            self._may_change(asked, peer_uid)  # still
            user = users.get(asked.name)
            if user is None:
                raise BadUserError(f"There is no user {asked.name}; see `tidegate users list`.")
            after = replace(
                user,
                role=user.role if asked.role is None else asked.role,
                disabled=user.disabled if asked.disabled is None else asked.disabled,
                password_hash=hashed or user.password_hash,
                totp_secret=new_secret() if asked.new_second_factor else user.totp_secret,
                changed_ns=self._changed_ns(user),
            )
            check_admin_left(users, after)
            return (after,)

        (user,) = await self.admission.book.change(changed)
        self._tell(user, person, what)
        return _enrolled(user) if asked.new_second_factor else UserReply(user=_line(user))

    def _may_change(self, asked: ChangeUser, peer_uid: int) -> Person:
        """Return who asks: an admin, or the user himself for his own password, right after a login. Nobody changes his own role."""
        admission = self.admission
        found = admission.login_of(asked.proof)
        if found is None or found[1].name != asked.name:
            return admission.admit(_MANAGE, asked.proof, peer_uid)
        session, user = found
        person = Person(user.name, user.role, user_name(peer_uid))
        if asked.role is not None:
            raise admission.denied(_MANAGE, person, DeniedError("Nobody changes his own role; another admin does."))
        if asked.disabled is not None or asked.new_second_factor:
            return admission.admit(_MANAGE, asked.proof, peer_uid)
        if not admission.sessions.is_fresh(session, admission.now()):
            raise admission.denied(_MANAGE, person, LoginNeededError(f"To change a password, {admission.login_anew(user.name)}"))
        return person

    async def _hashed(self, password: str) -> str:
        check_password(password)
        return await self._hashing.run(lambda: self._hashing.passwords.hashed(password))

    def _new(self, before: User | None, name: str, role: Role, password_hash: str) -> User:
        now_ns = self.admission.now().wall_ns
        return User(
            account=self._account,
            name=name,
            role=role,
            password_hash=password_hash,
            totp_secret=new_secret(),
            disabled=False,
            created_ns=now_ns if before is None else before.created_ns,
            changed_ns=now_ns if before is None else self._changed_ns(before),
            last_step=0 if before is None else before.last_step,
        )

    def _changed_ns(self, before: User) -> int:
        """Return the stamp of a change: a new one, also where the clock was set back."""
        return max(self.admission.now().wall_ns, before.changed_ns + 1)

    def _tell(self, user: User, by: Person, what: tuple[str, ...]) -> None:
        self.admission.tell(
            UserChanged(
                at_ns=self.admission.now().wall_ns,
                peer=by.peer,
                by=by.name,
                name=user.name,
                role=user.role,
                disabled=user.disabled,
                what=what,
            )
        )


def _line(user: User) -> UserLine:
    return UserLine(
        name=user.name,
        role=user.role,
        disabled=user.disabled,
        has_logged_in=user.last_step > 0,
        created_ns=user.created_ns,
        changed_ns=user.changed_ns,
    )


def _enrolled(user: User) -> UserReply:
    return UserReply(user=_line(user), otpauth=enrolment(user.name, user.totp_secret), secret=user.totp_secret)
