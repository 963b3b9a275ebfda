"""What a live session has to remember besides: differences that wait for a second report, and requests that are not done."""

from collections import OrderedDict
from typing import Final, final

import msgspec

from tidegate.events.acts import RequestMoved
from tidegate.events.inputs import OperatorRequested
from tidegate.values.enums import GateScope, RequestStage, RequestVerb
from tidegate.values.time import NEVER_NS

SEEN_KEPT: Final = 1_024
LASTING: Final = frozenset({RequestVerb.CANCEL, RequestVerb.FLATTEN, RequestVerb.KILL})  # these have something to wait for


class Pending(msgspec.Struct, frozen=True, array_like=True):
    """What a report said that a second one must confirm: theirs, ours at that time, and when that read began."""

    theirs: str
    ours: str
    began_ns: int


class Job(msgspec.Struct, frozen=True, array_like=True):
    """A request that is not done."""

    request_id: str
    verb: RequestVerb
    scope: GateScope
    key: str
    order_id: str
    requester: str
    reason: str
    correlation_id: str
    begun_ns: int
    stage: RequestStage = RequestStage.TAKEN
    tries: int = 0
    due_ns: int = 0


class _State(msgspec.Struct, frozen=True, array_like=True):
    seen: list[str]
    jobs: list[Job]


@final
class RequestBook:
    """Requests not done, and the ids of those seen lately. Changed by folding only."""

    def __init__(self) -> None:
        self.seen: OrderedDict[str, None] = OrderedDict()
        self.jobs: dict[str, Job] = {}

    def due_ns(self) -> int:
        """Return when a job is looked at by itself; NEVER_NS when none is."""
        return min([job.due_ns for job in self.jobs.values() if job.due_ns], default=NEVER_NS)

    def fold_request(self, request: OperatorRequested) -> bool:
        """Take a request in; return whether it is new."""
        if request.request_id in self.seen:
            return False
        self.seen[request.request_id] = None
        if len(self.seen) > SEEN_KEPT:
            self.seen.popitem(last=False)
        if request.verb in LASTING:
            self.jobs[request.request_id] = Job(
                request_id=request.request_id,
                verb=request.verb,
                scope=request.scope,
                key=request.key,
                order_id=request.order_id,
                requester=request.requester,
                reason=request.reason,
                correlation_id=request.correlation_id or request.event_id,
                begun_ns=request.timestamp,
                due_ns=request.timestamp,  # so that a log that ends right here is gone on with
            )
        return True

    def fold_moved(self, act: RequestMoved) -> None:
        """Move a job to another stage."""
        job = self.jobs.get(act.request_id)
        if job is None or act.stage is RequestStage.REPEATED:
            return
        if act.stage is RequestStage.DONE:
            del self.jobs[act.request_id]
        else:
            self.jobs[act.request_id] = msgspec.structs.replace(job, stage=act.stage, tries=act.tries, due_ns=act.due_ns)

    def snapshot(self) -> bytes:
        """Return the state as bytes; empty when nothing was ever asked."""
        if not self.seen:
            return b""
        return msgspec.msgpack.encode(_State(list(self.seen), [self.jobs[key] for key in sorted(self.jobs)]))

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot."""
        state = msgspec.msgpack.decode(data, type=_State) if data else _State([], [])
        self.seen = OrderedDict.fromkeys(state.seen)
        self.jobs = {job.request_id: job for job in state.jobs}
