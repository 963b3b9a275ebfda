"""`tidegate up`'s process over real children: started, restarted, given up, stopped, never twice."""

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.service.guarding import QUICK, WAIT_S, Service, child, environment, service, trader, until
from tidegate.service.children import Announced, ChildSpec
from tidegate.service.health import judge, read_health
from tidegate.service.home_lock import HomeInUseError, lock_home
from tidegate.service.restarts import ChildState
from tidegate.values.errors import ExitCode
from tidegate.values.time import SECOND_NS

pytestmark = [pytest.mark.req("F1"), pytest.mark.asyncio]

FOR_EVER = "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); print('up', flush=True)\nwhile True: signal.pause()"


async def test_a_trader_gets_its_keys_beats_and_ends_in_order(tmp_path: Path) -> None:
    async with service(tmp_path, trader(tmp_path)) as up:
        await up.until(up.ready)
        await up.until(lambda: up.supervisor.health().stage == "ready")
        health = up.supervisor.health()
        assert judge(health, health.written_monotonic_ns, ready=True).ok
        assert await up.end() == ExitCode.OK
    assert [words for _, words in up.notes()] == ["key PaperKey(PKab…, [secret])", "ready", "ended"]
    assert "paper-secret" not in up.text
    assert read_health(tmp_path).children[0].state is ChildState.OVER


async def test_keys_are_in_no_argument_and_no_environment_of_the_child(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("/proc is told of Linux")
    async with service(tmp_path, trader(tmp_path)) as up:
        await up.until(up.ready)
        (pid,) = up.ready()
        seen = _proc(pid, "cmdline") + _proc(pid, "environ")
        assert b"--keys-fd" in seen
        assert b"paper-secret" not in seen
        assert b"PKabcdefgh" not in seen
        await up.end()


async def test_a_killed_trader_is_started_again_and_there_is_one_at_a_time(tmp_path: Path) -> None:
    async with service(tmp_path, trader(tmp_path)) as up:
        for count in (1, 2, 3):
            await up.until(partial(_are_ready, up, count))
            if count < 3:
                os.kill(up.ready()[-1], signal.SIGKILL)
        assert up.supervisor.children[0].restarts == 2
        alive = [pid for pid in up.ready() if _is_alive(pid)]
        assert alive == up.ready()[-1:]
        assert await up.end() == ExitCode.OK
    assert up.text.count("The trader died by signal 9 and is started again") == 2


async def test_a_child_that_keeps_dying_is_given_up_and_everything_ends(tmp_path: Path) -> None:
    dying = child("trader", "import sys; print('broken pipe of thought', file=sys.stderr); sys.exit(70)")
    async with service(tmp_path, child("venue", FOR_EVER, announces=True), dying) as up:
        assert await asyncio.wait_for(up.ending, WAIT_S) == ExitCode.ENVIRONMENT
    assert up.text.count("trader | broken pipe of thought\n") == 1 + QUICK.per_hour_max
    assert "The trader died 4 times within an hour, now by exit code 70, and is not started again" in up.text
    assert [one.state for one in up.supervisor.children] == [ChildState.OVER, ChildState.OVER]


@pytest.mark.parametrize("code", [ExitCode.USAGE, ExitCode.ENVIRONMENT, ExitCode.REFUSED])
async def test_a_refusal_is_reported_in_the_childs_own_words_and_not_repeated(tmp_path: Path, code: int) -> None:
    refusing = child("trader", f"import sys; print('Set the paper key.', file=sys.stderr); sys.exit({int(code)})")
    async with service(tmp_path, refusing) as up:
        assert await asyncio.wait_for(up.ending, WAIT_S) == code
    assert up.text.count("trader | Set the paper key.\n") == 1
    assert "is not started again. Its last words: Set the paper key.\n" in up.text


async def test_a_program_that_is_not_there_is_said_and_not_tried_again(tmp_path: Path) -> None:
    missing = ChildSpec("trader", lambda _: [str(tmp_path / "nothing")], beats=True, policy=QUICK)
    async with service(tmp_path, missing) as up:
        assert await asyncio.wait_for(up.ending, WAIT_S) == ExitCode.ENVIRONMENT
    assert "No such file or directory" in up.text


async def test_a_child_that_does_not_end_is_killed_after_its_time(tmp_path: Path) -> None:
    import msgspec

    deaf = trader(tmp_path, "deaf", policy=msgspec.structs.replace(QUICK, stop_ns=SECOND_NS // 5))
    async with service(tmp_path, deaf) as up:
        await up.until(up.ready)
        assert await up.end() == ExitCode.ENVIRONMENT
    assert "The trader did not end within 0.2 s and is killed" in up.text
    assert not _is_alive(up.ready()[0])


async def test_what_serves_a_child_starts_before_it_and_ends_after_it(tmp_path: Path) -> None:
    noting = f"open({str(tmp_path / 'notes')!r}, 'a').write('0 venue ended\\n')"
    venue = FOR_EVER.replace("sys.exit(0)", f"sys.exit({noting} * 0)")
    given: list[str] = []

    def argv(announced: Announced) -> list[str]:
        given.append(announced["venue"])
        return [sys.executable, "-m", "tests.service.fake_trader", str(tmp_path)]

    async with service(tmp_path, child("venue", venue, announces=True), ChildSpec("trader", argv, beats=True)) as up:
        await up.until(up.ready)
        assert given == ["up"]
        assert await up.end() == ExitCode.OK
        assert [words for _, words in up.notes()] == ["ready", "ended", "venue ended"]
    assert up.text == "test: stopping.\n"


async def test_long_lines_binary_and_a_last_word_without_an_end_come_through(tmp_path: Path) -> None:
    talk = "import sys; e = sys.stderr.buffer; e.write(b'x' * 40_000 + b'\\n' + b'\\xff\\n\\n' + b'the end'); e.flush(); sys.exit(4)"
    async with service(tmp_path, child("trader", talk)) as up:
        await asyncio.wait_for(up.ending, WAIT_S)
    assert up.said.count(b"x" * 16_384) >= 2
    assert b"trader | \xff\n" in up.said
    assert b"trader | the end\n" in up.said


async def test_a_second_supervisor_of_a_home_is_refused(tmp_path: Path) -> None:
    async with service(tmp_path, child("venue", FOR_EVER)) as up:
        await up.until((tmp_path / "health.json").exists)
        with pytest.raises(HomeInUseError, match="Another `tidegate up` works in"):
            lock_home(tmp_path)
        await up.end()
    os.close(lock_home(tmp_path))


SCENE = """
    import asyncio, sys
    from pathlib import Path
    from tests.service.guarding import Service, trader

    async def main():
        home = Path(sys.argv[1])
        up = Service(home, [trader(home)])
        try:
            return await up.ending
        finally:
            print(up.text, flush=True)

    sys.exit(asyncio.run(main()))
"""


def _start(home: Path) -> subprocess.Popen[str]:
    import textwrap

    command = [sys.executable, "-c", textwrap.dedent(SCENE), str(home)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)


def _ready(home: Path) -> list[int]:
    path = home / "notes"
    return [int(line.split()[0]) for line in path.read_text().splitlines() if line.endswith(" ready")] if path.exists() else []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_supervisor_and_trader_in_order(tmp_path: Path, number: signal.Signals) -> None:
    up = _start(tmp_path)
    await until(lambda: _ready(tmp_path))
    up.send_signal(number)
    said, _ = await asyncio.to_thread(up.communicate, timeout=WAIT_S)
    assert up.returncode == 0, said
    assert f"{number.name}: stopping." in said
    assert (tmp_path / "notes").read_text().endswith(" ended\n")


async def test_the_trader_of_a_killed_supervisor_ends_and_until_then_no_other_is_started(tmp_path: Path) -> None:
    up = _start(tmp_path)
    await until(lambda: _ready(tmp_path))
    (pid,) = _ready(tmp_path)
    os.kill(pid, signal.SIGSTOP)  # it cannot notice yet
    up.kill()
    await asyncio.to_thread(up.communicate, timeout=WAIT_S)
    with pytest.raises(HomeInUseError, match="its trader has not ended yet"):
        lock_home(tmp_path)
    os.kill(pid, signal.SIGCONT)
    await until(lambda: (tmp_path / "notes").read_text().endswith("orphaned\n" + f"{pid} ended\n"))
    await until(lambda: _is_free(tmp_path))


def _are_ready(up: Service, count: int) -> bool:
    return len(up.ready()) == count


def _proc(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def _is_free(home: Path) -> bool:
    try:
        os.close(lock_home(home))
    except HomeInUseError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
