"""A user's history at Alpaca as a tape: pages, days, order of time, resumption, damage, and wishes that make no sense."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.venues.alpaca.server import KEY, SECRET, Answer, Server, serving
from tidegate.cli.main import main
from tidegate.events import records as layout
from tidegate.service.history import HistoryStoppedError, HistoryWish, HistoryWishError, import_alpaca, import_own_history
from tidegate.service.key_sources import EnvironmentKeys
from tidegate.service.keys import MissingKeyError
from tidegate.service.secrecy import Secret
from tidegate.tapes.errors import EmptyTapeError
from tidegate.tapes.format import Tape, TapeMeta
from tidegate.values.money import nanos
from tidegate.venues.alpaca.access import LiveAccess, PaperAccess, local_hosts
from tidegate.venues.alpaca.client import ClientSettings
from tidegate.venues.alpaca.mapping.times import parse_ns
from tidegate.venues.ratelimit import LimitPlan

pytestmark = pytest.mark.req("G5", "C1.1")

QUOTES, TRADES = "/v2/stocks/quotes", "/v2/stocks/trades"
DAY = {"date": "2026-11-18", "open": "09:30", "close": "16:00"}
NEXT = {"date": "2026-11-19", "open": "09:30", "close": "16:00"}


def quote(at: str, bid: float, ask: float) -> dict[str, Any]:
    return {"t": at, "bp": bid, "bs": 100, "ap": ask, "as": 200, "c": ["R"], "z": "C", "bx": "Q", "ax": "Q"}


def trade(at: str, price: float) -> dict[str, Any]:
    return {"t": at, "p": price, "s": 10, "c": ["@"], "z": "C", "x": "Q", "i": 7}


@contextmanager
def elsewhere() -> Iterator[Server]:
    """Run a server on a thread of its own, since an import has its own event loop."""
    ready: list[Server] = []
    up, over = threading.Event(), threading.Event()

    async def run() -> None:
        async with serving() as server:
            ready.append(server)
            up.set()
            while not over.is_set():  # noqa: ASYNC110 - the event belongs to another thread
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert up.wait(10)
    try:
        yield ready[0]
    finally:
        over.set()
        thread.join()


def run(server: Server, out: Path, *sources: str, progress: list[tuple[int, int]] | None = None) -> TapeMeta:
    return import_alpaca(
        HistoryWish.parse(sources or ["AAPL@2026-11-18"]),
        out,
        access=PaperAccess(KEY, SECRET),
        hosts=local_hosts(server.origin),
        settings=ClientSettings(trading=LimitPlan(requests=1000), data=LimitPlan(requests=1000)),
        progress=lambda done, steps: (progress if progress is not None else []).append((done, steps)),
    )


def leftovers(out: Path) -> list[Path]:
    return [path for path in out.parent.iterdir() if path != out]


def test_days_and_symbols_become_one_tape_in_order_of_time(tmp_path: Path) -> None:
    out, told = tmp_path / "own.tape", list[tuple[int, int]]()
    with elsewhere() as server:
        server.on("GET", "/v2/calendar", Answer([DAY, NEXT]))
        first = {"quotes": {"AAPL": [quote("2026-11-18T14:30:00.000000002Z", 250, 250.02)]}, "next_page_token": "p2"}
        second = {"quotes": {"AAPL": [quote("2026-11-18T14:30:00.000000005Z", 250.01, 250.02)]}, "next_page_token": None}
        msft = {"quotes": {"MSFT": [quote("2026-11-18T14:30:00.000000003Z", 500, 500.1), {"t": "never"}]}}
        next_day = {"quotes": {"AAPL": [quote("2026-11-19T14:30:00Z", 251, 251.02)]}}
        server.on("GET", QUOTES, Answer(first), Answer(second), Answer(msft), Answer(next_day), Answer({"quotes": None}))
        prints = {"trades": {"AAPL": [trade("2026-11-18T14:30:00.000000002Z", 250.02)]}}
        server.on("GET", TRADES, Answer(prints), Answer({"trades": {}}))
        meta = run(server, out, "MSFT,AAPL@2026-11-18..2026-11-19", progress=told)
        asked = [(seen.query["symbols"], seen.query.get("page_token", "")) for seen in server.calls("GET", QUOTES)]
        assert asked == [("AAPL", ""), ("AAPL", "p2"), ("MSFT", ""), ("AAPL", ""), ("MSFT", "")]
        bounds = server.calls("GET", QUOTES)[0].query
        assert (bounds["start"], bounds["end"]) == ("2026-11-18T05:00:00.000000000Z", "2026-11-19T04:59:59.999999999Z")
    tape = Tape.open(out)
    tape.verify()
    assert [symbol.symbol for symbol in tape.symbols] == ["AAPL", "MSFT"]
    assert list(tape.records["kind"]) == [layout.QUOTE, layout.TRADE, layout.QUOTE, layout.QUOTE, layout.QUOTE]
    assert list(tape.records["instrument"]) == [0, 0, 1, 0, 0]
    assert tape.records["ts_recv"][0] == parse_ns("2026-11-18T14:30:00.000000002Z")
    assert np.all(tape.records["flags"] & layout.MADE_RECV)
    assert tape.records["b"][0] == nanos("250.02")
    assert (meta.statistics["quotes"], meta.statistics["trades"], meta.statistics["rows left out"]) == (4, 1, 1)
    assert meta.statistics["regular trades"] == 1
    assert told[-1] == (8, 8)
    assert leftovers(out) == []


def test_a_download_that_breaks_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "own.tape"
    pages = [
        {"quotes": {"AAPL": [quote(f"2026-11-18T14:30:0{number}Z", 250 + number, 251 + number)]}, "next_page_token": f"p{number + 1}"}
        for number in range(4)
    ]
    with elsewhere() as server:
        server.on("GET", "/v2/calendar", Answer([DAY]))
        server.on("GET", QUOTES, Answer(pages[0]), Answer(pages[1]), Answer(b"", 500))
        server.on("GET", TRADES, Answer({"trades": {}}))
        with pytest.raises(HistoryStoppedError, match="the same command goes on from there"):
            run(server, out)
        assert not out.exists()
        (folder,) = leftovers(out)
        grown = folder / "2026-11-18-AAPL-quotes.records"
        with grown.open("ab") as file:
            file.write(b"torn by a crash")
        server.seen.clear()
        server.on("GET", QUOTES, Answer(pages[2]), Answer({**pages[3], "next_page_token": None}))
        run(server, out)
        assert [seen.query.get("page_token") for seen in server.calls("GET", QUOTES)] == ["p2", "p3"]
    assert list(Tape.open(out).records["a"]) == [nanos(str(250 + number)) for number in range(4)]
    assert leftovers(out) == []


def test_finished_jobs_are_not_asked_for_again_and_lost_files_are(tmp_path: Path) -> None:
    out = tmp_path / "own.tape"
    with elsewhere() as server:
        server.on("GET", "/v2/calendar", Answer([DAY]))
        server.on("GET", QUOTES, Answer({"quotes": {"AAPL": [quote("2026-11-18T14:30:00Z", 250, 251)]}}))
        server.on("GET", TRADES, Answer(b"", 500))
        with pytest.raises(HistoryStoppedError):
            run(server, out)
        server.seen.clear()
        server.on("GET", TRADES, Answer({"trades": {"AAPL": [trade("2026-11-18T14:30:01Z", 250.5)]}}), Answer(b"", 500))
        run(server, out)
        assert server.calls("GET", QUOTES) == []
        with pytest.raises(HistoryStoppedError):
            run(server, out)
        (folder,) = leftovers(out)
        (folder / "2026-11-18-AAPL-quotes.records").unlink()
        server.seen.clear()
        server.on("GET", TRADES, Answer({"trades": {}}))
        run(server, out)
        assert len(server.calls("GET", QUOTES)) == 1


def test_a_page_that_the_venue_no_longer_knows_begins_its_job_anew(tmp_path: Path) -> None:
    out = tmp_path / "own.tape"
    with elsewhere() as server:
        server.on("GET", "/v2/calendar", Answer([DAY]))
        page = {"quotes": {"AAPL": [quote("2026-11-18T14:30:00Z", 250, 251)]}, "next_page_token": "old"}
        server.on("GET", QUOTES, Answer(page), Answer(b"", 500))
        server.on("GET", TRADES, Answer({"trades": {}}))
        with pytest.raises(HistoryStoppedError):
            run(server, out)
        refused = Answer({"code": 40010001, "message": "invalid page_token"}, 400)
        server.on("GET", QUOTES, refused, Answer({**page, "next_page_token": None}))
        assert run(server, out).records == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_stops_with_the_venues_words(tmp_path: Path, status: int) -> None:
    with elsewhere() as server:
        server.on("GET", "/v2/calendar", Answer([DAY]))
        server.on("GET", QUOTES, Answer({"message": "subscription does not permit querying recent SIP data"}, status))
        with pytest.raises(HistoryStoppedError, match="subscription does not permit"):
            run(server, tmp_path / "own.tape")


def test_days_without_trading_and_days_without_data_make_no_tape(tmp_path: Path) -> None:
    with elsewhere() as server:
        server.on("GET", "/v2/calendar", Answer([]), Answer([DAY]))
        server.on("GET", QUOTES, Answer({}))
        server.on("GET", TRADES, Answer({}))
        with pytest.raises(HistoryWishError, match="no trading"):
            run(server, tmp_path / "own.tape")
        with pytest.raises(EmptyTapeError):
            run(server, tmp_path / "own.tape")


@pytest.mark.parametrize(
    "sources",
    [
        ["AAPL"], ["@2026-11-18"], [",@2026-11-18"], ["AAPL@2026-11-18..2026-11-17"], ["AAPL@2026-13-01"],
        ["AAPL@2026-11-18", "MSFT@2026-11-19"], ["AAPL261218P00240000@2026-11-18"], [],
    ],
)  # fmt: skip
def test_wishes_that_make_no_sense_are_refused_with_what_to_write(sources: list[str]) -> None:
    with pytest.raises(HistoryWishError):
        HistoryWish.parse(sources)


def test_symbols_of_several_sources_come_together() -> None:
    assert HistoryWish.parse(["msft,AAPL@2026-11-18", "SPY@2026-11-18..2026-11-18"]).symbols == ("AAPL", "MSFT", "SPY")


class Keys:
    """A place of keys."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def describe(self) -> str:
        return "a test"

    def get(self, name: str) -> Secret | None:
        return Secret(self.values[name]) if name in self.values else None


PAPER = {"ALPACA_PAPER_API_KEY": "PK1", "ALPACA_PAPER_API_SECRET": "s1"}
LIVE = {"ALPACA_API_KEY": "AK1", "ALPACA_API_SECRET": "s2"}


def test_without_a_key_the_names_to_set_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"No paper key was found .*ALPACA_PAPER_API_KEY"):
        import_own_history(HistoryWish.parse(["A@2026-11-18"]), tmp_path / "t", sources=[Keys()], progress=lambda *_: None)


@pytest.mark.parametrize(("values", "kind"), [(PAPER, PaperAccess), (LIVE, LiveAccess), (PAPER | LIVE, PaperAccess)])
def test_own_history_is_read_with_the_paper_key_or_the_live_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], kind: type
) -> None:
    used: list[object] = []
    monkeypatch.setattr("tidegate.service.history.import_alpaca", lambda _wish, _out, *, access, progress: used.extend([access, progress]))
    import_own_history(HistoryWish.parse(["A@2026-11-18"]), tmp_path / "t", sources=[Keys(**values)], progress=lambda *_: None)
    assert type(used[0]) is kind


def test_the_command_says_which_key_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ALPACA_PAPER_API_KEY", "ALPACA_PAPER_API_SECRET", "ALPACA_API_KEY", "ALPACA_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tidegate.service.secrecy.close_memory", lambda: None)  # this process is the tests'
    monkeypatch.setattr("tidegate.service.key_sources.sources_of", lambda: [EnvironmentKeys()])
    assert main(["tape", "import", "alpaca", "AAPL@2026-11-18", str(tmp_path / "own.tape")]) == 3
    assert "ALPACA_PAPER_API_KEY and ALPACA_PAPER_API_SECRET" in capsys.readouterr().err.replace("\n", " ")
    assert main(["tape", "import", "alpaca", "AAPL", str(tmp_path / "own.tape")]) == 2
