"""Tells one receiver, one delivery at a time and in the order of the log, at its own pace; nobody waits for it but itself.

At least once: the place is kept after the answer, so a process that is killed between the two tells it again, with the same id.
Nothing is lost while the log is kept.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.config.model import WebhookSection
from tidegate.journal.following import newest_place
from tidegate.service.secrecy import Secret
from tidegate.service.webhooks.reading import Reading, Waiting
from tidegate.service.webhooks.rules import Answer, Patience, answer_of, gives_up, pause_ns
from tidegate.service.webhooks.sending import Sender, Sent
from tidegate.service.webhooks.signature import DELIVERY, SIGNATURE, TOPIC, signature_of
from tidegate.service.webhooks.standing import FAILURES_KEPT, Failure, Standing, read_standing, write_standing
from tidegate.service.webhooks.telling import Teller, Topic, note_gate
from tidegate.values.errors import TidegateError
from tidegate.values.time import MILLISECOND_NS, SECOND_NS, iso_utc

LOOK_NS: Final = 250 * MILLISECOND_NS
_DISK_PAUSE_S: Final = 5.0


class Hook(NamedTuple):
    """A webhook and its secret."""

    section: WebhookSection
    secret: Secret


class Surroundings(NamedTuple):
    """What all receivers share. draw gives a number between 0 and 1; stopping: what is there is told once, then they end."""

    home: Path
    log: Path
    clock: Clock
    draw: Callable[[], float]
    say: "Say"
    stopping: asyncio.Event
    patience: Patience = Patience()


Say = Callable[[str, str, str], None]  # name of the receiver, what happened, why


@final
class Receiver:
    """One receiver. Await `run`."""

    def __init__(self, hook: Hook, around: Surroundings) -> None:
        """Find the receiver's place; one that was never told anything begins with what comes from now on.

        Raises:
            BadStandingError: its file cannot be read.
            OSError: the disk refuses.
        """
        self._hook: Final = hook
        self._around: Final = around
        self._name: Final = hook.section.name
        known = read_standing(around.home, self._name)
        self.standing: Final = known or Standing(name=self._name, place=newest_place(around.log))
        teller = Teller([Topic(word) for word in hook.section.events], self.standing.gates)
        self._reading: Final = Reading(around.log, self.standing.place, teller, around.clock)
        if known is None:
            write_standing(around.home, self.standing)

    async def run(self) -> None:
        """Tell until stopping; trouble of the disk is said and waited out."""
        async with Sender(self._hook.section.url, self._around.patience) as sender:
            while not await self._turn(sender):
                pass

    async def _turn(self, sender: Sender) -> bool:
        """Read on and tell what waits; return whether this is the end."""
        last = self._around.stopping.is_set()  # read first: what was logged before it was set is still told
        try:
            more = await asyncio.to_thread(self._reading.look)
            await self._note_reading()
            if self._reading.waiting:
                return not await self._tell(sender, self._reading.waiting[0]) and last
        except (OSError, TidegateError) as error:
            self._say("its log or its own file cannot be used; it is tried again", str(error))
            await self._pause(_DISK_PAUSE_S)
            return last
        if not more:
            await self._pause(LOOK_NS / SECOND_NS)
        return last and not more

    async def _tell(self, sender: Sender, waiting: Waiting) -> bool:
        """Tell one thing until it is settled; return False if it is left for the next start."""
        first_ns = self._around.clock.monotonic_ns()
        tries = 0
        while True:
            tries += 1
            sent = await self._post(sender, waiting)
            answer = answer_of(sent.status)
            now_ns = self._around.clock.monotonic_ns()
            if answer is Answer.TAKEN:
                await self._taken(waiting)
                return True
            if gives_up(answer, self._around.patience, read_ns=waiting.read_ns, first_try_ns=first_ns, now_ns=now_ns):
                await self._given_up(waiting, tries, sent.why)
                return True
            await self._failing(sent.why)
            if self._around.stopping.is_set():
                return False
            await self._pause(pause_ns(tries, self._around.patience, self._around.draw()) / SECOND_NS)

    async def _post(self, sender: Sender, waiting: Waiting) -> Sent:
        notice = waiting.notice
        at_s = self._around.clock.now_ns() // SECOND_NS
        signature = signature_of(self._hook.secret.reveal(), notice.body, at_s)
        return await sender.post(notice.body, {SIGNATURE: signature, DELIVERY: notice.identity, TOPIC: notice.topic.value})

    # What is kept of it.

    async def _taken(self, waiting: Waiting) -> None:
        standing = self.standing
        if standing.failing_since:
            self._say("it answers again", f"it did not since {standing.failing_since}")
        standing.delivered += 1
        standing.delivered_last = self._now()
        await self._settle(waiting)

    async def _given_up(self, waiting: Waiting, tries: int, why: str) -> None:
        standing, notice = self.standing, waiting.notice
        standing.failed += 1
        failure = Failure(id=notice.identity, event=notice.event, at=self._now(), tries=tries, why=why)
        standing.failures = [*standing.failures, failure][-FAILURES_KEPT:]
        self._say(f"delivery {notice.identity} ({notice.event}) is given up after {tries} tries", why)
        await self._settle(waiting, why)

    async def _settle(self, waiting: Waiting, why: str = "") -> None:
        standing = self.standing
        standing.place = self._reading.settled()
        standing.why = why
        standing.failing_since = standing.failing_since if why else ""
        note_gate(standing.gates, waiting.notice.gate)
        await self._write()

    async def _failing(self, why: str) -> None:
        standing = self.standing
        if standing.failing_since and standing.why == why:
            return
        if not standing.failing_since:
            self._say("it does not take a delivery; it is tried again", why)
        standing.failing_since = standing.failing_since or self._now()
        standing.why = why
        await self._write()

    async def _note_reading(self) -> None:
        """Keep what stood in the way, and a place in a new segment: all before it is durable, and is not to be read again."""
        standing, beginning = self.standing, self._reading.beginning
        troubles = [*self._reading.troubles]
        self._reading.troubles.clear()
        for trouble in troubles:
            standing.unread += 1
            standing.why = trouble
            self._say("a part of the log was not read for it", trouble)
        if not self._reading.waiting and beginning.segment != standing.place.segment:
            standing.place = beginning
            await self._write()
        elif troubles:
            await self._write()

    async def _write(self) -> None:
        await asyncio.to_thread(write_standing, self._around.home, self.standing)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._around.stopping.wait()

    def _now(self) -> str:
        return iso_utc(self._around.clock.now_ns())

    def _say(self, happened: str, why: str) -> None:
        self._around.say(self._name, happened, why)
