"""A trader's door at its start: the users of the ledger, nobody logged in, and a token for the first admin where there is none."""

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tidegate.authority.actions import TradingStage
from tidegate.authority.facts import OnFact
from tidegate.authority.passwords import Passwords
from tidegate.authority.sessions import Draw
from tidegate.authority.users import User
from tidegate.clock.clock import Clock
from tidegate.control.peers import own_name
from tidegate.service.admission import Admission
from tidegate.service.identity import Identity
from tidegate.service.logins import Hashing
from tidegate.service.user_book import UserBook, Write


class DoorWish(NamedTuple):
    """Whose door, in which mode. clock: the machine's own; draw: gives random bytes; on_fact: is told what happens at it."""

    account: str
    mode: str
    clock: Clock
    draw: Draw
    on_fact: OnFact


async def open_door(wish: DoorWish, users: Iterable[User], write: Write, tell: Callable[[str], None]) -> Identity:
    """Return who answers for users and logins. Without an admin, a token is told by which the first one is made."""
    admission = Admission(TradingStage(wish.mode), own_name(), UserBook(users, write), wish.clock, wish.on_fact)
    passwords = await asyncio.to_thread(Passwords)  # it hashes once itself
    identity = Identity(wish.account, admission, Hashing(passwords), wish.draw)
    token = identity.first_token()
    if token is not None:
        tell(f"No admin has logged in yet. `tidegate users first-admin NAME` makes one, with this token, once: {token}")
    return identity
