"""Who changes versions while no trader runs, on a ledger that has users: the same roles and the same two factors as at a trader's door.

No trader is there to keep a proof, so the login is made for this one request. What happens at this door is told like at the other one.
"""

import asyncio
from typing import Final

from tidegate.authority.actions import Action, TradingStage
from tidegate.authority.errors import LoginNeededError
from tidegate.authority.passwords import Passwords
from tidegate.authority.sessions import Draw
from tidegate.control.peers import user_name
from tidegate.control.protocol import AddVersion, Login, MoveVersion, VersionVerb
from tidegate.service.admission import Admission, Person, Want
from tidegate.service.logins import Hashing, Logins
from tidegate.values.enums import GateScope

STRICTEST: Final = TradingStage.SMALL_LIVE  # nobody knows in which mode the next trader starts


def want_of(request: AddVersion | MoveVersion) -> tuple[Want, bool]:
    """Return what a request wants, and whether it begins something, so that the roles that only confirm are not enough."""
    adds = isinstance(request, AddVersion)
    begins = isinstance(request, AddVersion) or request.verb is not VersionVerb.APPROVE
    return Want(Action.STAGE_CONFIG if adds else Action.PROMOTE_CONFIG, GateScope.GLOBAL, ""), begins


def let_in(request: AddVersion | MoveVersion, login: Login | None, admission: Admission, draw: Draw, uid: int) -> str:
    """Return the name of the user who asks, if he may. `draw` gives random bytes; uid: the system user.

    Raises:
        AuthorityError: he may not, or the login is missing or wrong.
        LedgerError: the used code cannot be kept, so it proves nothing.
    """
    want, begins = want_of(request)
    peer = user_name(uid)
    if login is None:
        sentence = "The ledger has users, and no trader runs that could know a login; say who you are with --user NAME."
        raise admission.denied(want, Person(peer, None, peer), LoginNeededError(sentence))

    async def proof() -> str:
        hashing = Hashing(await asyncio.to_thread(Passwords))
        return (await Logins(admission, hashing, draw).login(login, peer)).proof

    return admission.admit(want, asyncio.run(proof()), uid, begins=begins).name
