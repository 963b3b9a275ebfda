"""Draw the order state machine from its table: which edges there are is read from `oms.transitions`, where states stand is chosen here.

What every live state can become is drawn once, as an arrow from the frame around them; so with what never lived.
"""

from typing import Final

from scripts.drawing import Arrow, Box, Frame, between, picture
from tidegate.oms.transitions import NEVER_LIVED, TERMINAL, TRANSITIONS
from tidegate.values.enums import OrderState as State

LIVE: Final = frozenset(State) - TERMINAL


def targets(state: State) -> set[State]:
    """Return what a state can become."""
    return {after for cell in TRANSITIONS[state].values() for after in cell} - {state}


def shared(states: frozenset[State]) -> set[State]:
    """Return what every one of some states can become, besides one another."""
    return set.intersection(*(targets(state) for state in states)) - states


def words(before: State, after: State) -> tuple[str, ...]:
    """Return the events that lead from one state to another without completing anything."""
    return tuple(kind.value for kind, (partial, _) in TRANSITIONS[before].items() if partial is after)


_USUAL: Final = {
    State.NEW: (100, 215),
    State.SUBMITTED: (300, 215),
    State.ACCEPTED: (520, 215),
    State.PARTIAL: (740, 215),
    State.UNKNOWN: (410, 325),
    State.NOT_SENT: (200, 440),
    State.ABSENT: (410, 440),
    State.REJECTED: (410, 40),
}
_USUAL_BENDS: Final = {
    (State.NEW, State.ACCEPTED): 110,
    (State.NEW, State.PARTIAL): 190,
    (State.SUBMITTED, State.PARTIAL): 110,
}
_LABELED: Final = {(State.NEW, State.SUBMITTED), (State.SUBMITTED, State.ACCEPTED), (State.ACCEPTED, State.PARTIAL)}

_LATE: Final = {
    State.ABSENT: (110, 110),
    State.NOT_SENT: (110, 200),
    State.REJECTED: (110, 290),
    State.UNKNOWN: (380, 200),
    State.CANCELED: (450, 355),
    State.EXPIRED: (265, 338),
    State.REPLACED: (590, 410),
    State.FILLED: (720, 290),
    State.PARTIAL: (720, 200),
    State.ACCEPTED: (720, 110),
}
_LATE_BENDS: Final = {
    (State.ABSENT, State.REJECTED): 80,
}


def usual_picture() -> str:
    """Return how an order lives and ends."""
    together = shared(LIVE)
    ends = sorted(together, key=list(State).index)
    boxes = {state: _box(state, place) for state, place in _USUAL.items()}
    stack = {state: _box(state, (930, 125 + 60 * place)) for place, state in enumerate(ends)}
    pairs = [(a, b) for a in State if a in LIVE for b in State if b in targets(a) - together]
    frames = (
        Frame(20, 85, 800, 290, "live"),
        Frame(855, 85, 150, 60 * len(ends) + 20, "ended"),
    )
    out = Arrow([(820, 235), (855, 235)])
    arrows = [_arrow(a, b, boxes, _USUAL_BENDS) for a, b in pairs]
    notes = [(875, 362, "from every live state")]
    return picture(
        (1025, 480),
        title="How an order lives and ends",
        frames=frames,
        boxes=[*boxes.values(), *stack.values()],
        arrows=[*arrows, out],
        notes=notes,
    )


def late_picture() -> str:
    """Return what can still move an order after it has ended."""
    together = shared(NEVER_LIVED)
    boxes = {state: _box(state, place) for state, place in _LATE.items()}
    pairs = [(a, b) for a in State if a in TERMINAL for b in State if b in targets(a) - (together if a in NEVER_LIVED else set())]
    frames = (Frame(20, 60, 182, 262, "it never lived"), Frame(640, 60, 160, 270, "it works, or is done"))
    out = Arrow([(202, 85), (640, 85)], words=("it works or fills after all: adopted, canceled, symbol halted",))
    return picture(
        (825, 450),
        title="What can still move an order after it has ended",
        frames=frames,
        boxes=list(boxes.values()),
        arrows=[*(_arrow(a, b, boxes, _LATE_BENDS) for a, b in pairs), out],
        notes=[(660, 380, "late fills complete it")],
    )


def _box(state: State, place: tuple[float, float]) -> Box:
    kind = "guard" if state is State.UNKNOWN else "accent" if state in LIVE else "box"
    return Box(*place, (state.name,), kind=kind, radius=3 if state in TERMINAL else 17)


def _arrow(a: State, b: State, boxes: dict[State, Box], bends: dict[tuple[State, State], int]) -> Arrow:
    bend = bends.get((a, b), 0)
    said = words(a, b) if (a, b) in _LABELED else ()
    return Arrow(between(boxes[a], boxes[b]) if not bend else _sides(boxes[a], boxes[b], bend), bend, said)


def _sides(start: Box, end: Box, bend: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where a bent arrow leaves and arrives: on the sides towards its bend."""
    if start.x == end.x:
        side = start.width / 2 if bend > 0 else -start.width / 2
        return (start.x + side, start.y), (end.x + side, end.y)
    up = (1 if end.x < start.x else -1) * (1 if bend > 0 else -1)
    return (start.x, start.y + up * start.height / 2), (end.x, end.y + up * end.height / 2)
