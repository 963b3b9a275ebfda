"""Real processes of the supervisor: started with their pipes, heard, signaled, reaped. What to do with them is decided elsewhere."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias, final

from tidegate.service.heartbeat import Pulse
from tidegate.service.key_pipe import key_pipe
from tidegate.service.line_cutter import LineCutter
from tidegate.service.restarts import Ended, RestartPolicy
from tidegate.service.secrecy import Secret
from tidegate.values.errors import ExitCode

KEYS_OPTION: Final = "--keys-fd"
BEAT_OPTION: Final = "--beat-fd"
_READ_BYTES: Final = 65_536
_LINE_BYTES_MAX: Final = 1_048_576
_LAST_WORDS_S: Final = 1.0

Announced: TypeAlias = Mapping[str, str]  # the first line on stdout of each child that announces itself, by name


class ChildSpec(NamedTuple):
    """One kind of child.

    argv is made at each start and gets what earlier children announced; a child with keys gets `--keys-fd N` behind it, one
    that beats `--beat-fd N`. A child that announces itself says one line on stdout once others may come.
    """

    name: str
    argv: Callable[[Announced], Sequence[str]]
    keys: Mapping[str, Secret] = {}
    beats: bool = False
    announces: bool = False
    policy: RestartPolicy = RestartPolicy()


class Surroundings(NamedTuple):
    """What every child has in common."""

    environment: Mapping[str, str]  # without keys
    inherited: Sequence[int]  # file descriptors that live as long as any child does
    say: Callable[[bytes], None]  # lines for people
    marks: bool  # whether each line begins with the child's name


@final
class Running:
    """One process. Await `ended` once, then `close`."""

    def __init__(self, process: Process, pulse: Pulse | None, started_ns: int) -> None:
        self.started_ns: Final = started_ns
        self.pulse: Final = pulse
        self._process: Final = process

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone already."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def ended(self, spec: ChildSpec, around: Surroundings, announce: Callable[[str], None]) -> Ended:
        """Pass on what it says until it is gone, and return how it ended; `announce` gets the first line on stdout, if asked for."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        mark = f"{spec.name} | " if around.marks else ""
        errors = LineCutter(mark)
        hearing = [
            asyncio.create_task(_hear(self._process.stderr, errors, around)),
            asyncio.create_task(_hear(self._process.stdout, LineCutter(mark), around, announce if spec.announces else None)),
        ]
        code = await self._process.wait()
        # A process of its own that it left behind may hold the pipes open for ever; nobody waits for that one.
        _, silent = await asyncio.wait(hearing, timeout=_LAST_WORDS_S)
        for task in silent:
            task.cancel()
        return Ended(code, errors.last_line)

    def close(self) -> None:
        """Let go of its pulse."""
        if self.pulse is not None:
            self.pulse.close()


async def spawn(spec: ChildSpec, around: Surroundings, announced: Announced, now_ns: int) -> Running:
    """Start a child with the pipes it is to have. It leads a session of its own: what a terminal sends reaches the supervisor alone.

    Raises:
        OSError: the system does not start it.
    """
    argv = list(spec.argv(announced))
    given: list[int] = []
    pulse: Pulse | None = None
    try:
        if spec.keys:
            given.append(key_pipe(spec.keys))
            argv += [KEYS_OPTION, str(given[-1])]
        if spec.beats:
            reading, writing = os.pipe()
            pulse = Pulse(reading)
            given.append(writing)
            argv += [BEAT_OPTION, str(writing)]
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=_LINE_BYTES_MAX, env=dict(around.environment),
            pass_fds=(*given, *around.inherited), start_new_session=True,
        )  # fmt: skip
    except OSError:
        if pulse is not None:
            pulse.close()
        raise
    finally:
        for handle in given:
            os.close(handle)
    return Running(process, pulse, now_ns)


def not_started(error: OSError) -> Ended:
    """Return the end of a process that never began."""
    return Ended(ExitCode.ENVIRONMENT, f"{error.filename or 'the system'}: {error.strerror}")


async def _hear(
    pipe: asyncio.StreamReader, cutter: LineCutter, around: Surroundings, announce: Callable[[str], None] | None = None
) -> None:
    if announce is not None:
        announce((await pipe.readline()).decode(errors="replace").strip())
    while data := await pipe.read(_READ_BYTES):
        around.say(cutter.cut(data))
    around.say(cutter.end())
