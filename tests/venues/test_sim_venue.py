"""The simulated venue as its caller meets it: times, ties, the forecast, refusals of tapes and settings, messages."""

from typing import Any

import numpy as np
import pytest

from tests.venues.scenes import CENT, INSTRUMENTS, SHARE, cancel, order, quote, stream, tape, trade, venue
from tidegate.events import codec
from tidegate.events.records import RECORD
from tidegate.kernel.compile import Compiler
from tidegate.values.enums import Liquidity, Side, TimeInForce
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.fees import ALPACA_FEES
from tidegate.values.latency import ORDER_STREAM, Latency
from tidegate.values.time import NEVER_NS, SECOND_NS
from tidegate.venues.errors import Declined, OutcomeUnsure, Unreachable
from tidegate.venues.sim import forecast, rows
from tidegate.venues.sim.assumptions import ASSUMPTIONS, assumptions
from tidegate.venues.sim.draws import Draws
from tidegate.venues.sim.responses import REASONS
from tidegate.venues.sim.settings import BadSimSettingsError, OutsideHours, SimSettings, TradingHours
from tidegate.venues.sim.setup import Stream
from tidegate.venues.sim.venue import NoResponseError, SimVenue, TapeRecordError

BUY, SELL = Side.BUY, Side.SELL
IOC = TimeInForce.IOC


def answers(sim: SimVenue) -> list[Any]:
    heard = []
    while sim.next_response_ns() < NEVER_NS:
        heard.append(sim.next_response())
    return heard


@pytest.mark.req("C1.3")
def test_without_latency_an_order_sees_the_book_after_the_record_that_raised_it() -> None:
    market = (quote(5, 99, 100), quote(5, 98, 99), quote(5, 97, 98))
    for taken, price in ((1, 100), (2, 99), (3, 98)):
        sim = venue(stream(*market))
        sim.command(order("a", BUY, 1, limit=105, time_in_force=IOC), sent_ns=5, taken=[taken])
        assert [(a.timestamp, a.last_price_nanos // CENT) for a in answers(sim)] == [(5, 0), (5, price)]


@pytest.mark.req("C1.3")
def test_latencies_move_the_arrival_and_the_answer() -> None:
    market = (quote(5, 99, 100), quote(8, 98, 99), quote(9, 97, 98))
    sim = venue(stream(*market), order_latency=Latency(median_ns=3), response_latency=Latency(median_ns=20))
    sim.command(order("a", BUY, 1, limit=105, time_in_force=IOC), sent_ns=5, taken=[1])
    assert sim.response_cause is None
    accepted, filled = answers(sim)
    assert (filled.ts_venue, filled.timestamp, filled.last_price_nanos // CENT) == (8, 28, 100)
    assert accepted.timestamp == 28


@pytest.mark.req("C1.3")
def test_venue_time_is_the_running_maximum_of_event_times() -> None:
    market = (quote(5, 99, 100), quote(9, 98, 99), quote(6, 97, 98))
    for sent_ns, taken, price in ((8, 1, 100), (9, 2, 99), (9, 3, 98), (10, 1, 98)):
        sim = venue(stream(*market))
        sim.command(order("a", BUY, 1, limit=105, time_in_force=IOC), sent_ns=sent_ns, taken=[taken])
        assert answers(sim)[1].last_price_nanos // CENT == price


@pytest.mark.req("C1.3")
def test_answers_never_overtake_each_other() -> None:
    sim = venue(stream(quote(1, 99, 100)), response_latency=Latency(median_ns=1_000, sigma=1.0))
    for place in range(50):
        sim.command(order(f"o{place}", BUY, 1, limit=90, time_in_force=IOC), sent_ns=place, taken=[1])
    times = [answer.timestamp for answer in answers(sim)]
    assert len(times) == 100
    assert times == sorted(times)


def test_at_equal_times_the_lower_rank_comes_first() -> None:
    # The first tape's quote of that time stands before the second tape's print fills the order, so a later order sees it.
    first = stream(quote(5, 99, 103), quote(7, 98, 102))
    second = stream(trade(7, 98, 2), quote(7, 97, 101), quote(7, 96, 100, 5, 1))
    sim = venue(first, second)
    sim.command(order("a", BUY, 2, limit=100), sent_ns=5, taken=[1, 0])
    sim.next_response()
    assert sim.next_response_ns() == 7
    assert sim.response_cause == (1, 0)
    assert sim.next_response().ts_venue == 7
    sim.command(order("b", BUY, 1, limit=105, time_in_force=IOC), sent_ns=7, taken=[1, 0])
    assert [answer.last_price_nanos // CENT for answer in answers(sim)] == [0, 102]
    sim.command(order("c", BUY, 1, limit=105, time_in_force=IOC), sent_ns=8, taken=[2, 3])
    assert [answer.last_price_nanos // CENT for answer in answers(sim)] == [0, 100]


def test_resting_orders_meet_two_tapes_of_a_symbol_in_the_order_of_rank() -> None:
    first = stream(quote(5, 99, 103), quote(7, 90, 99, 5, 1))
    second = stream(quote(7, 90, 98, 5, 1))
    sim = venue(first, second)
    sim.command(order("a", BUY, 2, limit=100), sent_ns=5, taken=[1, 0])
    causes = []
    while sim.next_response_ns() < NEVER_NS:
        causes.append(sim.response_cause)
        sim.next_response()
    assert causes == [None, (0, 1), (1, 0)]


def test_a_fill_names_the_record_that_caused_it_and_the_time_of_the_venue() -> None:
    sim = venue(
        stream(quote(1, 99, 101, on=1), places=(-1, 1)),
        stream(quote(2, 99, 101), trade(7, 98, 4), places=(0, -1)),
    )
    sim.command(order("a", BUY, 3, limit=99), sent_ns=3, taken=[1, 1])
    sim.next_response()
    assert sim.next_response_ns() == 7
    assert sim.response_cause == (1, 1)
    fill = sim.next_response()
    assert (fill.liquidity, fill.execution_id) == (Liquidity.MAKER, "a-1")


def test_the_forecast_grows_until_something_happens_and_never_moves_the_venue(compiler: Compiler) -> None:
    market = [quote(place, 99, 101) for place in range(1_000)] + [trade(1_000, 98, 9)]
    sim = venue(stream(*market), compiler=compiler)
    sim.command(order("a", BUY, 3, limit=99), sent_ns=3, taken=[4])
    sim.next_response()
    before = sim._memory.durable()
    seen = []
    while not sim.response_known:
        seen.append(sim.next_response_ns())
    assert seen == [260, 772, 1_000]
    assert sim._memory.durable() == before
    sim.command(cancel("a"), sent_ns=500, taken=[501])
    assert [answer.kind for answer in answers(sim)] == [Kind.CANCELED]


def test_a_scan_that_ends_within_equal_times_goes_on_to_a_later_one() -> None:
    market = [quote(5, 99, 101)] * 700 + [quote(6, 99, 101)]
    sim = venue(stream(*market))
    sim.command(order("a", BUY, 3, limit=99), sent_ns=5, taken=[1])
    sim.next_response()
    assert sim.next_response_ns() == 5
    assert not sim.response_known
    assert sim.next_response_ns() > 5


def test_nothing_rests_so_nothing_is_expected_and_asking_for_it_is_refused() -> None:
    sim = venue(stream(quote(1, 99, 100)))
    assert sim.next_response_ns() == NEVER_NS
    with pytest.raises(NoResponseError, match="nothing more to say"):
        sim.next_response()


@pytest.mark.parametrize("mode", ["pure", "compiled"])
def test_more_events_than_rows_on_the_way_to_one_command_lose_nothing(mode: str, compiler: Compiler) -> None:
    hours = (TradingHours(open_ns=0, close_ns=400), TradingHours(open_ns=400, close_ns=900))
    settings = SimSettings(orders_max=40, hours=hours)
    market = [quote(1, 99, 101), *(quote(t, 90, 91) if t % 2 else quote(t, 99, 101) for t in range(10, 310))]
    sim = venue(stream(*market), settings=settings, compiler=compiler if mode == "compiled" else None)
    for place in range(40):
        sim.command(order(f"o{place}", BUY, 1_000, limit=95), sent_ns=1, taken=[1])
    sim.command(order("late", BUY, 1, limit=95), sent_ns=450, taken=[301])
    heard = [answer.kind for answer in answers(sim)]
    assert heard.count(Kind.EXPIRED) == 41
    assert heard.count(Kind.ACCEPTED) == 41
    assert heard.count(Kind.PARTIALLY_FILLED) == 150


def test_too_many_open_orders_are_rejected_until_one_ends() -> None:
    sim = venue(stream(quote(1, 99, 101), trade(5, 98, 9)), settings=SimSettings(orders_max=1))
    for name, sent_ns in (("a", 1), ("b", 2), ("c", 6)):
        sim.command(order(name, BUY, 1, limit=99), sent_ns=sent_ns, taken=[1])
    assert [(answer.client_order_id, answer.kind) for answer in answers(sim)] == [
        ("a", Kind.ACCEPTED),
        ("b", Kind.REJECTED),
        ("a", Kind.FILLED),
        ("c", Kind.ACCEPTED),
    ]


@pytest.mark.parametrize("mode", ["pure", "compiled"])
def test_a_record_of_an_instrument_the_tape_does_not_have_is_named(mode: str, compiler: Compiler) -> None:
    chosen = compiler if mode == "compiled" else None
    for instrument in (2, -1):
        market = stream(quote(1, 99, 100), quote(2, 99, 100, on=instrument))
        with pytest.raises(TapeRecordError, match="Record 1 of tape 0"):
            venue(market, compiler=chosen).command(order("a", BUY, 1, limit=99), sent_ns=3, taken=[2])
        sim = venue(market, compiler=chosen)
        sim.command(order("a", BUY, 1, limit=99), sent_ns=1, taken=[1])
        sim.next_response()
        with pytest.raises(TapeRecordError, match="import the tape again"):
            sim.next_response_ns()


def test_tapes_and_settings_that_cannot_work_are_refused_in_one_sentence() -> None:
    good = stream(quote(1, 99, 100))
    hours = TradingHours(open_ns=10, close_ns=20)
    with pytest.raises(BadSimSettingsError, match="at least one tape"):
        venue()
    with pytest.raises(BadSimSettingsError, match="does not define"):
        venue(Stream(good.records, np.array([2])))
    with pytest.raises(BadSimSettingsError, match="not an array of market records"):
        venue(Stream(np.zeros(3, [("x", "<i8")]), np.array([0])))
    with pytest.raises(BadSimSettingsError, match="in one piece"):
        venue(Stream(np.zeros(4, RECORD)[::2], np.array([0])))
    with pytest.raises(BadSimSettingsError, match="swap them"):
        venue(good, settings=SimSettings(hours=(TradingHours(open_ns=5, close_ns=5),)))
    with pytest.raises(BadSimSettingsError, match="overlap"):
        venue(good, settings=SimSettings(hours=(hours, hours)))
    with pytest.raises(BadSimSettingsError, match="orders_max"):
        venue(good, settings=SimSettings(orders_max=0))


def test_an_empty_tape_is_no_trouble(compiler: Compiler) -> None:
    for chosen in (None, compiler):
        sim = venue(stream(), compiler=chosen)
        sim.command(order("a", BUY, 1, limit=99), sent_ns=3, taken=[0])
        assert [answer.kind for answer in answers(sim)] == [Kind.ACCEPTED]


@pytest.mark.req("C1.2")
def test_a_fill_is_charged_the_fees_of_its_day_and_becomes_a_message() -> None:
    # 2025-07-01 15:00 UTC: TAF 0.000166 a share on the sell, CAT 0.0000265 a share, no SEC fee then.
    now_ns = 1_751_382_000 * SECOND_NS
    sim = venue(stream(quote(now_ns, 9_999, 10_001, 500, 500)), fees=ALPACA_FEES)
    sim.command(order("a", SELL, 100, limit=9_900, time_in_force=IOC), sent_ns=now_ns, taken=[1])
    plain, message = answers(sim)
    assert message.fee_usd == "0.01925"
    assert (message.kind, message.symbol, message.execution_id) == (Kind.FILLED, "AAA", "a-1")
    assert (message.last_quantity_nanos, message.cum_quantity_nanos) == (100 * SHARE, 100 * SHARE)
    assert message.liquidity is Liquidity.TAKER
    assert (message.event_id, message.timestamp, message.ts_venue) == ("", now_ns, now_ns)
    assert codec.decode(codec.encode(message)) == message
    assert (plain.fee_usd, plain.liquidity, plain.last_quantity_nanos) == ("0", None, 0)


def test_drawn_latencies_depend_on_the_place_alone() -> None:
    latency = Latency(median_ns=500_000, sigma=0.4)
    draws = Draws(latency, seed=3, stream=ORDER_STREAM)
    places = [0, 700, 1, 255, 256, 5]
    expected = [latency.draw(seed=3, stream=ORDER_STREAM, index=place) for place in places]
    assert [draws.at(place) for place in places] == expected


def test_the_forecast_copies_every_field_of_a_row() -> None:
    class Row:
        def __init__(self, names: tuple[str, ...], value: int) -> None:
            for name in names:
                setattr(self, name, value)

    for dtype, copy in (
        (rows.HEAD, forecast.copy_head),
        (rows.SYMBOL, forecast.copy_symbol),
        (rows.ORDER, forecast.copy_order),
    ):
        names = dtype.names or ()
        source, target = Row(names, 7), Row(names, 0)
        copy(source, target)
        assert [name for name in names if getattr(target, name) != 7] == []


def test_memory_of_the_pure_tape_stays_small() -> None:
    market = [quote(place, 99, 101) for place in range(5_000)]
    sim = venue(stream(*market))
    sim.command(order("a", BUY, 1, limit=99), sent_ns=4_999, taken=[5_000])
    chunks = sim._memory._own.tapes[0]._chunks  # type: ignore[attr-defined]
    assert len(chunks) == 2


def test_assumptions_follow_the_settings() -> None:
    assert len(ASSUMPTIONS) == len(set(ASSUMPTIONS)) > 30
    assert all(line.endswith(".") and "\n" not in line for line in ASSUMPTIONS)
    assert assumptions() == ASSUMPTIONS
    hours = (TradingHours(open_ns=10, close_ns=20),)
    open_always = assumptions(SimSettings())
    strict = assumptions(SimSettings(hours=hours, outside_hours=OutsideHours.REJECT, short_selling=False, buy_stop_collar=False))
    queued = assumptions(SimSettings(hours=hours))
    assert open_always[len(ASSUMPTIONS) :] != queued[len(ASSUMPTIONS) :]
    assert strict[len(ASSUMPTIONS) :] == (
        "Orders that arrive outside trading hours are rejected.",
        "A sell order for more than the position less open sells is rejected.",
        "A replacement's quantity is the chain's total: what the original has filled is taken off it.",
    )


def test_every_reason_code_has_a_sentence_and_every_error_says_what_to_do_next() -> None:
    assert len(REASONS) == rows.NOTHING_LEFT + 1
    assert all(REASONS[1:])
    assert {error.exit_code for error in (Unreachable, Declined, OutcomeUnsure)} == {1, 3}


def test_two_symbols_and_tapes_of_the_session_do_not_mix() -> None:
    assert [instrument.symbol for instrument in INSTRUMENTS] == ["AAA", "BBB"]
    first = Stream(tape([quote(1, 50, 51)]), np.array([1], np.int64))
    second = Stream(tape([quote(1, 70, 71)]), np.array([0], np.int64))
    sim = venue(first, second)
    for name, symbol in (("a", "AAA"), ("b", "BBB")):
        sim.command(order(name, BUY, 1, symbol=symbol, limit=90, time_in_force=IOC), sent_ns=2, taken=[1, 1])
    prices = [answer.last_price_nanos // CENT for answer in answers(sim) if answer.last_price_nanos]
    assert prices == [71, 51]
