"""Sessions as a trader would log them: market records in the log, order events, ticks and gates in between, one session after another."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from msgspec.structs import replace

from tests.contract.kit import NEAR, Latencies, configuration, flat, merged_of
from tests.contract.markets import Market, make_tape
from tests.replay.logs import mills
from tidegate.config.reading import LoadedConfig
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.codec import encode
from tidegate.events.inputs import AnyInput
from tidegate.journal import read, recover
from tidegate.journal.files import segment_numbers
from tidegate.journal.live import LiveLog
from tidegate.journal.settings import LiveSettings
from tidegate.journal.snapshots import SnapshotPace
from tidegate.recovery import machine
from tidegate.recovery.fold import begin_session, snapshot_of
from tidegate.recovery.start import Start, start_from
from tidegate.replay.loop import ReplayLoop
from tidegate.replay.prepare import Plan, assemble
from tidegate.tapes.format import Tape
from tidegate.values.ids import SessionId
from tidegate.values.time import MINUTE_NS

SMALL = LiveSettings(block_bytes_max=3_000, segment_bytes_max=100_000, sync_every_ns=1_000_000)


class BrokeOffError(Exception):
    """The process ends here."""


def loaded_config(strategies: Sequence[Any] = (), *, latencies: Latencies = NEAR, **changes: Any) -> LoadedConfig:
    return configuration(strategies or mills(), latencies=latencies, **changes)


def plan_of(loaded: LoadedConfig, number: int, *, seed: int = 3, records: int = 500, symbols: int = 2) -> Plan:
    """Return session `number` of a trader: its market is some minutes after that of the one before."""
    tape = make_tape(Market(seed=seed + number, records=records, symbols=symbols))
    moved = tape.records.copy()
    for name in ("ts_event", "ts_recv"):
        moved[name] += number * 10 * MINUTE_NS
    plan = assemble(loaded, (Tape.of(moved, symbols=tape.symbols),))
    return plan._replace(spec=replace(plan.spec, session_id=f"live{number}"))


class LiveSink:
    """Gives a session's entries to a live log; market records in parts of any size."""

    def __init__(self, log: LiveLog, plan: Plan, engine: Engine, *, seed: int, break_at: int, snapshot_every: int) -> None:
        self._log = log
        self._records = flat(merged_of(plan))
        self._engine = engine
        self._session = plan.spec.session_id
        self._draw = Random(seed)
        self._at = 0
        self._acts_left = break_at
        self._pace = SnapshotPace(snapshot_every or 1 << 40)

    def span(self, n_first: int, count: int) -> None:
        self._judged(n_first - 1)
        while count:
            part = min(count, self._draw.randrange(1, 90))
            self._log.records(n_first, self._records[self._at : self._at + part])
            self._at, n_first, count = self._at + part, n_first + part, count - part

    def input(self, n: int, message: AnyInput) -> None:
        self._judged(n - 1)
        if self._engine.n == n - 1 and self._pace.due(n - 1):
            self._log.snapshot(snapshot_of(self._engine, session_id=self._session, code_sha256=machine.code_sha256()))
        if self._draw.random() < 0.3:
            self._log.evidence(b'{"raw":"what came over the wire"}')
        self._log.input(n, encode(message))

    def act(self, n: int, k: int, act: Any) -> None:
        self._acts_left -= 1
        if self._acts_left == 0:
            raise BrokeOffError
        self._log.act(n, k, encode(act))

    def _judged(self, n: int) -> None:
        if n > 0:
            self._log.judged(n)


def start_of(directory: Path, plan: Plan, toolchain: Toolchain, *, code: str = "", from_ns: int = 0) -> Start | None:
    """Return what a session begins with; None: no log stands there."""
    if not segment_numbers(directory):
        return None
    recover(directory)
    return start_from(read(directory), plan.spec, toolchain, code_sha256=code or machine.code_sha256(), from_ns=from_ns)


def run_live(
    directory: Path,
    plan: Plan,
    toolchain: Toolchain,
    *,
    seed: int = 0,
    more: Sequence[AnyInput] = (),
    break_at: int = -1,
    snapshot_every: int = 0,
    start: Start | None = None,
    version: str = "",
    mode: str = "paper",
) -> Engine:
    """Run a session after whatever stands in the log; `break_at`: the process ends before that act is written."""
    start = start or start_of(directory, plan, toolchain)
    opening = replace(plan.opening(), session_id=plan.spec.session_id, mode=mode, tapes=(), version_sha256=version)
    if start is not None:
        opening = replace(opening, snapshot=start.state, snapshot_sha256=sha256(start.state).hexdigest())
    engine = Engine(plan.spec, toolchain)
    begin_session(engine, opening)
    log = LiveLog(directory, opening, SMALL)
    sink = LiveSink(log, plan, engine, seed=seed, break_at=break_at, snapshot_every=snapshot_every)
    loop = ReplayLoop(
        session=SessionId(plan.spec.session_id),
        engine=engine,
        venue=plan.venue(toolchain),
        merged=merged_of(plan),
        scheduled=sorted([*plan.scheduled, *more], key=lambda message: message.timestamp),
        sinks=[sink],
    )
    try:
        loop.run()
    except BrokeOffError:
        log.abandon()
        return engine
    log.judged(engine.n)
    asyncio.run(log.close(state_sha256=engine.state_sha256()))
    return engine


def rows_of(engine: Engine, symbol: str) -> dict[str, Any]:
    """Return what the senses know of a symbol, by name."""
    row = engine._core.host.table("symbols")[engine.place_of(symbol)]
    return {name: np.asarray(row[name]).tolist() for name in row.dtype.names or ()}
