"""The stream manager with scripted connections: order of trust, resync, storms, silence, live changes, ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from tests.venues.scripted import WALL_NS, Collector, Doors, PlainDialect, ScriptedSocket, Time, settle
from tidegate.values.time import SECOND_NS
from tidegate.venues.errors import StreamOwnedElsewhereError, Unreachable
from tidegate.venues.lifeline import Stage, Timing
from tidegate.venues.port import StreamDown, StreamUp
from tidegate.venues.stream import Connect, Outside, StreamManager, StreamSettings

pytestmark = [pytest.mark.req("B4.1"), pytest.mark.asyncio]


class Scene:
    def __init__(self) -> None:
        self.time = Time()
        self.dialect = PlainDialect()
        self.asked: list[int] = []
        self.answer: Sequence[str] = ("snapshot",)
        self.trouble: list[Unreachable] = []
        self.bug: KeyError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.seen = Collector()
        self.due = True
        self.manager: StreamManager[str] | None = None

    async def resync(self, since_ns: int) -> Sequence[str]:
        self.asked.append(since_ns)
        await self.gate.wait()
        if self.bug is not None:
            raise self.bug
        if self.trouble:
            raise self.trouble.pop(0)
        return self.answer

    def run(self, connect: Connect, *, timing: Timing | None = None, **more: int) -> StreamManager[str]:
        self.manager = StreamManager(
            StreamSettings(name="test", timing=timing or Timing(), **more),
            dialect=self.dialect,
            connect=connect,
            resync=self.resync,
            outside=Outside(clock=self.time.clock, jitter=lambda: 0.999, wait=self.time.wait, data_due=lambda: self.due),
        )
        self.seen.start(self.manager.items)
        return self.manager

    def words(self) -> list[object]:
        return [
            f"up {item.attempt}" if isinstance(item, StreamUp) else f"down: {item.reason}" if isinstance(item, StreamDown) else item
            for item in self.seen.items
        ]


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    yield scene
    if scene.manager is not None:
        await scene.manager.close()
        await settle()
    if scene.seen.task is not None:
        await scene.seen.task


async def live(socket: ScriptedSocket) -> None:
    await settle()
    socket.say("welcome")
    await settle()
    socket.say("listening")
    await settle()


async def test_a_stream_is_trusted_only_after_its_resync_and_what_came_meanwhile_follows_it(scene: Scene) -> None:
    socket = ScriptedSocket()
    scene.gate.clear()
    scene.run(Doors(socket))
    await settle()
    assert socket.sent == ["hello"]
    socket.say("welcome", "listening", "early 1", "early 2")
    await settle()
    assert socket.sent == ["hello", "subscribe a"]
    assert scene.seen.items == []
    scene.gate.set()
    await settle()
    socket.say("later")
    await settle()
    assert scene.words() == ["snapshot", "early 1", "early 2", "up 1", "later"]
    assert scene.asked == [0]


async def test_a_greeting_that_arrives_with_the_connection_is_heard_after_it_opened(scene: Scene) -> None:
    socket = ScriptedSocket()
    socket.say("welcome", "listening")
    scene.run(Doors(socket))
    await settle()
    assert scene.words() == ["snapshot", "up 1"]


async def test_a_lost_connection_comes_back_subscribed_and_resynced_from_the_last_sign_of_life(scene: Scene) -> None:
    first, second = ScriptedSocket(pongs=False), ScriptedSocket()
    scene.run(Doors(first, second))
    await live(first)
    await scene.time.pass_(5 * SECOND_NS)
    first.say("data")
    await settle()
    await scene.time.pass_(3 * SECOND_NS)
    first.drop("reset by peer")
    await settle()
    assert scene.words()[-1] == "down: reset by peer"
    assert first.closed
    await scene.time.pass_(SECOND_NS)
    await live(second)
    assert second.sent == ["hello", "subscribe a"]
    assert scene.words() == ["snapshot", "up 1", "data", "down: reset by peer", "snapshot", "up 2"]
    assert scene.asked == [0, WALL_NS + 5 * SECOND_NS]


async def test_a_disconnect_storm_knocks_ever_more_slowly(scene: Scene) -> None:
    doors = Doors(*(Unreachable(f"refused {number}") for number in range(50)))
    scene.run(doors)
    await scene.time.pass_(600 * SECOND_NS)
    assert 10 <= doors.knocks <= 17
    assert all(isinstance(item, StreamDown) and not item.final for item in scene.seen.items)


async def test_a_half_open_socket_is_noticed_and_left(scene: Scene) -> None:
    dead, second = ScriptedSocket(pongs=False), ScriptedSocket()
    scene.run(Doors(dead, second))
    await live(dead)
    await scene.time.pass_(29 * SECOND_NS)
    assert dead.pings == 2
    assert not dead.closed
    await scene.time.pass_(SECOND_NS)
    assert dead.closed
    assert "not even an answer to a ping" in str(scene.words()[-1])
    await scene.time.pass_(SECOND_NS)
    await live(second)
    await scene.time.pass_(120 * SECOND_NS)
    assert scene.words()[-1] == "up 2"
    assert scene.asked[1] == WALL_NS, "all that came after the last sign of life is asked for again"


async def test_a_socket_that_is_alive_and_mute_is_left_only_when_data_is_due(scene: Scene) -> None:
    mute, second = ScriptedSocket(), ScriptedSocket()
    scene.due = False
    scene.run(Doors(mute, second), timing=Timing(quiet_ns=20 * SECOND_NS))
    await live(mute)
    await scene.time.pass_(300 * SECOND_NS)
    assert not mute.closed
    scene.due = True
    await scene.time.pass_(21 * SECOND_NS)
    assert mute.closed
    assert "no data" in str(scene.words()[-1])


async def test_a_resync_that_fails_is_a_loss_and_what_came_meanwhile_is_kept_as_fact(scene: Scene) -> None:
    first, second = ScriptedSocket(), ScriptedSocket()
    scene.trouble = [Unreachable("no route")]
    scene.run(Doors(first, second))
    await settle()
    first.say("welcome", "listening", "early")
    await settle()
    assert scene.words() == ["early", "down: what was missed could not be read: no route"]
    await scene.time.pass_(SECOND_NS)
    await live(second)
    assert scene.words()[2:] == ["snapshot", "up 2"]


async def test_a_resync_that_hangs_is_given_up(scene: Scene) -> None:
    socket = ScriptedSocket()
    scene.gate.clear()
    scene.run(Doors(socket, ScriptedSocket()))
    await live(socket)
    await scene.time.pass_(60 * SECOND_NS)
    assert scene.words() == ["down: resyncing took longer than 60 s"]


async def test_more_than_can_wait_for_the_resync_is_a_loss_and_not_a_gap(scene: Scene) -> None:
    socket = ScriptedSocket()
    scene.gate.clear()
    scene.run(Doors(socket, ScriptedSocket()), held_max=10)
    await live(socket)
    socket.say(*(str(number) for number in range(11)))
    await settle()
    assert scene.words() == [*(str(number) for number in range(11)), "down: more arrived than can wait for the resync"]


async def test_the_loser_of_two_connections_with_one_key_stops_and_says_so(scene: Scene) -> None:
    sockets = [ScriptedSocket() for _ in range(10)]
    for socket in sockets:
        socket.say("taken")
    scene.run(Doors(*sockets))
    await scene.time.pass_(200 * SECOND_NS)
    assert scene.seen.ended
    last = scene.seen.items[-1]
    assert isinstance(last, StreamDown)
    assert last.final
    assert last.reason == "it said taken"


async def test_an_owner_in_the_same_process_counts_as_one(scene: Scene) -> None:
    scene.run(Doors(*(StreamOwnedElsewhereError("taken here") for _ in range(20))))
    await scene.time.pass_(200 * SECOND_NS)
    assert scene.seen.ended


async def test_a_wrong_key_ends_the_stream_at_once(scene: Scene) -> None:
    socket = ScriptedSocket()
    scene.run(Doors(socket))
    await settle()
    socket.say("never")
    await settle()
    assert scene.seen.ended
    assert socket.closed
    last = scene.seen.items[-1]
    assert isinstance(last, StreamDown)
    assert last.final


async def test_a_subscription_changes_on_the_open_connection_and_survives_a_reconnect(scene: Scene) -> None:
    first, second = ScriptedSocket(), ScriptedSocket()
    manager = scene.run(Doors(first, second))
    await live(first)
    scene.dialect.wanted.append("b")
    manager.refresh()
    await settle()
    assert first.sent[-1] == "change a,b"
    first.drop()
    await settle()
    await scene.time.pass_(SECOND_NS)
    await live(second)
    assert second.sent == ["hello", "subscribe a,b"]


async def test_a_stream_with_nothing_to_subscribe_is_trusted_without_asking(scene: Scene) -> None:
    scene.dialect.wanted.clear()
    socket = ScriptedSocket()
    scene.run(Doors(socket))
    await settle()
    socket.say("welcome")
    await settle()
    assert scene.words() == ["snapshot", "up 1"]
    assert socket.sent == ["hello"]


async def test_a_stream_known_to_be_incomplete_is_left_and_resynced(scene: Scene) -> None:
    first, second = ScriptedSocket(), ScriptedSocket()
    manager = scene.run(Doors(first, second))
    await live(first)
    manager.doubt("a fill was found that it never brought")
    await settle()
    assert first.closed
    await scene.time.pass_(SECOND_NS)
    await live(second)
    assert scene.words() == ["snapshot", "up 1", "down: a fill was found that it never brought", "snapshot", "up 2"]


async def test_a_slow_consumer_leaves_the_socket_waiting_instead_of_growing(scene: Scene) -> None:
    socket = ScriptedSocket()
    scene.run(Doors(socket), frames_max=5)
    await live(socket)
    socket.say(*(str(number) for number in range(100)))
    for _ in range(20):
        await settle()
    assert [word for word in scene.words() if str(word).isdigit()] == [str(number) for number in range(100)]


async def test_closing_ends_the_iteration_and_the_connection(scene: Scene) -> None:
    socket = ScriptedSocket()
    manager = scene.run(Doors(socket))
    await live(socket)
    await manager.close()
    await settle()
    assert scene.seen.ended
    assert socket.closed
    assert manager.line.stage is Stage.STOPPED


async def test_a_bug_in_a_resync_is_raised_where_the_stream_is_read(scene: Scene) -> None:
    socket = ScriptedSocket()
    scene.bug = KeyError("bug")
    scene.run(Doors(socket))
    await live(socket)
    assert scene.seen.task is not None
    with pytest.raises(KeyError):
        await scene.seen.task
    scene.seen.task = None
