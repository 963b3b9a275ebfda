"""The slow, obvious twin of the senses: lists, plain words, formulas from docs/senses.md computed anew each time they are asked for.

It keeps every quote, print and bar since the start and never an average; what it says must be what the kernel says.
"""

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tidegate.events import records
from tidegate.market import rows as market
from tidegate.regime import rows as regime
from tidegate.values.time import NEVER_NS

SECOND, MINUTE = 10**9, 60 * 10**9


class Bar(NamedTuple):
    start: int
    prices: list[float]
    sizes: list[float]


class Quote(NamedTuple):
    ns: int
    bid: int
    ask: int

    @property
    def mid(self) -> float:
        return 0.5 * (self.bid / 1e9 + self.ask / 1e9)

    @property
    def spread_bps(self) -> float:
        return 10_000.0 * (self.ask / 1e9 - self.bid / 1e9) / self.mid


def average(values: list[float], weight: float) -> float:
    """Exponentially weighted mean that starts as the plain mean: the newest of n values weighs max(weight, 1/n)."""
    mean = values[0]
    for n, value in enumerate(values[1:], 2):
        mean += max(weight, 1.0 / n) * (value - mean)
    return mean


@dataclass
class Label:
    """A label that must be confirmed, and may be left only by the lower threshold."""

    needed: int
    label: int = regime.UNTRADEABLE
    why: int = 0
    since: int = 0
    waiting: list[int] = field(default_factory=list)  # evaluations in a row that said something else

    def evaluated(self, label: int, why: int, now: int) -> bool:
        if label == self.label:
            self.waiting, self.why = [], why
            return False
        self.waiting = [*self.waiting, label] if self.waiting and self.waiting[-1] == label else [label]
        if label != regime.UNTRADEABLE and len(self.waiting) < self.needed:
            return False
        self.label, self.why, self.since, self.waiting = label, why, now, []
        return True


class SymbolTwin:
    def __init__(self, settings: dict[str, float], *, from_trades: bool) -> None:
        self.set = settings
        self.from_trades = from_trades
        self.flags = self.halted = self.feed_down = 0
        self.quote: Quote | None = None
        self.last_print_ns = 0
        self.last_print = 0.0
        self.stale_ns = int(settings["stale_ns"])
        self.spikes = 0
        self.far_prints = 0
        self.is_new_level = False
        self.prints: list[tuple[float, float]] = []
        self.counts = {"quotes": 0, "trades": 0, "rejected": 0, "gaps": 0}
        self.newsy_until = 0
        self.label = Label(int(settings["confirmations_min"]))
        self.direction = 0.0
        self.forget()

    def forget(self) -> None:
        self.spreads: list[float] = []
        self.open: dict[int, Bar] = {}
        self.closed: dict[int, list[Bar]] = {SECOND: [], MINUTE: []}

    # Quality.

    def quote_flags(self, r: Any) -> int:
        a, b = int(r["a"]), int(r["b"])
        found = 0
        if min(a, b, int(r["c"]), int(r["d"])) <= 0:
            found |= market.ONE_SIDED
        elif a > b:
            found |= market.CROSSED
        elif a == b:
            found |= market.LOCKED
        if r["flags"] & records.SUSPICIOUS:
            found |= market.SUSPICIOUS
        elif r["flags"] & records.SLOW_QUOTE:
            found |= market.SLOW_QUOTE
        if int(r["ts_event"]) - int(r["ts_recv"]) > self.set["future_ns"]:
            found |= market.FUTURE
        return found

    def is_sound(self, flags: int) -> bool:
        return not flags & (market.ONE_SIDED | market.CROSSED | market.SUSPICIOUS | market.FUTURE)

    def take_quote(self, r: Any) -> bool:
        self.counts["quotes"] += 1
        now = int(r["ts_recv"])
        flags = self.quote_flags(r)
        new = Quote(now, int(r["a"]), int(r["b"]))
        if self.is_sound(flags) and self.quote is not None:
            silent = now - self.quote.ns > self.set["gap_ns"]
            far = abs(new.mid - self.quote.mid) / self.quote.mid * 10_000.0 > self.set["spike_bps"]
            self.spikes += far
            if silent or (far and self.spikes > self.set["spikes_max"]):
                flags |= market.GAP
            elif far:
                flags |= market.SPIKE
        self.flags = flags
        if not self.is_sound(flags) or flags & market.SPIKE:
            self.counts["rejected"] += 1
            return False
        if new.spread_bps > self.set["wide_bps"]:
            self.flags |= market.WIDE
        self.spikes = 0
        self.quote = new
        return True

    def is_spike(self, price: float, now: int) -> bool:
        """A print too far from what the bars are made of; so many in a row are no spikes any more."""
        judged_by_mid = self.quote is not None and not self.from_trades
        known, at = self.last_print, self.last_print_ns
        if judged_by_mid:
            assert self.quote is not None
            known, at = self.quote.mid, self.quote.ns
        is_known = at > 0 and now - at <= self.set["gap_ns"]
        far = is_known and abs(price - known) / known * 10_000.0 > self.set["spike_bps"]
        if not far:
            self.far_prints = 0
            return False
        if self.far_prints == self.set["spikes_max"]:
            self.far_prints = self.far_prints if judged_by_mid else 0
            self.is_new_level = True
            return False
        self.far_prints += 1
        self.flags |= market.SPIKE
        return True

    @property
    def quality(self) -> int:
        return self.flags | market.HALTED * self.halted | market.FEED_DOWN * self.feed_down

    # Bars.

    def ended(self, length: int, now: int) -> Bar | None:
        bar = self.open.get(length)
        if bar is None or now < bar.start + length:
            return None
        self.closed[length].append(self.open.pop(length))
        return bar

    def bar(self, length: int, now: int) -> Bar:
        return self.open.setdefault(length, Bar(now // length * length, [], []))

    def price(self, now: int, price: float) -> None:
        for length in (SECOND, MINUTE):
            self.bar(length, now).prices.append(price)

    def volume(self, now: int, size: float) -> None:
        for length in (SECOND, MINUTE):
            bar = self.bar(length, now)
            if not bar.prices and self.quote is not None:
                bar.prices.append(self.quote.mid)
            bar.sizes.append(size)

    # Features, all from the lists.

    def features(self) -> dict[str, float]:
        found: dict[str, float] = {}
        seconds, minutes = self.closed[SECOND], self.closed[MINUTE]
        if seconds:
            found |= self.second_features(seconds)
        if len(seconds) > 1:
            found |= self.return_features(seconds)
        if minutes:
            found |= self.minute_features(minutes)
        if self.spreads:
            found |= self.spread_features()
        if self.prints:
            found["vwap"] = sum(p * q for p, q in self.prints) / sum(q for _, q in self.prints)
        return found

    def second_features(self, seconds: list[Bar]) -> dict[str, float]:
        closes = [bar.prices[-1] for bar in seconds]
        volumes = [math.fsum(bar.sizes) for bar in seconds]
        short, long = (average(volumes, self.set[f"volume_{name}_weight"]) for name in ("short", "long"))
        return {
            "ema_fast": average(closes, self.set["ema_fast_weight"]),
            "ema_slow": average(closes, self.set["ema_slow_weight"]),
            "volume_anomaly": short / long if long > 0 else 1.0,
        }

    def return_features(self, seconds: list[Bar]) -> dict[str, float]:
        pairs = list(itertools.pairwise(seconds))
        returns = [math.log(b.prices[-1] / a.prices[-1]) for a, b in pairs]
        variances = [r * r / ((b.start - a.start) // SECOND) for r, (a, b) in zip(returns, pairs, strict=True)]
        mean = average(returns, self.set["trend_weight"])
        size = average([abs(r) for r in returns], self.set["trend_weight"])
        return {
            "volatility_short": math.sqrt(average(variances, self.set["variance_short_weight"])),
            "volatility_long": math.sqrt(average(variances, self.set["variance_long_weight"])),
            "trend_strength": abs(mean) / size if size > 0 else 0.0,
            "trend_direction": float((mean > 0) - (mean < 0)),
        }

    def minute_features(self, minutes: list[Bar]) -> dict[str, float]:
        ranges = [max(minutes[0].prices) - min(minutes[0].prices)]
        for before, bar in itertools.pairwise(minutes):
            prices = [*bar.prices, before.prices[-1]]
            ranges.append(max(prices) - min(prices))
        last = [p for bar in minutes[-int(self.set["range_minutes"]) :] for p in bar.prices]
        return {"atr": average(ranges, self.set["atr_weight"]), "range_high": max(last), "range_low": min(last)}

    def spread_features(self) -> dict[str, float]:
        mean, deviation, anomaly = self.spreads[0], 0.0, 0.0
        for n, spread in enumerate(self.spreads, 1):
            off = spread - mean
            anomaly = off / max(deviation, 0.01)
            share = max(self.set["spread_weight"], 1.0 / n)
            mean += share * off
            deviation += share * (abs(off) - deviation)
        return {"spread_mean": mean, "spread_deviation": deviation, "spread_anomaly": anomaly}

    @property
    def valid(self) -> bool:
        return len(self.closed[SECOND]) >= self.set["warm_seconds_min"] and len(self.closed[MINUTE]) >= self.set["warm_minutes_min"]

    # Regime.

    @property
    def last_ns(self) -> int:
        quoted_ns = self.quote.ns if self.quote else 0
        return self.last_print_ns if self.from_trades else quoted_ns

    @property
    def is_readable(self) -> bool:
        return self.label.label != regime.UNTRADEABLE

    def untradeable(self, now: int) -> int:
        reasons = [
            (regime.WHY_HALTED, bool(self.halted)),
            (regime.WHY_FEED, bool(self.feed_down)),
            (regime.WHY_BLIND, not self.valid),
            (regime.WHY_STALE, now - self.last_ns > self.stale_ns),
            (regime.WHY_NEWSY, now < self.newsy_until),
        ]
        return next((why for why, holds in reasons if holds), 0)

    def level(self, name: str, *, inside: bool) -> float:
        return self.set[f"{name}_{'leave' if inside else 'enter'}"]

    def evaluated(self, now: int) -> tuple[int, int]:
        why = self.untradeable(now)
        if why:
            return regime.UNTRADEABLE, why
        seen = self.features()
        anomaly = seen.get("spread_anomaly", 0.0)
        if anomaly >= self.level("spread", inside=self.label.why == regime.WHY_SPREAD):
            return regime.UNTRADEABLE, regime.WHY_SPREAD
        is_wild, is_trending = self.label.label == regime.VOL_EXPANSION, self.label.label == regime.TREND
        long = seen["volatility_long"]
        if long > 0 and seen["volatility_short"] >= self.level("expansion", inside=is_wild) * long:
            return regime.VOL_EXPANSION, regime.WHY_VOLATILITY
        if seen["trend_strength"] >= self.level("trend", inside=is_trending):
            return regime.TREND, regime.WHY_DIRECTION
        return regime.CHOP, regime.WHY_QUIET

    def classify(self, now: int) -> bool:
        changed = self.label.evaluated(*self.evaluated(now), now)
        is_trend = self.label.label == regime.TREND
        self.direction = self.features().get("trend_direction", 0.0) if is_trend else 0.0
        return changed


class MarketTwin:
    """Several symbols, and one group of all of them if `index` is not None (-1: a group without an index)."""

    def __init__(self, settings: dict[str, float], *, symbols: int, index: int | None, from_trades: tuple[int, ...]) -> None:
        self.set = settings
        self.symbols = [SymbolTwin(settings, from_trades=place in from_trades) for place in range(symbols)]
        self.index = index
        self.group = Label(int(settings["confirmations_min"]))
        self.market_label = 0
        self.breadth = self.market_breadth = 0.0
        self.readable = self.members = 0
        self.next_group = 0
        self.changes: list[tuple[str, int, int]] = []  # scope, place, label before

    def take(self, r: Any) -> None:
        now, place, kind = int(r["ts_recv"]), int(r["instrument"]), int(r["kind"])
        s = self.symbols[place]
        self.changes = []
        self.evaluate(now)
        s.ended(MINUTE, now)
        if (bar := s.ended(SECOND, now)) is not None:
            if s.valid and s.features()["volume_anomaly"] >= self.set["shock_volume"]:
                s.newsy_until = bar.start + SECOND + int(self.set["shock_ns"])
            self.classify(place, now)
        if kind == records.QUOTE:
            self.take_quote(place, r)
        elif kind == records.TRADE:
            self.take_trade(place, r)
        elif kind == records.STATUS:
            self.take_status(place, int(r["a"]), now)

    def tick(self, now: int) -> None:
        self.changes = []
        self.evaluate(now)

    def evaluate(self, now: int) -> None:
        every = int(self.set["evaluate_ns"])
        if now < self.next_group:
            return
        self.next_group = now // every * every + every
        for place, s in enumerate(self.symbols):
            if s.is_readable and s.untradeable(now) == regime.WHY_STALE:
                self.classify(place, now)
        self.classify_group(now)

    @property
    def next_due(self) -> int:
        """The first evaluation at which a symbol that can be read now will be stale, if nothing more comes from it."""
        every = int(self.set["evaluate_ns"])
        return min([(s.last_ns + s.stale_ns) // every * every + every for s in self.symbols if s.is_readable], default=NEVER_NS)

    def classify(self, place: int, now: int) -> None:
        before = self.symbols[place].label.label
        if self.symbols[place].classify(now):
            self.changes.append(("symbol", place, before))

    def after_gap(self, place: int, now: int) -> None:
        s = self.symbols[place]
        s.counts["gaps"] += 1
        s.forget()
        s.newsy_until = now + int(self.set["shock_ns"])
        self.classify(place, now)

    def take_quote(self, place: int, r: Any) -> None:
        s, now = self.symbols[place], int(r["ts_recv"])
        if not s.take_quote(r):
            return
        assert s.quote is not None
        if s.flags & market.GAP:
            self.after_gap(place, now)
        s.spreads.append(s.quote.spread_bps)
        if not s.from_trades:
            s.price(now, s.quote.mid)

    def take_trade(self, place: int, r: Any) -> None:
        s, now = self.symbols[place], int(r["ts_recv"])
        s.counts["trades"] += 1
        doubtful = r["flags"] & (records.SUSPICIOUS | records.CORRECTION)
        if not r["flags"] & records.REGULAR or doubtful or r["a"] <= 0 or r["b"] <= 0:
            return
        price, size = int(r["a"]) / 1e9, int(r["b"]) / 1e9
        s.is_new_level = False
        if s.is_spike(price, now):
            return
        if s.quote is None:
            s.flags &= ~market.SPIKE
        s.prints.append((price, size))
        silent = s.last_print_ns and now - s.last_print_ns > self.set["gap_ns"]
        s.last_print_ns, s.last_print = now, price
        if s.from_trades:
            if silent or s.is_new_level:
                self.after_gap(place, now)
            s.price(now, price)
        if s.from_trades or s.quote is not None:
            s.volume(now, size)

    def take_status(self, place: int, code: int, now: int) -> None:
        s = self.symbols[place]
        if code in {records.STATUS_HALT, records.STATUS_RESUME}:
            s.halted = int(code == records.STATUS_HALT)
        elif code in {records.STATUS_FEED_DOWN, records.STATUS_FEED_UP}:
            s.feed_down = int(code == records.STATUS_FEED_DOWN)
        elif code == records.STATUS_NEWS:
            s.newsy_until = now + int(self.set["shock_ns"])
        self.classify(place, now)

    # The group.

    def classify_group(self, now: int) -> None:
        if self.index is None:
            return
        before = self.group.label
        if self.group.evaluated(*self.group_label(now), now):
            self.changes.append(("group", 0, before))
        self.market_label, self.market_breadth = self.group.label, self.breadth

    def group_label(self, now: int) -> tuple[int, int]:
        members = [s for place, s in enumerate(self.symbols) if place != self.index]
        readable = [s for s in members if s.untradeable(now) == 0]
        self.readable, self.members = len(readable), len(members)
        if not readable or len(readable) / len(members) < self.set["readable_min"]:
            return regime.UNTRADEABLE, regime.WHY_BREADTH
        trending = [s for s in readable if s.label.label == regime.TREND]
        wild = [s for s in readable if s.label.label == regime.VOL_EXPANSION]
        self.breadth = sum(s.direction for s in trending) / len(readable)
        index = self.symbols[self.index] if self.index is not None and self.index >= 0 else None
        if index is not None and index.untradeable(now):
            return regime.UNTRADEABLE, index.untradeable(now)
        index_label = index.label.label if index is not None else regime.CHOP
        if index_label == regime.VOL_EXPANSION or self.is_broad(len(wild), regime.VOL_EXPANSION):
            return regime.VOL_EXPANSION, regime.WHY_VOLATILITY
        if index_label == regime.TREND or self.is_broad(len(trending), regime.TREND):
            return regime.TREND, regime.WHY_DIRECTION
        return regime.CHOP, regime.WHY_QUIET

    def is_broad(self, count: int, label: int) -> bool:
        inside = self.group.label == label
        return count / self.readable >= self.set[f"breadth_{'leave' if inside else 'enter'}"]
