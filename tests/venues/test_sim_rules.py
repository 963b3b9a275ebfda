"""The simulator's rules by hand-worked scenes: each is a line of `assumptions.py`. Prices in cents, sizes in shares."""

from typing import Any

import pytest

from tests.venues.scenes import (
    CENT,
    SHARE,
    Rec,
    cancel,
    order,
    quote,
    replacement,
    status,
    stream,
    trade,
    venue,
)
from tidegate.events import records
from tidegate.events.acts import OrderCommand
from tidegate.values.enums import CommandKind, OrderType, Side, TimeInForce
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity, SimSettings, TradingHours
from tidegate.venues.sim.venue import SimVenue

pytestmark = pytest.mark.req("C1.2")

BUY, SELL = Side.BUY, Side.SELL
IOC, FOK, GTC = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC
MARKET, STOP, STOP_LIMIT, TRAILING = (
    OrderType.MARKET,
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TRAILING_STOP,
)
SEES_ALL = [1_000]


def story(market: tuple[Rec, ...], *commands: tuple[int, OrderCommand], **words: Any) -> list[tuple[Any, ...]]:
    """Send commands at their times, each after all records of that time; return (time, kind, shares, cents) of all answers."""
    return told(venue(stream(*market), **words), *commands)


def told(sim: SimVenue, *commands: tuple[int, OrderCommand]) -> list[tuple[Any, ...]]:
    for sent_ns, command in commands:
        sim.command(command, sent_ns=sent_ns, taken=SEES_ALL)
    said = []
    while sim.next_response_ns() < NEVER_NS:
        answer = sim.next_response()
        said.append(
            (
                answer.timestamp,
                answer.kind,
                answer.last_quantity_nanos // SHARE,
                answer.last_price_nanos // CENT,
            )
        )
    return said


def fills(said: list[tuple[Any, ...]]) -> list[tuple[int, int, int]]:
    return [(time, shares, cents) for time, _, shares, cents in said if shares]


def kinds(said: list[tuple[Any, ...]]) -> list[Kind]:
    return [kind for _, kind, _, _ in said]


def test_an_immediate_order_takes_what_is_displayed_and_cancels_the_rest() -> None:
    said = story((quote(1, 99, 100, 5, 3),), (1, order("a", BUY, 4, limit=105, time_in_force=IOC)))
    assert said == [(1, Kind.ACCEPTED, 0, 0), (1, Kind.PARTIALLY_FILLED, 3, 100), (1, Kind.CANCELED, 0, 0)]


def test_a_fill_or_kill_order_fills_whole_or_not_at_all() -> None:
    market = (quote(1, 99, 100, 5, 3),)
    assert kinds(story(market, (1, order("a", BUY, 4, limit=105, time_in_force=FOK)))) == [
        Kind.ACCEPTED,
        Kind.CANCELED,
    ]
    assert fills(story(market, (1, order("a", BUY, 3, limit=105, time_in_force=FOK)))) == [(1, 3, 100)]


def test_taken_liquidity_comes_back_only_with_another_price_or_size() -> None:
    market = (quote(1, 99, 100), quote(3, 98, 100), quote(5, 98, 100, 5, 6))
    commands = [(t, order(f"o{t}", BUY, 5, limit=100, time_in_force=IOC)) for t in (2, 4, 6)]
    assert fills(story(market, *commands)) == [(2, 5, 100), (6, 5, 100)]


def test_the_rest_of_a_marketable_order_rests_at_its_limit_with_nothing_before_it() -> None:
    market = (quote(1, 99, 100, 5, 3), trade(3, 101, 2), quote(4, 99, 101, 5, 9))
    assert fills(story(market, (1, order("a", BUY, 9, limit=101)))) == [(1, 3, 100), (3, 2, 101), (4, 4, 101)]


def test_the_rest_of_a_market_order_takes_from_the_next_quotes_at_their_prices() -> None:
    market = (quote(1, 99, 100, 5, 3), trade(2, 100, 9), quote(3, 99, 104, 5, 2), quote(4, 99, 103, 5, 9))
    assert fills(story(market, (1, order("a", BUY, 9, order_type=MARKET)))) == [
        (1, 3, 100),
        (3, 2, 104),
        (4, 4, 103),
    ]


def test_a_resting_order_waits_behind_the_size_displayed_when_it_came() -> None:
    market = (
        quote(1, 99, 101, 5, 5),
        trade(2, 99, 3),
        trade(3, 99, 4),
        quote(4, 99, 101, 1, 5),
        trade(5, 99, 1),
    )
    assert fills(story(market, (1, order("a", BUY, 9, limit=99)))) == [(3, 2, 99), (5, 1, 99)]


def test_a_print_through_the_price_fills_at_the_order_s_price_whatever_the_queue() -> None:
    market = (quote(1, 99, 101, 500, 5), trade(2, 98, 4))
    assert fills(story(market, (1, order("a", BUY, 9, limit=99)))) == [(2, 4, 99)]


@pytest.mark.parametrize(
    "flags",
    [
        0,
        records.REGULAR | records.OFF_EXCHANGE,
        records.REGULAR | records.CORRECTION,
        records.REGULAR | records.SUSPICIOUS,
    ],
)
def test_only_regular_prints_on_an_exchange_advance_an_order(flags: int) -> None:
    market = (quote(1, 98, 101), trade(2, 97, 9, flags=flags))
    assert fills(story(market, (1, order("a", BUY, 9, limit=99)))) == []


def test_a_better_price_stands_at_the_front() -> None:
    market = (quote(1, 98, 101), trade(2, 99, 4))
    assert fills(story(market, (1, order("a", BUY, 9, limit=99)))) == [(2, 4, 99)]


def test_behind_the_best_price_the_queue_is_learned_when_the_market_falls_back_to_it() -> None:
    market = (quote(1, 99, 101), trade(2, 97, 2), quote(3, 97, 101, 6, 5), trade(4, 97, 7))
    assert fills(story(market, (1, order("a", BUY, 9, limit=97)))) == [(4, 1, 97)]


def test_a_quote_that_reaches_a_resting_order_fills_it_at_its_own_price() -> None:
    market = (quote(1, 99, 101), quote(2, 96, 98, 5, 4), quote(3, 96, 98, 7, 4), quote(4, 96, 98, 7, 3))
    assert fills(story(market, (1, order("a", BUY, 9, limit=99)))) == [(2, 4, 99), (4, 3, 99)]


def test_a_broken_quote_fills_nothing_on_the_broken_side() -> None:
    crossed = (quote(1, 101, 100),)
    assert fills(story(crossed, (1, order("a", BUY, 1, limit=105, time_in_force=IOC)))) == []
    locked = (quote(1, 100, 100),)
    assert fills(story(locked, (1, order("a", BUY, 1, limit=105, time_in_force=IOC)))) == [(1, 1, 100)]
    no_ask = (quote(1, 99, 0, 5, 0),)
    assert fills(story(no_ask, (1, order("a", BUY, 1, order_type=MARKET, time_in_force=IOC)))) == []
    assert fills(story(no_ask, (1, order("a", SELL, 1, order_type=MARKET, time_in_force=IOC)))) == [(1, 1, 99)]
    slow = (quote(1, 99, 100, flags=records.SLOW_QUOTE),)
    assert fills(story(slow, (1, order("a", BUY, 1, limit=105, time_in_force=IOC)))) == []


def test_a_halt_stops_matching_and_voids_the_quote_of_before() -> None:
    market = (
        quote(1, 99, 100),
        status(2, records.STATUS_HALT),
        trade(4, 90, 9),
        quote(5, 89, 90),
        status(6, records.STATUS_RESUME),
        trade(7, 95, 1),
        quote(8, 98, 99, 5, 2),
    )
    resting = order("a", BUY, 9, limit=100, time_in_force=GTC)
    assert fills(story(market, (3, resting))) == [(7, 1, 100), (8, 2, 99)]
    assert kinds(story(market, (3, order("b", BUY, 9, limit=100, time_in_force=IOC)))) == [
        Kind.ACCEPTED,
        Kind.CANCELED,
    ]
    assert fills(story(market, (6, order("c", BUY, 9, order_type=MARKET)))) == [(8, 2, 99)]


def test_an_order_that_waited_through_a_halt_rests_once_it_has_met_a_quote() -> None:
    market = (
        status(1, records.STATUS_HALT),
        status(3, records.STATUS_RESUME),
        quote(4, 101, 103),
        quote(5, 97, 98, 5, 2),
    )
    assert fills(story(market, (2, order("a", BUY, 9, limit=100)))) == [(5, 2, 100)]


def test_a_feed_outage_does_not_touch_the_venue() -> None:
    market = (quote(1, 99, 100), status(2, records.STATUS_FEED_DOWN))
    assert fills(story(market, (3, order("a", BUY, 1, limit=100, time_in_force=IOC)))) == [(3, 1, 100)]


def test_stops_are_elected_by_sales_within_the_quote_and_before_the_first_by_quotes() -> None:
    before = (quote(1, 99, 101), quote(2, 97, 98))
    assert fills(story(before, (1, order("a", SELL, 2, order_type=STOP, stop=98)))) == [(2, 2, 97)]
    market = (quote(1, 99, 101), trade(2, 100, 1), quote(3, 96, 101), trade(4, 95, 1), trade(5, 97, 1))
    assert fills(story(market, (2, order("a", SELL, 2, order_type=STOP, stop=98)))) == [(5, 2, 96)]
    off_exchange = (*market[:4], trade(5, 97, 1, flags=records.REGULAR | records.OFF_EXCHANGE))
    assert fills(story(off_exchange, (2, order("a", SELL, 2, order_type=STOP, stop=98)))) == [(5, 2, 96)]


def test_a_stop_limit_rests_at_its_limit_once_elected() -> None:
    market = (quote(1, 99, 101), trade(2, 100, 1), quote(3, 95, 97), trade(4, 96, 1), trade(5, 98, 1))
    stop = order("a", SELL, 2, order_type=STOP_LIMIT, stop=98, limit=97)
    assert fills(story(market, (2, stop))) == [(5, 1, 97)]


def test_a_buy_stop_gets_a_collar_where_the_venue_sets_one() -> None:
    market = (quote(1, 99, 101), trade(2, 100, 1), quote(3, 130, 131), trade(4, 131, 1))
    stop = order("a", BUY, 2, order_type=STOP, stop=120)
    assert fills(story(market, (2, stop))) == []
    assert fills(story(market, (2, stop), settings=SimSettings(buy_stop_collar=False))) == [(4, 2, 131)]


def test_a_trailing_stop_follows_the_market_and_then_sells_at_it() -> None:
    market = (
        quote(1, 99, 101),
        trade(2, 100, 1),
        quote(3, 109, 111),
        trade(4, 110, 1),
        quote(5, 100, 111),
        trade(6, 108, 1),
        trade(7, 107, 1),
    )
    assert fills(story(market, (2, order("a", SELL, 2, order_type=TRAILING, trail=3)))) == [(7, 2, 100)]
    rising = (quote(1, 99, 101), trade(2, 100, 1), trade(3, 99, 1), quote(4, 99, 105), trade(5, 102, 1))
    assert fills(story(rising, (2, order("a", BUY, 2, order_type=TRAILING, trail=3)))) == [(5, 2, 105)]


def test_a_stop_that_the_market_has_passed_is_rejected() -> None:
    market = (quote(1, 99, 101), trade(2, 100, 1))
    assert kinds(story(market, (2, order("a", SELL, 2, order_type=STOP, stop=100)))) == [Kind.REJECTED]
    assert kinds(story(market, (2, order("a", BUY, 2, order_type=STOP, stop=100)))) == [Kind.REJECTED]


HOURS = SimSettings(hours=(TradingHours(open_ns=10, close_ns=20), TradingHours(open_ns=30, close_ns=40)))


def test_day_orders_expire_at_the_close_and_others_live_on() -> None:
    market = (quote(11, 99, 101), quote(20, 97, 98), quote(31, 95, 98))
    said = story(
        market,
        (12, order("d", BUY, 2, limit=99)),
        (12, order("g", BUY, 2, limit=99, time_in_force=GTC)),
        settings=HOURS,
    )
    assert [word for word in said if word[1] is not Kind.ACCEPTED] == [
        (20, Kind.EXPIRED, 0, 0),
        (31, Kind.FILLED, 2, 99),
    ]


def test_orders_from_outside_the_hours_wait_for_the_next_session_or_are_rejected() -> None:
    market = (quote(8, 99, 101), quote(11, 97, 98))
    early = (9, order("a", BUY, 2, limit=99))
    assert fills(story(market, early, settings=HOURS)) == [(11, 2, 98)]
    rejecting = SimSettings(hours=HOURS.hours, outside_hours=OutsideHours.REJECT)
    assert kinds(story(market, early, settings=rejecting)) == [Kind.REJECTED]
    assert kinds(story(market, (9, order("a", BUY, 2, limit=99, time_in_force=IOC)), settings=HOURS)) == [
        Kind.ACCEPTED,
        Kind.CANCELED,
    ]
    assert kinds(story(market, (41, order("a", BUY, 2, limit=99)), settings=HOURS)) == [Kind.REJECTED]


def test_a_sell_beyond_the_position_is_rejected_where_shorts_are_not_allowed() -> None:
    long_only = SimSettings(short_selling=False)
    market = (quote(1, 99, 100),)
    bought = (1, order("b", BUY, 3, limit=100))
    said = story(
        market,
        bought,
        (2, order("s1", SELL, 2, limit=105)),
        (3, order("s2", SELL, 2, limit=105)),
        settings=long_only,
    )
    assert kinds(said) == [Kind.ACCEPTED, Kind.FILLED, Kind.ACCEPTED, Kind.REJECTED]
    selling = order("s", SELL, 3, limit=105)
    again = replacement("r", selling, 3, limit=106)
    assert kinds(story(market, bought, (2, selling), (3, again), settings=long_only))[-2:] == [Kind.REPLACED, Kind.ACCEPTED]


def test_a_cancel_ends_an_open_order_and_only_that() -> None:
    market = (quote(1, 99, 101), trade(3, 98, 9))
    resting = order("a", BUY, 2, limit=99)
    assert kinds(story(market, (1, resting), (2, cancel("a")))) == [Kind.ACCEPTED, Kind.CANCELED]
    assert kinds(story(market, (1, resting), (3, cancel("a")))) == [
        Kind.ACCEPTED,
        Kind.FILLED,
        Kind.CANCEL_REJECTED,
    ]
    assert kinds(story(market, (1, cancel("nobody")))) == [Kind.CANCEL_REJECTED]


def test_a_replacement_ends_its_original_and_fills_its_own_quantity_or_the_chain_s_total() -> None:
    market = (quote(1, 99, 101), trade(3, 98, 2), trade(5, 98, 9))
    resting = order("a", BUY, 5, limit=99)
    rest = SimSettings(replace_quantity=ReplaceQuantity.REST)
    assert fills(story(market, (1, resting), (4, replacement("b", resting, 6)), settings=rest)) == [(3, 2, 99), (5, 6, 99)]
    total = SimSettings()
    said = story(market, (1, resting), (4, replacement("b", resting, 6)), settings=total)
    assert [word[1:3] for word in said] == [
        (Kind.ACCEPTED, 0),
        (Kind.PARTIALLY_FILLED, 2),
        (Kind.REPLACED, 0),
        (Kind.ACCEPTED, 0),
        (Kind.FILLED, 4),
    ]
    refused = [Kind.ACCEPTED, Kind.PARTIALLY_FILLED, Kind.REPLACE_REJECTED, Kind.REJECTED, Kind.FILLED]
    assert kinds(story(market, (1, resting), (4, replacement("b", resting, 2)), settings=total)) == refused
    assert kinds(story(market, (1, resting), (4, replacement("b", resting, 5)))) == refused, "nothing changed"


def test_a_lookup_finds_open_and_ended_orders_by_id() -> None:
    market = (quote(1, 99, 101), trade(3, 98, 9))
    ask = order("", BUY, 0, kind=CommandKind.LOOKUP, target_id="a")
    resting = order("a", BUY, 2, limit=99)
    assert kinds(story(market, (1, ask))) == [Kind.LOOKUP_MISSED]
    assert kinds(story(market, (1, resting), (2, ask), (3, ask)))[1:] == [
        Kind.FOUND_WORKING,
        Kind.FILLED,
        Kind.FILLED,
    ]


@pytest.mark.parametrize(
    "faulty",
    [
        order("a", BUY, 1, symbol="ZZZ", limit=100),
        order("a", BUY, 1, venue="other", limit=100),
        order("", BUY, 1, limit=100),
        order("a" * 49, BUY, 1, limit=100),
        order("a", BUY, 0, limit=100),
        order("a", BUY, -1, limit=100),
        order("a", BUY, 1, limit=0),
        order("a", BUY, 1, limit_price_nanos=100 * CENT + 1),
        order("a", BUY, 1, order_type=MARKET, limit=100),
        order("a", BUY, 1, limit=100, stop=100),
        order("a", BUY, 1, limit=100, trail=1),
        order("a", BUY, 1, order_type=STOP, stop=0),
        order("a", BUY, 1, order_type=STOP, stop=110, time_in_force=IOC),
        order("a", BUY, 1, order_type=STOP, stop=110, trail=1),
        order("a", BUY, 1, order_type=STOP_LIMIT, stop=110),
        order("a", BUY, 1, order_type=TRAILING, trail=0),
        order("a", BUY, 1, order_type=TRAILING, trail=1, stop=110),
    ],
)
def test_a_malformed_order_is_rejected_with_a_reason_and_never_lives(faulty: OrderCommand) -> None:
    sim = venue(stream(quote(1, 99, 100)))
    sim.command(faulty, sent_ns=1, taken=SEES_ALL)
    answer = sim.next_response()
    assert (answer.kind, answer.client_order_id) == (Kind.REJECTED, faulty.client_order_id)
    assert answer.reason
    assert sim.next_response_ns() == NEVER_NS


def test_a_used_client_order_id_never_makes_a_second_order() -> None:
    market = (quote(1, 99, 100),)
    first = order("a", BUY, 1, limit=100)
    assert kinds(story(market, (1, first), (2, first))) == [Kind.ACCEPTED, Kind.FILLED, Kind.REJECTED]
    faulty = order("a", BUY, 0, limit=100)
    assert kinds(story(market, (1, faulty), (2, first))) == [Kind.REJECTED, Kind.REJECTED]


def test_the_oldest_order_at_the_best_price_goes_first() -> None:
    market = (quote(1, 97, 101), trade(2, 98, 5))
    commands = [
        (1, order("late", BUY, 3, limit=98)),
        (1, order("later", BUY, 3, limit=98)),
        (1, order("best", BUY, 1, limit=99)),
    ]
    sim = venue(stream(*market))
    for sent_ns, command in commands:
        sim.command(command, sent_ns=sent_ns, taken=SEES_ALL)
    answers = [sim.next_response() for _ in range(6)]
    assert [(a.client_order_id, a.last_quantity_nanos // SHARE) for a in answers[3:]] == [
        ("best", 1),
        ("late", 3),
        ("later", 1),
    ]
