"""The client over real sockets: what each failure of the network and each refusal of the venue becomes."""

import gc
import json
import pickle
import traceback
from typing import Any

import msgspec
import pytest

from tests.venues.alpaca.payloads import sample
from tests.venues.alpaca.server import KEY, SECRET, WALL_NS, Answer, Bench, Drop, Hang, Truncate, bench
from tests.venues.alpaca.test_orders import GOOD, command
from tidegate.clock.clock import ManualClock
from tidegate.values.enums import CommandKind, OrderState, OrderType, Side, TimeInForce
from tidegate.values.money import NANOS, nanos
from tidegate.values.time import MINUTE_NS, NEVER_NS, SECOND_NS
from tidegate.venues.alpaca.access import (
    LIVE_HOSTS,
    PAPER_HOSTS,
    AccessError,
    LiveAccess,
    PaperAccess,
    check_hosts,
    local_hosts,
)
from tidegate.venues.alpaca.client import AlpacaClient
from tidegate.venues.alpaca.orders import OrderPolicy, ReplacePolicy
from tidegate.venues.alpaca.refusals import refusal
from tidegate.venues.calls import VenueCall
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable, UnreadableAnswerError, VenueError
from tidegate.venues.port import OrderVenue, Urgency
from tidegate.venues.ratelimit import LimitPlan
from tidegate.venues.ticket import BadTicketError

pytestmark = [pytest.mark.req("G1", "G2", "G3", "I3"), pytest.mark.asyncio]

ID = "0-abcdefghijklmnopqrstuvwxyz"
VENUE_ID = "c1a7e2d0-3f54-4b8e-9c21-7a6b5c4d3e2f"
BY_CLIENT_ID = "/v2/orders:by_client_order_id"
DUPLICATE = Answer({"code": 40010001, "message": "client_order_id must be unique"}, 422)
GONE = Answer({"code": 40410000, "message": "order not found for x"}, 404)
LIMITED = {"code": 42910000, "message": "rate limit exceeded"}


def shown(**changes: Any) -> dict[str, Any]:
    """Return an order as the venue shows it, working under our id."""
    base = {
        **sample("order_filled"),
        "client_order_id": ID,
        "status": "new",
        "filled_qty": "0",
        "filled_avg_price": None,
        "filled_at": None,
    }
    return {**base, **changes}


def submit(**changes: Any) -> Any:
    return command(client_order_id=ID, time_in_force=TimeInForce.DAY, **{"valid_until_ns": NEVER_NS, **changes})


def cancel(**changes: Any) -> Any:
    return command(kind=CommandKind.CANCEL, client_order_id=ID, target_id=ID, **changes)


async def test_the_client_is_an_order_venue() -> None:
    async with bench() as on:
        venue: OrderVenue = on.client
        assert venue is on.client


async def test_an_order_is_sent_with_its_id_and_key_and_its_answer_is_read() -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", Answer(shown(status="pending_new")))
        order = await on.client.submit(submit())
        assert (order.state, order.venue_order_id) == (OrderState.ACCEPTED, VENUE_ID)
        (seen,) = on.server.calls("POST")
        assert seen.body == {
            "client_order_id": ID, "symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day", "qty": "10",
            "limit_price": "251.4",
        }  # fmt: skip
        assert (seen.headers["APCA-API-KEY-ID"], seen.headers["APCA-API-SECRET-KEY"]) == (KEY, SECRET)
        assert on.client.ids.venue_id(ID) == VENUE_ID


@pytest.mark.parametrize("name", GOOD)
async def test_every_kind_of_order_can_be_placed(name: str) -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", Answer(shown(client_order_id="0-a")))
        await on.client.desk.place(GOOD[name], urgency=Urgency.ENTRY)
        assert len(on.server.calls("POST")) == 1


async def test_an_order_that_breaks_a_rule_costs_no_request() -> None:
    async with bench() as on:
        with pytest.raises(BadTicketError):
            await on.client.submit(submit(quantity_nanos=0))
        assert on.server.seen == []


@pytest.mark.parametrize(
    "act",
    [
        Drop(), Hang(), Truncate(b'{"id": "c1a7'), Answer(b'{"id": "c1a7', 200), Answer(b"<html>", 200), Answer(b"", 200), Answer([], 200),
        Answer({"code": 50010000, "message": "internal server error occurred"}, 500), Answer(b"<html>bad gateway", 502), Answer(b"", 503),
        Answer(b"timeout", 504), Answer({"code": 40310000, "message": "ok but no"}, 200), Answer(shown(client_order_id="another"), 200),
    ],
)  # fmt: skip
async def test_an_order_whose_answer_does_not_come_or_cannot_be_read_is_unsure_and_sent_once(act: Any) -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", act)
        with pytest.raises(OutcomeUnsure):
            await on.client.submit(submit())
        assert len(on.server.seen) == 1, "an order is never sent again"


async def test_a_venue_that_cannot_be_reached_was_sent_nothing() -> None:
    async with AlpacaClient(PaperAccess(KEY, SECRET), local_hosts("http://127.0.0.1:1"), ManualClock(WALL_NS)) as client:
        with pytest.raises(Unreachable, match="could not be reached"):
            await client.submit(submit())


@pytest.mark.parametrize(
    ("place", "reason"),
    list(
        enumerate(
            [
                DeclineReason.INSUFFICIENT_FUNDS, DeclineReason.INSUFFICIENT_FUNDS, DeclineReason.WASH_TRADE, DeclineReason.SUSPENDED,
                None, DeclineReason.INVALID, DeclineReason.NOT_CANCELABLE, DeclineReason.INVALID, DeclineReason.NOT_FOUND,
                DeclineReason.NOT_FOUND, DeclineReason.UNAUTHORIZED, DeclineReason.RATE_LIMITED, DeclineReason.OTHER,
                DeclineReason.INSUFFICIENT_FUNDS,
            ]
        )
    ),
)  # fmt: skip
async def test_each_documented_refusal_says_what_to_do(place: int, reason: DeclineReason | None) -> None:
    error = sample("errors")[place]
    if reason is None:
        return  # a duplicate id has its own test
    async with bench() as on:
        on.server.on("POST", "/v2/orders", Answer(error["body"], error["http"]))
        with pytest.raises(Declined) as caught:
            await on.client.submit(submit())
        assert caught.value.reason is reason
        assert caught.value.status == error["http"]
        assert error["body"]["message"][:40] in caught.value.words
        assert len(on.server.seen) == 1


@pytest.mark.parametrize("body", [b"", b"<html>401 Authorization Required</html>", b"\xff\xfe", b"null", b"[]", b'{"message": 7}', b"{"])
async def test_a_refusal_with_any_body_is_a_refusal(body: bytes) -> None:
    assert refusal(401, body).reason is DeclineReason.UNAUTHORIZED
    assert refusal(403, body).reason is DeclineReason.OTHER
    assert refusal(302, body).reason is DeclineReason.OTHER


async def test_a_duplicate_id_answers_with_the_order_that_has_it() -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", DUPLICATE)
        on.server.on("GET", BY_CLIENT_ID, Answer(shown(status="filled", filled_qty="10")))
        assert (await on.client.submit(submit())).state is OrderState.FILLED
        on.server.on("POST", "/v2/orders", Answer({"code": 42210000, "message": "client_order_id must be unique"}, 422))
        assert (await on.client.submit(submit())).state is OrderState.FILLED


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (GONE, Declined),
        (Answer(shown(symbol="MSFT")), Declined),
        (Answer(shown(side="sell")), Declined),
        (Answer(b"", 500), OutcomeUnsure),
        (Answer(b"{", 200), OutcomeUnsure),
    ],
)
async def test_a_duplicate_id_that_does_not_lead_to_our_order_is_never_a_success(act: Any, error: type[VenueError]) -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", DUPLICATE)
        on.server.on("GET", BY_CLIENT_ID, act)
        with pytest.raises(error):
            await on.client.submit(submit())
        assert len(on.server.calls("POST")) == 1


async def test_a_cancel_knows_the_order_or_asks_for_it_first() -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer(status=204))
        await on.client.cancel(cancel())
        await on.client.cancel(cancel())
        assert [seen.method for seen in on.server.seen] == ["GET", "DELETE", "DELETE"]


async def test_a_cancel_of_a_strangers_order_goes_by_its_venue_id_and_of_none_is_declined() -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, GONE)
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer(status=204))
        await on.client.cancel(msgspec.structs.replace(cancel(), target_id=VENUE_ID))
        assert len(on.server.calls("DELETE")) == 1
        with pytest.raises(Declined) as caught:
            await on.client.cancel(cancel())
        assert caught.value.reason is DeclineReason.NOT_FOUND


async def test_a_cancel_is_repeated_a_few_times_and_then_unsure_while_a_no_is_final() -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        path = f"/v2/orders/{VENUE_ID}"
        on.server.on("DELETE", path, Answer(b"", 500), Answer(LIMITED, 429, {"Retry-After": "1"}), Answer(status=204))
        await on.client.cancel(cancel())
        assert len(on.server.calls("DELETE")) == 3
        on.server.on("DELETE", path, Answer(b"", 500))
        with pytest.raises(OutcomeUnsure):
            await on.client.cancel(cancel())
        assert len(on.server.calls("DELETE")) == 6
        on.server.on("DELETE", path, Answer({"code": 42210000, "message": 'order is already in "filled" state'}, 422))
        with pytest.raises(Declined) as caught:
            await on.client.cancel(cancel())
        assert caught.value.reason is DeclineReason.NOT_CANCELABLE


async def test_cancel_all_tells_of_each_order() -> None:
    async with bench() as on:
        no = {"code": 40410000, "message": "order not found"}
        on.server.on("DELETE", "/v2/orders", Answer([{"id": "a", "status": 200}, {"id": "b", "status": 404, "body": no}], 207))
        results = await on.client.cancel_all()
        assert [(result.venue_order_id, result.taken, result.words) for result in results] == [
            ("a", True, ""),
            ("b", False, "order not found"),
        ]
        on.server.on("DELETE", "/v2/orders", Answer(b"[{", 207))
        with pytest.raises(OutcomeUnsure):
            await on.client.cancel_all()


def replacement(**changes: Any) -> Any:
    base = {"kind": CommandKind.REPLACE, "client_order_id": "0-new", "target_id": ID, "time_in_force": TimeInForce.DAY}
    return command(**{**base, **changes})


async def test_the_venues_own_replacement_names_a_quantity_only_when_it_changes() -> None:
    async with bench(policy=OrderPolicy(replace_default=ReplacePolicy.VENUE)) as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(shown()))
        on.server.on("PATCH", f"/v2/orders/{VENUE_ID}", Answer(shown(id="e5d4", client_order_id="0-new", replaces=VENUE_ID)))
        order = await on.client.replace(replacement(limit_price_nanos=nanos("252")))
        assert (order.client_order_id, order.replaces) == ("0-new", VENUE_ID)
        with pytest.raises(Declined, match=r"may be changed again in 1\.000 s") as caught:
            await on.client.replace(replacement(target_id="0-new", client_order_id="0-newer"))
        assert caught.value.reason is DeclineReason.RATE_LIMITED
        await on.client.replace(replacement(quantity_nanos=7 * NANOS))
        first, second = on.server.calls("PATCH")
        assert first.body == {"client_order_id": "0-new", "time_in_force": "day", "limit_price": "252"}
        assert second.body["qty"] == "7"


@pytest.mark.parametrize("act", [Drop(), Answer(b"", 500), Answer(b"{", 200)])
async def test_a_replacement_without_a_readable_answer_is_unsure_and_sent_once(act: Any) -> None:
    async with bench(policy=OrderPolicy(replace_default=ReplacePolicy.VENUE)) as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("PATCH", f"/v2/orders/{VENUE_ID}", act)
        with pytest.raises(OutcomeUnsure):
            await on.client.replace(replacement())
        assert len(on.server.calls("PATCH")) == 1


async def test_a_partly_filled_order_is_canceled_confirmed_and_only_its_rest_placed_anew_whatever_the_policy() -> None:
    async with bench(policy=OrderPolicy(replace={"s": ReplacePolicy.VENUE})) as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown(filled_qty="3", status="partially_filled")))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer(status=204))
        pending, ended = shown(filled_qty="3", status="pending_cancel"), shown(filled_qty="4", status="canceled")
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(pending), Answer(ended))
        on.server.on("POST", "/v2/orders", Answer(shown(id="e5d4", client_order_id="0-new", qty="6")))
        await on.client.replace(replacement(quantity_nanos=7 * NANOS))
        assert on.server.calls("PATCH") == []
        assert on.server.calls("POST")[0].body["qty"] == "6", "what filled while it was canceled is not bought twice"


async def test_a_replacement_of_what_filled_meanwhile_sends_nothing() -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer({"message": 'order is already in "filled" state'}, 422))
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(shown(status="filled", filled_qty="10")))
        with pytest.raises(Declined) as caught:
            await on.client.replace(replacement())
        assert caught.value.reason is DeclineReason.NOT_REPLACEABLE
        assert on.server.calls("POST") == []


@pytest.mark.req("B2.2")
async def test_a_replacement_of_what_the_venue_has_replaced_meanwhile_sends_nothing() -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer({"message": 'order is already in "replaced" state'}, 422))
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(shown(status="replaced", replaced_by="e5d4")))
        with pytest.raises(Declined, match="goes on under another id") as caught:
            await on.client.replace(replacement())
        assert caught.value.reason is DeclineReason.NOT_REPLACEABLE
        assert on.server.calls("POST") == [], "its successor works: another order would be one too many"


async def test_a_cancel_that_is_not_confirmed_in_time_sends_nothing_new() -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer(status=204))
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(shown(status="pending_cancel")))
        with pytest.raises(Declined, match="not confirmed in time"):
            await on.client.replace(replacement())
        assert on.server.calls("POST") == []
        assert len(on.server.seen) < 12, "waiting for a cancel is no storm of reads"


@pytest.mark.parametrize(
    ("act", "reason"), [(GONE, DeclineReason.NOT_FOUND), (Answer(shown(status="canceled")), DeclineReason.NOT_REPLACEABLE)]
)
async def test_what_is_not_there_or_has_ended_cannot_be_replaced(act: Any, reason: DeclineReason) -> None:
    async with bench() as on:
        on.server.on("GET", BY_CLIENT_ID, act)
        with pytest.raises(Declined) as caught:
            await on.client.replace(replacement())
        assert caught.value.reason is reason
        assert {seen.method for seen in on.server.seen} == {"GET"}


class Lists:
    """Open and closed orders and fills as a complete lookup reads them."""

    def __init__(self, on: Bench) -> None:
        self.on = on
        on.server.on("GET", BY_CLIENT_ID, GONE)
        on.server.on("GET", "/v2/orders", Answer([]), Answer([]))
        on.server.on("GET", "/v2/account/activities", Answer([]))


async def test_a_404_alone_proves_nothing_and_none_means_that_every_list_was_read() -> None:
    async with bench() as on:
        Lists(on)
        assert await on.client.find(ID) is None
        assert [(seen.path, seen.query.get("status", "")) for seen in on.server.seen] == [
            (BY_CLIENT_ID, ""), ("/v2/orders", "open"), ("/v2/orders", "closed"), ("/v2/account/activities", ""),
        ]  # fmt: skip


async def test_an_order_is_found_among_the_open_the_closed_the_legs_and_the_fills() -> None:
    async with bench() as on:
        Lists(on)
        on.server.on("GET", "/v2/orders", Answer([shown()]))
        assert (await on.client.find(ID)) is not None
        on.server.on("GET", "/v2/orders", Answer([]), Answer([shown(client_order_id="other", legs=[shown(status="canceled")])]))
        found = await on.client.find(ID)
        assert found is not None
        assert found.state is OrderState.CANCELED
        on.server.on("GET", "/v2/orders", Answer([]), Answer([]))
        on.server.on("GET", "/v2/account/activities", Answer(sample("activities")[:1]))
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(shown(status="filled", filled_qty="10")))
        found = await on.client.find(ID)
        assert found is not None
        assert found.state is OrderState.FILLED


@pytest.mark.parametrize("path", [BY_CLIENT_ID, "/v2/orders", "/v2/account/activities"])
@pytest.mark.parametrize("act", [Answer(b"", 500), Answer(b"[{", 200), Answer(LIMITED, 429)])
async def test_a_lookup_with_a_hole_in_it_is_an_error_and_never_none(path: str, act: Answer) -> None:
    async with bench() as on:
        Lists(on)
        on.server.on("GET", path, act)
        with pytest.raises((Unreachable, UnreadableAnswerError, Declined)):
            await on.client.find(ID)


async def test_long_lists_are_read_to_their_end_by_id_cursor() -> None:
    async with bench() as on:
        Lists(on)
        full = [shown(client_order_id=f"o{number}", id=f"v{number}") for number in range(500)]
        on.server.on("GET", "/v2/orders", Answer(full), Answer([shown()]))
        found = await on.client.open_orders()
        assert len(found) == 501
        first, second = on.server.calls("GET", "/v2/orders")
        assert first.query == {"nested": "true", "limit": "500", "direction": "desc", "status": "open"}
        assert second.query["before_order_id"] == "v499"


async def test_closed_orders_are_read_back_to_the_lookback_and_no_further() -> None:
    async with bench() as on:
        Lists(on)
        old = [shown(client_order_id=f"o{number}", id=f"v{number}", submitted_at="2026-11-01T15:00:00Z") for number in range(500)]
        on.server.on("GET", "/v2/orders", Answer([]), Answer(old))
        assert await on.client.find(ID) is None
        assert len(on.server.calls("GET", "/v2/orders")) == 2
        endless = [shown(client_order_id=f"o{number}", id=f"v{number}") for number in range(500)]
        on.server.on("GET", "/v2/orders", Answer(endless))
        with pytest.raises(UnreadableAnswerError, match="does not end"):
            await on.client.find(ID)


async def test_executions_are_read_to_their_end_and_one_that_cannot_be_read_is_an_error() -> None:
    async with bench() as on:
        fill = sample("activities")[0]
        full = [{**fill, "id": f"20261118100211726::e{number}"} for number in range(100)]
        on.server.on("GET", "/v2/account/activities", Answer(full), Answer([fill]))
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        await on.client.find(ID)
        found = await on.client.executions(WALL_NS - MINUTE_NS)
        assert len(found) == 101
        assert {execution.client_order_id for execution in found} == {ID}
        first, second = on.server.calls("GET", "/v2/account/activities")
        assert (first.query["after"], first.query["activity_types"]) == ("2026-11-18T15:01:11.000000000Z", "FILL")
        assert second.query["page_token"] == "20261118100211726::e99"
        on.server.on("GET", "/v2/account/activities", Answer([{**fill, "side": "sideways"}]))
        with pytest.raises(UnreadableAnswerError, match="cannot be read whole"):
            await on.client.executions(0)


async def test_a_fill_is_named_by_our_id_though_its_order_was_never_seen() -> None:
    async with bench() as on:
        fill = sample("activities")[0]
        on.server.on("GET", "/v2/account/activities", Answer([fill]))
        on.server.on("GET", f"/v2/orders/{VENUE_ID}", Answer(shown(status="filled", filled_qty="10")))
        for _ in range(2):
            assert [execution.client_order_id for execution in await on.client.executions(0)] == [ID]
        assert len(on.server.calls("GET", f"/v2/orders/{VENUE_ID}")) == 1, "an order that was read is remembered"


async def test_the_orders_of_many_fills_are_read_from_the_lists_and_one_that_the_venue_does_not_show_stays_nameless() -> None:
    async with bench() as on:
        fill = sample("activities")[0]
        fills = [{**fill, "id": f"20261118100211726::e{number}", "order_id": f"v{number}"} for number in range(9)]
        on.server.on("GET", "/v2/account/activities", Answer(fills))
        listed = [shown(client_order_id=f"o{number}", id=f"v{number}") for number in range(8)]
        on.server.on("GET", "/v2/orders", Answer(listed[:3]), Answer(listed[3:]))
        on.server.on("GET", "/v2/orders/v8", GONE)
        found = await on.client.executions(0)
        assert [execution.client_order_id for execution in found] == [*(f"o{number}" for number in range(8)), ""]
        assert [seen.query.get("status", "") for seen in on.server.calls("GET", "/v2/orders")] == ["open", "closed"]


async def test_account_positions_clock_calendar_assets_and_history_are_read() -> None:
    async with bench() as on:
        server, client = on.server, on.client
        server.on("GET", "/v2/account", Answer(sample("account_2026")), Answer({}))
        server.on("GET", "/v2/positions", Answer(sample("positions")))
        server.on("GET", "/v2/clock", Answer(sample("clock")))
        server.on("GET", "/v2/calendar", Answer(sample("calendar")))
        server.on("GET", "/v2/assets/AAPL", Answer(sample("asset")))
        server.on("GET", "/v2/options/contracts/AAPL261218P00240000", Answer(sample("contract")))
        server.on("GET", "/v2/account/portfolio/history", Answer(sample("history")))
        server.on("GET", "/v2/account/configurations", Answer(sample("configuration")))
        assert (await client.account()).equity_usd == "100450.25"
        with pytest.raises(UnreadableAnswerError):
            await client.account()
        assert [position.symbol for position in await client.positions()] == ["AAPL", "AAPL261218P00240000"]
        assert (await client.clock()).is_open
        skew_ns, error_ns = await client.reference.skew_ns()
        assert (skew_ns, error_ns) == (483_920_117, 0)
        assert [day.early_close for day in await client.calendar("2026-11-25", "2026-11-27")] == [False, True]
        found = await client.assets(["AAPL", "AAPL261218P00240000", "GONE"])
        assert [asset is not None for asset in found.values()] == [True, True, False]
        assert len(await client.accounts.equity_history()) == 3
        assert (await client.accounts.configuration()).suspend_trade is False


async def test_the_venues_own_switch_must_be_confirmed() -> None:
    async with bench() as on:
        path = "/v2/account/configurations"
        on.server.on("PATCH", path, Answer({**sample("configuration"), "suspend_trade": True}))
        await on.client.suspend(on=True)
        assert on.server.calls("PATCH")[0].body == {"suspend_trade": True}
        for act in (Answer({**sample("configuration"), "suspend_trade": True}), Answer(b"{"), Answer({})):
            on.server.on("PATCH", path, act)
            with pytest.raises(OutcomeUnsure):
                await on.client.suspend(on=False)


@pytest.mark.req("G4")
async def test_positions_are_closed_and_options_exercised() -> None:
    async with bench() as on:
        on.server.on("DELETE", "/v2/positions/AAPL", Answer(shown(client_order_id="theirs")))
        on.server.on(
            "DELETE", "/v2/positions", Answer([{"symbol": "AAPL", "status": 200}, {"symbol": "MSFT", "status": 403, "body": {}}], 207)
        )
        on.server.on("POST", "/v2/positions/AAPL261218P00240000/exercise", Answer(status=200))
        on.server.on("POST", "/v2/positions/AAPL261218P00240000/do-not-exercise", Answer(status=200))
        assert (await on.client.accounts.close_position("AAPL")).client_order_id == "theirs"
        assert [result.taken for result in await on.client.accounts.close_all_positions()] == [True, False]
        await on.client.accounts.exercise("AAPL261218P00240000")
        await on.client.accounts.do_not_exercise("AAPL261218P00240000")
        on.server.on("DELETE", "/v2/positions/AAPL", Answer(b"{"))
        on.server.on("DELETE", "/v2/positions", Answer(b"{", 207))
        with pytest.raises(OutcomeUnsure):
            await on.client.accounts.close_position("AAPL")
        with pytest.raises(OutcomeUnsure):
            await on.client.accounts.close_all_positions()


@pytest.mark.req("G4", "G5")
async def test_contracts_and_corporate_actions_are_read_page_by_page() -> None:
    async with bench() as on:
        page = {"option_contracts": [sample("contract")], "next_page_token": "t"}
        on.server.on("GET", "/v2/options/contracts", Answer(page), Answer({"option_contracts": None}))
        assert [contract.strike_nanos async for contract in on.client.reference.contracts("AAPL")] == [240 * NANOS]
        assert on.server.calls("GET", "/v2/options/contracts")[1].query["page_token"] == "t"
        split = {"symbol": "A", "new_rate": 4, "old_rate": 1, "process_date": "2026-08-31"}
        actions = {"corporate_actions": {"forward_splits": [split], "alien_swaps": []}, "next_page_token": "t"}
        on.server.on("GET", "/v1/corporate-actions", Answer(actions), Answer({}))
        rows = on.client.reference.corporate_actions(["A"], "2026-08-01", "2026-09-01")
        assert (await anext(rows)).symbol == "A"
        with pytest.raises(VenueError, match="alien_swaps"):
            await anext(rows)


@pytest.mark.req("E4", "G6")
async def test_reads_wait_out_a_429_and_are_not_multiplied() -> None:
    async with bench() as on:
        on.server.on("GET", "/v2/clock", Answer(LIMITED, 429, {"Retry-After": "7"}), Answer(sample("clock")))
        start_ns = on.clock.monotonic_ns()
        await on.client.clock()
        assert on.clock.monotonic_ns() - start_ns >= 7 * SECOND_NS
        on.server.on("GET", "/v2/clock", Answer(LIMITED, 429))
        sent = len(on.server.seen)
        for _ in range(100):
            with pytest.raises(Declined):
                await on.client.clock()
        assert len(on.server.seen) - sent <= 100 * 1.1 + 20
        assert on.client.trading_turns.usage().throttled >= 100


@pytest.mark.req("E4")
async def test_entries_leave_the_reserve_to_cancels() -> None:
    async with bench(plan=LimitPlan(requests=8, window_ns=MINUTE_NS)) as on:
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("POST", "/v2/orders", Answer(shown()))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer(status=204))
        for _ in range(6):
            await on.client.submit(submit())
        assert on.clock.monotonic_ns() == 0
        await on.client.cancel(cancel())
        await on.client.cancel(cancel())
        assert on.clock.monotonic_ns() == 0
        await on.client.submit(submit())
        assert on.clock.monotonic_ns() >= MINUTE_NS


@pytest.mark.req("B2.4", "E4")
async def test_what_happens_while_an_order_waits_for_its_turn_holds_it_back() -> None:
    async with bench(plan=LimitPlan(requests=8, window_ns=MINUTE_NS)) as on:
        on.server.on("POST", "/v2/orders", Answer(shown()))
        on.server.on("GET", BY_CLIENT_ID, Answer(shown()))
        on.server.on("DELETE", f"/v2/orders/{VENUE_ID}", Answer(status=204))
        on.client.last_look = lambda key: "the gate is halted: global" if key == ID and on.clock.monotonic_ns() else ""
        for _ in range(6):
            await on.client.submit(submit())
        with pytest.raises(Unreachable, match=r"held back after its wait for a turn: the gate is halted: global\."):
            await on.client.submit(submit())
        assert on.clock.monotonic_ns() >= MINUTE_NS, "it has waited"
        assert len(on.server.calls("POST")) == 6
        await on.client.cancel(cancel())


@pytest.mark.req("B2.4", "E4")
async def test_an_order_waits_for_its_turn_no_longer_than_it_is_of_use() -> None:
    async with bench(plan=LimitPlan(requests=8, window_ns=MINUTE_NS)) as on:
        on.server.on("POST", "/v2/orders", Answer(shown()))
        for _ in range(6):
            await on.client.submit(submit())
        with pytest.raises(Unreachable, match="left no turn in time; nothing was sent"):
            await on.client.submit(submit(valid_until_ns=on.clock.now_ns() + 5 * SECOND_NS))
        assert len(on.server.calls("POST")) == 6


@pytest.mark.req("D2.3")
async def test_every_attempt_is_told_as_it_ended_without_key_query_or_body() -> None:
    async with bench() as on:
        told: list[VenueCall] = []
        on.client.called = told.append
        on.server.on("POST", "/v2/orders", Answer(shown()), Answer({"message": f"bad key {SECRET}"}, 403), Drop(), Answer(b"", 500))
        on.server.on("GET", BY_CLIENT_ID, Answer(b"", 502), Answer(shown()))
        await on.client.submit(submit())
        for _ in range(3):
            with pytest.raises(VenueError):
                await on.client.submit(submit())
        await on.client.find(ID)
        assert [(call.method, call.path, call.status, call.why) for call in told] == [
            ("POST", "/v2/orders", 200, ""),
            ("POST", "/v2/orders", 403, ""),
            ("POST", "/v2/orders", 0, "ServerDisconnectedError"),
            ("POST", "/v2/orders", 500, ""),
            ("GET", BY_CLIENT_ID, 502, ""),
            ("GET", BY_CLIENT_ID, 200, ""),
        ]
        assert all(call.duration_ns >= 0 for call in told)
        assert KEY not in str(told)
        assert SECRET not in str(told)


@pytest.mark.req("E1")
async def test_a_key_shows_nowhere() -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", Answer({"message": f"bad key {SECRET} of {KEY}"}, 401), Drop(), Answer(b"", 500))
        said = [repr(on.client), str(vars(on.client)), repr(PaperAccess(KEY, SECRET)), repr(PaperAccess(token=SECRET))]
        for _ in range(3):
            try:
                await on.client.submit(submit())
            except VenueError as error:
                said += [repr(error), str(error), "".join(traceback.format_exception(error)), str(error.__dict__)]
        assert len(said) == 16
        assert not any(SECRET in text or KEY in text for text in said)
    with pytest.raises(AccessError):
        pickle.dumps(PaperAccess(KEY, SECRET))
    gc.collect()


@pytest.mark.req("E1")
async def test_paper_and_live_keys_are_never_mixed_up() -> None:
    with pytest.raises(AccessError, match="live key"):
        PaperAccess("AKLIVE", "s")
    with pytest.raises(AccessError, match="paper key"):
        LiveAccess("PKPAPER", "s")
    paper, live, rehearsed = PaperAccess("PKPAPER", "s"), LiveAccess("AKLIVE", "s"), LiveAccess("AKEMULATOR", "s")
    check_hosts(paper, PAPER_HOSTS)
    check_hosts(rehearsed, local_hosts("http://127.0.0.1:8100"))
    check_hosts(live, LIVE_HOSTS)
    check_hosts(paper, local_hosts("http://127.0.0.1:8100"))
    for access, hosts in (
        (paper, LIVE_HOSTS),
        (live, PAPER_HOSTS),
        (live, local_hosts("http://127.0.0.1:1")),
        (paper, local_hosts("http://evil")),
        (rehearsed, LIVE_HOSTS),
        (rehearsed, PAPER_HOSTS),
        (rehearsed, local_hosts("http://evil")),
    ):
        with pytest.raises(AccessError):
            check_hosts(access, hosts)


@pytest.mark.req("E1", "G2")
async def test_a_token_stands_in_place_of_a_key() -> None:
    token = PaperAccess(token="opaque")
    assert token.headers() == {"Authorization": "Bearer opaque"}
    assert json.loads(token.trading_login()) == {"action": "authenticate", "data": {"oauth_token": "opaque"}}
    assert msgspec.msgpack.decode(token.market_login()) == {"action": "auth", "key": "oauth", "secret": "opaque"}
    pair = PaperAccess("oauth", "opaque")
    assert (pair.headers(), pair.trading_login(), pair.market_login()) == (token.headers(), token.trading_login(), token.market_login())
    assert LiveAccess("oauth", "opaque").headers() == token.headers()
    for wrong in ({"key": "oauth"}, {"key": "PK1"}, {"secret": "s"}, {"key": "PK1", "secret": "s", "token": "t"}, {}):
        with pytest.raises(AccessError):
            PaperAccess(**wrong)


async def test_a_redirect_is_not_followed() -> None:
    async with bench() as on:
        on.server.on("GET", "/v2/clock", Answer(b"", 302, {"Location": "http://127.0.0.1:1/"}))
        with pytest.raises(Declined):
            await on.client.clock()
        assert len(on.server.seen) == 1


async def test_a_stop_limit_trail_and_market_order_go_out_as_the_oms_asks() -> None:
    async with bench() as on:
        on.server.on("POST", "/v2/orders", Answer(shown()))
        await on.client.submit(submit(order_type=OrderType.MARKET, side=Side.SELL), urgency=Urgency.EXIT)
        await on.client.submit(submit(order_type=OrderType.STOP, stop_price_nanos=nanos("240")))
        bodies = [seen.body for seen in on.server.calls("POST")]
        assert "limit_price" not in bodies[0]
        assert bodies[1]["stop_price"] == "240"
