"""The emulator's own endpoints under /emulator: state, faults, steps. No keys: it listens on this machine alone."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from tidegate.clock.clock import ManualClock
from tidegate.emulators.alpaca import money
from tidegate.emulators.alpaca.errors import BadFaultsError, NotSteppedError, WireRefusal
from tidegate.emulators.alpaca.faults import Fault
from tidegate.emulators.alpaca.orders import dollars
from tidegate.emulators.alpaca.wire import Body, iso, moment
from tidegate.emulators.alpaca.world import World
from tidegate.values.money import nanos_text
from tidegate.values.time import NEVER_NS, SECOND_NS

_STEP_SECONDS_MAX: Final = 10 * 365 * 86_400


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far to step: by seconds, by records of the tape, or to a shown time; the first that is given counts."""

    seconds: float = 0.0
    records: int = 0
    until: str = ""


def step(world: World, clock: ManualClock | None, wish: Step) -> Body:
    """Move a stepped emulator's time and play the tape up to it.

    Raises:
        NotSteppedError: its time runs by itself.
        WireRefusal: `until` is not a time.
    """
    if clock is None:
        raise NotSteppedError("This emulator's time runs by itself; start it with speed 0 to step it.")
    if wish.records:
        for _ in range(wish.records):
            due_ns = world.floor.player.next_record_ns()
            if due_ns == NEVER_NS:
                break
            _move(world, clock, world.floor.timeline.shown(due_ns))
    else:
        now_ns = clock.now_ns()
        _move(world, clock, moment(wish.until, "until") if wish.until else now_ns + int(wish.seconds * SECOND_NS))
    return state(world)


def _move(world: World, clock: ManualClock, shown_ns: int) -> None:
    clock.advance(max(shown_ns - clock.now_ns(), 0))
    world.play()


def state(world: World, speed: float = 0.0) -> Body:
    """Return where tape, accounts, connections and faults stand; speed in tape seconds per second, 0: stepped."""
    floor = world.floor
    return {
        "now": iso(floor.timeline.now_ns()),
        "now_ns": floor.timeline.now_ns(),
        "speed": speed,
        "tape_time": iso(floor.player.now_ns),
        "records_played": floor.player.position,
        "tape_is_over": floor.player.is_over,
        "is_open": floor.is_open(),
        "accounts": {
            key: {
                "cash": dollars(desk.account.cash_attos),
                "equity": dollars(money.equity_attos(desk.account, floor)),
                "positions": {symbol: nanos_text(held.quantity_nanos) for symbol, held in desk.account.positions.items()},
                "open_orders": [order.id for order in desk.blotter.open()],
            }
            for key, desk in world.desks.items()
        },
        "market_streams": len(world.hub.subscribers),
        "trading_streams": sum(listener.listens for listener in world.updates.listeners),
        "faults": faults_told(world),
    }


def faults_told(world: World) -> list[Body]:
    """Return the faults in force with their counts."""
    return [{"fault": one.fault, "seen": one.seen, "acted": one.acted, "is_over": one.is_over} for one in world.faults.armed]


Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(world: World, clock: ManualClock | None, speed: float) -> list[web.RouteDef]:
    """Return the control endpoints."""

    async def get_state(_request: web.Request) -> web.Response:
        world.play()
        return _json(state(world, speed))

    async def get_faults(_request: web.Request) -> web.Response:
        return _json(faults_told(world))

    async def change_faults(request: web.Request) -> web.Response:
        faults = [] if request.method == "DELETE" else msgspec.json.decode(await request.read(), type=list[Fault])
        if request.method == "POST":
            world.faults.add(faults)
        else:
            world.faults.set(faults)
        return _json(faults_told(world))

    async def post_step(request: web.Request) -> web.Response:
        return _json(step(world, clock, msgspec.json.decode(await request.read(), type=Step)))

    return [
        web.get("/emulator/state", _guarded(get_state)),
        web.get("/emulator/faults", _guarded(get_faults)),
        web.post("/emulator/faults", _guarded(change_faults)),
        web.put("/emulator/faults", _guarded(change_faults)),
        web.delete("/emulator/faults", _guarded(change_faults)),
        web.post("/emulator/step", _guarded(post_step)),
    ]


def _guarded(serve: Serve) -> Serve:
    """Answer a wrong request of our own endpoints with one sentence."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await serve(request)
        except (msgspec.MsgspecError, BadFaultsError, WireRefusal) as error:
            return _json({"message": str(error)}, http=422)
        except NotSteppedError as error:
            return _json({"message": str(error)}, http=409)

    return guarded


def _json(value: object, http: int = 200) -> web.Response:
    return web.Response(status=http, body=msgspec.json.encode(value), content_type="application/json")
