"""Budgets, keys, unknown paths, and the emulator's own endpoints."""

import base64

import pytest
import requests

from tests.emulators.alpaca.kit import Emulator
from tests.emulators.alpaca.sdk import TradingClient
from tidegate.emulators.alpaca.settings import KEY, SECRET, AccountSettings, EmulatorSettings

pytestmark = pytest.mark.req("X3", "G2", "G6")


def test_a_budget_is_a_window_of_a_minute_from_its_first_call() -> None:
    with Emulator(settings=EmulatorSettings(trading_calls_per_minute=3, data_calls_per_minute=1)) as emulator:
        answers = [emulator.call("GET", "/v2/account") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert answers[3].json() == {"code": 42910000, "message": "rate limit exceeded"}
        assert answers[0].headers["X-RateLimit-Limit"] == "3"
        assert int(answers[0].headers["X-RateLimit-Reset"]) == emulator.clock.now_ns() // 10**9 + 60
        assert emulator.call("GET", "/v2/stocks/quotes/latest", symbols="AAPL").status_code == 200
        refused = emulator.call("GET", "/v2/stocks/quotes/latest", symbols="AAPL")
        assert (refused.status_code, refused.json()) == (429, {"message": "too many requests."})
        emulator.step(59)
        assert emulator.call("GET", "/v2/account").status_code == 429
        emulator.step(1)
        assert emulator.call("GET", "/v2/account").status_code == 200


def test_budgets_are_per_account_and_headers_can_be_missing_from_refusals() -> None:
    accounts = (AccountSettings(), AccountSettings(key="PKOTHER"))
    settings = EmulatorSettings(accounts=accounts, trading_calls_per_minute=1, limit_headers_when_refused=False)
    with Emulator(settings=settings) as emulator:
        emulator.call("GET", "/v2/account")
        refused = emulator.call("GET", "/v2/account")
        assert refused.status_code == 429
        assert "X-RateLimit-Limit" not in refused.headers
        assert emulator.trading("PKOTHER").get_account() is not None


def test_who_is_not_known_is_refused_as_the_venue_does_it() -> None:
    settings = EmulatorSettings(accounts=(AccountSettings(oauth_token="token-1"),))
    with Emulator(settings=settings) as emulator:
        url = emulator.addresses.rest + "/v2/account"
        bare = requests.get(url, timeout=5)
        assert (bare.status_code, bare.headers["Content-Type"].split(";")[0]) == (401, "text/html")
        wrong = requests.get(url, headers={"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "x"}, timeout=5)
        assert (wrong.status_code, wrong.json()) == (401, {"message": "unauthorized."})
        basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        for given, http in ((f"Basic {basic}", 200), ("Bearer token-1", 200), ("Bearer token-2", 401), ("Basic ???", 401)):
            assert requests.get(url, headers={"Authorization": given}, timeout=5).status_code == http
        token = TradingClient(oauth_token="token-1", url_override=emulator.addresses.rest)
        assert token.get_account() is not None


def test_unknown_paths_are_not_found() -> None:
    with Emulator() as emulator:
        answer = emulator.call("GET", "/v2/nowhere")
        assert (answer.status_code, answer.json()) == (404, {"code": 40410000, "message": "endpoint not found"})


def test_a_step_goes_by_seconds_records_or_to_a_time() -> None:
    with Emulator() as emulator:
        url = emulator.addresses.rest + "/emulator/step"
        assert requests.post(url, json={"seconds": 2}, timeout=5).json()["now"] == "2026-11-29T16:07:02.000000000Z"
        told = requests.post(url, json={"records": 1}, timeout=5).json()
        assert told["tape_time"] == "2024-03-04T14:30:02.250000000Z"
        told = requests.post(url, json={"until": "2026-11-29T16:08:00Z"}, timeout=5).json()
        assert told["now"] == "2026-11-29T16:08:00.000000000Z"
        told = requests.post(url, json={"records": 10_000}, timeout=5).json()
        assert told["tape_is_over"] is True
        for wrong in ({"until": "later"}, {"minutes": 5}, {"seconds": "x"}):
            assert requests.post(url, json=wrong, timeout=5).status_code == 422
        bad = requests.post(emulator.addresses.rest + "/emulator/faults", json=[{"kind": "lost_ack", "chance": 7}], timeout=5)
        assert (bad.status_code, "chance" in bad.json()["message"]) == (422, True)
