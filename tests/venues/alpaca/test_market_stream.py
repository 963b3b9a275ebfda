"""The market data stream: its protocol frame by frame in msgpack, damage, plan limits, and a real socket."""

import random
import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.alpaca.payloads import damaged, sample
from tests.venues.alpaca.server import KEY, SECRET, Answer, bench
from tests.venues.alpaca.test_order_stream import FAST, streams_of, until, venue
from tidegate.events import records as layout
from tidegate.values.money import nanos
from tidegate.venues.alpaca.access import PaperAccess
from tidegate.venues.alpaca.mapping.times import parse_ns
from tidegate.venues.alpaca.market_stream import CHANNELS, MarketDialect
from tidegate.venues.alpaca.streams import FREE_SYMBOLS, Feed, MarketWish
from tidegate.venues.errors import SubscriptionLimitError
from tidegate.venues.lifeline import Signal
from tidegate.venues.port import Headline, MarketData, Quarantined, StreamUp

pytestmark = pytest.mark.req("G5", "B4.1", "I3")

INDEX = {"AAPL": 4, "MSFT": 7}


def stamp(text: str) -> msgspec.msgpack.Ext:
    seconds, rest = divmod(parse_ns(text), 10**9)
    return msgspec.msgpack.Ext(-1, struct.pack(">Q", (rest << 34) | seconds))


def packed(*messages: dict[str, Any]) -> bytes:
    """Return messages as the venue packs them: times as timestamps."""
    return msgspec.msgpack.encode([{**one, "t": stamp(one["t"])} if isinstance(one.get("t"), str) else one for one in messages])


def dialect(**more: Any) -> MarketDialect:
    return MarketDialect(PaperAccess(KEY, SECRET), INDEX, **more)


def heard_by(speak: MarketDialect, frame: bytes | str, recv_ns: int = 1) -> list[Any]:
    """Return everything that a frame amounts to."""
    return [*speak.hear(frame, recv_ns).items, *speak.flush()]


def records(items: list[Any]) -> Any:
    (data,) = [item for item in items if isinstance(item, MarketData)]
    return data.records


def test_the_venue_greets_first_and_gets_the_key() -> None:
    speak = dialect()
    assert speak.opened() == []
    heard = speak.hear(packed({"T": "success", "msg": "connected"}), 1)
    assert [msgspec.msgpack.decode(reply) for reply in heard.replies if isinstance(reply, bytes)] == [
        {"action": "auth", "key": KEY, "secret": SECRET}
    ]
    assert heard.signal is None
    assert speak.hear(packed({"T": "success", "msg": "authenticated"}), 1).signal is Signal.AUTHORIZED


def test_what_is_wanted_is_asked_for_and_later_only_what_changed() -> None:
    speak = dialect()
    speak.opened()
    speak.want({"trades": ["AAPL"], "quotes": ["AAPL", "MSFT"]})
    asked = [msgspec.msgpack.decode(frame) for frame in speak.subscription() if isinstance(frame, bytes)]
    assert asked == [{"action": "subscribe", "trades": ["AAPL"], "quotes": ["AAPL", "MSFT"]}]
    assert speak.changes() == []
    speak.want({"statuses": ["AAPL"]})
    speak.drop({"quotes": ["AAPL", "never wanted"], "nothing": ["x"]})
    asked = [msgspec.msgpack.decode(frame) for frame in speak.changes() if isinstance(frame, bytes)]
    assert asked == [{"action": "unsubscribe", "quotes": ["AAPL"]}, {"action": "subscribe", "statuses": ["AAPL"]}]
    speak.opened()
    assert len(speak.subscription()) == 1, "a new connection is asked for everything"


def test_a_plan_allows_so_many_symbols_and_no_more() -> None:
    speak = dialect(symbols_max=FREE_SYMBOLS[Feed.IEX])
    names = [f"S{number}" for number in range(30)]
    speak.want({"quotes": names, "trades": names[:10]})
    with pytest.raises(SubscriptionLimitError, match="allows 30"):
        speak.want({"trades": ["ONE MORE"]})
    assert "ONE MORE" not in speak.wanted("trades")
    with pytest.raises(SubscriptionLimitError, match="no channel"):
        speak.want({"smells": ["AAPL"]})


def test_the_samples_become_records_in_their_order_with_exact_times() -> None:
    found = records(heard_by(dialect(), packed(*sample("stream")), 99))
    assert list(found["kind"]) == [
        layout.TRADE, layout.QUOTE, layout.BAR_OPEN, layout.BAR_CLOSE,
        layout.STATUS, layout.STATUS, layout.STATUS, layout.TRADE, layout.TRADE,
    ]  # fmt: skip
    assert found["ts_event"][0] == parse_ns("2026-11-18T15:02:11.726104552Z")
    assert set(found["instrument"]) == {4}
    assert set(found["ts_recv"]) == {99}
    assert found["a"][0] == nanos("251.37")


def test_text_frames_of_json_are_no_msgpack_and_are_kept_as_evidence() -> None:
    (item,) = heard_by(dialect(), '[{"T":"success","msg":"connected"}]')
    assert isinstance(item, Quarantined)


def test_messages_of_symbols_that_nobody_asked_for_are_left_out() -> None:
    assert heard_by(dialect(), packed({**sample("stream")[0], "S": "TSLA"}, {**sample("stream")[3], "S": "TSLA"})) == []


def test_a_bad_message_costs_itself_alone() -> None:
    good = sample("stream")[:2]
    bad = [
        {**good[0], "p": "cheap"},
        {"T": "brand_new", "S": "AAPL"},
        {**good[0], "p": -1.0},
        {**sample("stream")[3], "sc": "?"},
        {"T": "t"},
    ]
    items = heard_by(dialect(), packed(good[0], *bad, good[1]))
    assert list(records(items)["kind"]) == [layout.TRADE, layout.QUOTE]
    quarantined = [item for item in items if isinstance(item, Quarantined)]
    assert len(quarantined) == len(bad)
    assert all(item.payload for item in quarantined)


@given(st.lists(st.sampled_from(sample("stream")).flatmap(damaged), max_size=5))
def test_no_damage_to_messages_crashes(messages: list[Any]) -> None:
    def fits(value: Any) -> bool:
        if isinstance(value, dict | list):
            return all(map(fits, value.values() if isinstance(value, dict) else value))
        return not isinstance(value, int) or -(2**63) <= value < 2**64

    clean = [{key: value for key, value in one.items() if fits(value)} for one in messages]
    for item in heard_by(dialect(), msgspec.msgpack.encode(clean)):
        assert isinstance(item, MarketData | Quarantined)


@given(st.binary(max_size=80))
def test_no_bytes_crash(data: bytes) -> None:
    dialect().hear(data, 1)


def made_message(draw: random.Random, *, wild: bool) -> dict[str, Any]:
    """Return a quote or a print of any numbers and codes; a wild one may hold what cannot be."""

    def amount() -> float | None:
        bad = [-1.0, 1e300, float("nan")] if wild else []
        return draw.choice([None, 0.0, 251.37, 251.38, draw.uniform(0, 1e6), draw.randrange(10**7), *bad])

    codes: list[Any] = [None, "a", ["R"], ["@"], draw.choices(["R", "A", "@", "I", "T", "O", "L", "?"], k=2), *([7] if wild else [])]
    second = draw.randrange(1, 2**33)
    moment = msgspec.msgpack.Ext(-1, struct.pack(">Q", (second % 10**9 << 34) | second))
    head = {"S": draw.choice(["AAPL", "MSFT", "TSLA"]), "t": moment, "z": draw.choice(["A", "C", None]), "c": draw.choice(codes)}
    if draw.random() < 0.5:
        return {**head, "T": "q", "bp": amount(), "bs": amount(), "ap": amount(), "as": amount()}
    return {**head, "T": "t", "p": amount(), "s": amount(), "i": draw.choice([None, draw.randrange(2**63)]), "x": draw.choice("QD")}


@given(st.integers(0, 2**32), st.integers(0, 40), st.booleans(), st.booleans())
def test_messages_read_together_give_the_same_records_as_one_by_one(seed: int, count: int, wild: bool, options: bool) -> None:  # noqa: FBT001
    draw = random.Random(seed)
    messages = [made_message(draw, wild=wild) for _ in range(count)]
    together, alone = dialect(options=options), dialect(options=options)
    frame = msgspec.msgpack.encode([*messages, {**sample("stream")[2], "t": stamp("2026-11-18T15:02:00Z")}])
    first = heard_by(together, frame, 5)
    second = [item for one in msgspec.msgpack.decode(frame, type=list[msgspec.Raw]) for item in heard_by(alone, b"\x91" + bytes(one), 5)]
    assert records(first).tobytes() == np.concatenate([item.records for item in second if isinstance(item, MarketData)]).tobytes()
    assert [item for item in first if isinstance(item, Quarantined)] == [item for item in second if isinstance(item, Quarantined)]


def test_frames_that_wait_together_become_one_batch_in_their_order() -> None:
    speak = dialect()
    for number in range(40):
        assert speak.hear(packed({**sample("stream")[1], "bp": 100 + number}), number).items == []
    (batch,) = speak.flush()
    assert isinstance(batch, MarketData)
    assert list(batch.records["ts_recv"]) == list(range(40))
    assert list(batch.records["a"]) == [nanos(str(100 + number)) for number in range(40)]
    assert speak.flush() == []


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        (400, Signal.REJECTED), (401, Signal.LOST), (402, Signal.FATAL), (403, None), (404, Signal.LOST), (405, Signal.REJECTED),
        (406, Signal.OWNED), (407, Signal.LOST), (408, Signal.FATAL), (409, Signal.FATAL), (410, Signal.REJECTED), (411, Signal.FATAL),
        (412, Signal.FATAL), (413, Signal.REJECTED), (500, Signal.LOST), (999, Signal.LOST),
    ],
)  # fmt: skip
def test_each_error_of_the_venue_moves_the_stream(code: int, signal: Signal | None) -> None:
    heard = dialect().hear(packed({"T": "error", "code": code, "msg": "words"}), 1)
    assert heard.signal is signal
    told = [item for item in heard.items if isinstance(item, Quarantined)]
    assert bool(told) == (signal is Signal.REJECTED or code == 999)


def test_a_subscription_that_is_not_whole_is_told() -> None:
    speak = dialect()
    speak.opened()
    speak.want({"quotes": ["AAPL", "MSFT"], "trades": ["AAPL"]})
    speak.subscription()
    heard = speak.hear(packed({"T": "subscription", "quotes": ["AAPL"], "trades": ["*"], "bars": None}), 1)
    assert heard.signal is Signal.SUBSCRIBED
    (item,) = heard.items
    assert isinstance(item, Quarantined)
    assert item.doubt == "not subscribed: quotes MSFT"


def test_the_answer_to_the_last_of_several_requests_alone_says_what_is_missing() -> None:
    speak = dialect()
    speak.opened()
    speak.want({"quotes": ["AAPL"]})
    speak.subscription()
    speak.hear(packed({"T": "subscription", "quotes": ["AAPL"]}), 1)
    speak.drop({"quotes": ["AAPL"]})
    speak.want({"quotes": ["MSFT"], "trades": ["MSFT"]})
    assert len(speak.changes()) == 2
    assert speak.hear(packed({"T": "subscription", "quotes": []}), 1).items == [], "the answer to the first request: MSFT is yet to come"
    assert speak.hear(packed({"T": "subscription", "quotes": ["MSFT"], "trades": ["MSFT"]}), 1).items == []
    speak.want({"bars": ["MSFT"]})
    speak.changes()
    speak.hear(packed({"T": "error", "code": 405, "msg": "symbol limit exceeded"}), 1)
    speak.want({"statuses": ["MSFT"]})
    speak.changes()
    (item,) = speak.hear(packed({"T": "subscription", "quotes": ["MSFT"], "trades": ["MSFT"], "statuses": ["MSFT"]}), 1).items
    assert isinstance(item, Quarantined)
    assert item.doubt == "not subscribed: bars MSFT"


def test_news_becomes_a_headline_and_one_without_a_time_is_kept_out() -> None:
    moment = msgspec.msgpack.Ext(-1, struct.pack(">I", 1_795_014_131))
    news = {"T": "n", "id": 24, "headline": "Big", "symbols": ["AAPL"], "created_at": moment, "updated_at": moment, "source": "wire"}
    (item,) = heard_by(dialect(), msgspec.msgpack.encode([news]), 9)
    assert isinstance(item, Headline)
    assert (item.news_id, item.title, item.symbols, item.ts_ns, item.recv_ns) == ("24", "Big", ("AAPL",), 1_795_014_131 * 10**9, 9)
    (item,) = dialect().hear(msgspec.msgpack.encode([{**news, "created_at": None}]), 9).items
    assert isinstance(item, Quarantined)


@pytest.mark.req("G4")
def test_option_quotes_and_prints_are_read_by_their_own_codes() -> None:
    contract = "AAPL261218P00240000"
    speak = MarketDialect(PaperAccess(KEY, SECRET), {contract: 2}, options=True)
    quote = {
        "T": "q",
        "S": contract,
        "t": "2026-11-18T15:41:09.204Z",
        "bx": "C",
        "bp": 2.04,
        "bs": 41,
        "ax": "N",
        "ap": 2.07,
        "as": 38,
        "c": "A",
    }
    trade = {"T": "t", "S": contract, "t": "2026-11-18T15:41:09.204Z", "p": 2.06, "s": 3, "x": "C", "c": "a"}
    found = records(heard_by(speak, packed(quote, trade)))
    assert list(found["flags"]) == [0, layout.REGULAR]
    assert list(found["a"]) == [nanos("2.04"), nanos("2.06")]


def test_every_channel_can_be_asked_for() -> None:
    speak = dialect()
    speak.want({channel: ["AAPL"] for channel in CHANNELS})
    (frame,) = speak.subscription()
    assert isinstance(frame, bytes)
    assert set(msgspec.msgpack.decode(frame)) == {"action", *CHANNELS}


@pytest.mark.asyncio
async def test_a_market_stream_starts_with_the_last_quotes_and_follows_live_changes() -> None:
    seen: list[Any] = []

    async def script(socket: web.WebSocketResponse, _: int) -> None:
        await socket.send_bytes(packed({"T": "success", "msg": "connected"}))
        seen.append(msgspec.msgpack.decode((await socket.receive()).data))
        await socket.send_bytes(packed({"T": "success", "msg": "authenticated"}))
        wish = msgspec.msgpack.decode((await socket.receive()).data)
        seen.append(wish)
        await socket.send_bytes(packed({"T": "subscription", "quotes": wish["quotes"]}))
        await socket.send_bytes(packed(sample("stream")[1]))
        wish = msgspec.msgpack.decode((await socket.receive()).data)
        seen.append(wish)
        await socket.send_bytes(packed({"T": "subscription", "quotes": ["AAPL", "MSFT"]}, {**sample("stream")[1], "S": "MSFT"}))
        await socket.receive()

    async with bench() as on, venue(script) as url:
        latest = {"t": "2026-11-18T15:00:00Z", "bp": 250.0, "bs": 1, "ap": 250.02, "as": 2, "c": ["R"], "z": "C"}
        broken = {**latest, "t": "never"}
        on.server.on("GET", "/v2/stocks/quotes/latest", Answer({"quotes": {"AAPL": latest, "MSFT": broken, "TSLA": None}}))
        stream = streams_of(on.client, on.server.origin, url).market(MarketWish(feed=Feed.IEX, symbols_max=30, timing=FAST), INDEX)
        stream.subscribe({"quotes": ["AAPL"]})
        items = stream.items()
        first = await until(items, StreamUp)
        assert isinstance(first[0], MarketData)
        assert first[0].records["a"][0] == nanos("250")
        stream.subscribe({"quotes": ["MSFT"]})
        stream.unsubscribe({"trades": ["AAPL"]})
        later = await until(items, MarketData)
        while later[-1].records["instrument"][0] != 7:
            later = await until(items, MarketData)
        assert seen[1:] == [{"action": "subscribe", "quotes": ["AAPL"]}, {"action": "subscribe", "quotes": ["MSFT"]}]
        assert on.server.calls("GET")[0].query == {"symbols": "AAPL", "feed": "iex"}
        await stream.close()
        await items.aclose()
