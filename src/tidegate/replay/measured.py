"""Latencies as a golden log has them: from a command to the venue, and from the venue's answer to us.

`log:DIR` stands for the median and spread of what was measured there, and is written out as such before anything is planned, so
that a session says what it was run with and does not need that log again. Of each order its first answer counts: what comes later
waited for the market, not for the way. A command's time is the engine's own, so what lies between it and the socket is included.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tidegate.events.acts import OrderCommand
from tidegate.events.codec import decode
from tidegate.events.inputs import OrderEvent
from tidegate.journal import EntryKind, read
from tidegate.values.enums import CommandKind
from tidegate.values.errors import TidegateError

MEASURED: Final = "log:"
ANSWERS_MIN: Final = 20  # fewer say nothing about a spread
_ONE_DEVIATION: Final = (0.158_655, 0.841_345)  # shares of a normal distribution below one deviation under and over its mean


class LatencyNotMeasuredError(TidegateError):
    """A log does not hold what a latency was to be measured from."""


def written_out(key: str, text: str) -> str:
    """Return a latency as configurations write it; `log:DIR` becomes what is measured there.

    Args:
        key: `feed_latency`, `order_latency` or `response_latency`.
        text: the latency asked for.

    Raises:
        LatencyNotMeasuredError: a feed latency, or too few answered orders.
        TidegateError: no log, a damaged one, or one of a newer version.
    """
    if not text.startswith(MEASURED):
        return text
    directory = Path(text.removeprefix(MEASURED))
    if key == "feed_latency":
        raise LatencyNotMeasuredError(
            f"The log {directory} refers to its tape and holds no feed latency of its own; give a time, or none: "
            "then the tapes' receive times stand."
        )
    times = sorted(max(1, there if key == "order_latency" else back) for there, back in _ways(directory))
    if len(times) < ANSWERS_MIN:
        raise LatencyNotMeasuredError(
            f"The log {directory} has {len(times)} answered orders; {ANSWERS_MIN} are needed to measure a latency from, so give a time."
        )
    low, high = (_share(times, share) for share in _ONE_DEVIATION)
    median, sigma = _share(times, 0.5), math.log(high / low) / 2
    return f"lognormal:{median}ns,{sigma:.6f}" if high > low else f"{median}ns"


def _ways(directory: Path) -> Iterator[tuple[int, int]]:
    """Yield of each order of the newest session, ns from our command to the venue's act, and from there to us."""
    reader = read(directory)
    sent: dict[str, int] = {}
    for entry in reader.entries(reader.sessions[-1].number):
        if entry.kind is EntryKind.ACT:
            act = decode(entry.payload)
            if isinstance(act, OrderCommand) and act.kind is CommandKind.SUBMIT:
                sent[act.client_order_id] = act.timestamp
        elif entry.kind is EntryKind.INPUT:
            event = decode(entry.payload)
            if isinstance(event, OrderEvent) and event.ts_venue > 0 and event.client_order_id in sent:
                yield event.ts_venue - sent.pop(event.client_order_id), event.timestamp - event.ts_venue


def _share(times: Sequence[int], share: float) -> int:
    return times[round(share * (len(times) - 1))]
