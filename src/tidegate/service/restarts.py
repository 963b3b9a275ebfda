"""When a child process is started, ended, killed and started again: a machine over one table. No process, clock or signal here.

The edge (`supervisor`) tells what happened and when, and carries out what it is told, in order. There is never a second process
of a child: START is told in WAITING alone, and only the end of the process leads back there.
"""

from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, final

import msgspec

from tidegate.values.errors import ExitCode
from tidegate.values.time import HOUR_NS, NEVER_NS, SECOND_NS

INTERRUPTED: Final = 130  # 128 + SIGINT: somebody asked the process itself to end, which is no failure
_SIGKILL: Final = 9

FINAL_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {
        ExitCode.USAGE: "the call or a configuration is wrong",
        ExitCode.ENVIRONMENT: "something it needs is missing",
        ExitCode.REFUSED: "a safety rule refused it",
    }
)
"""Ends that another start would only repeat, and what they mean."""


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How patiently a child that died is started again, and how long one that is asked to end may take.

    The pause doubles with each death from pause_first_ns to pause_max_ns; a child that lived for steady_ns begins anew.
    More than per_hour_max deaths within an hour: it stays dead. Where it is not essential, everything else goes on without it.
    """

    pause_first_ns: int = SECOND_NS
    pause_max_ns: int = 60 * SECOND_NS
    steady_ns: int = 120 * SECOND_NS
    per_hour_max: int = 10
    stop_ns: int = 30 * SECOND_NS
    essential: bool = True


class ChildState(StrEnum):
    """Where a child stands."""

    WAITING = "waiting"  # not running; started when due
    RUNNING = "running"
    STOPPING = "stopping"  # asked to end, with a limit of time
    KILLING = "killing"  # killed because it did not answer, to be started again
    ENDING = "ending"  # killed for good
    OVER = "over"  # never started again


class Happening(StrEnum):
    """What the edge may tell."""

    DUE = "due"  # the time told by `due_ns` has come
    ENDED = "ended"  # the process is gone and its code read, or could not be started
    STOP = "stop"  # everything is to end
    HUNG = "hung"  # the watchdog gave it up


class Act(StrEnum):
    """What the edge is to do."""

    START = "start"
    TERMINATE = "terminate"  # SIGTERM
    KILL = "kill"  # SIGKILL
    TELL = "tell"  # say `Child.sentence`


class Ended(NamedTuple):
    """How a process ended: its exit code, or minus the number of a signal; and the last line it said."""

    code: int
    last_line: str = ""


@final
class Child:
    """One child process as its keeper sees it. Times are monotonic ns."""

    def __init__(self, name: str, policy: RestartPolicy, now_ns: int) -> None:
        self.name: Final = name
        self.policy: Final = policy
        self.state = ChildState.WAITING
        self.due_ns = now_ns  # when DUE is to be told
        self.sentence = ""  # what happened last, for people
        self.starts = 0
        self.ended: Ended | None = None  # the newest end
        self.exit_code: int | None = None  # once OVER: what the whole service should answer
        self.given_up = False  # it died too often: what it had under way is nobody's now
        self._started_ns = now_ns
        self._pause_ns = policy.pause_first_ns
        self._deaths: deque[int] = deque()

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(self.starts - 1, 0)

    def step(self, happening: Happening, now_ns: int, ended: Ended | None = None) -> tuple[Act, ...]:
        """Take in what happened and return what to do; `ended` belongs to ENDED alone."""
        assert (ended is not None) == (happening is Happening.ENDED), "an end has its code"
        self.ended = ended or self.ended
        if happening is Happening.DUE and now_ns < self.due_ns:
            return ()
        return TABLE[self.state, happening](self, now_ns)

    def start(self, now_ns: int) -> tuple[Act, ...]:
        """Let it run."""
        self.state, self.due_ns, self._started_ns = ChildState.RUNNING, NEVER_NS, now_ns
        self.starts += 1
        return (Act.START,)

    def stop(self, now_ns: int) -> tuple[Act, ...]:
        """Ask it to end, with a limit of time."""
        self.state, self.due_ns = ChildState.STOPPING, now_ns + self.policy.stop_ns
        return (Act.TERMINATE,)

    def leave(self, _now_ns: int) -> tuple[Act, ...]:
        """Let it stay what it is: not running, for good."""
        self._over(ExitCode.OK)
        return ()

    def kill_late(self, _now_ns: int) -> tuple[Act, ...]:
        """End a process that was asked to end and did not."""
        self.state, self.due_ns = ChildState.ENDING, NEVER_NS
        self.sentence = f"The {self.name} did not end within {self.policy.stop_ns / SECOND_NS:g} s and is killed; its next start recovers."
        return Act.KILL, Act.TELL

    def kill_hung(self, _now_ns: int) -> tuple[Act, ...]:
        """End a process that does not answer, so that a new one recovers."""
        self.state, self.due_ns = ChildState.KILLING, NEVER_NS
        self.sentence = f"The {self.name} does not answer and is killed; a new one recovers from log and ledger."
        return Act.KILL, Act.TELL

    def kill_for_good(self, _now_ns: int) -> tuple[Act, ...]:
        """Nothing is started any more after a kill that was under way."""
        self.state = ChildState.ENDING
        return ()

    def died(self, now_ns: int) -> tuple[Act, ...]:
        """Decide what an end that nobody here asked for means."""
        assert self.ended is not None
        code = self.ended.code
        if code in {ExitCode.OK, INTERRUPTED} and self.policy.essential:
            return self._rest(ExitCode.OK, f"The {self.name} ended by itself; so does everything else.")
        if code in FINAL_CODES:
            return self._rest(code, f"The {self.name} ended, since {FINAL_CODES[code]}, and is not started again{self._its_words()}")
        return self.died_badly(now_ns)

    def died_badly(self, now_ns: int) -> tuple[Act, ...]:
        """Wait for a new start, or give up."""
        assert self.ended is not None
        if now_ns - self._started_ns >= self.policy.steady_ns:
            self._pause_ns = self.policy.pause_first_ns
        self._deaths.append(now_ns)
        while self._deaths[0] <= now_ns - HOUR_NS:
            self._deaths.popleft()
        how = how_ended(self.ended.code)
        if len(self._deaths) > self.policy.per_hour_max:
            self.given_up = True
            often = f"The {self.name} died {len(self._deaths)} times within an hour, now by {how}, and is not started again"
            return self._rest(
                ExitCode.ENVIRONMENT, f"{often}; look into its log, and at the account, before you start it{self._its_words()}"
            )
        pause_ns, self._pause_ns = self._pause_ns, min(2 * self._pause_ns, self.policy.pause_max_ns)
        self.state, self.due_ns = ChildState.WAITING, now_ns + pause_ns
        self.sentence = f"The {self.name} died by {how} and is started again in {pause_ns / SECOND_NS:g} s{self._its_words()}"
        return (Act.TELL,)

    def ended_as_asked(self, _now_ns: int) -> tuple[Act, ...]:
        """Take in the end of a process that was asked to end, or killed for good."""
        assert self.ended is not None
        clean = self.ended.code in {ExitCode.OK, INTERRUPTED, -15}
        killed = self.state is ChildState.ENDING
        self._over(ExitCode.OK if clean else ExitCode.ENVIRONMENT)
        if clean or killed:  # a kill was told when it was done
            return ()
        self.sentence = (
            f"The {self.name} ended by {how_ended(self.ended.code)} when asked to end; its next start recovers{self._its_words()}"
        )
        return (Act.TELL,)

    def ignore(self, _now_ns: int) -> tuple[Act, ...]:
        """Let what comes too late or too early change nothing."""
        return ()

    def _rest(self, code: int, sentence: str) -> tuple[Act, ...]:
        self.sentence = sentence
        self._over(code)
        return (Act.TELL,)

    def _over(self, code: int) -> None:
        self.state, self.due_ns, self.exit_code = ChildState.OVER, NEVER_NS, int(code)

    def _its_words(self) -> str:
        assert self.ended is not None
        return f". Its last words: {self.ended.last_line}" if self.ended.last_line else "."


def how_ended(code: int) -> str:
    """Return the end of a process in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


_Step: TypeAlias = Callable[[Child, int], tuple[Act, ...]]
TABLE: Final[Mapping[tuple[ChildState, Happening], _Step]] = MappingProxyType(
    {
        (ChildState.WAITING, Happening.DUE): Child.start,
        (ChildState.WAITING, Happening.ENDED): Child.ignore,
        (ChildState.WAITING, Happening.STOP): Child.leave,
        (ChildState.WAITING, Happening.HUNG): Child.ignore,
        (ChildState.RUNNING, Happening.DUE): Child.ignore,
        (ChildState.RUNNING, Happening.ENDED): Child.died,
        (ChildState.RUNNING, Happening.STOP): Child.stop,
        (ChildState.RUNNING, Happening.HUNG): Child.kill_hung,
        (ChildState.STOPPING, Happening.DUE): Child.kill_late,
        (ChildState.STOPPING, Happening.ENDED): Child.ended_as_asked,
        (ChildState.STOPPING, Happening.STOP): Child.ignore,
        (ChildState.STOPPING, Happening.HUNG): Child.kill_late,
        (ChildState.KILLING, Happening.DUE): Child.ignore,
        (ChildState.KILLING, Happening.ENDED): Child.died_badly,
        (ChildState.KILLING, Happening.STOP): Child.kill_for_good,
        (ChildState.KILLING, Happening.HUNG): Child.ignore,
        (ChildState.ENDING, Happening.DUE): Child.ignore,
        (ChildState.ENDING, Happening.ENDED): Child.ended_as_asked,
        (ChildState.ENDING, Happening.STOP): Child.ignore,
        (ChildState.ENDING, Happening.HUNG): Child.ignore,
        (ChildState.OVER, Happening.DUE): Child.ignore,
        (ChildState.OVER, Happening.ENDED): Child.ignore,
        (ChildState.OVER, Happening.STOP): Child.ignore,
        (ChildState.OVER, Happening.HUNG): Child.ignore,
    }
)
"""Every pair has its row; tests walk the grid."""
