"""The watchdog against an emulated venue over real sockets: a trader that hangs, a kill, a venue that does not take it at once."""

import ast
import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import ROOT
from tests.emulators.alpaca.kit import Emulator
from tests.service.guarding import WAIT_S, service, trader, until
from tidegate.clock.clock import WallClock
from tidegate.emulators.alpaca.faults import Fault, FaultKind
from tidegate.emulators.alpaca.settings import KEY, SECRET
from tidegate.service import watchdog as watchdogs
from tidegate.service.brake import AlpacaBrake, Brake, alpaca_brake
from tidegate.service.children import Announced
from tidegate.service.health import judge
from tidegate.service.supervisor import NobodyWatchesError
from tidegate.service.watch_rules import SILENCE_NS, Deed
from tidegate.service.watchdog import REPORT_FILE, SENTINEL_FILE, Duty, Watchdog, read_sentinel
from tidegate.values.errors import ExitCode
from tidegate.values.time import MILLISECOND_NS
from tidegate.venues.alpaca.access import AccessError, PaperAccess, local_hosts
from tidegate.venues.errors import Unreachable
from tidegate.venues.port import CancelResult

pytestmark = [pytest.mark.req("E1"), pytest.mark.req("F1")]

ORDER = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "90", "time_in_force": "day"}
GLOBAL = '{"scope":"global","reason":"enough"}\n'


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def brake_of(emulator: Emulator) -> Any:
    return lambda _: alpaca_brake(PaperAccess(KEY, SECRET), local_hosts(emulator.addresses.rest), WallClock())


def rest_an_order(emulator: Emulator) -> None:
    emulator.step(1)
    answer = emulator.call("POST", "/v2/orders", json=ORDER)
    assert answer.status_code == 200, answer.text
    assert open_orders(emulator) == 1


def open_orders(emulator: Emulator) -> int:
    emulator.step(1)
    return len(emulator.call("GET", "/v2/orders").json())


def is_suspended(emulator: Emulator) -> bool:
    return bool(emulator.call("GET", "/v2/account/configurations").json()["suspend_trade"])


def report(home: Path) -> list[dict[str, Any]]:
    path = home / REPORT_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def deeds(home: Path) -> list[str]:
    return [line["deed"] for line in report(home) if line["taken"]]


@pytest.mark.asyncio
async def test_a_trader_that_hangs_has_its_account_closed_is_killed_and_started_again(tmp_path: Path, emulator: Emulator) -> None:
    await asyncio.to_thread(rest_an_order, emulator)
    async with service(tmp_path, trader(tmp_path), brake=brake_of(emulator)) as up:
        await up.until(lambda: up.supervisor.health().stage == "ready")
        (pid,) = up.ready()
        os.kill(pid, signal.SIGSTOP)
        await up.until(lambda: "kill" in deeds(tmp_path))
        assert deeds(tmp_path) == ["suspend", "cancel", "kill"]
        assert await asyncio.to_thread(open_orders, emulator) == 0
        assert await asyncio.to_thread(is_suspended, emulator)
        assert (await asyncio.to_thread(lambda: emulator.call("POST", "/v2/orders", json=ORDER))).status_code == 403
        suspend = report(tmp_path)[0]
        assert SILENCE_NS <= suspend["silence_ms"] * MILLISECOND_NS < 2 * SILENCE_NS  # a busy machine has its share
        await up.until(lambda: len(up.ready()) == 2)
        health = up.supervisor.health()
        assert health.closed == "silence"
        assert judge(health, health.written_monotonic_ns, ready=False).ok
        await up.end()
    assert "The watchdog suspends the account at the venue, since the trader has been silent for" in up.text
    assert "The trader does not answer and is killed; a new one recovers from log and ledger.\n" in up.text


@pytest.mark.asyncio
async def test_a_kill_closes_the_account_without_the_trader_and_leaves_the_trader_alone(tmp_path: Path, emulator: Emulator) -> None:
    await asyncio.to_thread(rest_an_order, emulator)
    async with service(tmp_path, trader(tmp_path), brake=brake_of(emulator)) as up:
        await up.until(up.ready)
        put_sentinel(tmp_path, GLOBAL)
        await up.until(lambda: deeds(tmp_path) == ["suspend", "cancel"])
        assert await asyncio.to_thread(open_orders, emulator) == 0
        assert await asyncio.to_thread(is_suspended, emulator)
        await up.end()
        assert [words for _, words in up.notes()][1:] == ["ready", "ended"]
    assert {line["cause"] for line in report(tmp_path)} == {"sentinel"}


@pytest.mark.asyncio
async def test_a_kill_that_stood_before_the_start_is_carried_out_first(tmp_path: Path, emulator: Emulator) -> None:
    put_sentinel(tmp_path, "")
    async with service(tmp_path, trader(tmp_path), brake=brake_of(emulator)) as up:
        await up.until(lambda: deeds(tmp_path) == ["suspend", "cancel"])
        await up.end()


@pytest.mark.asyncio
async def test_a_venue_that_fails_is_asked_until_it_has_taken_both(tmp_path: Path, emulator: Emulator) -> None:
    await asyncio.to_thread(rest_an_order, emulator)
    await asyncio.to_thread(lambda: emulator.faults(Fault(kind=FaultKind.SERVER_ERROR, count=7)))
    put_sentinel(tmp_path, GLOBAL)
    async with service(tmp_path, trader(tmp_path), brake=brake_of(emulator)) as up:
        await up.until(lambda: deeds(tmp_path)[-2:] == ["suspend", "cancel"])
        assert any(not line["taken"] and line["words"] for line in report(tmp_path))
        assert await asyncio.to_thread(open_orders, emulator) == 0
        await up.end()
    assert SECRET not in up.text


@pytest.mark.asyncio
async def test_a_credential_for_another_place_stops_everything_before_the_trader_starts(tmp_path: Path) -> None:
    async with service(
        tmp_path, trader(tmp_path), brake=lambda _: alpaca_brake(PaperAccess(KEY, SECRET), local_hosts("http://10.0.0.1"), WallClock())
    ) as up:
        with pytest.raises(AccessError, match="A paper key goes to"):
            await asyncio.wait_for(up.ending, WAIT_S)
    assert up.notes() == []


@pytest.mark.asyncio
async def test_if_the_watchdog_breaks_the_trader_is_stopped_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def brake(_: Announced) -> AsyncIterator[Brake]:
        yield Scripted([])

    def breaks(_: Path) -> None:
        raise ZeroDivisionError

    async with service(tmp_path, trader(tmp_path), brake=brake) as up:
        await up.until(up.ready)
        monkeypatch.setattr("tidegate.service.watchdog.read_sentinel", breaks)
        with pytest.raises(NobodyWatchesError, match="The watchdog ended"):
            await asyncio.wait_for(up.ending, WAIT_S)
    assert [words for _, words in up.notes()][-1] == "ended"


def put_sentinel(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / SENTINEL_FILE).write_text(text)


class Scripted:
    """A brake whose answers are written down: an error to raise, or what a cancel says."""

    def __init__(self, answers: list[Exception | list[CancelResult] | None]) -> None:
        self.answers = answers
        self.called: list[str] = []

    def _next(self, name: str) -> list[CancelResult]:
        self.called.append(name)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer or []

    async def suspend(self) -> None:
        self._next("suspend")

    async def cancel_all(self) -> list[CancelResult]:
        return self._next("cancel")


async def guarded(home: Path, brake: Scripted, *, calls: int) -> list[str]:
    """Run a watchdog with a kill in force until the brake was called so often; return what it said."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Brake]:
        yield brake

    said: list[str] = []
    duty = Duty(home, opened, lambda: (None, None), lambda: None, said.append)
    watching = asyncio.create_task(Watchdog(duty, WallClock()).watch_for_ever())
    await until(lambda: len(brake.called) >= calls and len(said) >= calls)
    watching.cancel()
    await asyncio.wait([watching])
    return said


@pytest.mark.asyncio
async def test_whatever_breaks_on_the_way_the_next_attempt_is_made(tmp_path: Path) -> None:
    put_sentinel(tmp_path, GLOBAL)
    left = [CancelResult(venue_order_id="a", taken=False, words="is being replaced")]
    brake = Scripted([Unreachable("No way."), None, None, left, ZeroDivisionError("a bug"), None])
    said = await guarded(tmp_path, brake, calls=6)
    assert brake.called == ["suspend", "cancel", "suspend", "cancel", "cancel", "cancel"]
    assert deeds(tmp_path) == ["cancel", "suspend", "cancel"]
    assert [line["words"] for line in report(tmp_path)] == [
        "No way.", "", "", "1 orders were not canceled: is being replaced.", "The attempt failed (ZeroDivisionError).", "",
    ]  # fmt: skip
    assert said[-1] == "The watchdog cancels every open order, since a kill is in force (taken)."


@pytest.mark.asyncio
async def test_a_report_that_cannot_be_written_keeps_it_from_nothing(tmp_path: Path) -> None:
    put_sentinel(tmp_path, GLOBAL)
    (tmp_path / REPORT_FILE).mkdir()
    brake = Scripted([None, None])
    said = await guarded(tmp_path, brake, calls=2)
    assert brake.called == ["suspend", "cancel"]
    assert any(line.startswith("The watchdog's report could not be written") for line in said)


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        (GLOBAL, True),
        ('{"scope":"account","key":"PA1"}', True),
        ('{"scope":"venue","key":"alpaca"}', True),
        ('{"scope":"symbol","key":"AAPL"}\n{"scope":"strategy","key":"s1"}', False),
        ('{"scope":"symbol","key":"AAPL"}\n{"scope":"account","key":"PA1"}', True),
        ('{"scope":"global","state":"active"}', False),
        ('{"scope":"global","state":"reduce_only"}', False),
        ("", True),
        ("stop everything now", True),
        ('{"scope":"galaxy"}', True),
    ],
)
def test_a_kill_of_the_account_or_more_closes_it_and_so_does_what_cannot_be_read(tmp_path: Path, text: str, *, closes: bool) -> None:
    put_sentinel(tmp_path, text)
    assert (read_sentinel(tmp_path) is not None) == closes


def test_no_file_is_no_kill_and_an_unreadable_one_is(tmp_path: Path) -> None:
    assert read_sentinel(tmp_path) is None
    (tmp_path / SENTINEL_FILE).mkdir()
    assert (read_sentinel(tmp_path) or "").startswith("unreadable: ")


# What its credential can do.


def test_the_brake_can_suspend_and_cancel_and_nothing_else() -> None:
    for brake in (Brake, AlpacaBrake):
        assert {name for name in vars(brake) if not name.startswith("_")} == {"suspend", "cancel_all"}
    assert {deed.value for deed in Deed} == {"suspend", "cancel", "kill"}


def test_only_the_brake_holds_the_client_made_with_the_watchdogs_credential() -> None:
    calls: dict[str, set[str]] = {}
    for name in ("brake", "watchdog", "watch_rules", "supervisor", "children", "restarts", "health", "heartbeat", "up_keys"):
        tree = ast.parse((ROOT / "src" / "tidegate" / "service" / f"{name}.py").read_text())
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        words |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        if "AlpacaClient" in words:
            calls[name] = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and "client" in ast.unparse(node.value)}
    assert calls == {"brake": {"suspend", "cancel_all"}}


@pytest.mark.asyncio
async def test_two_requests_are_all_that_the_brake_ever_sends() -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.path_qs, await request.read()))
        bodies: Mapping[str, object] = {"PATCH": {"suspend_trade": True}, "DELETE": []}
        return web.json_response(bodies[request.method], status=200 if request.method == "PATCH" else 207)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        async with alpaca_brake(PaperAccess(KEY, SECRET), local_hosts(f"http://127.0.0.1:{port}"), WallClock()) as brake:
            await brake.suspend()
            assert await brake.cancel_all() == []
    finally:
        await runner.cleanup()
    assert seen == [("PATCH", "/v2/account/configurations", b'{"suspend_trade":true}'), ("DELETE", "/v2/orders", b"")]


@pytest.mark.req("B4.1")
@pytest.mark.asyncio
async def test_a_trader_that_is_given_up_leaves_a_closed_account(tmp_path: Path, emulator: Emulator) -> None:
    await asyncio.to_thread(rest_an_order, emulator)
    async with service(tmp_path, trader(tmp_path, "dies"), brake=brake_of(emulator)) as up:
        assert await asyncio.wait_for(up.ending, WAIT_S) == ExitCode.ENVIRONMENT
    assert deeds(tmp_path) == ["suspend", "cancel"]
    assert await asyncio.to_thread(open_orders, emulator) == 0
    assert await asyncio.to_thread(is_suspended, emulator)
    assert up.supervisor.health().closed == "given_up"
    assert "The watchdog suspends the account at the venue, since the trader died too often and is not started again (taken).\n" in up.text


@pytest.mark.asyncio
async def test_a_trader_that_was_refused_leaves_the_account_to_whoever_has_it(tmp_path: Path, emulator: Emulator) -> None:
    await asyncio.to_thread(rest_an_order, emulator)
    async with service(tmp_path, trader(tmp_path, "refuses"), brake=brake_of(emulator)) as up:
        assert await asyncio.wait_for(up.ending, WAIT_S) == ExitCode.REFUSED
    assert deeds(tmp_path) == []
    assert await asyncio.to_thread(open_orders, emulator) == 1


@pytest.mark.asyncio
async def test_a_venue_that_cannot_be_reached_does_not_hold_up_the_end_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def deaf(_: Announced) -> AsyncIterator[Brake]:
        yield Refusing()

    monkeypatch.setattr(watchdogs, "GIVEN_UP_NS", 500 * MILLISECOND_NS)
    async with service(tmp_path, trader(tmp_path, "dies"), brake=deaf) as up:
        assert await asyncio.wait_for(up.ending, WAIT_S) == ExitCode.ENVIRONMENT
    assert "The account could not be closed; look at the venue at once: orders of the trader may still work there.\n" in up.text


class Refusing:
    async def suspend(self) -> None:
        raise Unreachable("Nobody is there.")

    async def cancel_all(self) -> list[CancelResult]:
        raise Unreachable("Nobody is there.")
