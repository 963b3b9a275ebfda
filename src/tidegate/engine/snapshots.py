"""The engine's whole state as bytes, and back. Code addresses, cursors and what was already handed to the caller are no part of it."""

import msgspec

from tidegate.engine.core import Core, PairMemory
from tidegate.values.errors import ExitCode, TidegateError


class WrongSnapshotError(TidegateError):
    """A snapshot was made by another layout or session and cannot be continued; warm up from recorded inputs instead."""

    exit_code = ExitCode.ENVIRONMENT


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True):
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


def take(core: Core) -> bytes:
    """Return the state; between inputs only."""
    assert not core.intents, "a snapshot is taken between inputs"
    return msgspec.msgpack.encode(
        _Snapshot(
            layout=core.host.layout.sha256(),
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
        )
    )


def put_back(core: Core, data: bytes) -> None:
    """Make a core the state of a snapshot.

    Raises:
        WrongSnapshotError: of another layout or session, or no snapshot at all.
    """
    try:
        taken = msgspec.msgpack.decode(data, type=_Snapshot)
    except msgspec.MsgspecError as error:
        raise WrongSnapshotError(f"These bytes are no snapshot of an engine ({error}).") from error
    if taken.layout != core.host.layout.sha256() or taken.session != core.spec.session_id:
        raise WrongSnapshotError("The snapshot was made by another layout or session; warm up from recorded inputs instead.")
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
    core.begin()
