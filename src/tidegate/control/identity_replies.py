"""What a trader answers about people: logins and users. Times are ns UTC."""

from tidegate.control.reply_roots import Part, Reply
from tidegate.values.enums import Role


class LoginReply(Reply, frozen=True, kw_only=True, tag="logged_in"):
    """The proof of a login; it goes with each request that changes something. It ends at ends_ns, or when it was idle for idle_ns."""

    name: str
    role: Role
    proof: str
    ends_ns: int
    idle_ns: int


class LogoutReply(Reply, frozen=True, kw_only=True, tag="logged_out"):
    """The login has ended, or had ended before (ended: False)."""

    ended: bool


class WhoamiReply(Reply, frozen=True, kw_only=True, tag="whoami"):
    """Whom the trader sees. role is None without a login: then `name` is the system user, and `rule` says what he may do."""

    name: str
    role: Role | None
    rule: str


class UserLine(Part, frozen=True, kw_only=True):
    """One user. has_logged_in: his second factor has been used."""

    name: str
    role: Role
    disabled: bool
    has_logged_in: bool
    created_ns: int
    changed_ns: int


class UserReply(Reply, frozen=True, kw_only=True, tag="user"):
    """A user as he is now. otpauth and secret: his new second factor, shown this once; empty where it stayed."""

    user: UserLine
    otpauth: str = ""
    secret: str = ""


class UsersReply(Reply, frozen=True, kw_only=True, tag="users"):
    """All users, by name."""

    users: tuple[UserLine, ...]


AnyIdentityReply = LoginReply | LogoutReply | WhoamiReply | UserReply | UsersReply
