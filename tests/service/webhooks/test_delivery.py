"""Deliveries over real sockets: signed, in order, at least once; receivers that are down, slow, broken or gone."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from tests.events.examples import example_of
from tests.service.webhooks.making import QUICK, Log, doubt, fill, hook, server, surroundings, telling, trip
from tidegate.events.inputs import GateSet, Tick
from tidegate.journal.retention import drop_before
from tidegate.service.webhooks import reading as reading_module
from tidegate.service.webhooks.receiver import Receiver
from tidegate.service.webhooks.standing import FAILURES_KEPT, BadStandingError, read_standing, standing_path
from tidegate.values.enums import GateState
from tidegate.values.time import MILLISECOND_NS

pytestmark = [pytest.mark.req("I6"), pytest.mark.asyncio]


async def test_a_fill_a_trip_and_an_order_in_doubt_arrive_signed_and_in_order(tmp_path: Path) -> None:
    async with server() as receiver, telling(tmp_path, receiver.url) as running:
        log = Log(tmp_path)
        log.put(example_of(Tick))
        ids = [log.put(fill("x1")), log.put(trip()), log.put(doubt())]
        await running.until(lambda: len(receiver.got) == 3)
        assert receiver.ids == ids
        told = [one.told for one in receiver.got]
        assert [(one["id"], one["topic"], one["event"]) for one in told] == [
            (ids[0], "fills", "fill"),
            (ids[1], "trips", "trip"),
            (ids[2], "unknown", "unknown"),
        ]
        assert told[0]["fill"]["execution_id"] == "x1"
        assert [one.headers["tidegate-topic"] for one in receiver.got] == ["fills", "trips", "unknown"]
        await running.until(lambda: running.receiver.standing.delivered == 3)
    standing = read_standing(tmp_path, "ops")
    assert standing is not None
    assert (standing.delivered, standing.failed, standing.gates) == (3, 0, {f"{told[1]['data']['scope']}:BAC": "halted"})
    assert standing_path(tmp_path, "ops").stat().st_mode & 0o077 == 0


async def test_a_receiver_is_told_only_what_it_asked_for(tmp_path: Path) -> None:
    async with server() as receiver, telling(tmp_path, receiver.url, "trips") as running:
        log = Log(tmp_path)
        log.fills(3)
        closed = log.put(trip())
        await running.until(lambda: receiver.got)
        assert receiver.ids == [closed]


async def test_what_was_logged_before_the_first_start_is_not_told(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.fills(5)
    async with server() as receiver, telling(tmp_path, receiver.url) as running:
        (new,) = log.fills(1)
        await running.until(lambda: receiver.got)
        assert receiver.ids == [new]


async def test_a_receiver_that_is_down_gets_everything_once_it_is_up_in_order(tmp_path: Path) -> None:
    async with server() as receiver:
        await receiver.down()
        async with telling(tmp_path, receiver.url) as running:
            ids = Log(tmp_path).fills(20)
            await running.until(lambda: running.receiver.standing.why)
            assert "no connection" in running.receiver.standing.why
            assert running.receiver.standing.failing_since
            await receiver.up()
            await running.until(lambda: running.receiver.standing.delivered == 20)
            assert receiver.ids == ids
            assert not running.receiver.standing.failing_since
            assert [line.split(": ")[1] for line in running.said] == ["it does not take a delivery; it is tried again", "it answers again"]


@pytest.mark.parametrize("status", [500, 503, 429, 408, 404, 302])
async def test_an_answer_that_is_no_yes_is_tried_again_with_the_same_id_and_body(status: int, tmp_path: Path) -> None:
    async with server() as receiver, telling(tmp_path, receiver.url) as running:
        receiver.answers.extend([status, status])
        (identity,) = Log(tmp_path).fills(1)
        await running.until(lambda: running.receiver.standing.delivered)
        assert receiver.ids == [identity] * 3, "a redirect is not followed"
        assert len({one.body for one in receiver.got}) == 1
        assert all(one.told["id"] == identity for one in receiver.got)


async def test_a_slow_receiver_is_cut_off_and_holds_up_no_other(tmp_path: Path) -> None:
    async with server() as slow, server() as quick:
        slow.always = 60.0
        async with telling(tmp_path, slow.url, name="slow") as held, telling(tmp_path, quick.url, name="quick") as running:
            ids = Log(tmp_path).fills(10)
            await running.until(lambda: quick.ids == ids)
            await held.until(lambda: held.receiver.standing.why == "no answer in time")
            assert set(slow.ids) == {ids[0]}
            slow.always = 200
            await held.until(lambda: held.receiver.standing.delivered == 10)


async def test_a_receiver_that_refuses_is_given_up_in_time_and_the_next_is_told(tmp_path: Path) -> None:
    patience = msgspec.structs.replace(QUICK, refused_ns=100 * MILLISECOND_NS)
    async with server() as receiver, telling(tmp_path, receiver.url, patience=patience) as running:
        receiver.always = 403
        log = Log(tmp_path)
        (first,) = log.fills(1)
        await running.until(lambda: running.receiver.standing.failed)
        receiver.always = 200
        (second,) = log.fills(1)
        await running.until(lambda: running.receiver.standing.delivered)
        standing = running.receiver.standing
        assert (standing.delivered, standing.failed) == (1, 1)
        assert (standing.failures[0].id, standing.failures[0].why) == (first, "answer 403")
        assert standing.failures[0].tries == receiver.ids.count(first) > 1
        assert receiver.ids[-1] == second
        assert any(f"delivery {first} (fill) is given up" in line for line in running.said)


async def test_a_dead_receiver_costs_bounded_time_and_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "WAITING_MAX", 7)
    patience = msgspec.structs.replace(QUICK, give_up_ns=MILLISECOND_NS)
    async with server() as receiver:
        await receiver.down()
        log = Log(tmp_path)
        async with telling(tmp_path, receiver.url, patience=patience) as running:
            ids = log.fills(40)
            await running.until(lambda: running.receiver.standing.failed == 40)
            assert [one.id for one in running.receiver.standing.failures] == ids[-FAILURES_KEPT:]
            assert len(running.receiver._reading.waiting) == 0
            await receiver.up()
            (after,) = log.fills(1)
            await running.until(lambda: receiver.got)
            assert receiver.ids == [after]


async def test_what_waits_is_read_ahead_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "WAITING_MAX", 5)
    async with server() as receiver:
        await receiver.down()
        async with telling(tmp_path, receiver.url) as running:
            ids = Log(tmp_path).fills(50)
            await running.until(lambda: running.receiver.standing.why)
            assert len(running.receiver._reading.waiting) <= 5
            await receiver.up()
            await running.until(lambda: running.receiver.standing.delivered == 50)
            assert receiver.ids == ids


async def test_after_a_crash_nothing_is_lost_and_only_what_was_under_way_is_told_again(tmp_path: Path) -> None:
    log = Log(tmp_path)
    async with server() as receiver:
        async with telling(tmp_path, receiver.url) as running:
            ids = log.fills(30, flush=False)  # many in one block
            log.writer.flush()
            receiver.answers.extend([200] * 10 + [60.0])
            await running.until(lambda: len(receiver.got) == 11)
        async with telling(tmp_path, receiver.url) as again:
            receiver.answers.clear()
            await again.until(lambda: len(receiver.got) == 31)
            await again.until(lambda: again.receiver.standing.delivered == 30)
        assert receiver.ids == [*ids[:11], *ids[10:]]


async def test_told_to_end_it_tells_what_is_there_and_keeps_what_is_not_taken(tmp_path: Path) -> None:
    log = Log(tmp_path)
    async with server() as receiver:
        async with telling(tmp_path, receiver.url) as running:
            ids = log.fills(25)
            await running.end()
            assert receiver.ids == ids
        await receiver.down()
        async with telling(tmp_path, receiver.url) as running:
            (left,) = log.fills(1)
            await running.until(lambda: running.receiver.standing.why)
            await running.end()
        await receiver.up()
        async with telling(tmp_path, receiver.url) as running:
            await running.until(lambda: running.receiver.standing.delivered == 26)
        assert receiver.ids == [*ids, left]


async def test_it_follows_over_segments_and_sessions(tmp_path: Path) -> None:
    async with server() as receiver, telling(tmp_path, receiver.url) as running:
        first = Log(tmp_path, segment_bytes_max=9_000)
        ids = first.fills(30)
        first.writer.close()
        second = Log(tmp_path, session="two", segment_bytes_max=9_000)
        ids += second.fills(30)
        await running.until(lambda: running.receiver.standing.delivered == 60)
        assert len(list((tmp_path / "log").glob("*.seg"))) > 3
        assert receiver.ids == ids
        assert {one.told["session"] for one in receiver.got} == {"one", "two"}
        assert [one.told["n"] for one in receiver.got] == [*range(30), *range(30)]


async def test_a_quiet_receiver_does_not_read_sealed_segments_again(tmp_path: Path) -> None:
    def is_kept() -> bool:
        standing = read_standing(tmp_path, "ops")
        return standing is not None and standing.place.segment >= 3

    async with server() as receiver:
        async with telling(tmp_path, receiver.url, "trips") as running:
            log = Log(tmp_path, segment_bytes_max=9_000)
            log.fills(60)
            await running.until(is_kept)
        async with telling(tmp_path, receiver.url, "trips") as running:
            log.put(trip())
            await running.until(lambda: receiver.got)


async def test_segments_that_were_dropped_unread_are_told(tmp_path: Path) -> None:
    log = Log(tmp_path, segment_bytes_max=9_000)
    async with server() as receiver:
        await receiver.down()
        async with telling(tmp_path, receiver.url) as running:
            log.fills(1)
            await running.until(lambda: running.receiver.standing.why)
        ids = log.fills(60)
        kept = max(int(path.stem) for path in (tmp_path / "log").glob("*.seg"))
        drop_before(tmp_path / "log", kept)
        await receiver.up()
        async with telling(tmp_path, receiver.url) as running:
            await running.until(lambda: receiver.got and receiver.ids[-1] == ids[-1])
            assert running.receiver.standing.unread == 1
            assert any("entries were dropped from the log before they were read" in line for line in running.said)
        assert receiver.ids == ids[-len(receiver.ids) :]


async def test_gates_that_a_restart_restores_are_not_told_again(tmp_path: Path) -> None:
    restored = msgspec.structs.replace(example_of(GateSet), state=GateState.HALTED, scope=trip().scope, key="BAC", actor="ann")
    async with server() as receiver:
        async with telling(tmp_path, receiver.url) as running:
            log = Log(tmp_path)
            closed = log.put(trip())
            log.put(restored)
            await running.until(lambda: running.receiver.standing.delivered == 1)
        log.put(restored)
        async with telling(tmp_path, receiver.url) as running:
            opened = log.put(trip(GateState.ACTIVE, actor="ann"))
            again = log.put(restored)
            await running.until(lambda: len(receiver.got) == 3)
        assert receiver.ids == [closed, opened, again]
        assert [one.told["event"] for one in receiver.got] == ["trip", "gate", "gate"]


async def test_a_place_that_cannot_be_read_is_an_error_and_not_a_new_beginning(tmp_path: Path) -> None:
    around = surroundings(tmp_path, [], asyncio.Event())
    Receiver(hook("http://127.0.0.1:9/"), around)
    standing_path(tmp_path, "ops").write_text('{"name": "ops"')
    with pytest.raises(BadStandingError, match="what the webhook ops was told and cannot be read"):
        Receiver(hook("http://127.0.0.1:9/"), around)


async def test_a_disk_that_refuses_is_waited_out_and_nothing_unsynced_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.service.webhooks.receiver._DISK_PAUSE_S", 0.01)
    refusing = [True]

    def sync(_handle: int) -> None:
        if refusing[0]:
            raise OSError(5, "Input/output error")

    async with server() as receiver, telling(tmp_path, receiver.url) as running:
        monkeypatch.setattr("tidegate.journal.following._sync", sync)
        ids = Log(tmp_path).fills(3)
        await running.until(lambda: len(running.said) > 3)
        assert receiver.got == []
        refusing[0] = False
        await running.until(lambda: receiver.ids == ids)


async def test_the_address_is_in_no_word_that_is_said_or_kept(tmp_path: Path) -> None:
    async with server() as receiver:
        await receiver.down()
        url = f"http://127.0.0.1:{receiver.port}/token-in-the-path"
        async with telling(tmp_path, url) as running:
            Log(tmp_path).fills(1)
            await running.until(lambda: running.said)
            said = json.dumps(running.said) + standing_path(tmp_path, "ops").read_text()
            assert "token-in-the-path" not in said
