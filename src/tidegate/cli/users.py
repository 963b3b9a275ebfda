"""`tidegate users`: who may ask a trader for what, made and changed by an admin."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidegate.cli import printing
from tidegate.cli.asking_secrets import FromStdin, ask_secret
from tidegate.cli.home import HomeFolder, client_of, home_of
from tidegate.cli.words import Json
from tidegate.values.enums import Role

if TYPE_CHECKING:
    from tidegate.control.identity_replies import UserReply
    from tidegate.control.protocol import AddUser, ChangeUser, FirstAdmin

NewName = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, dots, dashes; a letter first.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A user of the trader.", show_default=False)]
OfRole = Annotated[Role, typer.Option("--role", help="What he is to the trader.", show_default=False)]
_DISABLED: Final = {True: "disabled", False: ""}
NewRole = Annotated[Role, typer.Argument(metavar="ROLE", help="What he is from now on.", show_default=False)]


def first_admin(name: NewName, *, password_stdin: FromStdin = False, home: HomeFolder = None, as_json: Json = False) -> None:
    """Make the first admin, with the one-time token that the trader printed at its start.

    The answer has the secret of the second factor, this once: put it into an authenticator, then log in.
    With --password-stdin the first line is the token, the second one the password.
    """
    from tidegate.control.protocol import FirstAdmin

    token = ask_secret("one-time token", from_stdin=password_stdin)
    password = ask_secret("new password", from_stdin=password_stdin, twice=True)
    _ask(home, FirstAdmin(token=token.strip(), name=name, password=password), as_json=as_json)


def add(name: NewName, *, role: OfRole, password_stdin: FromStdin = False, home: HomeFolder = None, as_json: Json = False) -> None:
    """Make a user, with a first password and a second factor that is shown this once."""
    from tidegate.control.protocol import AddUser

    password = ask_secret("first password", from_stdin=password_stdin, twice=True)
    _ask(home, AddUser(proof=_proof(home), name=name, role=role, password=password), as_json=as_json)


def list_(*, home: HomeFolder = None, as_json: Json = False) -> None:
    """List all users: role, whether disabled, whether they have ever logged in."""
    import msgspec

    from tidegate.cli.showing import moment
    from tidegate.control.identity_replies import UsersReply
    from tidegate.control.protocol import ListUsers

    reply = client_of(home_of(home)).ask(ListUsers(proof=_proof(home)), UsersReply)
    if as_json:
        printing.document({"users": msgspec.to_builtins(reply.users)})
        return
    printing.grid(
        ("name", "role", "", "logged in", "changed"),
        (
            (one.name, one.role.value, _DISABLED[one.disabled], "yes" if one.has_logged_in else "never", moment(one.changed_ns))
            for one in reply.users
        ),
    )


def role(name: Name, new_role: NewRole, *, home: HomeFolder = None, as_json: Json = False) -> None:
    """Give a user another role; his logins end."""
    from tidegate.control.protocol import ChangeUser

    _ask(home, ChangeUser(proof=_proof(home), name=name, role=new_role), as_json=as_json)


def disable(name: Name, *, home: HomeFolder = None, as_json: Json = False) -> None:
    """Let a user do nothing any more; his logins end. No user is ever deleted."""
    from tidegate.control.protocol import ChangeUser

    _ask(home, ChangeUser(proof=_proof(home), name=name, disabled=True), as_json=as_json)


def enable(name: Name, *, home: HomeFolder = None, as_json: Json = False) -> None:
    """Let a disabled user log in again."""
    from tidegate.control.protocol import ChangeUser

    _ask(home, ChangeUser(proof=_proof(home), name=name, disabled=False), as_json=as_json)


def password(
    name: Name,
    *,
    second_factor: Annotated[bool, typer.Option("--second-factor", help="Also a new second factor, shown this once; an admin's.")] = False,
    password_stdin: FromStdin = False,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Give a user a new password: an admin anybody, everybody himself right after a login. His logins end."""
    from tidegate.control.protocol import ChangeUser

    new = ask_secret("new password", from_stdin=password_stdin, twice=True)
    _ask(home, ChangeUser(proof=_proof(home), name=name, password=new, new_second_factor=second_factor), as_json=as_json)


def _proof(home: Path | None) -> str:
    from tidegate.cli.proofs import proof_of

    return proof_of(home_of(home))


def _ask(home: Path | None, request: "FirstAdmin | AddUser | ChangeUser", *, as_json: bool) -> None:
    from tidegate.control.identity_replies import UserReply

    reply = client_of(home_of(home)).ask(request, UserReply)
    if as_json:
        import msgspec

        printing.document({"user": msgspec.to_builtins(reply.user), "otpauth": reply.otpauth, "secret": reply.secret})
    else:
        printing.lines(_told(reply))


def _told(reply: "UserReply") -> list[str]:
    user = reply.user
    lines = [f"{user.name} is {user.role.value}{', disabled' if user.disabled else ''}."]
    if reply.secret:
        lines += [
            "Second factor, shown this once. Put it into an authenticator (30 s, six digits), then log in:",
            f"  {reply.otpauth}",
            f"  secret {reply.secret}",
        ]
    return lines
