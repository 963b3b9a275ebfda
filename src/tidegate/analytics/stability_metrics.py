"""How steady the way to the venue was (C2.4), one function a metric; the docstring is its definition. In the total only.

None is "not known", never zero: a replay has neither streams nor requests.
"""

from tidegate.analytics.curves import share
from tidegate.analytics.slices import Slice
from tidegate.analytics.stability import CallRecord, StreamRecord, uptime
from tidegate.values.time import MILLISECOND_NS, SECOND_NS


def stream_uptime(part: Slice) -> float | None:
    """Time in which a stream stood and was read up over the time since it first did; the mean over the session's streams."""
    return uptime(_streams(part))


def stream_losses(part: Slice) -> float | None:
    """Times a stream that stood was lost: closed, silent, or not to be trusted."""
    streams = _streams(part)
    return float(sum(stream.losses for stream in streams)) if streams else None


def stream_returns(part: Slice) -> float | None:
    """Times a lost stream stood again and was read up."""
    streams = _streams(part)
    return float(sum(stream.returns for stream in streams)) if streams else None


def stream_outage_longest_seconds(part: Slice) -> float | None:
    """The longest time in which a stream was lost; null without a stream."""
    streams = _streams(part)
    return max(stream.longest_down_ns for stream in streams) / SECOND_NS if streams else None


def venue_calls(part: Slice) -> float | None:
    """Requests to the venue that ended, reads and attempts that were repeated included."""
    calls = _calls(part)
    return None if calls is None else float(calls.calls)


def venue_throttled(part: Slice) -> float | None:
    """Requests that the venue refused as too many (HTTP 429)."""
    calls = _calls(part)
    return None if calls is None else float(calls.throttled)


def venue_refused(part: Slice) -> float | None:
    """Requests that the venue refused for another reason (HTTP 400 to 499): an order it does not take, an id it does not know."""
    calls = _calls(part)
    return None if calls is None else float(calls.refused)


def venue_error_rate(part: Slice) -> float | None:
    """Requests refused as too many, failed at the venue (HTTP 500 and above) or not answered, over all requests."""
    calls = _calls(part)
    return None if calls is None else share(calls.throttled + calls.failed + calls.unanswered, calls.calls)


def venue_unanswered(part: Slice) -> float | None:
    """Requests without an answer: no connection, one that broke, or none in time."""
    calls = _calls(part)
    return None if calls is None else float(calls.unanswered)


def venue_answer_mean_ms(part: Slice) -> float | None:
    """Mean time from a request to the end of its answer, over those that were answered."""
    calls = _calls(part)
    answered = 0 if calls is None else calls.calls - calls.unanswered
    return calls.answer_ns_total / answered / MILLISECOND_NS if calls is not None and answered else None


def venue_answer_worst_ms(part: Slice) -> float | None:
    """The slowest answer."""
    calls = _calls(part)
    return calls.answer_ns_max / MILLISECOND_NS if calls is not None and calls.calls > calls.unanswered else None


def _streams(part: Slice) -> tuple[StreamRecord, ...]:
    return part.stability.streams if part.stability is not None else ()


def _calls(part: Slice) -> CallRecord | None:
    return part.stability.calls if part.stability is not None else None
