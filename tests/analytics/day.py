"""A whole scripted day for reports: three random walks, three strategies, every kind of ending."""

from dataclasses import dataclass, field
from random import Random

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.analytics.parts import CLOSE_NS, OPEN_NS, SESSION, Order
from tests.analytics.scripted import Scripted
from tidegate.analytics.collect import Collector, Run, Sources
from tidegate.analytics.entries import MaskedTrigger
from tidegate.events.acts import CheckResult
from tidegate.events.session import SessionOpened, SourceRef, TapeRef
from tidegate.values.enums import ExitReason, OrderEventKind, OrderState, Regime, Side
from tidegate.values.instruments import Instrument
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import SECOND_NS

SECONDS = 390 * 60
STRATEGIES = ("mean_reversion", "trend_following", "breakout")
STARTS = {"AIG": 48.9, "BAC": 13.9, "IBM": 182.1}
FAILED: tuple[tuple[CheckResult, str], ...] = (
    (("spread", False, 5, 11), "the spread is 11 bps, above 5 bps"),
    (("order_notional", False, 10_000_000_000, 18_212_000_000), "the order is worth $18212, above $10000"),
    (("quote_age", False, 2 * SECOND_NS, 3_812_000_000), "the quote is 3.812 s old, above 2 s"),
    (("orders_per_minute", False, 30, 31), "it would be order 31 of the minute, above 30"),
    (
        ("buying_power", False, None, None),
        "it cannot be seen: gross exposure against equity",
    ),
)
EXITS = (
    ExitReason.STOP_LOSS,
    ExitReason.TAKE_PROFIT,
    ExitReason.TRAILING_STOP,
    ExitReason.TIME_STOP,
    ExitReason.TRIGGER,
)


@dataclass
class Day:
    """The walk, the script, and what is held."""

    seed: int = 7
    script: Scripted = field(default_factory=Scripted)
    walks: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    held: dict[tuple[str, str], tuple[Order, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Walk the prices: quiet, then trending, then wild, then quiet."""
        drawn = np.random.default_rng(self.seed)
        phase = np.repeat([0.6, 1.0, 2.2, 0.8], SECONDS // 4)
        for symbol, start in STARTS.items():
            steps = drawn.normal(0.0, 1.0, SECONDS) * phase * start * 1.1e-4
            drift = np.repeat([0.0, 1.2e-6, -1.5e-6, 0.0], SECONDS // 4) * start
            self.walks[symbol] = start + np.cumsum(steps + drift * drawn.choice([-1, 1]))

    def quote(self, symbol: str, second: int) -> tuple[str, str]:
        """Return bid and ask as text."""
        cents = int(self.walks[symbol][second] * 100)
        return f"{cents / 100:.2f}", f"{(cents + 1) / 100:.2f}"

    def prices(self, symbol: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the price series the plots read."""
        return OPEN_NS + np.arange(SECONDS, dtype=np.int64) * SECOND_NS, self.walks[symbol]

    def marks(self, symbol: str, from_ns: int, to_ns: int) -> tuple[int, int, int, int] | None:
        """Return the extremes of bid and ask between two times."""
        first, last = (from_ns - OPEN_NS) // SECOND_NS, (to_ns - OPEN_NS) // SECOND_NS
        part = self.walks[symbol][max(0, first) : last + 2]
        low, high = int(part.min() * 100) * (NANOS // 100), int(part.max() * 100) * (NANOS // 100)
        return low, high, low + NANOS // 100, high + NANOS // 100


def opening() -> SessionOpened:
    """Return a first entry with every field a report shows."""
    instruments = tuple(Instrument(index=i, symbol=symbol, venue="sim") for i, symbol in enumerate(STARTS))
    return SessionOpened(
        format_version=1,
        session_id=SESSION,
        mode="replay",
        account="sim",
        started_ns=OPEN_NS,
        config=b"account:\n  equity_usd: 100000\n",
        config_sha256="9f2c" * 16,
        strategies=tuple(
            SourceRef(
                strategy_id=name,
                module=f"tidegate.strategies.{name}",
                version=1,
                sha256="ab12" * 16,
                params=msgspec.msgpack.encode({"lookback_seconds": 30}),
            )
            for name in STRATEGIES
        ),
        tapes=tuple(TapeRef(name=f"{s.lower()}-quotes", path=f"tapes/{s}.tape", sha256="77aa" * 16, records=412_331) for s in STARTS),
        instruments=msgspec.msgpack.encode(instruments),
        feed_latency="0.5ms",
        order_latency="lognormal:2ms,0.4",
        response_latency="1ms",
        seed=7,
        code_sha256="c0de" * 16,
        kernel_sha256="cafe" * 16,
        layout_sha256="1a0b" * 16,
        python="3.11.9",
        libraries=("msgspec 0.19", "numpy 2.2.1", "numba 0.61"),
        cpu="x86-64 AVX2",
        assumptions=(
            "Orders fill at the bid or ask up to the displayed size; what we took is gone.",
            "A resting order queues behind the size displayed at its arrival; prints advance it.",
            "The recording has no receive time: ts_recv is ts_event, plus the feed latency.",
            "Fees: the oldest listed rates are used for 2013; regulatory fees apply to sales alone.",
        ),
    )


def scripted_run(seed: int = 7) -> tuple[Run, Day]:
    """Return the run of one scripted day."""
    day, chance = Day(seed=seed), Random(seed)
    script = day.script
    script.at(OPEN_NS).hours()
    cycle = (Regime.CHOP, Regime.TREND, Regime.VOL_EXPANSION, Regime.CHOP, Regime.UNTRADEABLE, Regime.TREND)
    for second in range(60, SECONDS - 120, 30):
        script.at(OPEN_NS + second * SECOND_NS)
        if second % 3600 == 60:
            script.label("", chance.choice(cycle[:4]), group="us_stocks")
        for symbol in STARTS:
            if chance.random() < 0.03 or second == 60:
                script.label(symbol, chance.choice(cycle))
            for strategy in STRATEGIES:
                _moment(day, chance, second, symbol, strategy)
        script.at(OPEN_NS + second * SECOND_NS + 1)
        script.value(f"{_equity(day, second):.2f}")
    masked = tuple(
        MaskedTrigger(strategy, symbol, mask, chance.randrange(200))
        for strategy in STRATEGIES
        for symbol in STARTS
        for mask in ("regime", "cooldown")
    )
    return _finish(day, masked), day


def _finish(day: Day, masked: tuple[MaskedTrigger, ...]) -> Run:
    collector = Collector()
    for n, k, message in day.script.entries:
        collector.act(n, k, message)
    sources = Sources(
        marks=day.marks,
        prices=day.prices,
        masked=masked,
        records=1_236_993,
        seconds=4.2,
        until_ns=CLOSE_NS,
        log="runs/2013-10-07/log",
    )
    return collector.run(opening(), sources)


def _moment(day: Day, chance: Random, second: int, symbol: str, strategy: str) -> None:
    script, key = day.script, (strategy, symbol)
    quote = day.quote(symbol, second)
    if key in day.held:
        _, since = day.held[key]
        if chance.random() < 0.12 or second - since > 1200:
            _leave(day, chance, second, symbol, strategy)
        return
    drawn = chance.random()
    if drawn < 0.02:
        side = Side.SELL if chance.random() < 0.3 else Side.BUY
        _enter(day, chance, second, symbol, strategy, side)
    elif drawn < 0.035:
        failed = chance.sample(FAILED, k=chance.choice((1, 1, 2)))
        words = "; ".join(sentence for _, sentence in failed)
        checks = tuple(check for check, _ in failed)
        script.refuse(symbol, strategy, quote, checks, f"The entry was refused because {words}.")
    elif drawn < 0.04:
        script.decline(symbol, strategy, quote, "the last bar closed inside its range")


def _enter(day: Day, chance: Random, second: int, symbol: str, strategy: str, side: Side) -> None:
    script, base = day.script, OPEN_NS + second * SECOND_NS
    bid, ask = day.quote(symbol, second)
    quantity = chance.choice((100, 200, 300))
    order = script.enter(symbol, strategy, side, quantity, (bid, ask), stop=f"{STARTS[symbol] * 0.002:.2f}")
    script.at(base + 3_500_000)
    script.accept(order)
    if chance.random() < 0.12:
        script.at(base + 2 * SECOND_NS)
        script.end(order, OrderEventKind.CANCELED, OrderState.CANCELED, "immediate-or-cancel found no size")
        return
    worse = f"{float(ask) + 0.01:.2f}" if side is Side.BUY else f"{float(bid) - 0.01:.2f}"
    best = ask if side is Side.BUY else bid
    first = chance.choice((quantity, 50))
    for i, part in enumerate([first, quantity - first] if first < quantity else [quantity]):
        script.at(base + chance.randrange(4, 40) * 1_000_000 + i * 50_000_000)
        script.fill(order, part, worse if i or chance.random() < 0.2 else best, f"{part * 0.0001:.4f}")
    day.held[strategy, symbol] = (order, second)


def _leave(day: Day, chance: Random, second: int, symbol: str, strategy: str) -> None:
    script, base = day.script, OPEN_NS + second * SECOND_NS
    order, _ = day.held.pop((strategy, symbol))
    bid, ask = day.quote(symbol, second)
    why = chance.choice(EXITS)
    out = script.leave(symbol, strategy, order.side.opposite, order.quantity, (bid, ask), why)
    script.at(base + 3_000_000)
    script.accept(out)
    script.at(base + chance.randrange(4, 30) * 1_000_000)
    script.fill(out, out.quantity, bid if out.side is Side.SELL else ask, f"{out.quantity * 0.0003:.4f}")


def _equity(day: Day, second: int) -> float:
    held = sum(quantity * day.walks[symbol][second] for (_, symbol), quantity in day.script.position.items())
    return day.script.cash / ATTOS + float(held)
