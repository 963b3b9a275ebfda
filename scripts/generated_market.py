"""Write docs/generated-market.md: figures of a generated market beside those of the recorded days.

FOLDER is where the recorded equity ticks lie (aig/20131007_quote.zip and others).
"""

import argparse
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from tidegate.simulation.generate import Wish, generate
from tidegate.tapes.format import Tape
from tidegate.tapes.lean import import_lean
from tidegate.tapes.statistics import Statistics, statistics
from tidegate.values.enums import InstrumentKind
from tidegate.values.time import ns_of, utc_date

PAGE = Path(__file__).resolve().parent.parent / "docs" / "generated-market.md"
NEW_YORK = ZoneInfo("America/New_York")
DAYS = ("20131007", "20131008")
WISH = Wish(seed=1, events=2_000_000, symbols=4)

ROWS = {
    "quotes": ("quotes", 1, 0),
    "trades": ("trades", 1, 0),
    "quotes a second": ("quotes_per_second", 1, 1),
    "quotes in the busiest second": ("busiest_second", 1, 0),
    "seconds without a quote, %": ("quiet_seconds_share", 100, 0),
    "gap between quotes, median, ms": ("gap_ms_median", 1, 1),
    "gap between quotes, 99th percentile, ms": ("gap_ms_p99", 1, 0),
    "quotes that change a price, %": ("price_changes_share", 100, 1),
    "spread, median, ticks": ("spread_ticks_median", 1, 0),
    "spread, mean, ticks": ("spread_ticks_mean", 1, 2),
    "spread, 95th percentile, ticks": ("spread_ticks_p95", 1, 0),
    "size of a side, median, shares": ("size_shares_median", 1, 0),
    "locked quotes, %": ("locked_share", 100, 2),
    "crossed quotes, %": ("crossed_share", 100, 3),
    "size of a trade, median, shares": ("trade_size_shares_median", 1, 0),
    "off-exchange trades, %": ("off_exchange_share", 100, 0),
    "trades that may not set the last price, %": ("irregular_share", 100, 2),
    "quotes in the first and last half hour, %": ("edges_share", 100, 0),
    "volatility of minute returns, bps": ("volatility_bps_per_minute", 1, 1),
    "correlation of a second's return with the one before": ("second_return_correlation", 1, 2),
    "correlation of a minute's absolute return with the one before": ("minute_range_correlation", 1, 2),
}

TEXT = """# The generated market

On a machine without recordings `tidegate tape generate` makes a market from a seed: the same wish gives the
same bytes. It is for trying things out and for tests. It is not evidence that a strategy earns anything.

What it has

- Symbols of one group and an index that prints trades alone, over one regular session of 09:30 to 16:00 New
  York.
- Hidden regimes (chop, trend, volatility expansion), one chain for the whole market and one for each
  symbol; a common factor and a part of its own for each symbol's returns; news of 1 to 3 % behind the
  halt.
- Spreads that widen with regime and time of day, sizes that stay for a while, locked and (rarely) crossed
  quotes.
- Bursts: 12 % of the events come by themselves, each draws others behind it within about 30 ms, a few of
  them a flood.
- Trades at bid or ask whose sides follow each other, off-exchange prints inside the spread, opening,
  reopening and closing prints, a few prints that may not set the last price.
- A venue time, and a receive time about 0.3 ms later, first in first out.

What it lacks: depth behind the top of the book, trades that take away what they hit, cancels, hidden size,
prices of one symbol that lead those of another. Its seconds reverse more than recorded ones, most of all
where a tick is large beside the price, since nothing holds a quote where it is.

## Planted anomalies

The tape's meta lists each one with the numbers of the records that show it, so that tests can ask whether
the data-quality flags catch it: `halt` (300 s, with a status before and after), `gap` (45 s without a
message, then missing message numbers), `bad_print` (a regular trade 10 % off), `feed_outage` (60 s for
every symbol, with statuses), `wide_spread`, `zero_quote`, `crossed_quote`, `locked_quote` and `future_time`
(an event time two seconds ahead).

## Beside recorded days

Regular session. Recorded: consolidated quotes and trades of October 2013, stamped in whole milliseconds.
Generated: `{wish}`. Written by `scripts/generated_market.py`.

"""


def main() -> None:
    """Make the tapes in a temporary folder, compute the figures, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        columns = dict(figures(folder, Path(temporary)))
    wish = f"tidegate tape generate OUT --seed {WISH.seed} --events {WISH.events} --symbols {WISH.symbols}"
    PAGE.write_text(TEXT.format(wish=wish) + table(columns))
    print(f"{PAGE} is written.")


def figures(folder: Path, temporary: Path) -> Iterator[tuple[str, Statistics]]:
    """Yield a column's head and its figures for every symbol with quotes."""
    for day in DAYS:
        path = temporary / f"{day}.tape"
        import_lean(sorted(folder.glob(f"*/{day}_*.zip")), path, progress=ignore)
        yield from figures_of(Tape.open(path), f"{day[4:6]}-{day[6:]}")
    path = temporary / "generated.tape"
    generate(path, WISH, progress=ignore)
    yield from figures_of(Tape.open(path), "generated")


def figures_of(tape: Tape, head: str) -> Iterator[tuple[str, Statistics]]:
    """Yield figures of the regular session for every symbol that is quoted."""
    day: date = utc_date(tape.meta.first_ns)
    from_ns, until_ns = (ns_of(datetime.combine(day, at, NEW_YORK)) for at in (time(9, 30), time(16)))
    for symbol in tape.symbols:
        if symbol.kind is not InstrumentKind.INDEX and not symbol.bars_from_trades:
            yield (
                f"{symbol.symbol} {head}",
                statistics(tape, symbol.index, from_ns=from_ns, until_ns=until_ns),
            )


def table(columns: dict[str, Statistics]) -> str:
    """Return the figures as a table, a column for each symbol and day."""
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for name, (field, scale, digits) in ROWS.items():
        values = (msgspec.structs.asdict(column)[field] for column in columns.values())
        cells = ("none" if value is None else f"{value * scale:,.{digits}f}" for value in values)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def ignore(_done: int, _all: int) -> None:
    """Take progress and do nothing."""


if __name__ == "__main__":
    main()
