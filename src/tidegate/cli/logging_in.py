"""`tidegate login`, `logout`, `whoami`: who one is to a running trader."""

from typing import Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.asking_secrets import FromStdin, ask_secret
from tidegate.cli.home import HomeFolder, client_of, home_of
from tidegate.cli.words import Json

Name = Annotated[str, typer.Argument(metavar="NAME", help="A user of the trader.", show_default=False)]


def login(name: Name, *, password_stdin: FromStdin = False, home: HomeFolder = None, as_json: Json = False) -> None:
    """Prove who you are: password, and a code of your authenticator.

    The proof stays in a file of your own user and goes with each verb that changes something, until it has
    been idle for 15 minutes or is 12 hours old. With --password-stdin the first line is the password, the
    second one the code. TIDEGATE_PROOF in the environment goes before the file.
    """
    from tidegate.cli.proofs import keep_proof
    from tidegate.cli.showing import moment
    from tidegate.control.identity_replies import LoginReply
    from tidegate.control.protocol import Login

    place = home_of(home)
    password = ask_secret("password", from_stdin=password_stdin)
    code = ask_secret("code", from_stdin=password_stdin)
    reply = client_of(place).ask(Login(name=name, password=password, code=code), LoginReply)
    keep_proof(place, reply.proof)
    if as_json:
        printing.document({"name": reply.name, "role": reply.role.value, "ends_ns": reply.ends_ns, "idle_ns": reply.idle_ns})
    else:
        printing.lines([f"{reply.name} is logged in as {reply.role.value}, until {moment(reply.ends_ns)} at most."])


def logout(*, home: HomeFolder = None, as_json: Json = False) -> None:
    """End the login, and take its proof away."""
    from tidegate.cli.proofs import drop_proof, proof_of
    from tidegate.control.identity_replies import LogoutReply
    from tidegate.control.protocol import Logout

    place = home_of(home)
    proof = proof_of(place)
    drop_proof(place)  # first: also if the trader is not there, for it forgets all logins when it ends
    ended = bool(proof) and client_of(place).ask(Logout(proof=proof), LogoutReply).ended
    if as_json:
        printing.document({"ended": ended})
    else:
        printing.lines(["Logged out." if ended else "There was no login."])


def whoami(*, home: HomeFolder = None, as_json: Json = False) -> None:
    """Tell whom the trader takes you for, and what needs a login."""
    from tidegate.cli.proofs import proof_of
    from tidegate.control.identity_replies import WhoamiReply
    from tidegate.control.protocol import Whoami

    place = home_of(home)
    reply = client_of(place).ask(Whoami(proof=proof_of(place)), WhoamiReply)
    role = None if reply.role is None else reply.role.value
    if as_json:
        printing.document({"name": reply.name, "role": role, "rule": reply.rule})
    else:
        printing.lines([f"{reply.name}, {role or 'without a login'}", f"  {reply.rule}"])
