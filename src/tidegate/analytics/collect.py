"""Take in what a session was told and did, and hand it back as tables: the one way from messages to analysis.

`Collector` is a sink the replay loop calls for every input message and act; it only appends, and forgets what
no report needs (ticks, lag, strategy state bytes), so its memory grows with decisions, never with the tape.
`Run` is the frozen result; its tables are built when first asked for. Nothing here decides, prices or rounds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.analytics.entries import KEPT, Entry, MaskedTrigger
from tidegate.analytics.late import late
from tidegate.analytics.links import Links
from tidegate.analytics.orders import FillRow, OrderRow, fold_orders
from tidegate.analytics.trades import Carried, Marks, Restated, Trade, match_trades
from tidegate.engine.snapshots import WrongSnapshotError, held_in
from tidegate.events.acts import (
    AttentionRaised,
    NothingDone,
    PositionSnapshot,
    RegimeChanged,
    RiskDecision,
    TradeIntent,
)
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import InstrumentDefined, PositionRestated
from tidegate.events.session import SessionOpened
from tidegate.values.instruments import Instrument

if TYPE_CHECKING:
    import polars as pl

    from tidegate.analytics import frames
else:
    frames = late("tidegate.analytics.frames")

T = TypeVar("T")

Prices = Callable[[str], tuple[NDArray[np.int64], NDArray[np.float64]]]
"""symbol -> (venue times in ns, ascending; prices in dollars: mids, or trades where nothing is quoted)."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the messages alone cannot tell: figures of the data, readers of the tape. None: not given."""

    marks: Marks | None = None
    prices: Prices | None = None
    masked: tuple[MaskedTrigger, ...] | None = None
    records: int | None = None  # market records taken in
    seconds: float | None = None  # how long the run took; stands in no hash
    from_ns: int | None = None  # receive time of the first and last input
    until_ns: int | None = None
    log: str | None = None  # where the golden log lies


@final
@dataclass
class Collector:
    """Append what reports need; O(1) a message.

    Give `input` every input message (not market records) and `act` every act, in the order of the log.
    """

    entries: list[tuple[int, int, AnyMessage]] = field(default_factory=list)
    first_ns: int | None = None
    last_ns: int | None = None

    def input(self, n: int, message: AnyMessage) -> None:
        """Take input n."""
        self.act(n, 0, message)

    def act(self, n: int, k: int, message: AnyMessage) -> None:
        """Take act k of input n."""
        if self.first_ns is None:
            self.first_ns = message.timestamp
        self.last_ns = message.timestamp
        if type(message) in KEPT:
            self.entries.append((n, k, message))

    def run(self, opening: SessionOpened | None = None, sources: Sources | None = None) -> "Run":
        """Return the frozen result; the collector may go on collecting."""
        given = sources or Sources()
        return Run(
            entries=tuple(map(Entry._make, self.entries)),
            opening=opening,
            sources=given,
            from_ns=self.first_ns if given.from_ns is None else given.from_ns,
            until_ns=self.last_ns if given.until_ns is None else given.until_ns,
        )


def run_from_entries(
    entries: Iterable[tuple[str, int, int, AnyMessage]],
    opening: SessionOpened | None = None,
    sources: Sources | None = None,
) -> "Run":
    """Return the run a golden log recorded, from its decoded entries (kind, n, k, message) in log order.

    `kind` is the log's own word for an entry; evidence and market blocks must be left out by the caller.
    """
    collector = Collector()
    for _, n, k, message in entries:
        collector.act(n, k, message)
    return collector.run(opening, sources)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A session's result: tables as polars DataFrames (`.to_pandas()` for pandas), exact rows beside them.

    In tables a time is a UTC Datetime column `…_at` beside raw `…_ns`; `…_usd` and prices are dollars,
    quantities are units (shares), `…_nanos` the exact 1e-9 integers, `…_bps` basis points. A null is "not
    known", never zero.
    """

    entries: tuple[Entry, ...]
    opening: SessionOpened | None
    sources: Sources
    from_ns: int | None
    until_ns: int | None

    @cached_property
    def links(self) -> Links:
        """Return who caused what: intents, decisions, features and commands by id."""
        return Links.of(self.entries)

    @cached_property
    def instruments(self) -> Mapping[str, Instrument]:
        """Return the instruments by symbol, as the opening entry and later definitions gave them."""
        known: dict[str, Instrument] = {}
        if self.opening is not None and self.opening.instruments:
            for instrument in msgspec.msgpack.decode(self.opening.instruments, type=tuple[Instrument, ...]):
                known[instrument.symbol] = instrument
        for entry in self.entries:
            if isinstance(entry.message, InstrumentDefined):
                known[entry.message.instrument.symbol] = entry.message.instrument
        return known

    @cached_property
    def order_rows(self) -> tuple[OrderRow, ...]:
        """Return every order we sent, folded to its end, in order of creation."""
        return self._folded[0]

    @cached_property
    def fill_rows(self) -> tuple[FillRow, ...]:
        """Return every execution once, corrections applied and busts removed, in order of arrival."""
        return self._folded[1]

    @cached_property
    def trade_rows(self) -> tuple[Trade, ...]:
        """Return all round trips, open ones last by exit, exact to the atto-dollar."""
        return match_trades(
            self.fill_rows,
            {row.client_order_id: row for row in self.order_rows},
            self._multipliers,
            self.sources.marks,
            self._carried,
            [Restated(n, event.symbol, event.numerator, event.denominator) for n, _, event in self._of(PositionRestated)],
        )

    @cached_property
    def orders(self) -> "pl.DataFrame":
        """Return one row per order sent."""
        return frames.orders(self.order_rows)

    @cached_property
    def fills(self) -> "pl.DataFrame":
        """Return one row per execution."""
        return frames.fills(self.fill_rows)

    @cached_property
    def trades(self) -> "pl.DataFrame":
        """Return one row per closed round trip (from flat to flat, per strategy and symbol)."""
        return frames.trades([trade for trade in self.trade_rows if not trade.is_open])

    @cached_property
    def open_trades(self) -> "pl.DataFrame":
        """Return the round trips not back at flat at the end; exit columns are null or partial."""
        return frames.trades([trade for trade in self.trade_rows if trade.is_open])

    @cached_property
    def positions(self) -> "pl.DataFrame":
        """Return the position of a strategy in a symbol after each change."""
        return frames.positions(self._of(PositionSnapshot))

    @cached_property
    def equity(self) -> "pl.DataFrame":
        """Return the account at each valuation, with running drawdown."""
        return frames.equity(self._of(PositionSnapshot))

    @cached_property
    def intents(self) -> "pl.DataFrame":
        """Return what strategies wanted, before the gate saw it."""
        return frames.intents(self._of(TradeIntent))

    @cached_property
    def decisions(self) -> "pl.DataFrame":
        """Return the gate's verdicts with the first refusal, all refusals and the sentence."""
        return frames.decisions(self._of(RiskDecision), self.links)

    @cached_property
    def checks(self) -> "pl.DataFrame":
        """Return one row per check of each decision; limit and observed value in the check's own unit."""
        return frames.checks(self._of(RiskDecision))

    @cached_property
    def attentions(self) -> "pl.DataFrame":
        """Return the moments at which the senses asked for judgement."""
        return frames.attentions(self._of(AttentionRaised))

    @cached_property
    def regimes(self) -> "pl.DataFrame":
        """Return each change of a regime label; `group` is set and `symbol` empty for a market group."""
        return frames.regimes(self._of(RegimeChanged))

    @cached_property
    def nothings(self) -> "pl.DataFrame":
        """Return the times a strategy was asked and declined, with its reason."""
        return frames.nothings(self._of(NothingDone))

    @cached_property
    def masked(self) -> "pl.DataFrame":
        """Return how often triggers were masked, and by what; empty when nobody counted."""
        return frames.masked(self.sources.masked or ())

    @cached_property
    def _folded(self) -> tuple[tuple[OrderRow, ...], tuple[FillRow, ...]]:
        return fold_orders(self.entries, self.links)

    @property
    def _carried(self) -> list[Carried]:
        """Return what the session before left; nothing where its bytes cannot be read any more."""
        if self.opening is None or not self.opening.snapshot:
            return []
        try:
            held = held_in(self.opening.snapshot)
        except WrongSnapshotError:
            return []
        return [Carried(*holding, since_ns=self.opening.started_ns) for holding in held]

    @cached_property
    def _multipliers(self) -> dict[str, int]:
        return {symbol: instrument.multiplier for symbol, instrument in self.instruments.items()}

    def _of(self, kind: type[T]) -> list[tuple[int, int, T]]:
        return [(n, k, message) for n, k, message in self.entries if isinstance(message, kind)]
