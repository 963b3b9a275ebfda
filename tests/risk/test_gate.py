"""The verdict: complete, in words, made in one place, and changing nothing."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import tidegate
from tests.portfolio.making import INSTRUMENTS, NOW_NS, fill, shares
from tests.portfolio.making import books as empty_books
from tests.risk.making import ASK, entry, leave, limits, verdict, view
from tidegate.events import acts
from tidegate.events.codec import decode, encode
from tidegate.risk.checks import CHECKS, Unit
from tidegate.risk.exits import BLIND_STEPS, SLICES_MAX, blind_exit_price, exit_slices, within_collar
from tidegate.risk.gate import explain, judge
from tidegate.risk.gates import GateVerdict
from tidegate.risk.sentences import duration, number, sentence_of
from tidegate.values.enums import GateScope, GateState, Purpose, Side, Verdict
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

SOURCE = Path(tidegate.__file__).parent
CENT = NANOS // 100


@pytest.mark.req("B3.1")
def test_only_the_gate_makes_a_verdict() -> None:
    makers = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name == acts.RiskDecision.__name__:
                    makers.add(path.relative_to(SOURCE).as_posix())
    assert makers == {"risk/gate.py"}


def test_only_the_order_layer_makes_a_command() -> None:
    makers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and acts.OrderCommand.__name__ in {getattr(node.func, "id", ""), getattr(node.func, "attr", "")}
    }
    assert {maker for maker in makers if not maker.startswith("emulators/")} == {"oms/commands.py"}, "an emulator is a venue's side"


@pytest.mark.req("B3.7")
def test_a_verdict_says_what_it_judged() -> None:
    wanted = entry(quantity=40, name="s-7-1", correlation="s-7-0", strategy="trend", side=Side.SELL, price=ASK)
    decision = judge(wanted, view(owner="trend"), event_id="s-7-2")
    assert (decision.event_id, decision.intent_id, decision.timestamp) == ("s-7-2", "s-7-1", NOW_NS)
    assert (decision.symbol, decision.strategy_id, decision.correlation_id) == ("AIG", "trend", "s-7-0")
    assert (decision.purpose, decision.side) == (Purpose.ENTRY, Side.SELL)
    assert (decision.quantity_nanos, decision.limit_price_nanos) == (shares(40), ASK)


@pytest.mark.req("B3.7")
def test_every_failure_is_told_in_order_of_precedence() -> None:
    decision = verdict(
        entry(quantity="2000.5"),
        view(
            permitted=None,
            gate=GateVerdict(GateState.HALTED, GateScope.SYMBOL, "AIG", "drift found"),
            no_trade_window="around the open",
        ),
    )
    order = [check.name for check in CHECKS]
    plain = [name.removeprefix("input_missing:") for name in decision.refusals]
    assert plain == sorted(plain, key=order.index)
    assert decision.refusals[:2] == ("gate_state", "input_missing:permitted")
    assert {"quantity_grid", "order_quantity", "order_notional", "liquidity"} <= set(plain)
    said = decision.sentence
    assert said.startswith("The entry was refused because the gate is closed: halted by symbol AIG (drift found); ")
    assert "; it cannot be seen: the strategy's permission to trade; " in said
    assert "a no-trade window is in force (around the open)" in said
    assert "the order is for 2000.5, above 1000; the order is worth $100025, above $50000" in said
    assert said.endswith(".")


def test_a_wide_gate_has_no_key_to_name() -> None:
    closed = GateVerdict(GateState.HALTED, GateScope.GLOBAL, "", "kill")
    said = verdict(entry(), view(gate=closed)).sentence
    assert said == "The entry was refused because the gate is closed: halted by global (kill)."


@pytest.mark.req("B3.7")
def test_an_exit_is_refused_in_its_own_words() -> None:
    assert verdict(leave(quantity=5), view()).sentence == ("The exit was refused because the exit is for 5 and only 0 may be reduced.")


def test_a_bug_inside_a_check_is_no_verdict() -> None:
    def broken(_symbol: str, _sign: int) -> int | None:
        raise ZeroDivisionError

    portfolio = empty_books()
    portfolio.fold_fill(fill(1))
    with pytest.raises(ZeroDivisionError):
        verdict(entry(), view(portfolio, mark=broken))


def test_judging_changes_no_books() -> None:
    portfolio = empty_books()
    portfolio.fold_fill(fill(100))
    before = portfolio.snapshot()
    for wanted in (entry(), leave(), entry(symbol="BAC"), leave(symbol="RAIN", quantity=10**6)):
        verdict(wanted, view(portfolio))
        assert portfolio.snapshot() == before


@pytest.mark.req("B3.7")
def test_a_verdict_is_explained_check_by_check_from_the_record_alone() -> None:
    refused = verdict(entry(quantity=300), view(lag_ns=None))
    lines = explain(refused)
    assert lines[0] == f"Refused: entry buy AIG. {refused.sentence}"
    assert len(lines) == 1 + len(refused.checks)
    assert "    ok  gate_state: the gate is open" in lines
    assert "FAILED  liquidity: the order takes 7500 bps of the displayed size, above 5000 bps" in lines
    assert any(line.startswith("FAILED  processing_lag: it cannot be seen: how far") for line in lines)
    assert "    ok  quote_age: the quote is 1 s old, within 2 s" in lines
    approved = explain(verdict(entry(), view()))
    assert approved[0] == "Approved: entry buy AIG."
    assert all("{" not in line for line in approved)
    assert not any(line.startswith("FAILED") for line in approved)
    assert verdict(entry(), view()).verdict is Verdict.APPROVED


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, Unit.USD, "nothing"),
        (1_500_000, Unit.USD, "$1.5"),
        (1, Unit.USD, "$0.000001"),
        (shares("2.5"), Unit.QUANTITY, "2.5"),
        (ASK, Unit.PRICE, "50"),
        (9_999, Unit.BPS, "9999 bps"),
        (10_000, Unit.BPS, "100%"),
        (12_550, Unit.BPS, "125.5%"),
        (1_500, Unit.DURATION, "1.5 us"),
        (0, Unit.TIME, "1970-01-01T00:00:00.000000000Z"),
        (31, Unit.COUNT, "31"),
        (14, Unit.GATE, "reduce_only by symbol"),
        (20, Unit.GATE, "halted by global"),
        (23, Unit.GATE, "halted by strategy"),
        (0, Unit.GATE, "active by global"),
        (31, Unit.REGIME, "VOL_EXPANSION / CHOP"),
        (1 | 16, Unit.QUALITY, "crossed, price spike"),
        (1, Unit.FLAG, "1"),
    ],
)
def test_numbers_are_told_with_their_units(value: int | None, unit: Unit, words: str) -> None:
    assert number(value, unit) == words


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1 us"),
        (2_500_000, "2.5 ms"),
        (100 * SECOND_NS // 10, "10 s"),
        (59 * SECOND_NS, "59 s"),
        (60 * SECOND_NS, "1 min"),
        (90 * SECOND_NS, "1.5 min"),
        (7_200 * SECOND_NS, "2 h"),
        (-3 * SECOND_NS, "-3 s"),
    ],
)
def test_durations_are_told_in_their_largest_unit(ns: int, words: str) -> None:
    assert duration(ns) == words


def test_a_passed_check_without_numbers_is_told_as_holding() -> None:
    assert sentence_of(("self_trade", True, None, None)) == "it meets no own order"
    assert sentence_of(("cooldown", True, 0, NOW_NS)) == "no cooldown is running"


# Exits that need not be refused.


@pytest.mark.req("B3.1")
@pytest.mark.parametrize(
    ("quantity", "price", "changes", "expected"),
    [
        (100, ASK, {}, [100]),
        (1_000, ASK, {}, [1_000]),
        (1_001, ASK, {}, [1_000, 1]),
        (2_500, ASK, {}, [1_000, 1_000, 500]),
        (2_500, 100 * NANOS, {}, [500] * 5),  # the cap on notional binds
        (2_500, 0, {}, [1_000, 1_000, 500]),  # nothing to value it by
        (5, ASK, {"order_quantity_nanos_max": 0}, [1] * 5),  # never refused for its size
        (5, ASK, {"order_quantity_nanos_max": shares("2.7")}, [2, 2, 1]),
        ("2.5", ASK, {}, [2]),
        ("0.5", ASK, {}, []),
        (0, ASK, {}, []),
    ],
)
def test_an_exit_is_cut_to_the_caps_and_never_refused_for_its_size(
    quantity: float, price: int, changes: dict[str, int], expected: list[int]
) -> None:
    found = exit_slices(shares(quantity), price, limits(**changes), INSTRUMENTS["AIG"])
    assert found == [shares(one) for one in expected]


def test_the_cap_on_notional_counts_the_multiplier() -> None:
    capped = limits(order_notional_attos_max=90 * NANOS * NANOS)
    assert exit_slices(shares(5), 10 * NANOS, capped, INSTRUMENTS["RAIN"]) == [shares(3), shares(2)]


def test_slices_at_once_are_bounded() -> None:
    capped = limits(order_quantity_nanos_max=shares(1))
    assert exit_slices(shares(10**6), ASK, capped, INSTRUMENTS["AIG"]) == [shares(1)] * SLICES_MAX
    assert len(exit_slices(shares(SLICES_MAX), ASK, capped, INSTRUMENTS["AIG"])) == SLICES_MAX
    capped = limits(order_quantity_nanos_max=shares(2))
    assert exit_slices(shares(2 * SLICES_MAX + 1), ASK, capped, INSTRUMENTS["AIG"]) == [shares(2)] * SLICES_MAX


@pytest.mark.req("B3.1")
@pytest.mark.parametrize(("failures", "bps"), [(0, 250), (1, 500), (2, 750), (3, 1_000), (4, 1_000), (90, 1_000)])
def test_a_blind_exit_gives_more_with_every_try_up_to_the_collar(failures: int, bps: int) -> None:
    aig = INSTRUMENTS["AIG"]
    assert BLIND_STEPS == 4
    sold = blind_exit_price(Side.SELL, 100 * NANOS, limits(), aig, failures=failures)
    assert sold == 100 * NANOS - bps * CENT
    bought = blind_exit_price(Side.BUY, 100 * NANOS, limits(), aig, failures=failures)
    assert bought == 100 * NANOS + bps * CENT


def test_a_blind_price_is_on_the_grid_and_gives_no_more_than_the_collar() -> None:
    aig = INSTRUMENTS["AIG"]
    last = 33 * NANOS + 33 * CENT
    sold = blind_exit_price(Side.SELL, last, limits(), aig, failures=0)
    bought = blind_exit_price(Side.BUY, last, limits(), aig, failures=0)
    assert sold % CENT == bought % CENT == 0
    assert type(sold) is type(bought) is int
    assert last - last * 250 // 10_000 <= sold < last - last * 250 // 10_000 + CENT
    assert last + last * 250 // 10_000 - CENT < bought <= last + last * 250 // 10_000


def test_without_a_good_price_only_a_person_can_price_an_exit() -> None:
    assert blind_exit_price(Side.SELL, 0, limits(), INSTRUMENTS["AIG"], failures=0) == 0
    assert blind_exit_price(Side.BUY, -1, limits(), INSTRUMENTS["AIG"], failures=0) == 0


def test_a_blind_exit_never_asks_for_nothing() -> None:
    everything = limits(blind_collar_bps_max=10_000)
    tick = INSTRUMENTS["AIG"].tick_at(0)
    assert blind_exit_price(Side.SELL, 50 * NANOS, everything, INSTRUMENTS["AIG"], failures=9) == tick
    assert blind_exit_price(Side.SELL, 1, everything, INSTRUMENTS["AIG"], failures=0) == tick


@pytest.mark.req("B3.1")
@pytest.mark.parametrize("failures", range(6))
def test_the_gate_lets_every_blind_price_pass(failures: int) -> None:
    portfolio = empty_books()
    portfolio.fold_fill(fill(100))
    price = blind_exit_price(Side.SELL, ASK, limits(), INSTRUMENTS["AIG"], failures=failures)
    assert verdict(leave(price=price), view(portfolio, quote_ns=0)).verdict is Verdict.APPROVED


@pytest.mark.parametrize("failures", range(BLIND_STEPS))
def test_a_blind_exit_goes_no_further_than_the_widest_collar(failures: int) -> None:
    aig, good = INSTRUMENTS["AIG"], 100 * NANOS
    for side in Side:
        widest = blind_exit_price(side, good, limits(), aig, failures=BLIND_STEPS)
        within = blind_exit_price(side, good, limits(), aig, failures=failures)
        assert within_collar(side, within, good, 1_000, aig) == within
        assert within_collar(side, widest, good, 1_000, aig) == widest
        beyond = widest - side.sign * -NANOS  # a buy pays more, a sell takes less
        assert within_collar(side, beyond, good, 1_000, aig) == widest


def test_a_blind_exit_without_a_price_stays_without_one() -> None:
    aig = INSTRUMENTS["AIG"]
    for side in Side:
        assert within_collar(side, 0, 100 * NANOS, 1_000, aig) == 0
        assert within_collar(side, -5, 100 * NANOS, 1_000, aig) == -5
        assert within_collar(side, 90 * NANOS, 0, 1_000, aig) == 90 * NANOS, "there is nothing to measure it by"


@pytest.mark.req("B3.1", "B3.7")
@given(st.integers(1, 10**18), st.integers(0, 10**18), st.sampled_from(Side), st.integers(-5_000, 5_000), st.sampled_from(["AIG", "RAIN"]))
def test_whatever_a_strategy_names_is_judged_in_numbers_that_a_message_carries(
    quantity: int, price: int, side: Side, held: int, symbol: str
) -> None:
    portfolio = empty_books()
    if held:
        portfolio.fold_fill(fill(held, symbol=symbol))
    wanted = replace(entry(side=side, symbol=symbol), quantity_nanos=quantity, limit_price_nanos=price)
    decision = verdict(wanted, view(portfolio, instrument=INSTRUMENTS[symbol]))
    assert decode(encode(decision)) == decision
    if quantity * price > 10**30:
        assert "order_notional" in decision.refusals
        assert decision.sentence
