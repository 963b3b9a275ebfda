"""A real desk that has traded for a while in a simulated world, and the answers of a trader over it."""

import os
from pathlib import Path
from typing import Final

from tests.control.asking import private
from tests.service.people import QUICK, People
from tidegate.authority.actions import TradingStage
from tidegate.authority.facts import AnyFact
from tidegate.authority.passwords import Passwords
from tidegate.authority.users import User
from tidegate.clock.clock import ManualClock
from tidegate.control.home import Home
from tidegate.control.peers import user_name
from tidegate.service.admission import Admission
from tidegate.service.answering import Answering
from tidegate.service.desk import Desk
from tidegate.service.identity import Identity
from tidegate.service.ledger.rows import Batch
from tidegate.service.logins import Hashing
from tidegate.service.surroundings import Surroundings
from tidegate.service.user_book import UserBook
from tidegate.simulation.campaign.node import Node
from tidegate.simulation.campaign.setting import START_NS, VENUE, Setting, prepare
from tidegate.simulation.campaign.world import World
from tidegate.values.time import SECOND_NS

STREAMS: Final = (f"{VENUE}/orders", f"{VENUE}/market")
BUSY_S: Final = 50  # by then one has looked in vain


class Living:
    """A world without faults, told second by second, and the trader in it. `woken` counts how often its desk was to be turned."""

    def __init__(self, setting: Setting, home: Path, seed: int = 3, *, mode: TradingStage = TradingStage.PAPER) -> None:
        self.world: Final = World(setting, seed)
        self.world.faults.heal()
        self.home: Final[Home] = private(home)
        self.woken = 0
        self._second = 0
        self.world._start()
        self.pass_s(1)
        self.around: Final = Surroundings(mode, self.home, STREAMS, self.node.clock)
        self.clock: Final = ManualClock(START_NS)  # the machine's own
        self.facts: Final[list[AnyFact]] = []
        book = UserBook(self.world.ledger.users(self.desk.place.account), self._write)
        self.admission: Final = Admission(mode, user_name(os.geteuid()), book, self.clock, self.facts.append)
        self.identity: Final = Identity(self.desk.place.account, self.admission, Hashing(Passwords(QUICK)), os.urandom)
        self.people: Final = People(self.identity, self.clock)
        self.answering: Final = Answering(self.desk, self.node.log, self.around, self.node.clock, self._wake, self.identity)

    @property
    def node(self) -> Node:
        """The living trader."""
        assert self.world.live is not None
        return self.world.live

    @property
    def desk(self) -> Desk:
        """Its desk."""
        return self.node.desk

    def pass_s(self, seconds: int) -> None:
        """Let seconds pass, with quotes in each."""
        for _ in range(seconds):
            self._second += 1
            self.world._until(START_NS + self._second * SECOND_NS)
            self.world._second()
        if hasattr(self, "around"):
            self.around.turned(self.desk)

    def until_busy(self) -> None:
        """Let time pass until something is held and something works."""
        for _ in range(BUSY_S):
            self.pass_s(1)
            books = self.desk.engine.books
            if books.nets() and books.working_orders() and any(net.net_nanos for net in books.nets()):
                return
        raise AssertionError("nothing was ever held while something worked")

    async def _write(self, users: tuple[User, ...]) -> None:
        lease = self.desk.gatekeeper.lease
        assert lease is not None
        self.world.ledger.write(Batch(account=self.desk.place.account, epoch=lease.epoch, users=users))

    def _wake(self) -> None:
        self.woken += 1


def setting() -> Setting:
    """What all worlds share."""
    return prepare()
