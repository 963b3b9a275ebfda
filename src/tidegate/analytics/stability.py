"""How steadily a session was connected to its venue: streams that were lost, and how requests were answered, as its log was told."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from tidegate.analytics.collect import Run
from tidegate.analytics.curves import share
from tidegate.events.inputs import StreamChanged, VenueCallsMeasured

_NO_SOCKETS: Final = frozenset({"store", "account"})  # log and ledger, and whether the venue takes orders, are told in the same words


class StreamRecord(NamedTuple):
    """One stream from when it stood first to the end of the session; one that never stood, from when it was first told of. ns."""

    name: str
    seen_ns: int
    up_ns: int
    losses: int
    returns: int
    longest_down_ns: int


class CallRecord(NamedTuple):
    """All requests of a session."""

    calls: int
    throttled: int
    refused: int
    failed: int
    unanswered: int
    answer_ns_total: int
    answer_ns_max: int


class Stability(NamedTuple):
    """None: nothing was told of it, as in a replay."""

    streams: tuple[StreamRecord, ...]
    calls: CallRecord | None


def stability(run: Run) -> Stability:
    """Return what a run's log tells of its streams and requests."""
    told: defaultdict[str, list[StreamChanged]] = defaultdict(list)
    measured: list[VenueCallsMeasured] = []
    for _, _, message in run.entries:
        if isinstance(message, StreamChanged) and message.stream not in _NO_SOCKETS:
            told[f"{message.venue}/{message.stream}"].append(message)
        elif isinstance(message, VenueCallsMeasured):
            measured.append(message)
    until_ns = run.until_ns or 0
    return Stability(tuple(_stream(name, told[name], until_ns) for name in sorted(told)), _calls(measured))


def uptime(streams: Sequence[StreamRecord]) -> float | None:
    """Return the mean over streams of the share of their time in which they stood."""
    shares = [found for stream in streams if (found := share(stream.up_ns, stream.seen_ns)) is not None]
    return sum(shares) / len(shares) if shares else None


def _stream(name: str, told: Sequence[StreamChanged], until_ns: int) -> StreamRecord:
    first = next((place for place, message in enumerate(told) if message.up), 0)
    up_ns = losses = returns = longest_ns = 0
    is_up, since_ns = told[first].up, told[first].timestamp
    for message in [*told[first + 1 :], None]:
        at_ns = until_ns if message is None else message.timestamp
        if message is not None and message.up is is_up:
            continue  # told again, with another reason perhaps
        if is_up:
            up_ns += at_ns - since_ns
            losses += message is not None
        else:
            longest_ns = max(longest_ns, at_ns - since_ns)
            returns += message is not None
        is_up, since_ns = not is_up, at_ns
    return StreamRecord(name, max(0, until_ns - told[first].timestamp), up_ns, losses, returns, longest_ns)


def _calls(measured: Sequence[VenueCallsMeasured]) -> CallRecord | None:
    figures = [figure for message in measured for figure in message.figures]
    if not figures:
        return None
    return CallRecord(
        sum(figure.calls for figure in figures),
        sum(figure.throttled for figure in figures),
        sum(figure.refused for figure in figures),
        sum(figure.failed for figure in figures),
        sum(figure.unanswered for figure in figures),
        sum(figure.answer_ns_total for figure in figures),
        max(figure.answer_ns_max for figure in figures),
    )
