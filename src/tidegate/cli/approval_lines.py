"""How orders that wait for a person read on a terminal."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from tidegate.cli.showing import moment, span
from tidegate.values.enums import ApprovalState

if TYPE_CHECKING:
    from tidegate.control.approval_replies import ApprovalLine, ImpactLine

_WIDE: Final = 14
_ID_SHOWN: Final = 16
_WAITS: Final = frozenset({ApprovalState.WAITING, ApprovalState.HALF_GRANTED})
_UNSEEN: Final = "unknown: a price cannot be seen"
_COLUMNS: Final = ("request", "strategy", "order", "worth", "persons", "state", "left", "why")


def approval_rows(lines: Iterable["ApprovalLine"], now_ns: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return a table of requests: its columns and rows."""
    return _COLUMNS, [_row(line, now_ns) for line in lines]


def approval_lines(line: "ApprovalLine", now_ns: int) -> list[str]:
    """Return one request as lines, a topic each."""
    return [f"{topic.ljust(_WIDE)}{text}".rstrip() for topic, text in _told(line, now_ns)]


def left(line: "ApprovalLine", now_ns: int) -> str:
    """Return how long a request still waits."""
    return f"{span(max(0, line.expires_ns - now_ns))} left" if line.state in _WAITS else "decided"


def order_of(line: "ApprovalLine") -> str:
    """Return exactly the order."""
    prices = [f"stop {line.stop_price}"] if line.stop_price else []
    prices += [f"at {line.limit_price}"] if line.limit_price else []
    terms = f"{line.order_type.value.replace('_', ' ')} {line.time_in_force.value.upper()}"
    return " ".join([line.side.value, line.quantity, line.symbol, terms, *prices])


def _row(line: "ApprovalLine", now_ns: int) -> tuple[str, ...]:
    persons = f"{len(line.approvers)} of {line.needed}"
    why = line.sentence if line.state in _WAITS else line.outcome
    waits = left(line, now_ns) if line.state in _WAITS else moment(line.moved_ns)
    state = line.state.value.replace("_", " ")
    return (line.approval_id[:_ID_SHOWN], line.strategy_id, order_of(line), f"${line.notional_usd}", persons, state, waits, why)


def _told(line: "ApprovalLine", now_ns: int) -> Iterator[tuple[str, str]]:
    yield "request", f"{line.approval_id}, {line.state.value.replace('_', ' ')}, {left(line, now_ns)}"
    yield "order", f"{order_of(line)}, worth ${line.notional_usd}"
    yield "of", f"strategy {line.strategy_id}, asked for by {line.requester} at {moment(line.asked_ns)}"
    if line.reason:
        yield "its words", line.reason
    yield "why asked", line.sentence
    yield "persons", f"{len(line.approvers)} of {line.needed}" + (f": {', '.join(line.approvers)}" if line.approvers else "")
    yield "expires", f"{moment(line.expires_ns)}; then it counts as refused"
    if line.impact is not None:
        yield from _impact(line.impact)
    if line.outcome:
        yield "came of it", f"{line.outcome} ({moment(line.moved_ns)})"
    yield "hash", line.order_sha256


def _impact(impact: "ImpactLine") -> Iterator[tuple[str, str]]:
    worth = _UNSEEN if impact.notional_usd is None else f"${impact.notional_usd}"
    cut = f", in {impact.orders} orders" if impact.orders > 1 else ""
    yield "worth now", f"{worth}{cut}"
    yield "position", f"{impact.net_before} now, {impact.net_after} when it has filled"
    yield "worst case", f"{impact.worst_before} now, {impact.worst_after} with it"
    seen = impact.gross_before_usd is not None and impact.gross_after_usd is not None
    yield "exposure", f"${impact.gross_before_usd} gross now, ${impact.gross_after_usd} with it" if seen else _UNSEEN
    yield "the gate now", f"would refuse it. {impact.refusal}" if impact.refusal else "would let it out"
