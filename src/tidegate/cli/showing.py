"""How a trader's status reads on a terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tidegate.values.time import DAY_NS, HOUR_NS, MILLISECOND_NS, MINUTE_NS, SECOND_NS, iso_utc

if TYPE_CHECKING:
    from tidegate.control.replies import StatusReply

_WIDE: Final = 12
_HASH: Final = 12  # as `config history` shows it
_TO_SECONDS: Final = slice(0, 19)


def status_lines(reply: "StatusReply") -> list[str]:
    """Return a status as lines: a topic each, further lines of a topic below it."""
    return [f"{topic.ljust(_WIDE)}{text}" for topic, text in _told(reply)]


def moment(ns: int) -> str:
    """Return a time to the second, UTC; a dash where there is none."""
    return iso_utc(ns)[_TO_SECONDS].replace("T", " ") + " UTC" if ns else "-"


def span(ns: int) -> str:
    """Return a time span in its two largest units."""
    for large, name, small, below in ((DAY_NS, "d", HOUR_NS, "h"), (HOUR_NS, "h", MINUTE_NS, "min"), (MINUTE_NS, "min", SECOND_NS, "s")):
        if ns >= large:
            return f"{ns // large} {name} {ns % large // small} {below}"
    return f"{ns / SECOND_NS:.1f} s"


def _told(reply: "StatusReply") -> Iterator[tuple[str, str]]:
    yield "trader", f"{reply.mode}, account {reply.account} at {reply.venue}, up {span(reply.uptime_ns)}"
    yield from _version(reply)
    yield "trading", "yes" if reply.trading else "no"
    for why in reply.why_not:
        yield "", why
    yield from _gates(reply)
    yield "access", reply.access.rule
    for waits in reply.access.waiting:
        yield "", f"waits for a second person: {waits}"
    yield from _streams(reply)
    yield from _venue(reply)
    read = f"{span(max(0, reply.now_ns - reply.reconciled_ns))} ago" if reply.reconciled_ns else "not yet"
    yield "reconciled", read
    yield "equity", f"${reply.equity_usd}" if reply.equity_usd is not None else "unknown: something held has no price"
    yield "orders", f"{reply.working_orders} working, {len(reply.unknown_orders)} of unknown outcome, {reply.open_commands} on their way"
    for order in reply.unknown_orders:
        yield "", f"unknown: {order}"
    if reply.waiting_approvals:
        yield "approvals", f"{reply.waiting_approvals} waiting for a person: `tidegate approvals list`"
    if reply.oldest_cancel_ns:
        yield "", f"the oldest cancel has waited {span(reply.oldest_cancel_ns)} to leave"
    for request in reply.requests:
        scope = f"{request.scope.value} {request.key}".strip()
        yield "request", f"{request.verb.value} {scope} by {request.requester}: {request.stage.value}, {request.tries} rounds"
    yield from _stores(reply)


def _venue(reply: "StatusReply") -> Iterator[tuple[str, str]]:
    for line in reply.venue_status:
        speed = f", within {line.median_ns / MILLISECOND_NS:.0f} ms (median of {line.answers})" if line.answers else ""
        yield "venue", f"{line.level.value} by its {line.source.value}: {line.words or 'not asked yet'}{speed}"
    if reply.not_understood:
        yield "", f"{reply.not_understood} messages of the venue were not understood, the newest of {reply.newest_doubt}"


def _version(reply: "StatusReply") -> Iterator[tuple[str, str]]:
    if reply.version:
        yield "version", f"{reply.version[:_HASH]}, holds stage {reply.stage}"
    for strategy in reply.not_permitted:
        yield "no entries", strategy


def _gates(reply: "StatusReply") -> Iterator[tuple[str, str]]:
    if not reply.gates:
        yield "gates", "all open"
    for gate in reply.gates:
        why = f": {gate.reason}" if gate.reason else ", without a reason"
        yield "gate", f"{gate.scope.value} {gate.key}".strip() + f" is {gate.state.value}, by {gate.actor or 'nobody known'}{why}"
    if reply.kill_file:
        yield "", "there is a kill file: `tidegate resume --reason …` takes it away"
    if reply.venue_suspended:
        yield "", "the venue refuses every new order, as it was told"


def _streams(reply: "StatusReply") -> Iterator[tuple[str, str]]:
    for stream in reply.streams:
        since = f"since {moment(stream.since_ns)}" if stream.since_ns else "since the start"
        yield "stream", f"{stream.name} is trusted {since}" if stream.trusted else f"{stream.name} is NOT trusted {since}: {stream.reason}"


def _stores(reply: "StatusReply") -> Iterator[tuple[str, str]]:
    log, lease = reply.log, reply.lease
    yield "log", f"input {log.n:,}, on disk up to {log.durable_n:,}, in {log.folder}" if log.ok else log.why
    yield "ledger", "takes what is written" if reply.ledger.ok else reply.ledger.why
    held = f"epoch {lease.epoch}, until {moment(lease.expires_ns)}, by {lease.holder}"
    yield "lease", held if lease.held else "the account is NOT held"
    yield "lag", span(reply.lag_ns)
    yield "session", reply.session
