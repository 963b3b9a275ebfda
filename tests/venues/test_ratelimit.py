"""The limiter: no window is overspent, the reserve is kept, cancels always get out, the venue's words are honored."""

import asyncio
from collections import deque
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.clock.clock import ManualClock
from tidegate.values.time import MINUTE_NS, SECOND_NS, ns_of
from tidegate.venues.errors import QueueFullError, TurnTooLateError
from tidegate.venues.port import Urgency
from tidegate.venues.ratelimit import (
    ENTRIES_A_READ,
    PAUSE_NS_MAX,
    PROBE_NS,
    Answer,
    BadLimitPlanError,
    Limiter,
    LimitPlan,
    answer_of,
    retry_after_ns,
)
from tidegate.venues.turnstile import Turnstile

pytestmark = pytest.mark.req("E4", "G6")

WALL = ns_of(datetime(2026, 11, 18, 15, 0, tzinfo=UTC))
OK = Answer(throttled=False)
PLAN = LimitPlan(requests=8, window_ns=10 * SECOND_NS, queue_max=50, in_flight_max=100)

STEPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(Urgency), max_size=6),
        st.integers(0, 3 * SECOND_NS),
        st.sampled_from(["none", "ok", "throttled", "few"]),
    ),
    max_size=40,
)


class World:
    """Runs a limiter as its callers would, and remembers what went when."""

    def __init__(self, plan: LimitPlan = PLAN) -> None:
        self.limiter = Limiter(plan)
        self.now_ns = 0
        self.lines: dict[Urgency, deque[int]] = {urgency: deque() for urgency in Urgency}
        self.of: dict[int, Urgency] = {}
        self.asked_ns: dict[int, int] = {}
        self.sent: list[tuple[int, Urgency]] = []

    def ask(self, urgency: Urgency) -> None:
        ticket = self.limiter.ask(urgency)
        if ticket is not None:
            self.of[ticket] = urgency
            self.asked_ns[ticket] = self.now_ns
            self.lines[urgency].append(ticket)

    def call(self) -> list[int]:
        called = self.limiter.call(self.now_ns)
        for ticket in called:
            urgency = self.of[ticket]
            assert self.lines[urgency].popleft() == ticket, "first in, first out among equals"
            self.sent.append((self.now_ns, urgency))
        return called

    def done(self, answer: Answer) -> None:
        while self.limiter.in_flight:
            self.limiter.done(answer, self.now_ns, WALL + self.now_ns)

    def in_window(self, at_ns: int) -> int:
        return sum(at_ns - self.limiter.plan.window_ns < when <= at_ns for when, _ in self.sent)


def answered(world: World, word: str) -> Answer | None:
    if word == "none":
        return None
    if word == "throttled":
        return Answer(throttled=True, retry_after_ns=5 * SECOND_NS)
    if word == "few":
        reset = WALL + world.now_ns + 4 * SECOND_NS
        return Answer(throttled=False, limit=8, remaining=1, reset_wall_ns=reset)
    return OK


@given(STEPS)
def test_no_window_is_overspent_and_the_reserve_is_left_to_cancels(steps: list[tuple[list[Urgency], int, str]]) -> None:
    world = World()
    open_capacity = 8 - PLAN.reserve_of(8)
    for asks, pause_ns, word in steps:
        for urgency in asks:
            world.ask(urgency)
        before = len(world.sent)
        world.call()
        for place, (at_ns, urgency) in enumerate(world.sent[before:], start=before):
            used = sum(at_ns - PLAN.window_ns < when for when, _ in world.sent[: place + 1])
            probes = [when for when, kind in world.sent[:place] if kind is Urgency.FLATTEN]
            if urgency is not Urgency.FLATTEN:
                assert used <= open_capacity
            elif used > 8:
                assert not probes or at_ns - probes[-1] >= PROBE_NS
        answer = answered(world, word)
        if answer is not None:
            world.done(answer)
        world.now_ns += pause_ns


@given(STEPS)
def test_a_cancel_at_the_head_of_the_line_never_waits_longer_than_a_second(steps: list[tuple[list[Urgency], int, str]]) -> None:
    world = World()
    for asks, pause_ns, word in steps:
        for urgency in asks:
            world.ask(urgency)
        head_since_ns = world.now_ns
        while world.lines[Urgency.FLATTEN]:
            if world.call():
                head_since_ns = world.now_ns
                continue
            next_ns = world.limiter.next_ns(world.now_ns)
            assert next_ns is not None
            assert next_ns > world.now_ns
            world.now_ns = next_ns
            assert world.now_ns - head_since_ns <= PROBE_NS
        answer = answered(world, word)
        if answer is not None:
            world.done(answer)
        world.now_ns += pause_ns


@given(STEPS)
def test_everything_asked_for_goes_in_the_end_when_the_venue_answers(steps: list[tuple[list[Urgency], int, str]]) -> None:
    world = World()
    for asks, pause_ns, word in steps:
        for urgency in asks:
            world.ask(urgency)
        world.call()
        answer = answered(world, word)
        if answer is not None:
            world.done(answer)
        world.now_ns += pause_ns
    for _ in range(10_000):
        world.done(OK)
        if not world.limiter.waiting:
            break
        next_ns = world.limiter.next_ns(world.now_ns)
        assert next_ns is not None
        world.now_ns = max(world.now_ns, next_ns)
        assert world.call(), "the time it names is the time at which somebody goes"
    assert world.limiter.waiting == 0


def test_the_more_urgent_goes_first_and_equals_in_order_of_arrival() -> None:
    world = World()
    for urgency in (Urgency.READ, Urgency.ENTRY, Urgency.EXIT, Urgency.FLATTEN, Urgency.ENTRY):
        world.ask(urgency)
    world.call()
    assert [urgency for _, urgency in world.sent] == [
        Urgency.FLATTEN, Urgency.EXIT, Urgency.ENTRY, Urgency.ENTRY, Urgency.READ,
    ]  # fmt: skip


def test_a_flood_of_reads_leaves_a_quarter_of_the_window_to_cancels() -> None:
    world = World(LimitPlan(requests=200))
    for _ in range(250):
        world.ask(Urgency.READ)
    for _ in range(60):
        world.call()
        world.done(OK)
    assert len(world.sent) == 150
    for _ in range(50):
        world.ask(Urgency.FLATTEN)
    assert len(world.call()) == 50


@pytest.mark.parametrize("told_ns", [0, SECOND_NS, 10 * SECOND_NS, PAUSE_NS_MAX])
def test_after_a_429_nobody_but_a_cancel_goes_until_the_venue_said(told_ns: int) -> None:
    world = World()
    world.ask(Urgency.READ)
    world.call()
    world.done(Answer(throttled=True, retry_after_ns=told_ns))
    world.ask(Urgency.EXIT)
    world.ask(Urgency.FLATTEN)
    assert [world.of[ticket] for ticket in world.call()] == [Urgency.FLATTEN]
    until_ns = max(told_ns, SECOND_NS)
    world.now_ns = until_ns - 1
    assert world.call() == []
    world.now_ns = until_ns
    assert [world.of[ticket] for ticket in world.call()] == [Urgency.EXIT]


def test_pauses_without_a_word_of_the_venue_double_up_to_a_minute() -> None:
    world = World(LimitPlan(requests=1000))
    pauses = []
    for _ in range(9):
        world.ask(Urgency.READ)
        next_ns = world.limiter.next_ns(world.now_ns)
        assert next_ns is not None
        pauses.append((next_ns - world.now_ns) // SECOND_NS)
        world.now_ns = next_ns
        world.call()
        world.done(Answer(throttled=True))
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_what_the_venue_says_is_left_counts_when_it_is_less_than_we_thought() -> None:
    world = World(LimitPlan(requests=8, window_ns=60 * SECOND_NS))
    world.ask(Urgency.READ)
    world.call()
    world.done(Answer(throttled=False, limit=8, remaining=3, reset_wall_ns=WALL + 20 * SECOND_NS))
    for _ in range(5):
        world.ask(Urgency.READ)
    assert len(world.call()) == 1, "three are left, two of them are the reserve"
    world.done(OK)
    world.now_ns = 20 * SECOND_NS
    assert len(world.call()) == 4


def test_a_lower_limit_of_the_venue_replaces_ours_and_a_higher_one_does_not() -> None:
    limiter = Limiter(LimitPlan(requests=200))
    for told, expected in ((100, 100), (1000, 200), (0, 200)):
        limiter.ask(Urgency.READ)
        limiter.call(0)
        limiter.done(Answer(throttled=False, limit=told), 0, WALL)
        assert limiter.usage(0).capacity == expected


def test_retries_cost_a_tenth_of_what_is_sent_and_cancels_cost_nothing() -> None:
    limiter = Limiter(LimitPlan(requests=10_000, in_flight_max=10_000))
    granted = sum(limiter.may_retry(Urgency.READ) for _ in range(100))
    assert granted == 10
    for _ in range(100):
        limiter.ask(Urgency.READ)
        limiter.call(0)
    assert sum(limiter.may_retry(Urgency.READ) for _ in range(100)) == 10
    assert all(limiter.may_retry(Urgency.FLATTEN) for _ in range(100))


def test_a_full_queue_says_so_and_does_not_grow() -> None:
    limiter = Limiter(LimitPlan(requests=2, queue_max=3))
    assert [limiter.ask(Urgency.READ) is None for _ in range(5)] == [False, False, False, True, True]
    assert limiter.ask(Urgency.EXIT) is not None


@pytest.mark.parametrize(
    "plan",
    [{"requests": 1}, {"window_ns": 0}, {"queue_max": 0}, {"in_flight_max": 0}, {"reserve_percent": 24}, {"reserve_percent": 100}],
)
def test_a_plan_that_leaves_no_room_is_refused(plan: dict[str, int]) -> None:
    with pytest.raises(BadLimitPlanError):
        LimitPlan(**plan)


@pytest.mark.req("I3")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1),
        ("86400", 60),
        ("9" * 400, 60),
        ("Wed, 18 Nov 2026 15:00:30 GMT", 30),
        ("Wed, 18 Nov 2026 15:00:30 -0000", 30),
        ("Thu, 19 Nov 2026 15:00:30 GMT", 60),
        ("Wed, 18 Nov 2020 15:00:30 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_a_minute(text: str, seconds: int) -> None:
    assert retry_after_ns(text, WALL) == seconds * SECOND_NS


@given(st.text() | st.text("0123456789.-:, GMTWedNov", max_size=40))
def test_no_text_of_a_header_breaks_the_limiter(text: str) -> None:
    answer = answer_of(
        429, {"Retry-After": text, "X-RateLimit-Limit": text, "X-RateLimit-Remaining": text, "X-RateLimit-Reset": text}, WALL
    )
    assert -1 <= answer.retry_after_ns <= MINUTE_NS
    assert answer.throttled
    limiter = Limiter(LimitPlan())
    limiter.ask(Urgency.READ)
    limiter.call(0)
    limiter.done(answer, 0, WALL)
    limiter.ask(Urgency.READ)
    next_ns = limiter.next_ns(0)
    assert next_ns is not None
    assert SECOND_NS <= next_ns <= PAUSE_NS_MAX


def test_headers_of_an_answer_are_read() -> None:
    headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "17", "X-RateLimit-Reset": "1794999637"}
    assert answer_of(200, headers, WALL) == Answer(
        throttled=False, limit=200, remaining=17, reset_wall_ns=1_794_999_637 * SECOND_NS, retry_after_ns=-1
    )


class Patience:
    """Waits by moving the clock, so that nothing sleeps."""

    def __init__(self) -> None:
        self.clock = ManualClock(WALL)

    async def __call__(self, duration_ns: int) -> None:
        await asyncio.sleep(0)
        self.clock.advance(max(duration_ns, 0))


@pytest.mark.asyncio
async def test_requests_wait_their_turn_and_all_of_them_go() -> None:
    patience = Patience()
    turnstile = Turnstile(LimitPlan(requests=4, window_ns=SECOND_NS), patience.clock, wait=patience)
    went: list[tuple[int, Urgency]] = []

    async def request(urgency: Urgency) -> None:
        async with turnstile.turn(urgency) as turn:
            went.append((patience.clock.monotonic_ns(), urgency))
            turn.answer = OK

    await asyncio.gather(*(request(Urgency.READ) for _ in range(20)), request(Urgency.EXIT))
    assert len(went) == 21
    assert [urgency for _, urgency in went].index(Urgency.EXIT) <= 3
    assert went[-1][0] >= 6 * SECOND_NS
    assert turnstile.usage().waiting == 0
    assert turnstile.usage().in_flight == 0


@pytest.mark.asyncio
async def test_a_task_that_is_canceled_in_line_leaves_no_trace() -> None:
    patience = Patience()
    stuck = asyncio.Event()

    async def never(_: int) -> None:
        await stuck.wait()

    turnstile = Turnstile(LimitPlan(requests=2, window_ns=MINUTE_NS, queue_max=2), patience.clock, wait=never)

    async def request() -> None:
        async with turnstile.turn(Urgency.READ):
            pass

    await request()
    waiting = [asyncio.create_task(request()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await request()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.sleep(0)
    assert turnstile.usage().waiting == 0
    assert turnstile.usage().in_flight == 0


@pytest.mark.req("B3.6")
@given(STEPS, st.integers(1, 40))
def test_cancels_are_out_no_later_than_was_announced(steps: list[tuple[list[Urgency], int, str]], count: int) -> None:
    world = World()
    for urgencies, wait_ns, answer in steps:
        for urgency in urgencies:
            world.ask(urgency)
        world.limiter.call(world.now_ns)
        if world.limiter.in_flight and answer != "none":
            told = Answer(throttled=answer == "throttled", remaining=1 if answer == "few" else -1)
            world.limiter.done(told, world.now_ns, WALL)
        world.now_ns += wait_ns
    announced_ns = world.limiter.cancels_ns(count, world.now_ns)
    tickets = [world.limiter.ask(Urgency.FLATTEN) for _ in range(count)]
    waiting = {ticket for ticket in tickets if ticket is not None}
    until_ns = world.now_ns + announced_ns
    while waiting:
        assert world.now_ns <= until_ns, f"{len(waiting)} still wait after {announced_ns} ns"
        waiting -= set(world.limiter.call(world.now_ns))
        next_ns = world.limiter.next_ns(world.now_ns)
        if waiting and next_ns is not None:
            world.now_ns = max(next_ns, world.now_ns)


def test_the_reserve_lets_as_many_cancels_out_at_once_as_it_holds() -> None:
    limiter = Limiter(LimitPlan(requests=200, in_flight_max=1_000))
    for _ in range(250):
        limiter.ask(Urgency.ENTRY)
    assert len(limiter.call(0)) == 150
    assert limiter.cancels_ns(50, 0) == 0
    assert limiter.cancels_ns(53, 0) == 3 * PROBE_NS


def test_a_turn_that_nothing_used_is_there_for_the_next() -> None:
    async def work() -> list[int]:
        clock = ManualClock(0)
        stile = Turnstile(LimitPlan(requests=4, window_ns=MINUTE_NS), clock)
        used = []
        for number in range(6):
            async with stile.turn(Urgency.ENTRY) as turn:
                turn.unused = number < 3
            used.append(stile.usage().used)
        return used

    assert asyncio.run(work()) == [0, 0, 0, 1, 2, 3]


def test_a_turn_that_comes_back_late_frees_its_own_place_and_not_that_of_a_request_which_left() -> None:
    limiter = Limiter(LimitPlan(requests=8, window_ns=MINUTE_NS))
    for second in (0, 5, 9):
        limiter.ask(Urgency.ENTRY)
        limiter.call(second * SECOND_NS)
    limiter.unused(5 * SECOND_NS)
    assert [limiter.usage(MINUTE_NS + second * SECOND_NS).used for second in (-1, 0, 8, 9)] == [2, 1, 1, 0]
    limiter.unused(5 * SECOND_NS)
    assert limiter.usage(2 * MINUTE_NS).used == 0, "what the window has forgotten is nobody else's"


@pytest.mark.asyncio
async def test_a_request_that_is_of_no_use_any_more_leaves_the_line_and_costs_nothing() -> None:
    clock = ManualClock(WALL)
    fast, slow = asyncio.Event(), asyncio.Event()

    async def wait(duration_ns: int) -> None:
        await (fast if duration_ns <= 5 * SECOND_NS else slow).wait()

    turnstile = Turnstile(LimitPlan(requests=2, window_ns=MINUTE_NS), clock, wait=wait)
    async with turnstile.turn(Urgency.ENTRY):
        pass

    async def request(until_ns: int) -> None:
        async with turnstile.turn(Urgency.ENTRY, until_ns=until_ns):
            pass

    late = asyncio.create_task(request(WALL + 5 * SECOND_NS))
    patient = asyncio.create_task(request(WALL + 2 * MINUTE_NS))
    while turnstile.usage().waiting < 2:  # noqa: ASYNC110 - a round of the loop each
        await asyncio.sleep(0)
    fast.set()
    with pytest.raises(TurnTooLateError, match="nothing was sent"):
        await late
    assert (turnstile.usage().waiting, turnstile.usage().in_flight, turnstile.usage().used) == (1, 0, 1)
    clock.advance(MINUTE_NS)
    slow.set()
    await patient
    assert (turnstile.usage().waiting, turnstile.usage().in_flight) == (0, 0)


@pytest.mark.req("B2.3")
@given(STEPS, st.integers(0, 12))
def test_reads_go_on_however_many_entries_wait(steps: list[tuple[list[Urgency], int, str]], reads: int) -> None:
    """Of four turns in a row in which both wait, at least one is a read's; exits and cancels go before both."""
    world = World()
    for asks, pause_ns, _ in steps:
        for urgency in (*asks, *[Urgency.READ] * reads, *[Urgency.ENTRY] * 8):
            world.ask(urgency)
        waiting = {urgency: len(line) for urgency, line in world.lines.items()}
        row = 0
        for ticket in world.call():
            urgency = world.of[ticket]
            assert urgency is Urgency.FLATTEN or not waiting[Urgency.EXIT] or urgency is Urgency.EXIT
            row = row + 1 if urgency is Urgency.ENTRY and waiting[Urgency.READ] else 0
            assert row <= ENTRIES_A_READ
            waiting[urgency] -= 1
        world.done(OK)
        world.now_ns += pause_ns
