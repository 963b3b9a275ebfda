"""A user's own history at Alpaca as a tape: downloaded page by page, resumed where it stopped, merged by time.

One job is one kind of data of one symbol and one trading day. Its records grow in a file beside the tape; after each page a
small state file says how far it is and where the next page begins, so that a broken-off download goes on there. When every
job is done the days are merged, oldest first, and the files vanish. There is no receive time in history: it is made equal to
the event time, and marked so. Within one time stamp all quotes go before all prints.
"""

import asyncio
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from tidegate.clock.clock import WallClock
from tidegate.events import records as layout
from tidegate.service.keys import KeySource, MissingKeyError, read_live_key, read_paper_key
from tidegate.tapes.check import Records
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.parts import Progress, add_count, add_counts, in_order
from tidegate.tapes.writer import write_tape
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.instruments import Instrument
from tidegate.values.time import iso_utc
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS, Access, Hosts, LiveAccess, PaperAccess
from tidegate.venues.alpaca.client import AlpacaClient, ClientSettings
from tidegate.venues.alpaca.history import Past, Span
from tidegate.venues.alpaca.mapping import market
from tidegate.venues.alpaca.mapping.times import new_york_ns
from tidegate.venues.alpaca.reference import OPTION_SYMBOL
from tidegate.venues.alpaca.wire.market import OldQuote, OldTrade, Page
from tidegate.venues.errors import Declined, DeclineReason, VenueError

VENUE: Final = "us-equities"  # the consolidated tape; the configuration says where a symbol is traded
RECEIVE_TIME: Final = "made: history has none, so ts_recv = ts_event (flag MADE_RECV)"
_SOURCE: Final = re.compile(r"([A-Za-z0-9.,]+)@(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")
_KINDS: Final = (Past.QUOTES, Past.TRADES)
_FLAG_COUNTS: Final = {
    "one-sided quotes": layout.ONE_SIDED,
    "locked quotes": layout.LOCKED,
    "crossed quotes": layout.CROSSED,
    "quotes not firm": layout.SLOW_QUOTE,
    "regular trades": layout.REGULAR,
    "off-exchange trades": layout.OFF_EXCHANGE,
    "suspicious": layout.SUSPICIOUS,
}


class HistoryWishError(TidegateError):
    """What is to be downloaded is written in no known form, or is nothing."""


class HistoryStoppedError(TidegateError):
    """A download broke off. What came is kept; the same call goes on from there."""

    exit_code = ExitCode.ENVIRONMENT


class HistoryWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which history: symbols, two ISO days (both included), and the feed: sip, iex, boats or otc."""

    symbols: tuple[str, ...]
    first_day: str
    last_day: str
    feed: str = "sip"

    @classmethod
    def parse(cls, sources: Sequence[str], *, feed: str = "sip") -> "HistoryWish":
        """Read sources such as `AAPL,MSFT@2026-11-16..2026-11-18` or `SPY@2026-11-16`; all must name the same days.

        Raises:
            HistoryWishError: none of these forms, no such day, days in the wrong order, or an option.
        """
        symbols: dict[str, None] = {}
        spans: set[tuple[str, str]] = set()
        for source in sources:
            found = _SOURCE.fullmatch(source)
            if found is None:
                raise HistoryWishError(f"{source!r} names no history; write symbols and days as AAPL,MSFT@2026-11-16..2026-11-18.")
            symbols.update(dict.fromkeys(name.upper() for name in found[1].split(",") if name))
            spans.add((found[2], found[3] or found[2]))
        if len(spans) != 1 or not symbols:
            raise HistoryWishError("Name at least one symbol, and the same days for all of them; make several tapes for several spans.")
        ((first, last),) = spans
        if _iso(first) > _iso(last):
            raise HistoryWishError(f"{first} is after {last}; write the earlier day first.")
        option = next((name for name in symbols if OPTION_SYMBOL.fullmatch(name)), None)
        if option is not None:
            raise HistoryWishError(f"{option} is an option, of which Alpaca keeps no quotes; name stocks.")
        return cls(symbols=tuple(sorted(symbols)), first_day=first, last_day=last, feed=feed)


class Job(NamedTuple):
    """One kind of data of one symbol on one day, and the file in which it grows."""

    symbol: str
    instrument: int
    day: str
    what: Past
    path: Path

    @property
    def state_path(self) -> Path:
        """Return where this job says how far it is."""
        return self.path.with_suffix(".json")


class JobState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a job is: whole records in its file, where the next page begins, whether there is none."""

    records: int = 0
    page_token: str = ""
    done: bool = False
    left_out: int = 0  # rows that could not be read


def import_alpaca(
    wish: HistoryWish, out: Path, *, access: Access, progress: Progress, hosts: Hosts | None = None, settings: ClientSettings | None = None
) -> TapeMeta:
    """Download history and make a tape of it.

    Args:
        wish: see there.
        out: the tape to write; an older one is replaced at the end.
        access: the user's key; market data is the same under either kind.
        progress: told jobs done and jobs in all, merged days included.
        hosts: where Alpaca is, if it is an emulator.
        settings: the plan's budgets.

    Returns:
        The meta of the tape, with what was found under `statistics`.

    Raises:
        HistoryStoppedError: broken off; the same call goes on.
        EmptyTapeError, TapeNotWrittenError: nothing to write, or nowhere.
    """
    where = hosts or (PAPER_HOSTS if isinstance(access, PaperAccess) else LIVE_HOSTS)
    folder = out.with_name(f".{out.name}.{sha256(msgspec.json.encode(wish)).hexdigest()[:12]}.parts")
    try:
        folder.mkdir(exist_ok=True)
        jobs = asyncio.run(_download(wish, folder, AlpacaClient(access, where, WallClock(), settings=settings), progress))
    except (VenueError, OSError) as error:
        raise HistoryStoppedError(f"{error} What was downloaded stays in {folder}; the same command goes on from there.") from error
    meta = _merge(wish, out, jobs)
    shutil.rmtree(folder)
    return meta


def import_own_history(wish: HistoryWish, out: Path, *, sources: Sequence[KeySource], progress: Progress) -> TapeMeta:
    """Do `import_alpaca` with the paper key of some sources, or their live key where there is no paper one.

    Raises:
        MissingKeyError, WrongKeyError, KeySourceError: there is no key, or no place that can be read.
    """
    return import_alpaca(wish, out, access=_access(sources), progress=progress)


def _access(sources: Sequence[KeySource]) -> Access:
    try:
        paper = read_paper_key(sources)
    except MissingKeyError as missing:
        try:
            live = read_live_key(sources)
        except MissingKeyError:
            raise missing from None
        return LiveAccess(live.key_id.reveal(), live.secret.reveal())
    return PaperAccess(paper.key_id.reveal(), paper.secret.reveal())


async def _download(wish: HistoryWish, folder: Path, client: AlpacaClient, progress: Progress) -> list[Job]:
    async with client:
        days = [day.day for day in await client.calendar(wish.first_day, wish.last_day)]
        jobs = [
            Job(symbol, index, day, what, folder / f"{day}-{symbol}-{what.value}.records")
            for day in days
            for what in _KINDS
            for index, symbol in enumerate(wish.symbols)
        ]
        if not jobs:
            raise HistoryWishError(f"There was no trading between {wish.first_day} and {wish.last_day}; name other days.")
        for done, job in enumerate(jobs):
            await _fetch(client, wish, job)
            progress(done + 1, len(jobs))
    return jobs


async def _fetch(client: AlpacaClient, wish: HistoryWish, job: Job) -> None:
    state = _read_state(job)
    if state.done:
        return
    try:
        await _fetch_from(client, wish, job, state)
    except Declined as error:
        if not state.page_token or error.reason is not DeclineReason.INVALID:
            raise
        await _fetch_from(client, wish, job, JobState())  # the venue no longer knows where we stopped: this job begins anew


async def _fetch_from(client: AlpacaClient, wish: HistoryWish, job: Job, state: JobState) -> None:
    span = Span(
        what=job.what,
        symbols=(job.symbol,),
        start=iso_utc(new_york_ns(job.day, "00:00")),
        end=iso_utc(new_york_ns(_next_day(job.day), "00:00") - 1),
        feed=wish.feed,
        page_token=state.page_token,
    )
    with job.path.open("ab") as file:
        file.truncate(state.records * layout.RECORD_BYTES)  # what was written after the last state is asked for again
        async for page in client.history.pages(span):
            records, left_out = _records(page, job)
            file.write(records.tobytes())
            file.flush()
            state = JobState(
                records=state.records + len(records),
                page_token=page.next_page_token or "",
                done=not page.next_page_token,
                left_out=state.left_out + left_out,
            )
            _write_state(job, state)


def _records(page: Page, job: Job) -> tuple[Records, int]:
    """Return a page's records, and how many rows could not be read."""
    rows: list[market.Row] = []
    left_out = 0
    for row in _rows_of(page, job):
        try:
            made = market.quote_row(row, job.instrument, 0) if isinstance(row, OldQuote) else market.trade_row(row, job.instrument, 0)
        except ValueError:
            left_out += 1
            continue
        rows.append(made)
    records = market.records_of(rows).copy()
    records["ts_recv"] = records["ts_event"]
    records["flags"] |= layout.MADE_RECV
    return records, left_out


def _rows_of(page: Page, job: Job) -> Sequence[OldQuote | OldTrade]:
    if job.what is Past.QUOTES:
        return (page.quotes or {}).get(job.symbol) or ()
    return (page.trades or {}).get(job.symbol) or ()


def _merge(wish: HistoryWish, out: Path, jobs: Sequence[Job]) -> TapeMeta:
    counts: dict[str, int] = {}
    for job in jobs:
        state = _read_state(job)
        add_count(counts, job.what.value, state.records)
        add_count(counts, "rows left out", state.left_out)
    # The count of each flag is known only when all is written; the header keeps room for its longest form.
    counts |= dict.fromkeys(_FLAG_COUNTS, 2**40)
    found = dict.fromkeys(_FLAG_COUNTS, 0)
    meta = TapeMeta(
        symbols=tuple(Instrument(index=index, symbol=symbol, venue=VENUE) for index, symbol in enumerate(wish.symbols)),
        source=f"Alpaca history ({wish.feed}): {', '.join(wish.symbols)} {wish.first_day} to {wish.last_day}",
        receive_time=RECEIVE_TIME,
        importer="alpaca 1",
        statistics=counts,
    )

    def finish(meta: TapeMeta) -> TapeMeta:
        return msgspec.structs.replace(meta, statistics=meta.statistics | found)

    return write_tape(out, chunks=_days(jobs, found), meta=meta, finish=finish)


def _days(jobs: Sequence[Job], found: dict[str, int]) -> Iterator[Records]:
    """Yield each day's records in order of time, counting flags on the way; one day at a time is in memory."""
    for day in dict.fromkeys(job.day for job in jobs):
        parts = [np.fromfile(job.path, layout.RECORD) for job in jobs if job.day == day]
        together = in_order(parts)
        add_counts(found, together, _FLAG_COUNTS)
        yield together


def _read_state(job: Job) -> JobState:
    """Return how far a job is; without a readable state it has not begun."""
    try:
        state = msgspec.json.decode(job.state_path.read_bytes(), type=JobState)
    except (OSError, msgspec.MsgspecError):
        return JobState()
    enough = job.path.is_file() and job.path.stat().st_size >= state.records * layout.RECORD_BYTES
    return state if enough else JobState()


def _write_state(job: Job, state: JobState) -> None:
    temporary = job.state_path.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.encode(state))
    temporary.replace(job.state_path)


def _iso(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise HistoryWishError(f"{day} is no day; write it as 2026-11-16.") from None


def _next_day(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
