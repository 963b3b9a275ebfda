"""Random sessions for hypothesis: every kind of strategy, exit and entry, on odd tapes, near and far venues, poor and rich accounts."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.contract.kit import (
    ASKING_LIMITS,
    DRAWN,
    EVERYWHERE,
    LIMITS,
    ONLY_CHOP,
    PLAIN_MILL,
    TIGHT_LIMITS,
    TRIGGER_MILL,
    ZERO,
    Latencies,
    configuration,
    session,
    strategy,
)
from tests.contract.markets import START_NS, Market, Oddities
from tidegate.events.inputs import AnyInput, EventListed, GateSet, LagMeasured, PermissionSet, StreamChanged
from tidegate.replay.prepare import Plan
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import SECOND_NS


class Case(NamedTuple):
    """A session, and what it is told besides its tapes."""

    plan: Plan
    more: tuple[AnyInput, ...] = ()


_LATENCIES = (
    ZERO,
    Latencies(),
    DRAWN,
    Latencies("", "0", "40ms"),
    Latencies("", "300ms", "0"),
    Latencies("1ms", "lognormal:100ms,1.0", "2500ms"),
)
_RULES: tuple[list[dict[str, Any]], ...] = (
    [],
    [],
    [],
    [{"name": "shorts", "sentence": "selling short is new here", "side": "sell"}],
    [{"name": "one", "sentence": "one is new", "strategy": "one", "symbol": "AAA", "quantity_above": 3}],
)
_STATES = (GateState.REDUCE_ONLY, GateState.HALTED, GateState.ACTIVE, GateState.ACTIVE)


@st.composite
def trigger_mills(draw: st.DrawFn, name: str) -> Any:
    """A trigger strategy of any entry style, with any exits."""
    return strategy(
        TRIGGER_MILL,
        name,
        eligible=draw(st.sampled_from((EVERYWHERE, EVERYWHERE, EVERYWHERE, ONLY_CHOP))),
        every=draw(st.integers(2, 12)),
        exit_after=draw(st.sampled_from((0, 0, 3, 12))),
        declines=draw(st.sampled_from((0, 3))),
        style=draw(st.integers(0, 2)),
        life=draw(st.integers(0, 2)),
        policy=draw(st.integers(0, 2)),
        live_for_s=draw(st.sampled_from((0.0, 0.4, 3.0))),
        follow=draw(st.booleans()),
        size=draw(st.sampled_from((0, 4, 15))),
        stop_bps=draw(st.sampled_from((4.0, 12.0, 60.0))),
        take_bps=draw(st.sampled_from((0.0, 6.0))),
        trail_bps=draw(st.sampled_from((0.0, 9.0))),
        hold_s=draw(st.sampled_from((0.0, 1.0, 7.0))),
        spread_kill_bps=draw(st.sampled_from((0.0, 11.0))),
        timer_s=draw(st.sampled_from((0.0, 0.0, 1.0))),
        at_venue=draw(st.booleans()),
        sliced=draw(st.booleans()),
    )


@st.composite
def plain_mills(draw: st.DrawFn, name: str) -> Any:
    """A strategy in plain Python, woken by something."""
    wakes = draw(st.sampled_from(("quotes", "seconds", "seconds", "minutes", "timer_s")))
    params: dict[str, Any] = {wakes: True if wakes != "timer_s" else draw(st.sampled_from((0.5, 1.0, 2.5)))}
    return strategy(
        PLAIN_MILL,
        name,
        passive=draw(st.booleans()),
        chase=draw(st.booleans()),
        follow=draw(st.booleans()),
        hold_s=draw(st.sampled_from((0.0, 2.0))),
        live_for_s=draw(st.sampled_from((0.0, 1.5))),
        eager=draw(st.integers(2, 7)),
        fault_at=draw(st.sampled_from((0, 0, 0, 9))),
        at_venue=draw(st.booleans()),
        sliced=draw(st.booleans()),
        **params,
    )


@st.composite
def markets(draw: st.DrawFn, *, records: int) -> tuple[Market, ...]:
    """One or two tapes of one market each."""
    late_ms = draw(st.sampled_from((0, 0, 30)))
    oddities = Oddities(
        ties=draw(st.sampled_from((0, 20, 60))),
        gaps=draw(st.sampled_from((0, 1))),
        bad_quotes=draw(st.sampled_from((0, 10))),
        trades=draw(st.sampled_from((0, 25))),
        statuses=draw(st.sampled_from((0, 1))),
        jumps=draw(st.sampled_from((0, 4))),
    )
    count = draw(st.integers(1, 2))
    return tuple(
        Market(
            seed=draw(st.integers(0, 2**32)),
            records=draw(st.integers(records // 4, records)) // count,
            symbols=draw(st.integers(1, 3)),
            step_ms=draw(st.sampled_from((60, 300))),
            late_ms=late_ms,
            oddities=oddities,
        )
        for _ in range(count)
    )


@st.composite
def told_inputs(draw: st.DrawFn) -> tuple[AnyInput, ...]:
    """What people and our own edges may tell besides: gates, lag, streams, listed events."""
    return tuple(_told(draw, START_NS + draw(st.integers(1, 60_000)) * 1_000_000) for _ in range(draw(st.integers(0, 5))))


def _told(draw: st.DrawFn, at_ns: int) -> AnyInput:
    head: dict[str, Any] = {"event_id": "", "timestamp": at_ns, "strategy_id": "", "correlation_id": ""}
    kind = draw(st.integers(0, 6))
    if kind == 6:
        permitted = draw(st.booleans())
        return PermissionSet(
            **head | {"strategy_id": "one"}, symbol="", permission_sha256="a", permitted=permitted, stage="live", reason="t"
        )
    if kind == 0:
        return LagMeasured(symbol="", lag_ns=draw(st.sampled_from((0, 0, SECOND_NS))), **head)
    if kind == 1:
        return StreamChanged(symbol="", venue="sim", stream="orders", up=draw(st.integers(0, 3)) > 0, reason="test", **head)
    if kind == 2:
        until_ns = at_ns + 3 * SECOND_NS
        return EventListed(symbol=draw(st.sampled_from(("", "AAA"))), from_ns=at_ns, until_ns=until_ns, title="test", **head)
    scope, key = draw(
        st.sampled_from(
            (
                (GateScope.GLOBAL, ""),
                (GateScope.SYMBOL, "AAA"),
                (GateScope.STRATEGY, "one"),
                (GateScope.ACCOUNT, "test"),
                (GateScope.VENUE, "sim"),
            )
        )
    )
    return GateSet(symbol="", scope=scope, key=key, state=draw(st.sampled_from(_STATES)), reason="test", actor="person", **head)


@st.composite
def cases(draw: st.DrawFn, *, records: int = 400, told: bool = True) -> Case:
    """A whole session."""
    mills = [draw(st.one_of(trigger_mills(name), plain_mills(name))) for name in ("one", "two", "three")[: draw(st.integers(1, 3))]]
    loaded = configuration(
        mills,
        latencies=draw(st.sampled_from(_LATENCIES)),
        limits=draw(st.sampled_from((LIMITS, LIMITS, TIGHT_LIMITS, ASKING_LIMITS))),
        cash_usd=draw(st.sampled_from((100_000, 1_000))),
        seed=draw(st.integers(0, 3)),
        symbols_shared=draw(st.booleans()),
        approvals=draw(st.sampled_from(_RULES)),
    )
    plan = session(loaded, *draw(markets(records=records)))
    return Case(plan, draw(told_inputs()) if told else ())
