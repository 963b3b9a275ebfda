"""The engine's whole state as bytes, and back. Code addresses, cursors and what was already handed to the caller are no part of it."""

import msgspec

from tidegate.engine.core import Core, PairMemory
from tidegate.engine.layout import layout_sha256
from tidegate.engine.records import Pending
from tidegate.values.errors import ExitCode, TidegateError


class WrongSnapshotError(TidegateError):
    """A snapshot was made by another layout or session and cannot be continued; warm up from recorded inputs instead."""

    exit_code = ExitCode.ENVIRONMENT


class _Live(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What only a live session has: differences that wait for a second report, what reconciliation changed, requests."""

    pending: tuple[tuple[str, Pending], ...]
    adjusted_attos: str
    requests: bytes


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The engine's whole state, as bytes of its parts."""

    layout: str
    session: str
    senses: bytes
    portfolio: bytes
    orders: bytes
    gates: bytes
    states: tuple[bytes, ...]
    pairs: tuple[tuple[int, int, PairMemory], ...]
    lag_ns: int
    streams_down: tuple[tuple[str, str], ...]
    timers: tuple[int, ...]
    valuation_due_ns: int
    live: bytes = b""  # msgpack of `_Live`; empty: nothing of it


def take(core: Core) -> bytes:
    """Return the state; between inputs only."""
    assert not core.intents, "a snapshot is taken between inputs"
    return msgspec.msgpack.encode(
        _Snapshot(
            layout=layout_sha256(),
            session=core.spec.session_id,
            senses=core.host.durable(),
            portfolio=core.portfolio.snapshot(),
            orders=core.orders.snapshot(),
            gates=core.gates.snapshot(),
            states=tuple(msgspec.msgpack.encode(state) for state in core.states),
            pairs=tuple((*key, core.pairs[key]) for key in sorted(core.pairs)),
            lag_ns=core.lag_ns,
            streams_down=tuple(sorted(core.streams_down.items())),
            timers=tuple(core.timers),
            valuation_due_ns=core.valuation_due_ns,
            live=_live(core),
        )
    )


def put_back(core: Core, data: bytes) -> None:
    """Make a core the state of a snapshot.

    Raises:
        WrongSnapshotError: of another layout or session, or no snapshot at all.
    """
    taken = _read(data)
    if taken.layout != layout_sha256() or taken.session != core.spec.session_id:
        raise WrongSnapshotError("The snapshot was made by another layout or session; warm up from recorded inputs instead.")
    _put_back(core, taken)


def carry_on(core: Core, data: bytes) -> None:
    """Make the state in which an earlier session of the same layout ended the opening of this one: inputs count anew.

    Raises:
        WrongSnapshotError: of another layout, or no snapshot at all.
    """
    taken = _read(data)
    if taken.layout != layout_sha256():
        raise WrongSnapshotError("The snapshot was made by another layout; warm up from recorded inputs instead.")
    _put_back(core, taken)
    core.host.integers[core.reading.n_cell] = 0
    core.begin()


def _read(data: bytes) -> _Snapshot:
    try:
        return msgspec.msgpack.decode(data, type=_Snapshot)
    except msgspec.MsgspecError as error:
        raise WrongSnapshotError(f"These bytes are no snapshot of an engine ({error}).") from error


def _put_back(core: Core, taken: _Snapshot) -> None:
    core.host.restore(taken.senses)
    core.portfolio.restore(taken.portfolio)
    core.orders.restore(taken.orders)
    core.gates.restore(taken.gates)
    for place, state in enumerate(taken.states):
        core.states[place] = msgspec.msgpack.decode(state, type=type(core.strategies[place].state))
    core.pairs.clear()
    core.pairs.update({(strategy, place): memory for strategy, place, memory in taken.pairs})
    core.lag_ns = taken.lag_ns
    core.streams_down.clear()
    core.streams_down.update(taken.streams_down)
    core.timers[:] = taken.timers
    core.valuation_due_ns = taken.valuation_due_ns
    _put_back_live(core, taken.live)
    core.begin()


def _live(core: Core) -> bytes:
    if not (core.pending or core.adjusted_attos or core.requests.seen):
        return b""
    pending = tuple(sorted(core.pending.items()))
    return msgspec.msgpack.encode(_Live(pending=pending, adjusted_attos=str(core.adjusted_attos), requests=core.requests.snapshot()))


def _put_back_live(core: Core, data: bytes) -> None:
    live = msgspec.msgpack.decode(data, type=_Live) if data else _Live(pending=(), adjusted_attos="0", requests=b"")
    core.pending.clear()
    core.pending.update(live.pending)
    core.adjusted_attos = int(live.adjusted_attos)
    core.requests.restore(live.requests)
