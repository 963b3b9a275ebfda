"""The users of an account: read once at the start, kept beside the ledger, changed one after the other.

A change is decided on what stands when its turn comes, written, and only then seen. Whoever asked for it may go away meanwhile: it is
finished all the same, for a half made change of who may do what would be worse than a late one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, final

from msgspec.structs import replace

from tidegate.authority.users import User
from tidegate.service.desk import Desk
from tidegate.service.ledger.errors import StaleEpochError
from tidegate.service.ledger.rows import Batch
from tidegate.service.ledger.sentences import stale_sentence
from tidegate.service.ledger.thread import LedgerThread

Write = Callable[[tuple[User, ...]], Awaitable[object]]  # returns once the disk has them
Change = Callable[[Mapping[str, User]], tuple[User, ...]]  # from all users to those that are to be written; may refuse


@final
class UserBook:
    """All users of one account, by name."""

    def __init__(self, users: Iterable[User], write: Write) -> None:
        self._users: Final[dict[str, User]] = {user.name: user for user in users}
        self._write: Final = write
        self._turn: Final = asyncio.Lock()
        self._under_way: Final[set[asyncio.Task[tuple[User, ...]]]] = set()

    @property
    def users(self) -> Mapping[str, User]:
        """All of them, disabled ones included."""
        return MappingProxyType(self._users)

    async def change(self, change: Change) -> tuple[User, ...]:
        """Return the users as they are now written.

        Raises:
            LedgerError: the ledger does not take them; nothing is changed.
            TidegateError: whatever `change` refuses with.
        """
        task = asyncio.create_task(self._change(change))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _change(self, change: Change) -> tuple[User, ...]:
        async with self._turn:
            changed = change(self.users)
            for user in changed:  # a used code is used, whether or not the disk takes it
                if (known := self._users.get(user.name)) is not None:
                    self._users[user.name] = replace(known, last_step=user.last_step)
            if changed:
                await self._write(changed)
            self._users.update({user.name: user for user in changed})
        return changed

    def _ended(self, task: "asyncio.Task[tuple[User, ...]]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, even if whoever asked has gone


def ledger_write(account: str, desk: Desk, ledger: LedgerThread) -> Write:
    """Return what writes users under the lease that the desk's trader holds."""

    async def write(users: tuple[User, ...]) -> None:
        lease = desk.gatekeeper.lease
        if lease is None:
            raise StaleEpochError(stale_sentence(account, 0))
        await ledger.submit(Batch(account=account, epoch=lease.epoch, users=users))

    return write
