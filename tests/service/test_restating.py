"""A split is booked when it was announced and the venue's positions show it; neither alone moves anything."""

from collections.abc import AsyncIterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.markets import START_NS
from tests.service.making import Office, shown
from tests.service.test_reconcile import Books, begun, position
from tidegate.clock.clock import ManualClock
from tidegate.events.acts import DifferenceFound
from tidegate.events.inputs import PositionRestated
from tidegate.service.restating import EVERY_NS, RETRY_NS, Split, follow_splits, split_of
from tidegate.values.enums import OrderState
from tidegate.values.money import NANOS
from tidegate.values.time import utc_date
from tidegate.venues.alpaca.mapping.corporate import ActionKind, VenueAction
from tidegate.venues.errors import UnknownWordError, Unreachable

pytestmark = pytest.mark.req("G5", "B2.3")

TODAY = utc_date(START_NS).isoformat()


def action(kind: ActionKind = ActionKind.FORWARD_SPLIT, **changes: Any) -> VenueAction:
    facts = {
        "action_id": "a",
        "kind": kind,
        "symbol": "AAA",
        "new_symbol": "",
        "old_rate": "1",
        "new_rate": "4",
        "cash_usd": "",
        "ex_day": TODAY,
        "process_day": TODAY,
    }
    return VenueAction(**{**facts, **changes})


FOUR = Split("AAA", Fraction(4), TODAY, ActionKind.FORWARD_SPLIT)


@pytest.mark.parametrize(
    ("one", "factor"),
    [
        (action(), Fraction(4)),
        (action(ActionKind.REVERSE_SPLIT, old_rate="50", new_rate="1"), Fraction(1, 50)),
        (action(ActionKind.REVERSE_SPLIT, new_symbol="AAA"), Fraction(4)),
        (action(old_rate="2", new_rate="3"), Fraction(3, 2)),
        (action(ActionKind.STOCK_DIVIDEND, new_rate="0.05"), Fraction(21, 20)),
        (action(ActionKind.REVERSE_SPLIT, new_symbol="AAAD"), None),
        (action(ActionKind.SPIN_OFF), None),
        (action(ActionKind.CASH_DIVIDEND), None),
        (action(ActionKind.UNIT_SPLIT), None),
        (action(new_rate="1"), None),
        (action(new_rate=""), None),
        (action(old_rate="0"), None),
        (action(new_rate="-4"), None),
        (action(new_rate="1.00000000001"), None),
        (action(ex_day="", process_day=""), None),
        (action(doubts=("new_rate: odd",)), None),
    ],
)
def test_what_a_factor_alone_says_is_a_split(one: VenueAction, factor: Fraction | None) -> None:
    found = split_of(one)
    assert (found.factor if found is not None else None) == factor


def bought(shares: int = 10) -> Books:
    """An office whose strategy holds AAA since just now."""
    office = begun()
    office.enter(shares)
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=shares))
    office.turn()
    assert office.desk.engine.books.positions() == {"AAA": shares * NANOS}
    return office


def held(shares: int = 10) -> Books:
    """The same, long after its fill."""
    office = bought(shares)
    office.wait(60)
    return office


def test_an_announced_split_that_the_positions_show_is_booked_once_and_is_no_difference() -> None:
    office = held()
    office.desk.know_splits([FOUR])
    assert office.tell() == [], "announced, and not booked at the venue yet"
    assert office.messages(PositionRestated) == []
    office.wait(60)
    assert office.tell(positions=(position("AAA", 40),)) == []
    (told,) = office.messages(PositionRestated)
    assert (told.symbol, told.numerator, told.denominator, told.reason) == ("AAA", 4, 1, f"forward split of {TODAY}")
    assert office.desk.engine.books.net_nanos("AAA") == 40 * NANOS
    office.wait(60)
    assert office.tell() == []
    assert len(office.messages(PositionRestated)) == 1


def test_a_split_that_is_booked_explains_nothing_a_second_time() -> None:
    office = held()
    office.desk.know_splits([FOUR])
    office.tell(positions=(position("AAA", 40),))
    for _ in range(3):
        office.wait(60)
        office.desk.know_splits([FOUR])  # as it is asked for every hour, for ten days
        office.tell(positions=(position("AAA", 160),))
    assert len(office.messages(PositionRestated)) == 1
    assert office.messages(DifferenceFound)


def test_a_position_that_no_announced_split_explains_is_a_difference_as_ever() -> None:
    for splits, shares in (([], 40), ([FOUR], 30), ([FOUR._replace(symbol="BBB")], 40), ([FOUR], 39)):
        office = held()
        office.desk.know_splits(splits)
        office.tell(positions=(position("AAA", shares),))
        assert office.messages(PositionRestated) == []
        assert office.messages(DifferenceFound), "it is awaited, and then adopted and stopped"


def test_a_fraction_that_a_reverse_split_leaves_may_be_paid_out() -> None:
    office = held()
    office.desk.know_splits([Split("AAA", Fraction(1, 4), TODAY, ActionKind.REVERSE_SPLIT)])
    office.tell(positions=(position("AAA", 2),))
    assert len(office.messages(PositionRestated)) == 1
    assert office.desk.engine.books.net_nanos("AAA") == 10 * NANOS // 4


def test_while_an_order_works_more_shares_may_be_its_fill() -> None:
    office = bought()
    office.desk.know_splits([FOUR])
    office.enter(30)
    office.let_go()
    office.wait(60)
    assert office.orders()
    office.tell(positions=(position("AAA", 40),))
    assert office.messages(PositionRestated) == []


class Venue:
    """Answers with what a test put in, one after the other."""

    def __init__(self, *answers: list[VenueAction] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Sequence[str], str, str]] = []

    async def corporate_actions(self, symbols: Sequence[str], first_day: str, last_day: str) -> AsyncIterator[VenueAction]:
        self.asked.append((symbols, first_day, last_day))
        answer = self.answers.pop(0)
        for one in answer if isinstance(answer, list) else [action()]:
            yield one
        if isinstance(answer, Exception):
            raise answer


class EnoughError(Exception):
    """Ends what goes on for ever."""


@pytest.mark.asyncio
async def test_splits_of_the_last_days_are_asked_for_every_hour_and_sooner_after_a_failure() -> None:
    known: list[list[Split]] = []
    clock, asked_ns = ManualClock(START_NS), list[int]()

    async def wait(duration_ns: int) -> None:
        if len(venue.asked) > len(asked_ns):
            asked_ns.append(clock.now_ns())
        if len(asked_ns) == 5:
            raise EnoughError
        clock.advance(duration_ns)

    tomorrow = action(ex_day="2999-01-01")
    venue = Venue([action(), tomorrow], [], Unreachable("no"), UnknownWordError("corporate_actions", "swap"), [])
    with pytest.raises(EnoughError):
        await follow_splits(venue, ["AAA"], known.append, clock, wait)
    assert known == [[FOUR], [], [FOUR], []], "a failure leaves what was known, an unknown kind what came before it"
    assert [later - before for before, later in pairwise(asked_ns)] == [EVERY_NS, EVERY_NS, RETRY_NS, EVERY_NS]
    assert venue.asked[0][2] == TODAY
    assert venue.asked[0][1] < TODAY


def test_the_office_holds_nothing_at_first() -> None:
    assert Office().desk.splits == []
