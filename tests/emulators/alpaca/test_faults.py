"""Each fault, as the venue's own client meets it; and that the same list does the same again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.models import TradeUpdate
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulators.alpaca.kit import Emulator, until
from tests.emulators.alpaca.sdk import APIError, Running, TradingClient
from tidegate.emulators.alpaca.errors import BadFaultsError
from tidegate.emulators.alpaca.faults import Armed, Fault, FaultKind, StreamName, read_faults

pytestmark = pytest.mark.req("X3", "G2", "G6")

ORDER = MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id="mine")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as started:
        started.step_to(5)
        yield started


@pytest.fixture
def client(emulator: Emulator) -> TradingClient:
    made = emulator.trading()
    made._retry_wait = 0
    return made


def names(heard: list[TradeUpdate]) -> list[str]:
    return [str(getattr(update.event, "value", update.event)) for update in heard]


def post(kind: FaultKind, **fields: Any) -> Fault:
    return Fault(kind=kind, method="POST", path="/v2/orders", **fields)


def test_a_lost_request_has_no_effect(emulator: Emulator, client: TradingClient) -> None:
    emulator.faults(post(FaultKind.LOST_REQUEST))
    with pytest.raises(requests.ConnectionError):
        client.submit_order(ORDER)
    with pytest.raises(APIError) as missing:
        client.get_order_by_client_id("mine")
    assert missing.value.status_code == 404


def test_a_lost_ack_has_its_effect(emulator: Emulator, client: TradingClient) -> None:
    emulator.faults(post(FaultKind.LOST_ACK))
    with pytest.raises(requests.ConnectionError):
        client.submit_order(ORDER)
    found: Any = client.get_order_by_client_id("mine")
    assert found.status.value == "filled"
    with pytest.raises(APIError, match="client_order_id must be unique"):
        client.submit_order(ORDER)


def test_a_slow_ack_comes_after_the_event(emulator: Emulator, client: TradingClient) -> None:
    emulator.faults(post(FaultKind.SLOW_ACK, delay_ms=300))
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            emulator.addresses.rest + "/v2/orders",
            json={"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", "client_order_id": "mine"},
            headers={"APCA-API-KEY-ID": "PKEMULATOR", "APCA-API-SECRET-KEY": "emulator-secret"},
            timeout=(20, 0.05),
        )
    found: Any = client.get_order_by_client_id("mine")
    assert found.status.value == "filled"


@pytest.mark.parametrize("retry_after", ["", "3", "-1", "soon", "99999999", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_429_has_whatever_retry_after_is_wanted(emulator: Emulator, retry_after: str) -> None:
    emulator.faults(Fault(kind=FaultKind.RATE_LIMITED, path="/v2/account", retry_after=retry_after))
    answer = emulator.call("GET", "/v2/account")
    assert (answer.status_code, answer.json()["code"]) == (429, 42910000)
    assert answer.headers.get("Retry-After", "") == retry_after
    assert "X-RateLimit-Limit" not in answer.headers
    assert emulator.call("GET", "/v2/account").status_code == 200


def test_the_client_itself_waits_and_tries_again_after_a_429(emulator: Emulator, client: TradingClient) -> None:
    emulator.faults(post(FaultKind.RATE_LIMITED, count=2))
    client.submit_order(ORDER)
    assert [one["acted"] for one in emulator.state()["faults"]] == [2]


@pytest.mark.parametrize("processed", [False, True])
def test_a_server_error_before_or_after_the_effect(emulator: Emulator, client: TradingClient, *, processed: bool) -> None:
    emulator.faults(post(FaultKind.SERVER_ERROR, status=503, processed=processed))
    with pytest.raises(APIError) as broken:
        client.submit_order(ORDER)
    assert broken.value.status_code == 503
    assert "<html>" in str(broken.value)
    orders: Any = client.get("/orders", {"status": "all"})
    assert len(orders) == int(processed)


def test_a_504_on_an_order_is_sent_again_by_the_client_and_the_id_keeps_it_one(emulator: Emulator, client: TradingClient) -> None:
    emulator.faults(post(FaultKind.SERVER_ERROR, status=504, processed=True))
    with pytest.raises(APIError, match="client_order_id must be unique"):
        client.submit_order(ORDER)
    position: Any = client.get_open_position("AAPL")
    assert position.qty == "1"


def test_a_body_cut_in_half_is_no_json(emulator: Emulator, client: TradingClient) -> None:
    emulator.faults(post(FaultKind.TRUNCATED_JSON))
    with pytest.raises(requests.JSONDecodeError):
        client.submit_order(ORDER)
    assert client.get_order_by_client_id("mine") is not None


def events_with(emulator: Emulator, fault: Fault, *, last: str = "fill") -> list[TradeUpdate]:
    heard: list[TradeUpdate] = []
    with emulator.updates(heard):
        until(lambda: emulator.state()["trading_streams"] == 1)
        emulator.faults(fault)
        emulator.trading().submit_order(ORDER)
        if fault.delay_ms:
            assert "fill" not in names(heard)
            emulator.step(fault.delay_ms / 1000 + 0.001)
        until(lambda: last in names(heard))
        marker = LimitOrderRequest(symbol="MSFT", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=40)
        emulator.trading().submit_order(marker)
        until(lambda: [update.order.symbol for update in heard].count("MSFT") >= 2)
    return heard


def test_a_late_fill(emulator: Emulator) -> None:
    heard = events_with(emulator, Fault(kind=FaultKind.LATE_EVENT, event="fill", delay_ms=30_000))
    assert names(heard)[:3] == ["pending_new", "new", "fill"]
    assert heard[2].timestamp.second == 5, "it says when it happened, not when it came"


def test_a_duplicate_fill_has_one_execution_id(emulator: Emulator) -> None:
    heard = events_with(emulator, Fault(kind=FaultKind.DUPLICATE_EVENT, event="fill"))
    assert names(heard)[:4] == ["pending_new", "new", "fill", "fill"]
    assert heard[2].execution_id == heard[3].execution_id


def test_events_out_of_order(emulator: Emulator) -> None:
    heard = events_with(emulator, Fault(kind=FaultKind.REORDERED_EVENT, event="new", symbol="AAPL"))
    assert names(heard)[:3] == ["pending_new", "fill", "new"]


def test_a_missing_fill(emulator: Emulator) -> None:
    heard = events_with(emulator, Fault(kind=FaultKind.MISSING_EVENT, event="fill"), last="new")
    assert "fill" not in names(heard)
    found: Any = emulator.trading().get_order_by_client_id("mine")
    assert found.status.value == "filled"


def quotes_of(emulator: Emulator) -> tuple[Any, list[Any]]:
    stream, heard = emulator.data_stream(), []

    async def hear(quote: Any) -> None:
        heard.append(quote)

    stream.subscribe_quotes(hear, "AAPL")
    return stream, heard


def subscribed(emulator: Emulator) -> bool:
    return any("AAPL" in one.wanted["quotes"] for one in emulator.world.hub.subscribers)


@pytest.mark.parametrize("kind", [FaultKind.SILENT_STREAM, FaultKind.HALF_OPEN])
def test_a_stream_that_stops_without_a_word_stays_connected(emulator: Emulator, kind: FaultKind) -> None:
    stream, heard = quotes_of(emulator)
    emulator.faults(Fault(kind=kind, stream=StreamName.DATA, after_frames=2))
    with Running(stream, emulator.cut):
        until(lambda: subscribed(emulator))
        for second in range(6, 12):
            emulator.step_to(second)
        until(lambda: [one["acted"] for one in emulator.state()["faults"]] == [1])
        (connection,) = emulator.world.hub.subscribers
        assert connection.sent == 2
        assert connection.frozen.is_set() is (kind is FaultKind.HALF_OPEN)
        assert not connection.is_gone
    assert len(heard) <= 2


@pytest.mark.parametrize("kind", [FaultKind.SILENT_STREAM, FaultKind.HALF_OPEN])
def test_a_half_open_socket_answers_no_ping_and_a_silent_one_does(emulator: Emulator, kind: FaultKind) -> None:
    import asyncio

    import aiohttp

    async def pinged() -> bool:
        async with aiohttp.ClientSession() as session, session.ws_connect(emulator.addresses.trading_stream, autoping=False) as socket:
            await socket.send_json({"action": "authenticate", "data": {"key_id": "PKEMULATOR", "secret_key": "emulator-secret"}})
            if kind is FaultKind.SILENT_STREAM:
                await socket.receive(5)
            else:
                await asyncio.to_thread(until, lambda: [one["acted"] for one in emulator.state()["faults"]] == [1])
            await socket.ping()
            try:
                return (await socket.receive(0.3 if kind is FaultKind.HALF_OPEN else 20)).type is aiohttp.WSMsgType.PONG
            except TimeoutError:
                return False

    emulator.faults(Fault(kind=kind, stream=StreamName.TRADING))
    assert asyncio.run(pinged()) is (kind is FaultKind.SILENT_STREAM)


def test_a_storm_of_disconnects_ends_and_the_client_comes_back(emulator: Emulator) -> None:
    stream, heard = quotes_of(emulator)
    emulator.faults(Fault(kind=FaultKind.DISCONNECT, stream=StreamName.DATA, count=3))
    with Running(stream, emulator.cut):
        until(lambda: [one["is_over"] for one in emulator.state()["faults"]] == [True] and subscribed(emulator))
        emulator.step_to(8)
        until(lambda: heard)


def test_positions_lag_behind_the_fills(emulator: Emulator, client: TradingClient) -> None:
    client.submit_order(ORDER)
    emulator.faults(Fault(kind=FaultKind.STALE_POSITIONS, count=2))
    assert client.get_all_positions() == []
    with pytest.raises(APIError, match="position does not exist"):
        client.get_open_position("AAPL")
    assert len(client.get_all_positions()) == 1


def test_faults_count_their_matches_and_leave_others_alone(emulator: Emulator) -> None:
    emulator.faults(
        Fault(kind=FaultKind.SERVER_ERROR, method="get", path="/v2/clock", skip=1, count=2),
        Fault(kind=FaultKind.RATE_LIMITED, path="/v2/c", skip=9),
    )
    assert [emulator.call("GET", "/v2/clock").status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    assert emulator.call("GET", "/v2/account").status_code == 200
    assert requests.delete(emulator.addresses.rest + "/emulator/faults", timeout=5).json() == []


@given(st.integers(0, 1_000), st.floats(0.05, 0.95))
def test_a_chance_is_drawn_from_the_seed_alone(seed: int, chance: float) -> None:
    def strikes() -> list[bool]:
        armed = Armed(Fault(kind=FaultKind.LOST_ACK, chance=chance, seed=seed, count=0))
        return [armed.strikes() for _ in range(60)]

    assert strikes() == strikes()


def test_a_file_of_faults_is_a_list_in_yaml_or_json(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {kind: lost_ack, method: POST, path: /v2/orders}\n- {kind: rate_limited, retry_after: soon, count: 0}\n")
    assert read_faults(path)[1] == Fault(kind=FaultKind.RATE_LIMITED, retry_after="soon", count=0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {kind: thunder}", "Invalid enum value"),
        ("{kind: lost_ack}", "Expected `array`"),
        ("- {kind: lost_ack, chanse: 1}", "unknown field"),
        ("- {kind: lost_ack, chance: 2}", "chance is from 0 to 1"),
        ("- {kind: server_error, status: 200}", "status is from 400 to 599"),
        ("- {kind: late_event, delay_ms: -1}", "delay_ms is from 0"),
        ("- {kind: lost_ack, skip: -1}", "skip, count and after_frames are 0 or more"),
        ("- [", "is not a list of faults"),
    ],
)
def test_a_wrong_file_of_faults_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(BadFaultsError) as bad:
        read_faults(path)
    assert words in str(bad.value)
    assert str(path) in str(bad.value)
    with pytest.raises(BadFaultsError, match="cannot be read"):
        read_faults(tmp_path / "nowhere.yaml")
