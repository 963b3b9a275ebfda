"""The engine's whole state as bytes, and back. Code addresses, cursors and what was already handed to the caller are no part of it."""

import msgspec

from tidegate.engine.carrying import Carried, carried, put_carried
from tidegate.engine.core import BrokenOff, Core, PairMemory
from tidegate.engine.layout import layout_sha256
from tidegate.engine.records import Pending
from tidegate.portfolio.books import holdings_in
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import NEVER_NS


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
    in_trade: bytes
    states: tuple[bytes, ...]
    pairs: tuple[tuple[int, int, PairMemory], ...]
    lag_ns: int
    streams_down: tuple[tuple[str, str], ...]
    timers: tuple[int, ...]
    valuation_due_ns: int
    broken_off: BrokenOff | None = None
    carried: Carried | None = None  # the same again in a form that outlives this layout
    live: bytes = b""  # msgpack of `_Live`; empty: nothing of it
    approvals: bytes = b""  # empty: nobody was ever asked
    not_permitted: tuple[tuple[str, str], ...] = ()


def take(core: Core, *, carry: bool = True) -> bytes:
    """Return the state; between inputs only. Without `carry` everything stands in it once, as for a hash."""
    assert not core.intents, "a snapshot is taken between inputs"
    return msgspec.msgpack.encode(
        _Snapshot(
            layout=layout_sha256(),
            session=core.spec.session_id,
            senses=core.host.durable(),
            portfolio=core.portfolio.snapshot(),
            orders=core.orders.snapshot(),
            gates=core.gates.snapshot(),
            in_trade=core.in_trade.snapshot(),
            states=tuple(msgspec.msgpack.encode(state) for state in core.states),
            pairs=tuple((*key, core.pairs[key]) for key in sorted(core.pairs)),
            lag_ns=core.lag_ns,
            streams_down=tuple(sorted(core.streams_down.items())),
            timers=core.clocks.timers_ns,
            valuation_due_ns=core.clocks.valuation_ns,
            broken_off=core.broken_off,
            carried=carried(core) if carry else None,
            live=_live(core),
            approvals=core.approvals.snapshot(),
            not_permitted=tuple(sorted(core.not_permitted.items())),
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
    core.host.restore(taken.senses)
    _put_back_judgement(core, taken)
    _put_back_strategies(core, taken)
    core.clocks.put(taken.valuation_due_ns, taken.timers)
    core.begin()


def take_over(core: Core, data: bytes) -> None:
    """Make a new session's core the state in which another session ended; its first input starts the clocks.

    Raises:
        WrongSnapshotError: of another layout or configuration, or no snapshot at all.
    """
    taken = _read(data)
    if taken.layout != layout_sha256():
        raise WrongSnapshotError("The snapshot was made by another layout; warm up from recorded inputs instead.")
    _put_back_senses(core, taken)
    _put_back_judgement(core, taken)
    _put_back_strategies(core, taken)
    begin_anew(core)


def adopt(core: Core, data: bytes) -> tuple[str, ...]:
    """Take over what judgement knows from a snapshot of any layout and configuration; senses, but for the pairs' cells, stay.

    Returns the strategies whose State cannot be read any more and that begin with a new one.

    Raises:
        WrongSnapshotError: no snapshot, or one that cannot be read without its own code.
    """
    taken = _read(data)
    if taken.carried is None:
        raise WrongSnapshotError("The snapshot is of a version that kept nothing for others; start anew.")
    _put_back_judgement(core, taken)
    return put_carried(core, taken.carried, taken.states, taken.pairs)


def held_in(data: bytes) -> tuple[tuple[str, str, int, int], ...]:
    """Return (strategy, symbol, quantity in nanos, cost basis in attos) of everything held in a snapshot of any layout.

    Raises:
        WrongSnapshotError: no snapshot.
    """
    return holdings_in(_read(data).portfolio)


def begin_anew(core: Core) -> None:
    """Make the state the beginning of a session: n counts from 1, and its first input starts the clocks."""
    header = core.host.table("header")[0]
    header["n"] = 0
    header["next_second_ns"] = header["next_minute_ns"] = NEVER_NS
    core.clocks.stop()
    core.host.bind()
    core.begin()
    core.set_timer()


def _read(data: bytes) -> _Snapshot:
    try:
        return msgspec.msgpack.decode(data, type=_Snapshot)
    except msgspec.MsgspecError as error:
        raise WrongSnapshotError(f"These bytes are no snapshot of an engine ({error}).") from error


def _put_back_senses(core: Core, taken: _Snapshot) -> None:
    """Put the senses back if they are of this configuration: the same names in the same places, the same settings."""
    names = None if taken.carried is None else (taken.carried.strategies, taken.carried.symbols)
    before = core.host.durable()
    same = names == (tuple(core.strategy_places), tuple(core.instruments)) and len(taken.senses) == len(before)
    if same:
        configured = _configured(core)
        core.host.restore(taken.senses)
        same = _configured(core) == configured
    if not same:
        core.host.restore(before)
        raise WrongSnapshotError("The snapshot was made under another configuration; warm up from recorded inputs instead.")


def _put_back_judgement(core: Core, taken: _Snapshot) -> None:
    try:
        core.portfolio.restore(taken.portfolio)
        core.orders.restore(taken.orders)
        core.gates.restore(taken.gates)
        core.in_trade.restore(taken.in_trade)
        core.approvals.restore(taken.approvals)
    except msgspec.MsgspecError as error:
        raise WrongSnapshotError(f"The snapshot was made by other code ({error}); warm up from recorded inputs instead.") from error
    for strategy_id in core.in_trade.strategies.keys() - set(core.spec.own_losses()):
        del core.in_trade.strategies[strategy_id]  # not watched any more: what is known of it would stand still
    core.lag_ns = taken.lag_ns
    core.streams_down.clear()
    core.streams_down.update(taken.streams_down)
    core.not_permitted.clear()
    core.not_permitted.update(taken.not_permitted)
    core.broken_off = taken.broken_off
    _put_back_live(core, taken.live)


def _put_back_strategies(core: Core, taken: _Snapshot) -> None:
    for place, state in enumerate(taken.states):
        try:
            core.states[place] = msgspec.msgpack.decode(state, type=type(core.strategies[place].state))
        except msgspec.MsgspecError as error:
            name = core.strategies[place].strategy_id
            raise WrongSnapshotError(f"The State of {name} is of another form ({error}); warm up from recorded inputs instead.") from error
    core.pairs.clear()
    core.pairs.update({(strategy, place): memory for strategy, place, memory in taken.pairs})


def _configured(core: Core) -> bytes:
    """Return what the specification has written into the senses: what a session keeps from its first input to its last."""
    host = core.host
    symbols, own = host.table("symbols"), host.table("own")
    parts = [host.table(name) for name in ("settings", "strategies", "params")]
    parts += [symbols["session"], symbols["group"], symbols["bars_from_trades"], host.table("groups")["index_symbol"], own["active"]]
    return b"".join(part.tobytes() for part in parts)


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
