"""Two persons, the same words, fifteen minutes, once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.authority.actions import Action
from tidegate.authority.moments import Moment
from tidegate.authority.second_person import WAITING_MAX, SecondPerson, Wanted
from tidegate.values.enums import GateScope
from tidegate.values.time import MINUTE_NS

pytestmark = pytest.mark.req("E2", "D2.1")

WANTED = Wanted(Action.RESUME, GateScope.SYMBOL, "AAA", "the feed is back")


def at(minutes: float) -> Moment:
    return Moment(int(minutes * MINUTE_NS), int(minutes * MINUTE_NS))


def test_another_finds_what_one_has_asked_for_and_the_same_one_does_not() -> None:
    second = SecondPerson()
    second.ask(WANTED, "ann", at(0))
    assert second.of_others(WANTED, "ann", at(1)) == ()
    assert second.of_others(WANTED, "bob", at(1)) == ("ann",)


@pytest.mark.parametrize(
    "other",
    [
        WANTED._replace(action=Action.ENABLE),
        WANTED._replace(scope=GateScope.STRATEGY),
        WANTED._replace(key="BBB"),
        WANTED._replace(words="the feed is back!"),
    ],
)
def test_every_part_has_to_be_the_same(other: Wanted) -> None:
    second = SecondPerson()
    second.ask(WANTED, "ann", at(0))
    assert second.of_others(other, "bob", at(0)) == ()


def test_it_waits_for_a_quarter_of_an_hour_and_asking_again_does_not_prolong_it() -> None:
    second = SecondPerson()
    second.ask(WANTED, "ann", at(0))
    second.ask(WANTED, "ann", at(10))
    assert second.of_others(WANTED, "bob", at(14.99)) == ("ann",)
    assert second.of_others(WANTED, "bob", at(15)) == ()
    assert second.waiting(at(15)) == ()


def test_it_is_used_once() -> None:
    second = SecondPerson()
    second.ask(WANTED, "ann", at(0))
    second.ask(WANTED._replace(key="BBB"), "ann", at(0))
    second.use(WANTED)
    assert second.of_others(WANTED, "bob", at(0)) == ()
    assert [one.wanted.key for one in second.waiting(at(0))] == ["BBB"]


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["ann", "bob"])), max_size=200))
def test_what_waits_is_bounded_and_the_newest_stays(asked: list[tuple[str, str]]) -> None:
    second = SecondPerson()
    for words, name in asked:
        second.ask(WANTED._replace(words=words), name, at(0))
        assert len(second.waiting(at(0))) <= WAITING_MAX
        assert name in [one.name for one in second.waiting(at(0)) if one.wanted.words == words]
